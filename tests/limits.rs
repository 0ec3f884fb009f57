//! Whatever is logged, however large or odd: the record is cut where the limit says, the rest of
//! it is whole, and the JSON says exactly what was given.

mod support;

use nexlog::{Builder, Json, Level, Logger, Memory, Overflow, context, info, log};
use serde_json::{Value as JsonValue, json};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use support::random::Random;
use support::{MODES, PATIENCE, assert_balanced, lines};

fn logger(change: impl FnOnce(Builder) -> Builder) -> (Logger, Memory) {
    let memory = Memory::new();
    (change(nexlog::builder().sink(memory.clone())).build().unwrap(), memory)
}

fn text(record: &JsonValue, key: &str) -> String {
    record[key].as_str().unwrap_or_else(|| panic!("no text {key} in {record}")).to_owned()
}

#[test]
fn a_value_that_fits_exactly_is_whole_and_one_byte_more_is_cut() {
    let (logger, memory) = logger(|b| b.max_record_bytes(1_000));
    for length in 900..1_100 {
        let long = "x".repeat(length);
        info!(logger(&logger), "m", long);
        let plain = lines::only(&memory);
        info!(logger(&logger), "m", long = display(&long));
        let rendered = lines::only(&memory);
        for record in [plain, rendered] {
            let kept = text(&record, "long").len();
            if kept == length {
                assert!(record.get("truncated").is_none() && length <= 1_000, "{length}");
            } else {
                assert_eq!(record["truncated"], length, "the original bytes");
                assert!((980..=1_000).contains(&kept), "{kept} of {length}");
            }
        }
    }
}

#[test]
fn text_is_cut_between_characters() {
    let (logger, memory) = logger(|b| b.max_record_bytes(256));
    for shift in 0..8 {
        for letter in ["é", "€", "🦀"] {
            let long = format!("{}{}", "x".repeat(shift), letter.repeat(300));
            info!(logger(&logger), "m", long);
            let kept = text(&lines::only(&memory), "long");
            assert!(long.starts_with(&kept) && kept.len() > 230, "{kept}");
            info!(logger(&logger), "m", long = display(format_args!("{long}{long}")));
            let record = lines::only(&memory);
            assert!(long.starts_with(&text(&record, "long")));
            assert_eq!(record["truncated"], 2 * long.len());
        }
    }
}

#[test]
fn lists_maps_and_bytes_are_cut_and_stay_valid() {
    let (logger, memory) = logger(|b| b.max_record_bytes(512));
    let numbers: Vec<u64> = (0..10_000).collect();
    info!(logger(&logger), "m", numbers, after = 7);
    let record = lines::only(&memory);
    let kept = record["numbers"].as_array().unwrap();
    assert!((30..60).contains(&kept.len()), "{}", kept.len());
    assert!(kept.iter().enumerate().all(|(index, number)| *number == index));
    assert_eq!(record["after"], 7, "what follows is whole");
    assert!(record["truncated"].as_u64().unwrap() > 50_000);

    let map: BTreeMap<String, u64> = (0..10_000).map(|n| (format!("key{n:05}"), n)).collect();
    info!(logger(&logger), "m", map);
    let record = lines::only(&memory);
    let kept = record["map"].as_object().unwrap();
    assert!(!kept.is_empty() && kept.len() < 50);
    assert!(record["truncated"].as_u64().unwrap() > 100_000);

    let raw = [0xab_u8; 5_000];
    info!(logger(&logger), "m", raw = bytes(&raw));
    let record = lines::only(&memory);
    let hex = text(&record, "raw");
    assert!(
        hex.chars().all(|c| "ab".contains(c)) && hex.len().is_multiple_of(2) && hex.len() < 1_100
    );
    assert_eq!(record["truncated"], 5_000);

    let nested: Vec<Vec<String>> = vec![vec!["y".repeat(50); 50]; 50];
    info!(logger(&logger), "m", nested);
    assert!(lines::only(&memory)["truncated"].as_u64().unwrap() > 100_000);
}

#[test]
fn many_long_values_share_the_limit_and_scalars_stay() {
    let (logger, memory) = logger(|b| b.max_record_bytes(1_000));
    let (a, b, c) = ("a".repeat(800), "b".repeat(800), "c".repeat(800));
    info!(logger(&logger), "m", a, one = 1, b, two = 2.5, c, three = true);
    let record = lines::only(&memory);
    assert_eq!(text(&record, "a").len(), 800);
    assert!(text(&record, "b").len() < 200);
    assert_eq!(text(&record, "c"), "");
    assert_eq!(record["truncated"], 1_600);
    assert_eq!((&record["one"], &record["two"]), (&json!(1), &json!(2.5)));
    assert_eq!(record["three"], true);
}

