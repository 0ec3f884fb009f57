//! The exact bytes of typical lines, and random ones against a naive model.

use std::cell::RefCell;
use std::time::Duration;

use proptest::prelude::*;

use super::Text;
use crate::format::Format;
use crate::format::testing::{
    Choices, Model, Sample, cases, choices, is_special, stamped, text_escaped, word,
};
use crate::format::time::{Precision, Stamp};
use crate::record::testing::Owned;
use crate::site::level::Level;
use crate::value::{Seal, Splice};
use crate::{Buffer, Record, Value};

/// A call with three fields, the first of them in the message.
const PAID: &str = "0:f8:order_idf3:whof4:tookML5:paid S0;L6: items.shop::pay\nsrc/pay.rs";

fn encode(format: &Text, record: &Record<'_>) -> String {
    let mut out = Buffer::new();
    format.encode(record, &mut out);
    String::from_utf8(out.as_bytes().to_vec()).unwrap()
}

fn line(format: &Text, description: &str, values: &[&dyn Value]) -> String {
    encode(format, &Owned::new(Level::Info, description, values).record())
}

fn paid(format: &Text) -> String {
    line(format, PAID, &[&3_u64, &"a b", &Duration::from_millis(1500)])
}

#[test]
fn a_typical_line() {
    assert_eq!(
        paid(&Text::compact()),
        "2026-11-22T13:50:00.123456Z INFO  shop::pay: paid 3 items order_id=3 who=\"a b\" \
         took=1.5s\n"
    );
}

#[test]
fn options_choose_the_parts() {
    let short = Text::compact().time(false).target(false);
    let rest = "paid 3 items order_id=3 who=\"a b\" took=1.5s\n";
    assert_eq!(paid(&short), format!("INFO  {rest}"));
    assert_eq!(paid(&short.clone().source()), format!("INFO  src/pay.rs:7: {rest}"));
    assert_eq!(paid(&short.thread()), format!("INFO  [main#1] {rest}"));
    assert_eq!(
        paid(&Text::compact().source().thread().precision(Precision::Seconds)),
        format!("2026-11-22T13:50:00Z INFO  [main#1] shop::pay src/pay.rs:7: {rest}")
    );
}

#[test]
fn without_message_the_fields_follow_the_target() {
    let format = Text::compact().time(false);
    assert_eq!(line(&format, "0:f1:a.m\nf", &[&1]), "INFO  m: a=1\n");
    assert_eq!(line(&format, "0:f1:aML0:.m\nf", &[&1]), "INFO  m: a=1\n");
    assert_eq!(line(&format, "0:f1:a.m\nf", &[&None::<u8>]), "INFO  m:\n");
}

#[test]
fn levels_are_padded_to_five() {
    let format = Text::compact().time(false);
    for (level, start) in [(Level::Warn, "WARN  m"), (Level::Critical, "CRITICAL m")] {
        let owned = Owned::new(level, "0:ML1:x.m\nf", &[]);
        assert_eq!(encode(&format, &owned.record()), format!("{start}: x\n"));
    }
}

#[test]
fn odd_keys_and_values_are_quoted() {
    let fields =
        [("a b", "x=y"), ("c", ""), ("d", "/tmp/é"), ("e", "a\nb\\"), ("f", "10.0.0.1:80")];
    assert_eq!(
        line(&Text::compact().time(false), "0:d0:.m\nf", &[&Splice(&fields)]),
        "INFO  m: \"a b\"=\"x=y\" c=\"\" d=\"/tmp/é\" e=\"a\\nb\\\\\" f=10.0.0.1:80\n"
    );
}

#[test]
fn a_message_keeps_its_backslashes_and_is_one_line() {
    let description = "0:h0:ML2:a\\S0;.m\nf";
    assert_eq!(
        line(&Text::compact().time(false), description, &[&"C:\\x\n\u{1b}[2J\r\u{2028}\u{9b}"]),
        "INFO  m: a\\C:\\x\\n\\u{1b}[2J\\r\\u{2028}\\u{9b}\n"
    );
}

