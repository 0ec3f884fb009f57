//! The thread of `Mode::Background`.
//!
//! It drains, naps for about a millisecond, drains again, and after 100 ms without a record
//! sleeps without polling, until a caller wakes it (`doze`).

use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use super::doze;
use super::state::Core;
use crate::error::Error;

/// Between two looks while there is work.
const NAP: Duration = Duration::from_millis(1);
/// How long without a record before it sleeps.
const AWAKE: Duration = Duration::from_millis(100);

/// How long the end of a logger waits for the worker.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// The caller's side of the worker.
#[derive(Default)]
pub(crate) struct Worker {
    thread: OnceLock<Thread>,
    handle: Mutex<Option<JoinHandle<()>>>,
    must_stop: AtomicBool,
}

impl Worker {
    /// Ends its nap, or its sleep.
    pub(crate) fn hurry(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// Ends the thread and waits for it, unless it is the one that asks.
    pub(crate) fn stop(&self) {
        self.must_stop.store(true, SeqCst);
        self.hurry();
        let handle = self.handle.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(handle) = handle.filter(|h| h.thread().id() != thread::current().id()) else {
            return;
        };
        // Not for ever: a sink may hang, or wait for the thread that is here.
        let end = Instant::now() + STOP_PATIENCE;
        while !handle.is_finished() && Instant::now() < end {
            thread::sleep(Duration::from_micros(100));
        }
        if handle.is_finished() {
            let _ = handle.join();
        }
    }
}

/// Starts the worker of a logger.
pub(crate) fn start(core: &Arc<Core>) -> Result<(), Error> {
    if !doze::callers_need_no_fence() {
        core.doze.set_deadline(0);
    }
    let for_thread = Arc::clone(core);
    let handle = thread::Builder::new()
        .name(String::from("nexlog"))
        .spawn(move || run(&for_thread))
        .map_err(|source| Error::Worker { source })?;
    let _ = core.worker.thread.set(handle.thread().clone());
    *core.worker.handle.lock().unwrap_or_else(PoisonError::into_inner) = Some(handle);
    Ok(())
}

fn run(core: &Core) {
    let nap = NAP.min(core.flush_interval());
    let mut last_record = Instant::now();
    while !core.worker.must_stop.load(SeqCst) {
        if core.drain().is_some_and(|records| records > 0) {
            last_record = Instant::now();
        }
        if last_record.elapsed() < AWAKE {
            thread::park_timeout(nap);
        } else {
            sleep(core);
            last_record = Instant::now();
        }
    }
}

/// Sleeps until a caller wakes it.
fn sleep(core: &Core) {
    core.doze.lie_down();
    while core.doze.is_asleep() && !core.worker.must_stop.load(SeqCst) {
        if core.lanes.have_unread() {
            break;
        }
        thread::park();
    }
    core.doze.get_up();
}
