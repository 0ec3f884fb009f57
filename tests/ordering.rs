//! Every record is there, once, whole, and each thread's records stand in the order of their
//! calls, in every mode. What one drain writes is sorted by the clock.

#![allow(clippy::cast_possible_truncation)] // small numbers, and bytes cut on purpose

mod support;

use nexlog::{File, Memory, Mode, Overflow, info};
use std::path::Path;
use std::time::Duration;
use support::child::{self, told};
use support::{Folder, MODES, PATIENCE, assert_balanced, lines, mode, scaled};

const THREADS: u64 = 8;

support::child::harness! {
    tests: [
        global_records_are_there_once_whole_and_in_order,
        local_records_are_there_once_whole_and_in_order,
        small_lanes_that_wrap_all_the_time_keep_order,
        records_of_all_sizes_keep_order,
        one_drain_is_sorted_by_time,
        one_drain_with_large_records_is_sorted_by_time,
    ],
    scenes: [global_stress],
}

fn records_of_each() -> u64 {
    scaled(20_000, 200_000)
}

/// Logs from many threads at once; each does `call(thread, number)` for its numbers.
fn from_all_threads(count: u64, call: impl Fn(u64, u64) + Sync) {
    let start = std::sync::Barrier::new(usize::try_from(THREADS).unwrap());
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (start, call) = (&start, &call);
            scope.spawn(move || {
                start.wait();
                (0..count).for_each(|number| call(thread, number));
            });
        }
    });
}

fn global_stress() {
    let logger = nexlog::builder()
        .file(File::at(told("FILE")))
        .mode(mode(&told("MODE")))
        .overflow(Overflow::Block)
        .install()
        .unwrap();
    from_all_threads(records_of_each(), |thread, number| info!("step", thread, number));
    logger.flush(PATIENCE).unwrap();
    let stats = logger.stats();
    assert_balanced(&stats);
    assert_eq!((stats.accepted, stats.dropped), (THREADS * records_of_each(), 0));
    assert_eq!(stats.own, 0);
}

fn global_records_are_there_once_whole_and_in_order() {
    for (name, _) in MODES {
        let folder = Folder::new();
        let file = folder.file("app.log");
        child::run("global_stress", &[("MODE", name), ("FILE", file.to_str().unwrap())])
            .expect_success();
        let lines = lines::of_file(Path::new(&file));
        lines::assert_steps(&lines, &[records_of_each(); THREADS as usize]);
    }
}

fn local_stress(mode: Mode, lane_bytes: usize, count: u64) {
    let memory = Memory::new();
    let logger = nexlog::builder()
        .sink(memory.clone())
        .mode(mode)
        .lane_bytes(lane_bytes)
        .flush_interval(Duration::from_millis(3))
        .build()
        .unwrap();
    from_all_threads(count, |thread, number| info!(logger(&logger), "step", thread, number));
    logger.flush(PATIENCE).unwrap();
    lines::assert_steps(&memory.lines(), &[count; THREADS as usize]);
    let stats = logger.stats();
    assert_balanced(&stats);
    assert_eq!((stats.written, stats.dropped), (THREADS * count, 0));
    assert_eq!(stats.bytes, memory.len() as u64);
}

fn local_records_are_there_once_whole_and_in_order() {
    for (_, mode) in MODES {
        local_stress(mode, 1 << 20, records_of_each() / 2);
    }
}

fn small_lanes_that_wrap_all_the_time_keep_order() {
    for (_, mode) in MODES {
        local_stress(mode, 32 << 10, records_of_each() / 4);
    }
}

/// Records that fit a segment, that do not, and that fit no lane at all.
fn records_of_all_sizes_keep_order() {
    let text = "x".repeat(40_000);
    for (_, mode) in MODES {
        let memory = Memory::new();
        let logger =
            nexlog::builder().sink(memory.clone()).mode(mode).lane_bytes(64 << 10).build().unwrap();
        let count = scaled(300, 3_000);
        from_all_threads(count, |thread, number| {
            let size = [0, 100, 4_000, 8_100, 8_192, 16_384, 40_000][(number % 7) as usize];
            let text = &text[..size];
            info!(logger(&logger), "sized", thread, number, text);
        });
        logger.flush(PATIENCE).unwrap();
        let mut next = [0; THREADS as usize];
        for record in lines::parse(&memory.lines()) {
            let thread = usize::try_from(record["thread"].as_u64().unwrap()).unwrap();
            assert_eq!(record["number"].as_u64().unwrap(), next[thread]);
            next[thread] += 1;
        }
        assert_eq!(next, [count; THREADS as usize]);
        assert_balanced(&logger.stats());
    }
}

/// Nothing is written before the flush, which is one drain of all lanes.
fn drained_once(memory: &Memory) -> nexlog::Logger {
    nexlog::builder()
        .sink(memory.clone().format(nexlog::Json::new().precision(nexlog::Precision::Nanos)))
        .mode(Mode::Buffered)
        .lane_bytes(64 << 20)
        .flush_interval(Duration::from_secs(3600))
        .build()
        .unwrap()
}

fn one_drain_is_sorted_by_time() {
    let memory = Memory::new();
    let logger = drained_once(&memory);
    from_all_threads(records_of_each() / 4, |thread, number| {
        info!(logger(&logger), "step", thread, number);
    });
    assert!(memory.is_empty(), "something drained early");
    logger.flush(PATIENCE).unwrap();
    let lines = memory.lines();
    lines::assert_steps(&lines, &[records_of_each() / 4; THREADS as usize]);
    assert!(lines.is_sorted_by_key(|line| lines::step(line).ts.to_owned()));
}

/// A record that fits no lane is written by its caller, behind what came before it and before
/// what came after it.
fn one_drain_with_large_records_is_sorted_by_time() {
    let memory = Memory::new();
    let logger = drained_once(&memory);
    let text = "x".repeat(20_000);
    from_all_threads(2_000, |thread, number| {
        let text = (thread == 0 && number.is_multiple_of(100)).then_some(&text);
        info!(logger(&logger), "step", thread, number, text);
    });
    logger.flush(PATIENCE).unwrap();
    let records = lines::parse(&memory.lines());
    assert_eq!(records.len() as u64, THREADS * 2_000);
    // Within a drain; a drain ends with each large record.
    let drains = records.split_inclusive(|record| !record["text"].is_null());
    for drain in drains {
        assert!(drain.is_sorted_by_key(|record| record["ts"].as_str()));
    }
}
