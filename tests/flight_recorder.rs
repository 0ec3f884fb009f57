//! The flight recorder: the last records below the filter's level, written when it matters.

mod support;

use nexlog::{FlightRecorder, Json, Level, Logger, Memory, Mode};
use nexlog::{critical, debug, error, info, log, trace, warn};
use std::time::Duration;
use support::sinks::Valve;
use support::{Folder, MODES, PATIENCE, assert_balanced};

fn logger(mode: Mode, recorder: FlightRecorder) -> (Logger, Memory) {
    let memory = Memory::new();
    let logger = nexlog::builder()
        .filter("info")
        .mode(mode)
        .sink(memory.clone().format(Json::new().thread()))
        .flight_recorder(recorder)
        .build()
        .unwrap();
    (logger, memory)
}

fn parse(line: &str) -> serde_json::Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// The numbers in the field `n`, in the order of the output.
fn numbers(memory: &Memory) -> Vec<u64> {
    memory.lines().iter().map(|line| parse(line)["n"].as_u64().unwrap()).collect()
}

fn rest(logger: &Logger) {
    logger.flush(PATIENCE).unwrap();
    assert_balanced(&logger.stats());
}

#[test]
fn the_last_records_are_written_before_the_trigger_in_every_mode() {
    for (name, mode) in MODES {
        let (logger, memory) = logger(mode, FlightRecorder::records(3));
        for n in 0..10 {
            debug!(logger(&logger), "step", n);
        }
        info!(logger(&logger), "wanted", n = 10);
        rest(&logger);
        assert_eq!(numbers(&memory), [10], "{name}");
        let stats = logger.stats();
        assert_eq!((stats.accepted, stats.written, stats.kept), (1, 1, 10), "{name}");
        warn!(logger(&logger), "below the trigger", n = 11);
        error!(logger(&logger), "gone wrong", n = 12);
        trace!(logger(&logger), "behind it", n = 13);
        rest(&logger);
        assert_eq!(numbers(&memory), [10, 11, 7, 8, 9, 12], "{name}");
        let stats = logger.stats();
        assert_eq!((stats.accepted, stats.written, stats.kept), (6, 6, 11), "{name}");
        critical!(logger(&logger), "again", n = 14);
        rest(&logger);
        assert_eq!(numbers(&memory)[6..], [13, 14], "each is written once: {name}");
    }
}

#[test]
fn level_and_trigger_are_as_stated() {
    let recorder = FlightRecorder::records(100).level(Level::Debug).trigger(Level::Warn);
    let (logger, memory) = logger(Mode::Immediate, recorder);
    trace!(logger(&logger), "too low", n = 0);
    debug!(logger(&logger), "kept", n = 1);
    log!(logger(&logger), std::hint::black_box(Level::Trace), "too low", n = 2);
    log!(logger(&logger), std::hint::black_box(Level::Debug), "kept", n = 3);
    assert!(!nexlog::enabled!(logger(&logger), Level::Trace));
    assert!(nexlog::enabled!(logger(&logger), Level::Debug));
    warn!(logger(&logger), "triggers", n = 4);
    assert_eq!(numbers(&memory), [1, 3, 4]);
    assert_eq!(logger.stats().kept, 2);
}

#[test]
fn bytes_bound_what_is_kept() {
    for (records, bytes) in [(1, 300), (10, 2_000), (500, 100_000)] {
        let (logger, memory) = logger(Mode::Buffered, FlightRecorder::bytes(bytes));
        for n in 0..5_000_u64 {
            debug!(logger(&logger), "step", n);
        }
        error!(logger(&logger), "gone wrong", n = 5_000);
        rest(&logger);
        let kept = numbers(&memory);
        assert!(kept.len() > records && kept.len() < bytes / 32, "{bytes}: {}", kept.len());
        let first = 5_001 - kept.len() as u64;
        assert_eq!(kept, (first..=5_000).collect::<Vec<_>>(), "the last ones, whole");
    }
    let (logger, memory) = logger(Mode::Immediate, FlightRecorder::bytes(1_000));
    debug!(logger(&logger), "long", n = 1, text = "x".repeat(2_000).as_str());
    error!(logger(&logger), "gone wrong", n = 2);
    assert_eq!(numbers(&memory), [2], "one that is too long for all");
}

