//! Health: each kind of trouble is told while it lasts, and over when it is. And the report.

mod support;

use nexlog::{File, Health, HealthReason, Json, Level, Logger, Memory, Mode, Overflow, Rotate};
use nexlog::{info, warn};
use std::time::{Duration, Instant};
use support::sinks::{Each, Valve};
use support::{Folder, MODES, PATIENCE, assert_balanced, wait_until};

fn kinds(logger: &Logger) -> Vec<String> {
    let kind = |reason: &HealthReason| {
        let text = format!("{reason:?}");
        text.split([' ', '{']).next().unwrap().to_owned()
    };
    logger.health().reasons().iter().map(kind).collect()
}

#[test]
fn a_logger_that_works_is_well_and_so_is_none() {
    assert_eq!(nexlog::health(), Health::Ok);
    for (name, mode) in MODES {
        let logger = nexlog::builder().sink(Memory::new()).mode(mode).build().unwrap();
        (0..1_000).for_each(|n| info!(logger(&logger), "step", n));
        assert_eq!(logger.health().to_string(), "ok", "{name}");
        logger.flush(PATIENCE).unwrap();
        assert!(logger.health().is_ok(), "{name}");
    }
}

#[test]
fn a_sink_that_fails_is_told_until_it_works_again_and_its_losses_longer() {
    for (name, mode) in MODES {
        let valve = Valve::new();
        let builder = nexlog::builder().sink(valve.clone()).sink(Memory::new());
        let logger = builder.mode(mode).on_error(|_| {}).build().unwrap();
        valve.fail(true);
        info!(logger(&logger), "lost");
        assert!(logger.flush(PATIENCE).is_err());
        let health = logger.health();
        assert!(health.is_failing(), "{name}: {health}");
        let [HealthReason::SinkFails { sink, error, .. }, HealthReason::Drops { records: 1, .. }] =
            health.reasons()
        else {
            panic!("{name}: {health:?}")
        };
        assert_eq!((&**sink, &**error), ("valve", "told to fail"));
        assert!(health.to_string().starts_with("failing: the sink valve fails"), "{health}");
        valve.fail(false);
        info!(logger(&logger), "written");
        logger.flush(PATIENCE).unwrap();
        assert!(!logger.health().is_failing(), "{name}: {}", logger.health());
        assert_eq!(kinds(&logger), ["Drops"], "{name}");
        assert_eq!(logger.health().as_str(), "degraded");
    }
}

#[test]
fn a_lane_that_fills_is_told_until_it_is_drained() {
    let valve = Valve::new();
    let logger = nexlog::builder()
        .sink(valve.clone())
        .mode(Mode::Background)
        .overflow(Overflow::DropNewest)
        .lane_bytes(64 << 10)
        .build()
        .unwrap();
    valve.shut();
    info!(logger(&logger), "the worker waits with this");
    wait_until("the worker waits", || valve.waiting() == 1);
    assert_eq!(logger.health(), Health::Ok);
    let mut n = 0;
    while logger.health().is_ok() {
        n += 1;
        info!(logger(&logger), "step", n, text = "some more to be said");
        assert!(n < 100_000, "it never fills");
    }
    let health = logger.health();
    let [HealthReason::NearlyFull { percent }] = health.reasons() else { panic!("{health:?}") };
    assert!((75..=80).contains(percent), "{health}");
    while logger.stats().dropped == 0 {
        info!(logger(&logger), "step", text = "some more to be said");
    }
    assert_eq!(kinds(&logger), ["Drops", "NearlyFull"]);
    valve.open();
    logger.flush(PATIENCE).unwrap();
    assert_eq!(kinds(&logger), ["Drops"]);
    assert_balanced(&logger.stats());
}

