//! Spans of `tracing` are the context of whatever is logged inside of them.

mod support;

use nexlog::{Logger, Memory};
use serde_json::{Value, json};
use std::time::Duration;
use support::random::Random;
use support::{PATIENCE, assert_balanced, lines};
use tracing::field::Empty;
use tracing::{Instrument, Span, info, info_span};

support::child::alone![
    everything_that_is_logged_inside_carries_the_fields,
    the_innermost_wins_and_a_records_own_field_over_all,
    a_stated_parent_takes_the_place_of_what_is_in_force,
    what_is_recorded_later_is_on_all_records_from_then_on,
    what_is_recorded_later_hides_nothing_further_in,
    what_another_thread_records_is_seen,
    recording_again_and_again_takes_no_memory,
    spans_may_be_left_in_any_order,
    futures_carry_their_spans_across_threads,
    instrumented_functions_are_spans,
    spans_and_scopes_of_nexlog_nest_with_those_of_tracing,
    a_context_that_is_carried_on_outlives_the_span,
    a_span_keeps_its_id_when_fields_are_recorded,
    records_about_spans_have_what_was_recorded_later,
    a_thread_may_end_inside_of_a_span,
    spans_below_the_filter_are_not_there,
    records_agree_with_a_model,
];

fn install(filter: &str) -> (Logger, Memory) {
    let memory = Memory::new();
    (nexlog::builder().filter(filter).sink(&memory).install().unwrap(), memory)
}

fn records(memory: &Memory) -> Vec<Value> {
    lines::parse(&memory.lines())
}

/// The only record since the last call.
#[track_caller]
fn one(memory: &Memory) -> Value {
    let all = records(memory);
    assert_eq!(all.len(), 1, "{all:#?}");
    memory.take();
    all[0].clone()
}

fn everything_that_is_logged_inside_carries_the_fields() {
    let (logger, memory) = install("info");
    let span =
        info_span!("request", id = 7_u64, path = "/pay", float = 1.5, dbg = ?[1], none = Empty);
    let say: [fn(); 3] = [|| info!("x"), || log::info!("x"), || nexlog::info!("x")];
    for say in say {
        let entered = span.enter();
        say();
        let record = one(&memory);
        assert_eq!((&record["id"], &record["path"]), (&json!(7), &json!("/pay")));
        assert_eq!((&record["float"], &record["dbg"]), (&json!(1.5), &json!("[1]")));
        assert_eq!((&record["span"], record.get("none")), (&json!("request"), None));
        drop(entered);
        say();
        let record = one(&memory);
        assert_eq!((record.get("id"), record.get("span")), (None, None));
    }
    assert_balanced(&logger.stats());
}

fn the_innermost_wins_and_a_records_own_field_over_all() {
    let (_logger, memory) = install("info");
    let _outer = info_span!("outer", a = 1, b = 1, c = 1).entered();
    let _inner = info_span!("inner", b = 2, c = 2).entered();
    info!(c = 3, "x");
    let record = one(&memory);
    assert_eq!([&record["a"], &record["b"], &record["c"]], [&json!(1), &json!(2), &json!(3)]);
    assert_eq!(record["span"], "inner");
}

fn a_stated_parent_takes_the_place_of_what_is_in_force() {
    let (_logger, memory) = install("info");
    let stated = info_span!("stated", a = 1);
    let _current = info_span!("current", b = 2).entered();
    info!(parent: &stated, "x");
    let record = one(&memory);
    assert_eq!(
        (&record["a"], record.get("b"), &record["span"]),
        (&json!(1), None, &json!("stated"))
    );
    info!(parent: None, "x");
    assert_eq!(one(&memory).get("span"), None);
    info_span!(parent: &stated, "child", c = 3).in_scope(|| info!("x"));
    let record = one(&memory);
    assert_eq!((&record["a"], record.get("b"), &record["c"]), (&json!(1), None, &json!(3)));
    info_span!(parent: None, "root", c = 3).in_scope(|| info!("x"));
    let record = one(&memory);
    assert_eq!((record.get("a"), record.get("b"), &record["span"]), (None, None, &json!("root")));
    info!("x");
    assert_eq!(one(&memory)["b"], 2);
}

