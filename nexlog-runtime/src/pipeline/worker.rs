//! The thread of `Mode::Background`.
//!
//! It drains, naps for about a millisecond, drains again, and after 100 ms without a record
//! sleeps without polling. Going to sleep and a caller's commit must not miss each other, and
//! the caller must not pay a fence for it:
//!
//! | worker | caller |
//! | --- | --- |
//! | `is_asleep = true`, `deadline = 0` | `published = …` (`Release`) |
//! | membarrier: a full fence on every core that runs us | compiler fence |
//! | looks at all lanes once more | reads `deadline` |
//! | parks | 0: the cold path fences, reads `is_asleep`, unparks |
//!
//! Either the caller sees the 0, or its commit was visible to the worker's last look. Where
//! membarrier is refused, `deadline` stays 0 in this mode, so that each caller takes the cold
//! path and its real fence.

use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering::{Acquire, SeqCst};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use super::state::Core;
use crate::error::Error;
use crate::sys;

/// Between two looks while there is work.
const NAP: Duration = Duration::from_millis(1);
/// How long without a record before it sleeps.
const AWAKE: Duration = Duration::from_millis(100);

/// The caller's side of the worker.
#[derive(Default)]
pub(crate) struct Worker {
    thread: OnceLock<Thread>,
    handle: Mutex<Option<JoinHandle<()>>>,
    is_asleep: AtomicBool,
    must_stop: AtomicBool,
}

impl Worker {
    /// Wakes it if it sleeps.
    pub(crate) fn wake(&self) {
        if self.is_asleep.load(SeqCst) && self.is_asleep.swap(false, SeqCst) {
            self.hurry();
        }
    }

    /// Ends its nap.
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
        if let Some(handle) = handle.filter(|h| h.thread().id() != thread::current().id()) {
            let _ = handle.join();
        }
    }
}

/// Whether the worker's membarrier stands in for the callers' fences.
fn callers_need_no_fence() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| sys::membarrier_register() && sys::membarrier())
}

/// Starts the worker of a logger.
pub(crate) fn start(core: &Arc<Core>) -> Result<(), Error> {
    if !callers_need_no_fence() {
        core.set_deadline(0);
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
    while !core.worker.must_stop.load(Acquire) {
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
    let worker = &core.worker;
    worker.is_asleep.store(true, SeqCst);
    core.set_deadline(0);
    sys::membarrier();
    while worker.is_asleep.load(SeqCst) && !worker.must_stop.load(SeqCst) {
        if core.lanes.have_unread() {
            break;
        }
        thread::park();
    }
    worker.is_asleep.store(false, SeqCst);
    if callers_need_no_fence() {
        core.set_deadline(u64::MAX);
    }
}
