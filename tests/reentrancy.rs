//! Whatever user code runs inside the logger may log, flush, ask and panic: nothing hangs,
//! nothing is lost without being counted, and the program goes on as it would without a logger.
//!
//! Each scene is a child with a watchdog.

mod support;

use nexlog::{Batch, Buffer, Error, Format, Logger, Memory, Output, Record, info, try_log};
use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use support::child::{self, told};
use support::sinks::{Each, Valve};
use support::{MODES, PATIENCE, assert_balanced, lines, mode, wait_until};

macro_rules! in_every_mode {
    ($($test:ident => $scene:ident;)*) => {
        $(fn $test() {
            for (name, _) in MODES {
                child::run(stringify!($scene), &[("MODE", name)]).expect_success();
            }
        })*
        support::child::harness! { tests: [$($test),*], scenes: [$($scene),*] }
    };
}

in_every_mode! {
    a_display_that_logs_comes_first_then_its_own_record => display_logs;
    a_display_that_logs_itself_is_stopped_and_counted => display_recurses;
    a_sink_that_logs_does_not_hang_and_its_records_leave_later => sink_logs;
    a_sink_that_logs_more_than_fits_loses_what_is_counted => sink_logs_a_lot;
    a_sink_that_logs_to_another_logger_is_heard_at_once => sink_logs_elsewhere;
    two_loggers_whose_sinks_log_to_each_other_do_not_hang => sinks_log_to_each_other;
    a_format_that_logs_does_not_hang => format_logs;
    an_on_error_that_logs_does_not_hang => on_error_logs;
    a_panic_hook_that_logs_is_heard => hook_logs;
    a_sink_may_ask_anything => sink_asks;
    a_sink_that_panics_costs_its_batch_only => sink_panics;
    a_format_that_panics_costs_its_record_only => format_panics;
    a_value_that_panics_leaves_a_marker_and_unwinds => value_panics;
    a_marker_is_written_even_when_the_lane_is_full => value_panics_in_a_full_lane;
    a_value_that_panics_while_unwinding_can_be_caught => value_panics_while_unwinding;
    a_display_that_fails_is_said_so => display_fails;
}

fn install(memory: &Memory) -> Logger {
    nexlog::builder().sink(memory.clone()).mode(mode(&told("MODE"))).install().unwrap()
}

/// What came out, at rest.
fn rest(logger: &Logger, memory: &Memory) -> Vec<serde_json::Value> {
    logger.flush(PATIENCE).unwrap();
    logger.flush(PATIENCE).unwrap();
    assert_balanced(&logger.stats());
    lines::parse(&memory.lines())
}

/// Logs `inner`, itself one level deeper, until `left` is 0.
struct Nested {
    left: u32,
}

impl fmt::Display for Nested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.left > 0 {
            info!("inner", left = self.left, value = display(Nested { left: self.left - 1 }));
        }
        write!(f, "level {}", self.left)
    }
}

fn display_logs() {
    let memory = Memory::new();
    let logger = install(&memory);
    info!("outer", value = display(Nested { left: 2 }));
    let records = rest(&logger, &memory);
    assert_eq!(lines::messages(&records), ["inner", "inner", "outer"]);
    assert_eq!(records[0]["value"], "level 0");
    assert_eq!(records[1]["value"], "level 1");
    assert_eq!(records[2]["value"], "level 2");
}

fn display_recurses() {
    let memory = Memory::new();
    let logger = install(&memory);
    for _ in 0..100 {
        info!("outer", value = display(Nested { left: 50 }));
    }
    let records = rest(&logger, &memory);
    let stats = logger.stats();
    // The outer record and three nested ones; the fourth is refused and its value not run.
    assert_eq!((stats.accepted, stats.written), (500, 400));
    assert_eq!(stats.dropped_by.recursion, 100);
    assert_eq!(lines::with_message(&records, "outer").len(), 100);
    assert_eq!(lines::with_message(&records, "inner").len(), 300);
    assert_eq!(lines::sum(&records, "records dropped", "recursion"), 100);
}

/// A sink that keeps what it is given and does `f` before.
fn doing(memory: &Memory, mut f: impl FnMut(&Batch<'_>) + Send + 'static) -> Output {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let _ = memory;
    Output::to(Each(move |batch: &Batch<'_>| {
        f(batch);
        kept.lock().unwrap().extend_from_slice(batch.bytes());
        Ok(())
    }))
}

