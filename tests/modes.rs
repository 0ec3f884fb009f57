//! When a record is with its sinks: what each mode promises, and what it costs at rest.

mod support;

use nexlog::{
    Batch, DropReason, Error, File, Level, Logger, Memory, Mode, Overflow, debug, error, info,
    trace, try_log, warn,
};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::child::{self, told};
use support::sinks::{Each, Valve};
use support::{Folder, MODES, PATIENCE, assert_balanced, lines, mode, scaled, wait_until};

support::child::harness! {
    tests: [
        immediate_records_are_there_when_the_call_returns,
        buffered_records_wait_for_a_reason,
        buffered_writes_at_half_a_lane_and_not_before,
        background_records_come_by_themselves,
        background_wakes_for_a_burst_after_idling,
        background_wakes_at_once_for_the_flush_level,
        an_idle_worker_never_wakes,
        many_loggers_side_by_side_keep_apart,
        the_last_handle_drains_and_stops_the_worker,
        a_hanging_sink_does_not_hold_the_last_drop_for_ever,
        a_logger_dropped_in_its_own_sink_loses_nothing,
        a_logger_dropped_in_another_ones_sink_loses_nothing,
        short_threads_share_few_lanes_and_lose_nothing,
        flush_gives_up_in_time,
        flush_without_time_looks_once,
        flush_without_time_says_that_a_sink_fails,
        a_stuck_sink_does_not_hold_background_callers,
        a_new_filter_holds_for_every_site_at_once,
    ],
    scenes: [idle, handles, churn, dropped_in_sink, refilter],
}

const HOUR: Duration = nexlog::HOUR;

fn immediate_records_are_there_when_the_call_returns() {
    let folder = Folder::new();
    let file = folder.file("app.log");
    let logger = nexlog::builder().file(File::at(&file)).build().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..3_u64 {
            let (logger, file) = (&logger, &file);
            scope.spawn(move || {
                for number in 0..50_u64 {
                    info!(logger(logger), "step", thread, number);
                    let text = std::fs::read_to_string(file).unwrap();
                    let wanted = format!("\"thread\":{thread},\"number\":{number}}}\n");
                    assert!(text.contains(&wanted), "not there: {wanted}");
                }
            });
        }
    });
}

fn buffered(interval: Duration) -> (Logger, Memory) {
    let memory = Memory::new();
    let builder = nexlog::builder().sink(memory.clone()).mode(Mode::Buffered);
    let builder = builder.flush_interval(interval).flush_level(Level::Error);
    (builder.build().unwrap(), memory)
}

fn buffered_records_wait_for_a_reason() {
    let (logger, memory) = buffered(HOUR);
    info!(logger(&logger), "first");
    warn!(logger(&logger), "second");
    assert_eq!(memory.lines().len(), 0, "written without a reason");
    error!(logger(&logger), "the flush level");
    assert_eq!(memory.lines().len(), 3);
    info!(logger(&logger), "fourth");
    assert_eq!(memory.lines().len(), 3);
    logger.flush(PATIENCE).unwrap();
    assert_eq!(memory.lines().len(), 4);
    let (logger, memory) = buffered(Duration::from_millis(30));
    info!(logger(&logger), "first");
    let is_early = memory.is_empty();
    std::thread::sleep(Duration::from_millis(35));
    info!(logger(&logger), "after the interval");
    assert_eq!(memory.lines().len(), 2);
    assert!(is_early || memory.lines().len() == 2, "the machine stood still");
}

fn buffered_writes_at_half_a_lane_and_not_before() {
    for lane_bytes in [32 << 10, 64 << 10, 1 << 20] {
        let memory = Memory::new();
        let builder = nexlog::builder().sink(memory.clone()).mode(Mode::Buffered);
        let builder = builder.flush_interval(HOUR).lane_bytes(lane_bytes);
        let logger = builder.build().unwrap();
        let text = "x".repeat(1_000);
        let mut bytes = 0;
        while memory.is_empty() {
            info!(logger(&logger), "x", text);
            bytes += 1_000;
            assert!(bytes * 4 < lane_bytes * 3, "{bytes} of {lane_bytes} bytes are more than half");
        }
        assert!(bytes * 3 >= lane_bytes, "{bytes} of {lane_bytes} bytes is far from half");
    }
}