#[test]
fn a_message_that_shows_a_cut_value_shows_the_cut_text() {
    let (logger, memory) = logger(|b| b.max_record_bytes(256));
    let long = "z".repeat(1_000);
    info!(logger(&logger), "said {long}!");
    let record = lines::only(&memory);
    assert_eq!(record["msg"], format!("said {}!", text(&record, "long")));
    assert_eq!(record["truncated"], 1_000);
    let key = "k".repeat(1_000);
    info!(logger(&logger), "m", (key) = 1);
    assert!(lines::only(&memory).get("truncated").is_some());
}

#[test]
fn a_field_called_truncated_and_the_mark_of_a_cut_record_are_both_there() {
    let (logger, memory) = logger(|b| b.max_record_bytes(256).field("truncated", "common"));
    let long = "z".repeat(1_000);
    let cut = |record: &JsonValue, mark: &str, theirs: JsonValue| {
        assert_eq!(record[mark], 1_000, "{record}");
        assert_eq!(record["truncated"], theirs, "{record}");
        assert!(record.get(format!("{mark}_")).is_none(), "{record}");
    };
    info!(logger(&logger), "m", truncated = true, long);
    cut(&lines::only(&memory), "truncated_", json!(true));
    info!(logger(&logger), "m", long, truncated = 7);
    cut(&lines::only(&memory), "truncated_", json!(7));
    let (target, key) = (String::from("made"), "truncated");
    info!(logger(&logger), target(target.as_str()), "m", (key) = 1, long);
    cut(&lines::only(&memory), "truncated_", json!(1));
    let map = BTreeMap::from([("truncated", 1), ("truncated_", 2)]);
    info!(logger(&logger), "m", ..map, long);
    let record = lines::only(&memory);
    cut(&record, "truncated__", json!(1));
    assert_eq!(record["truncated_"], 2);
    info!(logger(&logger.with([("truncated", "of the child")])), "m", long);
    cut(&lines::only(&memory), "truncated_", json!("of the child"));
    // What is not shown is in nobody's way, nor is what is less near than the record.
    info!(logger(&logger), "m", truncated = None::<u8>, long);
    cut(&lines::only(&memory), "truncated", json!(1_000));
    let _scope = context!(truncated = "around");
    info!(logger(&logger), "m", long);
    cut(&lines::only(&memory), "truncated", json!(1_000));
}

#[test]
fn a_cut_scope_says_so_beside_its_field_called_truncated() {
    let (logger, memory) = logger(|b| b);
    let long = "z".repeat(10_000);
    let _scope = context!(truncated = true, long);
    info!(logger(&logger), "m");
    let record = lines::only(&memory);
    assert_eq!((&record["truncated"], &record["truncated_"]), (&json!(true), &json!(10_000)));
}

#[test]
fn records_of_every_size_come_whole_in_every_mode() {
    for (_, mode) in MODES {
        let (logger, memory) = logger(|b| b.mode(mode).lane_bytes(64 << 10));
        let sizes =
            [0, 1, 4_095, 8_100, 8_191, 8_192, 8_193, 16_383, 16_384, 16_385, 65_536, 1_048_000];
        for size in sizes {
            let long = "ü".repeat(size / 2);
            info!(logger(&logger), "plain", size, long);
            info!(logger(&logger), "rendered", size, long = display(&long));
        }
        logger.flush(PATIENCE).unwrap();
        let records = lines::parse(&memory.lines());
        assert_eq!(records.len(), 2 * sizes.len());
        for (record, size) in records.iter().zip(sizes.iter().flat_map(|size| [size, size])) {
            assert_eq!(record["size"], *size);
            assert_eq!(text(record, "long").len(), size / 2 * 2);
            assert!(record.get("truncated").is_none(), "{size}");
        }
        assert_balanced(&logger.stats());
    }
}

#[test]
fn a_mebibyte_and_more_is_cut_at_the_default_limit() {
    let (logger, memory) = logger(|b| b.overflow(Overflow::DropNewest));
    let long = "x".repeat(3 << 20);
    info!(logger(&logger), "m", long);
    let record = lines::only(&memory);
    let kept = text(&record, "long").len();
    assert!(((1 << 20) - 64..=1 << 20).contains(&kept), "{kept}");
    assert_eq!(record["truncated"], 3 << 20);
    assert_eq!(logger.stats().dropped, 0);
}

#[test]
fn run_time_keys_by_the_hundred_come_once_each() {
    let (logger, memory) = logger(|b| b);
    let fields: Vec<(String, usize)> = (0..300).map(|n| (format!("key{}", n % 200), n)).collect();
    info!(logger(&logger), "m", key0 = "literal", ..fields);
    let line = memory.lines().remove(0);
    let record = lines::only(&memory);
    assert_eq!(record["key0"], "literal");
    (1..200).for_each(|n| assert_eq!(record[format!("key{n}")], n, "the first wins"));
    (0..200).for_each(|n| assert_eq!(line.matches(&format!("\"key{n}\":")).count(), 1));
}