fn what_is_recorded_later_is_on_all_records_from_then_on() {
    let (logger, memory) = install("info");
    let span = info_span!("request", user = Empty, status = 0, text = Empty);
    let entered = span.enter();
    info!("x");
    assert_eq!((one(&memory).get("user"), 0), (None, 0));
    span.record("user", 7);
    span.record("text", tracing::field::display("shown"));
    let say: [fn(); 3] = [|| info!("x"), || log::info!("x"), || nexlog::info!("x")];
    for say in say {
        say();
        let record = one(&memory);
        assert_eq!((&record["user"], &record["text"]), (&json!(7), &json!("shown")));
        assert_eq!((&record["status"], &record["span"]), (&json!(0), &json!("request")));
    }
    Span::current().record("status", 200);
    Span::current().record("user", "ann");
    nexlog::info!("x");
    let record = one(&memory);
    assert_eq!((&record["user"], &record["status"]), (&json!("ann"), &json!(200)));
    // Also inside of what is entered or made later, and after it.
    info_span!("inner").in_scope(|| nexlog::info!("x"));
    assert_eq!(one(&memory)["status"], 200);
    let inner = info_span!("inner");
    inner.in_scope(|| {
        span.record("status", 500);
        nexlog::info!("x");
        let record = one(&memory);
        assert_eq!((&record["status"], &record["span"]), (&json!(500), &json!("inner")));
    });
    nexlog::info!("x");
    assert_eq!(one(&memory)["status"], 500);
    drop(entered);
    nexlog::info!("x");
    assert_eq!((one(&memory).get("status"), 0), (None, 0));
    span.in_scope(|| nexlog::info!("x"));
    assert_eq!(one(&memory)["status"], 500);
    // A child that was made before, without the parent being entered.
    span.record("status", 404);
    inner.in_scope(|| log::info!("x"));
    assert_eq!(one(&memory)["status"], 404);
    info!(parent: &span, "x");
    assert_eq!(one(&memory)["status"], 404);
    assert_balanced(&logger.stats());
}

fn what_is_recorded_later_hides_nothing_further_in() {
    let (_logger, memory) = install("info");
    let outer = info_span!("outer", a = Empty, b = 1);
    let _outer = outer.enter();
    let scope = nexlog::context!(a = "scope");
    let inner = info_span!("inner", b = 2, c = Empty);
    let entered = inner.enter();
    outer.record("a", 1).record("b", 10);
    nexlog::info!("x");
    let record = one(&memory);
    assert_eq!((&record["a"], &record["b"]), (&json!("scope"), &json!(2)));
    inner.record("c", 3).record("b", 20);
    outer.record("b", 11);
    info!("x");
    let record = one(&memory);
    assert_eq!(
        (&record["a"], &record["b"], &record["c"]),
        (&json!("scope"), &json!(20), &json!(3))
    );
    drop(entered);
    drop(scope);
    info!("x");
    let record = one(&memory);
    assert_eq!((&record["a"], &record["b"], record.get("c")), (&json!(1), &json!(11), None));
}

fn what_another_thread_records_is_seen() {
    let (_logger, memory) = install("info");
    let span = info_span!("shared", done = Empty);
    span.in_scope(|| {
        for done in 0..100 {
            std::thread::scope(|scope| scope.spawn(|| span.record("done", done)).join().map(drop))
                .unwrap();
            info!("x");
            assert_eq!(one(&memory)["done"], done);
            nexlog::info!("x");
            assert_eq!(one(&memory)["done"], done);
        }
    });
}

fn recording_again_and_again_takes_no_memory() {
    let (_logger, memory) = install("info");
    let resident = || {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
    };
    let span = info_span!("long", done = Empty);
    let _entered = span.enter();
    let work = |count: u64| {
        for done in 0..count {
            span.record("done", done);
            info_span!("part", n = Empty).in_scope(|| {
                Span::current().record("n", done);
            });
            if done % 1000 == 0 {
                nexlog::info!("x");
                assert_eq!(one(&memory)["done"], done);
            }
        }
    };
    work(5_000);
    let before = resident();
    work(40_000);
    let grown = resident().saturating_sub(before);
    assert!(grown < 2 << 20, "{grown} bytes more"); // a frame for each would be 14 MB
}

