//! Processes that fork: no hang, nothing twice, and a child that logs like any other process.

mod support;

use nexlog::{Archive, Compression, File, Json, KIB, Mode, Rotate, info};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};
use support::child::{self, told};
use support::{Folder, MODES, PATIENCE, assert_balanced, lines, mode, scaled};

support::child::harness! {
    tests: [
        a_storm_of_forks_loses_and_doubles_nothing,
        a_child_whose_parent_hangs_in_a_sink_does_not,
        what_was_logged_before_a_logger_is_the_parents,
        a_sink_that_logs_elsewhere_does_not_hold_a_fork,
        an_allocator_that_logs_does_not_hold_a_fork,
        a_child_tells_no_losses_of_its_parents_and_has_ids_of_its_own,
        a_child_has_locks_of_its_own,
        a_fork_is_not_held_by_call_sites_that_are_new,
    ],
    scenes: [storm, hanging, early, nested, allocator, losses, locks, sites],
}

/// Runs `work` in a forked child, which then ends as `main` does. The child's exit code, or -1 of
/// one that hangs.
fn fork(work: impl FnOnce()) -> i32 {
    // SAFETY: the child goes on as this thread alone, and calls what works with that.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0);
    if pid == 0 {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        std::process::exit(i32::from(outcome.is_err()));
    }
    let (mut status, end) = (0, Instant::now() + PATIENCE);
    loop {
        // SAFETY: a child of ours.
        let ended = unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) };
        if ended == pid {
            return libc::WEXITSTATUS(status) + 256 * libc::WTERMSIG(status);
        }
        if Instant::now() > end {
            // SAFETY: as above.
            unsafe { libc::kill(pid, libc::SIGKILL) };
            return -1;
        }
        std::thread::sleep(Duration::from_micros(100));
    }
}

const THREADS: u64 = 8;
const RECORDS: u64 = 20;

/// Eight threads log while the main thread forks; each child logs as a thread of its own number.
fn storm() {
    let path = told("FILE");
    let mut file = File::at(&path).format(Json::new());
    if told("KIND") == "rotated" {
        file = file.rotate(Rotate::size(128 * KIB)).archive(Archive::sequence());
    }
    if told("KIND") == "compressed" {
        file = file.rotate(Rotate::size(128 * KIB)).archive(Archive::sequence());
        file = file.compress(Compression::Gzip);
    }
    let logger = nexlog::builder().file(file).mode(mode(&told("MODE"))).install().unwrap();
    let (stop, forks) = (AtomicBool::new(false), told("FORKS").parse::<u64>().unwrap());
    let counts = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let stop = &stop;
                scope.spawn(move || {
                    let mut number = 0_u64;
                    while !stop.load(SeqCst) {
                        info!("step", thread, number);
                        number += 1;
                        if number.is_multiple_of(8) {
                            std::thread::sleep(Duration::from_millis(2));
                        }
                    }
                    number
                })
            })
            .collect();
        for child in 0..forks {
            let code = fork(|| {
                let thread = THREADS + child;
                let log = move |from: u64, to: u64| {
                    (from..to).for_each(|number| info!("step", thread, number));
                };
                log(0, RECORDS / 2);
                // Another thread, which cannot have a lane of the parent's.
                std::thread::spawn(move || log(RECORDS / 2, RECORDS)).join().unwrap();
                if child.is_multiple_of(2) {
                    logger.flush(PATIENCE).unwrap();
                    let stats = logger.stats();
                    assert_balanced(&stats);
                    assert_eq!((stats.written, stats.errors), (RECORDS, 0));
                }
            });
            assert_eq!(code, 0, "child {child}");
        }
        stop.store(true, SeqCst);
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<u64>>()
    });
    logger.flush(PATIENCE).unwrap();
    let stats = logger.stats();
    assert_balanced(&stats);
    assert_eq!((stats.written, stats.errors), (counts.iter().sum::<u64>(), 0));
    println!("{}", counts.iter().map(u64::to_string).collect::<Vec<_>>().join(" "));
}

fn all_lines(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.retain(|name| name.starts_with("app.log."));
    names.sort();
    names.push("app.log".to_owned());
    names.iter().flat_map(|name| lines::of_archive(&folder.join(name))).collect()
}

