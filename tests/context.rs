//! What is said once is on every record made inside: which fields, in which order, which wins, in
//! every format and mode, whatever way a record takes.

mod support;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use nexlog::{
    Batch, Context, FutureExt, Json, Level, Logger, Memory, Mode, Overflow, Scope, Sink, Text,
    WriteError, context, debug, fields, info, span, warn,
};
use serde_json::Value;
use support::random::Random;
use support::{MODES, PATIENCE, assert_balanced, lines};

fn logger() -> (Logger, Memory) {
    let memory = Memory::new();
    (nexlog::builder().sink(memory.clone()).build().unwrap(), memory)
}

/// The one line, from behind `"msg":…,`.
fn tail(memory: &Memory) -> String {
    let lines = memory.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    memory.take();
    let (_, tail) = lines[0].split_once(r#""msg":"m""#).unwrap();
    tail.to_owned()
}

#[test]
fn fields_come_from_the_outermost_inwards_behind_the_records_own() {
    let (logger, memory) = logger();
    let _request = context!(request_id = "r-1", tenant = 7);
    let span = span!("pay", order = 42);
    let _entered = span.enter();
    let _inner = context!(step = "check");
    info!(logger(&logger), "m", own = 1);
    let expected =
        r#","own":1,"span":"pay","request_id":"r-1","tenant":7,"order":42,"step":"check"}"#;
    assert_eq!(tail(&memory), expected);
}

#[test]
fn the_records_own_field_wins_then_the_innermost() {
    let (logger, memory) = logger();
    let _outer = context!(a = 1, b = 1, c = 1);
    let _inner = context!(b = 2, c = 2, d = 2);
    info!(logger(&logger), "m", c = 3);
    assert_eq!(tail(&memory), r#","c":3,"a":1,"b":2,"d":2}"#);
    // The same with a run-time key, and with a field that is left out.
    info!(logger(&logger), "m", ("c") = 4, d = None::<u8>);
    assert_eq!(tail(&memory), r#","c":4,"a":1,"b":2,"d":2}"#);
    let more = BTreeMap::from([("a", 5), ("e", 6)]);
    info!(logger(&logger), "m", ..more);
    assert_eq!(tail(&memory), r#","a":5,"e":6,"b":2,"c":2,"d":2}"#);
}

#[test]
fn reserved_and_odd_keys_stay_unique() {
    let (logger, memory) = logger();
    let _scope = context!(ts = 1, span = 2, "a\"b" = 3, ("x\ny") = 4);
    info!(logger(&logger), "m", level = 5, ts_ = 6);
    assert_eq!(tail(&memory), r#","level_":5,"ts_":6,"ts__":1,"span_":2,"a\"b":3,"x\ny":4}"#);
}

#[test]
fn span_names_the_innermost_or_the_path_by_option() {
    let memory = Memory::new();
    let path = Memory::new();
    let text = Memory::new();
    let nested = Memory::new();
    let logger = nexlog::builder()
        .sink(memory.clone())
        .sink(path.clone().format(Json::new().span_path()))
        .sink(text.clone().format(Text::compact().time(false).span_path()))
        .sink(nested.clone().format(Json::new().nested_under("fields")))
        .field("service", "shop")
        .build()
        .unwrap();
    let _outer = span!("ser\"ve", a = 1).entered();
    let _scope = context!(b = 2);
    let _inner = span!("pay").entered();
    info!(logger(&logger), target("t"), "m", c = 3);
    let rest = r#","a":1,"b":2,"service":"shop"}"#;
    assert_eq!(tail(&memory), format!(r#","c":3,"span":"pay"{rest}"#));
    assert_eq!(tail(&path), format!(r#","c":3,"span":"ser\"ve:pay"{rest}"#));
    assert_eq!(text.lines(), [r#"INFO  t: m c=3 span="ser\"ve":pay a=1 b=2 service=shop"#]);
    let expected = r#","fields":{"c":3,"a":1,"b":2,"service":"shop"},"span":"pay"}"#;
    assert_eq!(tail(&nested), expected);
}

#[test]
fn records_outside_have_nothing() {
    let (logger, memory) = logger();
    drop(context!(a = 1));
    span!("s").in_scope(|| ());
    info!(logger(&logger), "m");
    assert_eq!(tail(&memory), "}");
}

#[test]
fn a_panic_leaves_the_context_as_it_was() {
    let (logger, memory) = logger();
    let _outer = context!(a = 1);
    let _ = catch_unwind(AssertUnwindSafe(|| {
        let _inner = context!(b = 2);
        span!("s").in_scope(|| panic!("on purpose"));
    }));
    info!(logger(&logger), "m");
    assert_eq!(tail(&memory), r#","a":1}"#);
}

#[test]
fn values_keep_their_types_and_user_code_may_log() {
    struct Logs<'a>(&'a Logger);
    impl std::fmt::Display for Logs<'_> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            info!(logger(self.0), "inside");
            f.write_str("shown")
        }
    }
    let (logger, memory) = logger();
    let error = "x".parse::<u8>().unwrap_err();
    let _scope = context!(
        big = u128::MAX,
        list = [1, 2],
        error = err(&error),
        secret = secret("x"),
        shown = %Logs(&logger),
        none = None::<u8>,
    );
    info!(logger(&logger), "m");
    let records = lines::parse(&memory.lines());
    assert_eq!(records.len(), 2);
    assert_eq!(records[0]["msg"], "inside");
    assert!(records[0].get("shown").is_none(), "the scope is not on while it is made");
    let record = &records[1];
    assert_eq!(record["big"].to_string(), u128::MAX.to_string());
    assert_eq!(record["list"], serde_json::json!([1, 2]));
    assert_eq!(record["error"]["msg"], "invalid digit found in string");
    assert_eq!((&record["secret"], &record["shown"]), (&"***".into(), &"shown".into()));
    assert!(record.get("none").is_none());
}

#[test]
fn thirteen_and_more_fields_are_taken() {
    let (logger, memory) = logger();
    let _scope = context!(
        a = 1,
        b = 2,
        c = 3,
        d = 4,
        e = 5,
        f = 6,
        g = 7,
        h = 8,
        i = 9,
        j = 10,
        k = 11,
        l = 12,
        m = 13,
        n = 14
    );
    info!(logger(&logger), "m");
    let record = &lines::parse(&memory.lines())[0];
    assert_eq!((&record["a"], &record["n"]), (&1.into(), &14.into()));
}

#[test]
fn a_child_logger_carries_fields_without_a_scope() {
    let (logger, memory) = logger();
    let component = "db";
    let db = logger.with(fields! { component, pool = 1 });
    let pool = db.clone().with(fields! { pool = 2 });
    info!(logger(&db), "m", own = 1);
    assert_eq!(tail(&memory), r#","own":1,"component":"db","pool":1}"#);
    let _scope = context!(pool = 3, a = 4);
    info!(logger(&pool), "m", component = "mine");
    assert_eq!(tail(&memory), r#","component":"mine","pool":2,"a":4}"#);
    info!(logger(&logger), "m");
    assert_eq!(tail(&memory), r#","pool":3,"a":4}"#);
    // As fields of a record, and of a scope.
    let set = fields! { x = 1, "y.z" = 2 };
    info!(logger(&logger), "m", pool = 0, a = 0, ..set);
    assert_eq!(tail(&memory), r#","pool":0,"a":0,"x":1,"y.z":2}"#);
    let _more = context!(..set.clone());
    info!(logger(&logger), "m", pool = 0, a = 0);
    assert_eq!(tail(&memory), r#","pool":0,"a":0,"x":1,"y.z":2}"#);
}

#[test]
fn it_goes_to_threads_and_futures() {
    let (logger, memory) = logger();
    let logger = Arc::new(logger);
    let wrapped = {
        let _scope = context!(a = 1);
        let logger = Arc::clone(&logger);
        Context::current().wrap(move || info!(logger(&logger), "m"))
    };
    thread::spawn(wrapped).join().unwrap();
    assert_eq!(tail(&memory), r#","a":1}"#);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).build().unwrap();
    let task = {
        let _scope = context!(b = 2);
        let logger = Arc::clone(&logger);
        async move {
            tokio::task::yield_now().await;
            info!(logger(&logger), "m");
        }
        .in_span(span!("task"))
    };
    runtime.block_on(async { tokio::spawn(task).await.unwrap() });
    assert_eq!(tail(&memory), r#","span":"task","b":2}"#);
}

/// Scopes and records by a random plan, with what each record has to carry.
fn walk(logger: &Logger, random: &mut Random, depth: u64, around: &BTreeMap<String, Value>) {
    for _ in 0..=random.below(4) {
        let number = random.below(5);
        let mut inside = around.clone();
        let text = "x".repeat(usize::try_from(random.below(200)).unwrap());
        let key = format!("k{}", random.below(6));
        inside.insert(key.clone(), number.into());
        inside.insert(String::from("depth"), depth.into());
        let _scope;
        let _span;
        if random.below(2) == 0 {
            _scope = context!((key) = number, depth);
        } else {
            inside.insert(String::from("text"), text.as_str().into());
            inside.insert(String::from("span"), "walk".into());
            _span = span!("walk", (key) = number, depth, text).entered();
        }
        for _ in 0..random.below(3) {
            // Now and then one that fits in no lane.
            let large = if random.below(40) == 0 { 20_000 } else { 0 };
            let padding = "y".repeat(large);
            let expected = serde_json::to_string(&inside).unwrap();
            info!(logger(logger), "m", expected, padding);
        }
        if depth < 6 && random.below(2) == 0 {
            walk(logger, random, depth + 1, &inside);
        }
    }
}

fn check(line: &str) {
    let record: BTreeMap<String, Value> = serde_json::from_str(line).unwrap();
    let expected = record["expected"].as_str().unwrap();
    let expected: BTreeMap<String, Value> = serde_json::from_str(expected).unwrap();
    let own = ["ts", "level", "target", "msg", "expected", "padding"];
    let carried = record.into_iter().filter(|(key, _)| !own.contains(&key.as_str()));
    assert_eq!(carried.collect::<BTreeMap<_, _>>(), expected);
}

#[test]
fn every_record_of_eight_threads_carries_what_it_was_made_in() {
    for (_, mode) in MODES {
        for overflow in [Overflow::Block, Overflow::DropOldest, Overflow::DropNewest] {
            let memory = Memory::new();
            let builder = nexlog::builder().sink(memory.clone()).mode(mode).overflow(overflow);
            let logger = builder.lane_bytes(48 << 10).build().unwrap();
            thread::scope(|threads| {
                for seed in 0..8 {
                    let logger = &logger;
                    threads.spawn(move || {
                        let mut random = Random::new(seed);
                        for _ in 0..support::scaled(30, 1_000) {
                            walk(logger, &mut random, 0, &BTreeMap::new());
                        }
                    });
                }
            });
            logger.flush(PATIENCE).unwrap();
            assert_balanced(&logger.stats());
            let lines = memory.lines();
            let mine: Vec<_> = lines.iter().filter(|line| line.contains("\"expected\"")).collect();
            assert!(mine.len() > 500 || overflow != Overflow::Block, "{} records", mine.len());
            mine.into_iter().for_each(|line| check(line));
        }
    }
}

#[test]
fn a_stated_level_decides_whether_a_span_is_on() {
    // The gate of call sites is the global logger's.
    let memory = Memory::new();
    let logger = nexlog::builder().filter("info").sink(memory.clone()).install().unwrap();
    let mine = |target: &str| {
        let records = lines::parse(&memory.lines());
        memory.take();
        records.into_iter().find(|record| record["target"] == target).unwrap()
    };
    let _debug = span!(level(Level::Debug), "debug", a = 1).entered();
    let _warn = span!(Level::Warn, "warn", b = 2).entered();
    info!(target("levels"), "m");
    let record = mine("levels");
    assert_eq!((&record["span"], record.get("a")), (&"warn".into(), None));
    logger.set_filter("error").unwrap();
    let _plain = span!("plain", c = 3).entered();
    let _info = span!(level(Level::Info), "info", d = 4).entered();
    nexlog::error!(target("levels"), "m");
    let record = mine("levels");
    assert_eq!(record["span"], "plain", "without a level a span is always on");
    assert_eq!((&record["b"], &record["c"], record.get("d")), (&2.into(), &3.into(), None));
    debug!("off");
    warn!("off");
}

thread_local! {
    static HELD: RefCell<Option<Scope>> = const { RefCell::new(None) };
}

/// A sink that leaves a scope of whoever writes. On the worker it takes so long that lanes fill up.
struct Leaves {
    caller: thread::ThreadId,
    is_writing: Arc<AtomicBool>,
}

impl Sink for Leaves {
    fn write(&mut self, _: &Batch<'_>) -> Result<(), WriteError> {
        if thread::current().id() != self.caller && !self.is_writing.swap(true, SeqCst) {
            thread::sleep(Duration::from_millis(200));
        }
        HELD.with_borrow_mut(Option::take);
        Ok(())
    }
}

#[test]
fn a_sink_may_leave_the_scope_of_a_caller_that_makes_room() {
    let (memory, is_writing) = (Memory::new(), Arc::new(AtomicBool::new(false)));
    let logger = nexlog::builder()
        .sink(memory.clone())
        .sink(Leaves { caller: thread::current().id(), is_writing: Arc::clone(&is_writing) })
        .mode(Mode::Background)
        .flush_interval(Duration::from_millis(1))
        .lane_bytes(32_u64 << 10)
        .build()
        .unwrap();
    let text = "x".repeat(3_000);
    info!(logger(&logger), "m");
    support::wait_until("the worker writes", || is_writing.load(SeqCst));
    for _ in 0..100 {
        HELD.set(None);
        HELD.set(Some(context!(text)));
        info!(logger(&logger), "m");
    }
    HELD.set(None);
    logger.flush(PATIENCE).unwrap();
    assert_balanced(&logger.stats());
    for record in lines::parse(&memory.lines()) {
        assert!(record["text"].is_null() || record["text"] == *text, "{record}");
    }
}

#[nexlog::instrument(fields(depth, (format!("k{}", depth % 20)) = depth))]
fn descend(logger: &Logger, depth: u64, end: u64) {
    info!(logger(logger), "m");
    if depth < end {
        descend(logger, depth + 1, end);
    }
}

#[test]
fn a_deep_chain_is_whole() {
    let memory = Memory::new().format(Json::new().span_path());
    let logger = nexlog::builder().sink(memory.clone()).mode(Mode::Buffered).build().unwrap();
    let _root = context!(request_id = "r", depth = 0);
    descend(&logger, 1, 300);
    logger.flush(PATIENCE).unwrap();
    let records = lines::parse(&memory.lines());
    assert_eq!(records.len(), 300);
    for (record, depth) in records.iter().zip(1_u64..) {
        assert_eq!((&record["request_id"], &record["depth"]), (&"r".into(), &depth.into()));
        let newest = |rest: u64| (1..=depth).rev().find(|depth| depth % 20 == rest);
        for rest in 0..20 {
            let value = record.get(format!("k{rest}")).and_then(Value::as_u64);
            assert_eq!(value, newest(rest), "k{rest} at {depth}");
        }
        let path = record["span"].as_str().unwrap();
        assert_eq!(path.split(':').count() as u64, depth);
    }
}

#[test]
fn of_two_fields_of_a_logger_with_one_key_the_later_holds() {
    let memory = Memory::new();
    let builder = nexlog::builder().sink(memory.clone());
    let logger = builder.field("a", 1).field("b", "x").field("a", 2).build().unwrap();
    info!(logger(&logger), "m");
    assert_eq!(tail(&memory), r#","b":"x","a":2}"#);
    let error = nexlog::builder().sink(Memory::new()).field("", 1).build().unwrap_err();
    assert_eq!(error.to_string(), "option `field`: a key cannot be empty; name the field");
}

/// The least time of a record in so many scopes, each with a key of its own.
fn time_at(logger: &Logger, depth: usize) -> std::time::Duration {
    let mut scopes: Vec<_> = (0..depth).map(|n| context!((format!("k{n}")) = n)).collect();
    let least = (0..15).map(|number| {
        let _new = context!(number); // nothing is kept of it
        let began = std::time::Instant::now();
        info!(logger(logger), "m");
        began.elapsed()
    });
    let least = least.min().unwrap();
    while scopes.pop().is_some() {}
    least
}

#[test]
fn a_deep_chain_costs_no_more_than_its_length() {
    let (logger, _memory) = logger();
    let (short, long) = (time_at(&logger, 200), time_at(&logger, 2_400));
    // 12 times the length; where each key is looked for in the whole chain it is 100 and more.
    assert!(long < short * 40, "{short:?} for 200, {long:?} for 2,400");
}
