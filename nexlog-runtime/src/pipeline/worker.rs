//! The thread of `Mode::Background`.
//!
//! It drains, naps for about a millisecond, drains again, and after 100 ms without a record
//! sleeps without polling, until a caller wakes it (`doze`).

use core::ptr;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use super::doze::{self, Doze};
use super::state::Core;
use crate::clock;
use crate::error::Error;

/// Between two looks while there is work.
const NAP: Duration = Duration::from_millis(1);
/// How long without a record before it sleeps.
const AWAKE: Duration = Duration::from_millis(100);

/// A report is not missed for a rounding.
const REPORT_MARGIN: Duration = Duration::from_micros(50);

/// The caller's side of the worker.
#[derive(Default)]
pub(crate) struct Worker {
    /// Leaked until another takes its place or the logger is dropped; null before the first.
    thread: AtomicPtr<Thread>,
    /// The logger, for a worker that is started by a call.
    core: OnceLock<Weak<Core>>,
    /// Whether this is a forked child, whose worker stayed in the parent.
    is_lost: AtomicBool,
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
        if self.thread()?.id() == thread::current().id() {
            return None;
        }
        let number = self.asked.fetch_add(1, SeqCst) + 1;
        doze.wake();
        self.hurry(doze);
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

    /// Whether it runs no more, and no call will start it.
    pub(crate) fn has_ended(&self) -> bool {
        !self.is_running.load(SeqCst) && !self.is_lost.load(SeqCst)
    }

    fn is_asked(&self) -> bool {
        self.asked.load(SeqCst) != self.done.load(SeqCst)
    }

    /// Ends its nap, or its sleep. The first call in a forked child starts it.
    pub(crate) fn hurry(&self, doze: &Doze) {
        if self.is_lost.load(Relaxed) && self.is_lost.swap(false, SeqCst) {
            self.is_running.store(true, SeqCst); // for a child that is forked before it runs
            let started = self.core.get().and_then(Weak::upgrade).map(|core| start(&core));
            if !matches!(started, Some(Ok(()))) {
                self.is_running.store(false, SeqCst);
                doze.write_through(); // callers do its work
            }
        }
        self.unpark();
    }

    fn unpark(&self) {
        if let Some(thread) = self.thread() {
            thread.unpark();
        }
    }

    fn thread(&self) -> Option<&Thread> {
        // SAFETY: null, or from `Box::into_raw` in `start`. It is freed by `drop` only: what
        // `start` replaces in a forked child stays, as somebody may look at it.
        unsafe { self.thread.load(Acquire).as_ref() }
    }

    /// The lock that `start` and `stop` take, for a fork.
    pub(super) fn handle(&self) -> &Mutex<Option<JoinHandle<()>>> {
        &self.handle
    }

    /// In a forked child: the thread is not here, and nobody must wait for it.
    pub(super) fn forget(&self, handle: Option<&mut Option<JoinHandle<()>>>) {
        let is_lost = self.is_running.swap(false, SeqCst);
        self.is_lost.fetch_or(is_lost, SeqCst);
        self.thread.store(ptr::null_mut(), SeqCst);
        self.done.store(self.asked.load(SeqCst), SeqCst);
        core::mem::forget(handle.map(Option::take));
    }

    /// Ends the thread and waits for it, but for at most `patience`, as it may hang in a sink,
    /// and not when it is the one that asks.
    pub(crate) fn stop(&self, patience: Duration) {
        self.must_stop.store(true, SeqCst);
        self.unpark();
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

impl Drop for Worker {
    fn drop(&mut self) {
        let thread = *self.thread.get_mut();
        if !thread.is_null() {
            // SAFETY: from `Box::into_raw` in `start`; nobody else has the worker any more.
            drop(unsafe { Box::from_raw(thread) });
        }
    }
}

/// Starts the worker of a logger.
pub(crate) fn start(core: &Arc<Core>) -> Result<(), Error> {
    if !doze::callers_need_no_fence() {
        core.doze.set_deadline(0);
    }
    core.worker.is_running.store(true, SeqCst);
    core.doze.get_up();
    let for_thread = Arc::clone(core);
    let handle = thread::Builder::new()
        .name(String::from("nexlog"))
        .spawn(move || run(&for_thread))
        .map_err(|source| Error::Worker { source })?;
    let _ = core.worker.core.set(Arc::downgrade(core));
    let thread = Box::into_raw(Box::new(handle.thread().clone()));
    core.worker.thread.store(thread, Release);
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

/// Sleeps until a caller wakes it, or a report is due.
fn sleep(core: &Core) {
    core.doze.lie_down();
    while core.doze.is_asleep() && !core.worker.must_stop.load(SeqCst) {
        if core.lanes.have_unread() || core.worker.is_asked() {
            break;
        }
        match core.report_time.left(clock::now()) {
            None => thread::park(),
            Some(0) => break,
            Some(ticks) => thread::park_timeout(core.time_in(ticks) + REPORT_MARGIN),
        }
    }
    core.doze.get_up();
}
