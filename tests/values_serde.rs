//! Feature `serde`: `serde(&v)` logs what is `Serialize` as a nested typed value, and records and
//! values are `Serialize` themselves.

mod support;

use nexlog::{Batch, Json, Level, Logger, Memory, Value, ValueWriter, context, info, log, span};
use serde::ser::{Error as _, SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::{Value as JsonValue, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::lines;
use support::sinks::Each;

fn logger() -> (Logger, Memory) {
    let memory = Memory::new();
    (nexlog::builder().sink(memory.clone()).build().unwrap(), memory)
}

/// The record of `value = serde(value)`.
#[track_caller]
fn record(value: &(impl Serialize + ?Sized)) -> JsonValue {
    let (logger, memory) = logger();
    info!(logger(&logger), "m", value = serde(value), after = 7);
    let mut records = lines::parse(&memory.lines());
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["after"], 7, "what follows is whole");
    records.remove(0)
}

#[track_caller]
fn shown(value: &(impl Serialize + ?Sized)) -> JsonValue {
    record(value)["value"].take()
}

#[derive(Serialize)]
struct Unit;

#[derive(Serialize)]
struct Newtype(u8);

#[derive(Serialize)]
struct Pair(u8, Option<&'static str>);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Order {
    customer_id: u64,
    note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<u8>,
    items: Vec<Newtype>,
    ratio: f32,
    letter: char,
    big: u128,
    low: i128,
    flag: bool,
    pair: Pair,
    unit: Unit,
}

#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Unit,
    Newtype(u8),
    Tuple(u8, u8),
    Struct { a: u8, b: Option<u8> },
}

#[test]
fn what_is_serialized_looks_as_serde_json_has_it() {
    let order = Order {
        customer_id: 7,
        note: None,
        left_out: None,
        items: vec![Newtype(1), Newtype(2)],
        ratio: 0.1,
        letter: 'ü',
        big: u128::MAX,
        low: i128::MIN,
        flag: true,
        pair: Pair(1, None),
        unit: Unit,
    };
    assert_eq!(shown(&order), serde_json::to_value(&order).unwrap());
    for event in
        [Event::Unit, Event::Newtype(1), Event::Tuple(1, 2), Event::Struct { a: 1, b: None }]
    {
        assert_eq!(shown(&event), serde_json::to_value(&event).unwrap());
    }
    let all: [&dyn erased::Shown; 8] = [
        &[1_i8, -1],
        &(1, "a", 2.5),
        &BTreeMap::from([(1, "one"), (-2, "two")]),
        &BTreeMap::from([('c', true)]),
        &BTreeMap::from([(Event::Unit, 1)]),
        &json!({"deep": [{"er": [null, {}]}], "n": 1.5e300}),
        &i64::MIN,
        &"text",
    ];
    for value in all {
        let (shown, expected) = value.both();
        assert_eq!(shown, expected);
    }
}

/// Values of many types in one list.
mod erased {
    use serde::Serialize;
    use serde_json::Value as JsonValue;

    pub trait Shown {
        fn both(&self) -> (JsonValue, JsonValue);
    }

    impl<T: Serialize> Shown for T {
        fn both(&self) -> (JsonValue, JsonValue) {
            (super::shown(self), serde_json::to_value(self).unwrap())
        }
    }
}

#[test]
fn none_and_unit_are_left_out_as_fields() {
    for record in [record(&None::<u8>), record(&()), record(&Unit)] {
        assert!(record.get("value").is_none(), "{record}");
    }
    assert_eq!(shown(&Some(3)), 3);
}

struct Raw;

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_bytes(&[0xab, 0xcd])
    }
}

/// Fails after it has written something.
struct Fails(bool);

impl Serialize for Fails {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let mut map = out.serialize_map(None)?;
        map.serialize_entry("before", "half")?;
        if self.0 {
            return Err(S::Error::custom("the \"lock\" is poisoned"));
        }
        map.serialize_entry(&[1], "a list is no key")?;
        map.end()
    }
}

/// Goes on after what fails inside it.
struct Forgives;

impl Serialize for Forgives {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let mut list = out.serialize_seq(None)?;
        list.serialize_element(&1)?;
        let _ = list.serialize_element(&Fails(true));
        list.serialize_element(&ForgivesAnEntry)?;
        list.end()
    }
}

struct ForgivesAnEntry;

impl Serialize for ForgivesAnEntry {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let mut map = out.serialize_map(None)?;
        let _ = map.serialize_entry("fails", &Fails(true));
        map.serialize_entry("fine", &2)?;
        map.end()
    }
}

#[test]
fn bytes_are_hex_and_a_failure_is_told_in_the_field() {
    assert_eq!(shown(&Raw), "abcd");
    assert_eq!(shown(&Fails(true)), "<Serialize failed: the \"lock\" is poisoned>");
    let text = shown(&[Fails(false)]);
    assert!(text.as_str().unwrap().starts_with("<Serialize failed: a map's key"), "{text}");
    assert_eq!(shown(&Forgives), json!([1, {"fine": 2}]));
}

