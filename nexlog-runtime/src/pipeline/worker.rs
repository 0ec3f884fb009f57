//! The thread of `Mode::Background`.
//!
//! It drains, naps for about a millisecond, drains again, and after 100 ms without a record
//! sleeps without polling, until a caller wakes it (`doze`).

use core::sync::atomic::Ordering::SeqCst;
use core::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use super::doze::{self, Doze};
use super::state::Core;
use crate::error::Error;

/// Between two looks while there is work.
const NAP: Duration = Duration::from_millis(1);
/// How long without a record before it sleeps.
const AWAKE: Duration = Duration::from_millis(100);

/// The caller's side of the worker.
#[derive(Default)]
pub(crate) struct Worker {
    thread: OnceLock<Thread>,
    handle: Mutex<Option<JoinHandle<()>>>,
    must_stop: AtomicBool,
    is_running: AtomicBool,
    /// Passes that were asked for, and how many of them are done.
    asked: AtomicU64,
    done: AtomicU64,
}

impl Worker {
    /// Has the worker make a pass and waits for it: a sink that hangs must hang there, not in
    /// the caller. `None` when there is no worker to do it, `Some(false)` when it took too long.
    pub(crate) fn pass(&self, doze: &Doze, end: Instant) -> Option<bool> {
        if self.thread.get()?.id() == thread::current().id() {
            return None;
        }
        let number = self.asked.fetch_add(1, SeqCst) + 1;
        doze.wake();
        self.hurry();
        let mut pause = Duration::from_micros(10);
        while self.done.load(SeqCst) < number {
            if !self.is_running.load(SeqCst) {
                return None;
            }
            if Instant::now() >= end {
                return Some(false);
            }
            thread::sleep(pause);
            pause = (pause * 2).min(NAP);
        }
        Some(true)
    }

    fn is_asked(&self) -> bool {
        self.asked.load(SeqCst) != self.done.load(SeqCst)
    }

    /// Ends its nap, or its sleep.
    pub(crate) fn hurry(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// Ends the thread and waits for it, but for at most `patience`, as it may hang in a sink,
    /// and not when it is the one that asks.
    pub(crate) fn stop(&self, patience: Duration) {
        self.must_stop.store(true, SeqCst);
        self.hurry();
        let handle = self.handle.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(handle) = handle.filter(|h| h.thread().id() != thread::current().id()) else {
            return;
        };
        let end = Instant::now() + patience;
        let mut pause = Duration::from_micros(20);
        while !handle.is_finished() {
            if Instant::now() >= end {
                return;
            }
            thread::sleep(pause);
            pause = (pause * 2).min(NAP);
        }
        let _ = handle.join();
    }
}

/// Starts the worker of a logger.
pub(crate) fn start(core: &Arc<Core>) -> Result<(), Error> {
    if !doze::callers_need_no_fence() {
        core.doze.set_deadline(0);
    }
    core.worker.is_running.store(true, SeqCst);
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
    let _running = Running(&core.worker);
    let nap = NAP.min(core.flush_interval());
    let mut last_record = Instant::now();
    while !core.worker.must_stop.load(SeqCst) {
        let asked = core.worker.asked.load(SeqCst);
        if core.drain(core.worker.is_asked()).is_some_and(|records| records > 0) {
            last_record = Instant::now();
        }
        core.worker.done.store(asked, SeqCst);
        if last_record.elapsed() < AWAKE {
            thread::park_timeout(nap);
        } else {
            sleep(core);
            last_record = Instant::now();
        }
    }
}

/// Says that the worker runs no more, however it ends.
struct Running<'a>(&'a Worker);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.is_running.store(false, SeqCst);
    }
}

/// Sleeps until a caller wakes it.
fn sleep(core: &Core) {
    core.doze.lie_down();
    while core.doze.is_asleep() && !core.worker.must_stop.load(SeqCst) {
        if core.lanes.have_unread() || core.worker.is_asked() {
            break;
        }
        thread::park();
    }
    core.doze.get_up();
}