fn background() -> (Logger, Memory) {
    let memory = Memory::new();
    let builder = nexlog::builder().sink(memory.clone()).mode(Mode::Background);
    (builder.flush_level(Level::Error).build().unwrap(), memory)
}

fn background_records_come_by_themselves() {
    let (logger, memory) = background();
    let started = Instant::now();
    info!(logger(&logger), "first");
    wait_until("the record", || memory.lines().len() == 1);
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

/// The worker sleeps after a tenth of a second; the first record of a burst must wake it.
fn background_wakes_for_a_burst_after_idling() {
    let (logger, memory) = background();
    let mut expected = 0;
    for pause_ms in [0, 98, 99, 100, 101, 102, 150, 220] {
        std::thread::sleep(Duration::from_millis(pause_ms));
        (0..20).for_each(|n| info!(logger(&logger), "burst", n));
        expected += 20;
        wait_until("the burst", || memory.lines().len() == expected);
    }
}

fn background_wakes_at_once_for_the_flush_level() {
    let (logger, memory) = background();
    std::thread::sleep(Duration::from_millis(150));
    error!(logger(&logger), "grave");
    wait_until("the record", || memory.lines().len() == 1);
}

fn task_names() -> Vec<(String, u64)> {
    std::fs::read_dir("/proc/self/task")
        .unwrap()
        .filter_map(|task| {
            let status = std::fs::read_to_string(task.ok()?.path().join("status")).ok()?;
            let find = |key: &str| {
                let line = status.lines().find(|line| line.starts_with(key))?;
                Some(line[key.len()..].trim().to_owned())
            };
            let switches = find("voluntary_ctxt_switches:")?.parse().ok()?;
            Some((find("Name:")?, switches))
        })
        .collect()
}

fn worker_switches() -> u64 {
    task_names().iter().filter(|(name, _)| name == "nexlog").map(|(_, n)| n).sum()
}

fn idle() {
    let memory = Memory::new();
    let builder = nexlog::builder().sink(memory.clone()).mode(Mode::Background);
    builder.install().unwrap();
    info!("x");
    std::thread::sleep(Duration::from_millis(300));
    let before = worker_switches();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(worker_switches(), before, "wake-ups without a record");
    assert!(before > 0 && memory.lines().len() == 1);
    // The thread has its lane: the short way of a call wakes the worker, too.
    for round in 2..5 {
        info!("x");
        wait_until("the record", || memory.lines().len() == round);
        std::thread::sleep(Duration::from_millis(150));
    }
}

fn an_idle_worker_never_wakes() {
    child::run("idle", &[]).expect_success();
}

fn many_loggers_side_by_side_keep_apart() {
    for (_, mode) in MODES {
        let all: Vec<(Logger, Memory)> = (0..20)
            .map(|_| {
                let memory = Memory::new();
                (nexlog::builder().sink(memory.clone()).mode(mode).build().unwrap(), memory)
            })
            .collect();
        std::thread::scope(|scope| {
            for thread in 0..3_u64 {
                let all = &all;
                scope.spawn(move || {
                    for number in 0..50_u64 {
                        for (logger, _) in all {
                            info!(logger(logger), "step", thread, number);
                        }
                    }
                });
            }
        });
        for (logger, memory) in all {
            drop(logger); // drains
            lines::assert_steps(&memory.lines(), &[50; 3]);
        }
    }
}

fn handles() {
    let tasks = || task_names().len();
    let before = tasks();
    let memory = Memory::new();
    for round in 0..30 {
        let builder = nexlog::builder().sink(memory.clone()).mode(mode(&told("MODE")));
        let logger = builder.flush_interval(HOUR).build().unwrap();
        let clone = logger.clone();
        info!(logger(&logger), "one", round);
        drop(logger);
        info!(logger(&clone), "two", round);
        drop(clone);
        assert_eq!(memory.lines().len(), 2 * (round + 1));
    }
    wait_until("no thread is left", || tasks() == before);
}

fn the_last_handle_drains_and_stops_the_worker() {
    for (name, _) in MODES {
        child::run("handles", &[("MODE", name)]).expect_success();
    }
}

/// The pass that hangs writes the rest, and drops the sinks, when it goes on.
fn a_hanging_sink_does_not_hold_the_last_drop_for_ever() {
    let (valve, folder) = (Valve::new(), Folder::new());
    let file = folder.file("app.log");
    let builder = nexlog::builder().sink(valve.clone()).file(File::at(&file));
    let logger = builder.mode(Mode::Background).build().unwrap();
    valve.shut();
    info!(logger(&logger), "first");
    wait_until("the worker hangs", || valve.waiting() == 1);
    (0..10).for_each(|n| info!(logger(&logger), "more", n));
    let started = Instant::now();
    drop(logger);
    assert!(started.elapsed() < Duration::from_secs(7), "{:?}", started.elapsed());
    valve.open();
    wait_until("the rest", || valve.lines().len() == 11 && lines::of_file(&file).len() == 11);
    wait_until("the file is free", || nexlog::builder().file(File::at(&file)).build().is_ok());
}

/// The sink holds the last handle and drops it when it meets the first record; records that
/// came meanwhile are written all the same.
fn dropped_in_sink() {
    let slot: Arc<Mutex<Option<Logger>>> = Arc::default();
    let gone = Arc::new(AtomicBool::new(false));
    let taken = Arc::new(AtomicU64::new(0));
    let (held, set, count) = (Arc::clone(&slot), Arc::clone(&gone), Arc::clone(&taken));
    let is_ready = Arc::new(AtomicBool::new(false));
    let (ready, may_go) = (Arc::clone(&is_ready), Arc::new(AtomicBool::new(false)));
    let go = Arc::clone(&may_go);
    let sink = Each(move |batch: &Batch<'_>| {
        count.fetch_add(batch.len() as u64, SeqCst);
        ready.store(true, SeqCst);
        wait_until("the last handle", || go.load(SeqCst));
        drop(held.lock().unwrap().take());
        set.store(true, SeqCst);
        Ok(())
    });
    let logger = nexlog::builder().sink(sink).mode(Mode::Background).build().unwrap();
    info!(logger(&logger), "first");
    wait_until("the sink is at work", || is_ready.load(SeqCst));
    (0..10).for_each(|n| info!(logger(&logger), "meanwhile", n));
    *slot.lock().unwrap() = Some(logger);
    may_go.store(true, SeqCst);
    wait_until("the drop", || gone.load(SeqCst));
    wait_until("all records", || taken.load(SeqCst) == 11);
    let workers = || task_names().iter().filter(|(name, _)| name == "nexlog").count();
    wait_until("the worker ends", || workers() == 0);
}

