//! Reading what came out.

use serde_json::Value;
use std::path::Path;

/// Every line as JSON; one that is none fails the test.
#[track_caller]
pub fn parse<S: AsRef<str>>(lines: &[S]) -> Vec<Value> {
    lines
        .iter()
        .map(|line| {
            let line = line.as_ref();
            serde_json::from_str(line).unwrap_or_else(|e| panic!("{e} in {line:?}"))
        })
        .collect()
}

/// A file's lines. Its last line must be whole.
#[track_caller]
pub fn of_file(path: &Path) -> Vec<String> {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    assert!(bytes.is_empty() || bytes.ends_with(b"\n"), "the last line has no end");
    String::from_utf8(bytes).expect("UTF-8").lines().map(str::to_owned).collect()
}

/// The same of an archive that may be compressed with gzip.
#[track_caller]
pub fn of_archive(path: &Path) -> Vec<String> {
    if path.extension().is_none_or(|ending| ending != "gz") {
        return of_file(path);
    }
    let output = std::process::Command::new("gzip").arg("-dc").arg(path).output().expect("gzip");
    assert!(output.status.success(), "{}", path.display());
    String::from_utf8(output.stdout).expect("UTF-8").lines().map(str::to_owned).collect()
}

/// The lines without a torn last one. A process that ends kills its other threads, also in the
/// middle of a `write`; the record was of a call that never returned.
pub fn whole_of_file(path: &Path) -> Vec<String> {
    let mut bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    bytes.truncate(end);
    String::from_utf8(bytes).expect("UTF-8").lines().map(str::to_owned).collect()
}

/// The messages of all records.
pub fn messages(records: &[Value]) -> Vec<&str> {
    records.iter().map(|record| record["msg"].as_str().unwrap_or("")).collect()
}

/// The records with this message.
pub fn with_message<'a>(records: &'a [Value], message: &'a str) -> Vec<&'a Value> {
    records.iter().filter(|record| record["msg"] == message).collect()
}

/// The sum of a numeric field over all records with this message.
pub fn sum(records: &[Value], message: &str, field: &str) -> u64 {
    with_message(records, message).iter().filter_map(|record| record[field].as_u64()).sum()
}

/// A record that says which thread made it and as its which one, as `stress` makes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step<'a> {
    pub ts: &'a str,
    pub thread: u64,
    pub number: u64,
}

/// Reads a line of `info!("step", thread, number)`. Hundreds of thousands of them: by hand, and
/// stricter than a parser.
#[track_caller]
pub fn step(line: &str) -> Step<'_> {
    let read = || {
        let rest = line.strip_prefix("{\"ts\":\"")?;
        let (ts, rest) = rest.split_once("\",\"level\":\"INFO\",\"target\":\"")?;
        let (_, rest) = rest.split_once("\",\"msg\":\"step\",\"thread\":")?;
        let (thread, rest) = rest.split_once(",\"number\":")?;
        let number = rest.strip_suffix('}')?;
        Some(Step { ts, thread: thread.parse().ok()?, number: number.parse().ok()? })
    };
    read().unwrap_or_else(|| panic!("not one whole record: {line:?}"))
}

/// Each thread's records are there from 0, once, in order, up to the number in `counts`.
#[track_caller]
pub fn assert_steps<S: AsRef<str>>(lines: &[S], counts: &[u64]) {
    let mut next = vec![0; counts.len()];
    for line in lines {
        let step = step(line.as_ref());
        let expected = &mut next[usize::try_from(step.thread).expect("a thread's number")];
        assert_eq!(step.number, *expected, "thread {} is out of order", step.thread);
        *expected += 1;
    }
    assert_eq!(next, counts, "records of each thread");
}

/// The one record that a memory has; it is empty then.
#[track_caller]
pub fn only(memory: &nexlog::Memory) -> serde_json::Value {
    let records = parse(&memory.lines());
    assert_eq!(records.len(), 1);
    memory.take();
    records.into_iter().next().unwrap()
}
