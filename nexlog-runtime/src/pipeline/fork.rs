//! `fork`: a child has loggers that work, and writes nothing that is its parent's.
//!
//! In a child there is only the thread that forked. Whatever lock another thread had stays taken,
//! and whatever it was about to finish stays half done. So before a fork all our locks are taken,
//! and afterwards given back on both sides. The child then forgets what is in the lanes: the parent
//! has it, too, and writes it. Lanes of other threads are never written to again. A worker is
//! started by the first record (`Core::hurry`); files are opened anew by their next batch, because
//! locks and positions belong to what parent and child share (`sys::fork::count`).
//!
//! The handlers are called by `fork`. A `vfork` or `posix_spawn` needs none, as such a child does
//! nothing but `exec`. Whoever forks by a bare system call must not log in the child, nor may one
//! that was forked inside of a sink. What others fill once while the process forks (the first logger of
//! a process, the first trace) may be empty for ever in the child: a matter of microseconds.

use core::any::Any;
use core::cell::Cell;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, RwLockWriteGuard, TryLockError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::drain::Pipeline;
use super::state::{self, Core, Mode};
use super::{early, shutdown};
use crate::context::{frame, timing};
use crate::lane::thread;
use crate::registry;
use crate::report;
use crate::sink::file;
use crate::site::filter::Filter;
use crate::site::{known, limit};
use crate::sys;

/// How long a fork waits for passes that are under way. The child of one that waited in vain has
/// no way to the sinks of that logger.
const PATIENCE: Duration = Duration::from_secs(2);

/// Our locks, between the start of a fork and its end. Dropped in this order: a logger whose last
/// handle is here takes some of the others.
struct Held {
    _statics: Vec<Option<Box<dyn Any>>>,
    cores: Vec<HeldCore>,
}

/// Dropped in this order.
struct HeldCore {
    pipeline: Option<MutexGuard<'static, Pipeline>>,
    filter: Option<RwLockWriteGuard<'static, Filter>>,
    pool: [Option<Box<dyn Any>>; 2],
    ring: [Option<Box<dyn Any>>; 2],
    board: Vec<Option<Box<dyn Any>>>,
    worker: Option<MutexGuard<'static, Option<JoinHandle<()>>>>,
    /// Forked inside of a pass: the child goes on with it, or will `exec`.
    is_inside: bool,
    core: Arc<Core>,
}

thread_local! {
    static HELD: Cell<*mut Held> = const { Cell::new(ptr::null_mut()) };
}

/// How many threads are about to fork.
static WAITING: AtomicU32 = AtomicU32::new(0);

/// Before a pipeline is locked: forks go first, as they only try, and would never get it where
/// others wait in line.
pub(super) fn give_way() {
    if WAITING.load(Relaxed) > 0 && !thread::is_forking() {
        let is_over = || (WAITING.load(Relaxed) == 0).then_some(());
        until(Instant::now() + PATIENCE, is_over);
    }
}

/// Has forks looked after from now on.
pub(super) fn watch() {
    static ARE_WATCHED: AtomicBool = AtomicBool::new(false);
    if !ARE_WATCHED.swap(true, Relaxed) {
        sys::fork::watch(before, in_parent, in_child);
    }
}

/// The lock, if it is to be had until then.
pub(crate) fn hold<T>(mutex: &'static Mutex<T>, end: Instant) -> Option<Box<dyn Any>> {
    hold_guard(mutex, end).map(|guard| Box::new(guard) as Box<dyn Any>)
}

fn hold_guard<T>(mutex: &Mutex<T>, end: Instant) -> Option<MutexGuard<'_, T>> {
    until(end, || match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(error)) => Some(error.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    })
}

/// Tries until it works or the time is over.
fn until<T>(end: Instant, mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
    let mut pause = Duration::from_micros(5);
    loop {
        let outcome = attempt();
        if outcome.is_some() || Instant::now() >= end {
            return outcome;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(1));
    }
}

impl HeldCore {
    fn new(core: Arc<Core>, is_inside: bool, end: Instant) -> HeldCore {
        // SAFETY: the guards that borrow it are dropped before the `Arc` beside them is.
        let held: &'static Core = unsafe { &*Arc::as_ptr(&core) };
        // A report is inside of a pass whose pipeline is free; a sink has it itself.
        let end = if is_inside { Instant::now() } else { end };
        let pipeline = hold_guard(&held.pipeline, end);
        HeldCore {
            pipeline,
            filter: None,
            pool: [None, None],
            ring: [None, None],
            board: Vec::new(),
            worker: None,
            is_inside,
            core,
        }
    }

