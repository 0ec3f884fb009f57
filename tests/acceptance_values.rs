//! Every type of value at its edges, as JSON and as text: what is written is what was given, and
//! each line is read back by two parsers that are not ours.

// Written as users write, not as this project does.
#![allow(clippy::pedantic, clippy::style, clippy::complexity)]

mod acceptance_support;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::error::Error;
use std::fmt;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::num::{NonZeroI128, NonZeroU8, NonZeroU64};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use acceptance_support::Desk;
use nexlog::{Level, error, info, log, warn};

/// The value under the key `v` as it stands in the JSON line.
macro_rules! json {
    ($desk:ident, $value:expr, $expected:expr) => {{
        info!(logger(&$desk.logger), "m", v = $value);
        let last = $desk.last();
        let at = last.line.find(r#""v":"#).unwrap_or_else(|| panic!("no v: {}", last.line));
        let raw = last.line[at + 4..].strip_suffix('}').unwrap();
        assert_eq!(raw, $expected, "{}", last.line);
    }};
}

/// The same in the text file, after `v=`.
macro_rules! text {
    ($desk:ident, $value:expr, $expected:expr) => {{
        info!(logger(&$desk.logger), "m", v = $value);
        let last = $desk.last_text();
        let at = last.find(" v=").unwrap_or_else(|| panic!("no v: {last}"));
        assert_eq!(&last[at + 3..], $expected, "{last}");
    }};
}

#[test]
fn integers_keep_all_their_digits() {
    let desk = Desk::new();
    json!(desk, i8::MIN, "-128");
    json!(desk, u8::MAX, "255");
    json!(desk, i16::MIN, "-32768");
    json!(desk, u16::MAX, "65535");
    json!(desk, i32::MIN, "-2147483648");
    json!(desk, u32::MAX, "4294967295");
    json!(desk, i64::MIN, "-9223372036854775808");
    json!(desk, u64::MAX, "18446744073709551615");
    json!(desk, i128::MIN, "-170141183460469231731687303715884105728");
    json!(desk, i128::MAX, "170141183460469231731687303715884105727");
    json!(desk, u128::MAX, "340282366920938463463374607431768211455");
    json!(desk, u128::from(u64::MAX) + 1, "18446744073709551616");
    json!(desk, i128::from(i64::MIN) - 1, "-9223372036854775809");
    json!(desk, usize::MAX, usize::MAX.to_string());
    json!(desk, isize::MIN, isize::MIN.to_string());
    json!(desk, 0, "0");
    json!(desk, -1i8, "-1");
    json!(desk, NonZeroU8::MAX, "255");
    json!(desk, NonZeroU64::MIN, "1");
    json!(desk, NonZeroI128::MIN, "-170141183460469231731687303715884105728");
    text!(desk, u128::MAX, "340282366920938463463374607431768211455");
    text!(desk, i128::MIN, "-170141183460469231731687303715884105728");
    text!(desk, true, "true");
    json!(desk, false, "false");
}

#[test]
fn floats_are_shortest_and_never_invalid() {
    let desk = Desk::new();
    json!(desk, 42.0, "42.0");
    json!(desk, 1e20, "1e20");
    json!(desk, 5e-324, "5e-324");
    json!(desk, f64::MAX, "1.7976931348623157e308");
    json!(desk, f64::MIN_POSITIVE, "2.2250738585072014e-308");
    json!(desk, 0.1 + 0.2, "0.30000000000000004");
    json!(desk, 0.1f32, "0.1");
    json!(desk, 16_777_216f32, "16777216.0");
    json!(desk, f32::MAX, "3.4028235e38");
    json!(desk, 1e-45f32, "1e-45");
    json!(desk, -0.0, "-0.0");
    json!(desk, 0.0f32, "0.0");
    json!(desk, 1e-7, "1e-7");
    json!(desk, 123_456_789_012_345_680.0, "1.2345678901234568e17");
    json!(desk, f64::NAN, "null");
    json!(desk, f64::INFINITY, "null");
    json!(desk, f64::NEG_INFINITY, "null");
    json!(desk, f32::NAN, "null");
    json!(desk, vec![1.5, f64::NAN], "[1.5,null]");
    text!(desk, 0.1f32, "0.1");
    text!(desk, 42.0, "42.0");
    text!(desk, f64::NAN, "NaN");
    text!(desk, f64::NEG_INFINITY, "-inf");
}

#[test]
fn texts_and_chars_are_escaped_as_json_asks() {
    let desk = Desk::new();
    json!(desk, "", r#""""#);
    json!(desk, '\0', r#""\u0000""#);
    json!(desk, 'ß', r#""ß""#);
    json!(desk, '"', r#""\"""#);
    json!(desk, "a\"b\\c/d", r#""a\"b\\c/d""#);
    json!(desk, "l1\nl2\r\t", r#""l1\nl2\r\t""#);
    json!(desk, String::from("own"), r#""own""#);
    json!(desk, &String::from("own"), r#""own""#);
    json!(desk, Cow::<str>::Owned("cow".into()), r#""cow""#);
    json!(desk, Cow::Borrowed("cow"), r#""cow""#);
    json!(desk, Box::<str>::from("box"), r#""box""#);
    json!(desk, Rc::<str>::from("rc"), r#""rc""#);
    json!(desk, Arc::new("arc".to_owned()), r#""arc""#);
    json!(desk, format_args!("{}-{:02}", 1, 2), r#""1-02""#);
    json!(
        desk,
        char::MAX,
        format!("{:?}", char::MAX.to_string()).replace("\\u{10ffff}", "\u{10ffff}")
    );
    json!(desk, bytes(&[0u8; 3]), r#""000000""#);
    // Whatever is escaped, a parser gives back what was put in.
    let before = desk.records().len();
    let others = [0x2028, 0x2029, 0x202E, 0x2066, 0xFEFF, 0xFFFD, 0x1F600];
    let given = (0..0x800).chain(others).map(|code| format!("<{}>", char::from_u32(code).unwrap()));
    let given: Vec<String> = given.collect();
    for text in &given {
        info!(logger(&desk.logger), "m", text);
    }
    let records = &desk.records()[before..];
    let read: Vec<&str> = records.iter().map(|r| r.get("text").as_str().unwrap()).collect();
    assert_eq!(read, given);
}

#[test]
fn durations_are_exact_seconds() {
    let desk = Desk::new();
    json!(desk, Duration::from_millis(1500), "1.5");
    json!(desk, Duration::ZERO, "0.0");
    json!(desk, Duration::from_secs(3), "3.0");
    json!(desk, Duration::from_nanos(1), "0.000000001");
    json!(desk, Duration::from_micros(10), "0.00001");
    json!(desk, Duration::MAX, "18446744073709551615.999999999");
    text!(desk, Duration::from_millis(1500), "1.5s");
    text!(desk, Duration::ZERO, "0.0s");
    text!(desk, Duration::from_nanos(1), "0.000000001s");
    text!(desk, Duration::MAX, "18446744073709551615.999999999s");
}

#[test]
fn times_are_rfc_3339_on_both_sides_of_1970() {
    let desk = Desk::new();
    info!(
        logger(&desk.logger),
        "m",
        v = UNIX_EPOCH,
        w = UNIX_EPOCH - Duration::from_millis(1500),
        x = UNIX_EPOCH + Duration::new(1_790_000_000, 123_456_789),
        y = UNIX_EPOCH - Duration::from_secs(62_135_596_800)
    );
    let last = desk.last();
    let time = |key: &str| last.get(key).as_str().unwrap().to_owned();
    assert!(time("v").starts_with("1970-01-01T00:00:00") && time("v").ends_with('Z'), "{last:?}");
    assert!(time("w").starts_with("1969-12-31T23:59:58.5"), "{last:?}");
    assert!(time("x").starts_with("2026-09-21T14:13:20.123456"), "{last:?}");
    assert!(time("y").starts_with("0001-01-01T00:00:00"), "{last:?}");
    let ts = last.get("ts").as_str().unwrap();
    assert_eq!(ts.len(), "2026-11-22T13:50:00.123456Z".len(), "{ts}");
    // The clock's own time, to the second or two.
    info!(logger(&desk.logger), "now", now = SystemTime::now());
    let last = desk.last();
    assert_eq!(last.get("now").as_str().unwrap()[..16], last.get("ts").as_str().unwrap()[..16]);
}

#[test]
fn times_far_outside_the_calendar_do_not_break_the_line() {
    let desk = Desk::new();
    let far = UNIX_EPOCH + Duration::from_secs(i64::MAX as u64);
    let past = UNIX_EPOCH - Duration::from_secs(i64::MAX as u64);
    info!(logger(&desk.logger), "m", far, past, after = 1);
    let last = desk.last();
    assert_eq!(last.raw("after"), "1");
    assert!(last.has("far") && last.has("past"), "{last:?}");
}

#[test]
fn an_option_that_is_none_leaves_its_field_out() {
    let desk = Desk::new();
    let none: Option<u32> = None;
    let some = Some("x");
    let some_none: Option<Option<u32>> = Some(None);
    info!(
        logger(&desk.logger),
        "m",
        a = 1,
        none,
        some,
        some_none,
        b = None::<String>,
        c = &none,
        d = 2
    );
    assert_eq!(desk.last().fields(), r#"a=1 some="x" d=2"#);
    info!(logger(&desk.logger), "{none}, {some}", none, some);
    assert_eq!(desk.last().fields(), r#"some="x""#);
    json!(desk, Some(Some(3)), "3");
    json!(desk, vec![Some(1), None, Some(3)], "[1,null,3]");
    json!(desk, (None::<i32>, Some(1.5)), "[null,1.5]");
    json!(desk, BTreeMap::from([("x", None), ("y", Some(1))]), r#"{"x":null,"y":1}"#);
}

#[test]
fn addresses_are_written_as_they_print() {
    let desk = Desk::new();
    json!(desk, Ipv4Addr::LOCALHOST, r#""127.0.0.1""#);
    json!(desk, Ipv6Addr::UNSPECIFIED, r#""::""#);
    json!(desk, IpAddr::from([255, 255, 255, 255]), r#""255.255.255.255""#);
    json!(desk, "::ffff:1.2.3.4".parse::<IpAddr>().unwrap(), r#""::ffff:1.2.3.4""#);
    json!(desk, "1.2.3.4:65535".parse::<SocketAddr>().unwrap(), r#""1.2.3.4:65535""#);
    json!(desk, "1.2.3.4:1".parse::<std::net::SocketAddrV4>().unwrap(), r#""1.2.3.4:1""#);
    let scoped = SocketAddrV6::new("fe80::1".parse().unwrap(), 80, 7, 3);
    json!(desk, scoped, r#""[fe80::1%3]:80""#);
    json!(desk, SocketAddr::from(scoped), r#""[fe80::1%3]:80""#);
    json!(desk, "2001:db8::1".parse::<Ipv6Addr>().unwrap(), r#""2001:db8::1""#);
}

#[cfg(unix)]
#[test]
fn paths_show_and_an_invalid_one_does_not_break_the_line() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let desk = Desk::new();
    json!(desk, Path::new("/a b/c"), r#""/a b/c""#);
    json!(desk, PathBuf::from("/own"), r#""/own""#);
    json!(desk, &PathBuf::from("/own"), r#""/own""#);
    json!(desk, Path::new(""), r#""""#);
    let bad = Path::new(OsStr::from_bytes(b"/bad\xFF\xFEend"));
    info!(logger(&desk.logger), "m", bad, after = 1);
    let last = desk.last();
    let shown = last.get("bad").as_str().unwrap();
    assert!(shown.starts_with("/bad") && shown.ends_with("end") && shown.len() > 8, "{shown}");
    assert_eq!(last.raw("after"), "1");
}

#[test]
fn containers_nest() {
    let desk = Desk::new();
    json!(desk, [1, 2, 3], "[1,2,3]");
    json!(desk, &[1u8, 2][..], "[1,2]");
    json!(desk, Vec::<i32>::new(), "[]");
    json!(desk, vec![vec!["a"], vec![], vec!["b", "c"]], r#"[["a"],[],["b","c"]]"#);
    json!(desk, (1, "two", 3.0, true, 'c'), r#"[1,"two",3.0,true,"c"]"#);
    json!(desk, vec![(1, Some("a")), (2, None)], r#"[[1,"a"],[2,null]]"#);
    json!(desk, BTreeMap::from([("a", vec![1]), ("b", vec![])]), r#"{"a":[1],"b":[]}"#);
    json!(desk, HashMap::from([("k".to_owned(), BTreeMap::from([("n", 1)]))]), r#"{"k":{"n":1}}"#);
    json!(desk, BTreeMap::from([("a\"\n\u{1b}", 1), ("", 2)]), r#"{"":2,"a\"\n\u001b":1}"#);
    json!(desk, Box::new(5), "5");
    json!(desk, Rc::new(vec![1]), "[1]");
    json!(desk, Arc::new(Some(1)), "1");
    json!(desk, &&&5, "5");
    json!(desk, Box::new([Rc::new(1), Rc::new(2)]), "[1,2]");
    json!(desk, vec![Duration::from_secs(1)], "[1.0]");
    json!(desk, [Ipv4Addr::LOCALHOST], r#"["127.0.0.1"]"#);
    json!(desk, VecDeque::from([1, 2]), "[1,2]");
    json!(desk, BTreeSet::from(["b", "a"]), r#"["a","b"]"#);
    json!(desk, HashSet::from([1]), "[1]");
    json!(desk, ["x"; 3], r#"["x","x","x"]"#);
    let mut deep = serde_json::json!(1).to_string();
    for _ in 0..4 {
        deep = format!("[{deep}]");
    }
    json!(desk, [[[[1]]]], deep);
}

#[test]
fn maps_may_have_keys_that_are_not_text() {
    let desk = Desk::new();
    json!(desk, BTreeMap::from([(1, "a"), (2, "b")]), r#"{"1":"a","2":"b"}"#);
    json!(desk, BTreeMap::from([('c', 1)]), r#"{"c":1}"#);
    json!(desk, BTreeMap::from([(String::from("s"), 1)]), r#"{"s":1}"#);
    json!(desk, BTreeMap::from([(Cow::Borrowed("s"), 1)]), r#"{"s":1}"#);
}

#[derive(Debug)]
struct Layer(&'static str, Option<Box<Layer>>);

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Layer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.1.as_deref().map(|layer| layer as _)
    }
}

fn layers() -> Layer {
    let inner = Layer("no \"route\"\n", None);
    Layer("outer", Some(Box::new(Layer("middle", Some(Box::new(inner))))))
}

#[test]
fn errors_carry_their_chain_in_every_form() {
    let desk = Desk::new();
    let chain = r#"{"msg":"outer","chain":["middle","no \"route\"\n"]}"#;
    let e = layers();
    json!(desk, err(&e), chain);
    json!(desk, err(e), chain);
    let by_ref: &dyn Error = &e;
    json!(desk, err(by_ref), chain);
    json!(desk, err(&by_ref), chain);
    let boxed: Box<dyn Error> = Box::new(layers());
    json!(desk, err(&boxed), chain);
    json!(desk, err(boxed), chain);
    json!(desk, err(&*boxed), chain);
    json!(desk, err(boxed.as_ref()), chain);
    let threaded: Box<dyn Error + Send + Sync> = Box::new(layers());
    json!(desk, err(&threaded), chain);
    json!(desk, err(threaded), chain);
    let shared: Arc<dyn Error + Send + Sync> = Arc::new(layers());
    json!(desk, err(&shared), chain);
    let io = std::io::Error::other(layers());
    json!(desk, err(&io), r#"{"msg":"outer","chain":["middle","no \"route\"\n"]}"#);
    let plain = std::fs::File::open("/nowhere").unwrap_err();
    json!(desk, err(&plain), format!(r#"{{"msg":"{plain}","chain":[]}}"#));
    let parse = "x".parse::<i32>().unwrap_err();
    json!(desk, err(&parse), r#"{"msg":"invalid digit found in string","chain":[]}"#);
    let nothing: Option<std::io::Error> = None;
    info!(logger(&desk.logger), "m", v = err(std::io::Error::other("a")), "error.kind" = "k", n = ?nothing);
    assert_eq!(desk.last().fields(), r#"v={"chain":[],"msg":"a"} error.kind="k" n="None""#);
    fn generic<E: Error>(desk: &Desk, e: &E) {
        json!(desk, err(e), r#"{"msg":"outer","chain":["middle","no \"route\"\n"]}"#);
    }
    generic(&desk, &e);
    fn question() -> Result<i32, Box<dyn Error>> {
        Ok("x".parse::<i32>()?)
    }
    if let Err(e) = question() {
        error!(logger(&desk.logger), "failed", error = err(e));
        assert_eq!(desk.last().get("error")["msg"], "invalid digit found in string");
    }
    // In a message the whole chain or at least its head is told.
    error!(logger(&desk.logger), "failed: {e}", e = err(&e));
    assert!(desk.last().msg().starts_with("failed: outer"), "{}", desk.last().line);
    let text = desk.last_text();
    assert!(text.contains("outer") && text.contains("middle") && text.contains("route"), "{text}");
}

struct Money {
    cents: i64,
}

impl nexlog::Value for Money {
    fn record(&self, out: nexlog::ValueWriter<'_>) {
        out.f64(self.cents as f64 / 100.0);
    }
}

#[test]
fn a_type_of_ones_own_is_a_value() {
    let desk = Desk::new();
    let price = Money { cents: 1250 };
    json!(desk, price, "12.5");
    json!(desk, &price, "12.5");
    json!(desk, vec![Money { cents: 1 }], "[0.01]");
    json!(desk, Some(Money { cents: 1 }), "0.01");
    info!(logger(&desk.logger), "for {price}");
    assert_eq!(desk.last().msg(), "for 12.5");
    assert_eq!(desk.last().fields(), "price=12.5");
}

macro_rules! two_hundred {
    ($desk:ident, $($name:ident)*) => {
        info!(logger(&$desk.logger), "many", $($name = stringify!($name)),*)
    };
}

#[test]
fn two_hundred_fields_fit() {
    let desk = Desk::new();
    two_hundred!(desk,
        f0 f1 f2 f3 f4 f5 f6 f7 f8 f9 f10 f11 f12 f13 f14 f15 f16 f17 f18 f19 f20 f21 f22 f23 f24
        f25 f26 f27 f28 f29 f30 f31 f32 f33 f34 f35 f36 f37 f38 f39 f40 f41 f42 f43 f44 f45 f46 f47
        f48 f49 f50 f51 f52 f53 f54 f55 f56 f57 f58 f59 f60 f61 f62 f63 f64 f65 f66 f67 f68 f69 f70
        f71 f72 f73 f74 f75 f76 f77 f78 f79 f80 f81 f82 f83 f84 f85 f86 f87 f88 f89 f90 f91 f92 f93
        f94 f95 f96 f97 f98 f99 f100 f101 f102 f103 f104 f105 f106 f107 f108 f109 f110 f111 f112
        f113 f114 f115 f116 f117 f118 f119 f120 f121 f122 f123 f124 f125 f126 f127 f128 f129 f130
        f131 f132 f133 f134 f135 f136 f137 f138 f139 f140 f141 f142 f143 f144 f145 f146 f147 f148
        f149 f150 f151 f152 f153 f154 f155 f156 f157 f158 f159 f160 f161 f162 f163 f164 f165 f166
        f167 f168 f169 f170 f171 f172 f173 f174 f175 f176 f177 f178 f179 f180 f181 f182 f183 f184
        f185 f186 f187 f188 f189 f190 f191 f192 f193 f194 f195 f196 f197 f198 f199
    );
    let last = desk.last();
    assert_eq!(last.pairs.len(), 204);
    for number in 0..200 {
        assert_eq!(last.get(&format!("f{number}")).as_str(), Some(format!("f{number}").as_str()));
    }
}

#[test]
fn a_formats_own_keys_are_not_taken_by_a_users() {
    let desk = Desk::new();
    info!(logger(&desk.logger), "m", ts = 1, level = 2, target = 3, msg = 4, span = 5, own = 6);
    let last = desk.last();
    assert_eq!(
        last.keys(),
        ["ts", "level", "target", "msg", "ts_", "level_", "target_", "msg_", "span_", "own"]
    );
    info!(logger(&desk.logger), "m", ("ts") = 1, ..BTreeMap::from([("level", 2), ("msg", 3)]));
    assert_eq!(desk.last().fields(), "ts_=1 level_=2 msg_=3");
    info!(logger(&desk.logger), "m", "ts" = 1, "ts_" = 2);
    let last = desk.last();
    let mut keys = last.keys();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), last.keys().len(), "a key twice: {}", last.line);
    assert_eq!(last.keys()[..4], ["ts", "level", "target", "msg"]);
    info!(logger(&desk.logger), "m {level}", level = 7);
    assert_eq!(desk.last().msg(), "m 7");
}

#[test]
fn keys_of_any_content_stay_valid_json() {
    let desk = Desk::new();
    let nasty = "q\" b\\ n\n e\u{1b} z\0 bidi\u{202e} d\u{7f} c\u{85} sep\u{2028}";
    info!(logger(&desk.logger), "m", (nasty) = 1, "lit\"\n\u{1b}" = 2, ("") = 3);
    let last = desk.last();
    assert_eq!(last.raw(nasty), "1");
    assert_eq!(last.raw("lit\"\n\u{1b}"), "2");
    let long = "k".repeat(70_000);
    info!(logger(&desk.logger), "m", (long.as_str()) = 1, after = 2);
    let last = desk.last();
    assert_eq!(last.raw("after"), "2");
}

#[test]
fn messages_of_any_content_come_back_whole() {
    let desk = Desk::new();
    let nasty = "q\" b\\ n\n e\u{1b}[31m z\0 bidi\u{202e} d\u{7f} c\u{85} sep\u{2028} é 😀";
    info!(logger(&desk.logger), "{}", nasty);
    assert_eq!(desk.last().msg(), nasty);
    info!(logger(&desk.logger), "{nasty}");
    assert_eq!(desk.last().msg(), nasty);
    assert_eq!(desk.last().get("nasty").as_str(), Some(nasty));
    info!(logger(&desk.logger), "q\" b\\ n\n e\u{1b} {{}}");
    assert_eq!(desk.last().msg(), "q\" b\\ n\n e\u{1b} {}");
    info!(logger(&desk.logger), "");
    assert_eq!(desk.last().msg(), "");
    info!(logger(&desk.logger), target("t\"\n\u{1b}"), "m");
    assert_eq!(desk.last().get("target").as_str(), Some("t\"\n\u{1b}"));
}

#[test]
fn in_text_one_record_is_one_line_and_nothing_steers_a_terminal() {
    let desk = Desk::new();
    let l = &desk.logger;
    let mut given = String::new();
    for code in (0..0x20)
        .chain(0x7F..0xA0)
        .chain([0x61C, 0x200E, 0x200F, 0x2028, 0x2029])
        .chain(0x202A..=0x202E)
        .chain(0x2066..=0x2069)
    {
        given.push('<');
        given.push(char::from_u32(code).unwrap());
        given.push('>');
    }
    info!(logger(l), "{}", given, v = given.as_str(), (given.as_str()) = 1);
    info!(logger(l), "{given:?}");
    info!(logger(l), "lit\n\u{1b}[31m", "key\n\u{1b}" = "value\r\n");
    info!(logger(l), target("t\n\u{1b}"), "m");
    warn!(logger(l), "m", e = err(std::io::Error::other(given.clone())));
    warn!(
        logger(l),
        "m",
        c = '\u{1b}',
        list = vec![given.as_str()],
        map = BTreeMap::from([(given.as_str(), 1)])
    );
    warn!(logger(l), "m", d = ?given, e = %given, f = format_args!("{given}"), p = Path::new(&given));
    let text = desk.folder.text("a.txt");
    assert_eq!(text.split('\n').count(), 8, "{text:?}");
    assert!(text.ends_with('\n'));
    let steers = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let bad: Vec<String> = text.chars().filter(|&c| steers(c)).map(|c| format!("{c:?}")).collect();
    assert!(bad.is_empty(), "{bad:?}");
    assert_eq!(desk.records().len(), 7);
    for line in desk.folder.lines("a.json") {
        assert!(!line.contains(|c: char| c.is_ascii_control()), "{line:?}");
    }
}

#[test]
fn text_tells_a_texts_end_from_the_next_field() {
    let desk = Desk::new();
    text!(desk, "plain", "plain");
    text!(desk, "two words", "\"two words\"");
    text!(desk, "a=b", "\"a=b\"");
    text!(desk, "q\"q", "\"q\\\"q\"");
    text!(desk, "", "\"\"");
    text!(desk, secret("x"), "***");
    text!(desk, bytes(b"\x01\xff"), "01ff");
    text!(desk, Ipv4Addr::LOCALHOST, "127.0.0.1");
}

#[test]
fn keys_come_in_the_promised_order() {
    let desk = Desk::new();
    let count = 3;
    info!(logger(&desk.logger), target: "shop::pay", "paid {count} items", order_id = 42, ("late") = 1);
    let last = desk.last();
    assert_eq!(last.keys(), ["ts", "level", "target", "msg", "order_id", "count", "late"]);
    let ts = last.get("ts").as_str().unwrap();
    let rest = format!(
        r#"{{"ts":"{ts}","level":"INFO","target":"shop::pay","msg":"paid 3 items","order_id":42,"count":3,"late":1}}"#
    );
    assert_eq!(last.line, rest);
}

#[test]
fn long_values_pass_whole_up_to_the_limit_and_are_cut_at_a_character_above_it() {
    let desk = Desk::new();
    let long = "é".repeat(100_000);
    info!(logger(&desk.logger), "long", long, after = 1);
    assert_eq!(desk.last().get("long").as_str(), Some(long.as_str()));
    info!(logger(&desk.logger), "{long}");
    assert_eq!(desk.last().msg(), format!("{long}"));
    let folder = acceptance_support::Folder::new();
    let file = nexlog::File::at(folder.path("cut.json")).format(nexlog::Json::new());
    let logger = nexlog::builder().file(file).max_record_bytes(4096).build().unwrap();
    info!(logger(&logger), "cut", long, after = 1);
    info!(logger(&logger), "whole", short = "s");
    let records = folder.records("cut.json");
    assert_eq!(records[0].raw("truncated"), "200000");
    let cut = records[0].get("long").as_str().unwrap();
    assert!(
        cut.len() <= 4096 && cut.starts_with("éé") && !cut.contains('\u{fffd}'),
        "{}",
        cut.len()
    );
    assert_eq!(records[0].raw("after"), "1");
    assert_eq!(records[1].fields(), r#"short="s""#);
}

/// Everything of this file once, through Python's parser.
#[test]
fn pythons_parser_reads_the_same_values() {
    let desk = Desk::new();
    let l = &desk.logger;
    info!(
        logger(l),
        "n \u{1b} \" \n {{}} 😀",
        i = i128::MIN,
        u = u128::MAX,
        f = 0.1f32,
        g = 5e-324,
        z = -0.0,
        nan = f64::NAN,
        nul = '\0',
        empty = "",
        d = Duration::MAX,
        list = vec![Some(1), None],
        map = BTreeMap::from([("k\"\n", (1, "a"))]),
        e = err(layers()),
        "key \u{2028}\"" = true,
        own = "\u{202e}"
    );
    log!(Level::Critical, logger(l), "second");
    let program = r#"
import json, sys
from decimal import Decimal
lines = sys.stdin.buffer.read().decode("utf-8").split("\n")
assert lines[-1] == "" and len(lines) == 3, lines
r = json.loads(lines[0], parse_float=Decimal)
assert list(r)[:4] == ["ts", "level", "target", "msg"], r
assert r["msg"] == "n \x1b \" \n {} \U0001F600", r["msg"]
assert r["i"] == -(2 ** 127) and r["u"] == 2 ** 128 - 1
assert str(r["f"]) == "0.1" and float(r["g"]) == 5e-324 and str(r["z"]) == "-0.0"
assert r["nan"] is None and r["nul"] == "\0" and r["empty"] == ""
assert str(r["d"]) == "18446744073709551615.999999999"
assert r["list"] == [1, None] and r["map"] == {"k\"\n": [1, "a"]}
assert r["e"] == {"msg": "outer", "chain": ["middle", "no \"route\"\n"]}
assert r["key \u2028\""] is True and r["own"] == "\u202e"
import datetime
datetime.datetime.fromisoformat(r["ts"].replace("Z", "+00:00"))
assert json.loads(lines[1])["level"] == "CRITICAL"
print("fine")
"#;
    let mut python = Command::new("python3")
        .args(["-c", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(desk.folder.text("a.json").as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "fine", "{said}");
}
