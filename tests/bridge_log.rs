//! Records of the crate `log` are nexlog's: typed, filtered, with their own places.

mod support;

use log::kv::{self, Source, VisitSource};
use nexlog::{Logger, Memory};
use serde_json::{Value, json};
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use support::{PATIENCE, assert_balanced, lines};

support::child::alone![
    statements_of_logs_own_docs_arrive,
    keys_and_values_keep_their_types,
    level_target_module_file_and_line_are_those_of_the_statement,
    logs_maximum_follows_the_filter,
    filters_of_targets_hold_and_nothing_is_evaluated_in_vain,
    enabled_asks_the_filter,
    flush_reaches_the_sinks,
    a_value_that_panics_passes_through_after_a_marker,
    a_value_that_logs_makes_records_of_its_own,
    targets_made_at_run_time_are_right_and_leak_nothing,
    a_record_without_a_place_is_a_record,
    threads_at_one_statement_agree,
    records_are_in_one_order_with_those_of_nexlog,
    records_carry_the_context_of_nexlog,
    a_switched_off_bridge_leaves_log_alone,
];

fn install(filter: &str) -> (Logger, Memory) {
    let memory = Memory::new();
    let builder = nexlog::builder().filter(filter).sink(&memory).tracing_bridge(false);
    (builder.install().unwrap(), memory)
}

fn records(memory: &Memory) -> Vec<Value> {
    lines::parse(&memory.lines())
}

fn statements_of_logs_own_docs_arrive() {
    let (logger, memory) = install("trace");
    // From the documentation of `log`'s macros.
    let pos = Position { x: 3.234, y: -1.223 };
    log::trace!("Position is: x: {}, y: {}", pos.x, pos.y);
    log::trace!(target: "app_events", "x is {} and y is {}", pos.x, pos.y);
    log::debug!("New position: x: {}, y: {}", pos.x, pos.y);
    let conn_info = Connection { port: 40, speed: 3.20 };
    log::info!("Connected to port {} at {} Mb/s", conn_info.port, conn_info.speed);
    log::info!(target: "connection_events", "Successful connection, port: {}, speed: {}", conn_info.port, conn_info.speed);
    let (err_info, port) = ("No connection", 22);
    log::error!("Error: {err_info} on port {port}");
    log::error!(target: "app_events", "App Error: {err_info}, Port: {port}");
    let data = (42, "Forty-two");
    log::log!(log::Level::Error, "Received errors: {}, {}", data.0, data.1);
    // From the documentation of `log::kv`.
    log::info!(a = 1; "Something of interest");
    let (x, y) = (String::from("x"), 7);
    log::info!(target: "kv", x:%, y:?, z = true; "Something of interest {x}");
    let texts: Vec<_> =
        records(&memory).iter().map(|r| r["msg"].as_str().unwrap().to_owned()).collect();
    assert_eq!(
        texts,
        [
            "Position is: x: 3.234, y: -1.223",
            "x is 3.234 and y is -1.223",
            "New position: x: 3.234, y: -1.223",
            "Connected to port 40 at 3.2 Mb/s",
            "Successful connection, port: 40, speed: 3.2",
            "Error: No connection on port 22",
            "App Error: No connection, Port: 22",
            "Received errors: 42, Forty-two",
            "Something of interest",
            "Something of interest x",
        ]
    );
    let last = &records(&memory)[9];
    assert_eq!((&last["x"], &last["y"], &last["z"]), (&json!("x"), &json!("7"), &json!(true)));
    assert_eq!(last["target"], "kv");
    logger.flush(PATIENCE).unwrap();
    assert_balanced(&logger.stats());
}

struct Position {
    x: f32,
    y: f32,
}

struct Connection {
    port: u32,
    speed: f32,
}

#[derive(Debug)]
struct Broken(Option<Box<Broken>>);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "outer" } else { "inner" })
    }
}

impl std::error::Error for Broken {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}

