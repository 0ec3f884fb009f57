//! Events of `tracing` are nexlog's records: typed, filtered, with their own places.

mod support;

use nexlog::{Logger, Memory};
use serde_json::{Value, json};
use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use support::{PATIENCE, assert_balanced, lines};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

support::child::alone![
    statements_of_tracings_own_docs_arrive,
    fields_keep_their_types,
    level_target_module_file_and_line_are_those_of_the_statement,
    tracings_maximum_and_interest_follow_the_filter,
    filters_of_targets_hold_and_nothing_is_evaluated_in_vain,
    enabled_asks_the_filter,
    a_key_that_comes_twice_is_written_once,
    values_in_any_order_find_their_fields,
    a_field_that_panics_passes_through_after_a_marker,
    a_field_that_logs_makes_records_of_its_own,
    what_tracing_log_carries_is_where_it_was_said,
    fields_that_begin_with_log_are_fields,
    threads_at_one_statement_agree,
    a_layer_filters_for_itself_alone,
    a_layer_may_come_before_the_logger,
    a_layer_takes_further_filters,
    two_layers_in_one_registry_do_not_harm_each_other,
    a_switched_off_bridge_leaves_tracing_alone,
];

fn install(filter: &str) -> (Logger, Memory) {
    let memory = Memory::new();
    let builder = nexlog::builder().filter(filter).sink(&memory).log_bridge(false);
    (builder.install().unwrap(), memory)
}

fn records(memory: &Memory) -> Vec<Value> {
    lines::parse(&memory.lines())
}

#[derive(Debug)]
struct Position {
    x: f32,
    y: f32,
}

fn statements_of_tracings_own_docs_arrive() {
    use tracing::{Level, debug, error, event, info, trace, warn};
    let (logger, memory) = install("trace");
    event!(Level::INFO, "something has happened!");
    let (private_data, data) = ("private", (42, "forty-two"));
    event!(Level::ERROR, private_data, id = data.0, "dbg {}", data.1);
    event!(target: "app_events", Level::WARN, private_data, "App warning: {}", data.1);
    event!(name: "answer", Level::INFO, the_answer = data.0);
    event!(Level::INFO, the_answer = data.0);
    let user = ("ferris", "ferris@rust-lang.org");
    event!(Level::TRACE, greeting = user.0, email = %user.1, debugged = ?user);
    event!(Level::TRACE, { greeting = user.0 }, "braced {}", 1);
    event!(Level::TRACE, "guid:x-request-id" = "abcdef", "type" = "request");
    let pos = Position { x: 3.234, y: -1.223 };
    trace!(position = ?pos, pos.x, pos.y, origin_dist = 3.45_f64);
    trace!(target: "app_events", { pos.x = pos.x }, "Position updated");
    debug!(?pos.x, ?pos.y, "New position");
    info!(port = 40, speed = %3.2, "connected to {}", "here");
    warn!(?data, warning_description = "Invalid Input");
    error!({ error = "No connection", port = 22 }, "App Error");
    let yak = 3;
    info!(excitement = "yay!", yak, "hello! I'm gonna shave a yak");
    info!("only {yak} and {0:?}", pos);
    let all = records(&memory);
    assert_eq!(all.len(), 16);
    assert_eq!(all[0]["msg"], "something has happened!");
    assert_eq!((&all[1]["private_data"], &all[1]["id"]), (&json!("private"), &json!(42)));
    assert_eq!((&all[1]["msg"], &all[1]["level"]), (&json!("dbg forty-two"), &json!("ERROR")));
    assert_eq!((&all[2]["target"], &all[2]["level"]), (&json!("app_events"), &json!("WARN")));
    assert_eq!((&all[3]["the_answer"], all[3].get("msg")), (&json!(42), None));
    assert_eq!(all[5]["email"], "ferris@rust-lang.org");
    assert_eq!(all[5]["debugged"], "(\"ferris\", \"ferris@rust-lang.org\")");
    assert_eq!((&all[6]["greeting"], &all[6]["msg"]), (&json!("ferris"), &json!("braced 1")));
    assert_eq!(
        (&all[7]["guid:x-request-id"], &all[7]["type"]),
        (&json!("abcdef"), &json!("request"))
    );
    assert_eq!(all[8]["position"], "Position { x: 3.234, y: -1.223 }");
    assert_eq!(
        (&all[8]["origin_dist"], &all[8]["pos.x"]),
        (&json!(3.45), &json!(f64::from(pos.x)))
    );
    assert_eq!((&all[10]["pos.y"], &all[10]["level"]), (&json!("-1.223"), &json!("DEBUG")));
    assert_eq!((&all[11]["port"], &all[11]["speed"]), (&json!(40), &json!("3.2")));
    assert_eq!(
        (&all[13]["error"], &all[13]["msg"]),
        (&json!("No connection"), &json!("App Error"))
    );
    assert_eq!(all[14]["msg"], "hello! I'm gonna shave a yak");
    assert_eq!(all[15]["msg"], "only 3 and Position { x: 3.234, y: -1.223 }");
    let y = (all[8]["pos.y"].as_f64().unwrap() - f64::from(pos.y)).abs();
    assert!(y < 1e-9);
    logger.flush(PATIENCE).unwrap();
    assert_balanced(&logger.stats());
}

