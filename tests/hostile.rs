//! User code that does its worst, from safe Rust: nothing is read that was not written, nothing
//! is counted twice, and nobody waits longer than told.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nexlog::{Batch, Error, Memory, Mode, Sink, Value, ValueRef, ValueWriter, WriteError, info};

/// Shows bytes that would be tags and lengths if they were read as such, then panics.
struct Half;

impl fmt::Display for Half {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\u{10}\u{1}\0\0\0é")?;
        panic!("in the middle of a value")
    }
}

/// Hides the panic of its own text.
struct Evil;

impl Value for Evil {
    fn record(&self, out: ValueWriter<'_>) {
        let _ = catch_unwind(AssertUnwindSafe(|| out.display(&Half)));
    }
}

#[test]
fn half_a_value_is_no_value() {
    let memory = Memory::new();
    let logger = nexlog::builder().sink(memory.clone()).build().unwrap();
    info!(logger(&logger), "m", a = Evil, b = 1);
    info!(logger(&logger), "m", list = (2, Evil, "x"), b = 1);
    let lines = memory.lines();
    assert!(lines[0].ends_with(r#""msg":"m","b":1}"#), "{}", lines[0]);
    assert!(lines[1].ends_with(r#""msg":"m","list":[2,null,"x"],"b":1}"#), "{}", lines[1]);
}

/// A panic's payload whose drop panics, too.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "again");
    }
}

/// Panics at each second batch; keeps what its batches say.
struct Bombing(Arc<Mutex<Vec<u64>>>, AtomicU64);

impl Sink for Bombing {
    fn write(&mut self, batch: &Batch<'_>) -> Result<(), WriteError> {
        if self.1.fetch_add(1, SeqCst).is_multiple_of(2) {
            panic_any(Bomb);
        }
        for record in batch.records() {
            if let Some(ValueRef::U64(number)) = record.field("number") {
                self.0.lock().unwrap().push(number);
            }
        }
        Ok(())
    }
}

#[test]
fn a_panic_that_panics_again_costs_its_batch_only() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Bombing(Arc::clone(&seen), AtomicU64::new(0));
    let logger = nexlog::builder().sink(sink).on_error(|_| {}).build().unwrap();
    for number in 0..20_u64 {
        info!(logger(&logger), "m", number);
    }
    let stats = logger.stats();
    assert_eq!((stats.accepted, stats.written, stats.dropped_by.sink), (20, 10, 10));
    assert_eq!(*seen.lock().unwrap(), (0..20).filter(|n| n % 2 == 1).collect::<Vec<_>>());
}

/// Never returns while its word is out.
struct Stuck(Arc<AtomicU64>);

impl Sink for Stuck {
    fn write(&mut self, _: &Batch<'_>) -> Result<(), WriteError> {
        while self.0.load(SeqCst) == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

#[test]
fn flush_in_background_never_enters_a_sink_that_hangs() {
    for _ in 0..20 {
        let free = Arc::new(AtomicU64::new(0));
        let sink = Stuck(Arc::clone(&free));
        let logger = nexlog::builder().mode(Mode::Background).sink(sink).build().unwrap();
        info!(logger(&logger), "m");
        let started = Instant::now();
        let outcome = logger.flush(Duration::from_millis(20));
        assert!(matches!(outcome, Err(Error::Timeout { .. })), "{outcome:?}");
        assert!(started.elapsed() < Duration::from_secs(2));
        free.store(1, SeqCst);
        logger.flush(Duration::MAX).unwrap();
    }
}

#[test]
fn a_record_that_fits_no_lane_shows_its_thread() {
    let memory = Memory::new();
    let format = nexlog::Json::new().thread();
    let logger = nexlog::builder().sink(memory.clone().format(format)).build().unwrap();
    let run = move || info!(logger(&logger), "m", text = "x".repeat(40_000));
    std::thread::Builder::new().name("large".into()).spawn(run).unwrap().join().unwrap();
    assert!(memory.lines()[0].contains(r#""thread":"large""#));
}