fn keys_and_values_keep_their_types() {
    let (_logger, memory) = install("info");
    let error = Broken(Some(Box::new(Broken(None))));
    let none: Option<u32> = None;
    log::info!(
        unsigned = 7_u8, signed = -7_i64, wide = u128::MAX, low = i128::MIN, float = 2.5_f64,
        single = 0.1_f32, yes = true, letter = 'x', text = "a\"b", e:err = error,
        dbg:? = [1, 2], shown:% = 3, none:? = none, owned = String::from("o").as_str();
        "typed"
    );
    let record = &records(&memory)[0];
    let wide = serde_json::from_str::<Value>(&u128::MAX.to_string()).unwrap();
    let low = serde_json::from_str::<Value>(&i128::MIN.to_string()).unwrap();
    for (key, value) in [
        ("unsigned", json!(7)),
        ("signed", json!(-7)),
        ("wide", wide),
        ("low", low),
        ("float", json!(2.5)),
        ("yes", json!(true)),
        ("letter", json!("x")),
        ("text", json!("a\"b")),
        ("e", json!({"msg": "outer", "chain": ["inner"]})),
        ("dbg", json!("[1, 2]")),
        ("shown", json!("3")),
        ("none", json!("None")),
        ("owned", json!("o")),
    ] {
        assert_eq!(record[key], value, "{key} in {record}");
    }
    // `log` itself widens it.
    assert_eq!(record["single"], json!(f64::from(0.1_f32)));
}

fn level_target_module_file_and_line_are_those_of_the_statement() {
    let memory = Memory::new();
    let format = nexlog::Json::new().source();
    let output = memory.clone().format(format);
    nexlog::builder().filter("trace").sink(output).tracing_bridge(false).install().unwrap();
    let line = line!() + 1;
    log::error!("here");
    log::warn!(target: "elsewhere", "there");
    log::info!("a");
    log::debug!("a");
    log::trace!("a");
    let records = records(&memory);
    assert_eq!(records[0]["target"], module_path!());
    assert_eq!(records[0]["file"], file!());
    assert_eq!(records[0]["line"], line);
    assert_eq!(
        (&records[1]["target"], &records[1]["line"]),
        (&json!("elsewhere"), &json!(line + 1))
    );
    let levels: Vec<_> = records.iter().map(|record| record["level"].as_str().unwrap()).collect();
    assert_eq!(levels, ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"]);
}

fn logs_maximum_follows_the_filter() {
    use log::LevelFilter::{Debug, Error, Info, Off, Trace};
    let (logger, _memory) = install("info");
    assert_eq!(log::max_level(), Info);
    for (filter, maximum) in [
        ("off", Off),
        ("critical", Off),
        ("error", Error),
        ("info,some::target=debug", Debug),
        ("warn,[span]=trace", Trace),
        ("info", Info),
    ] {
        logger.set_filter(filter).unwrap();
        assert_eq!(log::max_level(), maximum, "{filter}");
    }
    nexlog::set_filter("debug").unwrap();
    assert_eq!(log::max_level(), Debug);
    let local = nexlog::builder().sink(Memory::new()).build().unwrap();
    local.set_filter("trace").unwrap();
    assert_eq!(log::max_level(), Debug, "a local logger's filter is its own");
}

/// Counts how often it is shown.
struct Counted;

static SHOWN: AtomicU32 = AtomicU32::new(0);

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SHOWN.fetch_add(1, Relaxed);
        f.write_str("counted")
    }
}

