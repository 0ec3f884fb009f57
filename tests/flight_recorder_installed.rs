//! The flight recorder of the global logger: the short way of a call, and the ring file. One test, as
//! there is one global logger.

mod support;

use nexlog::{FlightRecorder, Level, Memory, Mode};
use nexlog::{debug, error, info, trace};
use std::time::Duration;
use support::{Folder, PATIENCE, assert_balanced};

fn never() -> u64 {
    panic!("it is evaluated")
}

#[test]
fn the_global_logger_keeps_what_its_sites_would_not_make() {
    let folder = Folder::new();
    let memory = Memory::new();
    let logger = nexlog::builder()
        .filter("info,quiet=off")
        .file(nexlog::File::at(folder.file("app.log")))
        .sink(&memory)
        .mode(Mode::Background)
        .flush_interval(Duration::from_millis(1))
        .flight_recorder(FlightRecorder::records(50).level(Level::Debug))
        .install()
        .unwrap();
    let number = |line: &String| -> u64 {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line["n"].as_u64().unwrap()
    };
    let numbers = || memory.lines().iter().map(number).collect::<Vec<_>>();

    assert!(nexlog::enabled!(Level::Debug) && !nexlog::enabled!(Level::Trace));
    let mut evaluated = 0;
    for n in 0..100_000_u64 {
        debug!(
            "step",
            n,
            twice = {
                evaluated += 1;
                2 * n
            }
        );
        trace!("too low", n = never());
    }
    assert_eq!(evaluated, 100_000);
    info!("wanted", n = 200_000);
    debug!(target("quiet"), "kept, too", n = 200_001);
    // A span that the filter does not want is not made: it would be in what is written.
    nexlog::span!(level(Level::Debug), "hidden").in_scope(|| info!("in it", n = 200_002));
    logger.flush(PATIENCE).unwrap();
    assert_eq!(numbers(), [200_000, 200_002]);
    assert!(!memory.lines()[1].contains("hidden"));
    let stats = logger.stats();
    assert_eq!((stats.accepted, stats.kept), (2, 100_001));

    error!("gone wrong", n = 200_003);
    logger.flush(PATIENCE).unwrap();
    let expected: Vec<u64> =
        [200_000, 200_002].into_iter().chain(99_951..100_000).chain([200_001, 200_003]).collect();
    assert_eq!(numbers(), expected);
    assert_balanced(&logger.stats());
    assert_eq!(logger.stats().dropped, 0);

    // The gate follows the filter.
    logger.set_filter("debug").unwrap();
    debug!("wanted now", n = 200_004);
    logger.set_filter("off").unwrap();
    info!("kept now", n = 200_005);
    logger.flush(PATIENCE).unwrap();
    assert_eq!(numbers().last(), Some(&200_004));
    nexlog::dump_flight_recorder().unwrap();
    assert_eq!(numbers().last(), Some(&200_005));
    let file = std::fs::read_to_string(folder.file("app.log")).unwrap();
    assert_eq!(file.lines().count(), memory.lines().len());

    // A capture hears what it would hear without one, and adds nothing to what is kept.
    let before = logger.stats();
    let records = nexlog::testing::capture();
    trace!("only captured", n = 1);
    debug!("captured and kept", n = 2);
    assert_eq!(records.messages(), ["only captured", "captured and kept"]);
    logger.flush(PATIENCE).unwrap();
    assert_eq!(logger.stats().kept, before.kept + 1);
}