fn spans_may_be_left_in_any_order() {
    let (_logger, memory) = install("info");
    let [a, b, c] = [info_span!("a", a = 1), info_span!("b", b = 1), info_span!("c", c = 1)];
    let name = || {
        nexlog::info!("x");
        one(&memory)["span"].as_str().unwrap_or("").to_owned()
    };
    let (in_a, in_b, in_c) = (a.enter(), b.enter(), c.enter());
    assert_eq!(name(), "c");
    drop(in_a);
    assert_eq!(name(), "c");
    drop(in_c);
    assert_eq!(name(), "b");
    let again = b.enter();
    drop(in_b);
    assert_eq!(name(), "b");
    drop(again);
    assert_eq!(name(), "");
}

fn futures_carry_their_spans_across_threads() {
    async fn step(memory: &'static str, n: u64) {
        for turn in 0..20 {
            tokio::task::yield_now().await;
            info!(turn, kind = memory, "step");
            nexlog::info!("native", n, turn);
            if turn == 10 {
                Span::current().record("late", n * 2);
            }
            tokio::time::sleep(Duration::from_micros(50)).await;
        }
    }
    let (logger, memory) = install("info");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build();
    runtime.unwrap().block_on(async {
        let tasks: Vec<_> = (0..50_u64)
            .map(|n| {
                let outer = info_span!("request", request = n);
                let inner = outer.in_scope(|| info_span!("work", task = n, late = Empty));
                tokio::spawn(step("task", n).instrument(inner).instrument(outer))
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    logger.flush(PATIENCE).unwrap();
    let all = records(&memory);
    assert_eq!(all.len(), 2000);
    for record in &all {
        let n = record["task"].as_u64().unwrap();
        assert_eq!((&record["request"], &record["span"]), (&json!(n), &json!("work")));
        let late = (record["turn"].as_u64().unwrap() > 10).then(|| json!(n * 2));
        assert_eq!(record.get("late"), late.as_ref(), "{record}");
        if record["msg"] == "native" {
            assert_eq!(record["n"], n);
        }
    }
    nexlog::info!("outside");
    assert_eq!(records(&memory).last().unwrap().get("span"), None);
    assert_balanced(&logger.stats());
}

#[tracing::instrument(fields(extra = 1), skip(secret))]
fn instrumented(n: u32, secret: &str) -> usize {
    nexlog::info!("inside");
    secret.len()
}

#[tracing::instrument(err, ret, level = "info")]
async fn fallible(n: u32) -> Result<u32, std::num::ParseIntError> {
    tokio::task::yield_now().await;
    if n == 0 { "x".parse() } else { Ok(n) }
}

fn instrumented_functions_are_spans() {
    let (_logger, memory) = install("info");
    instrumented(5, "hidden");
    let record = one(&memory);
    assert_eq!((&record["n"], &record["extra"]), (&json!(5), &json!(1)));
    assert_eq!((&record["span"], record.get("secret")), (&json!("instrumented"), None));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(runtime.block_on(fallible(3)), Ok(3));
    let record = one(&memory);
    assert_eq!((&record["return"], &record["span"]), (&json!("3"), &json!("fallible")));
    assert!(runtime.block_on(fallible(0)).is_err());
    let record = one(&memory);
    assert_eq!((&record["level"], &record["n"]), (&json!("ERROR"), &json!(0)));
    assert_eq!(record["error"], "invalid digit found in string");
}

fn spans_and_scopes_of_nexlog_nest_with_those_of_tracing() {
    let (_logger, memory) = install("info");
    let _scope = nexlog::context!(request_id = "r-1");
    let _tracing = info_span!("tracing", a = 1).entered();
    let _native = nexlog::span!("native", b = 2).enter();
    let child = info_span!("child", c = 3);
    child.in_scope(|| {
        let say: [fn(); 3] = [|| info!("x"), || log::info!("x"), || nexlog::info!("x")];
        for say in say {
            say();
            let record = one(&memory);
            let shown = ["request_id", "a", "b", "c", "span"].map(|key| record[key].clone());
            assert_eq!(shown, [json!("r-1"), json!(1), json!(2), json!(3), json!("child")]);
        }
    });
    nexlog::info!("x");
    assert_eq!(one(&memory)["span"], "native");
}

fn a_context_that_is_carried_on_outlives_the_span() {
    let (_logger, memory) = install("info");
    let context = {
        let span = info_span!("gone", a = 1, later = Empty);
        let _entered = span.enter();
        span.record("later", 2);
        nexlog::Context::current()
    };
    std::thread::spawn(context.wrap(|| nexlog::info!("x"))).join().unwrap();
    let record = one(&memory);
    assert_eq!(
        (&record["a"], &record["later"], &record["span"]),
        (&json!(1), &json!(2), &json!("gone"))
    );
}

fn a_span_keeps_its_id_when_fields_are_recorded() {
    let (_logger, _memory) = install("info");
    let span = info_span!("traced", later = Empty);
    let _entered = span.enter();
    let id = || nexlog::Context::current().traceparent();
    let before = id();
    assert!(before.is_some());
    span.record("later", 1);
    assert_eq!(id(), before);
    let inner = info_span!("inner");
    let _inner = inner.enter();
    let within = id();
    assert_ne!(within, before);
    span.record("later", 2);
    assert_eq!(id(), within);
}

fn records_about_spans_have_what_was_recorded_later() {
    let memory = Memory::new();
    let builder = nexlog::builder().sink(&memory).spans(nexlog::SpanRecords::OnClose);
    let logger = builder.install().unwrap();
    let span = info_span!("request", path = "/", status = Empty);
    span.in_scope(|| std::thread::sleep(Duration::from_millis(3)));
    span.record("status", 200);
    drop(span.clone());
    assert_eq!(memory.lines().len(), 0);
    drop(span);
    let record = one(&memory);
    assert_eq!((&record["status"], &record["path"]), (&json!(200), &json!("/")));
    assert!(record["elapsed"].as_f64().unwrap() >= 0.003);
    assert_eq!(logger.stats().own, 1);
}

fn a_thread_may_end_inside_of_a_span() {
    let (logger, memory) = install("info");
    for turn in 0..50_u32 {
        let span = info_span!("left open", turn, later = Empty);
        let worker = std::thread::spawn(move || {
            span.record("later", turn);
            std::mem::forget(span.clone().entered());
            let _inner = std::mem::ManuallyDrop::new(info_span!("inner").entered());
            span.record("later", turn + 1);
            nexlog::info!("x");
        });
        worker.join().unwrap();
        assert_eq!(one(&memory)["later"], turn + 1);
        nexlog::info!("outside");
        assert_eq!(one(&memory).get("span"), None);
    }
    assert_balanced(&logger.stats());
}

fn spans_below_the_filter_are_not_there() {
    let (logger, memory) = install("info");
    let outer = info_span!("outer", a = 1).entered();
    let debug = tracing::debug_span!("unwanted", b = 2, c = Empty).entered();
    debug.record("c", 3);
    info_span!("inner").in_scope(|| info!("x"));
    let record = one(&memory);
    assert_eq!((&record["a"], record.get("b"), record.get("c")), (&json!(1), None, None));
    drop((debug, outer));
    // One that a directive looks for is there, whatever its level.
    logger.set_filter("warn,[looked_for]=info").unwrap();
    tracing::trace_span!("looked_for", d = 4).in_scope(|| info!("x"));
    assert_eq!(one(&memory)["d"], 4);
    tracing::trace_span!("other", d = 4).in_scope(|| info!("x"));
    assert_eq!(memory.lines().len(), 0);
}

/// What the test knows of a span.
struct Model {
    span: Span,
    parent: Option<usize>,
    values: [Option<u64>; 3],
}

const KEYS: [&str; 3] = ["a", "b", "c"];

/// What a new span is told of its parent.
enum Around<'a> {
    Current,
    Nothing,
    Stated(&'a Span),
}

fn made(parent: &Around<'_>, values: [Option<u64>; 3]) -> Span {
    let [a, b, c] = values;
    match parent {
        Around::Current => info_span!("span", a, b, c),
        Around::Nothing => info_span!(parent: None, "span", a, b, c),
        Around::Stated(parent) => info_span!(parent: *parent, "span", a, b, c),
    }
}

fn expected(spans: &[Model], from: Option<usize>) -> [Option<u64>; 3] {
    let chain = || std::iter::successors(from, |at| spans[*at].parent);
    [0, 1, 2].map(|key| chain().find_map(|at| spans[at].values[key]))
}

fn records_agree_with_a_model() {
    let (logger, memory) = install("info");
    for seed in 0..support::scaled(60, 2_000) {
        let mut random = Random::new(seed);
        let mut spans: Vec<Model> = Vec::new();
        let mut entered: Vec<(usize, tracing::span::EnteredSpan)> = Vec::new();
        // The same without guards. `tracing` leaves the last one of a span that is on twice.
        let mut inside: Vec<usize> = Vec::new();
        for step in 0..120 {
            let any = |random: &mut Random, count: usize| {
                usize::try_from(random.below(count as u64)).unwrap()
            };
            let current = inside.last().copied();
            match random.below(12) {
                0 | 1 if spans.len() < 12 => {
                    let values = [(); 3].map(|()| (random.below(3) == 0).then(|| random.below(9)));
                    let (span, parent) = match random.below(4) {
                        0 if !spans.is_empty() => {
                            let at = any(&mut random, spans.len());
                            (made(&Around::Stated(&spans[at].span), values), Some(at))
                        }
                        1 => (made(&Around::Nothing, values), None),
                        _ => (made(&Around::Current, values), current),
                    };
                    spans.push(Model { span, parent, values });
                }
                2..=4 if !spans.is_empty() && entered.len() < 8 => {
                    let at = any(&mut random, spans.len());
                    entered.push((at, spans[at].span.clone().entered()));
                    inside.push(at);
                }
                5 | 6 if !entered.is_empty() => {
                    let last = entered.len() - 1;
                    let place = if random.chance(2) { any(&mut random, last + 1) } else { last };
                    let (left, guard) = entered.remove(place);
                    drop(guard);
                    inside.remove(inside.iter().rposition(|at| *at == left).unwrap());
                }
                7 | 8 if !spans.is_empty() => {
                    let at = any(&mut random, spans.len());
                    let (key, value) = (any(&mut random, 3), random.below(100));
                    spans[at].values[key] = Some(value);
                    let span = &spans[at].span;
                    if random.below(3) == 0 {
                        std::thread::scope(|s| {
                            drop(s.spawn(|| span.record(KEYS[key], value)).join());
                        });
                        info!("seen");
                        memory.take();
                    } else {
                        span.record(KEYS[key], value);
                    }
                }
                _ => {
                    let (from, record) = match random.below(4) {
                        0 if !spans.is_empty() => {
                            let at = any(&mut random, spans.len());
                            info!(parent: &spans[at].span, "x");
                            (Some(at), one(&memory))
                        }
                        1 => {
                            log::info!("x");
                            (current, one(&memory))
                        }
                        2 => {
                            info!("x");
                            (current, one(&memory))
                        }
                        _ => {
                            nexlog::info!("x");
                            (current, one(&memory))
                        }
                    };
                    let found = KEYS.map(|key| record.get(key).and_then(Value::as_u64));
                    assert_eq!(found, expected(&spans, from), "seed {seed}, step {step}: {record}");
                }
            }
        }
        while !entered.is_empty() {
            drop(entered.remove(0));
        }
        nexlog::info!("x");
        assert_eq!(one(&memory).get("span"), None, "seed {seed}");
    }
    assert_balanced(&logger.stats());
}