#[derive(Debug)]
struct Broken(Option<Box<Broken>>);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "outer" } else { "inner" })
    }
}

impl Error for Broken {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

fn fields_keep_their_types() {
    let (_logger, memory) = install("info");
    let error = Broken(Some(Box::new(Broken(None))));
    tracing::info!(
        unsigned = 7_u8,
        signed = -7_i64,
        wide = u128::MAX,
        low = i128::MIN,
        float = 2.5,
        yes = true,
        text = "a\"b",
        error = &error as &(dyn Error + 'static),
        bytes = &[0xc0_u8, 0xff, 0xee][..],
        none = None::<u64>,
        some = Some(5),
        empty = tracing::field::Empty,
        wrapped = std::num::Wrapping(9_u32),
        owned = String::from("o"),
        shown = %Position { x: 1.0, y: 2.0 }.x,
        "typed"
    );
    let record = &records(&memory)[0];
    let number = |text: String| serde_json::from_str::<Value>(&text).unwrap();
    for (key, value) in [
        ("unsigned", json!(7)),
        ("signed", json!(-7)),
        ("wide", number(u128::MAX.to_string())),
        ("low", number(i128::MIN.to_string())),
        ("float", json!(2.5)),
        ("yes", json!(true)),
        ("text", json!("a\"b")),
        ("error", json!({"msg": "outer", "chain": ["inner"]})),
        ("bytes", json!("c0ffee")),
        ("some", json!(5)),
        ("wrapped", json!(9)),
        ("owned", json!("o")),
        ("shown", json!("1")),
        ("msg", json!("typed")),
    ] {
        assert_eq!(record[key], value, "{key} in {record}");
    }
    assert_eq!((record.get("none"), record.get("empty")), (None, None));
}

fn level_target_module_file_and_line_are_those_of_the_statement() {
    let memory = Memory::new();
    let output = memory.clone().format(nexlog::Json::new().source());
    nexlog::builder().filter("trace").sink(output).log_bridge(false).install().unwrap();
    let line = line!() + 1;
    tracing::error!("here");
    tracing::warn!(target: "elsewhere", "there");
    tracing::info!("a");
    tracing::debug!("a");
    tracing::trace!("a");
    let all = records(&memory);
    assert_eq!(all[0]["target"], module_path!());
    assert_eq!((&all[0]["file"], &all[0]["line"]), (&json!(file!()), &json!(line)));
    assert_eq!((&all[1]["target"], &all[1]["line"]), (&json!("elsewhere"), &json!(line + 1)));
    let levels: Vec<_> = all.iter().map(|record| record["level"].as_str().unwrap()).collect();
    assert_eq!(levels, ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"]);
}

fn tracings_maximum_and_interest_follow_the_filter() {
    let (logger, memory) = install("info");
    assert_eq!(LevelFilter::current(), LevelFilter::INFO);
    let say = || {
        tracing::debug!("said");
        tracing::debug!(target: "db", "said of db");
    };
    let mut count = 0;
    for (filter, maximum, said) in [
        ("info", LevelFilter::INFO, 0),
        ("info,db=debug", LevelFilter::DEBUG, 1),
        ("debug,db=error", LevelFilter::DEBUG, 1),
        ("off", LevelFilter::OFF, 0),
        ("critical", LevelFilter::OFF, 0),
        ("trace", LevelFilter::TRACE, 2),
        ("error,[pay]=info", LevelFilter::TRACE, 0), // the span may be of any level
    ] {
        logger.set_filter(filter).unwrap();
        assert_eq!(LevelFilter::current(), maximum, "{filter}");
        say();
        count += said;
        assert_eq!(memory.lines().len(), count, "{filter}");
    }
    assert_balanced(&logger.stats());
}

/// Counts how often it is shown.
#[derive(Clone, Copy)]
struct Counted;

static SHOWN: AtomicU32 = AtomicU32::new(0);

impl fmt::Debug for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SHOWN.fetch_add(1, Relaxed);
        f.write_str("counted")
    }
}

fn filters_of_targets_hold_and_nothing_is_evaluated_in_vain() {
    let (logger, memory) = install("warn,db=trace,db::pool=off");
    let evaluated = AtomicU32::new(0);
    let value = || {
        evaluated.fetch_add(1, Relaxed);
        Counted
    };
    for _ in 0..2 {
        tracing::info!(v = ?value(), "no");
        tracing::trace!(target: "db", "yes");
        tracing::error!(target: "db::pool", v = ?value(), "no {:?}", value());
        tracing::debug_span!("no", v = ?value()).in_scope(|| ());
    }
    assert_eq!((SHOWN.load(Relaxed), evaluated.load(Relaxed)), (0, 0));
    assert_eq!(memory.lines().len(), 2);
    logger.set_filter("off,[pay]=info").unwrap();
    for inside in [false, true, false] {
        let span = if inside { tracing::trace_span!("pay") } else { tracing::Span::none() };
        span.in_scope(|| tracing::info!(v = ?value(), "inside"));
    }
    assert_eq!((SHOWN.load(Relaxed), evaluated.load(Relaxed)), (1, 1));
    assert_eq!(memory.lines().len(), 3);
    assert_balanced(&logger.stats());
}

fn enabled_asks_the_filter() {
    use tracing::{Level, enabled};
    let (logger, _memory) = install("info,db=debug,web=off");
    for round in 0..3 {
        assert_eq!(enabled!(Level::DEBUG), round == 1);
        assert_eq!(enabled!(target: "db", Level::DEBUG), round != 2);
        assert_eq!(enabled!(target: "web", Level::ERROR), round == 2);
        logger.set_filter(if round == 0 { "debug,web=off" } else { "web=error" }).unwrap();
    }
}

fn a_key_that_comes_twice_is_written_once() {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&kept);
    let sink = support::sinks::Each(move |batch: &nexlog::Batch<'_>| {
        for record in batch.records() {
            seen.lock()
                .unwrap()
                .extend(record.fields().map(|(key, value)| format!("{key}={value:?}")));
        }
        Ok(())
    });
    nexlog::builder().sink(sink).log_bridge(false).install().unwrap();
    tracing::info!(a = 1, a = 2, "twice");
    assert_eq!(*kept.lock().unwrap(), ["a=I64(1)"]);
}

