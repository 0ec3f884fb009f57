//! Places where a program hardly expects a logger to work: threads that signals interrupt all the
//! time, an allocator that logs, and a format that logs in a thread that is ending. Values, sinks
//! and hooks that log are in `reentrancy`, destructors and exit handlers in `exit_paths`.
//!
//! Each scene is a child: one that hangs, panics or loses what it did not count fails.

mod support;

use nexlog::{
    Archive, Buffer, Console, File, Format, Json, KIB, Level, Memory, Mode, Overflow, Record,
    Rotate, info,
};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, RefCell};
use std::io::{PipeReader, Read};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};
use std::{mem, ptr};
use support::child::{self, Outcome, told};
use support::{Folder, MODES, PATIENCE, assert_balanced, lines, mode, scaled};

support::child::harness! {
    tests: [
        signals_in_the_middle_of_records_lose_and_double_nothing,
        an_allocator_that_logs_does_not_hang,
        a_format_that_logs_in_a_thread_that_ends_does_not_hang,
    ],
    scenes: [interrupted, allocator, last_words],
}

/// A place that hangs does so for good: what takes longer than this has waited for itself.
const NO_HANG: Duration = Duration::from_secs(5);

#[track_caller]
fn run(scene: &str, variables: &[(&str, &str)]) -> Outcome {
    let outcome = child::run(scene, variables).expect_success();
    assert!(
        outcome.took < NO_HANG * support::slower(),
        "{scene} {variables:?} took {:?}",
        outcome.took
    );
    outcome
}

/// A timer that interrupts this thread, again and again, until dropped.
struct Interrupter(libc::timer_t);

impl Interrupter {
    fn every(period: Duration) -> Interrupter {
        let each = libc::timespec { tv_sec: 0, tv_nsec: i64::from(period.subsec_nanos()) };
        let times = libc::itimerspec { it_interval: each, it_value: each };
        // SAFETY: all zeros is a valid event; the timer is made for this thread and armed with
        // valid times, and the signal that it sends has a handler already.
        unsafe {
            let mut event: libc::sigevent = mem::zeroed();
            event.sigev_notify = libc::SIGEV_THREAD_ID;
            event.sigev_signo = libc::SIGUSR1;
            event.sigev_notify_thread_id = libc::gettid();
            let mut timer = ptr::null_mut();
            let clock = libc::CLOCK_MONOTONIC;
            assert_eq!(libc::timer_create(clock, &raw mut event, &raw mut timer), 0);
            assert_eq!(libc::timer_settime(timer, 0, &raw const times, ptr::null_mut()), 0);
            Interrupter(timer)
        }
    }
}

impl Drop for Interrupter {
    fn drop(&mut self) {
        // SAFETY: made by `every`, deleted once.
        unsafe { libc::timer_delete(self.0) };
    }
}

static SIGNALS: AtomicU64 = AtomicU64::new(0);
/// Bytes that found room in the pipe.
static RUNG: AtomicU64 = AtomicU64::new(0);
/// The end of a pipe that somebody listens to.
static BELL: AtomicI32 = AtomicI32::new(-1);

/// What a handler does that wants something logged: it tells a thread, and logs nothing itself.
extern "C" fn ring(_: i32) {
    SIGNALS.fetch_add(1, SeqCst);
    // SAFETY: this thread's own `errno`, and one readable byte.
    unsafe {
        let errno = libc::__errno_location();
        let before = *errno;
        if libc::write(BELL.load(SeqCst), [0_u8].as_ptr().cast(), 1) == 1 {
            RUNG.fetch_add(1, SeqCst);
        }
        *errno = before; // the interrupted call's
    }
}