#[test]
fn colours_are_around_time_level_place_and_keys() {
    let owned = Owned::new(Level::Error, "0:f1:aML3:\u{1b}[0.m\nf", &[&"\u{1b}[31m"]);
    let mut encoder = Text::compact().encoder(true, Seal::HERE).unwrap().encoder;
    let mut out = Buffer::new();
    encoder.encode(&owned.record(), &mut out);
    assert_eq!(
        std::str::from_utf8(out.as_bytes()).unwrap(),
        "\u{1b}[2m2026-11-22T13:50:00.123456Z\u{1b}[0m \u{1b}[31mERROR\u{1b}[0m \
         \u{1b}[2mm\u{1b}[0m: \\u{1b}[0 \u{1b}[36ma\u{1b}[0m=\"\\u{1b}[31m\"\n"
    );
}

#[test]
fn the_key_of_shared_encoders_tells_layouts_and_colours_apart() {
    let key = |format: Text, coloured| format.encoder(coloured, Seal::HERE).unwrap().key;
    assert_eq!(key(Text::compact(), true), key(Text::default(), true));
    assert_ne!(key(Text::compact(), true), key(Text::compact(), false));
    assert_ne!(key(Text::compact(), true), key(Text::compact().thread(), true));
}

/// The line by the documented rules.
fn expected(sample: &Sample, format: &Text) -> String {
    let mut stamp = Stamp::new(format.precision, "", " ").unwrap();
    let mut parts = Vec::new();
    if format.time {
        parts.push(stamped(&mut stamp, sample.time));
    }
    parts.push(format!("{:5}", sample.level));
    if format.thread {
        let name = text_escaped(&sample.thread.1, false);
        parts.push(format!(" [{name}#{}]", sample.thread.0));
    }
    if format.target {
        parts.push(format!(" {}", text_escaped(&sample.target, false)));
    }
    if format.source {
        parts.push(String::from(" src/m.rs:7"));
    }
    if format.target || format.source {
        parts.push(String::from(":"));
    }
    if sample.has_message() {
        let message = sample.message().unwrap_or_default();
        parts.push(format!(" {}", text_escaped(&message, false)));
    }
    let field = |(key, value, _): (&str, &Model, bool)| format!(" {}={}", word(key), value.text());
    parts.extend(sample.fields().into_iter().map(field));
    parts.concat() + "\n"
}

/// The text without the colour codes that the encoder writes.
fn without_colours(text: &str) -> String {
    let codes = ["0", "2", "31", "32", "33", "34", "36", "1;7;31"];
    codes.iter().fold(text.to_owned(), |text, code| text.replace(&format!("\u{1b}[{code}m"), ""))
}

#[test]
fn every_line_is_one_line_without_control_characters_and_what_the_model_says() {
    let formats = vec![
        Text::compact(),
        Text::compact().source().thread().precision(Precision::Nanos),
        Text::compact().time(false).target(false),
    ];
    let encoder = |format: &Text, coloured| format.encoder(coloured, Seal::HERE).unwrap().encoder;
    let both = |format: Text| {
        let (plain, coloured) = (encoder(&format, false), encoder(&format, true));
        (format, plain, coloured)
    };
    let encoders: Vec<_> = formats.into_iter().map(both).collect();
    let state = RefCell::new((0, encoders, Buffer::new()));
    let mut runner = proptest::test_runner::TestRunner::new(cases(20_000));
    let result = runner.run(&choices(), |bytes| {
        let (turn, encoders, out) = &mut *state.borrow_mut();
        *turn = (*turn + 1) % encoders.len();
        let (format, plain, coloured) = &mut encoders[*turn];
        let sample = Sample::new(&mut Choices(&bytes));
        let expected = expected(&sample, format);
        let mut failure = None;
        sample.with_record(|record| {
            out.clear();
            plain.encode(&record, out);
            let length = out.len();
            coloured.encode(&record, out);
            let (line, coloured) = std::str::from_utf8(out.as_bytes()).unwrap().split_at(length);
            if line != expected || line.trim_end_matches('\n').contains(is_special) {
                failure = Some(format!("line  {line}model {expected}"));
            } else if without_colours(coloured) != line {
                failure = Some(format!("line  {line}coloured {coloured}"));
            }
        });
        prop_assert!(failure.is_none(), "{}\nof {sample:#?}", failure.unwrap_or_default());
        Ok(())
    });
    if let Err(problem) = result {
        panic!("{problem}");
    }
}
