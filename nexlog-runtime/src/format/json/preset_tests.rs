//! Presets: what single fields become, and random records in all of them.

use std::cell::RefCell;
use std::collections::HashSet;

use proptest::prelude::*;

use super::Json;
use crate::format::testing::{Choices, Sample, cases, choices, is_special};
use crate::format::{Encoder, Format};
use crate::record::Record;
use crate::record::testing::Owned;
use crate::site::level::Level;
use crate::value::{Keyed, Seal};
use crate::{Buffer, Precision, Value};

fn encode(format: &Json, record: &Record<'_>) -> String {
    let mut out = Buffer::new();
    format.encode(record, &mut out);
    String::from_utf8(out.as_bytes().to_vec()).unwrap()
}

fn line(format: &Json, description: &str, values: &[&dyn Value]) -> String {
    encode(format, &Owned::new(Level::Info, description, values).record())
}

#[test]
fn levels_are_those_of_the_reader() {
    let levels = |format: &Json, key: &str| {
        let of = |level| {
            let text = encode(format, &Owned::new(level, "0:.m\nf", &[]).record());
            serde_json::from_str::<serde_json::Value>(&text).unwrap()[key].to_string()
        };
        Level::ALL.map(of).join(" ").replace('"', "")
    };
    assert_eq!(levels(&Json::ecs(), "log.level"), "TRACE DEBUG INFO WARN ERROR CRITICAL");
    assert_eq!(levels(&Json::gcp(), "severity"), "DEBUG DEBUG INFO WARNING ERROR CRITICAL");
    assert_eq!(levels(&Json::otel(), "SeverityText"), "TRACE DEBUG INFO WARN ERROR CRITICAL");
    assert_eq!(levels(&Json::otel(), "SeverityNumber"), "1 5 9 13 17 21");
    assert_eq!(levels(&Json::bunyan(), "level"), "10 20 30 40 50 60");
    assert_eq!(levels(&Json::pino(), "level"), "10 20 30 40 50 60");
}

#[test]
fn a_message_is_there_where_the_reader_needs_one() {
    let has =
        |format: Json, key: &str| line(&format, "0:.m\nf", &[]).contains(&format!("{key}\":\"\""));
    assert!(has(Json::ecs(), "\"message"));
    assert!(has(Json::bunyan(), "\"msg"));
    assert!(!has(Json::gcp(), "\"message") && !has(Json::otel(), "\"Body"));
}

#[test]
fn an_error_of_any_type_has_the_readers_keys() {
    // A text where the index expects an object would lose the record.
    let text = line(&Json::ecs(), "0:f5:error.m\nf", &[&"gone"]);
    assert!(text.contains(",\"error.message\":\"gone\"}"), "{text}");
    let number = line(&Json::otel(), "0:f5:error.m\nf", &[&5]);
    assert!(number.contains(",\"Attributes\":{\"exception.message\":\"5\"}"), "{number}");
    let none = line(&Json::ecs(), "0:f5:error.m\nf", &[&None::<u8>]);
    assert!(!none.contains("error"), "{none}");
    let run_time = line(&Json::ecs(), "0:d0:.m\nf", &[&Keyed("error", &"gone")]);
    assert!(run_time.contains(",\"error.message\":\"gone\"}"), "{run_time}");
}

#[test]
fn a_key_that_the_preset_writes_gets_an_underscore() {
    let clash = |format: Json, description: &str| line(&format, description, &[&1, &2]);
    let ecs = clash(Json::ecs(), "0:f11:ecs.versionf8:trace.id.m\nf");
    assert!(ecs.ends_with(",\"ecs.version_\":1,\"trace.id_\":2}\n"), "{ecs}");
    let pino = clash(Json::pino(), "0:f3:pidf4:time.m\nf");
    assert!(pino.ends_with(",\"pid_\":1,\"time_\":2}\n"), "{pino}");
    // In an object of their own they clash with nothing but what lies there, too.
    let otel = clash(Json::otel().source(), "0:f4:Bodyf14:code.file.path.m\nf");
    assert!(otel.ends_with(",\"Body\":1,\"code.file.path_\":2}}\n"), "{otel}");
    let named = clash(Json::new().service("shop"), "0:f7:servicef1:a.m\nf");
    assert!(named.contains("\"service\":\"shop\",\"service_\":1"), "{named}");
}