fn a_logger_dropped_in_its_own_sink_loses_nothing() {
    child::run("dropped_in_sink", &[]).expect_success();
}

fn a_logger_dropped_in_another_ones_sink_loses_nothing() {
    for (_, inner_mode) in MODES {
        let memory = Memory::new();
        let kept = memory.clone();
        let sink = Each(move |_: &Batch<'_>| {
            let builder = nexlog::builder().sink(kept.clone()).mode(inner_mode);
            let inner = builder.flush_interval(HOUR).build().unwrap();
            (0..10).for_each(|n| info!(logger(&inner), "inner", n));
            drop(inner);
            Ok(())
        });
        let outer = nexlog::builder().sink(sink).build().unwrap();
        info!(logger(&outer), "outer");
        assert_eq!(memory.lines().len(), 10);
    }
}

fn churn() {
    let memory = Memory::new();
    let builder = nexlog::builder().sink(memory.clone()).mode(mode(&told("MODE")));
    let logger = builder.install().unwrap();
    let threads: u64 = told("THREADS").parse().unwrap();
    for number in 0..threads / 4 {
        std::thread::scope(|scope| {
            for thread in 0..4_u64 {
                scope.spawn(move || info!("step", thread, number));
            }
        });
    }
    logger.flush(PATIENCE).unwrap();
    lines::assert_steps(&memory.lines(), &[threads / 4; 4]);
    let stats = logger.stats();
    assert_balanced(&stats);
    // Four at a time and main; a scope's end may come before its threads' destructors.
    assert!(stats.lanes <= 16, "{} lanes", stats.lanes);
}

