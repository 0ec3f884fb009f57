//! In steady state a record allocates nothing, neither for its caller nor for the drainer; and
//! whatever the logger's own allocator refuses is a counted loss, never an abort.

mod support;

use nexlog::{
    Archive, Context, File, Json, Keep, Level, Logger, Memory, Mode, Overflow, Rotate, Text,
    context, error, info, log, span,
};
use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::time::{Duration, Instant};
use support::child::{self, told};
use support::sinks::Each;
use support::{Folder, MODES, PATIENCE, assert_balanced, mode};

support::child::harness! {
    tests: [
        records_allocate_nothing_in_steady_state,
        a_file_that_rotates_allocates_when_it_rotates_and_little_then,
        a_loggers_allocator_gives_all_that_grows_and_gets_it_back,
        an_allocator_that_refuses_costs_records_and_nothing_else,
        an_allocator_that_refuses_from_the_start_costs_records_only,
        an_allocator_that_logs_does_not_hang,
    ],
    scenes: [steady, rotating, logging_allocator],
}

/// Enough for every buffer to have wrapped many times.
const ROUNDS: u64 = 400;

/// Counts the program's allocations while asked to.
struct Counting;

static IS_COUNTING: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
/// Every so many allocations log; 0 for none.
static LOG_EVERY: AtomicU64 = AtomicU64::new(0);

fn note() {
    if IS_COUNTING.load(Relaxed) {
        ALLOCATIONS.fetch_add(1, Relaxed);
    }
    let every = LOG_EVERY.load(Relaxed);
    if every > 0 && ALLOCATIONS.fetch_add(1, Relaxed).is_multiple_of(every) {
        info!("from the allocator", short = 1);
        info!("from the allocator", text = display("long"));
    }
}

// SAFETY: every call is passed on to the system's allocator with the same arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        note();
        // SAFETY: as above.
        unsafe { System.realloc(ptr, layout, new_size) }
    }
}

#[global_allocator]
static PROGRAM: Counting = Counting;

/// One of everything that a record can hold.
fn log_a_round(number: u64, text: &str, map: &BTreeMap<&str, u32>) {
    // Not an `io::Error`: that one's text allocates.
    let error = "x".parse::<u32>().unwrap_err();
    info!("plain");
    info!("scalars", number, yes = true, float = 1.5, big = u128::MAX, c = 'ü', none = None::<u8>);
    info!("texts", text, took = Duration::from_millis(3), at = std::time::UNIX_EPOCH);
    info!("rendered", shown = display(number), debug = debug(text), error = err(&error));
    info!("shown {number} and {text} and {:?} {}", text, number);
    info!("nested", list = [1, 2, 3], map, pair = (1, "x"), ..map);
    info!("run time", (text) = number);
    info!(target("custom"), "target");
    log!(if number.is_multiple_of(2) { Level::Info } else { Level::Warn }, "level", number);
    error!("large", text = LARGE);
    nexlog::debug!("off", text);
    // Scopes, spans and functions, with records inside and without.
    let _scope = context!(request_id = number, tenant = text, text = "also a key of a record");
    info!("within", text);
    span!("span", number).in_scope(|| info!("within", (text) = number));
    instrumented(number);
    let handed_on = Context::current();
    handed_on.in_scope(|| info!("within"));
}

#[nexlog::instrument(fields(number))]
fn instrumented(number: u64) {
    if number.is_multiple_of(2) {
        info!("within");
    }
}

const LARGE: &str = match core::str::from_utf8(&[b'x'; 12_000]) {
    Ok(text) => text,
    Err(_) => "",
};

