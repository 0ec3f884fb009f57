//! How a call conducts itself when the user's own code does not: values that panic, fail or log,
//! sinks that log or hang, threads that end, and a filter that changes under way.

// Written as users write, not as this project does.
#![allow(clippy::pedantic, clippy::style, clippy::complexity)]

mod acceptance_support;

use std::fmt::{self, Display};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use acceptance_support::{Desk, Folder};
use nexlog::{
    Batch, Error, File, Level, Logger, Mode, Overflow, Sink, Value, ValueWriter, WriteError, debug,
    info, try_log,
};

const MODES: [Mode; 3] = [Mode::Immediate, Mode::Buffered, Mode::Background];

fn desk(mode: Mode) -> (Logger, Folder) {
    let folder = Folder::new();
    let file = File::at(folder.path("a.json"));
    let logger = nexlog::builder().filter("trace").mode(mode).file(file).build().unwrap();
    (logger, folder)
}

struct Panics;

impl Display for Panics {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("on purpose")
    }
}

impl Value for Panics {
    fn record(&self, _: ValueWriter<'_>) {
        panic!("on purpose")
    }
}

#[test]
fn a_panic_of_a_value_passes_through_after_a_marker_record() {
    for mode in MODES {
        let (l, folder) = desk(mode);
        let l = &l;
        let panics = |call: &dyn Fn()| assert!(catch_unwind(AssertUnwindSafe(call)).is_err());
        panics(&|| info!(logger(l), "one", v = %Panics, after = 1));
        panics(&|| info!(logger(l), "two", v = Panics));
        panics(&|| info!(logger(l), "three {}", Panics));
        info!(logger(l), "after");
        l.flush(Duration::from_secs(5)).unwrap();
        let records = folder.records("a.json");
        assert_eq!(records.len(), 4, "{mode:?}: {records:?}");
        for marker in &records[..3] {
            assert!(marker.msg().contains("panicked"), "{}", marker.line);
            assert!(marker.line.contains("acceptance_conduct"), "says where: {}", marker.line);
        }
        assert_eq!(records[3].msg(), "after");
        let stats = l.stats();
        assert_eq!((stats.accepted, stats.written, stats.own), (4, 1, 3), "{stats:?}");
        assert_eq!(stats.dropped_by.panic, 3);
    }
}

#[test]
fn a_panic_in_an_argument_leaves_no_trace() {
    let desk = Desk::new();
    let l = &desk.logger;
    let call = || {
        info!(logger(l), "m", v = if desk.records().is_empty() { panic!("argument") } else { 1 })
    };
    assert!(catch_unwind(AssertUnwindSafe(call)).is_err());
    assert!(desk.records().is_empty());
    info!(logger(l), "next");
    assert_eq!(desk.last().msg(), "next");
}

struct Fails;

impl Display for Fails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half ")?;
        Err(fmt::Error)
    }
}

#[test]
fn a_display_that_fails_spoils_neither_the_record_nor_the_program() {
    let desk = Desk::new();
    info!(logger(&desk.logger), "m", v = %Fails, after = 1);
    let last = desk.last();
    assert_eq!(last.raw("after"), "1");
    assert!(last.get("v").as_str().unwrap().starts_with("half"));
}

struct Logs<'a>(&'a Logger, u32);

impl Display for Logs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.1 > 0 {
            info!(logger(self.0), "inner", depth = self.1, next = %Logs(self.0, self.1 - 1));
        }
        write!(f, "shown {}", self.1)
    }
}

#[test]
fn a_value_may_log_while_it_is_logged() {
    for mode in MODES {
        let (l, folder) = desk(mode);
        info!(logger(&l), "outer {v}", v = %Logs(&l, 2));
        l.flush(Duration::from_secs(5)).unwrap();
        let mut messages: Vec<String> =
            folder.records("a.json").iter().map(|r| r.msg().to_owned()).collect();
        messages.sort();
        assert_eq!(messages, ["inner", "inner", "outer shown 2"], "{mode:?}");
    }
}

#[test]
fn an_argument_may_log() {
    let desk = Desk::new();
    let l = &desk.logger;
    let inner = || {
        info!(logger(l), "inner");
        1
    };
    info!(logger(l), "outer {a}", a = inner());
    let messages: Vec<String> = desk.records().iter().map(|r| r.msg().to_owned()).collect();
    assert_eq!(messages, ["inner", "outer 1"]);
}

struct Noisy {
    logger: Arc<std::sync::OnceLock<Logger>>,
    seen: Arc<AtomicU64>,
}

impl Sink for Noisy {
    fn write(&mut self, batch: &Batch<'_>) -> Result<(), WriteError> {
        for record in batch.records() {
            self.seen.fetch_add(1, Ordering::Relaxed);
            if record.target() != "sink"
                && let Some(logger) = self.logger.get()
            {
                info!(logger(logger), target("sink"), "saw one");
            }
        }
        Ok(())
    }
}

#[test]
fn a_sink_that_logs_starts_no_other_pass_and_loses_nothing() {
    for mode in MODES {
        let (slot, seen) = (Arc::default(), Arc::new(AtomicU64::new(0)));
        let noisy = Noisy { logger: Arc::clone(&slot), seen: Arc::clone(&seen) };
        let logger = nexlog::builder().mode(mode).sink(noisy).build().unwrap();
        slot.set(logger.clone()).unwrap();
        for _ in 0..10 {
            info!(logger(&logger), "user");
        }
        for _ in 0..3 {
            logger.flush(Duration::from_secs(5)).unwrap();
        }
        let stats = logger.stats();
        assert_eq!(
            (stats.accepted, stats.written, stats.dropped),
            (20, 20, 0),
            "{mode:?}: {stats:?}"
        );
        assert_eq!(seen.load(Ordering::Relaxed), 20);
    }
}