/// A callsite that is made by hand.
struct ByHand;

impl tracing_core::Callsite for ByHand {
    fn set_interest(&self, _: tracing_core::Interest) {}
    fn metadata(&self) -> &tracing_core::Metadata<'_> {
        &BY_HAND
    }
}

static BY_HAND: tracing_core::Metadata<'static> = tracing_core::metadata! {
    name: "by hand",
    target: "by_hand",
    level: tracing_core::Level::INFO,
    fields: &["a", "message", "b", "c"],
    callsite: &ByHand,
    kind: tracing_core::Kind::EVENT
};

fn values_in_any_order_find_their_fields() {
    let (logger, memory) = install("info");
    let fields: Vec<_> = BY_HAND.fields().iter().collect();
    let [a, message, b, c] = &fields[..] else { panic!("four fields") };
    let (one, two, text) = (1, 2, "said");
    let say = |values: [(&tracing::field::Field, Option<&dyn tracing::Value>); 4]| {
        tracing_core::Event::dispatch(&BY_HAND, &BY_HAND.fields().value_set(&values));
    };
    say([(c, Some(&two)), (message, Some(&text)), (b, None), (a, Some(&one))]);
    say([(b, Some(&one)), (b, Some(&two)), (a, Some(&two)), (c, None)]);
    say([(a, None), (c, Some(&two)), (message, None), (b, None)]);
    let all = records(&memory);
    let of = |record: &Value| ["a", "b", "c", "msg"].map(|key| record[key].clone());
    assert_eq!(of(&all[0]), [json!(1), Value::Null, json!(2), json!("said")]);
    assert_eq!(of(&all[1])[..2], [json!(2), json!(1)]);
    assert_eq!(of(&all[2])[..3], [Value::Null, Value::Null, json!(2)]);
    assert_balanced(&logger.stats());
}

struct Panics;

