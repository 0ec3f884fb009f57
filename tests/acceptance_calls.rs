//! Every spelling of one call, as a user who knows only the reference would write it: the level,
//! the message, and each field with its key, type and place, read back from a JSON file.

// Written as users write, not as this project does.
#![allow(clippy::pedantic, clippy::style, clippy::complexity)]

mod acceptance_support;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Debug, Display};
use std::rc::Rc;
use std::sync::Arc;

use acceptance_support::Desk;
use nexlog::{Level, critical, debug, enabled, error, info, log, trace, try_log, warn};

struct Shown(&'static str);

impl Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shown:{}", self.0)
    }
}

impl Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shown({:?})", self.0)
    }
}

/// The call, then the last record's message and fields.
macro_rules! gives {
    ($desk:ident, $name:ident!($($call:tt)*), $msg:expr, $fields:expr) => {{
        $name!(logger(&$desk.logger), $($call)*);
        let last = $desk.last();
        assert_eq!(last.msg(), $msg, "{}", last.line);
        assert_eq!(last.fields(), $fields, "{}", last.line);
    }};
}

#[test]
fn each_level_has_its_macro_and_its_name() {
    let desk = Desk::new();
    let l = &desk.logger;
    trace!(logger(l), "a");
    debug!(logger(l), "b");
    info!(logger(l), "c");
    warn!(logger(l), "d");
    error!(logger(l), "e");
    critical!(logger(l), "f");
    log!(Level::Trace, logger(l), "a");
    let records = desk.records();
    let names: Vec<String> = records.iter().map(|r| r.raw("level")).collect();
    let expected =
        ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "CRITICAL", "TRACE"].map(|n| format!("{n:?}"));
    assert_eq!(names, expected);
    assert!(records.iter().all(|r| r.raw("target") == "\"acceptance_calls\""));
}

#[test]
fn the_level_may_be_any_expression() {
    let desk = Desk::new();
    let l = &desk.logger;
    struct Config {
        level: Level,
    }
    let config = Config { level: Level::Warn };
    let chosen = |bad: bool| if bad { Level::Error } else { Level::Debug };
    let variable = Level::Critical;
    use nexlog::Level as L;
    use nexlog::Level::Info;
    log!(config.level, logger(l), "x");
    log!(chosen(true), logger(l), "x", a = 1);
    log!(if 1 > 2 { Level::Trace } else { Level::Info }, logger(l), "x");
    log!(str::parse::<Level>("debug").unwrap(), logger(l), "x");
    log!(variable, logger(l), "x");
    log!(Info, logger(l), "x");
    log!(L::Warn, logger(l), "x");
    log!(nexlog::Level::Trace, logger(l), "x");
    log!({ Level::Info }, logger(l), "x");
    log!(
        match 3 {
            3 => Level::Error,
            _ => Level::Info,
        },
        logger(l),
        "x"
    );
    log!(*&variable, logger(l), "x");
    log!((variable), logger(l), "x");
    log!([Level::Info, Level::Warn][1], logger(l), "x");
    log!(Level::max(Level::Info, Level::Warn), logger(l), "x");
    let got: Vec<String> = desk.records().iter().map(|r| r.raw("level").replace('"', "")).collect();
    assert_eq!(
        got.join(" "),
        "WARN ERROR INFO DEBUG CRITICAL INFO WARN TRACE INFO ERROR CRITICAL CRITICAL WARN WARN"
    );
}

struct Cart {
    id: u32,
    owner: Owner,
}

struct Owner {
    name: &'static str,
}