fn short_threads_share_few_lanes_and_lose_nothing() {
    for (name, _) in MODES {
        let threads = scaled(8_000, 100_000).to_string();
        child::run("churn", &[("MODE", name), ("THREADS", &threads)]).expect_success();
    }
}

fn flush_gives_up_in_time() {
    for (_, mode) in [MODES[1], MODES[2]] {
        let valve = Valve::new();
        let builder = nexlog::builder().sink(valve.clone()).mode(mode).flush_interval(HOUR);
        let logger = builder.build().unwrap();
        valve.shut();
        info!(logger(&logger), "x");
        // Somebody hangs in the sink: the worker, or a thread that flushes.
        let other = logger.clone();
        let hangs = std::thread::spawn(move || other.flush(PATIENCE));
        wait_until("somebody hangs", || valve.waiting() == 1);
        for what in ["flush", "sync"] {
            let started = Instant::now();
            let wait = Duration::from_millis(50);
            let outcome = if what == "flush" { logger.flush(wait) } else { logger.sync(wait) };
            let took = started.elapsed();
            match outcome {
                Err(Error::Timeout { what: named, waited, .. }) => {
                    assert_eq!((named, waited), (what, wait));
                }
                other => panic!("{what}: {other:?}"),
            }
            assert!((wait..wait + Duration::from_secs(2)).contains(&took), "{took:?}");
        }
        valve.open();
        hangs.join().unwrap().unwrap();
        logger.flush(PATIENCE).unwrap();
        assert_eq!(valve.lines().len(), 1, "the record is kept");
    }
}

fn flush_without_time_looks_once() {
    for (name, mode) in MODES {
        let valve = Valve::new();
        let builder = nexlog::builder().sink(valve.clone()).mode(mode).flush_interval(HOUR);
        let logger = builder.build().unwrap();
        let look =
            |what| logger.flush(Duration::ZERO).unwrap_or_else(|e| panic!("{name} {what}: {e}"));
        look("with nothing ever logged");
        info!(logger(&logger), "x");
        logger.flush(PATIENCE).unwrap();
        // Also while the worker makes its passes, falls asleep, and sleeps.
        let end = Instant::now() + Duration::from_millis(200);
        while Instant::now() < end {
            look("with all written");
        }
        logger.sync(Duration::ZERO).unwrap_or_else(|e| panic!("{name}: {e}"));
        if mode == Mode::Immediate {
            continue;
        }
        valve.shut();
        info!(logger(&logger), "y");
        let other = logger.clone();
        let hangs = std::thread::spawn(move || other.flush(PATIENCE));
        wait_until("somebody hangs", || valve.waiting() == 1);
        let started = Instant::now();
        let outcome = logger.flush(Duration::ZERO);
        assert!(matches!(outcome, Err(Error::Timeout { .. })), "{name}: {outcome:?}");
        assert!(started.elapsed() < Duration::from_secs(1), "{name}: {:?}", started.elapsed());
        valve.open();
        hangs.join().unwrap().unwrap();
        look("after the other has come back");
    }
}

fn flush_without_time_says_that_a_sink_fails() {
    for (name, mode) in MODES {
        let valve = Valve::new();
        let builder = nexlog::builder().sink(valve.clone()).mode(mode).flush_interval(HOUR);
        let logger = builder.on_error(|_| {}).build().unwrap();
        valve.fail(true);
        info!(logger(&logger), "x");
        assert!(matches!(logger.flush(PATIENCE), Err(Error::Sink { .. })), "{name}");
        wait_until("the sink's error", || {
            matches!(logger.flush(Duration::ZERO), Err(Error::Sink { .. }))
        });
        valve.fail(false);
        info!(logger(&logger), "y");
        logger.flush(PATIENCE).unwrap();
        logger.flush(Duration::ZERO).unwrap();
    }
}

