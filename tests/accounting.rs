//! Accepted is what was written and what was dropped, exactly, whatever the mode, the policy and
//! the sinks; every loss is told by a record with the right number.

mod support;

use nexlog::{Level, Logger, Memory, Mode, Output, Overflow, Stats, info, warn};
use std::time::Duration;
use support::sinks::Valve;
use support::{MODES, PATIENCE, assert_balanced, lines, scaled, wait_until};

const POLICIES: [Overflow; 3] = [Overflow::Block, Overflow::DropNewest, Overflow::DropOldest];

fn small(mode: Mode, overflow: Overflow) -> nexlog::Builder {
    let builder = nexlog::builder().mode(mode).overflow(overflow).lane_bytes(32 << 10);
    builder.flush_interval(Duration::from_millis(2)).on_error(|_| {})
}

/// At rest; a sink that fails at the end is an error of flush that is of no interest here.
fn at_rest(logger: &Logger) -> Stats {
    let _ = logger.flush(PATIENCE);
    let _ = logger.flush(PATIENCE);
    let stats = logger.stats();
    assert_balanced(&stats);
    stats
}

fn log_from_threads(logger: &Logger, each: u64) {
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            scope.spawn(move || {
                for number in 0..each {
                    match number % 50 {
                        0 => warn!(logger(logger), "large", thread, text = "x".repeat(9_000)),
                        1 => info!(logger(logger), "text", thread, value = display(number)),
                        _ => info!(logger(logger), "step", thread, number),
                    }
                }
            });
        }
    });
}

#[test]
fn the_sum_is_exact_in_every_mode_and_policy() {
    for (name, mode) in MODES {
        for overflow in POLICIES {
            let (fast, failing, narrow) = (Memory::new(), Valve::new(), Memory::new());
            failing.fail_every(7);
            failing.take_before_failing(2);
            let logger = small(mode, overflow)
                .sink(fast.clone())
                .sink(failing.clone())
                .sink(narrow.clone().level(Level::Warn))
                .build()
                .unwrap();
            let each = scaled(1_500, 50_000);
            log_from_threads(&logger, each);
            failing.fail_every(0);
            let stats = at_rest(&logger);
            assert_eq!(stats.accepted, 4 * each, "{name} {overflow:?}");
            assert_told(&fast, &stats);
            assert_eq!(stats.sinks[1].lost, stats.dropped_by.sink);
            let reached = stats.accepted - (stats.dropped - stats.dropped_by.sink);
            let records = lines::parse(&fast.lines());
            let users = records.iter().filter(|record| record["target"] != "nexlog").count();
            assert_eq!(users as u64, reached, "{name} {overflow:?} {stats:#?}");
            let told: Vec<_> = failing.lines();
            let told = lines::parse(&told);
            assert_eq!(lines::sum(&told, "records lost by sink", "dropped"), stats.sinks[1].lost);
            if overflow == Overflow::Block {
                assert_eq!(stats.dropped, stats.dropped_by.sink);
            }
        }
    }
}

/// Losses at callers are told once each, by reason, to the record.
#[track_caller]
fn assert_told(memory: &Memory, stats: &Stats) {
    let records = lines::parse(&memory.lines());
    let told = |reason: &str| lines::sum(&records, "records dropped", reason);
    assert_eq!(told("full"), stats.dropped_by.full);
    assert_eq!(told("busy"), stats.dropped_by.busy);
    assert_eq!(told("oldest"), stats.dropped_by.oldest);
    assert_eq!(told("recursion"), stats.dropped_by.recursion);
    assert_eq!(told("no_memory"), stats.dropped_by.no_memory);
    assert_eq!(told("sink"), 0, "told by the sink");
    assert_eq!(told("dropped"), stats.dropped - stats.dropped_by.sink - stats.dropped_by.panic);
    for record in lines::with_message(&records, "records dropped") {
        assert_eq!(record["level"], "WARN");
        assert_eq!(record["target"], "nexlog");
    }
}

