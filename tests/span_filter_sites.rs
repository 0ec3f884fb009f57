//! Directives with brackets and the global logger: a call site's cached answer gives way to one
//! that is asked for at each call, and spans are made where somebody looks for them.

mod support;

use std::cell::Cell;
use std::future::Future;

use nexlog::{Level, Logger, Memory, Mode, context, debug, enabled, info, instrument, log, span};
use support::{MODES, PATIENCE, assert_balanced, child, lines, mode};

support::child::harness! {
    tests: [
        every_call_of_a_site_is_decided_anew,
        another_filter_changes_every_site,
        early_records_are_decided_by_their_own_spans,
        records_that_flush_do_so_inside_a_span,
        a_span_that_a_directive_asks_for_is_made_whatever_its_level,
        what_a_function_tells_about_itself_is_told_inside_its_span,
    ],
    scenes: [each_call, other_filters, early, flushing, asked_for, told_about_itself],
}

/// The field `number` of all records.
fn numbers(logger: &Logger, memory: &Memory) -> Vec<u64> {
    logger.flush(PATIENCE).unwrap();
    let records = lines::parse(&memory.lines());
    records.iter().map(|record| record["number"].as_u64().unwrap()).collect()
}

thread_local! {
    static EVALUATED: Cell<u64> = const { Cell::new(0) };
}

fn evaluated(number: u64) -> u64 {
    EVALUATED.set(EVALUATED.get() + 1);
    number
}

/// One site of a fixed level, for the global logger.
fn site(number: u64) {
    debug!("site", number = evaluated(number));
}

/// Another, which the plain directives let pass.
fn plain_site(number: u64) {
    info!("plain site", number);
}

fn each_call() {
    let memory = Memory::new();
    let builder = nexlog::builder().filter("info,[pay]=debug,[{noisy}]=off").sink(memory.clone());
    let logger = builder.mode(mode(&child::told("MODE"))).install().unwrap();
    let pay = span!("pay");
    for number in 0..3 {
        site(10 * number);
        pay.in_scope(|| site(10 * number + 1));
        span!("other").in_scope(|| site(10 * number + 2));
        plain_site(10 * number + 3);
        let _noisy = context!(noisy = 1);
        plain_site(10 * number + 4);
        assert!(!enabled!(Level::Info) && !enabled!(Level::Debug));
    }
    assert!(enabled!(Level::Info) && !enabled!(Level::Debug));
    assert!(pay.in_scope(|| enabled!(Level::Debug) && !enabled!(Level::Trace)));
    assert_eq!(EVALUATED.get(), 3, "arguments are evaluated when they are wanted");
    // A thread's first record takes the long way, which asks again.
    std::thread::scope(|scope| {
        scope.spawn(|| span!("pay").in_scope(|| site(50)));
        scope.spawn(|| site(60));
    });
    assert_eq!(numbers(&logger, &memory), [1, 3, 11, 13, 21, 23, 50]);
    assert_balanced(&logger.stats());
}

fn every_call_of_a_site_is_decided_anew() {
    for (name, _) in MODES {
        child::run("each_call", &[("MODE", name)]).expect_success();
    }
}

fn other_filters() {
    let memory = Memory::new();
    let logger = nexlog::builder().filter("info").sink(memory.clone()).install().unwrap();
    let pay = span!("pay", tenant = "acme");
    let both = |number: u64| {
        site(number);
        pay.in_scope(|| site(number + 1));
    };
    both(0);
    for (filter, number) in [
        ("info,[pay{tenant=acme}]=debug", 10),
        ("debug", 20),
        ("debug,[pay]=off", 30),
        ("info,[pay{tenant=other}]=debug", 40),
        ("elsewhere[pay]=debug", 50),
        ("[pay]", 60),
        ("off", 70),
    ] {
        logger.set_filter(filter).unwrap();
        both(number);
    }
    assert!(logger.set_filter("info,[pay").is_err(), "then nothing changes");
    both(80);
    assert_eq!(numbers(&logger, &memory), [11, 20, 21, 30, 61]);
}

fn another_filter_changes_every_site() {
    child::run("other_filters", &[]).expect_success();
}

