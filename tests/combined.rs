//! What holds records back, all at once: flight recorder, dedup, sampling, limits of call sites, redaction.

mod support;

use nexlog::{
    Context, File, FlightRecorder, Level, Memory, Rotate, Stats, debug, error, info, warn,
};
use std::time::Duration;
use support::{Folder, MODES, PATIENCE, assert_balanced, lines};

const ROUNDS: u64 = 400;

fn trace(number: u64) -> Context {
    let header = format!("00-{:016x}{:016x}-00f067aa0ba902b7-01", number + 1, number << 54);
    Context::from_traceparent(&header).unwrap()
}

fn log(logger: &nexlog::Logger, thread: u64) {
    for number in 0..ROUNDS {
        trace(number).in_scope(|| {
            debug!(logger(logger), "kept", thread, number, password = "hunter2");
            info!(logger(logger), "in a trace", thread, number);
        });
        for _ in 0..3 {
            info!(logger(logger), "same", thread);
        }
        warn!(logger(logger), every(10), "now and then", thread, password = "hunter2");
        if number % 100 == 99 {
            error!(logger(logger), "trigger", thread, number);
        }
    }
}

#[test]
fn together_they_lose_and_double_nothing() {
    for (name, mode) in MODES {
        let folder = Folder::new();
        let (memory, path) = (Memory::new(), folder.file("app.log"));
        let recorder = FlightRecorder::records(20).level(Level::Debug).trigger(Level::Error);
        let logger = nexlog::builder()
            .filter("info")
            .flight_recorder(recorder)
            .redact(["password"])
            .sink(memory.clone())
            .file(
                File::at(&path)
                    .dedup(Duration::from_secs(3600))
                    .sample_traces(0.5)
                    .rotate(Rotate::size(nexlog::GIB)),
            )
            .mode(mode)
            .build()
            .unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let logger = &logger;
                scope.spawn(move || log(logger, thread));
            }
        });
        logger.flush(PATIENCE).unwrap();
        let stats = logger.stats();
        assert_balanced(&stats);
        check(name, &stats, &lines::parse(&memory.lines()), &lines::parse(&lines::of_file(&path)));
    }
}

fn check(mode: &str, stats: &Stats, whole: &[serde_json::Value], part: &[serde_json::Value]) {
    assert_eq!((stats.dropped, stats.errors), (0, 0), "{mode}: {stats:#?}");
    for thread in 0..4 {
        let of = |records: &[serde_json::Value], message: &str| {
            let own = records.iter().filter(|r| r["msg"] == message && r["thread"] == thread);
            own.cloned().collect::<Vec<_>>()
        };
        // Each sink has what it should, once and in order.
        let numbers = |records: &[serde_json::Value]| -> Vec<u64> {
            records.iter().map(|r| r["number"].as_u64().unwrap()).collect()
        };
        let all: Vec<_> = (0..ROUNDS).collect();
        assert_eq!(numbers(&of(whole, "in a trace")), all, "{mode}");
        assert_eq!(of(whole, "same").len() as u64, 3 * ROUNDS, "{mode}");
        let half: Vec<_> = all.iter().copied().filter(|number| (number << 54) >> 63 == 0).collect();
        assert_eq!(numbers(&of(part, "in a trace")), half, "{mode}");
        let triggers: Vec<_> = all.iter().copied().filter(|number| number % 100 == 99).collect();
        for records in [whole, part] {
            assert_eq!(numbers(&of(records, "trigger")), triggers, "{mode}");
        }
        let kept = numbers(&of(whole, "kept"));
        assert!(kept.is_sorted() && kept.len() as u64 <= 4 * 4 * 20, "{mode}: {kept:?}");
        assert!(!kept.is_empty(), "{mode}");
    }
    let of_message = |records: &[serde_json::Value], message: &str| {
        records.iter().filter(|r| r["msg"] == message).count() as u64
    };
    for records in [whole, part] {
        assert_eq!(of_message(records, "now and then"), 4 * ROUNDS / 10, "{mode}");
    }
    let repeated: u64 = part.iter().filter_map(|r| r["repeated"].as_u64()).sum();
    assert_eq!(of_message(part, "same") + repeated, 4 * 3 * ROUNDS, "{mode}");
    assert_eq!(stats.repeated, repeated, "{mode}");
    let suppressed: u64 = whole.iter().filter_map(|r| r["suppressed"].as_u64()).sum();
    assert!(suppressed > 0 && suppressed <= stats.suppressed, "{mode}");
    let text = format!("{whole:?}{part:?}");
    assert!(!text.contains("hunter2") && text.contains("***"), "{mode}");
}
