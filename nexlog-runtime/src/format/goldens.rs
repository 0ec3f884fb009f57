//! One record in every layout, byte for byte, so that a change shows: `goldens.txt`.
//!
//! After a change that is meant, `NEXLOG_GOLDENS=write` writes the file anew; its difference is
//! for whoever reviews the change.

use std::fmt::Write;
use std::time::Duration;

use super::Format;
use crate::record::testing::Owned;
use crate::site::level::Level;
use crate::value::view::ValueRef;
use crate::value::{Seal, Splice};
use crate::{Buffer, Json, Logfmt, Precision, Text, Value, ValueWriter};

struct Failed;

impl Value for Failed {
    fn record(&self, out: ValueWriter<'_>) {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot \"pay\"")]
        struct Outer(#[source] std::io::Error);
        out.error(&Outer(std::io::Error::other("connection reset")));
    }
}

fn layouts() -> Vec<(&'static str, Box<dyn Format>)> {
    let pattern = "{ts:%H:%M:%S.3} {level:>5} {thread}@{hostname} {target} {msg} {fields}";
    vec![
        ("Json::new()", Box::new(Json::new())),
        ("Json::new().source().thread().service()", {
            Box::new(Json::new().source().thread().service("shop"))
        }),
        ("Json::new().nested_under()", Box::new(Json::new().nested_under("fields").source())),
        ("Json::new().pretty()", Box::new(Json::new().pretty())),
        ("Json::ecs()", Box::new(Json::ecs())),
        ("Json::ecs() and all", Box::new(Json::ecs().source().thread().service("shop"))),
        ("Json::gcp()", Box::new(Json::gcp())),
        ("Json::gcp() and all", {
            Box::new(Json::gcp().source().thread().service("shop").gcp_project("p"))
        }),
        ("Json::otel()", Box::new(Json::otel())),
        ("Json::otel() and all", Box::new(Json::otel().source().thread().service("shop"))),
        ("Json::bunyan()", Box::new(Json::bunyan().service("shop"))),
        ("Json::bunyan() and all", Box::new(Json::bunyan().source().thread().service("shop"))),
        ("Json::pino()", Box::new(Json::pino())),
        ("Json::pino() and all", {
            Box::new(Json::pino().source().thread().service("shop").precision(Precision::Nanos))
        }),
        ("Logfmt::new()", Box::new(Logfmt::new())),
        ("Logfmt::new() and all", Box::new(Logfmt::new().source().thread().span_path())),
        ("Text::compact()", Box::new(Text::compact())),
        ("Text::full()", Box::new(Text::full())),
        ("Text::pretty()", Box::new(Text::pretty().thread())),
        ("Text::pattern()", Box::new(Text::pattern(pattern))),
    ]
}

#[test]
fn every_layout_is_as_it_was() {
    let site = "0:f8:order_idf3:whof4:tookf5:errorf4:tagsf8:trace_idf7:span_idf3:pidf7:message\
                ML5:paid S0;L6: items.shop::pay\nsrc/pay.rs";
    let tags = vec!["a b", "c"];
    let values: [&dyn Value; 9] = [
        &42_u64,
        &"a \"b\"",
        &Duration::from_millis(1500),
        &Failed,
        &tags,
        &"4bf92f3577b34da6a3ce929d0e0e4736",
        &"00f067aa0ba902b7",
        &7,
        &"mine",
    ];
    let owned = Owned::new(Level::Error, site, &values);
    let stated = [("hostname", "web-1"), ("pid", "4711"), ("zone", "eu")];
    let common = Owned::new(Level::Info, "0:d0:.m\nf", &[&Splice(&stated)]);
    let mut record = owned.record();
    record.common = common.record().slots().find_map(|(_, value)| match value {
        ValueRef::Map(map) => Some(map),
        _ => None,
    });
    let mut text = String::new();
    for (name, format) in layouts() {
        let mut out = Buffer::new();
        format.encode(&record, &mut out);
        let once = out.as_bytes().to_vec();
        // By the way that sinks take, too: when the call site is new, and when it is known.
        let mut encoder = format.encoder(false, Seal::HERE).unwrap().encoder;
        (0..2).for_each(|_| encoder.encode(&record, &mut out));
        assert_eq!(out.as_bytes(), once.repeat(3), "{name}");
        let line = String::from_utf8(once).unwrap();
        if name.starts_with("Json") {
            serde_json::from_str::<serde_json::Value>(&line).expect(name);
        }
        writeln!(text, "== {name}\n{line}").unwrap();
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/format/goldens.txt");
    if std::env::var_os("NEXLOG_GOLDENS").is_some_and(|value| value == "write") {
        return std::fs::write(path, text).unwrap();
    }
    let golden = include_str!("goldens.txt");
    for (now, then) in text.lines().zip(golden.lines()) {
        assert_eq!(now, then);
    }
    assert_eq!(text.len(), golden.len());
}