/// Listens to the signal. Without `SA_RESTART`, so that system calls are interrupted.
fn listen() -> (PipeReader, std::io::PipeWriter) {
    let (reader, writer) = std::io::pipe().unwrap();
    BELL.store(writer.as_raw_fd(), SeqCst);
    // SAFETY: all zeros is a valid `sigaction`, the handler does what a handler may, and the
    // pipe is open.
    unsafe {
        assert_eq!(libc::fcntl(writer.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK), 0);
        let mut action: libc::sigaction = mem::zeroed();
        action.sa_sigaction = ring as *const () as usize;
        assert_eq!(libc::sigaction(libc::SIGUSR1, &raw const action, ptr::null_mut()), 0);
    }
    (reader, writer)
}

const THREADS: u64 = 4;

/// Four threads log to a pipe and to a file that rotates, each interrupted a thousand times a
/// second; a fifth one logs what the handler tells it.
fn interrupted() {
    let rotated = File::at(told("FILE")).rotate(Rotate::size(256 * KIB));
    let logger = nexlog::builder()
        .console(Console::stdout().format(Json::new()))
        .file(rotated.archive(Archive::sequence()))
        .mode(mode(&told("MODE")))
        .lane_bytes(32 * KIB)
        .flush_level(Level::Error)
        .install()
        .unwrap();
    let (mut reader, writer) = listen();
    // SAFETY: a pipe of this process's. A small one, so that most writes wait, and are
    // interrupted, in the middle or before the first byte.
    assert_eq!(unsafe { libc::fcntl(1, libc::F_SETPIPE_SZ, 4096) }, 4096);
    let heard = std::thread::spawn(move || {
        let (mut byte, mut number) = ([0], 0_u64);
        while reader.read_exact(&mut byte).is_ok() {
            info!("step", thread = THREADS, number);
            number += 1;
        }
        number
    });
    let length = Duration::from_millis(told("LENGTH_MS").parse().unwrap());
    let mut counts = std::thread::scope(|scope| {
        let log = |thread: u64| {
            let (timer, end) =
                (Interrupter::every(Duration::from_millis(1)), Instant::now() + length);
            let mut number = 0_u64;
            while Instant::now() < end {
                for _ in 0..100 {
                    info!("step", thread, number);
                    // The long way of a call, too.
                    info!("step", thread, number = (number + 1));
                    number += 2;
                }
                std::thread::sleep(Duration::from_micros(500));
            }
            drop(timer);
            number
        };
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || log(thread))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<u64>>()
    });
    drop(writer);
    counts.push(heard.join().unwrap());
    assert_eq!(counts[4], RUNG.load(SeqCst));
    assert!(SIGNALS.load(SeqCst) > 400, "{} signals", SIGNALS.load(SeqCst));
    logger.flush(PATIENCE).unwrap();
    let stats = logger.stats();
    assert_balanced(&stats);
    assert_eq!((stats.accepted, stats.dropped, stats.errors), (counts.iter().sum(), 0, 0));
    eprintln!("{}", counts.iter().map(u64::to_string).collect::<Vec<_>>().join(" "));
}

/// The lines of a file and its archives, from the oldest.
fn all_lines(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.retain(|name| name.starts_with("app.log."));
    names.sort();
    names.push("app.log".to_owned());
    names.iter().flat_map(|name| lines::of_file(&folder.join(name))).collect()
}

fn signals_in_the_middle_of_records_lose_and_double_nothing() {
    for (mode, _) in MODES {
        let folder = Folder::new();
        let (path, length) = (folder.file("app.log"), scaled(700, 10_000).to_string());
        let variables = [("FILE", path.to_str().unwrap()), ("MODE", mode), ("LENGTH_MS", &length)];
        let outcome = run("interrupted", &variables);
        let counts: Vec<u64> =
            outcome.stderr.split_whitespace().map(|count| count.parse().unwrap()).collect();
        let streamed: Vec<_> = outcome.stdout.lines().collect();
        lines::assert_steps(&streamed, &counts);
        lines::assert_steps(&all_lines(folder.path()), &counts);
    }
}

