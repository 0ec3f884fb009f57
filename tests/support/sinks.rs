//! Sinks that do what a test says.

use nexlog::{Batch, Sink, WriteError};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};

use super::PATIENCE;

/// A handle to a sink that can be stopped and made to fail. Clones are the same sink.
#[derive(Clone, Default)]
pub struct Valve(Arc<State>);

#[derive(Default)]
struct State {
    kept: Mutex<Vec<u8>>,
    is_shut: Mutex<bool>,
    moved: Condvar,
    waiting: AtomicU64,
    batches: AtomicU64,
    fails: AtomicBool,
    fails_every: AtomicU64,
    takes_before_failing: AtomicU64,
}

impl Valve {
    pub fn new() -> Valve {
        Valve::default()
    }

    /// Writes wait from now on.
    pub fn shut(&self) {
        *self.0.is_shut.lock().unwrap() = true;
    }

    /// Writes go on.
    pub fn open(&self) {
        *self.0.is_shut.lock().unwrap() = false;
        self.0.moved.notify_all();
    }

    /// How many writes wait.
    pub fn waiting(&self) -> u64 {
        self.0.waiting.load(SeqCst)
    }

    /// Whether writes fail from now on.
    pub fn fail(&self, fails: bool) {
        self.0.fails.store(fails, SeqCst);
    }

    /// Every `n`th write fails; 0 for none.
    pub fn fail_every(&self, n: u64) {
        self.0.fails_every.store(n, SeqCst);
    }

    /// A failing write takes this many records before it fails.
    pub fn take_before_failing(&self, records: u64) {
        self.0.takes_before_failing.store(records, SeqCst);
    }

    pub fn batches(&self) -> u64 {
        self.0.batches.load(SeqCst)
    }

    /// What was taken.
    pub fn lines(&self) -> Vec<String> {
        let kept = self.0.kept.lock().unwrap();
        String::from_utf8_lossy(&kept).lines().map(str::to_owned).collect()
    }

    fn wait(&self) {
        self.0.waiting.fetch_add(1, SeqCst);
        let shut = self.0.is_shut.lock().unwrap();
        let waited = self.0.moved.wait_timeout_while(shut, PATIENCE, |is_shut| *is_shut).unwrap();
        self.0.waiting.fetch_sub(1, SeqCst);
        assert!(!waited.1.timed_out(), "nobody opened the valve");
    }
}

impl Sink for Valve {
    fn write(&mut self, batch: &Batch<'_>) -> Result<(), WriteError> {
        self.wait();
        let number = self.0.batches.fetch_add(1, SeqCst) + 1;
        let every = self.0.fails_every.load(SeqCst);
        let mut kept = self.0.kept.lock().unwrap();
        if self.0.fails.load(SeqCst) || (every > 0 && number.is_multiple_of(every)) {
            let most = usize::try_from(self.0.takes_before_failing.load(SeqCst)).unwrap();
            let written = most.min(batch.len());
            batch.lines().take(written).for_each(|line| kept.extend_from_slice(line));
            return Err(WriteError { written, source: io::Error::other("told to fail") });
        }
        kept.extend_from_slice(batch.bytes());
        Ok(())
    }

    fn name(&self) -> String {
        String::from("valve")
    }
}

/// A sink out of a closure.
pub struct Each<F>(pub F);

impl<F: FnMut(&Batch<'_>) -> Result<(), WriteError> + Send + 'static> Sink for Each<F> {
    fn write(&mut self, batch: &Batch<'_>) -> Result<(), WriteError> {
        (self.0)(batch)
    }

    fn name(&self) -> String {
        String::from("closure")
    }
}
