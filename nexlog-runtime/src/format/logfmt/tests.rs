//! The exact bytes of typical lines, and random ones read back.

use std::cell::RefCell;
use std::time::Duration;

use proptest::prelude::*;

use super::Logfmt;
use crate::format::Format;
use crate::format::testing::{Choices, Model, Sample, cases, choices, is_special, stamped};
use crate::format::time::{Precision, Stamp};
use crate::record::testing::Owned;
use crate::site::level::Level;
use crate::value::{Seal, Splice};
use crate::{Buffer, Record, Value};

/// A call with three fields, the first of them in the message.
const PAID: &str = "0:f8:order_idf3:whof4:tookML5:paid S0;L6: items.shop::pay\nsrc/pay.rs";

fn encode(format: &Logfmt, record: &Record<'_>) -> String {
    let mut out = Buffer::new();
    format.encode(record, &mut out);
    String::from_utf8(out.as_bytes().to_vec()).unwrap()
}

fn line(format: &Logfmt, description: &str, values: &[&dyn Value]) -> String {
    encode(format, &Owned::new(Level::Info, description, values).record())
}

fn paid(format: &Logfmt) -> String {
    line(format, PAID, &[&3_u64, &"a b", &Duration::from_millis(1500)])
}

#[test]
fn a_typical_line() {
    assert_eq!(
        paid(&Logfmt::new()),
        "ts=2026-11-22T13:50:00.123456Z level=info target=shop::pay msg=\"paid 3 items\" \
         order_id=3 who=\"a b\" took=1.5s\n"
    );
}

#[test]
fn every_option_shows() {
    let format = Logfmt::new().ts_key("time").level_key("lvl").target_key("logger").msg_key("text");
    assert!(paid(&format.precision(Precision::Seconds)).starts_with(
        "time=2026-11-22T13:50:00Z lvl=info logger=shop::pay text=\"paid 3 items\" order_id=3"
    ));
    assert!(paid(&Logfmt::new().source().thread()).contains(
        " msg=\"paid 3 items\" file=src/pay.rs line=7 thread=main thread_id=1 order_id=3"
    ));
    let utc = paid(&Logfmt::new());
    let local = paid(&Logfmt::new().local());
    assert!(!local.starts_with(utc.split_once('Z').unwrap().0) || local.contains("+00:00"));
}

#[test]
fn keys_that_readers_cannot_take_are_spelled_out() {
    let fields = [("a b", 1), ("c=d", 2), ("", 3), ("é", 4), ("50%", 5), ("q\"\n\\", 6)];
    let line = line(&Logfmt::new(), "0:d0:.m\nf", &[&Splice(&fields)]);
    assert!(line.ends_with(" target=m a%20b=1 c%3Dd=2 %=3 é=4 50%25=5 q%22%0A%5C=6\n"), "{line}");
}

#[test]
fn a_key_of_the_format_gets_an_underscore() {
    let line = line(&Logfmt::new(), "0:f2:tsf4:spanf4:file.m\nf", &[&1, &2, &3]);
    assert!(line.ends_with(" target=m ts_=1 span_=2 file=3\n"), "{line}");
}

#[test]
fn the_key_of_shared_encoders_tells_layouts_apart() {
    let key = |format: Logfmt| format.encoder(false, Seal::HERE).unwrap().key;
    assert_eq!(key(Logfmt::new()), key(Logfmt::default()));
    assert_ne!(key(Logfmt::new()), key(Logfmt::new().thread()));
    assert_ne!(key(Logfmt::new()), key(Logfmt::new().local()));
}

/// Keys and values as Go's `logfmt` package reads them, strictly: what it would pass over or
/// take as an error is one here.
fn read(line: &str) -> Result<Vec<(String, String)>, String> {
    let mut rest = line;
    let mut pairs = Vec::new();
    while !rest.is_empty() {
        let (key, behind) = rest.split_once('=').ok_or("a key without value")?;
        if key.is_empty() || key.chars().any(|c| c <= ' ' || c == '"') {
            return Err(format!("the key {key:?}"));
        }
        let value;
        (value, rest) = if behind.starts_with('"') {
            // The quoted forms are those of JSON.
            let mut stream = serde_json::Deserializer::from_str(behind).into_iter::<String>();
            let text = stream.next().ok_or("no text")?.map_err(|error| error.to_string())?;
            let (_, rest) = behind.split_at(stream.byte_offset());
            (text, rest)
        } else {
            let (value, rest) = behind.split_at(behind.find(' ').unwrap_or(behind.len()));
            if value.chars().any(|c| c <= ' ' || c == '=' || c == '"') {
                return Err(format!("the value {value:?}"));
            }
            (value.to_owned(), rest)
        };
        pairs.push((spelled(key), value));
        rest = match rest.strip_prefix(' ') {
            Some(rest) if !rest.is_empty() => rest,
            None if rest.is_empty() => rest,
            _ => return Err(format!("{rest:?} behind a value")),
        };
    }
    Ok(pairs)
}