struct Stuck {
    stuck: Arc<AtomicBool>,
    entered: Arc<AtomicBool>,
}

impl Sink for Stuck {
    fn write(&mut self, _: &Batch<'_>) -> Result<(), WriteError> {
        self.entered.store(true, Ordering::Relaxed);
        while self.stuck.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

#[test]
fn a_sink_that_hangs_ends_a_flush_in_its_time_and_refusals_are_told() {
    let (stuck, entered) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
    let sink = Stuck { stuck: Arc::clone(&stuck), entered: Arc::clone(&entered) };
    let logger = nexlog::builder()
        .mode(Mode::Background)
        .overflow(Overflow::DropNewest)
        .lane_bytes(1 << 15)
        .flush_interval(Duration::from_millis(5))
        .sink(sink)
        .build()
        .unwrap();
    info!(logger(&logger), "the worker takes this one, and hangs");
    while !entered.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let mut refusals = 0;
    for n in 0..2_000 {
        let taken = try_log!(Level::Info, logger(&logger), "a record of usual length, or so", n);
        if let Err(error) = taken {
            assert!(matches!(error, Error::Refused { .. }), "{error:?}");
            refusals += 1;
        }
    }
    assert!(refusals > 0);
    let began = Instant::now();
    let error = logger.flush(Duration::from_millis(100)).unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    assert!(error.to_string().contains("flush"), "{error}");
    stuck.store(false, Ordering::Relaxed);
    logger.flush(Duration::from_secs(10)).unwrap();
    let stats = logger.stats();
    assert_eq!((stats.accepted, stats.dropped_by.full), (2_001, refusals), "{stats:?}");
    assert_eq!(stats.accepted, stats.written + stats.dropped);
}

struct AtTheEnd(Logger);

impl Drop for AtTheEnd {
    fn drop(&mut self) {
        info!(logger(&self.0), "at the end");
    }
}

thread_local! {
    static AT_THE_END: std::cell::RefCell<Option<AtTheEnd>> = const { std::cell::RefCell::new(None) };
}

#[test]
fn the_destructor_of_a_thread_local_may_log() {
    for mode in MODES {
        let (l, folder) = desk(mode);
        for first in [true, false] {
            let logger = l.clone();
            let work = move || {
                if first {
                    info!(logger(&logger), "in the thread");
                }
                AT_THE_END.with(|slot| *slot.borrow_mut() = Some(AtTheEnd(logger.clone())));
                info!(logger(&logger), "in the thread");
            };
            std::thread::spawn(work).join().unwrap();
        }
        l.flush(Duration::from_secs(5)).unwrap();
        assert_eq!(folder.text("a.json").matches("at the end").count(), 2, "{mode:?}");
        assert_eq!(folder.text("a.json").matches("in the thread").count(), 3, "{mode:?}");
    }
}

#[test]
fn a_filter_may_change_while_threads_log() {
    let (l, folder) = desk(Mode::Background);
    let going = AtomicBool::new(true);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while going.load(Ordering::Relaxed) {
                    debug!(logger(&l), "debug");
                    info!(logger(&l), target("other"), "info");
                }
            });
        }
        for round in 0..200 {
            l.set_filter(["off", "info", "debug", "off,other=info"][round % 4]).unwrap();
        }
        l.set_filter("off").unwrap();
        std::thread::sleep(Duration::from_millis(20));
        going.store(false, Ordering::Relaxed);
    });
    l.flush(Duration::from_secs(10)).unwrap();
    let stats = l.stats();
    assert_eq!(stats.accepted, stats.written + stats.dropped);
    assert_eq!(folder.lines("a.json").len() as u64, stats.written + stats.own);
    info!(logger(&l), "off");
    l.flush(Duration::from_secs(1)).unwrap();
    assert_eq!(l.stats().accepted, stats.accepted);
}

#[test]
fn handles_in_any_wrapping_are_loggers() {
    let desk = Desk::new();
    let arc = Arc::new(desk.logger.clone());
    let (by_ref, twice) = (&arc, &&arc);
    let boxed = Box::new(desk.logger.clone());
    info!(logger(arc), "m");
    info!(logger(&arc), "m");
    info!(logger(by_ref), "m");
    info!(logger(twice), "m");
    info!(logger(boxed), "m");
    info!(logger(desk.logger), "m");
    info!(logger(desk.logger.clone()), "m");
    info!(logger: arc, "m");
    struct Service {
        log: Logger,
    }
    let service = Service { log: desk.logger.clone() };
    info!(logger(service.log), "m");
    info!(logger: &service.log, "m");
    assert_eq!(desk.records().len(), 10);
}

#[test]
fn a_wait_may_be_as_long_as_a_duration_goes() {
    for mode in MODES {
        let (l, folder) = desk(mode);
        info!(logger(&l), "m");
        l.flush(Duration::MAX).unwrap();
        assert_eq!(folder.lines("a.json").len(), 1);
        l.sync(Duration::MAX).unwrap();
        l.flush(Duration::ZERO).unwrap_or(());
    }
}