/// The worker hangs in a sink while a caller fills its lane.
fn stalled(overflow: Overflow) -> (Logger, Valve) {
    let valve = Valve::new();
    let logger = small(Mode::Background, overflow).sink(valve.clone()).build().unwrap();
    valve.shut();
    info!(logger(&logger), "first");
    wait_until("the worker hangs", || valve.waiting() == 1);
    (logger, valve)
}

#[test]
fn drop_newest_keeps_the_oldest_and_never_waits() {
    let (logger, valve) = stalled(Overflow::DropNewest);
    (0..5_000_u64).for_each(|number| info!(logger(&logger), "step", thread = 0, number));
    assert_eq!(valve.waiting(), 1, "the caller waited");
    assert!(logger.stats().dropped_by.full > 1_000);
    valve.open();
    let stats = at_rest(&logger);
    assert_eq!((stats.accepted, stats.dropped), (5_001, stats.dropped_by.full));
    let lines = valve.lines();
    let steps: Vec<_> = lines.iter().filter(|line| line.contains("\"step\"")).collect();
    lines::assert_steps(&steps, &[5_000 - stats.dropped]);
    let records = lines::parse(&lines);
    assert_eq!(lines::sum(&records, "records dropped", "full"), stats.dropped);
    assert_eq!(stats.own, lines::with_message(&records, "records dropped").len() as u64);
}

/// The pipeline is busy, so the oldest cannot be released: the newest are dropped as `busy`.
#[test]
fn drop_oldest_with_a_busy_pipeline_drops_the_newest_and_never_waits() {
    let (logger, valve) = stalled(Overflow::DropOldest);
    (0..5_000_u64).for_each(|number| info!(logger(&logger), "step", thread = 0, number));
    assert_eq!(valve.waiting(), 1, "the caller waited");
    valve.open();
    let stats = at_rest(&logger);
    assert_eq!(stats.dropped, stats.dropped_by.busy);
    assert!(stats.dropped > 1_000);
    let records = lines::parse(&valve.lines());
    assert_eq!(lines::sum(&records, "records dropped", "busy"), stats.dropped);
}

/// With a pipeline that is free but slow to come, the newest survive, in order, with one gap for
/// each time that half a lane was released.
#[test]
fn drop_oldest_keeps_the_newest() {
    let memory = Memory::new();
    let logger = nexlog::builder()
        .sink(memory.clone())
        .mode(Mode::Background)
        .overflow(Overflow::DropOldest)
        .lane_bytes(64 << 10)
        .build()
        .unwrap();
    for burst in 0..40_u64 {
        // The worker naps for a millisecond: a burst is faster than it.
        (0..3_000)
            .for_each(|n| info!(logger(&logger), "step", thread = 0, number = burst * 3_000 + n));
    }
    let stats = at_rest(&logger);
    assert_eq!(stats.accepted, 120_000);
    assert_eq!(stats.dropped, stats.dropped_by.oldest + stats.dropped_by.busy);
    assert_told(&memory, &stats);
    let all = memory.lines();
    let steps = all.iter().filter(|line| line.contains("\"step\"")).map(|line| lines::step(line));
    let numbers: Vec<u64> = steps.map(|step| step.number).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "order or doubles");
    assert_eq!(numbers.len() as u64, stats.written);
    if stats.dropped_by.busy == 0 {
        assert_eq!(numbers.last(), Some(&119_999));
    }
}

#[test]
fn a_record_that_no_sink_wants_counts_as_written() {
    for (_, mode) in MODES {
        let memory = Memory::new();
        let logger = nexlog::builder()
            .filter("trace")
            .sink(memory.clone().level(Level::Error))
            .mode(mode)
            .build()
            .unwrap();
        (0..100).for_each(|n| info!(logger(&logger), "unwanted", n));
        nexlog::error!(logger(&logger), "wanted");
        let stats = at_rest(&logger);
        assert_eq!((stats.accepted, stats.written), (101, 101));
        assert_eq!((stats.sinks[0].written, stats.bytes), (1, memory.len() as u64));
    }
}