#[test]
fn odd_keys_texts_and_targets_come_back_as_they_were() {
    let (logger, memory) = logger(|b| b);
    let mut random = Random::new(7);
    for _ in 0..2_000 {
        let (value, target) = (random.text(40), format!("t{}", random.text(10)));
        let key = format!("k{}", random.text(10));
        log!(Level::Info, logger(&logger), target(&target), "m {value}", (&key) = &value);
        let record = lines::only(&memory);
        assert_eq!((text(&record, "target"), text(&record, "value")), (target, value.clone()));
        assert_eq!(text(&record, "msg"), format!("m {value}"));
        assert_eq!(text(&record, &key), value);
    }
    for reserved in ["ts", "level", "target", "msg"] {
        info!(logger(&logger), "m", (reserved) = "mine");
        let record = lines::only(&memory);
        assert_eq!(record[format!("{reserved}_")], "mine", "{record}");
        assert_ne!(record[reserved], "mine");
    }
}

/// Every type with its edges, and what JSON says of it.
#[allow(clippy::too_many_lines)] // a table
fn log_every_value(logger: &Logger) -> Vec<(&'static str, &'static str)> {
    let error = Outer(Inner);
    let shared = Arc::new(String::from("shared"));
    let at = UNIX_EPOCH + Duration::new(1_795_355_400, 123_456_789);
    let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    info!(
        logger(logger),
        "integers",
        u8 = u8::MAX,
        i8 = i8::MIN,
        u16 = u16::MAX,
        i16 = i16::MIN,
        u32 = u32::MAX,
        i32 = i32::MIN,
        u64 = u64::MAX,
        i64 = i64::MIN,
        u128 = u128::MAX,
        i128 = i128::MIN,
        usize = usize::MAX,
        isize = isize::MIN,
        nonzero = std::num::NonZeroU8::MIN,
        zero = 0,
    );
    info!(
        logger(logger),
        "floats",
        whole = 42.0,
        large = 1e20,
        tiny = f64::MIN_POSITIVE,
        max = f64::MAX,
        negative_zero = -0.0,
        single = 0.1_f32,
        nan = f64::NAN,
        infinite = f64::INFINITY,
        below = f32::NEG_INFINITY,
        denormal = 5e-324,
        exact = 9_007_199_254_740_993_i64,
    );
    info!(
        logger(logger),
        "times",
        zero = Duration::ZERO,
        half = Duration::from_millis(1_500),
        ns = Duration::from_nanos(1),
        max = Duration::MAX,
        at,
        epoch = UNIX_EPOCH,
        before = UNIX_EPOCH - Duration::from_secs(1),
        far = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799),
    );
    info!(
        logger(logger),
        "others",
        yes = true,
        no = false,
        letter = 'ü',
        nul = '\0',
        empty = "",
        text = String::from("t"),
        some = Some(1),
        none = None::<u8>,
        boxed = Box::new(1),
        shared = &shared,
        v4 = Ipv4Addr::LOCALHOST,
        v6,
        ip = IpAddr::V6(v6),
        path = Path::new("/a b/ü"),
        socket = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 80)),
        socket6 = SocketAddrV6::new(v6, 443, 0, 3),
        raw = bytes(b"\x00\xff"),
        none_at_all = bytes(b""),
        hidden = secret("canary"),
        error = err(&error),
        args = format_args!("{}-{}", 1, 2),
    );
    info!(
        logger(logger),
        "collections",
        list = [1, 2, 3],
        no_list = <[u8; 0]>::default(),
        tuple = (1, "x", None::<u8>, [true]),
        deque = VecDeque::from([1.5]),
        set = BTreeSet::from(["b", "a"]),
        map = BTreeMap::from([("b", Some(1)), ("a", None)]),
        hash = HashMap::from([(7, vec!["x"])]),
        no_map = BTreeMap::<String, u8>::new(),
        slice = &[Some(1), None][..],
    );
    vec![
        (
            "integers",
            r#""u8":255,"i8":-128,"u16":65535,"i16":-32768,"u32":4294967295,"i32":-2147483648,"u64":18446744073709551615,"i64":-9223372036854775808,"u128":340282366920938463463374607431768211455,"i128":-170141183460469231731687303715884105728,"usize":18446744073709551615,"isize":-9223372036854775808,"nonzero":1,"zero":0"#,
        ),
        (
            "floats",
            r#""whole":42.0,"large":1e20,"tiny":2.2250738585072014e-308,"max":1.7976931348623157e308,"negative_zero":-0.0,"single":0.1,"nan":null,"infinite":null,"below":null,"denormal":5e-324,"exact":9007199254740993"#,
        ),
        (
            "times",
            r#""zero":0.0,"half":1.5,"ns":0.000000001,"max":18446744073709551615.999999999,"at":"2026-11-22T13:50:00.123456789Z","epoch":"1970-01-01T00:00:00Z","before":"1969-12-31T23:59:59Z","far":"9999-12-31T23:59:59Z""#,
        ),
        (
            "others",
            r#""yes":true,"no":false,"letter":"ü","nul":"\u0000","empty":"","text":"t","some":1,"boxed":1,"shared":"shared","v4":"127.0.0.1","v6":"2001:db8::1","ip":"2001:db8::1","path":"/a b/ü","socket":"0.0.0.0:80","socket6":"[2001:db8::1%3]:443","raw":"00ff","none_at_all":"","hidden":"***","error":{"msg":"outer","chain":["inner"]},"args":"1-2""#,
        ),
        (
            "collections",
            r#""list":[1,2,3],"no_list":[],"tuple":[1,"x",null,[true]],"deque":[1.5],"set":["a","b"],"map":{"a":null,"b":1},"hash":{"7":["x"]},"no_map":{},"slice":[1,null]"#,
        ),
    ]
}

