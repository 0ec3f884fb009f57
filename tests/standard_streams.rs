//! What a console promises for every kind of standard stream: a terminal is only one of them.
//!
//! Each test runs this program again as a child that logs to a stream the test has prepared.

#![cfg(unix)]

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nexlog::{Console, Json, Mode};

const RECORDS: u64 = 20_000;

/// The child: logs to standard error, and says on standard output what came of it. The test
/// harness writes to standard output too, hence the marks.
#[test]
#[ignore = "run by the other tests as a child"]
fn child() {
    let mode =
        if std::env::var_os("BACKGROUND").is_some() { Mode::Background } else { Mode::Immediate };
    let console = Console::stderr().format(Json::new());
    let logger = nexlog::builder().console(console).mode(mode).on_error(|_| ()).build().unwrap();
    let began = Instant::now();
    for number in 0..RECORDS {
        nexlog::info!(logger(&logger), "a record of the usual length, or nearly so", number);
    }
    let _ = logger.flush(Duration::from_secs(60));
    let stats = logger.stats();
    assert_eq!(stats.accepted, RECORDS);
    println!("\n[{} {} {}]", stats.written, stats.dropped, began.elapsed().as_millis());
}

fn spawn(stderr: impl Into<Stdio>, background: bool) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["child", "--exact", "--ignored", "--nocapture"]);
    command.stdout(Stdio::piped()).stderr(stderr);
    if background {
        command.env("BACKGROUND", "1");
    }
    command.spawn().unwrap()
}

/// How many records the child wrote and dropped, and how many milliseconds it took.
fn outcome(child: Child) -> (u64, u64, u64) {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let marked = text.lines().find_map(|line| line.strip_prefix('[')?.strip_suffix(']'));
    let numbers: Vec<u64> =
        marked.unwrap().split(' ').map(|number| number.parse().unwrap()).collect();
    (numbers[0], numbers[1], numbers[2])
}

fn number(line: &str) -> u64 {
    let record: serde_json::Value = serde_json::from_str(line).expect(line);
    record["number"].as_u64().unwrap()
}

#[test]
fn a_slow_reader_of_a_non_blocking_stream_gets_every_record_whole_and_in_order() {
    for background in [false, true] {
        let (ours, theirs) = UnixStream::pair().unwrap();
        theirs.set_nonblocking(true).unwrap();
        let child = spawn(OwnedFd::from(theirs), background);
        let mut lines = 0;
        for line in BufReader::new(ours).lines() {
            assert_eq!(number(&line.unwrap()), lines);
            lines += 1;
            if lines % 500 == 0 {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        let (written, dropped, _) = outcome(child);
        assert_eq!((lines, written, dropped), (RECORDS, RECORDS, 0));
    }
}

#[test]
fn a_reader_that_has_gone_costs_the_records_and_not_the_program() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    drop(ours);
    let (written, dropped, _) = outcome(spawn(OwnedFd::from(theirs), false));
    assert_eq!((written, dropped), (0, RECORDS));
}

#[test]
fn a_full_device_costs_the_records_and_not_the_program() {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let (written, dropped, _) = outcome(spawn(full, true));
    assert_eq!((written, dropped), (0, RECORDS));
}

#[test]
fn a_reader_that_stopped_reading_is_waited_for_once_and_not_for_each_record() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    theirs.set_nonblocking(true).unwrap();
    let (written, dropped, millis) = outcome(spawn(OwnedFd::from(theirs), false));
    drop(ours);
    assert_eq!(written + dropped, RECORDS);
    assert!(dropped > 0 && millis < 20_000, "{dropped} dropped in {millis} ms");
}