fn a_storm_of_forks_loses_and_doubles_nothing() {
    let forks = scaled(100, 1_000);
    for ((mode, _), kind) in MODES
        .into_iter()
        .flat_map(|mode| ["plain", "rotated", "compressed"].map(|kind| (mode, kind)))
    {
        let folder = Folder::new();
        let (path, forks_text) = (folder.file("app.log"), forks.to_string());
        let variables = [
            ("FILE", path.to_str().unwrap()),
            ("MODE", mode),
            ("KIND", kind),
            ("FORKS", &forks_text),
        ];
        let outcome = child::run("storm", &variables).expect_success();
        let counts = outcome.stdout.trim().split(' ').map(|count| count.parse::<u64>().unwrap());
        let children = (0..forks).map(|_| RECORDS);
        let counts: Vec<u64> = counts.chain(children).collect();
        lines::assert_steps(&all_lines(folder.path()), &counts);
    }
}

/// A sink that hangs while the process forks.
fn hanging() {
    static HANGS: AtomicBool = AtomicBool::new(false);
    let slow = support::sinks::Each(|_: &nexlog::Batch<'_>| {
        HANGS.store(true, SeqCst);
        std::thread::sleep(Duration::from_secs(8));
        Ok(())
    });
    let logger = nexlog::builder().sink(slow).mode(Mode::Immediate).build().unwrap();
    let for_thread = logger.clone();
    std::thread::spawn(move || info!(logger(&for_thread), "hangs"));
    while !HANGS.load(SeqCst) {
        std::thread::yield_now();
    }
    let began = Instant::now();
    let code = fork(|| {
        info!(logger(&logger), "goes nowhere");
        assert!(logger.flush(Duration::from_millis(100)).is_err());
        // SAFETY: without what the end of a process does, which is not looked at here.
        unsafe { libc::_exit(0) };
    });
    assert_eq!(code, 0);
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    // SAFETY: as above.
    unsafe { libc::_exit(0) };
}

fn a_child_whose_parent_hangs_in_a_sink_does_not() {
    child::run("hanging", &[]).expect_success();
}

fn early() {
    info!("step", thread = 0, number = 0);
    let install = || nexlog::builder().file(File::at(told("FILE"))).install().unwrap();
    let code = fork(|| {
        install();
        info!("step", thread = 1, number = 0);
    });
    assert_eq!(code, 0);
    install();
}

fn what_was_logged_before_a_logger_is_the_parents() {
    let folder = Folder::new();
    let path = folder.file("app.log");
    child::run("early", &[("FILE", path.to_str().unwrap())]).expect_success();
    lines::assert_steps(&lines::of_file(&path), &[1, 1]);
}

/// A sink that logs to another logger while the process forks.
fn nested() {
    static IS_IN: AtomicBool = AtomicBool::new(false);
    let inner = nexlog::builder().sink(nexlog::Memory::new()).build().unwrap();
    let sink = support::sinks::Each(move |_: &nexlog::Batch<'_>| {
        IS_IN.store(true, SeqCst);
        std::thread::sleep(Duration::from_millis(100));
        info!(logger(&inner), "inner");
        Ok(())
    });
    let outer = nexlog::builder().sink(sink).build().unwrap();
    let for_thread = outer.clone();
    let thread = std::thread::spawn(move || info!(logger(&for_thread), "outer"));
    while !IS_IN.load(SeqCst) {
        std::thread::yield_now();
    }
    let began = Instant::now();
    let code = fork(|| {
        info!(logger(&outer), "of the child");
        outer.flush(PATIENCE).unwrap();
    });
    assert_eq!(code, 0);
    thread.join().unwrap();
    assert!(began.elapsed() < Duration::from_millis(1_500), "{:?}", began.elapsed());
}

fn a_sink_that_logs_elsewhere_does_not_hold_a_fork() {
    child::run("nested", &[]).expect_success();
}

/// Logs each allocation while it is told to.
struct Logging;

static LOGS: AtomicBool = AtomicBool::new(false);

thread_local! {
    static IS_BUSY: Cell<bool> = const { Cell::new(false) };
}