#[test]
fn written_counts_only_what_every_wanting_sink_took() {
    for (_, mode) in MODES {
        let (valve, memory) = (Valve::new(), Memory::new());
        let logger = nexlog::builder()
            .sink(Output::to(valve.clone()).level(Level::Warn))
            .sink(memory.clone())
            .mode(mode)
            .on_error(|_| {})
            .build()
            .unwrap();
        valve.fail(true);
        for _ in 0..10 {
            info!(logger(&logger), "for one");
            warn!(logger(&logger), "for both");
        }
        assert!(logger.flush(PATIENCE).is_err());
        let stats = at_rest(&logger);
        assert_eq!((stats.accepted, stats.written, stats.dropped_by.sink), (20, 10, 10));
        assert_eq!((stats.sinks[0].written, stats.sinks[0].lost), (0, 10));
        assert_eq!((stats.sinks[1].written, stats.sinks[1].lost), (20, 0));
        assert!(stats.errors >= 1 && stats.errors == stats.sinks[0].errors);
    }
}

/// Both lose the same records: each is lost once.
#[test]
fn a_record_lost_by_two_sinks_is_one_loss() {
    let valves = [Valve::new(), Valve::new()];
    let builder = valves.iter().fold(nexlog::builder(), |b, valve| b.sink(valve.clone()));
    let logger = builder.mode(Mode::Buffered).on_error(|_| {}).build().unwrap();
    for valve in &valves {
        valve.fail(true);
    }
    valves[0].take_before_failing(3);
    (0..10).for_each(|n| info!(logger(&logger), "lost", n));
    let _ = logger.flush(PATIENCE);
    let stats = logger.stats();
    assert_balanced(&stats);
    assert_eq!((stats.written, stats.dropped_by.sink), (0, 10));
    assert_eq!((stats.sinks[0].written, stats.sinks[0].lost), (3, 7));
    assert_eq!((stats.sinks[1].written, stats.sinks[1].lost), (0, 10));
}

#[test]
fn a_sink_that_panics_now_and_then_keeps_the_sum_exact() {
    use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
    for (_, mode) in MODES {
        let calls = AtomicU64::new(0);
        let sink = support::sinks::Each(move |_: &nexlog::Batch<'_>| {
            if calls.fetch_add(1, SeqCst) % 3 == 1 {
                std::panic::resume_unwind(Box::new(()));
            }
            Ok(())
        });
        let memory = Memory::new();
        let logger = small(mode, Overflow::Block).sink(sink).sink(memory.clone()).build().unwrap();
        log_from_threads(&logger, 500);
        let stats = at_rest(&logger);
        assert_eq!(stats.accepted, 2_000);
        assert_eq!(stats.sinks[0].lost, stats.dropped_by.sink);
        assert_eq!(stats.sinks[1].written, 2_000);
    }
}

/// A second logger's drops are told even when its only sink wants errors alone.
#[test]
fn losses_are_told_to_sinks_that_want_errors_only() {
    let valve = Valve::new();
    let logger = small(Mode::Background, Overflow::DropNewest)
        .sink(Output::to(valve.clone()).level(Level::Error))
        .build()
        .unwrap();
    valve.shut();
    nexlog::error!(logger(&logger), "first");
    wait_until("the worker hangs", || valve.waiting() == 1);
    (0..5_000_u64).for_each(|number| nexlog::error!(logger(&logger), "more", number));
    valve.open();
    let stats = at_rest(&logger);
    assert!(stats.dropped_by.full > 0);
    let records = lines::parse(&valve.lines());
    assert_eq!(lines::sum(&records, "records dropped", "full"), stats.dropped);
}