#[test]
fn the_marker_works_wherever_markers_do() {
    let (logger, memory) = logger();
    let event = Event::Struct { a: 1, b: Some(2) };
    let expected = serde_json::to_value(&event).unwrap();
    info!(logger(&logger), "got {v}", v = serde(&event));
    info!(logger(&logger), "got", v:serde = event);
    info!(logger(&logger), "got", ("v") = serde(&event));
    log!(Level::Info, logger(&logger), "got"; "v" => serde(&event));
    {
        let _scope = context!(v = serde(&event));
        info!(logger(&logger), "got");
    }
    span!("s", v = serde(&event)).in_scope(|| info!(logger(&logger), "got"));
    let records = lines::parse(&memory.lines());
    assert_eq!(records.len(), 6);
    for record in records {
        assert_eq!(record["v"], expected, "{record}");
    }
}

struct Wraps(JsonValue);

impl Value for Wraps {
    fn record(&self, out: ValueWriter<'_>) {
        out.serialize(&self.0);
    }
}

#[test]
fn a_value_may_write_itself_by_serialize() {
    let (logger, memory) = logger();
    info!(logger(&logger), "m", list = [Wraps(json!({"a": 1})), Wraps(json!(null))]);
    assert_eq!(lines::parse(&memory.lines())[0]["list"], json!([{"a": 1}, null]));
}

#[test]
fn long_and_deep_values_are_cut_and_stay_valid() {
    let memory = Memory::new();
    let logger = nexlog::builder().sink(memory.clone()).max_record_bytes(512).build().unwrap();
    let long = json!({"list": vec!["x".repeat(20); 100], "map": {"k": "v".repeat(500)}});
    info!(logger(&logger), "m", long = serde(&long));
    let mut deep = json!(1);
    for _ in 0..300 {
        deep = json!([deep]);
    }
    let memory_of_deep = Memory::new();
    let roomy = nexlog::builder().sink(memory_of_deep.clone()).build().unwrap();
    info!(logger(&roomy), "m", deep = serde(&deep), after = 1);
    let records = lines::parse(&memory.lines());
    assert!(records[0]["truncated"].as_u64().unwrap() > 1_000, "{}", records[0]);
    assert!(memory_of_deep.lines()[0].contains("<nested too deep>"));
}

#[test]
fn records_are_serialized_as_their_lines_are() {
    let documents = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&documents);
    let sink = Each(move |batch: &Batch<'_>| {
        for record in batch.records() {
            kept.lock().unwrap().push(serde_json::to_value(record).unwrap());
        }
        Ok(())
    });
    let memory = Memory::new();
    let logger = nexlog::builder()
        .sink(sink)
        .sink(memory.clone().format(Json::new().nested_under("fields")))
        .field("service", "shop")
        .build()
        .unwrap();
    let error = "x".parse::<u8>().unwrap_err();
    let span = span!("outer", id = 5);
    span.in_scope(|| {
        info!(
            logger(&logger),
            "all {n}",
            n = 1,
            ts = "not the time",
            float = 1.5_f32,
            big = u128::MAX,
            took = Duration::from_millis(1_500),
            error = err(&error),
            raw = bytes(b"\x01"),
            path = std::path::Path::new("/a b"),
            ip = std::net::Ipv4Addr::LOCALHOST,
            token = secret(1),
            list = [Some(1), None],
            map = serde(&json!({"a": {"b": 1}})),
            letter = 'c',
            empty = bytes(b""),
        );
    });
    info!(logger(&logger.with([("a", 1)])), "plain");
    log!(Level::Critical, logger(&logger), n = 1);
    let records = lines::parse(&memory.lines());
    let documents = documents.lock().unwrap();
    assert_eq!((records.len(), documents.len()), (3, 3));
    for (record, document) in records.iter().zip(documents.iter()) {
        let mut record = record.clone();
        // Lines have six digits, a document all that the clock gave.
        let (short, long) = (record["ts"].take(), document["ts"].clone());
        assert_eq!(short.as_str().unwrap()[..20], long.as_str().unwrap()[..20]);
        record["ts"] = long;
        assert_eq!(&record, document);
    }
}

#[test]
fn numbers_that_keep_their_digits_are_numbers() {
    // serde_json has them as structs here, as this workspace has `arbitrary_precision` on.
    let (logger, memory) = logger();
    for text in ["0", "-7", "18446744073709551615", "1.5", "1e300"] {
        let number: JsonValue = serde_json::from_str(text).unwrap();
        info!(logger(&logger), "m", map = serde(&json!({ "n": number })));
        let line = memory.lines().pop().unwrap();
        assert!(line.contains(&format!(r#""map":{{"n":{text}}}"#)), "{line}");
    }
}