#[test]
fn what_is_kept_has_its_own_time_thread_and_context() {
    for (name, mode) in MODES {
        let (logger, memory) = logger(mode, FlightRecorder::records(10));
        let child = logger.with(nexlog::fields! { component = "db" });
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("worker-7".into());
            let run = || {
                let _outer = nexlog::context!(request_id = "r-1");
                let count = 3;
                nexlog::span!("pay", user = 5).in_scope(|| {
                    debug!(logger(&child), "took {count}", n = 1, list = [1, 2]);
                    debug!(logger(&child), target("other"), "second", n = 2);
                });
            };
            thread.spawn_scoped(scope, run).unwrap().join().unwrap();
        });
        std::thread::sleep(Duration::from_millis(30));
        error!(logger(&logger), "gone wrong", n = 3);
        rest(&logger);
        let lines = memory.lines();
        assert_eq!(numbers(&memory), [1, 2, 3], "{name}");
        let [first, second, third] = [0, 1, 2].map(|number: usize| parse(&lines[number]));
        assert_eq!((&first["msg"], &first["list"][1]), (&"took 3".into(), &2.into()), "{name}");
        for (key, value) in
            [("request_id", "r-1"), ("component", "db"), ("span", "pay"), ("thread", "worker-7")]
        {
            assert_eq!(first[key], value, "{name}: {first}");
        }
        assert_eq!((&second["target"], &second["user"]), (&"other".into(), &5.into()), "{name}");
        assert!(third.get("user").is_none() && third.get("request_id").is_none(), "{third}");
        let times = [&first, &second, &third].map(|line| line["ts"].as_str().unwrap());
        assert!(times[0] < times[2] && times[1] < times[2], "{name}: {times:?}");
    }
}

#[test]
fn threads_are_kept_together_in_the_order_of_the_clock() {
    let (logger, memory) = logger(Mode::Background, FlightRecorder::records(400));
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            let logger = &logger;
            scope.spawn(move || {
                for step in 0..1_000_u64 {
                    debug!(logger(logger), "step", n = thread * 1_000 + step);
                }
            });
        }
    });
    logger.flush(PATIENCE).unwrap();
    error!(logger(&logger), "gone wrong", n = 9_999);
    rest(&logger);
    let kept = numbers(&memory);
    assert_eq!(kept.len(), 401);
    for thread in 0..4 {
        let own: Vec<_> = kept.iter().filter(|n| **n / 1_000 == thread).collect();
        assert!(own.is_sorted(), "thread {thread}: {own:?}");
    }
    let times: Vec<_> = memory.lines().iter().map(|line| parse(line)["ts"].to_string()).collect();
    assert!(times.is_sorted(), "{times:?}");
}

#[test]
fn on_demand_all_that_was_kept_is_written() {
    for (name, mode) in MODES {
        let (logger, memory) = logger(mode, FlightRecorder::records(10));
        debug!(logger(&logger), "kept", n = 1);
        logger.dump_flight_recorder().unwrap();
        assert_eq!(numbers(&memory), [1], "{name}");
        logger.dump_flight_recorder().unwrap();
        assert_eq!(numbers(&memory), [1], "once: {name}");
        rest(&logger);
    }
    let without = nexlog::builder().sink(Memory::new()).build().unwrap();
    without.dump_flight_recorder().unwrap();
    nexlog::dump_flight_recorder().unwrap();
}

#[test]
fn another_filter_at_run_time_is_asked_about_what_comes_then() {
    for (name, mode) in MODES {
        let (logger, memory) = logger(mode, FlightRecorder::records(10));
        info!(logger(&logger), "wanted when it was made", n = 1);
        debug!(logger(&logger), "kept when it was made", n = 2);
        logger.set_filter("warn").unwrap();
        info!(logger(&logger), "kept now", n = 3);
        logger.set_filter("debug").unwrap();
        debug!(logger(&logger), "wanted now", n = 4);
        rest(&logger);
        assert_eq!(numbers(&memory), [1, 4], "{name}");
        error!(logger(&logger), "gone wrong", n = 5);
        rest(&logger);
        assert_eq!(numbers(&memory), [1, 4, 2, 3, 5], "{name}");
    }
}

