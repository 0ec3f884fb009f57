//! The exact bytes of typical lines, option by option.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use super::Json;
use crate::format::time::Precision;
use crate::format::{Format, MAX_DEPTH};
use crate::record::testing::Owned;
use crate::site::level::Level;
use crate::value::{Keyed, Seal, Splice};
use crate::{Buffer, Record, Value, ValueWriter};

/// A call with three fields, the first of them in the message.
const PAID: &str = "0:f8:order_idf3:whof4:tookML5:paid S0;L6: items.shop::pay\nsrc/pay.rs";

fn encode(format: &Json, record: &Record<'_>) -> String {
    let mut out = Buffer::new();
    format.encode(record, &mut out);
    String::from_utf8(out.as_bytes().to_vec()).unwrap()
}

fn line(format: &Json, description: &str, values: &[&dyn Value]) -> String {
    encode(format, &Owned::new(Level::Info, description, values).record())
}

fn paid(format: &Json) -> String {
    line(format, PAID, &[&42_u64, &"a b", &Duration::from_millis(1500)])
}

/// The line of one field without message, from its value on.
fn value(value: &dyn Value) -> String {
    let line = line(&Json::new(), "0:f1:v.m\nf", &[value]);
    let (_, value) = line.split_once("\"m\",\"v\":").unwrap_or(("", "}\n"));
    value.strip_suffix("}\n").unwrap().to_owned()
}

#[test]
fn a_typical_line() {
    assert_eq!(
        paid(&Json::new()),
        "{\"ts\":\"2026-11-22T13:50:00.123456Z\",\"level\":\"INFO\",\"target\":\"shop::pay\",\
         \"msg\":\"paid 42 items\",\"order_id\":42,\"who\":\"a b\",\"took\":1.5}\n"
    );
}

#[test]
fn a_message_that_is_absent_is_left_out_and_an_empty_one_is_not() {
    let start = "{\"ts\":\"2026-11-22T13:50:00.123456Z\",\"level\":\"INFO\",\"target\":\"m\"";
    assert_eq!(line(&Json::new(), "0:.m\nf", &[]), format!("{start}}}\n"));
    assert_eq!(line(&Json::new(), "0:ML0:.m\nf", &[]), format!("{start},\"msg\":\"\"}}\n"));
}

#[test]
fn values_have_their_documented_forms() {
    assert_eq!(value(&u64::MAX), "18446744073709551615");
    assert_eq!(value(&-5_i8), "-5");
    assert_eq!(value(&i128::MIN), "-170141183460469231731687303715884105728");
    assert_eq!(value(&u128::MAX), "340282366920938463463374607431768211455");
    assert_eq!(value(&42.0), "42.0");
    assert_eq!(value(&1e20), "1e20");
    assert_eq!(value(&0.1_f32), "0.1");
    assert_eq!(value(&f64::NAN), "null");
    assert_eq!(value(&f32::NEG_INFINITY), "null");
    assert_eq!(value(&true), "true");
    assert_eq!(value(&'"'), "\"\\\"\"");
    assert_eq!(value(&"line\nfeed \u{1b}[31m \u{202e}"), "\"line\\nfeed \\u001b[31m \\u202e\"");
    assert_eq!(value(&Path::new("/tmp/ü")), "\"/tmp/ü\"");
    assert_eq!(value(&Duration::from_nanos(1)), "0.000000001");
    assert_eq!(value(&Duration::from_secs(3)), "3.0");
    assert_eq!(value(&UNIX_EPOCH), "\"1970-01-01T00:00:00Z\"");
    assert_eq!(value(&(UNIX_EPOCH + Duration::from_millis(1))), "\"1970-01-01T00:00:00.001Z\"");
    assert_eq!(value(&IpAddr::from([127, 0, 0, 1])), "\"127.0.0.1\"");
    assert_eq!(value(&SocketAddr::from((Ipv6Addr::LOCALHOST, 80))), "\"[::1]:80\"");
    assert_eq!(value(&vec![Some(1), None]), "[1,null]");
    assert_eq!(value(&BTreeMap::from([("a", 1), ("b\n", 2)])), "{\"a\":1,\"b\\n\":2}");
    assert_eq!(value(&(1, "x", [true; 0])), "[1,\"x\",[]]");
    assert_eq!(value(&None::<u8>), "");
}

