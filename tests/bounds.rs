//! What a logger takes when things go badly: memory, a caller's time, and lanes for many threads.

mod support;

use nexlog::{Batch, Json, Memory, Mode, Overflow, WriteError, info};
use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};
use support::child::{self, told};
use support::random::Random;
use support::sinks::{Each, Valve};
use support::{MODES, PATIENCE, assert_balanced, lines, mode, scaled};

support::child::harness! {
    tests: [
        thousands_of_threads_at_once_lose_nothing_and_take_little,
        a_sink_that_stands_still_costs_no_more_memory_than_the_lanes,
        a_gibibyte_of_text_costs_no_more_memory_than_a_record_may_have,
        a_sink_that_stands_still_holds_no_caller_that_drops,
        a_thousand_panics_cost_only_their_own_records,
        more_than_four_gibibytes_through_one_lane_stay_in_order,
        batches_of_large_records_take_little_memory_whoever_encodes_them,
    ],
    scenes: [large, soak, many_threads, stalled, huge_text, held_up, panics],
}

const MIB: u64 = 1 << 20;

/// A line of `/proc/self/status`, in bytes.
fn status(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("a line of Linux");
    let number = line.trim_start_matches(':').trim().trim_end_matches(" kB");
    number.parse::<u64>().unwrap() * 1024
}

/// What the process has of its memory now.
fn resident() -> u64 {
    status("VmRSS")
}

/// The most it ever had.
fn peak() -> u64 {
    status("VmHWM")
}

/// Counts what a logger has of it.
struct Counting(AtomicU64);

static LANES: Counting = Counting(AtomicU64::new(0));

// SAFETY: every call is passed on to the system's allocator with the same arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.0.fetch_add(layout.size() as u64, Relaxed);
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        self.0.fetch_sub(layout.size() as u64, Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(ptr, layout) }
    }
}

fn many_threads() {
    let written = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&written);
    let sink = Each(move |batch: &Batch<'_>| -> Result<(), WriteError> {
        counted.fetch_add(batch.len() as u64, Relaxed);
        Ok(())
    });
    let builder = nexlog::builder().sink(sink).mode(mode(&told("MODE"))).allocator(&LANES);
    let logger = builder.build().unwrap();
    let threads = told("THREADS").parse::<usize>().unwrap();
    let round = || {
        let (began, done) =
            (Arc::new(Barrier::new(threads + 1)), Arc::new(Barrier::new(threads + 1)));
        let running: Vec<_> = (0..threads)
            .map(|_| {
                let (logger, began, done) = (logger.clone(), Arc::clone(&began), Arc::clone(&done));
                let builder = std::thread::Builder::new().stack_size(64 << 10);
                builder.spawn(move || {
                    began.wait();
                    (0..100).for_each(|number| info!(logger(&logger), "step", number));
                    done.wait();
                    done.wait();
                })
            })
            .map(Result::unwrap)
            .collect();
        began.wait();
        done.wait();
        logger.flush(PATIENCE).unwrap();
        // All are here, and idle.
        let taken = LANES.0.load(Relaxed);
        done.wait();
        running.into_iter().for_each(|thread| thread.join().unwrap());
        taken
    };
    let (taken, again) = (round(), round());
    // A segment each, and a little scratch; what is more belongs to the batch.
    let each = taken.saturating_sub(2 * MIB) / threads as u64;
    assert!(each <= (16 << 10) + 1024, "{each} bytes for each thread");
    assert!(again <= taken + MIB, "{taken} bytes, then {again}");
    assert_eq!(logger.stats().lanes, threads as u64, "lanes that were left are not used again");
    logger.flush(PATIENCE).unwrap();
    assert_balanced(&logger.stats());
    assert_eq!((logger.stats().dropped, written.load(Relaxed)), (0, 200 * threads as u64));
    println!("{each} bytes a thread");
}

fn thousands_of_threads_at_once_lose_nothing_and_take_little() {
    for (mode, _) in MODES {
        // In `Immediate` each record is a pass over all lanes.
        let fewer = if mode == "immediate" { 10 } else { 1 };
        let threads = (scaled(2_000, 10_000) / fewer).to_string();
        let variables = [("MODE", mode), ("THREADS", &threads)];
        let outcome = child::run("many_threads", &variables).expect_success();
        eprint!("{mode}: {}", outcome.stdout);
    }
}

