//! Threads that wait for the pipeline help with what takes longest, encoding.
//!
//! Whoever has the pipeline is its drainer. Where others wait for it, the drainer does not encode what it
//! goes over, but lays it on the board in batches, and takes them from there in the same order to write
//! them. Those who wait encode them meanwhile, each at a [`Desk`] of its own; what none of them has taken
//! the drainer encodes itself. So the order is the drainer's, there is one thread in the sinks at a time,
//! and nobody is needed for anything.
//!
//! A helper runs no code of the program's but its allocator: formats of the program's own are not
//! shared. What that logs must not wait, so a helper counts as inside of the pass.

use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::any::Any;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Instant;

use super::encode::{Desk, Plan, Work};
use super::output::BATCH_RECORDS;
use crate::clock::WallClock;
use crate::lane::read::Touched;
use crate::lane::view::Names;
use crate::sys;

/// Batches on the board at a time: enough that a helper finds one while another is written.
const SLOTS: usize = 4;
/// Helpers at a time: what they encode has to be written by one.
const MAX_DESKS: usize = 3;
/// Looks at an empty board before a helper gives up and sleeps: while one batch is written there is
/// nothing to do, and sleeping through that costs more than looking.
const LOOKS: u32 = 200;

/// Where batches lie while they are encoded.
pub(crate) struct Board {
    plan: Arc<Plan>,
    desks: Box<[Mutex<Desk>]>,
    slots: Box<[Slot]>,
    /// Helpers that look at the board.
    helpers: AtomicUsize,
}

struct Slot {
    /// Whether there is something to encode: a hint for those without the lock.
    is_open: AtomicBool,
    job: Mutex<Job>,
}

/// A batch that was lent.
pub(crate) struct Job {
    pub(crate) work: Work,
    /// Up to where in the lanes it goes.
    pub(crate) touched: Touched,
    /// What it takes to encode it, until it is.
    means: Option<(Names, WallClock)>,
}

impl Job {
    fn encode(&mut self, plan: &Plan, desk: &mut Desk) {
        if let Some((names, clock)) = self.means.take() {
            while !self.work.is_encoded() {
                self.work.encode_next(plan, desk, (&names, &clock), 0);
            }
        }
    }
}

/// The batches that one pass has on the board: `first` is the oldest of `count`.
#[derive(Clone, Copy, Default)]
pub(crate) struct Lent {
    first: usize,
    count: usize,
}

impl Lent {
    pub(crate) fn is_nothing(self) -> bool {
        self.count == 0
    }

    pub(crate) fn has_place(self) -> bool {
        self.count < SLOTS
    }
}

impl Board {
    pub(crate) fn new(plan: &Arc<Plan>) -> Board {
        // With nobody to help there is nothing to lend.
        let desks = if plan.is_shared() { (sys::cores() - 1).min(MAX_DESKS) } else { 0 };
        let slots = if desks == 0 { 0 } else { SLOTS };
        let slot = |_| Slot {
            is_open: AtomicBool::new(false),
            job: Mutex::new(Job {
                work: Work::new(plan),
                touched: Touched::with_capacity(BATCH_RECORDS),
                means: None,
            }),
        };
        Board {
            plan: Arc::clone(plan),
            desks: (0..desks).map(|_| Mutex::new(plan.desk())).collect(),
            slots: (0..slots).map(slot).collect(),
            helpers: AtomicUsize::new(0),
        }
    }

    /// Whether somebody would help now.
    #[inline]
    pub(crate) fn has_helpers(&self) -> bool {
        self.helpers.load(Relaxed) > 0
    }

    /// Lends a batch, for which there is a place. `work` and `touched` are empty afterwards.
    pub(crate) fn lend(
        &self,
        lent: &mut Lent,
        (work, touched): (&mut Work, &mut Touched),
        names: &Names,
        clock: &WallClock,
    ) {
        let Some(slot) = self.slots.get((lent.first + lent.count) % SLOTS) else { return };
        let mut job = lock(&slot.job);
        core::mem::swap(&mut job.work.entries, &mut work.entries);
        core::mem::swap(&mut job.touched, touched);
        job.means = Some((names.clone(), clock.clone()));
        slot.is_open.store(true, Release);
        lent.count += 1;
    }

    /// Takes the oldest batch back, encoded; and encodes whatever else is there while somebody still has
    /// it in hand.
    pub(crate) fn take_back(
        &self,
        lent: &mut Lent,
        desk: &mut Desk,
        work: &mut Work,
        touched: &mut Touched,
    ) {
        let Some(slot) = self.slots.get(lent.first % SLOTS) else { return };
        let mut looks = 0;
        let mut job = loop {
            match try_lock(&slot.job) {
                Some(job) => break job,
                None if self.encode_one(desk) => {}
                None if looks < LOOKS => {
                    looks += 1;
                    pause(looks);
                }
                None => break lock(&slot.job),
            }
        };
        slot.is_open.store(false, Relaxed);
        job.encode(&self.plan, desk);
        work.take_from(&mut job.work);
        core::mem::swap(&mut job.touched, touched);
        job.touched.clear();
        (lent.first, lent.count) = ((lent.first + 1) % SLOTS, lent.count - 1);
    }

    /// Encodes a batch that nobody has in hand; `false` when there is none.
    fn encode_one(&self, desk: &mut Desk) -> bool {
        for slot in &self.slots {
            if slot.is_open.load(Acquire)
                && let Some(mut job) = try_lock(&slot.job)
                && slot.is_open.swap(false, Relaxed)
            {
                job.encode(&self.plan, desk);
                return true;
            }
        }
        false
    }

    /// Helps until `is_over` gives something, or there has been nothing to do for a while.
    pub(super) fn help<T>(&self, mut is_over: impl FnMut() -> Option<T>) -> Option<T> {
        let mut desk = self.desks.iter().find_map(try_lock)?;
        self.helpers.fetch_add(1, Relaxed);
        let mut looks = 0;
        let outcome = loop {
            if let Some(outcome) = is_over() {
                break Some(outcome);
            }
            if self.encode_one(&mut desk) {
                looks = 0;
            } else if looks == LOOKS {
                break None;
            } else {
                looks += 1;
                pause(looks);
            }
        };
        self.helpers.fetch_sub(1, Relaxed);
        outcome
    }

    /// At the end of a pass that has taken all back.
    pub(crate) fn rest(&self) {
        self.slots.iter().for_each(|slot| lock(&slot.job).work.rest(&self.plan));
    }

    /// Forgets what an unwound pass has left here.
    pub(crate) fn reset(&self) {
        for slot in &self.slots {
            slot.is_open.store(false, Relaxed);
            let mut job = lock(&slot.job);
            job.work.reset();
            job.touched.clear();
            job.means = None;
        }
    }

    /// For a fork: no helper is in the middle of anything.
    pub(super) fn hold(&'static self, end: Instant) -> Vec<Option<Box<dyn Any>>> {
        use super::fork::hold;
        let desks = self.desks.iter().map(|desk| hold(desk, end));
        desks.chain(self.slots.iter().map(|slot| hold(&slot.job, end))).collect()
    }
}

/// Between two looks. Now and then whoever else is to run does.
fn pause(looks: u32) {
    if looks.is_multiple_of(4) {
        std::thread::yield_now();
    } else {
        (0..16).for_each(|_| core::hint::spin_loop());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(error)) => Some(error.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}