fn sink_logs() {
    let (memory, left) = (Memory::new(), Arc::new(AtomicU64::new(20)));
    let counter = Arc::clone(&left);
    let logs = doing(&memory, move |_| {
        if counter.load(SeqCst) > 0 {
            counter.fetch_sub(1, SeqCst);
            info!("from the sink", value = display("long way"));
            info!("from the sink", short = 1);
        }
    });
    let builder = nexlog::builder().sink(logs).sink(memory.clone()).mode(mode(&told("MODE")));
    let logger = builder.install().unwrap();
    info!("from outside");
    wait_until("the sink has said all", || {
        logger.flush(PATIENCE).unwrap();
        left.load(SeqCst) == 0
    });
    let records = rest(&logger, &memory);
    assert_eq!(lines::with_message(&records, "from outside").len(), 1);
    assert_eq!(lines::with_message(&records, "from the sink").len(), 40);
}

fn sink_logs_a_lot() {
    let (memory, once) = (Memory::new(), AtomicBool::new(false));
    let logs = doing(&memory, move |_| {
        if !once.swap(true, SeqCst) {
            (0..2_000).for_each(|number| info!("from the sink", number, text = display("x")));
            info!("from the sink", text = "x".repeat(100_000));
        }
    });
    let logger = nexlog::builder()
        .sink(logs)
        .sink(memory.clone())
        .mode(mode(&told("MODE")))
        .lane_bytes(32 << 10)
        .install()
        .unwrap();
    info!("from outside");
    let records = {
        logger.flush(PATIENCE).unwrap();
        rest(&logger, &memory)
    };
    let stats = logger.stats();
    assert_eq!(stats.accepted, 2_002);
    assert_eq!(stats.dropped, stats.dropped_by.busy);
    assert!((100..2_000).contains(&stats.dropped), "{stats:#?}");
    assert_eq!(lines::sum(&records, "records dropped", "busy"), stats.dropped);
}

/// A sink that hands everything on to a second logger: that one writes as it promises.
fn sink_logs_elsewhere() {
    let memory = Memory::new();
    let second = nexlog::builder().sink(memory.clone()).lane_bytes(32 << 10).build().unwrap();
    let (first, handle, seen) = (Memory::new(), second.clone(), memory.clone());
    let heard_at_once = Arc::new(AtomicBool::new(true));
    let heard = Arc::clone(&heard_at_once);
    let hands_on = doing(&first, move |batch| {
        for record in batch.records() {
            let before = seen.len();
            info!(logger(&handle), "handed on", level = display(record.level()));
            heard.fetch_and(seen.len() > before, SeqCst);
        }
    });
    let builder = nexlog::builder().sink(hands_on).mode(mode(&told("MODE")));
    let logger = builder.install().unwrap();
    (0..2_000).for_each(|number| info!("original", number));
    logger.flush(PATIENCE).unwrap();
    let stats = second.stats();
    assert_eq!((stats.accepted, stats.written, stats.dropped), (2_000, 2_000, 0), "{stats:#?}");
    assert_eq!(memory.lines().len(), 2_000);
    assert!(heard_at_once.load(SeqCst));
}

fn sinks_log_to_each_other() {
    static LOGGERS: OnceLock<[Logger; 2]> = OnceLock::new();
    let make = |other: usize| {
        let hands_on = doing(&Memory::new(), move |batch| {
            let Some(loggers) = LOGGERS.get() else { return };
            for record in batch.records() {
                // Once around: what was handed on is not handed back.
                if record.field("number").is_some() {
                    info!(logger(&loggers[other]), "handed on", from = other);
                }
            }
        });
        nexlog::builder().sink(hands_on).mode(mode(&told("MODE"))).build().unwrap()
    };
    let loggers = LOGGERS.get_or_init(|| [make(1), make(0)]);
    std::thread::scope(|scope| {
        for logger in loggers {
            scope.spawn(move || (0..3_000).for_each(|number| info!(logger(logger), "x", number)));
        }
    });
    for logger in [&loggers[0], &loggers[1], &loggers[0]] {
        logger.flush(PATIENCE).unwrap();
    }
    for logger in loggers {
        logger.flush(PATIENCE).unwrap();
        let stats = logger.stats();
        assert_eq!(stats.accepted, 6_000);
        assert_balanced(&stats);
    }
}

struct LogsInFormat(AtomicU64);

impl Format for LogsInFormat {
    fn encode(&self, record: &Record<'_>, out: &mut Buffer) {
        if self.0.fetch_add(1, SeqCst) < 10 {
            info!("from the format", value = display("x"));
        }
        if let Some(message) = record.message() {
            out.push_str(&format!("{{\"msg\":\"{message}\"}}\n"));
        }
    }
}

fn format_logs() {
    let memory = Memory::new();
    let output = memory.clone().format(LogsInFormat(AtomicU64::new(0)));
    let logger = nexlog::builder().sink(output).mode(mode(&told("MODE"))).install().unwrap();
    info!("from outside");
    wait_until("the format has said all", || {
        logger.flush(PATIENCE).unwrap();
        memory.lines().len() >= 11
    });
    let records = rest(&logger, &memory);
    assert_eq!(lines::with_message(&records, "from the format").len(), 10);
}

