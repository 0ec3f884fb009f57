//! A capture opens the gates that the installed logger's filter has closed, and that logger writes
//! what it would write without. One test, as there is one global logger.

mod support;

use nexlog::testing::capture;
use nexlog::{Level, Memory, debug, enabled, info, trace, warn};

fn log(round: u32) {
    debug!("quiet", round);
    warn!("loud", round);
    nexlog::span!("pay", order = 3).in_scope(|| info!("inside", round));
    trace!(target("chosen"), "chosen", round);
}

#[test]
fn a_capture_opens_the_gate_and_changes_nothing_of_what_is_written() {
    let early = capture();
    info!("before there is a logger");
    debug!("never anybody's but the capture's");
    assert_eq!(early.len(), 2);
    drop(early);

    let memory = Memory::new();
    let logger = nexlog::builder().filter("info").sink(&memory).install().unwrap();
    assert_eq!(memory.lines().len(), 1, "the one that waited, once");
    memory.take();

    log(0);
    assert!(!enabled!(Level::Debug));
    let one_round = memory.take();
    let accepted = logger.stats().accepted;

    let records = capture();
    assert!(enabled!(Level::Debug));
    log(0);
    assert_eq!(records.messages(), ["quiet", "loud", "inside", "chosen"]);
    assert_eq!(records.find("inside").span(), Some("pay"));
    assert_eq!(without_time(&memory.take()), without_time(&one_round));
    assert_eq!(logger.stats().accepted, accepted + 2);

    // A thread that nobody listens to.
    std::thread::spawn(|| log(1)).join().unwrap();
    assert_eq!(records.len(), 4);
    assert_eq!(memory.take().len(), one_round.len());

    // Another filter meanwhile.
    logger.set_filter("warn,chosen=trace").unwrap();
    log(2);
    assert_eq!((records.len(), memory.lines().len()), (8, 2));
    memory.take();
    logger.set_filter("info").unwrap();

    drop(records);
    assert!(!enabled!(Level::Debug), "the gate is closed again");
    log(0);
    assert_eq!(without_time(&memory.take()), without_time(&one_round));
    support::assert_balanced(&logger.stats());
    assert_eq!(logger.stats().dropped, 0);
}

fn without_time(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let behind = |line: &str| line.split_once(",\"level\"").map(|parts| parts.1.to_owned());
    text.lines().filter_map(behind).collect()
}
