//! Directives with brackets: which records pass depends on the spans and scopes around the call,
//! wherever the filter stands and whatever way a record takes.

mod support;

use std::sync::Barrier;

use nexlog::{
    Context, Level, Logger, Memory, context, debug, enabled, error, info, log, span, trace,
};
use support::{MODES, PATIENCE, assert_balanced, lines};

fn logger(filter: &str) -> (Logger, Memory) {
    let memory = Memory::new();
    (nexlog::builder().filter(filter).sink(memory.clone()).build().unwrap(), memory)
}

/// The messages that came out since the last time.
fn messages(logger: &Logger, memory: &Memory) -> Vec<String> {
    logger.flush(PATIENCE).unwrap();
    let text = String::from_utf8(memory.take()).unwrap();
    let records = lines::parse(&text.lines().collect::<Vec<_>>());
    lines::messages(&records).into_iter().map(str::to_owned).collect()
}

#[test]
fn a_span_lets_pass_what_the_others_do_not() {
    let (logger, memory) = logger("info,[pay]=debug,[{noisy}]=off,[pay{noisy=2}]=debug");
    let l = &logger;
    debug!(logger(l), "outside");
    info!(logger(l), "info outside");
    span!("pay", order = 1).in_scope(|| {
        trace!(logger(l), "below");
        debug!(logger(l), "inside");
        span!("inner").in_scope(|| debug!(logger(l), "further in"));
    });
    span!("payment").in_scope(|| debug!(logger(l), "another span"));
    {
        let _noisy = context!(noisy = true);
        error!(logger(l), "taken away");
        span!("pay").in_scope(|| error!(logger(l), "taken away though in a span"));
        span!("pay", noisy = 2).in_scope(|| debug!(logger(l), "more fields decide"));
    }
    debug!(logger(l), "outside again");
    let expected = ["info outside", "inside", "further in", "more fields decide"];
    assert_eq!(messages(l, &memory), expected);
    assert_balanced(&logger.stats());
}

#[test]
fn values_are_compared_by_type() {
    let (logger, memory) = logger(
        "off,[{n=7}]=info,[{f=1.5}]=info,[{b=true}]=info,[{s=acme}]=info,[{q=\"7\"}]=info,[{took=1.5s}]=info,[{token=hunter2}]=info,[{token=\"***\"}]=info",
    );
    let l = &logger;
    let check = |passes: bool| {
        info!(logger(l), "here");
        assert_eq!(messages(l, &memory).len(), usize::from(passes));
    };
    macro_rules! within {
        ($passes:literal: $($field:tt)*) => {{
            let _scope = context!($($field)*);
            check($passes);
        }};
    }
    within!(true: n = 7);
    within!(true: n = 7_u128);
    within!(true: n = 7.0);
    within!(true: n = "7");
    within!(true: n = display(7));
    within!(false: n = 70);
    within!(false: n = "7.0");
    within!(false: n = None::<u8>);
    within!(true: f = 1.5_f32);
    within!(false: f = 1.25);
    within!(true: b = true);
    within!(false: b = 1);
    within!(true: s = String::from("acme"));
    within!(false: s = "acme inc");
    within!(true: q = "7");
    within!(false: q = 7);
    within!(true: took = std::time::Duration::from_millis(1500));
    within!(false: token = secret("hunter2"));
    within!(false: token = secret("***"));
}

#[test]
fn a_call_is_decided_by_the_spans_of_its_own_thread() {
    let (logger, memory) = logger("off,[{tenant=1}]=info");
    let (l, together) = (&logger, &Barrier::new(4));
    std::thread::scope(|scope| {
        for tenant in 0..4 {
            scope.spawn(move || {
                let _scope = context!(tenant);
                for number in 0..200 {
                    if number % 50 == 0 {
                        together.wait();
                    }
                    info!(logger(l), "step", tenant, number);
                }
            });
        }
    });
    logger.flush(PATIENCE).unwrap();
    let records = lines::parse(&memory.lines());
    assert!(records.iter().all(|record| record["tenant"] == 1));
    assert_eq!(records.len(), 200);
}

#[test]
fn a_context_that_is_carried_decides_too() {
    let (logger, memory) = logger("off,[{request_id=r-7}]=debug");
    let l = logger.clone();
    let work = move || debug!(logger(&l), "carried");
    std::thread::spawn(work.clone()).join().unwrap();
    let context = Context::current().request_id("r-7");
    std::thread::spawn(context.wrap(work)).join().unwrap();
    let attached = context.attach();
    debug!(logger(&logger), "attached");
    drop(attached);
    debug!(logger(&logger), "after it");
    assert_eq!(messages(&logger, &memory), ["carried", "attached"]);
    logger.set_filter("off,[{trace_id=4bf92f3577b34da6a3ce929d0e0e4736}]=info").unwrap();
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let _trace = Context::from_traceparent(parent).unwrap().attach();
    span!("pay").in_scope(|| info!(logger(&logger), "traced"));
    assert_eq!(messages(&logger, &memory), ["traced"]);
}

#[test]
fn levels_and_targets_made_at_run_time_are_decided_alike() {
    let (logger, memory) = logger("warn,db[pay]=debug,web[pay]=off");
    let l = &logger;
    let ask = |expected: &[&str]| {
        for level in [Level::Debug, Level::Error] {
            for target in ["db", "web"] {
                let text = format!("{target} {level}");
                let is_on = enabled!(level, target(target), logger(l));
                assert_eq!(is_on, expected.contains(&text.as_str()), "{text}");
                log!(level, target(target), logger(l), "{text}");
            }
        }
        assert_eq!(messages(l, &memory), expected);
    };
    ask(&["db ERROR", "web ERROR"]);
    span!("pay").in_scope(|| ask(&["db DEBUG", "db ERROR"]));
    ask(&["db ERROR", "web ERROR"]);
}

#[test]
fn a_sinks_filter_sees_the_spans_of_each_record() {
    for (name, mode) in MODES {
        let (all, paid, quiet) = (Memory::new(), Memory::new(), Memory::new());
        let logger = nexlog::builder()
            .filter("debug")
            .sink(all.clone())
            .sink(paid.clone().filter("off,[pay{tenant=acme}]=debug"))
            .sink(quiet.clone().filter("info,[{tenant=noisy}]=off"))
            .mode(mode)
            .build()
            .unwrap();
        let l = &logger;
        // One site each, called in turn with other things around it.
        let call = |number: u64| {
            debug!(logger(l), "debug {number}");
            log!(Level::Info, target("other"), logger(l), "info {number}");
        };
        call(0);
        span!("pay", tenant = "acme").in_scope(|| call(1));
        span!("pay", tenant = "noisy").in_scope(|| call(2));
        call(3);
        span!("pay", tenant = "acme").in_scope(|| call(4));
        logger.flush(PATIENCE).unwrap();
        let numbers = |memory: &Memory| {
            let records = lines::parse(&memory.lines());
            records.iter().map(|record| record["number"].as_u64().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(numbers(&all), [0, 0, 1, 1, 2, 2, 3, 3, 4, 4], "{name}");
        assert_eq!(numbers(&paid), [1, 1, 4, 4], "{name}");
        assert_eq!(numbers(&quiet), [0, 1, 3, 4], "{name}");
        assert_balanced(&logger.stats());
    }
}