/// A value written by a closure.
struct By<F>(F);

impl<F: Fn(ValueWriter<'_>)> Value for By<F> {
    fn record(&self, out: ValueWriter<'_>) {
        self.0(out);
    }
}

#[test]
fn values_that_write_themselves_have_their_documented_forms() {
    assert_eq!(value(&By(|out: ValueWriter<'_>| out.secret())), "\"***\"");
    assert_eq!(value(&By(|out: ValueWriter<'_>| out.bytes(b"\xc0\xff\x0e"))), "\"c0ff0e\"");
    let error = std::io::Error::other("disk on fire");
    assert_eq!(
        value(&By(|out: ValueWriter<'_>| out.error(&error))),
        "{\"msg\":\"disk on fire\",\"chain\":[]}"
    );
    let twice = By(|out: ValueWriter<'_>| {
        out.map(|map| {
            map.entry("a", &1);
            map.entry("b", &2);
            map.entry("a", &3);
        });
    });
    assert_eq!(value(&twice), "{\"a\":1,\"b\":2}");
}

#[test]
fn options_choose_keys_and_precision() {
    let format = Json::new().ts_key("time").level_key("sev").target_key("logger").msg_key("text");
    assert!(paid(&format.precision(Precision::Seconds)).starts_with(
        "{\"time\":\"2026-11-22T13:50:00Z\",\"sev\":\"INFO\",\"logger\":\"shop::pay\",\
         \"text\":\"paid 42 items\",\"order_id\":42"
    ));
    for (precision, time) in [
        (Precision::Millis, "2026-11-22T13:50:00.123Z"),
        (Precision::Nanos, "2026-11-22T13:50:00.123456789Z"),
    ] {
        assert!(paid(&Json::new().precision(precision)).contains(&format!("\"{time}\"")));
    }
}

#[test]
fn source_and_thread_stand_between_message_and_fields() {
    assert!(paid(&Json::new().source().thread()).ends_with(
        ",\"msg\":\"paid 42 items\",\"file\":\"src/pay.rs\",\"line\":7,\"thread\":\"main\",\
         \"thread_id\":1,\"order_id\":42,\"who\":\"a b\",\"took\":1.5}\n"
    ));
}

#[test]
fn fields_can_have_an_object_of_their_own() {
    let format = Json::new().nested_under("fields");
    assert!(paid(&format).ends_with(
        ",\"msg\":\"paid 42 items\",\"fields\":{\"order_id\":42,\"who\":\"a b\",\"took\":1.5}}\n"
    ));
    // Nothing is renamed there, and nothing written when there is nothing.
    let same = line(&format, "0:f2:tsf3:msg.m\nf", &[&1, &2]);
    assert!(same.ends_with("\"target\":\"m\",\"fields\":{\"ts\":1,\"msg\":2}}\n"), "{same}");
    let none = line(&format, "0:f1:a.m\nf", &[&None::<u8>]);
    assert!(none.ends_with("\"target\":\"m\"}\n"), "{none}");
}

#[test]
fn a_key_of_the_format_gets_an_underscore() {
    let ends = |description: &str, values: &[&dyn Value], end: &str| {
        let line = line(&Json::new(), description, values);
        assert!(line.ends_with(end), "{line}");
    };
    ends("0:f2:tsf4:span.m\nf", &[&1, &2], "\"m\",\"ts_\":1,\"span_\":2}\n");
    ends("0:f2:tsf3:ts_.m\nf", &[&1, &2], "\"m\",\"ts__\":1,\"ts_\":2}\n");
    ends("0:f4:filef2:Ts.m\nf", &[&1, &2], "\"m\",\"file\":1,\"Ts\":2}\n");
    let fields = [("msg", 1), ("msg_", 2), ("a", 3), ("msg", 4)];
    ends("0:d0:f1:a.m\nf", &[&Splice(&fields), &0], "\"a\":0,\"msg__\":1,\"msg_\":2}\n");
    // The run-time key gives way to what a literal one was renamed to.
    ends("0:f2:tsd0:.m\nf", &[&1, &Keyed("ts_", &2)], "\"ts_\":1,\"ts__\":2}\n");
}

#[test]
fn pretty_is_the_same_object_on_many_lines() {
    let list: (Vec<u8>, &str) = (vec![], "a{\"\\,:[");
    let text = line(&Json::new().pretty(), "0:f1:a.m\nf", &[&list]);
    assert_eq!(
        text,
        "{\n  \"ts\": \"2026-11-22T13:50:00.123456Z\",\n  \"level\": \"INFO\",\n  \
         \"target\": \"m\",\n  \"a\": [\n    [],\n    \"a{\\\"\\\\,:[\"\n  ]\n}\n"
    );
    let tree = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(tree(&paid(&Json::new().pretty())), tree(&paid(&Json::new())));
}

#[test]
fn a_pretty_object_leaves_what_lies_before_it_alone() {
    let owned = Owned::new(Level::Info, "0:.m\nf", &[]);
    let mut encoder = Json::new().pretty().encoder(false, Seal::HERE).unwrap().encoder;
    let mut out = Buffer::new();
    encoder.encode(&owned.record(), &mut out);
    let one = out.as_bytes().to_vec();
    encoder.encode(&owned.record(), &mut out);
    assert_eq!(out.as_bytes(), [one.as_slice(), &one].concat());
}

#[test]
fn level_and_target_may_differ_from_the_call_sites() {
    let owned = Owned::new(Level::Info, PAID, &[&1, &"x", &Duration::ZERO]);
    for (level, target, place) in [
        (Level::Critical, owned.site.target, "\"CRITICAL\",\"target\":\"shop::pay\""),
        (Level::Info, "a\"b", "\"INFO\",\"target\":\"a\\\"b\""),
    ] {
        let line = encode(&Json::new(), &Record { level, target, ..owned.record() });
        assert!(line.contains(&format!("\"level\":{place},\"msg\":\"paid 1 items\"")), "{line}");
    }
}

/// A list in a list in a list.
struct Deep(usize);

impl Value for Deep {
    fn record(&self, out: ValueWriter<'_>) {
        out.list(|list| {
            if self.0 > 1 {
                list.item(&Deep(self.0 - 1));
            }
        });
    }
}

#[test]
fn what_lies_too_deep_for_parsers_is_left_out() {
    for depth in [1, MAX_DEPTH, MAX_DEPTH + 1, 500] {
        let line = line(&Json::new().nested_under("f"), "0:f1:v.m\nf", &[&Deep(depth)]);
        serde_json::from_str::<serde_json::Value>(&line).expect("a parser can read it");
        assert_eq!(line.contains("\"<nested too deep>\""), depth > MAX_DEPTH);
    }
}

#[test]
fn many_keys_are_written_once_in_little_time() {
    let mut entries: Vec<(String, usize)> = (0..30_000).map(|n| (format!("k{n}"), n)).collect();
    entries.extend((0..5_000).rev().map(|n| (format!("k{n}"), 0)));
    let map = By(|out: ValueWriter<'_>| {
        out.map(|map| entries.iter().for_each(|(key, value)| map.entry(key, value)));
    });
    let naive: Vec<String> = (0..30_000).map(|n| format!("\"k{n}\":{n}")).collect();
    assert!(value(&map) == format!("{{{}}}", naive.join(",")));
    let line = line(&Json::new(), "0:d0:.m\nf", &[&Splice(&entries)]);
    assert!(line.ends_with(&format!("\"m\",{}}}\n", naive.join(","))));
}

#[test]
fn the_key_of_shared_encoders_tells_layouts_apart() {
    let key = |format: Json| format.encoder(false, Seal::HERE).unwrap().key;
    assert_eq!(key(Json::new()), key(Json::default()));
    assert_ne!(key(Json::new()), key(Json::new().thread()));
    assert_ne!(key(Json::new().ts_key("a")), key(Json::new().level_key("a")));
}