/// The key that stands for this one.
fn spelled(key: &str) -> String {
    if key == "%" {
        return String::new();
    }
    let mut bytes = Vec::new();
    let mut rest = key.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        rest = behind;
        if first == b'%' {
            let digits = std::str::from_utf8(&rest[..2]).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
            rest = &rest[2..];
        } else {
            bytes.push(first);
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// What a reader has for a value.
fn meant(value: &Model) -> String {
    match value {
        Model::Char(_) | Model::Str(_) | Model::Os(_) => value.display(),
        Model::Error(text, chain) => {
            let mut all = vec![text.as_str()];
            all.extend(chain.iter().map(String::as_str));
            all.join(": ")
        }
        Model::Bytes(bytes) if bytes.is_empty() => String::new(),
        _ => value.text(),
    }
}

/// Keys that the format writes itself are left to the model of JSON, whose rules they follow.
fn is_own(key: &str) -> bool {
    let own = ["ts", "level", "target", "msg", "span", "file", "line", "thread", "thread_id"];
    own.contains(&key.trim_end_matches('_')) || key == "function"
}

#[test]
fn every_line_reads_back_as_the_keys_and_values_it_was_made_of() {
    let formats = [Logfmt::new(), Logfmt::new().source().thread().precision(Precision::Nanos)];
    let encoders = formats.map(|format| {
        let encoder = format.encoder(false, Seal::HERE).unwrap().encoder;
        (format, encoder)
    });
    let state = RefCell::new((0, encoders, Buffer::new()));
    let mut runner = proptest::test_runner::TestRunner::new(cases(20_000));
    let result = runner.run(&choices(), |bytes| {
        let (turn, encoders, out) = &mut *state.borrow_mut();
        *turn = (*turn + 1) % encoders.len();
        let (format, encoder) = &mut encoders[*turn];
        let sample = Sample::new(&mut Choices(&bytes));
        let mut stamp = Stamp::new(format.precision, "", "").unwrap();
        let mut own = vec![
            (String::from("ts"), stamped(&mut stamp, sample.time)),
            (String::from("level"), sample.level.to_string().to_lowercase()),
            (String::from("target"), sample.target.clone()),
        ];
        own.extend(sample.message().map(|text| (String::from("msg"), text)));
        let fields = sample.fields();
        let fields = fields.iter().filter(|field| !is_own(field.0));
        let fields: Vec<_> = fields.map(|field| (field.0.to_owned(), meant(field.1))).collect();
        let mut failure = None;
        sample.with_record(|record| {
            out.clear();
            encoder.encode(&record, out);
            let line = std::str::from_utf8(out.as_bytes()).unwrap();
            let one = line.trim_end_matches('\n');
            match read(one) {
                _ if one.contains(is_special) || line != format!("{one}\n") => {
                    failure = Some(format!("not a clean line: {line}"));
                }
                Err(problem) => failure = Some(format!("{problem} in {line}")),
                Ok(pairs) => {
                    let (start, rest) = pairs.split_at(own.len());
                    let rest: Vec<_> =
                        rest.iter().filter(|pair| !is_own(&pair.0)).cloned().collect();
                    let mut keys: Vec<&String> = pairs.iter().map(|pair| &pair.0).collect();
                    keys.sort();
                    keys.dedup();
                    if start != own || rest != fields || keys.len() != pairs.len() {
                        failure = Some(format!("{line}read {pairs:?}\nmeant {own:?} {fields:?}"));
                    }
                }
            }
        });
        prop_assert!(failure.is_none(), "{}\nof {sample:#?}", failure.unwrap_or_default());
        Ok(())
    });
    if let Err(problem) = result {
        panic!("{problem}");
    }
}