#[test]
fn a_rotation_that_fails_is_told_until_it_works() {
    let folder = Folder::new();
    let block = folder.file("app.log.1").join("in the way");
    std::fs::create_dir_all(&block).unwrap();
    let file = File::at(folder.file("app.log")).rotate(Rotate::size(1_000));
    let logger = nexlog::builder().file(file).on_error(|_| {}).build().unwrap();
    for n in 0..100 {
        info!(logger(&logger), "step", n);
    }
    let health = logger.health();
    let [HealthReason::SinkTrouble { sink, .. }] = health.reasons() else { panic!("{health:?}") };
    assert!(sink.contains("app.log"), "{health}");
    assert_eq!(health.as_str(), "degraded");
    assert_eq!(logger.stats().dropped, 0);
    std::fs::remove_dir_all(folder.file("app.log.1")).unwrap();
    let end = Instant::now() + PATIENCE;
    while !logger.health().is_ok() {
        assert!(Instant::now() < end, "{}", logger.health());
        std::thread::sleep(Duration::from_millis(100));
        info!(logger(&logger), "going on");
    }
    assert!(logger.stats().rotations > 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_ring_file_that_cannot_be_made_is_told() {
    let folder = Folder::new();
    std::fs::write(folder.file("no folder"), "").unwrap();
    let build = |is_safe| {
        nexlog::builder()
            .file(File::at(folder.file("app.log")))
            .crash_dir(folder.file("no folder"))
            .crash_safe(is_safe)
            .on_error(|_| {})
            .build()
            .unwrap()
    };
    let logger = build(true);
    info!(logger(&logger), "written all the same");
    assert_eq!(logger.health(), Health::Degraded(vec![HealthReason::NoRing]));
    drop(logger);
    assert!(build(false).health().is_ok(), "nobody asked for one");
}

#[test]
fn a_sink_that_hangs_is_told_by_whoever_looks() {
    let valve = Valve::new();
    let logger = nexlog::builder().sink(valve.clone()).mode(Mode::Background).build().unwrap();
    valve.shut();
    info!(logger(&logger), "it waits with this");
    wait_until("it hangs", || logger.health().is_failing());
    assert_eq!(kinds(&logger), ["Hangs"]);
    valve.open();
    logger.flush(PATIENCE).unwrap();
    assert_eq!(logger.health(), Health::Ok);
}

fn reports(memory: &Memory) -> Vec<serde_json::Value> {
    let parse = |line: &String| serde_json::from_str(line).unwrap();
    let lines = memory.lines();
    let all = lines.iter().map(parse);
    all.filter(|line: &serde_json::Value| line["msg"] == "logger report").collect()
}

#[test]
fn in_background_a_report_comes_though_nothing_is_logged() {
    let memory = Memory::new();
    let logger = nexlog::builder()
        .sink(&memory)
        .mode(Mode::Background)
        .report_interval(Duration::from_millis(150))
        .build()
        .unwrap();
    info!(logger(&logger), "one");
    info!(logger(&logger), "two");
    wait_until("three reports", || reports(&memory).len() >= 3);
    let all = reports(&memory);
    assert_eq!((&all[0]["accepted"], &all[0]["written"]), (&2.into(), &2.into()));
    assert_eq!((&all[1]["accepted"], &all[1]["dropped"]), (&0.into(), &0.into()));
    assert!(all[0]["bytes"].as_u64() > Some(0), "{all:?}");
    assert!(all[1]["bytes"].as_u64() > Some(0), "the first report: {all:?}");
    for report in &all {
        assert_eq!((&report["target"], &report["level"]), (&"nexlog".into(), &"INFO".into()));
        assert_eq!(report["health"], "ok");
        let interval = report["interval"].as_f64().unwrap();
        assert!((0.149..10.0).contains(&interval), "{interval}");
    }
    logger.flush(PATIENCE).unwrap();
    assert_balanced(&logger.stats());
    assert_eq!((logger.stats().accepted, logger.stats().own >= 3), (2, true));
}

#[test]
fn without_the_option_there_is_no_report_and_none_wakes_for_it() {
    let batches = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = std::sync::Arc::clone(&batches);
    let sink = Each(move |_: &nexlog::Batch<'_>| {
        counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Ok(())
    });
    let logger = nexlog::builder().sink(sink).mode(Mode::Background).build().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    logger.flush(PATIENCE).unwrap();
    assert_eq!(batches.load(std::sync::atomic::Ordering::SeqCst), 0);
    assert_eq!(logger.stats().own, 0);
}

#[test]
fn in_the_other_modes_the_next_record_past_the_time_brings_it() {
    for mode in [Mode::Immediate, Mode::Buffered] {
        let memory = Memory::new();
        let logger = nexlog::builder()
            .sink(&memory)
            .mode(mode)
            .report_interval(Duration::from_millis(200))
            .build()
            .unwrap();
        info!(logger(&logger), "early");
        logger.flush(PATIENCE).unwrap();
        assert_eq!(reports(&memory).len(), 0);
        std::thread::sleep(Duration::from_millis(250));
        assert_eq!(reports(&memory).len(), 0, "nobody wakes");
        info!(logger(&logger), "late");
        logger.flush(PATIENCE).unwrap();
        let all = reports(&memory);
        assert_eq!(all.len(), 1);
        // It is of the pass that brings it, whose records are not written yet.
        assert_eq!((&all[0]["accepted"], &all[0]["written"]), (&2.into(), &1.into()));
        assert!(memory.lines().last().unwrap().contains("logger report"));
    }
}

#[test]
fn a_report_tells_trouble_and_goes_only_where_it_is_wanted() {
    let (all, grave) = (Memory::new(), Memory::new());
    let valve = Valve::new();
    let logger = nexlog::builder()
        .filter("warn")
        .sink(&all)
        .sink(grave.clone().format(Json::new()).level(Level::Warn))
        .sink(valve.clone())
        .on_error(|_| {})
        .report_interval(Duration::from_millis(50))
        .build()
        .unwrap();
    valve.fail(true);
    warn!(logger(&logger), "lost by one");
    std::thread::sleep(Duration::from_millis(60));
    warn!(logger(&logger), "brings it");
    let report = &reports(&all)[0];
    assert_eq!(report["health"], "failing", "{report}");
    assert_eq!((&report["dropped"], &report["errors"]), (&1.into(), &1.into()), "{report}");
    assert_eq!(reports(&grave).len(), 0);

    let only = Memory::new();
    let logger = nexlog::builder()
        .sink(only.clone().format(Json::new()).level(Level::Warn))
        .report_interval(Duration::from_millis(10))
        .build()
        .unwrap();
    std::thread::sleep(Duration::from_millis(20));
    logger.flush(PATIENCE).unwrap();
    assert!(only.is_empty(), "it need not be told: {:?}", only.lines());
}

#[test]
fn an_interval_of_nothing_is_refused() {
    let builder = nexlog::builder().sink(Memory::new()).report_interval(Duration::ZERO);
    let text = builder.build().unwrap_err().to_string();
    assert!(text.contains("report_interval"), "{text}");
}