impl fmt::Debug for Panics {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("on purpose")
    }
}

fn a_field_that_panics_passes_through_after_a_marker() {
    let (logger, memory) = install("info");
    for _ in 0..3 {
        assert!(std::panic::catch_unwind(|| tracing::info!(field = ?Panics, "never")).is_err());
        assert!(std::panic::catch_unwind(|| tracing::info!("never {Panics:?}")).is_err());
        let span = || tracing::info_span!("never", field = ?Panics);
        assert!(std::panic::catch_unwind(|| drop(span())).is_err());
    }
    tracing::info!("after");
    let all = records(&memory);
    let markers = lines::with_message(&all, "a value panicked while it was being logged");
    assert_eq!(markers.len(), 6);
    assert_eq!((&markers[0]["type"], &markers[1]["type"]), (&json!("field"), &json!("message")));
    assert_eq!(all.last().unwrap()["msg"], "after");
    assert_balanced(&logger.stats());
}

struct Logs(u32);

impl fmt::Debug for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 > 0 {
            tracing::info_span!("deep", depth = self.0).in_scope(|| {
                tracing::info!(v = ?Logs(self.0 - 1), "inner");
                nexlog::info!("native");
            });
        }
        write!(f, "{}", self.0)
    }
}

fn a_field_that_logs_makes_records_of_its_own() {
    let (logger, memory) = install("info");
    tracing::info!(v = ?Logs(2), "outer");
    let all = records(&memory);
    assert_eq!(lines::messages(&all), ["inner", "native", "inner", "native", "outer"]);
    let depths: Vec<_> = all.iter().map(|record| record["depth"].as_u64()).collect();
    assert_eq!(depths, [Some(1), Some(1), Some(2), Some(2), None]);
    tracing::info!(v = ?Logs(100), "too deep"); // ends, and is counted
    assert_eq!(logger.stats().dropped_by.recursion, 1);
    assert_balanced(&logger.stats());
}

fn what_tracing_log_carries_is_where_it_was_said() {
    let memory = Memory::new();
    let output = memory.clone().format(nexlog::Json::new().source());
    let builder = nexlog::builder().filter("warn,db=trace").sink(output).log_bridge(false);
    let logger = builder.install().unwrap();
    tracing_log::LogTracer::init().unwrap();
    log::info!("no");
    log::debug!(target: "db", "asked {}", 7);
    let line = line!() - 1;
    log::error!("yes");
    let all = records(&memory);
    assert_eq!(lines::messages(&all), ["asked 7", "yes"]);
    assert_eq!((&all[0]["target"], &all[0]["level"]), (&json!("db"), &json!("DEBUG")));
    assert_eq!((&all[0]["file"], &all[0]["line"]), (&json!(file!()), &json!(line)));
    assert_eq!(all[1]["target"], module_path!());
    assert!(!memory.lines().concat().contains("log."), "{:?}", memory.lines());
    assert_balanced(&logger.stats());
}

fn fields_that_begin_with_log_are_fields() {
    let (_logger, memory) = install("info");
    tracing::info!(log.target = "mine", log.line = 3, "kept");
    tracing::info!(target: "log", { "log.target" = "mine", "log.line" = 3 }, "kept");
    for (record, target) in records(&memory).iter().zip([module_path!(), "log"]) {
        assert_eq!((&record["log.target"], &record["log.line"]), (&json!("mine"), &json!(3)));
        assert_eq!(record["target"], target);
    }
}

fn threads_at_one_statement_agree() {
    let (logger, memory) = install("info");
    std::thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || {
                (0..500).for_each(|n| {
                    tracing::info_span!("in", thread).in_scope(|| tracing::info!(n, "counted"));
                });
            });
        }
    });
    let all = records(&memory);
    assert_eq!(all.len(), 4000);
    for thread in 0..8 {
        let numbers = all.iter().filter(|r| r["thread"] == thread).map(|r| r["n"].as_u64());
        assert!(numbers.eq((0..500).map(Some)), "thread {thread}");
    }
    assert_balanced(&logger.stats());
}

/// A layer that keeps what it sees.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> Layer<S> for Seen {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let level = event.metadata().level();
        self.0.lock().unwrap().push(format!("{level} {}", event.metadata().target()));
    }
}

