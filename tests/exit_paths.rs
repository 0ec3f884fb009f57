//! Every record whose call returned is written, however the process ends.
//!
//! A scene logs numbered records; after each call it stores the number in a page that outlives
//! it. Whatever that page says must be in the file.

mod support;

use nexlog::{File, Logger, info};
use std::cell::{Cell, RefCell};
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;
use support::child::{self, Outcome, told};
use support::witness::Witness;
use support::{Folder, MODES, lines, mode, scaled};

support::child::harness! {
    tests: [
        a_return_from_main_writes_all,
        a_handle_bound_to_underscore_or_dropped_changes_nothing,
        process_exit_from_main_writes_all,
        process_exit_from_another_thread_writes_all,
        a_panic_in_main_writes_all,
        records_of_detached_threads_that_never_stop_are_written,
        records_of_threads_that_come_and_go_are_written,
        a_short_flush_interval_opens_no_gap_at_exit,
        handlers_of_exit_can_log_whenever_they_were_registered,
        thread_local_destructors_can_log_in_both_orders,
        local_loggers_that_nobody_drops_are_written,
        a_sink_that_hangs_holds_no_exit_for_long,
    ],
    scenes: [
        returns, bound_to_underscore, dropped_at_once, exits, exits_elsewhere, panics, detached, churn,
        handlers, thread_locals, local_in_static, stuck,
    ],
}

const RECORDS: u64 = 500;

fn install() -> Logger {
    let builder = nexlog::builder().file(File::at(told("FILE"))).mode(mode(&told("MODE")));
    // Long enough that nothing but the end of the process writes what is left.
    let interval = std::env::var("INTERVAL_US").map_or(3_600_000_000, |us| us.parse().unwrap());
    builder.flush_interval(Duration::from_micros(interval)).install().unwrap()
}

fn witness() -> Witness {
    Witness::at(Path::new(&told("WITNESS")))
}

fn log_some(thread: u64) {
    for number in 0..RECORDS {
        info!("step", thread, number);
        witness().saw(usize::try_from(thread).unwrap(), number + 1);
    }
}

fn returns() {
    let _logger = install();
    log_some(0);
}

fn bound_to_underscore() {
    let _ = install();
    log_some(0);
}

fn dropped_at_once() {
    drop(install());
    log_some(0);
}

fn exits() {
    let _logger = install();
    log_some(0);
    std::process::exit(7);
}

fn exits_elsewhere() {
    let _logger = install();
    log_some(0);
    std::thread::spawn(|| {
        log_some(1);
        std::process::exit(7);
    });
    loop {
        std::thread::park();
    }
}

fn panics() {
    let _logger = install();
    log_some(0);
    panic!("on purpose");
}

fn detached() {
    let _logger = install();
    let threads: u64 = told("THREADS").parse().unwrap();
    for thread in 0..threads {
        std::thread::spawn(move || {
            let witness = witness();
            for number in 0.. {
                info!("step", thread, number);
                witness.saw(usize::try_from(thread).unwrap(), number + 1);
            }
        });
    }
    let witness = witness();
    while (0..threads).any(|thread| witness.last(usize::try_from(thread).unwrap()) < 20) {
        std::thread::yield_now();
    }
    std::thread::sleep(Duration::from_micros(told("SPIN_US").parse().unwrap()));
    if told("END") == "exit" {
        std::process::exit(0);
    }
}

const CHURNING: u64 = 8;

/// Logs when its thread ends.
struct LastWords(Cell<Option<(u64, u64)>>);

impl Drop for LastWords {
    fn drop(&mut self) {
        if let Some((thread, number)) = self.0.take() {
            info!("step", thread, number);
        }
    }
}

thread_local! {
    static LAST: LastWords = const { LastWords(Cell::new(None)) };
}

