//! `once()`, `every(n)`, `per_second(n)`: what passes at a call site, and that each call that does
//! not is counted and told.

mod support;

use nexlog::{Level, Logger, Memory, Mode, Overflow, info, log, try_log, warn};
use serde_json::Value;
use std::cell::Cell;
use std::time::{Duration, Instant};
use support::sinks::Valve;
use support::{PATIENCE, assert_balanced, scaled};

fn local() -> (Logger, Memory) {
    let memory = Memory::new();
    (nexlog::builder().sink(&memory).build().unwrap(), memory)
}

fn lines(memory: &Memory) -> Vec<Value> {
    memory.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The suppressed counts of records with this message.
fn counts(lines: &[Value], message: &str) -> Vec<Option<u64>> {
    let those = lines.iter().filter(|line| line["msg"] == message);
    those.map(|line| line.get("suppressed").map(|count| count.as_u64().unwrap())).collect()
}

/// All that was suppressed, as records tell it.
fn told(lines: &[Value]) -> u64 {
    lines.iter().filter_map(|line| line.get("suppressed")).map(|n| n.as_u64().unwrap()).sum()
}

#[test]
fn the_first_of_each_n_passes_and_carries_how_many_were_suppressed() {
    let (logger, memory) = local();
    for number in 0..10 {
        info!(logger(&logger), every(4), "step", number);
    }
    let lines = lines(&memory);
    assert_eq!(counts(&lines, "step"), [None, Some(3), Some(3)]);
    let numbers: Vec<_> = lines.iter().map(|line| line["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [0, 4, 8]);
    let stats = logger.stats();
    assert_eq!((stats.accepted, stats.suppressed), (3, 7), "suppressed ones are not accepted");
    assert_balanced(&stats);
}

#[test]
fn only_the_first_passes_ever_and_the_others_are_told_at_the_end() {
    let (logger, memory) = local();
    let before = line!() - 1;
    for _ in 0..5 {
        warn!(once(), logger(&logger), "deprecated");
    }
    logger.flush(PATIENCE).unwrap();
    assert_eq!(memory.lines().len(), 1, "not before the end");
    assert_eq!(logger.stats().suppressed, 4);
    drop(logger);
    let lines = lines(&memory);
    assert_eq!(counts(&lines, "deprecated"), [None]);
    assert_eq!(counts(&lines, "records suppressed"), [Some(4)]);
    let site = lines[1]["site"].as_str().unwrap();
    let line: u32 = site.rsplit_once("volume_sites.rs:").unwrap().1.parse().unwrap();
    assert_eq!(line, before + 3, "{}", lines[1]);
    assert_eq!(lines[1]["target"], "nexlog");
    assert_eq!(lines[1]["site_target"], "volume_sites");
}

#[test]
fn so_many_pass_in_a_second() {
    let (logger, memory) = local();
    let log = || info!(logger(&logger), per_second(3), "step");
    (0..10).for_each(|_| log());
    assert_eq!(counts(&lines(&memory), "step"), [None; 3]);
    std::thread::sleep(Duration::from_millis(1_010));
    (0..5).for_each(|_| log());
    assert_eq!(counts(&lines(&memory), "step"), [None, None, None, Some(7), None, None]);
    drop(logger);
    assert_eq!(told(&lines(&memory)), 9);
}

#[test]
fn in_any_second_from_its_first_record_no_more_pass() {
    let (logger, memory) = local();
    let end = Instant::now() + Duration::from_millis(2_500);
    let mut calls = 0;
    while Instant::now() < end {
        info!(logger(&logger), per_second(7), "step");
        calls += 1;
        std::thread::sleep(Duration::from_micros(300));
    }
    let passed = memory.lines().len() as u64;
    assert_eq!(passed, 3 * 7, "of {calls} in two seconds and a half");
    drop(logger);
    let lines = lines(&memory);
    assert_eq!(passed + told(&lines), calls);
}

#[test]
fn both_limits_hold_together() {
    let (logger, memory) = local();
    for _ in 0..100 {
        info!(every(10), logger(&logger), per_second(4), "step");
    }
    assert_eq!(counts(&lines(&memory), "step"), [None, Some(9), Some(9), Some(9)]);
    drop(logger);
    assert_eq!(told(&lines(&memory)), 96);
}

#[test]
fn arguments_of_suppressed_records_are_not_evaluated() {
    let (logger, memory) = local();
    let (evaluated, asked) = (Cell::new(0), Cell::new(0_u64));
    let each = |to: u64| {
        asked.set(asked.get() + 1);
        to
    };
    let value = || {
        evaluated.set(evaluated.get() + 1);
        1
    };
    for _ in 0..9 {
        info!(logger(&logger), every(each(3)), "step", value = value());
    }
    assert_eq!((evaluated.get(), asked.get(), memory.lines().len()), (3, 9, 3));
    for _ in 0..9 {
        nexlog::debug!(logger(&logger), every(each(3)), "off", value = value());
    }
    assert_eq!((evaluated.get(), asked.get()), (3, 9), "a disabled call evaluates nothing");
}

#[test]
fn disabled_records_do_not_count() {
    let (logger, memory) = local();
    for round in 0..4 {
        logger.set_filter(if round % 2 == 0 { "info" } else { "warn" }).unwrap();
        for _ in 0..10 {
            info!(logger(&logger), every(5), "step");
        }
    }
    assert_eq!(counts(&lines(&memory), "step"), [None, Some(4), Some(4), Some(4)]);
    assert_eq!(logger.stats().suppressed, 16);
}

#[test]
fn of_none_none_passes_when_the_number_is_not_known_before() {
    let (logger, memory) = local();
    let none = 0;
    for _ in 0..3 {
        info!(logger(&logger), every(none), "step");
        info!(logger(&logger), per_second(none), "step");
    }
    assert!(memory.is_empty());
    drop(logger);
    assert_eq!(told(&lines(&memory)), 6);
}

#[test]
fn every_spelling_of_a_call_takes_them() {
    let (logger, memory) = local();
    let (level, name, limit) = (Level::Warn, String::from("web"), 2_u64);
    for number in 0..2 {
        info!(target("db"), every(2), logger(&logger), "paid {number}", key = 7);
        log!(Level::Info, every(2), logger(&logger), "paid {number}");
        log!(every(limit), Level::Info, logger(&logger), "paid {}", number);
        log!(logger(&logger), every(limit), level, target(&name), "paid {number:>2}");
        info!(once(), logger(&logger), number);
        try_log!(Level::Info, every(2), logger(&logger), "paid").unwrap();
        info!(logger: &logger, target: "db", every(2,), "paid"; "key" => 7);
    }
    assert_eq!(memory.lines().len(), 7);
    // A field may be called as an option is.
    let (once, every) = (1, 2);
    info!(logger(&logger), "paid", once, every, per_second = 3);
    let last = lines(&memory).pop().unwrap();
    assert_eq!(
        (&last["once"], &last["every"], &last["per_second"]),
        (&1.into(), &2.into(), &3.into())
    );
}

/// A loop in a macro, a generic function: each has its site, and that its state.
#[test]
fn each_site_counts_for_itself_and_all_loggers_together() {
    let ((first, of_first), (second, of_second)) = (local(), local());
    for _ in 0..4 {
        for logger in [&first, &second] {
            info!(logger(logger), every(4), "step");
        }
        info!(logger(&first), every(4), "other");
    }
    assert_eq!(counts(&lines(&of_first), "step"), [None, Some(3)]);
    assert_eq!(counts(&lines(&of_first), "other"), [None]);
    assert_eq!(of_second.lines().len(), 0);
    assert_eq!((first.stats().suppressed, second.stats().suppressed), (2 + 3, 4));
    drop((first, second));
    assert_eq!(told(&lines(&of_first)) + told(&lines(&of_second)), 9);
}

/// Eight threads at sites of this expansion's own.
macro_rules! race {
    ($mode:expr) => {{
        const THREADS: u64 = 8;
        let memory = Memory::new();
        let logger = nexlog::builder().sink(&memory).mode($mode).build().unwrap();
        let each = scaled(4_000, 100_000);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for _ in 0..each {
                        info!(logger(&logger), every(17), "every");
                        info!(logger(&logger), per_second(50), "per second");
                        info!(logger(&logger), once(), "once");
                    }
                });
            }
        });
        logger.flush(PATIENCE).unwrap();
        let stats = logger.stats();
        assert_balanced(&stats);
        drop(logger);
        let lines = lines(&memory);
        let passed = |message: &str| counts(&lines, message).len() as u64;
        let all = THREADS * each;
        assert_eq!(passed("every"), all.div_ceil(17));
        assert_eq!(passed("once"), 1);
        assert!(passed("per second") >= 50);
        let written = passed("every") + passed("per second") + passed("once");
        assert_eq!(written + told(&lines), 3 * all);
        assert_eq!(stats.suppressed, told(&lines));
    }};
}