/// Eight threads log to a sink that takes nothing.
fn stalled() {
    let valve = Valve::new();
    let builder = nexlog::builder().sink(valve.clone()).mode(Mode::Background);
    let builder = builder.overflow(Overflow::DropNewest).lane_bytes(MIB);
    let logger = builder.build().unwrap();
    valve.shut();
    let before = resident();
    let end = Instant::now() + Duration::from_secs(scaled(3, 12));
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let logger = &logger;
            scope.spawn(move || {
                let text = "x".repeat(200);
                while Instant::now() < end {
                    (0..100).for_each(|number| info!(logger(logger), "step", thread, number, text));
                }
            });
        }
    });
    let taken = peak() - before;
    assert!(taken <= 8 * MIB + 16 * MIB, "{taken} bytes more than before");
    assert!(logger.stats().dropped > 100_000, "{:?}", logger.stats());
    valve.open();
    logger.flush(PATIENCE).unwrap();
    assert_balanced(&logger.stats());
}

fn a_sink_that_stands_still_costs_no_more_memory_than_the_lanes() {
    child::run("stalled", &[]).expect_success();
}

fn huge_text() {
    let text = "ü".repeat(512 << 20);
    let memory = Memory::new();
    let logger = nexlog::builder().sink(memory.clone()).mode(mode(&told("MODE"))).build().unwrap();
    info!(logger(&logger), "first");
    let before = peak();
    info!(logger(&logger), "huge", text);
    logger.flush(PATIENCE).unwrap();
    let taken = peak() - before;
    assert!(taken <= 16 * MIB, "{taken} bytes more than the text itself");
    let records = lines::parse(&memory.lines());
    assert_eq!(records[1]["truncated"].as_u64(), Some(1 << 30));
    assert!(records[1]["text"].as_str().unwrap().len() > 1 << 19);
}

fn a_gibibyte_of_text_costs_no_more_memory_than_a_record_may_have() {
    for (mode, _) in MODES {
        child::run("huge_text", &[("MODE", mode)]).expect_success();
    }
}

/// This thread's time on a CPU.
fn on_cpu() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a valid place for the time.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap())
}

/// Calls while the sink takes nothing, each for itself.
fn held_up() {
    let valve = Valve::new();
    let builder = nexlog::builder().sink(valve.clone()).mode(Mode::Background);
    let logger = builder.overflow(Overflow::DropNewest).lane_bytes(256 << 10).build().unwrap();
    valve.shut();
    let mut times = Vec::with_capacity(200_000);
    let mut longest = Duration::ZERO;
    for number in 0..200_000 {
        let (busy, began) = (on_cpu(), Instant::now());
        info!(logger(&logger), "step", thread = 0, number);
        times.push(began.elapsed());
        longest = longest.max(on_cpu().saturating_sub(busy));
    }
    times.sort_unstable();
    let late = times[times.len() / 1_000 * 999];
    println!("{late:?} in 999 of 1,000 calls, {longest:?} on the CPU at most");
    // A debug build is 10 to 20 times as slow, and other tests may run beside this.
    let slower = if cfg!(debug_assertions) { 200 } else { 1 };
    assert!(longest <= slower.min(5) * Duration::from_millis(1), "{longest:?} on the CPU");
    assert!(late <= slower * Duration::from_micros(2), "{late:?} in 999 of 1,000 calls");
    assert!(logger.stats().dropped > 100_000, "the lane never was full");
    valve.open();
    logger.flush(PATIENCE).unwrap();
    assert_balanced(&logger.stats());
}

fn a_sink_that_stands_still_holds_no_caller_that_drops() {
    let outcome = child::run("held_up", &[]).expect_success();
    eprint!("{}", outcome.stdout);
}

/// Shows so many bytes and panics.
struct Panics(u64);

impl fmt::Display for Panics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for _ in 0..self.0 {
            f.write_str("x")?;
        }
        panic!("in the middle");
    }
}

