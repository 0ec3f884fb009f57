//! Whichever allocation fails while something is logged, the program lives, and every record that
//! was accepted is written or counted as dropped.

mod support;

use nexlog::{
    Batch, Context, Json, Level, Memory, Output, SinkStats, Stats, Text, context, error, info, log,
    span, warn,
};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::mpsc;
use std::time::Duration;
use support::child::{self, told};
use support::sinks::Each;
use support::{Folder, MODES, PATIENCE, assert_balanced, lines, mode, scaled, wait_until};

support::child::harness! {
    tests: [
        one_allocation_that_fails_costs_records_at_most,
        no_memory_for_a_while_costs_records_at_most,
        an_allocator_that_fails_now_and_then_costs_records_at_most,
    ],
    scenes: [logging],
}

/// Refuses what it is told to refuse, to the threads that are in a logging call.
struct Refusing;

thread_local! {
    /// Whether this thread is in a logging call. Read by the allocator: no destructor.
    static IS_LOGGING: Cell<bool> = const { Cell::new(false) };
}

/// Whether logging calls are counted now.
static IS_ON: AtomicBool = AtomicBool::new(false);
/// Whether the worker's thread counts as one that logs.
static IS_WORKER_LOGGING: AtomicBool = AtomicBool::new(false);
/// Allocations in logging calls so far.
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
/// The first one that is refused, from 1, and the first one behind it that is not.
static REFUSED_FROM: AtomicU64 = AtomicU64::new(0);
static REFUSED_TO: AtomicU64 = AtomicU64::new(0);
/// If it is not 0, an eighth of them are refused, or half if it is odd. Which ones depends on this.
static SEED: AtomicU64 = AtomicU64::new(0);
/// Whether a sink fails.
static FAILS: AtomicBool = AtomicBool::new(false);