/// Takes everything and keeps nothing, so that it allocates nothing itself.
fn null() -> Each<impl FnMut(&nexlog::Batch<'_>) -> Result<(), nexlog::WriteError>> {
    Each(|_: &nexlog::Batch<'_>| Ok(()))
}

fn steady() {
    let builder = nexlog::builder()
        .sink(nexlog::Output::to(null()).format(Json::new().source().thread()))
        .sink(nexlog::Output::to(null()).format(Text::compact()))
        .sink(nexlog::Output::to(null()).filter("warn,custom=info"))
        .field("service", "shop")
        .lane_bytes(64 << 10)
        .mode(mode(&told("MODE")));
    let logger = if told("KIND") == "global" {
        builder.install().unwrap()
    } else {
        builder.build().unwrap()
    };
    let map = BTreeMap::from([("a", 1), ("b", 2)]);
    let rounds = |count: u64| {
        for number in 0..count {
            if told_kind_is_global() {
                log_a_round(number, "some text", &map);
            } else {
                info!(logger(&logger), "local", number, text = display(number));
            }
        }
    };
    // Short passes, so that what is counted has larger ones than any before.
    for _ in 0..ROUNDS {
        rounds(2);
        logger.flush(PATIENCE).unwrap();
    }
    // In `Background` the caller now and then encodes for the worker, which takes memory when a call
    // site comes to one of its encoders for the first time: at some time it has them all.
    let repeats = if told("MODE") == "background" { 40 } else { 1 };
    let mut counts = (0..repeats).map(|_| counted(|| rounds(ROUNDS)));
    let allocations =
        counts.find(|count| *count == 0).unwrap_or_else(|| counted(|| rounds(ROUNDS)));
    logger.flush(PATIENCE).unwrap();
    assert_balanced(&logger.stats());
    assert_eq!(logger.stats().dropped, 0);
    assert_eq!(allocations, 0, "allocations in steady state");
}

fn told_kind_is_global() -> bool {
    static ANSWER: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *ANSWER.get_or_init(|| told("KIND") == "global")
}

fn records_allocate_nothing_in_steady_state() {
    for (name, _) in MODES {
        for kind in ["global", "local"] {
            child::run("steady", &[("MODE", name), ("KIND", kind)]).expect_success();
        }
    }
}

/// What a rotation with three archives may allocate: names, those of archives that move up among
/// them, and a list of what has to go. It was 17 for numbered ones and 12 for a sequence.
const ROTATION: u64 = 20;
/// The same once a second, when the folder is read again; it was 31 and 29.
const ROTATION_THAT_READS: u64 = 40;

fn rotating() {
    let archive =
        if told("KIND") == "numbered" { Archive::numbered() } else { Archive::sequence() };
    let file = File::at(told("FILE")).rotate(Rotate::size(4_000)).archive(archive);
    let builder = nexlog::builder().file(file.keep(Keep::files(3))).mode(mode(&told("MODE")));
    let logger = builder.install().unwrap();
    let flush = || logger.flush(PATIENCE).unwrap();
    let log = |number: u64| {
        info!("step", number, shown = display(number), text = "some text");
        flush();
    };
    (0..ROUNDS).for_each(log);
    let of_a_flush = counted(flush);
    let (mut quiet, mut most, mut sum) = (0, 0, 0);
    let first = logger.stats().rotations;
    let end = Instant::now() + Duration::from_millis(1_200);
    while Instant::now() < end {
        let before = logger.stats().rotations;
        let allocations = counted(|| log(ROUNDS)) - of_a_flush;
        match logger.stats().rotations - before {
            0 => {
                assert_eq!(allocations, 0, "without a rotation");
                quiet += 1;
            }
            rotations => {
                most = most.max(allocations / rotations);
                sum += allocations;
            }
        }
    }
    let rotations = logger.stats().rotations - first;
    assert!(quiet > 100 && rotations > 10 && logger.stats().dropped == 0);
    assert!((1..=ROTATION).contains(&(sum / rotations)), "{sum} of {rotations} rotations");
    assert!(most <= ROTATION_THAT_READS, "{most} of one rotation");
}

/// How many allocations there are meanwhile.
fn counted(work: impl FnOnce()) -> u64 {
    ALLOCATIONS.store(0, SeqCst);
    IS_COUNTING.store(true, SeqCst);
    work();
    IS_COUNTING.store(false, SeqCst);
    ALLOCATIONS.load(SeqCst)
}

fn a_file_that_rotates_allocates_when_it_rotates_and_little_then() {
    std::thread::scope(|scope| {
        for (name, _) in MODES {
            for kind in ["numbered", "sequence"] {
                scope.spawn(move || {
                    let folder = Folder::new();
                    let path = folder.file("app.log");
                    let place = ("FILE", path.to_str().unwrap());
                    let variables = [place, ("MODE", name), ("KIND", kind)];
                    child::run("rotating", &variables).expect_success();
                });
            }
        }
    });
}

/// An allocator that counts what is out and refuses when told to.
#[derive(Default)]
struct Measured {
    bytes: AtomicI64,
    calls: AtomicU64,
    /// Calls from this number on are refused; 0 for never.
    refuse_from: AtomicU64,
    refuse_one: AtomicU64,
}

// SAFETY: every call is passed on to the system's allocator, or answered with null.
unsafe impl GlobalAlloc for Measured {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let call = self.calls.fetch_add(1, SeqCst) + 1;
        let from = self.refuse_from.load(SeqCst);
        if call == self.refuse_one.load(SeqCst) || (from > 0 && call >= from) {
            return std::ptr::null_mut();
        }
        self.bytes.fetch_add(i64::try_from(layout.size()).unwrap(), SeqCst);
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        self.bytes.fetch_sub(i64::try_from(layout.size()).unwrap(), SeqCst);
        // SAFETY: as above.
        unsafe { System.dealloc(ptr, layout) }
    }
}

fn measured() -> &'static Measured {
    Box::leak(Box::default())
}