fn a_stuck_sink_does_not_hold_background_callers() {
    let valve = Valve::new();
    let builder = nexlog::builder().sink(valve.clone()).mode(Mode::Background);
    let logger = builder.overflow(Overflow::DropNewest).lane_bytes(64 << 10).build().unwrap();
    valve.shut();
    info!(logger(&logger), "x");
    wait_until("the worker hangs", || valve.waiting() == 1);
    let started = Instant::now();
    let mut refused = None;
    for number in 0..20_000_u64 {
        if let Err(error) = try_log!(Level::Info, logger(&logger), "x", number) {
            refused = Some(error);
        }
    }
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    let refused = refused.expect("the lane is full");
    assert!(matches!(refused, Error::Refused { reason: DropReason::Full }), "{refused:?}");
    valve.open();
    logger.flush(PATIENCE).unwrap();
    assert_balanced(&logger.stats());
}

macro_rules! sites {
    ($calls:ident: $($number:literal)*) => {
        /// A site for each number, each with a counter of its own.
        fn $calls(counts: &[AtomicU64]) {
            $(
                debug!("site", number = $number, seen = counts[$number].fetch_add(1, SeqCst));
            )*
        }
    };
}

sites!(old_sites: 0 1 2 3 4 5 6 7);
sites!(new_sites: 8 9 10 11 12 13 14 15);

/// Arguments count how often they are evaluated: only while the filter wants the record.
fn refilter() {
    let memory = Memory::new();
    let builder = nexlog::builder().sink(memory.clone()).mode(mode(&told("MODE")));
    let logger = builder.install().unwrap();
    let counts: Vec<AtomicU64> = (0..16).map(|_| AtomicU64::new(0)).collect();
    let seen = || counts.iter().map(|count| count.load(SeqCst)).collect::<Vec<_>>();
    old_sites(&counts);
    assert_eq!(seen(), [0; 16]);
    logger.set_filter("debug").unwrap();
    old_sites(&counts);
    new_sites(&counts);
    assert_eq!(seen(), [1; 16]);
    assert!(logger.set_filter("debug,x=loud").is_err(), "a typo changes nothing");
    logger.set_filter("warn,other::place=trace").unwrap();
    old_sites(&counts);
    new_sites(&counts);
    assert_eq!(seen(), [1; 16]);
    let target = String::from("other::place");
    trace!(target("other::place"), "wanted");
    nexlog::log!(Level::Trace, target(target.as_str()), "wanted");
    assert!(nexlog::enabled!(Level::Trace, target("other::place")));
    // While it changes all the time, callers meet the old or the new; afterwards only the new.
    let (stop, start) = (AtomicBool::new(false), std::sync::Barrier::new(4));
    std::thread::scope(|scope| {
        let (stop, start, counts) = (&stop, &start, &counts);
        for _ in 0..3 {
            scope.spawn(move || {
                // A thread's first record asks the filter again, behind its arguments.
                nexlog::critical!("the thread's first");
                start.wait();
                while !stop.load(SeqCst) {
                    old_sites(counts);
                    new_sites(counts);
                }
            });
        }
        start.wait();
        for round in 0..200 {
            logger.set_filter(if round % 2 == 0 { "debug" } else { "off" }).unwrap();
        }
        stop.store(true, SeqCst);
    });
    let before = seen();
    old_sites(&counts);
    new_sites(&counts);
    assert_eq!(seen(), before);
    logger.flush(PATIENCE).unwrap();
    let records = lines::parse(&memory.lines());
    assert_eq!(lines::with_message(&records, "wanted").len(), 2);
    assert_eq!(lines::with_message(&records, "site").len() as u64, before.iter().sum::<u64>());
    assert_balanced(&logger.stats());
}

fn a_new_filter_holds_for_every_site_at_once() {
    for (name, _) in MODES {
        child::run("refilter", &[("MODE", name)]).expect_success();
    }
}