/// Eight threads that start one thread after the other, of which each logs two records; after so
/// many the process ends, and they go on until then.
fn churn() {
    let logger = install();
    let (threads, counts) = (told("THREADS").parse::<u64>().unwrap(), witness());
    for spawner in 0..CHURNING {
        std::thread::spawn(move || {
            for number in 0.. {
                let log = move || {
                    // Of every two threads, one logs its last record behind its lane's end.
                    if number % 2 == 0 {
                        LAST.with(|_| ());
                    }
                    info!("step", thread = spawner, number = (2 * number));
                    LAST.with(|last| last.0.set(Some((spawner, 2 * number + 1))));
                };
                // Where there is no room for one more thread at present, the next may find some.
                while std::thread::Builder::new().spawn(log).map(JoinHandle::join).is_err() {}
                counts.saw(usize::try_from(spawner).unwrap(), 2 * number + 2);
            }
        });
    }
    let done = |spawner: u64| counts.last(usize::try_from(spawner).unwrap());
    while (0..CHURNING).map(done).sum::<u64>() < 2 * threads {
        std::thread::sleep(Duration::from_millis(1));
    }
    let lanes = logger.stats().lanes;
    assert!(lanes <= 4 * CHURNING, "{lanes} lanes");
    if told("END") == "exit" {
        std::process::exit(0);
    }
}

struct Run {
    outcome: Outcome,
    lines: Vec<String>,
    witness: Witness,
    _folder: Folder,
}

#[track_caller]
fn run(scene: &str, mode: &str, more: &[(&str, &str)]) -> Run {
    let folder = Folder::new();
    let (file, page) = (folder.file("app.log"), folder.file("witness"));
    let mut variables =
        vec![("FILE", file.to_str().unwrap()), ("WITNESS", page.to_str().unwrap()), ("MODE", mode)];
    variables.extend(more);
    let outcome = child::run(scene, &variables);
    let read =
        if ["detached", "churn"].contains(&scene) { lines::whole_of_file } else { lines::of_file };
    let written = read(&file);
    Run { outcome, lines: written, witness: Witness::at(&page), _folder: folder }
}

#[track_caller]
fn assert_all_written(scene: &str, counts: &[u64], code: i32) {
    for (mode, _) in MODES {
        let run = run(scene, mode, &[]);
        lines::assert_steps(&run.lines, counts);
        run.outcome.expect_code(code);
    }
}

fn a_return_from_main_writes_all() {
    assert_all_written("returns", &[RECORDS], 0);
}

fn a_handle_bound_to_underscore_or_dropped_changes_nothing() {
    assert_all_written("bound_to_underscore", &[RECORDS], 0);
    assert_all_written("dropped_at_once", &[RECORDS], 0);
}

fn process_exit_from_main_writes_all() {
    assert_all_written("exits", &[RECORDS], 7);
}

fn process_exit_from_another_thread_writes_all() {
    assert_all_written("exits_elsewhere", &[RECORDS, RECORDS], 7);
}

fn a_panic_in_main_writes_all() {
    assert_all_written("panics", &[RECORDS], 101);
}

/// The file has at least what the witness saw, of each thread, without a gap.
#[track_caller]
fn assert_witnessed(run: &Run, threads: usize) {
    let mut next = vec![0; threads];
    for line in &run.lines {
        let step = lines::step(line);
        let expected = &mut next[usize::try_from(step.thread).unwrap()];
        assert_eq!(step.number, *expected, "a gap in thread {}", step.thread);
        *expected += 1;
    }
    for (thread, written) in next.into_iter().enumerate() {
        let returned = run.witness.last(thread);
        assert!(written >= returned, "thread {thread}: {written} written, {returned} returned");
    }
}

fn records_of_detached_threads_that_never_stop_are_written() {
    for round in 0..scaled(8, 200) {
        for (mode, _) in MODES {
            let end = if round % 2 == 0 { "return" } else { "exit" };
            let spin = (round * 700 % 20_000).to_string();
            let more = [("THREADS", "3"), ("END", end), ("SPIN_US", &spin)];
            assert_witnessed(&run("detached", mode, &more), 3);
        }
    }
}

/// More of them than there could ever be lanes.
fn records_of_threads_that_come_and_go_are_written() {
    let threads = scaled(10_000, 100_000).to_string();
    for (mode, _) in MODES {
        for end in ["return", "exit"] {
            let run = run("churn", mode, &[("THREADS", &threads), ("END", end)]);
            assert_witnessed(&run, usize::try_from(CHURNING).unwrap());
            run.outcome.expect_success();
        }
    }
}

/// Each drain of `Buffered` sets the time of the next; the end of the process must win.
fn a_short_flush_interval_opens_no_gap_at_exit() {
    for _ in 0..scaled(40, 1_000) {
        let more = [("THREADS", "6"), ("END", "exit"), ("SPIN_US", "500"), ("INTERVAL_US", "1")];
        assert_witnessed(&run("detached", "buffered", &more), 6);
    }
}