fn a_layer_filters_for_itself_alone() {
    let memory = Memory::new();
    let builder = nexlog::builder().filter("warn,db=debug").sink(&memory);
    let logger = builder.log_bridge(false).tracing_bridge(false).install().unwrap();
    let seen = Seen::default();
    let registry = tracing_subscriber::registry().with(nexlog::bridge::tracing_layer());
    tracing::subscriber::set_global_default(registry.with(seen.clone())).unwrap();
    let say = || {
        tracing::info!(target: "web", "a");
        tracing::debug!(target: "db", "b");
        tracing::info_span!("unwanted").in_scope(|| tracing::error!(target: "web", "c"));
    };
    say();
    assert_eq!(lines::messages(&records(&memory)), ["b", "c"]);
    assert_eq!(records(&memory)[1].get("span"), None);
    assert_eq!(*seen.0.lock().unwrap(), ["INFO web", "DEBUG db", "ERROR web"]);
    logger.set_filter("info").unwrap();
    memory.take();
    say();
    assert_eq!(lines::messages(&records(&memory)), ["a", "c"]);
    assert_eq!(records(&memory)[1]["span"], "unwanted");
    assert_eq!(seen.0.lock().unwrap().len(), 6);
    assert_balanced(&logger.stats());
}

fn a_layer_may_come_before_the_logger() {
    let registry = tracing_subscriber::registry().with(nexlog::bridge::tracing_layer());
    tracing::subscriber::set_global_default(registry).unwrap();
    let span = tracing::info_span!("early", n = 1);
    let say = || {
        span.in_scope(|| tracing::info!("kept"));
        tracing::debug!("not yet");
        tracing::warn!("kept, too");
    };
    say();
    let memory = Memory::new();
    let builder = nexlog::builder().filter("debug").sink(&memory);
    let logger = builder.log_bridge(false).tracing_bridge(false).install().unwrap();
    assert_eq!(lines::messages(&records(&memory)), ["kept", "kept, too"]);
    assert_eq!(
        (&records(&memory)[0]["span"], &records(&memory)[0]["n"]),
        (&json!("early"), &json!(1))
    );
    memory.take();
    say();
    assert_eq!(lines::messages(&records(&memory)), ["kept", "not yet", "kept, too"]);
    assert_balanced(&logger.stats());
}

fn a_layer_takes_further_filters() {
    let memory = Memory::new();
    let builder = nexlog::builder().filter("debug").sink(&memory);
    let _logger = builder.log_bridge(false).tracing_bridge(false).install().unwrap();
    let only_db = tracing_subscriber::filter::filter_fn(|metadata| metadata.target() == "db");
    let layer = nexlog::bridge::tracing_layer().with_filter(only_db).boxed();
    let registry = tracing_subscriber::registry().with(layer).with(Seen::default());
    let _default = tracing::subscriber::set_default(registry);
    tracing::info!(target: "db", "yes");
    tracing::info!(target: "web", "no");
    tracing::trace!(target: "db", "no");
    assert_eq!(lines::messages(&records(&memory)), ["yes"]);
}

fn two_layers_in_one_registry_do_not_harm_each_other() {
    let memory = Memory::new();
    let builder = nexlog::builder().sink(&memory);
    let logger = builder.log_bridge(false).tracing_bridge(false).install().unwrap();
    let registry = tracing_subscriber::registry().with(nexlog::bridge::tracing_layer());
    let _default = tracing::subscriber::set_default(registry.with(nexlog::bridge::tracing_layer()));
    tracing::info_span!("outer", n = 1).in_scope(|| {
        tracing::info_span!("inner", m = 2).in_scope(|| tracing::info!("twice"));
        tracing::info!("twice");
    });
    tracing::info!("outside");
    nexlog::info!("outside");
    let all = records(&memory);
    assert_eq!(all.len(), 7);
    assert!(all[..4].iter().all(|record| record["n"] == 1));
    assert!(all[4..].iter().all(|record| record.get("span").is_none()), "{all:#?}");
    assert_balanced(&logger.stats());
}

fn a_switched_off_bridge_leaves_tracing_alone() {
    let memory = Memory::new();
    let builder = nexlog::builder().filter("trace").sink(&memory);
    let logger = builder.log_bridge(false).tracing_bridge(false).install().unwrap();
    tracing::error!("for nobody");
    logger.set_filter("debug").unwrap();
    assert!(!tracing_core::dispatcher::has_been_set());
    let seen = Seen::default();
    let registry = tracing_subscriber::registry().with(seen.clone());
    tracing::subscriber::set_global_default(registry).unwrap();
    tracing::error!("for somebody else");
    assert_eq!((seen.0.lock().unwrap().len(), memory.lines().len()), (1, 0));
}