fn filters_of_targets_hold_and_nothing_is_evaluated_in_vain() {
    let (logger, memory) = install("warn,db=trace,db::pool=off");
    for round in 0..2 {
        log::info!("no {Counted}");
        log::trace!(target: "db", "yes {round}");
        log::error!(target: "db::pool", k:% = Counted; "no {Counted}");
        log::debug!(target: "dbx", "yes, by its prefix {round}");
    }
    assert_eq!(SHOWN.load(Relaxed), 0);
    assert_eq!(memory.lines().len(), 4);
    logger.set_filter("db::pool=debug").unwrap();
    log::error!(target: "db::pool", "now {Counted}");
    log::trace!(target: "db", "no {Counted}");
    assert_eq!((memory.lines().len(), SHOWN.load(Relaxed)), (5, 1));
    // A directive that looks at spans is asked at each call.
    logger.set_filter("off,[pay]=info").unwrap();
    for inside in [false, true] {
        let span = if inside { nexlog::span!("pay") } else { nexlog::Span::none() };
        let _entered = span.enter();
        log::info!("inside");
    }
    assert_eq!(memory.lines().len(), 6);
    assert_balanced(&logger.stats());
}

fn enabled_asks_the_filter() {
    let (logger, _memory) = install("info,db=debug,web=off");
    assert!(log::log_enabled!(log::Level::Info));
    assert!(!log::log_enabled!(log::Level::Debug));
    assert!(log::log_enabled!(target: "db::pool", log::Level::Debug));
    assert!(!log::log_enabled!(target: "web", log::Level::Error));
    logger.set_filter("web=error").unwrap();
    assert!(log::log_enabled!(target: "web", log::Level::Error));
    assert!(!log::log_enabled!(log::Level::Error));
}

fn flush_reaches_the_sinks() {
    let memory = Memory::new();
    let builder = nexlog::builder().sink(&memory).mode(nexlog::Mode::Background);
    builder.flush_interval(PATIENCE).tracing_bridge(false).install().unwrap();
    for number in 1..=50 {
        log::info!("{number}");
        log::logger().flush();
        assert_eq!(memory.lines().len(), number);
    }
}

struct Panics;

impl fmt::Display for Panics {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("on purpose")
    }
}

fn a_value_that_panics_passes_through_after_a_marker() {
    let (logger, memory) = install("info");
    for _ in 0..3 {
        assert!(std::panic::catch_unwind(|| log::info!("never {Panics}")).is_err());
        assert!(std::panic::catch_unwind(|| log::info!(k:% = Panics; "never")).is_err());
    }
    log::info!("after");
    let records = records(&memory);
    assert_eq!(
        lines::with_message(&records, "a value panicked while it was being logged").len(),
        6
    );
    assert_eq!(records.last().unwrap()["msg"], "after");
    assert_eq!(logger.stats().dropped_by.panic, 6);
    assert_balanced(&logger.stats());
}

struct Logs(u32);

impl fmt::Display for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 > 0 {
            log::info!("inner {}", Logs(self.0 - 1));
            nexlog::info!("native", depth = self.0);
        }
        write!(f, "{}", self.0)
    }
}

fn a_value_that_logs_makes_records_of_its_own() {
    let (logger, memory) = install("info");
    log::info!("outer {}", Logs(2));
    let records = records(&memory);
    assert_eq!(lines::messages(&records), ["inner 0", "native", "inner 1", "native", "outer 2"]);
    log::info!("too deep {}", Logs(100)); // ends, and is counted
    assert_eq!(logger.stats().dropped_by.recursion, 1);
    assert_balanced(&logger.stats());
}

fn targets_made_at_run_time_are_right_and_leak_nothing() {
    let (logger, memory) = install("off,even=info");
    let resident = || {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
    };
    let say = |number: u32| {
        let parity = if number.is_multiple_of(2) { "even" } else { "odd" };
        let target = format!("{parity}::{number}::{}", "x".repeat(200));
        log::info!(target: &target, number; "said");
        let line = String::from_utf8(memory.take()).unwrap();
        if parity == "odd" {
            assert_eq!(line, "");
            return;
        }
        let record: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&record["target"], &record["number"]), (&json!(target), &json!(number)));
    };
    (0..2_000).for_each(say);
    let before = resident();
    (2_000..40_000).for_each(say);
    let grown = resident().saturating_sub(before);
    assert!(grown < 4 << 20, "{grown} bytes more"); // the targets alone are 8 MB
    assert_balanced(&logger.stats());
}