#[derive(Debug)]
struct Inner;

#[derive(Debug)]
struct Outer(Inner);

macro_rules! error {
    ($type:ty, $text:literal, $source:expr) => {
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($text)
            }
        }

        impl std::error::Error for $type {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                let source: fn(&Self) -> Option<&(dyn std::error::Error + 'static)> = $source;
                source(self)
            }
        }
    };
}

error!(Inner, "inner", |_| None);
error!(Outer, "outer", |outer| Some(&outer.0));

#[test]
fn every_type_at_its_edges_is_what_json_says() {
    let (logger, memory) = logger(|b| b);
    let expected = log_every_value(&logger);
    let lines = memory.lines();
    lines::parse(&lines);
    for (line, (message, fields)) in lines.iter().zip(expected) {
        let wanted = format!("\"msg\":\"{message}\",{fields}}}");
        assert!(line.ends_with(&wanted), "{line}\nis not\n{wanted}");
    }
    assert!(!lines.concat().contains("canary"));
}

/// Another parser reads the same: Python's, which is strict about strings and knows large numbers.
#[test]
fn another_parser_agrees() {
    let (logger, memory) = logger(|b| b);
    log_every_value(&logger);
    let (other, precise) = self::logger(|b| b.field("service", "ü\u{2028}\u{7f}"));
    let mut random = Random::new(3);
    (0..500).for_each(|n| info!(logger(&other), "random", n, text = random.text(60)));
    let program = "import sys, json\nfor line in sys.stdin.buffer:\n    \
                   print(json.dumps(json.loads(line.decode('utf-8'))))\n";
    let spawned = Command::new("python3")
        .args(["-c", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut python) = spawned else {
        println!("no python3 on this machine: its parser was not asked");
        return;
    };
    let given = [memory.bytes(), precise.bytes()].concat();
    let mut stdin = python.stdin.take().unwrap();
    let for_thread = given.clone();
    let writer = std::thread::spawn(move || stdin.write_all(&for_thread));
    let output = python.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    let given = String::from_utf8(given).unwrap();
    let read = String::from_utf8(output.stdout).unwrap();
    let parsed = |text: &str| lines::parse(&text.lines().collect::<Vec<_>>());
    let (given, read) = (parsed(&given), parsed(&read));
    assert_eq!(given.len(), 505);
    for (given, read) in given.iter().zip(&read) {
        for (key, value) in given.as_object().unwrap() {
            let same = value == &read[key]
                || value.as_f64().is_some_and(|v| Some(v) == read[key].as_f64());
            assert!(same, "{key}: {value} became {}", read[key]);
        }
    }
}

#[test]
fn the_order_of_keys_is_that_of_the_call() {
    let memory = Memory::new();
    let logger = nexlog::builder()
        .sink(memory.clone().format(Json::new().thread().source()))
        .field("service", "shop")
        .build()
        .unwrap();
    info!(logger(&logger), "m {zulu}", zulu = 1, alpha = 2, ..[("mike", 3)]);
    let line = memory.lines().remove(0);
    let at =
        |key: &str| line.find(&format!("\"{key}\":")).unwrap_or_else(|| panic!("{key} {line}"));
    let keys = ["ts", "level", "target", "msg", "zulu", "alpha", "mike", "service"];
    assert!(keys.is_sorted_by_key(|key| at(key)), "{line}");
}