#[test]
fn bunyan_has_the_programs_name_and_pino_the_time_in_milliseconds() {
    let name = std::env::current_exe().unwrap();
    let name = name.file_name().unwrap().to_str().unwrap();
    let bunyan = line(&Json::bunyan(), "0:.m\nf", &[]);
    assert!(bunyan.contains(&format!(",\"v\":0,\"name\":\"{name}\",\"hostname\":\"")), "{bunyan}");
    assert!(bunyan.contains(&format!(",\"pid\":{}}}", std::process::id())), "{bunyan}");
    let pino = |precision| line(&Json::pino().precision(precision), "0:.m\nf", &[]);
    assert!(pino(Precision::Millis).starts_with("{\"time\":1795355400123,\"level\":30,"));
    assert!(pino(Precision::Micros).starts_with("{\"time\":1795355400123.456,"));
}

#[test]
fn keys_can_be_chosen_in_presets_too() {
    let text = line(&Json::ecs().ts_key("time").msg_key("text"), "0:.m\nf", &[]);
    assert!(text.starts_with("{\"time\":\"") && text.contains("\"text\":\"\""), "{text}");
}

/// The first key that an object has twice.
fn twice(line: &str) -> Option<String> {
    let mut objects: Vec<HashSet<String>> = Vec::new();
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        match c {
            '{' | '[' => objects.push(HashSet::new()),
            '}' | ']' => _ = objects.pop(),
            '"' => {
                let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<String>();
                let text = stream.next().unwrap().unwrap();
                rest = &rest[stream.byte_offset()..];
                if rest.starts_with(':') && !objects.last_mut().unwrap().insert(text.clone()) {
                    return Some(text);
                }
                continue;
            }
            _ => {}
        }
        rest = &rest[c.len_utf8()..];
    }
    None
}

#[test]
fn every_record_is_one_valid_line_with_each_key_once_in_every_preset() {
    assert_eq!(twice("{\"a\":{\"a\":1},\"b\":[{\"c\":\"a\"}],\"a\":2}"), Some(String::from("a")));
    let formats = [
        Json::ecs(),
        Json::ecs().source().thread().service("shop").msg_key("a"),
        Json::gcp().source().thread().gcp_project("a\"b"),
        Json::otel().source().thread().service("shop"),
        Json::bunyan().source().service("é\"\n"),
        Json::pino().thread().precision(Precision::Nanos),
        Json::new().service("shop").source(),
    ];
    let encoder = |format: Json| format.encoder(false, Seal::HERE).unwrap().encoder;
    let encoders: Vec<Box<dyn Encoder>> = formats.into_iter().map(encoder).collect();
    let state = RefCell::new((0, encoders, Buffer::new()));
    let mut runner = proptest::test_runner::TestRunner::new(cases(14_000));
    let result = runner.run(&choices(), |bytes| {
        let (turn, encoders, out) = &mut *state.borrow_mut();
        *turn = (*turn + 1) % encoders.len();
        let encoder = &mut encoders[*turn];
        let sample = Sample::new(&mut Choices(&bytes));
        let mut failure = None;
        sample.with_record(|record| {
            out.clear();
            encoder.encode(&record, out);
            let length = out.len();
            encoder.encode(&record, out);
            let (line, again) = std::str::from_utf8(out.as_bytes()).unwrap().split_at(length);
            let one = line.trim_end_matches('\n');
            if let Err(error) = serde_json::from_str::<serde_json::Value>(one) {
                failure = Some(format!("{error} in {line}"));
            } else if let Some(key) = twice(one) {
                failure = Some(format!("{key:?} twice in {line}"));
            } else if line != again || one.contains(is_special) {
                failure = Some(format!("{line}again {again}"));
            }
        });
        prop_assert!(failure.is_none(), "{}\nof {sample:#?}", failure.unwrap_or_default());
        Ok(())
    });
    if let Err(problem) = result {
        panic!("{problem}");
    }
}