/// Pairs without a count, an error at the end.
struct Odd;

impl Source for Odd {
    fn visit<'kvs>(&'kvs self, visitor: &mut dyn VisitSource<'kvs>) -> Result<(), kv::Error> {
        visitor.visit_pair(kv::Key::from_str("one"), kv::Value::from(1))?;
        visitor.visit_pair(kv::Key::from_str("null"), kv::Value::null())?;
        visitor.visit_pair(kv::Key::from_str("one"), kv::Value::from(2))?;
        Err(kv::Error::msg("no more"))
    }
}

fn a_record_without_a_place_is_a_record() {
    let (logger, memory) = install("info");
    let (file, target) = (String::from("made at run time"), String::from("t\n:7:x"));
    for (key_values, number) in [(true, 0), (false, 1), (true, 2)] {
        let mut builder = log::Record::builder();
        builder.level(log::Level::Warn).target(&target);
        if number < 2 {
            builder.file(Some(&file)).module_path(Some("a\nb"));
        }
        if key_values {
            builder.key_values(&Odd);
        }
        log::logger().log(&builder.args(format_args!("bare {number}")).build());
    }
    let records = records(&memory);
    assert_eq!(records.len(), 3);
    for (number, record) in records.iter().enumerate() {
        assert_eq!((&record["level"], &record["target"]), (&json!("WARN"), &json!(target)));
        assert_eq!(record["msg"], format!("bare {number}"));
        let one = if number == 1 { Value::Null } else { json!(1) };
        assert_eq!((&record["one"], record.get("null")), (&one, None));
    }
    assert_balanced(&logger.stats());
}

fn threads_at_one_statement_agree() {
    let (logger, memory) = install("info");
    std::thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || (0..500).for_each(|n| log::info!(n, thread; "counted {n}")));
        }
    });
    let records = records(&memory);
    assert_eq!(records.len(), 4000);
    for thread in 0..8 {
        let numbers = records.iter().filter(|r| r["thread"] == thread).map(|r| r["n"].as_u64());
        assert!(numbers.eq((0..500).map(Some)), "thread {thread}");
    }
    assert_balanced(&logger.stats());
}

fn records_are_in_one_order_with_those_of_nexlog() {
    for mode in [nexlog::Mode::Background] {
        let memory = Memory::new();
        let builder = nexlog::builder().sink(&memory).mode(mode).tracing_bridge(false);
        let logger = builder.install().unwrap();
        for number in 0..1000 {
            log::info!(number; "one");
            nexlog::info!("other", number);
        }
        logger.flush(PATIENCE).unwrap();
        let records = records(&memory);
        let order = records.iter().map(|r| (r["number"].as_u64().unwrap(), r["msg"] == "other"));
        assert!(order.eq((0..1000).flat_map(|number| [(number, false), (number, true)])));
    }
}

fn records_carry_the_context_of_nexlog() {
    let (_logger, memory) = install("info");
    let _scope = nexlog::context!(request_id = "r-1", n = 1);
    nexlog::span!("pay").in_scope(|| log::info!(n = 2; "inside"));
    let record = &records(&memory)[0];
    assert_eq!(record["request_id"], "r-1");
    assert_eq!((&record["n"], &record["span"]), (&json!(2), &json!("pay")));
}

fn a_switched_off_bridge_leaves_log_alone() {
    let memory = Memory::new();
    let builder = nexlog::builder().filter("trace").sink(&memory);
    let logger = builder.log_bridge(false).tracing_bridge(false).install().unwrap();
    log::set_max_level(log::LevelFilter::Warn);
    logger.set_filter("debug").unwrap();
    assert_eq!(log::max_level(), log::LevelFilter::Warn);
    log::error!("for nobody");
    assert_eq!(memory.lines().len(), 0);
    log::set_logger(&Nobody).unwrap();
}

struct Nobody;

impl log::Log for Nobody {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        false
    }
    fn log(&self, _: &log::Record<'_>) {}
    fn flush(&self) {}
}