impl Cart {
    fn log_itself(&self, desk: &Desk) {
        gives!(desk, info!("cart", self.id), "cart", "id=7");
        gives!(
            desk,
            info!("cart", id = self.id, self.owner.name),
            "cart",
            r#"id=7 owner.name="ann""#
        );
        gives!(desk, info!("cart {id}", self.id), "cart 7", "id=7");
        gives!(desk, info!("cart", ?self.id), "cart", r#"id="7""#);
        gives!(desk, info!("cart", %self.owner.name), "cart", r#"owner.name="ann""#);
        gives!(desk, info!(self.id, "cart"), "cart", "id=7");
        gives!(desk, info!(self.id; "cart"), "cart", "id=7");
    }
}

#[test]
fn shorthands_take_the_variables_name() {
    let desk = Desk::new();
    let total = 12.5;
    let cart = Cart { id: 7, owner: Owner { name: "ann" } };
    gives!(desk, info!("paid", total), "paid", "total=12.5");
    gives!(desk, info!("paid", total,), "paid", "total=12.5");
    gives!(desk, info!("paid", cart.id), "paid", "cart.id=7");
    gives!(desk, info!("paid", cart.owner.name), "paid", r#"cart.owner.name="ann""#);
    gives!(desk, info!("paid", order_id = cart.id, total), "paid", "order_id=7 total=12.5");
    gives!(desk, info!(total, "paid"), "paid", "total=12.5");
    cart.log_itself(&desk);
}

#[test]
fn keys_may_be_dotted_quoted_raw_and_made_at_run_time() {
    let desk = Desk::new();
    let t = "circle";
    gives!(desk, info!("m", a.b = 1), "m", "a.b=1");
    gives!(desk, info!("m", a.b.c.d = "x", e = 2), "m", r#"a.b.c.d="x" e=2"#);
    gives!(desk, info!("m", "http.status_code" = 200), "m", "http.status_code=200");
    gives!(desk, info!("m", "with space" = 1), "m", "with space=1");
    gives!(desk, info!("m", r#type = t), "m", r#"type="circle""#);
    gives!(desk, info!("m", r#"raw "key""# = t), "m", r#"raw "key"="circle""#);
    gives!(desk, info!("m", r#type.r#match = t), "m", r#"type.match="circle""#);
    gives!(desk, info!("m", type = t), "m", r#"type="circle""#);
    gives!(
        desk,
        info!("m", otel.kind = "client", http.response.status = 404_u16),
        "m",
        r#"otel.kind="client" http.response.status=404"#
    );
    gives!(desk, info!("m", (format!("k{}", 1)) = 5), "m", "k1=5");
    let name = String::from("n");
    gives!(desk, info!("m", (name) = 5), "m", "n=5");
    gives!(desk, info!("m", (&name) = 5), "m", "n=5");
    gives!(desk, info!("m", (name.as_str()) = %5), "m", r#"n="5""#);
    gives!(desk, info!("m", (Cow::Borrowed("cow")) = ?t), "m", r#"cow="\"circle\"""#);
    gives!(desk, info!("m", ("lit") = 1, ("a".to_owned() + "b") = 2), "m", "lit=1 ab=2");
    gives!(desk, info!("m", ünï = 1, 键 = 2), "m", "ünï=1 键=2");
    const KEY: &str = "const.key";
    gives!(desk, info!("m", (KEY) = 1), "m", "const.key=1");
}

#[test]
fn debug_and_display_in_every_spelling() {
    let desk = Desk::new();
    let v = Shown("v");
    let r = &v;
    gives!(desk, info!("m", key = debug(v)), "m", r#"key="Shown(\"v\")""#);
    gives!(desk, info!("m", key = debug(&v)), "m", r#"key="Shown(\"v\")""#);
    gives!(desk, info!("m", key = display(v)), "m", r#"key="shown:v""#);
    gives!(desk, info!("m", key = display(r)), "m", r#"key="shown:v""#);
    gives!(desk, info!("m", key = ?v), "m", r#"key="Shown(\"v\")""#);
    gives!(desk, info!("m", key = %v), "m", r#"key="shown:v""#);
    gives!(desk, info!("m", ?v), "m", r#"v="Shown(\"v\")""#);
    gives!(desk, info!("m", %v), "m", r#"v="shown:v""#);
    gives!(desk, info!("m", key:? = v), "m", r#"key="Shown(\"v\")""#);
    gives!(desk, info!("m", key:% = v), "m", r#"key="shown:v""#);
    gives!(desk, info!("m", key:debug = v), "m", r#"key="Shown(\"v\")""#);
    gives!(desk, info!("m", key:display = v), "m", r#"key="shown:v""#);
    gives!(desk, info!("m", "quoted key" = ?v), "m", r#"quoted key="Shown(\"v\")""#);
    gives!(desk, info!("m", a.b = %v.0), "m", r#"a.b="v""#);
    gives!(desk, info!("m", ?v, %r, n = 3), "m", r#"v="Shown(\"v\")" r="shown:v" n=3"#);
    gives!(desk, info!(?v, "m"), "m", r#"v="Shown(\"v\")""#);
    gives!(desk, info!(%v, ?r, "m"), "m", r#"v="shown:v" r="Shown(\"v\")""#);
    gives!(desk, info!("m", list = ?vec![1, 2]), "m", r#"list="[1, 2]""#);
    gives!(desk, info!("m", shown = %format_args!("{}-{}", 1, 2)), "m", r#"shown="1-2""#);
    gives!(desk, info!("m", neg = %-1, not = ?!true), "m", r#"neg="-1" not="false""#);
    // The values are still the caller's.
    assert_eq!(v.0, "v");
}

#[test]
fn secrets_and_bytes_are_marked() {
    let desk = Desk::new();
    let password = String::from("hunter2");
    let digest = [0u8, 15, 255];
    let owned: Vec<u8> = vec![1, 2];
    gives!(desk, info!("login", password = secret(password)), "login", r#"password="***""#);
    gives!(desk, info!("login", password = secret(&password)), "login", r#"password="***""#);
    gives!(
        desk,
        info!("login {password}", password = secret(&password)),
        "login ***",
        r#"password="***""#
    );
    gives!(desk, info!("hash", digest = bytes(&digest)), "hash", r#"digest="000fff""#);
    gives!(desk, info!("hash", digest = bytes(&owned)), "hash", r#"digest="0102""#);
    gives!(desk, info!("hash", digest = bytes(b"abc")), "hash", r#"digest="616263""#);
    gives!(desk, info!("hash", digest = bytes(&[])), "hash", r#"digest="""#);
    struct Opaque;
    let opaque = Opaque;
    gives!(desk, info!("login", token = secret(opaque)), "login", r#"token="***""#);
    assert!(!desk.folder.text("a.txt").contains("hunter2"));
    assert!(!desk.folder.text("a.json").contains("hunter2"));
}

#[test]
fn a_marker_in_parentheses_or_with_more_arguments_calls_your_function() {
    let desk = Desk::new();
    fn debug(n: i32) -> i32 {
        n + 1
    }
    fn secret(n: i32) -> i32 {
        n + 2
    }
    mod own {
        pub fn err(n: i32) -> i32 {
            n + 3
        }
        pub fn display(a: i32, b: i32) -> i32 {
            a + b
        }
    }
    use own::display;
    gives!(desk, info!("m", a = (debug(1)), b = (secret(1))), "m", "a=2 b=3");
    gives!(desk, info!("m", a = own::err(1), b = display(1, 2)), "m", "a=4 b=3");
}

#[test]
fn the_message_may_stand_first_or_last_with_any_separator() {
    let desk = Desk::new();
    let (id, total) = (1, 2);
    gives!(desk, info!("paid"), "paid", "");
    gives!(desk, info!("paid",), "paid", "");
    gives!(desk, info!("paid"; "order_id" => id), "paid", "order_id=1");
    gives!(desk, info!("paid"; "order_id" => id, "total" => total), "paid", "order_id=1 total=2");
    gives!(desk, info!("paid"; "order_id" => id, "total" => total,), "paid", "order_id=1 total=2");
    gives!(desk, info!("paid"; order_id = id), "paid", "order_id=1");
    gives!(desk, info!("paid"; "e" => %id, "f" => ?total), "paid", r#"e="1" f="2""#);
    gives!(desk, info!("paid", "order_id" => id), "paid", "order_id=1");
    gives!(desk, info!(order_id = id, total, "paid"), "paid", "order_id=1 total=2");
    gives!(desk, info!(order_id = id; "paid"), "paid", "order_id=1");
    gives!(desk, info!(order_id = id, total; "paid"), "paid", "order_id=1 total=2");
    gives!(
        desk,
        info!(order_id = id, total = total; "paid {} of {}", 3, 4),
        "paid 3 of 4",
        "order_id=1 total=2"
    );
    gives!(desk, info!("order_id" = id; "paid {}", total), "paid 2", "order_id=1");
    gives!(
        desk,
        info!(order_id = id, "paid {} of {total}", 3),
        "paid 3 of 2",
        "order_id=1 total=2"
    );
    gives!(desk, info!(concat!("pa", "id"), id), "paid", "id=1");
    gives!(desk, info!(concat!("pa", "id {id}"), id), "paid 1", "id=1");
    gives!(desk, info!(r"raw \n", id), r"raw \n", "id=1");
    gives!(desk, info!(r#"raw "q" {id}"#), r#"raw "q" 1"#, "id=1");
    gives!(
        desk,
        info!(
            "a \
        continued line"
        ),
        "a continued line",
        ""
    );
    gives!(desk, info!("text = {}", "literal"), "text = literal", "");
    gives!(desk, info!(id, total, "paid {} times", 3), "paid 3 times", "id=1 total=2");
}

#[test]
fn a_record_may_have_no_message() {
    let desk = Desk::new();
    let l = &desk.logger;
    let id = 1;
    info!(logger(l), order_id = 5, id);
    let last = desk.last();
    assert_eq!(last.raw("order_id"), "5");
    assert_eq!(last.raw("id"), "1");
    assert_eq!(desk.records().len(), 1);
    assert_eq!(desk.texts().len(), 1);
}

#[test]
fn holes_show_fields_and_capture_variables_as_typed_fields() {
    let desk = Desk::new();
    let count = 3;
    let name = "ann";
    let ratio = 1.0_f32 / 3.0;
    gives!(desk, info!("paid {count} items"), "paid 3 items", "count=3");
    gives!(
        desk,
        info!("paid {count} items by {name}"),
        "paid 3 items by ann",
        r#"count=3 name="ann""#
    );
    gives!(desk, info!("paid {n} items", n = 4), "paid 4 items", "n=4");
    gives!(desk, info!("paid {n} items", n = count), "paid 3 items", "n=3");
    gives!(desk, info!("{count} and {count}"), "3 and 3", "count=3");
    gives!(desk, info!("{count} {n}", n = 1, count), "3 1", "n=1 count=3");
    gives!(desk, info!("{{{count}}} {{}}"), "{3} {}", "count=3");
    gives!(desk, info!("{{not a hole}}", a = 1), "{not a hole}", "a=1");
    gives!(desk, info!("}}{{"), "}{", "");
    gives!(desk, info!("{r#type}", r#type = 1), "1", "type=1");
    gives!(desk, info!("{n}", n = ?name), "\"ann\"", r#"n="\"ann\"""#);
    gives!(desk, info!("{n}", n = %name), "ann", r#"n="ann""#);
    gives!(desk, info!(n = 1, "{n} last"), "1 last", "n=1");
    gives!(desk, info!(n = 1; "{n} last"), "1 last", "n=1");
    gives!(desk, info!("{a}{b}{a}", a = 1, b = 2), "121", "a=1 b=2");
    gives!(
        desk,
        info!("took {took}", took = std::time::Duration::from_millis(1500)),
        "took 1.5s",
        "took=1.5"
    );
    // A format makes no field of a variable.
    gives!(desk, info!("{name:?}"), "\"ann\"", "");
    gives!(desk, info!("{ratio:.2}"), "0.33", "");
    gives!(
        desk,
        info!("{count:>5}|{count:<3}|{count:^5}|{count:05}|{count:+}|{count:#x}|{count:#b}"),
        "    3|3  |  3  |00003|+3|0x3|0b11",
        ""
    );
    gives!(desk, info!("{name:*^9}"), "***ann***", "");
    gives!(desk, info!("{ratio:8.3}|{ratio:e}"), "   0.333|3.3333334e-1", "");
    let (width, precision) = (6, 1);
    gives!(desk, info!("{count:width$}|{ratio:.precision$}|{ratio:.*}", 2), "     3|0.3|0.33", "");
    gives!(desk, info!("{:?} {:>4} {:.1}", name, count, ratio), "\"ann\"    3 0.3", "");
    gives!(desk, info!("{0} {1} {0}", count, name), "3 ann 3", "");
    gives!(desk, info!("{} {}", count + 1, name.len()), "4 3", "");
    gives!(desk, info!("{}", name, extra = 1), "ann", "extra=1");
    gives!(desk, info!("{} {}", count, name, ratio = 2), "3 ann", "ratio=2");
    gives!(desk, info!("{:?}", Shown("x")), "Shown(\"x\")", "");
    gives!(desk, info!("{:#?}", (1,)), "(\n    1,\n)", "");
}

#[test]
fn a_bare_name_fills_an_open_hole_first_and_is_a_field_otherwise() {
    let desk = Desk::new();
    let (a, b, c) = (1, 2, 3);
    gives!(desk, info!("{}", a), "1", "");
    gives!(desk, info!("{}", a, b), "1", "b=2");
    gives!(desk, info!("{} {}", a, b, c), "1 2", "c=3");
    gives!(desk, info!("{a} {}", b, c), "1 2", "c=3 a=1");
    gives!(desk, info!("none", a, b, c), "none", "a=1 b=2 c=3");
    gives!(desk, info!("{}", a, k = b, c), "1", "k=2 c=3");
}

fn generic_display<T: Display>(desk: &Desk, value: T) {
    gives!(desk, info!("got {value}"), "got 5", r#"value="5""#);
    gives!(desk, info!("got", %value), "got", r#"value="5""#);
    gives!(desk, info!("got {}", value), "got 5", "");
}

fn generic_debug<T: Debug>(desk: &Desk, value: T) {
    gives!(desk, info!("got {value:?}"), "got 5", "");
    gives!(desk, info!("got", ?value), "got", r#"value="5""#);
    gives!(desk, info!("got", value = debug(&value)), "got", r#"value="5""#);
}

fn generic_value<T: nexlog::Value>(desk: &Desk, value: T) {
    gives!(desk, info!("got", value), "got", "value=5");
    gives!(desk, info!("got", v = &value), "got", "v=5");
    gives!(desk, info!("got {value}"), "got 5", "value=5");
}

fn generic_unsized<T: Display + ?Sized>(desk: &Desk, value: &T) {
    gives!(desk, info!("got {value}"), "got text", r#"value="text""#);
}

#[test]
fn generic_code_logs_what_its_bounds_allow() {
    let desk = Desk::new();
    generic_display(&desk, 5);
    generic_debug(&desk, 5);
    generic_value(&desk, 5);
    generic_unsized(&desk, "text");
    let shown: &dyn Display = &5;
    gives!(desk, info!("{shown}"), "5", r#"shown="5""#);
    gives!(desk, info!("m", %shown), "m", r#"shown="5""#);
    let implemented: impl_trait::Out = impl_trait::out();
    gives!(desk, info!("{implemented}"), "out", r#"implemented="out""#);
}

mod impl_trait {
    pub struct Out;
    impl std::fmt::Display for Out {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("out")
        }
    }
    pub fn out() -> Out {
        Out
    }
}

#[test]
fn captured_variables_of_every_kind_compile_and_show() {
    let desk = Desk::new();
    let boxed: Box<dyn std::error::Error> = "boxed".into();
    let threaded: Box<dyn std::error::Error + Send + Sync> = "threaded".into();
    let e = std::io::Error::other("disk");
    let shown = Shown("x");
    let by_ref = &&shown;
    let rc = Rc::new(5);
    let arc: Arc<str> = Arc::from("arc");
    let cow: Cow<'_, str> = Cow::Borrowed("cow");
    let c = 'c';
    let b = true;
    let mut changing = 1;
    let unique = &mut changing;
    gives!(desk, info!("failed: {boxed}"), "failed: boxed", r#"boxed="boxed""#);
    gives!(desk, info!("failed: {threaded}"), "failed: threaded", r#"threaded="threaded""#);
    gives!(desk, info!("failed: {e}"), "failed: disk", r#"e="disk""#);
    gives!(desk, info!("failed: {e:?}"), format!("failed: {e:?}"), "");
    gives!(
        desk,
        info!("{shown} {by_ref}"),
        "shown:x shown:x",
        r#"shown="shown:x" by_ref="shown:x""#
    );
    gives!(desk, info!("{rc} {arc} {cow}"), "5 arc cow", r#"rc=5 arc="arc" cow="cow""#);
    gives!(desk, info!("{c} {b} {unique}"), "c true 1", r#"c="c" b=true unique=1"#);
    *unique += 1;
    assert_eq!(changing, 2);
    let path = std::path::Path::new("/etc/x");
    let shown_path = path.display();
    gives!(desk, info!("{shown_path}"), "/etc/x", r#"shown_path="/etc/x""#);
    let args = format!("{}", 1);
    gives!(desk, info!("{args}"), "1", r#"args="1""#);
    let some = Some(4);
    gives!(desk, info!("{some:?}"), "Some(4)", "");
    let thread = std::thread::current().id();
    gives!(desk, info!("{thread:?}"), format!("{thread:?}"), "");
    let addr: std::net::SocketAddr = "127.0.0.1:80".parse().unwrap();
    gives!(desk, info!("{addr}"), "127.0.0.1:80", r#"addr="127.0.0.1:80""#);
    fn result() -> Result<(), Box<dyn std::error::Error>> {
        Err("inner".into())
    }
    if let Err(e) = result() {
        gives!(desk, error!("failed: {e}"), "failed: inner", r#"e="inner""#);
        gives!(desk, error!("failed: {}", e), "failed: inner", "");
        gives!(desk, error!("failed", error = %e), "failed", r#"error="inner""#);
    }
}

#[test]
fn names_of_ones_own_do_not_disturb_a_call() {
    let desk = Desk::new();
    // Variables, functions and types named like anything an expansion could use.
    let logger = &desk.logger;
    let (level, target, msg, ts, span, key, value) = (1, 2, 3, 4, 5, 6, 7);
    let (record, fields, args, lane, state, site, meta) = (1, 2, 3, 4, 5, 6, 7);
    #[allow(non_camel_case_types)]
    struct nexlog_record;
    #[allow(dead_code)]
    struct String;
    #[allow(dead_code)]
    enum Option {
        Some,
        None,
    }
    #[allow(dead_code)]
    struct Result;
    #[allow(dead_code)]
    struct Vec;
    #[allow(dead_code)]
    mod std {}
    #[allow(dead_code)]
    mod core {}
    #[allow(unused_macros)]
    macro_rules! format_args {
        () => {};
    }
    #[allow(unused_macros)]
    macro_rules! concat {
        () => {};
    }
    let _ = nexlog_record;
    info!(logger(logger), "m", level, target, msg, ts, span, key, value);
    info!(logger(logger), "m {record} {fields}", record, fields, args, lane, state, site, meta);
    let (once, every, debug, display, err) = (1, 2, 3, 4, 5);
    info!(logger(logger), "m", once, every, debug, display, err);
    let records = desk.records();
    assert_eq!(records[0].fields(), "level_=1 target_=2 msg_=3 ts_=4 span_=5 key=6 value=7");
    assert_eq!(records[1].fields(), "record=1 fields=2 args=3 lane=4 state=5 site=6 meta=7");
    assert_eq!(records[1].msg(), "m 1 2");
    assert_eq!(records[2].fields(), "once=1 every=2 debug=3 display=4 err=5");
}

macro_rules! my_info {
    ($($arg:tt)+) => { nexlog::info!(target: "mine", $($arg)+) };
}

macro_rules! checked {
    ($desk:expr, $message:literal, $($key:ident = $value:expr),* $(,)?) => {
        nexlog::warn!(logger($desk), $message, $($key = $value),*)
    };
}

macro_rules! shorthand {
    ($desk:expr, $($name:ident),*) => {
        nexlog::info!(logger($desk), "short", $($name),*)
    };
}

macro_rules! at {
    ($desk:expr, $level:expr, $message:expr) => {
        nexlog::log!($level, logger($desk), "{}", $message)
    };
}

macro_rules! hygienic {
    ($desk:expr) => {{
        let inner = 5;
        nexlog::info!(logger($desk), "inner {inner}");
    }};
}

macro_rules! with_types {
    ($desk:expr, $e:expr, $i:ident, $l:literal, $t:tt, $p:path) => {
        nexlog::info!(logger($desk), $l, e = $e, $i, t = $t, p = $p, $i.k = 1, $l = 2)
    };
}

#[test]
fn calls_work_inside_macros_of_ones_own() {
    let desk = Desk::new();
    let l = &desk.logger;
    const PATH: i32 = 9;
    checked!(l, "in a macro {a}", a = 1, b = 1 + 1);
    let (x, y) = (1, "two");
    shorthand!(l, x, y);
    at!(l, Level::Error, "text");
    at!(l, Level::Error, format!("text {x}"));
    hygienic!(l);
    with_types!(l, 1 + 2, x, "lit", y, PATH);
    my_info!(logger: l, "options {}", 1);
    let records = desk.records();
    let got: Vec<String> = records.iter().map(|r| format!("{}|{}", r.msg(), r.fields())).collect();
    assert_eq!(got[0], "in a macro 1|a=1 b=2");
    assert_eq!(got[1], r#"short|x=1 y="two""#);
    assert_eq!(got[2], "text|");
    assert_eq!(got[3], "text 1|");
    assert_eq!(got[4], "inner 5|inner=5");
    assert_eq!(got[5], r#"lit|e=3 x=1 t="two" p=9 x.k=1 lit=2"#);
    assert_eq!(got[6], "options 1|");
    assert_eq!(records[6].raw("target"), "\"mine\"");
}

#[test]
fn options_come_first_in_both_spellings() {
    let desk = Desk::new();
    let l = &desk.logger;
    let id = 1;
    const TARGET: &str = "const";
    info!(logger(l), target("db"), "m", id);
    info!(target("db"), logger(l), "m", id);
    info!(target: "db", logger: l, "m", id);
    info!(logger: l, target: "db", "m {id}");
    info!(target: "db", logger(l), id = 2; "m");
    info!(logger: &desk.logger, target: TARGET, "m");
    info!(logger(&desk.logger), target(TARGET), "m");
    info!(logger(l), target(concat!("a", "::b")), "m");
    log!(Level::Info, logger(l), target("db"), "m", id);
    log!(logger: l, Level::Info, "m", id);
    log!(target: "db", logger: l, Level::Info, "m", id);
    log!(target("db"), logger(l), Level::Info, "m", id);
    let targets: Vec<String> =
        desk.records().iter().map(|r| r.raw("target").replace('"', "")).collect();
    assert_eq!(targets.join(" "), "db db db db db const const a::b db acceptance_calls db db");
}

#[test]
fn splices_take_maps_and_pairs_in_their_order() {
    let desk = Desk::new();
    let sorted = BTreeMap::from([("b", 2), ("a", 1)]);
    let hashed = HashMap::from([("only".to_owned(), "x".to_owned())]);
    let pairs = [("p", 1), ("q", 2)];
    let vector = vec![("v".to_owned(), 1.5)];
    gives!(desk, info!("m", ..sorted), "m", "a=1 b=2");
    gives!(desk, info!("m", ..&sorted), "m", "a=1 b=2");
    gives!(desk, info!("m", ..hashed), "m", r#"only="x""#);
    gives!(desk, info!("m", ..&hashed), "m", r#"only="x""#);
    gives!(desk, info!("m", ..pairs), "m", "p=1 q=2");
    gives!(desk, info!("m", ..&pairs[..1]), "m", "p=1");
    gives!(desk, info!("m", ..vector), "m", "v=1.5");
    gives!(desk, info!("m", ..&vector), "m", "v=1.5");
    gives!(desk, info!("m", x = 1, ..sorted, y = 2), "m", "x=1 y=2 a=1 b=2");
    gives!(desk, info!("m", ..sorted, ..pairs), "m", "a=1 b=2 p=1 q=2");
    gives!(desk, info!(..sorted, "m"), "m", "a=1 b=2");
    gives!(desk, info!("m", ..BTreeMap::<String, i32>::new()), "m", "");
    let cow = BTreeMap::from([(Cow::Borrowed("c"), Some(1)), (Cow::Borrowed("d"), None)]);
    gives!(desk, info!("m", ..cow), "m", "c=1");
    assert_eq!(sorted.len() + hashed.len() + vector.len(), 4, "still the caller's");
}

#[test]
fn a_key_is_written_once_literals_first() {
    let desk = Desk::new();
    let map = BTreeMap::from([("a", 10), ("b", 20), ("c", 30)]);
    gives!(desk, info!("m", ..map, a = 1), "m", "a=1 b=20 c=30");
    gives!(desk, info!("m", a = 1, ..map), "m", "a=1 b=20 c=30");
    gives!(desk, info!("m", ("a") = 2, a = 1), "m", "a=1");
    gives!(desk, info!("m", ("x") = 1, ("x") = 2), "m", "x=1");
    gives!(desk, info!("m", ("a") = 1, ..map), "m", "a=1 b=20 c=30");
    gives!(desk, info!("m", ..map, ("a") = 1), "m", "a=10 b=20 c=30");
    let other = [("b", 5), ("z", 6), ("z", 7)];
    gives!(desk, info!("m", ..other, ..map), "m", "b=5 z=6 a=10 c=30");
    let a = 4;
    gives!(desk, info!("m {a}", ..map), "m 4", "a=4 b=20 c=30");
    let same = ("k".to_owned(), "k".to_owned());
    gives!(desk, info!("m", (same.0) = 1, (same.1) = 2, k = 3), "m", "k=3");
}

#[test]
fn arguments_are_evaluated_once_left_to_right_and_only_when_enabled() {
    let desk = Desk::new();
    let l = &desk.logger;
    let order = std::cell::RefCell::new(Vec::new());
    let note = |n: u32| {
        order.borrow_mut().push(n);
        n
    };
    info!(logger(l), "{} {b} {}", note(1), note(2), b = note(3), ..[("k", note(4))], c = ?note(5));
    assert_eq!(*order.borrow(), [1, 2, 3, 4, 5]);
    assert_eq!(desk.last().msg(), "1 3 2");
    order.borrow_mut().clear();
    info!(logger(l), a = note(1), (note(2).to_string()) = note(3), d = note(4), "m {a}");
    assert_eq!(*order.borrow(), [1, 2, 3, 4]);
    order.borrow_mut().clear();
    l.set_filter("warn").unwrap();
    info!(logger(l), "{}", note(1), b = note(2), ..[("k", note(3))]);
    log!(Level::Debug, logger(l), "{}", note(1));
    assert!(order.borrow().is_empty());
    assert_eq!(try_log!(Level::Debug, logger(l), "m", a = note(1)).is_ok(), true);
    assert!(order.borrow().is_empty());
    l.set_filter("trace").unwrap();
    try_log!(Level::Debug, logger(l), "tried", a = note(1)).unwrap();
    assert_eq!(desk.last().fields(), "a=1");
    assert_eq!(desk.last().msg(), "tried");
}

#[test]
fn a_macro_gives_unit_and_stands_anywhere_an_expression_may() {
    let desk = Desk::new();
    let l = &desk.logger;
    let unit: () = info!(logger(l), "m");
    let () = log!(Level::Info, logger(l), "m");
    let _ = unit;
    match 3 {
        3 => info!(logger(l), "arm"),
        _ => warn!(logger(l), "arm"),
    }
    if true {
        info!(logger(l), "then")
    } else {
        info!(logger(l), "else")
    }
    let f = |n: i32| info!(logger(l), "closure", n);
    f(1);
    Some(5).into_iter().for_each(|n| debug!(logger(l), "each {n}"));
    Err::<i32, &str>("bad").map_err(|e| error!(logger(l), "mapped: {e}")).unwrap_or_default();
    std::thread::scope(|s| {
        s.spawn(|| info!(logger(l), "thread"));
    });
    let future = async {
        info!(logger(l), "async", n = std::future::ready(1).await);
    };
    fn must_be_send<T: Send>(_: &T) {}
    must_be_send(&future);
    drop(future);
    assert_eq!(desk.records().len(), 8);
}

#[test]
fn enabled_asks_the_filter_that_the_call_would_ask() {
    let desk = Desk::new();
    let l = &desk.logger;
    l.set_filter("info,db=debug").unwrap();
    assert!(!enabled!(Level::Debug, logger(l)));
    assert!(enabled!(Level::Info, logger(l)));
    assert!(enabled!(Level::Debug, target("db"), logger(l)));
    assert!(enabled!(Level::Debug, logger(l), target("db")));
    assert!(enabled!(Level::Debug, target: "db", logger: l));
    assert!(!enabled!(Level::Trace, target("db"), logger(l)));
    let level = Level::Debug;
    assert!(!enabled!(level, logger(l)));
    assert!(!enabled!(Level::Debug, target("db")), "nothing is installed");
}

#[test]
fn lines_of_other_loggers_paste_unchanged() {
    let desk = Desk::new();
    // From the documentation of log.
    let data = (42, "Forty-two");
    let private_data = "private";
    gives!(
        desk,
        log!(Level::Error, "Received errors: {}, {}", data.0, data.1),
        "Received errors: 42, Forty-two",
        ""
    );
    gives!(
        desk,
        log!(target: "app_events", Level::Warn, "App warning: {}, {}, {}", data.0, data.1, private_data),
        "App warning: 42, Forty-two, private",
        ""
    );
    let (err_info, port) = ("No connection", 22);
    gives!(
        desk,
        error!("Error: {err_info} on port {port}"),
        "Error: No connection on port 22",
        r#"err_info="No connection" port=22"#
    );
    gives!(
        desk,
        error!(target: "app_events", "App Error: {err_info}, Port: {}", port),
        "App Error: No connection, Port: 22",
        r#"err_info="No connection""#
    );
    let pos = (3.234, -1.223);
    gives!(
        desk,
        debug!("New position: x: {}, y: {}", pos.0, pos.1),
        "New position: x: 3.234, y: -1.223",
        ""
    );
    struct Yak(&'static str);
    impl Debug for Yak {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "Yak({:?})", self.0)
        }
    }
    let yak = Yak("Fluffy");
    gives!(
        desk,
        info!(target: "yak_events", yak:?; "Commencing yak shaving"),
        "Commencing yak shaving",
        r#"yak="Yak(\"Fluffy\")""#
    );
    gives!(
        desk,
        warn!(target: "yak_events", yak:debug = &yak, attempt = 1; "Unable to locate a razor: {}", err_info),
        "Unable to locate a razor: No connection",
        r#"yak="Yak(\"Fluffy\")" attempt=1"#
    );
    gives!(
        desk,
        info!(a:? = pos, b:% = port, c = 1; "kv"),
        "kv",
        r#"a="(3.234, -1.223)" b="22" c=1"#
    );
    gives!(
        desk,
        info!(key1 = 42, "key2" = true; "a {} event", "log"),
        "a log event",
        "key1=42 key2=true"
    );
    gives!(desk, info!(r#type = "x"; "m"), "m", r#"type="x""#);
    let e = std::io::Error::other("razor");
    gives!(
        desk,
        error!(err:err = e; "Unable to locate a razor"),
        "Unable to locate a razor",
        r#"err={"chain":[],"msg":"razor"}"#
    );

    // From the documentation of tracing.
    #[derive(Debug)]
    struct Position {
        x: f32,
        y: f32,
    }
    let position = Position { x: 3.234, y: -1.223 };
    let _ = (position.x, position.y);
    let yaks = 3;
    gives!(
        desk,
        info!(number_of_yaks = 3, "preparing to shave yaks"),
        "preparing to shave yaks",
        "number_of_yaks=3"
    );
    gives!(desk, debug!(message = 1, "m"), "m", "message=1");
    trace!(logger(&desk.logger), ?position);
    assert_eq!(desk.last().fields(), r#"position="Position { x: 3.234, y: -1.223 }""#);
    gives!(
        desk,
        info!(yaks, all_yaks_shaved = false, "yak shaving completed."),
        "yak shaving completed.",
        "yaks=3 all_yaks_shaved=false"
    );
    gives!(
        desk,
        error!(yak = yaks, error = err_info, "failed to shave yak!"),
        "failed to shave yak!",
        r#"yak=3 error="No connection""#
    );
    gives!(
        desk,
        trace!(target: "yak_events", excitement = "yay!", "hello! I'm gonna shave a yak."),
        "hello! I'm gonna shave a yak.",
        r#"excitement="yay!""#
    );
    gives!(
        desk,
        info!(%position.x, ?position.y, "position"),
        "position",
        r#"position.x="3.234" position.y="-1.223""#
    );
    gives!(
        desk,
        debug!("guid:x-ray" = 5, "foo.bar" = "baz", "x"),
        "x",
        r#"guid:x-ray=5 foo.bar="baz""#
    );
    let (user, id) = ("ferris", 5);
    gives!(
        desk,
        info!(user, id, "user {user} logged in, id {}", id + 1),
        "user ferris logged in, id 6",
        r#"user="ferris" id=5"#
    );
    gives!(
        desk,
        info!("something happened: {:?}", position),
        "something happened: Position { x: 3.234, y: -1.223 }",
        ""
    );

    // From the documentation of slog.
    gives!(desk, info!("formatted: {}", 1; "log-key" => true), "formatted: 1", "log-key=true");
    gives!(
        desk,
        info!("printed {line_count} lines", line_count = 2),
        "printed 2 lines",
        "line_count=2"
    );
    gives!(
        desk,
        info!("printed {line_count} lines"; "line_count" => 2),
        "printed 2 lines",
        "line_count=2"
    );
}