fn early() {
    let noisy = |number: u64| {
        let _noisy = context!(noisy = 1);
        plain_site(number);
    };
    plain_site(1);
    let pay = span!("pay");
    pay.in_scope(|| plain_site(2));
    pay.in_scope(|| noisy(3));
    let memory = Memory::new();
    let filter = "warn,[pay]=info,[{noisy=1}]=off";
    let logger = nexlog::builder().filter(filter).sink(memory.clone()).install().unwrap();
    pay.in_scope(|| noisy(4));
    pay.in_scope(|| plain_site(5));
    plain_site(6);
    assert_eq!(numbers(&logger, &memory), [2, 5]);
    assert_eq!((logger.stats().accepted, logger.stats().written), (2, 2));
}

fn early_records_are_decided_by_their_own_spans() {
    child::run("early", &[]).expect_success();
}

fn flushing() {
    let memory = Memory::new();
    let builder = nexlog::builder().filter("warn,[pay]=debug").sink(memory.clone());
    let logger = builder.mode(Mode::Buffered).flush_level(Level::Info).install().unwrap();
    let call = || {
        site(1);
        plain_site(2);
    };
    call();
    span!("pay").in_scope(|| {
        site(3);
        assert!(memory.is_empty(), "below the flush level it waits");
        for number in 4..7 {
            plain_site(number);
            let last = memory.lines().pop().unwrap();
            assert_eq!(lines::parse(&[last])[0]["number"], number);
        }
    });
    logger.flush(PATIENCE).unwrap();
    assert_eq!(memory.lines().len(), 4);
}

fn records_that_flush_do_so_inside_a_span() {
    child::run("flushing", &[]).expect_success();
}

#[instrument(level = "debug", fields(tenant))]
fn pay(tenant: &str, number: u64) {
    site(number);
    log!(Level::Debug, target("elsewhere"), "elsewhere", number);
    plain_site(number + 1);
}

fn asked_for() {
    let memory = Memory::new();
    let filter = "info,[pay{tenant=acme}]=debug,[pay{tenant=noisy}]=off,elsewhere[pay]=debug";
    let logger = nexlog::builder().filter(filter).sink(memory.clone()).install().unwrap();
    pay("acme", 10);
    pay("noisy", 20);
    pay("other", 30);
    let other = span!(level(Level::Debug), "pay", user = evaluated(1));
    other.in_scope(|| log!(Level::Debug, target("elsewhere"), "elsewhere", number = 40));
    // Neither a span of another name nor a record that looks like the span is meant.
    let evaluated_before = EVALUATED.get();
    span!(level(Level::Debug), "ship", tenant = evaluated(1)).in_scope(|| site(50));
    debug!("pay", tenant = "acme", number = evaluated(60));
    assert_eq!(EVALUATED.get(), evaluated_before);
    assert_eq!(
        numbers(&logger, &memory),
        [10, 10, 11, 20, 30, 31, 40],
        "a longer target decides over `off`"
    );
}

fn a_span_that_a_directive_asks_for_is_made_whatever_its_level() {
    child::run("asked_for", &[]).expect_success();
}

#[instrument(level = "debug", fields(id), elapsed, err(level = "debug"), ret(level = "debug"))]
fn told(id: u64) -> Result<u64, std::fmt::Error> {
    if id == 0 { Err(std::fmt::Error) } else { Ok(id) }
}

#[instrument(level = "debug", fields(id), elapsed)]
async fn told_later(id: u64) {}

fn told_about_itself() {
    let memory = Memory::new();
    let builder = nexlog::builder().filter("info,[told{id}]=debug,[told_later{id=1}]=debug");
    let logger = builder.sink(memory.clone()).install().unwrap();
    let _ = (told(0), told(1));
    for id in 0..2 {
        let mut future = std::pin::pin!(told_later(id));
        let waker = &mut std::task::Context::from_waker(std::task::Waker::noop());
        assert!(future.as_mut().poll(waker).is_ready());
    }
    logger.flush(PATIENCE).unwrap();
    let records = lines::parse(&memory.lines());
    let finished = lines::with_message(&records, "finished");
    let spans: Vec<_> =
        finished.iter().map(|record| format!("{} {}", record["span"], record["id"])).collect();
    let expected = ["\"told\" 0", "\"told\" 1", "\"told_later\" 1"];
    assert_eq!(spans, expected, "{records:?}");
    assert_eq!(records.len(), 5, "{records:?}");
}

fn what_a_function_tells_about_itself_is_told_inside_its_span() {
    child::run("told_about_itself", &[]).expect_success();
}