fn a_loggers_allocator_gives_all_that_grows_and_gets_it_back() {
    for (_, mode) in MODES {
        let (allocator, memory) = (measured(), Memory::new());
        let builder = nexlog::builder().sink(memory.clone()).mode(mode).allocator(allocator);
        let logger = builder.build().unwrap();
        info!(logger(&logger), "first", text = display("x"));
        logger.flush(PATIENCE).unwrap();
        let first = allocator.bytes.load(SeqCst);
        assert!(first > 1 << 20, "a chunk of lanes, scratch and a batch, not {first} bytes");
        // A larger record needs larger scratch and a larger batch.
        info!(logger(&logger), "larger", text = display("x".repeat(120_000)));
        logger.flush(PATIENCE).unwrap();
        let larger = allocator.bytes.load(SeqCst);
        assert!(larger >= first + 60_000, "from {first} to {larger}");
        // What a rare very large record took is given back.
        info!(logger(&logger), "huge", text = display("x".repeat(900_000)));
        logger.flush(PATIENCE).unwrap();
        let after = allocator.bytes.load(SeqCst);
        assert!(after < first + 600_000, "from {first} to {after}");
        drop(logger);
        // This thread keeps its place in a logger until it joins another or ends.
        std::thread::spawn(move || {
            let logger =
                nexlog::builder().sink(Memory::new()).allocator(allocator).build().unwrap();
            info!(logger(&logger), "elsewhere");
        })
        .join()
        .unwrap();
        let next = nexlog::builder().sink(Memory::new()).build().unwrap();
        info!(logger(&next), "leaves the old place");
        assert_eq!(allocator.bytes.load(SeqCst), 0, "bytes never given back");
    }
}

fn try_logger(allocator: &'static Measured, mode: Mode, overflow: Overflow) -> (Logger, Memory) {
    let memory = Memory::new();
    let builder = nexlog::builder().sink(memory.clone()).mode(mode).overflow(overflow);
    let builder = builder.allocator(allocator).lane_bytes(1 << 20).on_error(|_| {});
    (builder.build().unwrap(), memory)
}

/// Refuses the nth allocation, for every n that there is; then all from the nth on.
fn an_allocator_that_refuses_costs_records_and_nothing_else() {
    for (_, mode) in MODES {
        for overflow in [Overflow::Block, Overflow::DropNewest, Overflow::DropOldest] {
            for nth in 1..40 {
                for is_for_good in [false, true] {
                    let allocator = measured();
                    let (logger, memory) = try_logger(allocator, mode, overflow);
                    let place =
                        if is_for_good { &allocator.refuse_from } else { &allocator.refuse_one };
                    place.store(nth, SeqCst);
                    for number in 0..12_u64 {
                        let text = "x".repeat(1 << number);
                        info!(logger(&logger), "x", number, text, shown = display(&text));
                    }
                    allocator.refuse_from.store(0, SeqCst);
                    assert!(logger.flush(PATIENCE).is_ok());
                    logger.flush(PATIENCE).unwrap();
                    let stats = logger.stats();
                    assert_balanced(&stats);
                    assert_eq!(stats.accepted, 12, "{nth} {stats:#?}");
                    let users = memory.lines().iter().filter(|l| l.contains("\"x\"")).count();
                    assert_eq!(users as u64, stats.written, "{nth}");
                    // A caller that must not wait for sinks loses a record that has no lane, or
                    // an oldest half to drop, while the worker is in a pass.
                    let may_be_busy = mode == Mode::Background && overflow != Overflow::Block;
                    let by = &stats.dropped_by;
                    let expected = by.no_memory + by.sink + if may_be_busy { by.busy } else { 0 };
                    assert_eq!(stats.dropped, expected, "{stats:#?}");
                }
            }
        }
    }
}

fn an_allocator_that_refuses_from_the_start_costs_records_only() {
    for (_, mode) in MODES {
        let allocator = measured();
        allocator.refuse_from.store(1, SeqCst);
        let (logger, memory) = try_logger(allocator, mode, Overflow::Block);
        (0..10).for_each(|n| info!(logger(&logger), "lost", n, text = display("x")));
        let refused = nexlog::try_log!(Level::Info, logger(&logger), "lost");
        assert!(matches!(refused, Err(nexlog::Error::Refused { .. })), "{refused:?}");
        logger.flush(PATIENCE).unwrap();
        let stats = logger.stats();
        assert_eq!((stats.accepted, stats.written), (11, 0), "{stats:#?}");
        assert_balanced(&stats);
        assert!(memory.is_empty());
        allocator.refuse_from.store(0, SeqCst);
        info!(logger(&logger), "kept");
        logger.flush(PATIENCE).unwrap();
        let records = support::lines::parse(&memory.lines());
        assert_eq!(support::lines::with_message(&records, "kept").len(), 1);
        assert_eq!(support::lines::sum(&records, "records dropped", "dropped"), 11);
    }
}

fn logging_allocator() {
    let memory = Memory::new();
    let logger =
        nexlog::builder().sink(memory.clone()).mode(mode(&told("MODE"))).install().unwrap();
    LOG_EVERY.store(7, SeqCst);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for number in 0..300 {
                    info!("ours", number, text = display("x".repeat(number)));
                }
            });
        }
    });
    LOG_EVERY.store(0, SeqCst);
    logger.flush(PATIENCE).unwrap();
    logger.flush(PATIENCE).unwrap();
    assert_balanced(&logger.stats());
    let records = support::lines::parse(&memory.lines());
    assert_eq!(support::lines::with_message(&records, "ours").len(), 900);
    assert!(support::lines::with_message(&records, "from the allocator").len() > 100);
}

fn an_allocator_that_logs_does_not_hang() {
    for (name, _) in MODES {
        child::run("logging_allocator", &[("MODE", name)]).expect_success();
    }
}