fn is_refused() -> bool {
    if !IS_ON.load(Relaxed) || !IS_LOGGING.get() {
        return false;
    }
    let number = ALLOCATIONS.fetch_add(1, Relaxed) + 1;
    match SEED.load(Relaxed) {
        0 => (REFUSED_FROM.load(Relaxed)..REFUSED_TO.load(Relaxed)).contains(&number),
        seed => {
            let hash = (number << 32 | seed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            (hash ^ hash >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 61 < 1 + 3 * (seed & 1)
        }
    }
}

// SAFETY: every call is passed on to the system's allocator with the same arguments, or answered
// with null.
unsafe impl GlobalAlloc for Refusing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_refused() {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if is_refused() {
            return std::ptr::null_mut();
        }
        // SAFETY: as above.
        unsafe { System.realloc(ptr, layout, new_size) }
    }
}

#[global_allocator]
static PROGRAM: Refusing = Refusing;

/// Makes logging calls.
fn logs<R>(calls: impl FnOnce() -> R) -> R {
    let before = IS_LOGGING.replace(true);
    let result = calls();
    IS_LOGGING.set(before);
    result
}

/// A name, and what logs and says how many records that were.
type Part = (&'static str, fn() -> u64);

/// What is logged, by name: each record the first of its site, many of their thread. Each gives the
/// number of its records.
const PARTS: [Part; 9] = [
    ("early", early),
    ("values", values),
    ("keys", keys),
    ("contexts", contexts),
    ("scopes", scopes),
    ("failing", values),
    ("deep", deep),
    ("large", large),
    ("threads", threads),
];

/// Before there is a logger.
fn early() -> u64 {
    logs(|| {
        info!("plain");
        info!("shown", shown = display(7));
        span!("pay", order = 7).in_scope(|| info!("in a span"));
        warn!(target("custom"), "to one sink only", number = 7);
    });
    4
}

fn values() -> u64 {
    let failure = "x".parse::<u32>().unwrap_err();
    logs(|| {
        info!("plain");
        info!("numbers", number = 7, float = 1.5, yes = true);
        info!("text {text} and {}", 7, text = "some text");
        info!("shown", shown = display(7), debug = debug("x"), error = err(&failure));
        error!("shown {shown} {}", 7, shown = display("some text"));
        warn!(target("custom"), "to one sink only", number = 7);
        log!(Level::Warn, "made at run time", number = 7);
        info!("a reserved key", level = 1, ts = 2, msg = "3");
    });
    8
}

fn keys() -> u64 {
    let map: BTreeMap<String, u32> =
        (0..20).map(|number| (format!("key{number}"), number)).collect();
    logs(|| {
        info!("with many keys", ("a key") = 1, ..map);
        info!("a map", map = &map, list = [1, 2, 3]);
        info!("the same twice", ("level") = 1, ("level") = 2);
    });
    3
}

fn contexts() -> u64 {
    logs(|| {
        let _scope = context!(request_id = 7, tenant = display("acme"));
        info!("in a scope");
        let span = span!("pay", order = 7);
        span.in_scope(|| info!("in a span"));
        {
            let _entered = span.enter();
            let _inner = context!(("a key") = 1);
            info!("in both", order = 8);
            log!(Level::Warn, target("custom"), "in both");
        }
        instrumented(7);
    });
    5
}

#[nexlog::instrument(fields(number))]
fn instrumented(number: u64) {
    info!("in a function");
}

/// Scopes that may not come about for lack of memory; where they do, their records tell.
fn scopes() -> u64 {
    macro_rules! in_new_scopes {
        ($($text:literal)*) => {$(
            Context::empty().in_scope(|| {
                let _scope = logs(|| context!(scope = $text));
                let is_made = !Context::current().is_empty();
                logs(|| info!("in a new scope", is_made));
            });
        )*};
    }
    in_new_scopes! { "a" "b" "c" "d" "e" "f" }
    6
}

/// More scopes in each other than are looked through one by one.
fn deep() -> u64 {
    fn within(depth: u64) {
        if depth == 0 {
            return info!("deep", text = display("x"));
        }
        let _scope = context!(depth);
        span!("step", depth).in_scope(|| within(depth - 1));
    }
    logs(|| within(6));
    logs(|| info!("not deep"));
    2
}

fn large() -> u64 {
    let texts = [20_000, 40_000].map(|bytes| "x".repeat(bytes));
    for text in &texts {
        logs(|| {
            info!("before", number = 7);
            info!("large", text);
            info!("cut", truncated = 7, text = display(text), rest = display(text));
        });
    }
    6
}

/// Threads that are there at the same time, and one after the other.
fn threads() -> u64 {
    fn first(others: u64) {
        logs(|| info!("the first of a thread", others));
        if others > 0 {
            let thread = std::thread::Builder::new().name(format!("thread{others}"));
            thread.spawn(move || first(others - 1)).unwrap().join().unwrap();
        }
        logs(|| info!("the last of a thread", shown = display(others)));
    }
    first(3);
    first(1);
    12
}

fn logging() {
    let (json, text, few) = (Memory::new(), Memory::new().format(Text::compact()), Memory::new());
    // The worker's thread makes nothing but passes.
    let few_batches = Each(|_: &Batch<'_>| {
        if std::thread::current().name() == Some("nexlog") {
            IS_LOGGING.set(true);
            IS_WORKER_LOGGING.store(true, SeqCst);
        }
        if FAILS.load(SeqCst) && IS_ON.load(SeqCst) {
            return Err(io::Error::from_raw_os_error(libc::ENOSPC).into());
        }
        Ok(())
    });
    let builder = nexlog::builder()
        .sink(Output::to(few_batches).filter("off,worker,custom=warn"))
        .file(nexlog::File::at(told("FILE")).format(Json::new().source().thread()))
        .sink(json.clone())
        .sink(text.clone())
        .sink(few.clone().filter("warn,custom=off,[pay]=info"))
        .field("service", "shop")
        .max_record_bytes(32 << 10)
        .mode(mode(&told("MODE")));
    let (name, part) = PARTS.iter().find(|(name, _)| *name == told("PART")).unwrap();
    let from = told("FROM").parse::<u64>().unwrap();
    match &*told("REFUSED") {
        "some" => SEED.store(from, SeqCst),
        refused => {
            REFUSED_FROM.store(from, SeqCst);
            REFUSED_TO.store(if refused == "one" { from + 1 } else { u64::MAX }, SeqCst);
        }
    }
    FAILS.store(*name == "failing", SeqCst);
    // Made with memory, and first written to a lane without.
    let _outer = context!(outer = 1);
    let _inner = context!(inner = 2);
    let mut records = 0;
    if *name == "early" {
        IS_ON.store(true, SeqCst);
        records += part();
        IS_ON.store(false, SeqCst);
    }
    let logger = builder.install().unwrap();
    let (stay, stays) = mpsc::channel::<()>();
    if told("MODE") == "background" {
        // Not from this thread: its first record is to come.
        std::mem::forget(std::thread::spawn(move || {
            info!(target("worker"), "for the worker");
            stays.recv()
        }));
        records += 1;
        wait_until("the worker has a record", || IS_WORKER_LOGGING.load(SeqCst));
    }
    if *name != "early" {
        IS_ON.store(true, SeqCst);
        records += part();
        // Whatever it says: without memory the records wait.
        let _ = logs(|| logger.flush(Duration::from_millis(5)));
        IS_ON.store(false, SeqCst);
    }
    info!("afterwards");
    records += 1;
    logger.flush(PATIENCE).unwrap();
    logger.flush(PATIENCE).unwrap();
    let stats = logger.stats();
    check_counts(&stats, records);
    for (memory, sink) in [(&json, 2), (&text, 3)] {
        check_sink(&memory.lines(), &stats.sinks[sink], &stats);
    }
    check_lines(&std::fs::read_to_string(told("FILE")).unwrap());
    drop(stay);
    let allocations = ALLOCATIONS.load(SeqCst);
    assert!(allocations > 3, "next to nothing was allocated");
    println!("{allocations}");
}

fn check_counts(stats: &Stats, records: u64) {
    assert_balanced(stats);
    assert_eq!(stats.accepted, records, "{stats:#?}");
    let by = &stats.dropped_by;
    assert_eq!(stats.dropped, by.no_memory + by.sink + by.early, "{stats:#?}");
    assert!(stats.errors > 0 || by.sink == 0, "no sink has failed: {stats:#?}");
}

fn check_sink(lines: &[String], sink: &SinkStats, stats: &Stats) {
    let with = |text: &str| lines.iter().filter(|line| line.contains(text)).count() as u64;
    // What a sink has lost is told in it, and counted by nobody.
    let written = lines.len() as u64 - with("records lost by sink");
    assert_eq!(written, sink.written, "{stats:#?}");
    let users = written - with("records dropped");
    assert!((stats.written..=stats.accepted).contains(&users), "{users} {stats:#?}");
}

/// A record may be missing, but each that is there is whole and in its thread's order.
fn check_lines(file: &str) {
    let parsed = lines::parse(&file.lines().map(str::to_owned).collect::<Vec<_>>());
    let [afterwards] = lines::with_message(&parsed, "afterwards")[..] else {
        panic!("{file}");
    };
    assert!(afterwards["thread_id"].as_u64() > Some(0), "{afterwards}");
    let is_own = |record: &serde_json::Value| record["target"] == "nexlog";
    let ours = |record: &&serde_json::Value| {
        record["thread_id"] == afterwards["thread_id"]
            && !is_own(record)
            && record["is_made"].is_null()
    };
    let mut last = "";
    for record in parsed.iter().filter(ours) {
        assert!(record["outer"] == 1 && record["inner"] == 2, "without its context: {record}");
        let time = record["ts"].as_str().unwrap();
        assert!(last <= time, "out of order: {record} in {file}");
        last = time;
    }
    for record in lines::with_message(&parsed, "in a new scope") {
        assert!(record["is_made"] == false || record["scope"].is_string(), "{record}");
    }
    for record in lines::with_message(&parsed, "with many keys") {
        let keys = record.as_object().unwrap().keys().filter(|key| key.starts_with("key"));
        assert_eq!(keys.count(), 20, "{record}");
    }
}

/// Runs every part in every mode, each time with other allocations refused, until a part makes no
/// more of them.
fn each_allocation(refused: &str, most: u64, step: usize) {
    let runs: Vec<_> = MODES.iter().flat_map(|mode| PARTS.map(|part| (mode.0, part.0))).collect();
    let next = AtomicU64::new(0);
    let failures = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let folder = Folder::new();
                while let Some((mode, part)) =
                    runs.get(usize::try_from(next.fetch_add(1, SeqCst)).unwrap())
                {
                    for number in (1..=most).step_by(step) {
                        let file = folder.file(&format!("{mode}-{part}-{number}.log"));
                        let variables = [
                            ("MODE", *mode),
                            ("PART", *part),
                            ("REFUSED", refused),
                            ("FROM", &number.to_string()),
                            ("FILE", file.to_str().unwrap()),
                        ];
                        let outcome = child::run("logging", &variables);
                        if !outcome.status.success() {
                            failures.fetch_add(1, SeqCst);
                            eprintln!("{mode} {part} {number}: {outcome:#?}");
                        } else if refused != "some"
                            && outcome.stdout.trim().parse::<u64>().unwrap() < number
                        {
                            break;
                        }
                    }
                }
            });
        }
    });
    assert_eq!(failures.load(SeqCst), 0, "children that did not end well");
}

fn one_allocation_that_fails_costs_records_at_most() {
    each_allocation("one", scaled(60, 400), 1);
}

fn no_memory_for_a_while_costs_records_at_most() {
    // Neighbours differ little here.
    each_allocation("all", scaled(60, 400), if scaled(0, 1) == 1 { 1 } else { 3 });
}

fn an_allocator_that_fails_now_and_then_costs_records_at_most() {
    each_allocation("some", scaled(15, 400), 1);
}