#[test]
fn directives_about_spans_decide_as_without_it() {
    let memory = Memory::new();
    let logger = nexlog::builder()
        .filter("info,[pay]=debug,quiet=off")
        .sink(memory.clone().format(Json::new()))
        .flight_recorder(FlightRecorder::records(10))
        .build()
        .unwrap();
    let span = nexlog::span!("pay");
    debug!(logger(&logger), "kept", n = 1);
    span.in_scope(|| debug!(logger(&logger), "inside", n = 2));
    error!(logger(&logger), target("quiet"), "no trigger, as it does not pass", n = 3);
    assert_eq!(numbers(&memory), [2]);
    error!(logger(&logger), "trigger", n = 4);
    assert_eq!(numbers(&memory), [2, 1, 3, 4]);
    assert_balanced(&logger.stats());
}

#[test]
fn each_sink_gets_what_its_filter_wants() {
    let (all, some) = (Memory::new(), Memory::new());
    let logger = nexlog::builder()
        .sink(all.clone().format(Json::new()))
        .sink(some.clone().format(Json::new()).level(Level::Warn))
        .flight_recorder(FlightRecorder::records(10))
        .build()
        .unwrap();
    debug!(logger(&logger), "kept", n = 1);
    error!(logger(&logger), "trigger", n = 2);
    assert_eq!((numbers(&all), numbers(&some)), (vec![1, 2], vec![2]));
}

#[test]
fn more_than_a_batch_goes_over_rotations_whole_and_once() {
    for (name, mode) in MODES {
        let folder = Folder::new();
        let file = nexlog::File::at(folder.file("app.log"))
            .format(Json::new())
            .rotate(nexlog::Rotate::size(20_000))
            .keep(nexlog::Keep::files(100));
        let logger = nexlog::builder()
            .file(file)
            .mode(mode)
            .flight_recorder(FlightRecorder::records(3_000))
            .build()
            .unwrap();
        for n in 0..4_000 {
            debug!(logger(&logger), "step", n);
            if n % 500 == 0 {
                info!(logger(&logger), "wanted", n = 10_000 + n);
            }
        }
        error!(logger(&logger), "gone wrong", n = 99_999);
        rest(&logger);
        assert!(logger.stats().rotations > 5, "{name}");
        drop(logger);
        let mut text = String::new();
        for archive in (1..200).rev().map(|n| folder.file(&format!("app.log.{n}"))) {
            text += &std::fs::read_to_string(archive).unwrap_or_default();
        }
        text += &std::fs::read_to_string(folder.file("app.log")).unwrap();
        let found: Vec<u64> = text.lines().map(|line| parse(line)["n"].as_u64().unwrap()).collect();
        let wanted = (0..8).map(|n| 10_000 + 500 * n);
        let expected: Vec<u64> = wanted.chain(1_000..4_000).chain([99_999]).collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn a_sink_that_fails_loses_what_was_kept_and_all_is_counted() {
    let valve = Valve::new();
    let logger = nexlog::builder()
        .sink(valve.clone())
        .on_error(|_| {})
        .flight_recorder(FlightRecorder::records(10))
        .build()
        .unwrap();
    debug!(logger(&logger), "kept");
    valve.fail(true);
    error!(logger(&logger), "trigger");
    valve.fail(false);
    info!(logger(&logger), "later");
    info!(logger(&logger), "later");
    let stats = logger.stats();
    assert_eq!((stats.accepted, stats.written, stats.dropped_by.sink, stats.kept), (4, 2, 2, 1));
}

#[test]
fn an_option_that_cannot_work_is_refused() {
    for (recorder, what) in [
        (FlightRecorder::records(0), "keep nothing"),
        (FlightRecorder::bytes(100_u64), "at least 256"),
    ] {
        let error = nexlog::builder().sink(Memory::new()).flight_recorder(recorder).build();
        let text = error.unwrap_err().to_string();
        assert!(text.contains("flight_recorder") && text.contains(what), "{text}");
    }
}