/// Logs each of so many allocations, whoever makes them, or none.
struct Logging;

static EACH: AtomicU64 = AtomicU64::new(0);
static ALLOCATED: AtomicU64 = AtomicU64::new(0);
/// Calls of the allocator's that have returned.
static RETURNED: AtomicU64 = AtomicU64::new(0);
/// Threads that are between their look at `EACH` and the end of what it made them log.
static INSIDE: AtomicU64 = AtomicU64::new(0);

fn told_of(bytes: usize) {
    INSIDE.fetch_add(1, SeqCst);
    log_each(bytes);
    INSIDE.fetch_sub(1, SeqCst);
}

fn log_each(bytes: usize) {
    let each = EACH.load(SeqCst);
    if each > 0 && ALLOCATED.fetch_add(1, SeqCst).is_multiple_of(each) {
        info!("allocated", bytes);
        RETURNED.fetch_add(1, SeqCst);
    }
}

// SAFETY: every call is passed on to the system's allocator with the same arguments.
unsafe impl GlobalAlloc for Logging {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        told_of(layout.size());
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        told_of(layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        told_of(bytes);
        // SAFETY: as above.
        unsafe { System.realloc(ptr, layout, bytes) }
    }
}

#[global_allocator]
static ALLOCATOR: Logging = Logging;

/// The allocator logs from before there is a logger on: while it is installed, while threads get
/// their lanes, in passes, while files rotate, and when threads end.
fn allocator() {
    EACH.store(told("EACH").parse().unwrap(), SeqCst);
    let file = File::at(told("FILE")).rotate(Rotate::size(64 * KIB)).archive(Archive::sequence());
    let logger = nexlog::builder().file(file).mode(mode(&told("MODE"))).install().unwrap();
    let log = |thread: u64| {
        for number in 0_u64..500 {
            info!("step", thread, number);
            let text = vec!["x"; usize::try_from(number % 100).unwrap()].concat();
            let _scope = nexlog::context!(text = display(&text));
            info!("text", thread, text = debug(&text));
        }
    };
    // Joined, as a thread that ends frees memory to the last.
    let threads: Vec<_> =
        (0..THREADS).map(|thread| std::thread::spawn(move || log(thread))).collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    logger.flush(PATIENCE).unwrap();
    EACH.store(0, SeqCst);
    // The worker may still log what it has allocated before.
    while INSIDE.load(SeqCst) > 0 {
        std::thread::yield_now();
    }
    // Once more, as the last pass has allocated, too.
    logger.flush(PATIENCE).unwrap();
    let stats = logger.stats();
    assert_balanced(&stats);
    let returned = RETURNED.load(SeqCst);
    assert!(returned > 100, "{returned} records of the allocator");
    assert_eq!(stats.accepted, 2 * 500 * THREADS + returned, "{stats:#?}");
    assert_eq!(stats.errors, 0);
    eprintln!("{} {}", stats.written, stats.dropped);
}

fn an_allocator_that_logs_does_not_hang() {
    for each in ["64", "7", "1"] {
        for (mode, _) in MODES {
            let folder = Folder::new();
            let path = folder.file("app.log");
            let variables = [("FILE", path.to_str().unwrap()), ("MODE", mode), ("EACH", each)];
            let outcome = run("allocator", &variables);
            let numbers: Vec<u64> =
                outcome.stderr.split_whitespace().map(|number| number.parse().unwrap()).collect();
            let records = lines::parse(&all_lines(folder.path()));
            let is_users = |record: &&serde_json::Value| record["msg"] != "records dropped";
            let written = records.iter().filter(is_users).count() as u64;
            assert_eq!(written, numbers[0], "{mode}, each {each}");
            let told = lines::sum(&records, "records dropped", "dropped");
            assert_eq!(told, numbers[1], "{mode}, each {each}: losses that were told");
            // What the program itself logs is lost nowhere.
            for thread in 0..THREADS {
                let steps = lines::with_message(&records, "step");
                let steps = steps.iter().filter(|record| record["thread"] == thread);
                let numbers: Vec<_> = steps.map(|r| r["number"].as_u64().unwrap()).collect();
                assert_eq!(numbers, (0..500).collect::<Vec<u64>>(), "{mode}, each {each}");
            }
        }
    }
}