#[test]
fn passed_and_suppressed_are_all_calls_whatever_the_threads() {
    race!(Mode::Immediate);
    race!(Mode::Buffered);
    race!(Mode::Background);
}

#[test]
fn a_record_that_is_refused_leaves_its_count_to_the_next() {
    let valve = Valve::new();
    let logger = nexlog::builder()
        .sink(valve.clone())
        .mode(Mode::Background)
        .overflow(Overflow::DropNewest)
        .lane_bytes(32 << 10)
        .build()
        .unwrap();
    valve.shut();
    let big = "x".repeat(3_000);
    let mut refused = 0;
    let mut log = || {
        let outcome = try_log!(Level::Info, every(2), logger(&logger), "step", big);
        refused += u64::from(outcome.is_err());
    };
    (0..100).for_each(|_| log());
    let only = || try_log!(Level::Info, once(), logger(&logger), "only", big);
    assert!(only().is_err(), "the lane is full");
    valve.open();
    logger.flush(PATIENCE).unwrap();
    assert!(only().is_ok(), "the first that passes");
    (0..2).for_each(|_| log());
    logger.flush(PATIENCE).unwrap();
    let stats = logger.stats();
    assert!(refused > 0 && stats.dropped == refused + 1);
    drop(logger);
    let lines: Vec<Value> =
        valve.lines().iter().map(|l| serde_json::from_str(l).unwrap()).collect();
    let passed = counts(&lines, "step").len() as u64;
    assert_eq!(counts(&lines, "only"), [None]);
    assert_eq!(told(&lines) + passed + refused, 102, "{refused}");
}

#[test]
fn what_no_record_tells_for_long_is_told_with_the_next_drain() {
    let memory = Memory::new();
    let interval = Duration::from_millis(20);
    let logger = nexlog::builder().report_suppressed(interval).sink(&memory).build().unwrap();
    (0..5).for_each(|_| info!(logger(&logger), once(), "only"));
    std::thread::sleep(2 * interval);
    info!(logger(&logger), "something");
    let lines = lines(&memory);
    assert_eq!(counts(&lines, "records suppressed"), [Some(4)]);
    assert_eq!(logger.stats().own, 1);
    assert_balanced(&logger.stats());
}

#[test]
fn a_report_needs_an_interval() {
    let error = nexlog::builder().report_suppressed(Duration::ZERO).build().unwrap_err();
    assert!(error.to_string().contains("`report_suppressed`"), "{error}");
}