    /// What is held for a moment only, and never while somebody waits for a pipeline. After all
    /// pipelines: a pass of one logger may log to another.
    fn hold_rest(&mut self, end: Instant) {
        // SAFETY: as in `new`.
        let held: &'static Core = unsafe { &*Arc::as_ptr(&self.core) };
        self.filter = until(end, || match held.filter.try_write() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(error)) => Some(error.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        });
        self.pool = held.lanes.pool.hold(end);
        if let Some(ring) = held.lanes.pool.ring() {
            if self.is_inside {
                // What this thread is in the middle of writing is there; the child goes on with it.
                ring.set_inherited(true);
            }
            self.ring = ring.hold(end);
        }
        self.board = held.board.hold(end);
        self.worker = hold_guard(held.worker.handle(), end);
    }

    /// In the child: the parent's records are the parent's.
    fn forget(&mut self) {
        let core = &self.core;
        // What follows takes these.
        (self.ring, self.pool) = ([None, None], [None, None]);
        self.board.clear();
        if let Some(ring) = core.lanes.pool.ring() {
            ring.leave(self.is_inside);
        }
        match &mut self.pipeline {
            Some(pipeline) => {
                pipeline.forget_all(core, thread::lane_number(core));
                core.forget_counts();
            }
            None if self.is_inside => {}
            None => core.cut_off(),
        }
        core.worker.forget(self.worker.as_deref_mut());
        if core.settings.mode == Mode::Background {
            core.doze.lose_worker();
        }
    }
}

extern "C" fn before() {
    let end = Instant::now() + PATIENCE;
    let all = state::global().cloned().into_iter().chain(shutdown::locals());
    let all: Vec<_> = all.map(|core| (core.is_inside(), core)).collect();
    // The allocator may log meanwhile.
    thread::set_forking(true);
    WAITING.fetch_add(1, Relaxed);
    let hold = |(is_inside, core)| HeldCore::new(core, is_inside, end);
    let mut cores: Vec<_> = all.into_iter().map(hold).collect();
    // Before the rings': whoever describes a site takes theirs while it has this one.
    let known = known::hold(end);
    cores.iter_mut().for_each(|core| core.hold_rest(end));
    let [locals, at_exit] = shutdown::hold(end);
    let [telling, told] = timing::hold(end);
    let statics = [
        state::hold(end),
        locals,
        at_exit,
        registry::hold(end),
        known,
        early::hold(end),
        telling,
        told,
        file::hold_claims(end),
        file::hold_archives(end),
    ];
    let statics = statics.into_iter();
    #[cfg(any(feature = "log", feature = "tracing"))]
    let statics = statics.chain(crate::bridge::hold(end));
    let held = Held { _statics: statics.collect(), cores };
    HELD.set(Box::into_raw(Box::new(held)));
}

fn take() -> Option<Box<Held>> {
    let held = HELD.replace(ptr::null_mut());
    // SAFETY: null, or from `before`, which this thread came from.
    (!held.is_null()).then(|| unsafe { Box::from_raw(held) })
}

extern "C" fn in_parent() {
    WAITING.fetch_sub(1, Relaxed);
    let mut held = take();
    let cores = held.iter_mut().flat_map(|held| &mut held.cores);
    for held in cores.filter(|held| held.is_inside) {
        held.ring = [None, None];
        held.core.lanes.pool.ring().inspect(|ring| ring.set_inherited(false));
    }
    drop(held);
    thread::set_forking(false);
}

extern "C" fn in_child() {
    WAITING.store(0, Relaxed);
    let Some(mut held) = take() else { return thread::set_forking(false) };
    held.cores.iter_mut().for_each(HeldCore::forget);
    let are_all_here = held.cores.iter().all(|held| held.pipeline.is_some() || held.is_inside);
    drop(held);
    thread::set_forking(false);
    early::forget();
    limit::forget_all();
    frame::number_anew();
    if !are_all_here {
        let text = format_args!(
            "a sink was busy for 2 s while the process forked, so this child of it cannot log; fork \
             before logging begins, or see what that sink waits for"
        );
        report::limited(report::Kind::Fork, text);
    }
}