fn on_error_logs() {
    let (memory, valve) = (Memory::new(), Valve::new());
    let told_errors = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&told_errors);
    let on_error = move |error: &Error| {
        counter.fetch_add(1, SeqCst);
        info!("from on_error", text = display(error.with_causes()));
        assert!(nexlog::flush(Duration::ZERO).is_err(), "it waits for itself");
        panic!("caught");
    };
    valve.fail(true);
    let builder = nexlog::builder().sink(valve.clone()).sink(memory.clone()).on_error(on_error);
    let logger = builder.mode(mode(&told("MODE"))).install().unwrap();
    info!("from outside");
    let failed = logger.flush(PATIENCE);
    assert!(matches!(&failed, Err(Error::Sink { name, .. }) if name == "valve"), "{failed:?}");
    info!("again");
    assert!(logger.flush(PATIENCE).is_err());
    valve.fail(false);
    let records = rest(&logger, &memory);
    // A flush takes the error that it returns; what `Immediate` meets goes to `on_error`.
    let told_errors = usize::try_from(told_errors.load(SeqCst)).unwrap();
    assert_eq!(lines::with_message(&records, "from on_error").len(), told_errors);
    assert_eq!(lines::with_message(&records, "from outside").len(), 1);
    let stats = logger.stats();
    assert_eq!(stats.dropped, stats.dropped_by.sink);
}

fn hook_logs() {
    let memory = Memory::new();
    std::panic::set_hook(Box::new(|info| info!("before", at = display(info))));
    let logger = install(&memory);
    let chained = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        info!("after", at = display(info));
        chained(info);
    }));
    let _ = std::thread::spawn(|| panic!("on purpose")).join();
    // The hook that `install` chained has written all.
    let records = lines::parse(&memory.lines());
    assert_eq!(lines::messages(&records), ["after", "before"]);
    rest(&logger, &memory);
}

fn sink_asks() {
    static LOGGER: OnceLock<Logger> = OnceLock::new();
    let asked = Arc::new(AtomicBool::new(false));
    let (memory, done) = (Memory::new(), Arc::clone(&asked));
    let asks = doing(&memory, move |_| {
        let Some(logger) = LOGGER.get() else { return };
        let refused = logger.flush(PATIENCE);
        assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
        assert!(logger.sync(PATIENCE).is_err());
        logger.set_filter("trace").unwrap();
        assert!(logger.stats().accepted > 0);
        assert!(matches!(nexlog::builder().install(), Err(Error::AlreadyInstalled)));
        try_log!(nexlog::Level::Info, "from the sink").unwrap();
        drop(nexlog::builder().sink(Memory::new()).build().unwrap());
        done.store(true, SeqCst);
    });
    let builder = nexlog::builder().sink(asks).sink(memory.clone()).mode(mode(&told("MODE")));
    let logger = LOGGER.get_or_init(|| builder.install().unwrap());
    info!("from outside");
    logger.flush(PATIENCE).unwrap();
    assert!(asked.load(SeqCst));
    assert_eq!(logger.stats().errors, 0, "the sink's asserts failed");
}

fn sink_panics() {
    std::panic::set_hook(Box::new(|_| {}));
    let (memory, panics) = (Memory::new(), Arc::new(AtomicBool::new(true)));
    let switch = Arc::clone(&panics);
    let sink = doing(&memory, move |_| {
        assert!(!switch.load(SeqCst), "on purpose");
    });
    let builder = nexlog::builder().sink(sink).sink(memory.clone()).on_error(|_| {});
    let logger = builder.mode(mode(&told("MODE"))).install().unwrap();
    (0..10).for_each(|number| info!("lost in one", number));
    assert!(logger.flush(PATIENCE).is_err());
    panics.store(false, SeqCst);
    info!("whole");
    let records = rest(&logger, &memory);
    assert_eq!(lines::with_message(&records, "lost in one").len(), 10);
    assert_eq!(lines::with_message(&records, "whole").len(), 1);
    let stats = logger.stats();
    assert_eq!((stats.accepted, stats.written, stats.dropped_by.sink), (11, 1, 10));
    assert_eq!((stats.sinks[0].lost, stats.sinks[1].lost), (10, 0));
}

struct PanicsInFormat;

impl Format for PanicsInFormat {
    fn encode(&self, record: &Record<'_>, out: &mut Buffer) {
        let number = record.field("number");
        out.push_str("half of ");
        if number == Some(nexlog::ValueRef::U64(3)) {
            resume_unwind(Box::new(()));
        }
        out.push_str("a line\n");
    }
}