// SAFETY: every call is passed on to the system's allocator with the same arguments.
unsafe impl GlobalAlloc for Logging {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if LOGS.load(SeqCst) && !IS_BUSY.replace(true) {
            info!("allocated", bytes = layout.size());
            IS_BUSY.set(false);
        }
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Logging = Logging;

fn allocator() {
    nexlog::builder().file(File::at(told("FILE"))).install().unwrap();
    LOGS.store(true, SeqCst);
    let code = fork(|| LOGS.store(false, SeqCst));
    LOGS.store(false, SeqCst);
    assert_eq!(code, 0);
}

fn an_allocator_that_logs_does_not_hold_a_fork() {
    let folder = Folder::new();
    let path = folder.file("app.log");
    child::run("allocator", &[("FILE", path.to_str().unwrap())]).expect_success();
}

/// What was lost before the fork is told once, by the parent; trace ids are never the same.
fn losses() {
    static FAILS: AtomicBool = AtomicBool::new(true);
    let (path, ids) = (told("FILE"), format!("{}.ids", told("FILE")));
    let append = |path: &str, bytes: &[u8]| {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        std::io::Write::write_all(&mut file, bytes).unwrap();
    };
    let sink = support::sinks::Each(move |batch: &nexlog::Batch<'_>| {
        if FAILS.load(SeqCst) {
            return Err(std::io::Error::other("no").into());
        }
        append(&path, batch.bytes());
        Ok(())
    });
    let logger = nexlog::builder().sink(sink).on_error(|_| {}).install().unwrap();
    (0..5).for_each(|number| info!("lost", number));
    FAILS.store(false, SeqCst);
    let begin = || {
        let _span = nexlog::span!("request").entered();
        let id = nexlog::Context::current().traceparent().unwrap();
        append(&ids, format!("{id}\n").as_bytes());
        info!("after");
    };
    for _ in 0..3 {
        let code = fork(|| {
            begin();
            logger.flush(PATIENCE).unwrap();
            assert_eq!((logger.stats().own, logger.stats().dropped), (0, 0));
        });
        assert_eq!(code, 0);
    }
    begin();
}

fn a_child_tells_no_losses_of_its_parents_and_has_ids_of_its_own() {
    let folder = Folder::new();
    let path = folder.file("app.log");
    child::run("losses", &[("FILE", path.to_str().unwrap())]).expect_success();
    let records = lines::parse(&lines::of_file(&path));
    assert_eq!(lines::with_message(&records, "after").len(), 4);
    assert_eq!(lines::sum(&records, "records lost by sink", "dropped"), 5);
    let ids = lines::of_file(&folder.file("app.log.ids"));
    let mut distinct: Vec<_> = ids.iter().map(|id| id.split('-').nth(1).unwrap()).collect();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), 4, "{ids:?}");
}

/// A child that rotates, or drops its logger, first of all.
fn locks() {
    let file = || {
        let file = File::at(told("FILE")).format(Json::new()).preallocate(64 * KIB);
        file.rotate(Rotate::size(KIB)).archive(Archive::sequence())
    };
    let logger = nexlog::builder().file(file()).build().unwrap();
    let lock = std::fs::File::open(Path::new(&told("FILE")).with_file_name(".app.log.lock"));
    let lock = lock.unwrap();
    let is_free = || {
        let number = std::os::fd::AsRawFd::as_raw_fd(&lock);
        // SAFETY: an open file.
        unsafe {
            libc::flock(number, libc::LOCK_EX | libc::LOCK_NB) == 0
                && libc::flock(number, libc::LOCK_UN) == 0
        }
    };
    let mut number = 0;
    for round in 0..20 {
        info!(logger(&logger), "step", thread = 0, number);
        number += 1;
        let began = Instant::now();
        let mut mine = Some(logger.clone());
        let code = fork(|| match round % 2 {
            0 => mine.as_ref().unwrap().rotate().unwrap(),
            _ => drop(mine.take()),
        });
        assert_eq!(code, 0);
        assert!(is_free(), "the lock is left behind");
        assert!(began.elapsed() < Duration::from_millis(900), "waited for itself");
    }
    println!("{number}");
}

fn a_child_has_locks_of_its_own() {
    let folder = Folder::new();
    let path = folder.file("app.log");
    let outcome = child::run("locks", &[("FILE", path.to_str().unwrap())]).expect_success();
    let count = outcome.stdout.trim().parse().unwrap();
    lines::assert_steps(&all_lines(folder.path()), &[count]);
}

macro_rules! ten_times {
    ($($code:tt)*) => {
        $($code)* $($code)* $($code)* $($code)* $($code)*
        $($code)* $($code)* $($code)* $($code)* $($code)*
    };
}

/// One thread comes to new call sites, which are told to the ring, while another one forks.
fn sites() {
    let path = told("FILE");
    let logger = nexlog::builder().file(File::at(&path)).mode(Mode::Background).build().unwrap();
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            ten_times! { ten_times! { ten_times! { info!(logger(logger), "new"); } } }
            is_done.store(true, SeqCst);
        });
        while !is_done.load(SeqCst) {
            let begun = Instant::now();
            let code = fork(|| info!(logger(logger), "in a child"));
            assert_eq!(code, 0);
            let took = begun.elapsed();
            assert!(took < Duration::from_millis(1_500), "{took:?}");
        }
    });
}

fn a_fork_is_not_held_by_call_sites_that_are_new() {
    for _ in 0..scaled(20, 200) {
        let folder = Folder::new();
        let path = folder.file("app.log");
        child::run("sites", &[("FILE", path.to_str().unwrap())]).expect_success();
    }
}
