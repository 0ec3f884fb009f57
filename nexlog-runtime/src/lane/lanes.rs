//! The list of a logger's lanes: how anybody can drain them all.
//!
//! Lanes are pushed at the front and never taken out while the logger lives, so walking needs
//! no lock: a lane's `next` is fixed before the lane is published by the CAS of `head`. A lane
//! whose thread has ended is claimed again by the next new thread, so there are never more
//! lanes than threads at one time. Detached threads that die with the process never leave
//! theirs, and need not.

use core::ptr::NonNull;
use core::sync::atomic::AtomicBool as CoreAtomicBool;
use std::sync::Arc;

use super::memory::Allocator;
use super::pool::{Pool, SEGMENT_BYTES};
use super::ring::Lane;
use super::words::Words;
use crate::crash::Ring;
use crate::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use crate::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize};

/// All lanes of a logger, and the pool they live on.
pub(crate) struct Lanes {
    /// Where their segments come from.
    pub(crate) pool: Pool,
    head: AtomicPtr<Lane>,
    count: AtomicUsize,
    max_segments: u64,
    fast: bool,
    /// Whether there is a [`Reader`](super::read::Reader): there must be only one.
    has_reader: CoreAtomicBool,
}

impl Lanes {
    /// No lanes yet. They lie in `ring`, if there is one and as long as it has space.
    /// `max_segments` and `fast` are each lane's; `rest` segments rest between uses.
    pub(crate) fn new(
        allocator: Allocator,
        ring: Option<Arc<Ring>>,
        max_segments: u64,
        fast: bool,
        rest: usize,
    ) -> Lanes {
        Lanes {
            pool: Pool::new(allocator, ring, rest),
            head: AtomicPtr::new(core::ptr::null_mut()),
            count: AtomicUsize::new(0),
            max_segments,
            fast,
            has_reader: CoreAtomicBool::new(false),
        }
    }

    /// True once.
    pub(super) fn take_reader(&self) -> bool {
        !self.has_reader.swap(true, Relaxed)
    }

    /// A lane that was left, for this thread alone. It may still hold records to be drained.
    pub(crate) fn reuse(&self) -> Option<&Lane> {
        self.iter().find(|lane| lane.claim())
    }

    /// A new lane for this thread alone. `None` when there is no memory.
    pub(crate) fn add(&self, deadline: *const AtomicU64) -> Option<&Lane> {
        let segment = self.pool.take()?;
        let number = self.count.fetch_add(1, Relaxed);
        let (pool, words) = (&self.pool, self.words(number));
        let place = (number, segment);
        let lane = Lane::new(pool, place, words, deadline, self.max_segments, self.fast);
        let Some(lane) = lane else {
            self.pool.give(segment);
            return None;
        };
        let lane = Box::into_raw(lane);
        let mut head = self.head.load(Relaxed);
        loop {
            // SAFETY: until the exchange below succeeds, only this thread knows the lane; after
            // it, lanes are freed by `drop` only, and only shared references are made.
            let shared = unsafe { &*lane };
            shared.settle();
            shared.next.store(head, Relaxed);
            match self.head.compare_exchange_weak(head, lane, AcqRel, Relaxed) {
                Ok(_) => return Some(shared),
                Err(now) => head = now,
            }
        }
    }

    /// Where in the mapped file the words of this lane lie.
    #[cfg(not(loom))]
    fn words(&self, number: usize) -> Option<NonNull<Words>> {
        let words = self.pool.ring()?.take_lane(number)?;
        // Words of that many bytes, aligned to 128 like all entries, and nobody else's.
        Some(words.cast())
    }

    /// The model checker's words are its own.
    #[cfg(loom)]
    fn words(&self, _: usize) -> Option<NonNull<Words>> {
        None
    }

    /// All lanes, newest first. Lanes that join meanwhile may be missed.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Lane> {
        let mut next = self.head.load(Acquire); // pairs with the CAS in `add`
        core::iter::from_fn(move || {
            // SAFETY: pointers in the list are from `Box::into_raw` and live as long as `self`.
            let lane = unsafe { next.as_ref() }?;
            next = lane.next.load(Relaxed);
            Some(lane)
        })
    }

    /// How many lanes there are or are being made.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Relaxed)
    }

    /// Records committed to all lanes so far.
    pub(crate) fn accepted(&self) -> u64 {
        self.iter().map(Lane::accepted).sum()
    }

    /// In a forked child: nothing was accepted yet.
    pub(crate) fn forget_counts(&self) {
        self.iter().for_each(Lane::forget_count);
    }

    /// How full the fullest lane is.
    pub(crate) fn fullest_percent(&self) -> u8 {
        let bytes = self.max_segments.saturating_mul(SEGMENT_BYTES as u64).max(1);
        let unread = |lane: &Lane| lane.published().saturating_sub(lane.consumed());
        let most = self.iter().map(unread).max().unwrap_or(0);
        u8::try_from(u128::from(most) * 100 / u128::from(bytes)).unwrap_or(100).min(100)
    }

    /// Whether some lane has something to read.
    pub(crate) fn have_unread(&self) -> bool {
        self.iter().any(|lane| lane.published() > lane.consumed())
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        let mut next = self.head.load(Acquire);
        while !next.is_null() {
            // SAFETY: made by `Box::into_raw` in `add`; `&mut self` means that nobody else
            // has a reference, and each is taken once.
            let lane = unsafe { Box::from_raw(next) };
            next = lane.next.load(Relaxed);
        }
    }
}