fn format_panics() {
    let (memory, whole) = (Memory::new(), Memory::new());
    let builder = nexlog::builder().sink(memory.clone().format(PanicsInFormat));
    let builder = builder.sink(whole.clone()).mode(mode(&told("MODE"))).on_error(|_| {});
    let logger = builder.install().unwrap();
    (0..10_u64).for_each(|number| info!("x", number));
    logger.flush(PATIENCE).unwrap();
    let lines = memory.lines();
    assert!(lines.iter().all(|line| line == "half of a line"), "{lines:?}");
    let stats = logger.stats();
    assert_eq!((stats.accepted, stats.written, stats.dropped_by.sink), (10, 9, 1), "{stats:#?}");
    assert_eq!(whole.lines().len(), 10);
    assert_balanced(&stats);
}

/// Panics, quietly, after some text.
struct Panics(usize);

impl fmt::Display for Panics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&"x".repeat(self.0))?;
        resume_unwind(Box::new("thrown by the value"))
    }
}

fn value_panics() {
    const EACH: u64 = 250;
    let memory = Memory::new();
    let builder = nexlog::builder().sink(memory.clone()).mode(mode(&told("MODE")));
    let logger = builder.lane_bytes(32 << 10).install().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            scope.spawn(move || {
                for number in 0..EACH {
                    info!("before", thread, number);
                    let caught = catch_unwind(|| {
                        let size = usize::try_from(number * 37 % 9_000).unwrap();
                        info!("never seen", number, value = display(Panics(size)));
                    });
                    let payload = caught.expect_err("the panic passes through");
                    assert_eq!(payload.downcast_ref(), Some(&"thrown by the value"));
                    info!("after", thread, number, text = display("x"));
                }
            });
        }
    });
    let records = rest(&logger, &memory);
    let stats = logger.stats();
    assert_eq!((stats.accepted, stats.written, stats.dropped_by.panic), (3_000, 2_000, 1_000));
    assert_eq!(stats.own, 1_000);
    let markers = lines::with_message(&records, "a value panicked while it was being logged");
    assert_eq!(markers.len(), 1_000);
    assert!(markers[0]["type"].as_str().unwrap().contains("Panics"), "{}", markers[0]);
    assert!(markers[0]["file"].as_str().unwrap().ends_with("reentrancy.rs"));
    assert_eq!(lines::with_message(&records, "after").len(), 1_000);
    assert_eq!(lines::with_message(&records, "never seen").len(), 0);
}

fn value_panics_in_a_full_lane() {
    let memory = Memory::new();
    let builder = nexlog::builder().sink(memory.clone()).mode(mode(&told("MODE")));
    let builder = builder.flush_interval(Duration::from_secs(3600));
    let logger = builder.lane_bytes(32 << 10).build().unwrap();
    // 16 KiB less two records, so that every place in a segment is met.
    for round in 0..1_500_u32 {
        info!(logger(&logger), "x");
        let panics = || info!(logger(&logger), "never seen", round, value = display(Panics(1)));
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    }
    let records = rest(&logger, &memory);
    let markers = lines::with_message(&records, "a value panicked while it was being logged");
    assert_eq!(markers.len(), 1_500);
}

fn value_panics_while_unwinding() {
    struct LogsWhenDropped;
    impl Drop for LogsWhenDropped {
        fn drop(&mut self) {
            info!("in a drop", value = display(Nested { left: 1 }));
            assert!(catch_unwind(|| info!("never seen", value = display(Panics(3)))).is_err());
            info!("in a drop still");
        }
    }
    let memory = Memory::new();
    let logger = install(&memory);
    let unwound = catch_unwind(|| {
        let _logs = LogsWhenDropped;
        resume_unwind(Box::new(()));
    });
    assert!(unwound.is_err());
    let records = rest(&logger, &memory);
    let marker = "a value panicked while it was being logged";
    assert_eq!(lines::messages(&records), ["inner", "in a drop", marker, "in a drop still"]);
}

struct Fails(Cell<u32>);

impl fmt::Display for Fails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.set(self.0.get() + 1);
        f.write_str("half")?;
        Err(fmt::Error)
    }
}

impl fmt::Debug for Fails {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Err(fmt::Error)
    }
}

impl std::error::Error for Fails {}

fn display_fails() {
    let memory = Memory::new();
    let logger = install(&memory);
    let value = Fails(Cell::new(0));
    info!("failing", shown = display(&value), debug = debug(&value), error = err(&value));
    info!("failing {value}");
    info!("failing {}", format_args!("{value}"));
    let records = rest(&logger, &memory);
    assert_eq!(records.len(), 3);
    assert_eq!(records[0]["shown"], "half<Display failed>");
    assert_eq!(records[0]["debug"], "<Debug failed>");
    assert_eq!(records[0]["error"]["msg"], "half<Display failed>");
    for record in &records[1..] {
        assert_eq!(record["msg"], "failing half<Display failed>");
    }
    assert_eq!(logger.stats().dropped, 0);
}
