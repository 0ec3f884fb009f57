//! Whether the file of a run of `throughput` has what was logged: as many lines as records, and
//! in every 1,000th the message and all fields.
//!
//! With one thread a line's place is its record's number, so that order is checked, too. With
//! several the number is read from the line.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use rivals::record::{CONTEXT, MESSAGE, Pool, THREAD};
use rivals::{Format, Shape};
use serde_json::Value;

const EVERY: u64 = 1000;

pub struct Found {
    pub bytes: u64,
}

/// What a field must be.
enum Expected {
    Integer(i128),
    Float(f64),
    Bool(bool),
    Text(String),
}

use Expected::{Bool, Float, Integer, Text};

pub fn file(
    path: PathBuf,
    shape: Shape,
    format: Format,
    threads: u64,
    records: u64,
) -> Result<Found, String> {
    let file = File::open(&path).map_err(|e| format!("cannot read the log file: {e}"))?;
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let (pool, mut line) = (Pool::default(), Vec::new());
    let (mut lines, mut bytes) = (0, 0);
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line).map_err(|e| format!("cannot read: {e}"))?;
        if read == 0 {
            break;
        }
        if lines % EVERY == 0 {
            let text = String::from_utf8_lossy(&line);
            let number = if threads == 1 { Some(lines) } else { None };
            let share = records / threads;
            check(&text, number, shape, format, &pool, |n| {
                n / THREAD < threads && n % THREAD < share
            })
            .map_err(|problem| format!("line {lines}: {problem}: {}", text.trim_end()))?;
        }
        lines += 1;
        bytes += read as u64;
    }
    if lines == records {
        Ok(Found { bytes })
    } else {
        Err(format!("{lines} lines of {records} records"))
    }
}

fn check(
    line: &str,
    number: Option<u64>,
    shape: Shape,
    format: Format,
    pool: &Pool,
    exists: impl Fn(u64) -> bool,
) -> Result<(), String> {
    if format == Format::Text {
        let number = number.or_else(|| user_id(line)).ok_or("no user_id")?;
        return check_text(line, &expected(shape, number, pool));
    }
    let object: Value = serde_json::from_str(line).map_err(|e| format!("no JSON ({e})"))?;
    let number = number.or_else(|| text_of(find(&object, "user_id")?).parse().ok());
    let number = number.filter(|&n| exists(n)).ok_or("no record has this user_id")?;
    if !line.contains(MESSAGE) {
        return Err("no message".to_owned());
    }
    for (key, value) in expected(shape, number, pool) {
        let found = find(&object, key).ok_or_else(|| format!("no {key}"))?;
        if !value.is(found) {
            return Err(format!("{key} is wrong"));
        }
    }
    Ok(())
}

/// Texts differ in how they show keys and floats, so only other values are looked for.
fn check_text(line: &str, fields: &[(&str, Expected)]) -> Result<(), String> {
    for (key, value) in fields {
        let text = match value {
            Integer(number) => number.to_string(),
            Text(text) => text.clone(),
            Float(_) | Bool(_) => continue,
        };
        if !line.contains(&text) {
            return Err(format!("no {key}"));
        }
    }
    if line.contains(MESSAGE) { Ok(()) } else { Err("no message".to_owned()) }
}

/// The number behind `user_id` and whatever stands in between.
fn user_id(line: &str) -> Option<u64> {
    let rest = line.split_once("user_id")?.1;
    let rest = rest.trim_start_matches(|c: char| !c.is_ascii_digit());
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The value of a key, however deep.
fn find<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    match value {
        Value::Object(map) => map.get(key).or_else(|| map.values().find_map(|v| find(v, key))),
        Value::Array(list) => list.iter().find_map(|v| find(v, key)),
        _ => None,
    }
}

/// A rival may write numbers and truth as strings.
fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl Expected {
    fn is(&self, found: &Value) -> bool {
        let text = text_of(found);
        match self {
            Integer(number) => text.parse() == Ok(*number),
            Float(number) => text.parse() == Ok(*number),
            Bool(truth) => text.parse() == Ok(*truth),
            Text(expected) => *expected == text,
        }
    }
}

fn expected(shape: Shape, n: u64, pool: &Pool) -> Vec<(&'static str, Expected)> {
    let integer = |value: &dyn ToString| Integer(value.to_string().parse().expect("an integer"));
    let text = |value: &dyn ToString| Text(value.to_string());
    let request = || {
        let r = pool.request(n);
        vec![
            ("user_id", integer(&r.user_id)),
            ("status", integer(&r.status)),
            ("latency_ms", Float(r.latency_ms)),
            ("path", text(&r.path)),
            ("cached", Bool(r.cached)),
        ]
    };
    match shape {
        Shape::Request => request(),
        Shape::Strings => {
            let r = pool.strings(n);
            vec![
                ("session", text(&r.session)),
                ("host", text(&r.host)),
                ("query", text(&r.query)),
                ("agent", text(&r.agent)),
                ("note", text(&r.note)),
            ]
        }
        Shape::Integers => {
            let r = pool.integers(n);
            macro_rules! fields {
                ($($name:ident)+) => { vec![$((stringify!($name), integer(&r.$name))),+] };
            }
            fields!(a b c d e f g h i j k l m n o p q r s t)
        }
        Shape::Display => {
            let r = pool.displayed(n);
            vec![
                ("client", text(&r.client)),
                ("peer", text(&r.peer)),
                ("amount", text(&r.amount)),
                ("version", text(&r.version)),
            ]
        }
        Shape::Context => {
            let mut fields = request();
            fields.extend([
                ("request_id", text(&CONTEXT.request_id)),
                ("tenant", integer(&CONTEXT.tenant)),
                ("region", text(&CONTEXT.region)),
                ("retry", Bool(CONTEXT.retry)),
            ]);
            fields
        }
    }
}