fn panics() {
    std::panic::set_hook(Box::new(|_| ()));
    let memory = Memory::new().format(Json::new());
    let logger = nexlog::builder().sink(memory.clone()).mode(mode(&told("MODE"))).build().unwrap();
    std::thread::scope(|scope| {
        for thread in 0_u64..4 {
            let logger = &logger;
            scope.spawn(move || {
                let mut random = Random::new(thread);
                for number in 0_u64..250 {
                    info!(logger(logger), "step", thread, number);
                    let value = Panics(random.below(5_000));
                    let caught = std::panic::catch_unwind(|| {
                        info!(logger(logger), "never whole", value = display(&value));
                    });
                    assert!(caught.is_err());
                }
            });
        }
    });
    logger.flush(PATIENCE).unwrap();
    let stats = logger.stats();
    assert_balanced(&stats);
    assert_eq!((stats.dropped_by.panic, stats.dropped), (1_000, 1_000));
    let records = lines::parse(&memory.lines());
    let steps = lines::with_message(&records, "step");
    for thread in 0..4 {
        let numbers = steps.iter().filter(|record| record["thread"] == thread);
        let numbers: Vec<_> = numbers.map(|record| record["number"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (0..250).collect::<Vec<u64>>());
    }
    assert!(lines::with_message(&records, "never whole").is_empty());
    assert_eq!(records.len() - steps.len(), 1_000, "a marker for each");
}

fn a_thousand_panics_cost_only_their_own_records() {
    for (mode, _) in MODES {
        child::run("panics", &[("MODE", mode)]).expect_success();
    }
}

/// Counts the records that come, and those that are not the next one.
struct Next {
    seen: Arc<AtomicU64>,
    wrong: Arc<AtomicU64>,
}

impl nexlog::Format for Next {
    fn encode(&self, record: &nexlog::Record<'_>, _: &mut nexlog::Buffer) {
        let next = self.seen.fetch_add(1, Relaxed);
        let is_next = record.field("number") == Some(nexlog::ValueRef::U64(next));
        self.wrong.fetch_add(u64::from(!is_next), Relaxed);
    }
}

/// Positions in a lane count its bytes; 40 of them a record.
fn soak() {
    let records = told("RECORDS").parse::<u64>().unwrap();
    let (seen, wrong) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
    let format = Next { seen: Arc::clone(&seen), wrong: Arc::clone(&wrong) };
    let sink = nexlog::Output::to(Each(|_: &Batch<'_>| Ok(()))).format(format);
    let logger = nexlog::builder().sink(sink).mode(Mode::Buffered).install().unwrap();
    (0..records).for_each(|number| info!("step", number));
    logger.flush(PATIENCE).unwrap();
    assert_eq!((seen.load(Relaxed), wrong.load(Relaxed)), (records, 0));
    let stats = logger.stats();
    assert!(stats.lanes == 1 && stats.accepted == records, "{stats:?}");
    assert_balanced(&stats);
}

fn more_than_four_gibibytes_through_one_lane_stay_in_order() {
    let records = scaled(1_000_000, (1_u64 << 32) / 40 + 1_000_000);
    child::run("soak", &[("RECORDS", &records.to_string())]).expect_success();
}

/// Large records of threads that wait for each other, and so encode for each other.
fn large() {
    let sink = nexlog::Output::to(Each(|_: &Batch<'_>| Ok(()))).format(Json::new());
    let builder = nexlog::builder().sink(sink).mode(Mode::Buffered).lane_bytes(4 * MIB);
    let logger = builder.install().unwrap();
    let before = peak();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..800).for_each(|_| info!("large", text = LARGE)));
        }
    });
    logger.flush(PATIENCE).unwrap();
    assert_balanced(&logger.stats());
    let taken = peak() - before;
    assert!(taken < 24 * MIB, "{} KiB for four lanes of 4 MiB and their batches", taken >> 10);
}

/// Twice as long in JSON.
const LARGE: &str = match core::str::from_utf8(&[b'"'; 12_000]) {
    Ok(text) => text,
    Err(_) => "",
};

fn batches_of_large_records_take_little_memory_whoever_encodes_them() {
    child::run("large", &[]).expect_success();
}