extern "C" fn first_handler() {
    info!("step", thread = 1, number = 0);
    witness().saw(1, 1);
}

extern "C" fn last_handler() {
    info!("step", thread = 2, number = 0);
    witness().saw(2, 1);
}

/// Handlers run in the reverse order of their registration: one before ours, one after it.
fn handlers() {
    // SAFETY: plain functions, which live as long as the program.
    assert_eq!(unsafe { libc::atexit(first_handler) }, 0);
    let _logger = install();
    // SAFETY: as above.
    assert_eq!(unsafe { libc::atexit(last_handler) }, 0);
    log_some(0);
}

fn handlers_of_exit_can_log_whenever_they_were_registered() {
    assert_all_written("handlers", &[RECORDS, 1, 1], 0);
}

struct LogsWhenDropped(u64);

impl Drop for LogsWhenDropped {
    fn drop(&mut self) {
        info!("step", thread = self.0, number = 0);
        // Again, as text: the long way of a call.
        info!("step", thread = self.0, number = display(1));
    }
}

thread_local! {
    static EARLY: RefCell<Option<LogsWhenDropped>> = const { RefCell::new(None) };
    static LATE: RefCell<Option<LogsWhenDropped>> = const { RefCell::new(None) };
}

/// Destructors run in the order of first uses or in its reverse: one is used before the
/// thread's first record and one after it, so that either order has one behind the logger's.
fn thread_locals() {
    let _logger = install();
    let on_each = |first: u64| {
        EARLY.set(Some(LogsWhenDropped(first)));
        info!("between");
        LATE.set(Some(LogsWhenDropped(first + 1)));
    };
    std::thread::spawn(move || on_each(0)).join().unwrap();
    on_each(2);
}

fn thread_local_destructors_can_log_in_both_orders() {
    for (mode, _) in MODES {
        let run = run("thread_locals", mode, &[]);
        assert!(run.outcome.status.success(), "{:#?}", run.outcome);
        let records = lines::parse(&run.lines);
        assert_eq!(lines::with_message(&records, "between").len(), 2);
        for thread in 0..4 {
            let mut numbers = records.iter().filter(|r| r["thread"] == thread);
            assert_eq!(numbers.next().unwrap()["number"], 0, "{mode} {thread}");
            assert_eq!(numbers.next().unwrap()["number"], "1", "{mode} {thread}");
            assert!(numbers.next().is_none());
        }
    }
}

/// A local logger in a static is never dropped.
fn local_in_static() {
    static LOCAL: std::sync::OnceLock<Logger> = std::sync::OnceLock::new();
    let builder = nexlog::builder().file(File::at(told("FILE"))).mode(mode(&told("MODE")));
    let logger = builder.flush_interval(Duration::from_secs(3600)).build().unwrap();
    let logger = LOCAL.get_or_init(|| logger);
    for number in 0..RECORDS {
        info!(logger(logger), "step", thread = 0, number);
    }
}

fn local_loggers_that_nobody_drops_are_written() {
    assert_all_written("local_in_static", &[RECORDS], 0);
}

/// The sinks hang for good, of the global logger and of local ones; another one's works.
fn stuck() {
    let hangs = || {
        let sink = support::sinks::Each(|_: &nexlog::Batch<'_>| {
            loop {
                std::thread::park();
            }
        });
        nexlog::builder().sink(sink).mode(nexlog::Mode::Background)
    };
    hangs().install().unwrap();
    let more: Vec<Logger> = (0..3).map(|_| hangs().build().unwrap()).collect();
    let works = nexlog::builder().file(File::at(told("FILE"))).mode(mode(&told("MODE")));
    let works = works.flush_interval(Duration::from_secs(3600)).build().unwrap();
    info!("x");
    for number in 0..RECORDS {
        more.iter().for_each(|logger| info!(logger(logger), "x"));
        info!(logger(&works), "step", thread = 0, number);
    }
    std::thread::sleep(Duration::from_millis(20));
    std::process::exit(7);
}

fn a_sink_that_hangs_holds_no_exit_for_long() {
    let run = run("stuck", "buffered", &[]);
    assert!(run.outcome.took < Duration::from_secs(6), "{:?}", run.outcome.took);
    lines::assert_steps(&run.lines, &[RECORDS]);
    run.outcome.expect_code(7);
}