thread_local! {
    /// Whether this thread is ending. Without a destructor, so that it can be asked to the last.
    static ENDS: Cell<bool> = const { Cell::new(false) };
    static BEFORE: RefCell<Option<LogsWhenDropped>> = const { RefCell::new(None) };
    static BEHIND: RefCell<Option<LogsWhenDropped>> = const { RefCell::new(None) };
}

struct LogsWhenDropped(u64);

impl Drop for LogsWhenDropped {
    fn drop(&mut self) {
        ENDS.set(true);
        info!("from a destructor", thread = self.0);
        info!("from a destructor", thread = self.0, text = display("long way"));
    }
}

/// Logs each record that a destructor made, in the thread that encodes it.
struct LogsInFormat;

/// How often it did so in a thread that was ending, and elsewhere.
static SAID: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];

impl Format for LogsInFormat {
    fn encode(&self, record: &Record<'_>, out: &mut Buffer) {
        let message = record.message().map_or(String::new(), |message| message.to_string());
        if message == "from a destructor" {
            info!("from the format", short = 1);
            info!("from the format", text = display("long way"));
            SAID[usize::from(ENDS.get())].fetch_add(2, SeqCst);
        }
        out.push_str(&format!("{{\"msg\":\"{message}\"}}\n"));
    }
}

fn last_words() {
    const ENDING: u64 = 200;
    let memory = Memory::new();
    let overflow = if told("OVERFLOW") == "block" { Overflow::Block } else { Overflow::DropNewest };
    let output = memory.clone().format(LogsInFormat);
    let builder = nexlog::builder().sink(output).mode(mode(&told("MODE"))).overflow(overflow);
    let logger = builder.install().unwrap();
    for thread in 0..ENDING / 4 {
        // Two at a time, so that one may meet the other's pass.
        std::thread::scope(|scope| {
            for thread in [2 * thread, 2 * thread + 1] {
                let ends = scope.spawn(move || {
                    BEFORE.set(Some(LogsWhenDropped(thread)));
                    info!("between", thread);
                    BEHIND.set(Some(LogsWhenDropped(thread)));
                });
                drop(ends);
            }
        });
    }
    // A scope waits for the threads' closures, not for their destructors.
    let expected = 5 * ENDING / 2;
    support::wait_until("all have said their last words", || {
        logger.flush(PATIENCE).unwrap();
        let said: u64 = SAID.iter().map(|said| said.load(SeqCst)).sum();
        let stats = logger.stats();
        stats.accepted == expected + said && stats.accepted == stats.written + stats.dropped
    });
    let (stats, records) = (logger.stats(), lines::parse(&memory.lines()));
    assert_balanced(&stats);
    let count = |message: &str| lines::with_message(&records, message).len() as u64;
    assert_eq!(count("between"), ENDING / 2);
    let written = count("between") + count("from a destructor") + count("from the format");
    assert_eq!(written, stats.written);
    if overflow == Overflow::Block {
        assert_eq!(count("from a destructor"), 2 * ENDING, "{stats:#?}");
    }
    let ending = SAID[1].load(SeqCst);
    let is_callers = mode(&told("MODE")) != Mode::Background || overflow == Overflow::Block;
    assert!(ending > 0 || !is_callers, "no thread that ends has run the format");
}

fn a_format_that_logs_in_a_thread_that_ends_does_not_hang() {
    for (mode, _) in MODES {
        for overflow in ["block", "drop"] {
            run("last_words", &[("MODE", mode), ("OVERFLOW", overflow)]);
        }
    }
}
