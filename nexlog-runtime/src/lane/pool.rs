//! Segments of memory for lanes: taken by producers, given back by the drainer, no lock.
//!
//! The pool is a few large chunks cut into segments, so that memory follows use and not the
//! number of threads. Free segments form a Treiber stack: `free` holds the top's number and a
//! tag that changes with every push and pop, so that a pop never mistakes a stack that went
//! A, B, A for an unchanged one. Links lie beside the segments, not in them: a segment's bytes
//! are the lane's alone.
//!
//! | word | written by | order | pairs with |
//! | --- | --- | --- | --- |
//! | `free` | anybody, CAS | `AcqRel` | the next pop's `Acquire`: the giver is done with the bytes |
//! | `link` of a free segment | its giver | `Relaxed` | ordered by the CAS of `free` |
//! | `link` of a segment in a lane | its producer | `Relaxed` | ordered by the lane's commit |
//! | `chunks[i]` | under `growing` | `Release` | `Acquire` in `chunk` |

use std::sync::{Arc, PoisonError};

use super::memory::{Allocator, Memory, try_box, try_collect};
use crate::crash::Ring;
use crate::sync::Mutex;
use crate::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use crate::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64};

/// Bytes of a segment. 16 KiB: an idle thread costs that much, and a switch comes once in
/// about 200 records.
#[cfg(not(loom))]
pub(crate) const SEGMENT_BYTES: usize = 16 << 10;
#[cfg(loom)]
pub(crate) const SEGMENT_BYTES: usize = 160;

/// Segments in a chunk: 1 MiB.
#[cfg(not(loom))]
pub(crate) const CHUNK_SEGMENTS: u32 = 64;
#[cfg(loom)]
pub(crate) const CHUNK_SEGMENTS: u32 = 3;

/// Chunks at most: a GiB. What goes beyond is a full lane.
pub(crate) const MAX_CHUNKS: usize = if cfg!(loom) { 1 } else { 1024 };

/// The number of a segment in its pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment(u32);

impl Segment {
    /// Stands for no segment, in producers that have no lane.
    pub(crate) const NONE: Segment = Segment(u32::MAX);
}

/// A chunk's memory and its segments' links.
struct Chunk {
    /// In `own`, or in the pool's mapped file.
    start: *mut u8,
    _own: Option<Memory>,
    links: Vec<AtomicU32>,
    #[cfg(loom)]
    shadow: Vec<loom::cell::UnsafeCell<()>>,
}

/// Where lanes get their segments.
pub(crate) struct Pool {
    /// Tag in the upper half, number + 1 of the top segment in the lower, 0 when empty.
    free: AtomicU64,
    /// Filled from the front, never changed after; owned, freed on drop.
    chunks: Vec<AtomicPtr<Chunk>>,
    /// How many chunks there are; the lock is held while one is made.
    growing: Mutex<usize>,
    allocator: Allocator,
    /// Where chunks come from as long as it has some.
    ring: Option<Arc<Ring>>,
    /// Segments that were given back, but not to be used at once.
    resting: Mutex<Resting>,
    has_rest: bool,
}

/// At most so many rest: a little more than the cache of one core holds, measured at 56 (26 ns a call),
/// 72 (13.6), 96 (15 to 23) and 128 (15 to 28).
const MAX_RESTING: usize = 72;

/// A queue.
struct Resting {
    places: [Segment; MAX_RESTING],
    first: usize,
    count: usize,
    /// How many may rest.
    limit: usize,
}

impl Resting {
    /// Adds one; the oldest one of too many comes out.
    fn push(&mut self, segment: Segment) -> Option<Segment> {
        let oldest = if self.count == self.limit { self.pop() } else { None };
        self.places[(self.first + self.count) % MAX_RESTING] = segment;
        self.count += 1;
        oldest
    }

    fn pop(&mut self) -> Option<Segment> {
        self.count = self.count.checked_sub(1)?;
        let oldest = self.places[self.first];
        self.first = (self.first + 1) % MAX_RESTING;
        Some(oldest)
    }
}

// SAFETY: a chunk's bytes belong to whoever has taken a segment of it; the rest is atomic.
unsafe impl Send for Chunk {}
// SAFETY: as above.
unsafe impl Sync for Chunk {}

impl Pool {
    /// An empty pool. Of the segments that were read, `rest` are not used again at once: those that
    /// another core has read are in its cache, and to write to them again the caller would have to wait
    /// for each line, 20 ns and more a record (measured: 13.5 in place of 32 ns a call).
    pub(crate) fn new(allocator: Allocator, ring: Option<Arc<Ring>>, rest: usize) -> Pool {
        let resting = Resting {
            places: [Segment::NONE; MAX_RESTING],
            first: 0,
            count: 0,
            limit: rest.min(MAX_RESTING),
        };
        Pool {
            resting: Mutex::new(resting),
            has_rest: rest > 0,
            free: AtomicU64::new(0),
            chunks: (0..MAX_CHUNKS).map(|_| AtomicPtr::new(core::ptr::null_mut())).collect(),
            growing: Mutex::new(0),
            allocator,
            ring,
        }
    }

    /// The mapped file that its chunks and the lanes' words lie in.
    pub(crate) fn ring(&self) -> Option<&Arc<Ring>> {
        self.ring.as_ref()
    }

    /// Its locks, for a fork.
    #[cfg(not(loom))]
    pub(crate) fn hold(
        &'static self,
        end: std::time::Instant,
    ) -> [Option<Box<dyn core::any::Any>>; 2] {
        use crate::pipeline::fork::hold;
        [hold(&self.growing, end), hold(&self.resting, end)]
    }

    /// The model checker's locks are its own, and it does not fork.
    #[cfg(loom)]
    pub(crate) fn hold(
        &'static self,
        _: std::time::Instant,
    ) -> [Option<Box<dyn core::any::Any>>; 2] {
        [None, None]
    }

    /// A segment that nobody else has, or `None` when neither the pool nor its allocator has
    /// one.
    pub(crate) fn take(&self) -> Option<Segment> {
        self.pop().or_else(|| self.grow()).or_else(|| self.lock_resting().pop())
    }

    /// Gives back a segment that was read, as `give`.
    pub(crate) fn rest(&self, segment: Segment) {
        if !self.has_rest {
            return self.give(segment);
        }
        let rested = self.lock_resting().push(segment);
        rested.into_iter().for_each(|segment| self.give(segment));
    }

    fn lock_resting(&self) -> impl core::ops::DerefMut<Target = Resting> + '_ {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a segment back. The caller had it from `take` and uses it no more.
    pub(crate) fn give(&self, segment: Segment) {
        let mut top = self.free.load(Relaxed);
        loop {
            #[allow(clippy::cast_possible_truncation)] // the lower half
            self.link_word(segment).store(top as u32, Relaxed);
            match self.free.compare_exchange_weak(top, retag(top, segment.0 + 1), AcqRel, Relaxed) {
                Ok(_) => return,
                Err(now) => top = now,
            }
        }
    }

    fn pop(&self) -> Option<Segment> {
        let mut top = self.free.load(Acquire);
        loop {
            #[allow(clippy::cast_possible_truncation)] // the lower half
            let segment = Segment((top as u32).checked_sub(1)?);
            // May be stale when another thread popped it meanwhile; then the tag differs and
            // the exchange fails.
            let below = self.link_word(segment).load(Relaxed);
            match self.free.compare_exchange_weak(top, retag(top, below), AcqRel, Acquire) {
                Ok(_) => return Some(segment),
                Err(now) => top = now,
            }
        }
    }

    /// Makes a chunk, keeps one of its segments and frees the others.
    #[cold]
    fn grow(&self) -> Option<Segment> {
        // Made without the lock: the allocator may log. What is too much is given back, or, of a
        // file, kept for the next time.
        let bytes = CHUNK_SEGMENTS as usize * SEGMENT_BYTES;
        let mapped = self.ring.as_ref().and_then(|ring| ring.take_chunk(bytes));
        let own = match mapped {
            Some(_) => None,
            None => Some(Memory::zeroed(self.allocator, bytes)?),
        };
        let start = mapped.or_else(|| own.as_ref().map(Memory::as_ptr))?;
        let is_own = own.is_some();
        let given_back = |start| match &self.ring {
            Some(ring) if !is_own => ring.give_chunk(start),
            _ => {}
        };
        let links = try_collect((0..CHUNK_SEGMENTS).map(|_| AtomicU32::new(0)));
        let Some(links) = links else {
            given_back(start);
            return None;
        };
        let chunk = Chunk {
            start,
            _own: own,
            links,
            #[cfg(loom)]
            shadow: (0..bytes / 8).map(|_| loom::cell::UnsafeCell::new(())).collect(),
        };
        let Ok(chunk) = try_box(chunk) else {
            given_back(start);
            return None;
        };
        let mut made = self.growing.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody else grew it meanwhile, or it has grown as far as it may.
        let segment = self.pop();
        let slot = self.chunks.get(*made);
        let (None, Some(slot)) = (segment, slot) else {
            drop(made);
            given_back(chunk.start);
            drop(chunk);
            return segment;
        };
        slot.store(Box::into_raw(chunk), Release); // pairs with `chunk`
        let first = u32::try_from(*made).ok()? * CHUNK_SEGMENTS;
        *made += 1;
        for number in (1..CHUNK_SEGMENTS).rev() {
            self.give(Segment(first + number));
        }
        Some(Segment(first))
    }

    /// The first byte of a segment; valid for [`SEGMENT_BYTES`] as long as the pool lives.
    pub(crate) fn address(&self, segment: Segment) -> *mut u8 {
        let within = (segment.0 % CHUNK_SEGMENTS) as usize * SEGMENT_BYTES;
        self.chunk(segment).start.wrapping_add(within)
    }

    /// Says that `next` follows `segment` in a lane. Only the lane's producer calls this.
    pub(crate) fn link(&self, segment: Segment, next: Segment) {
        self.link_word(segment).store(next.0, Relaxed);
    }

    /// The segment that follows in the lane. Only the drainer calls this, after it saw the
    /// commit behind the link.
    pub(crate) fn linked(&self, segment: Segment) -> Segment {
        Segment(self.link_word(segment).load(Relaxed))
    }

    fn link_word(&self, segment: Segment) -> &AtomicU32 {
        &self.chunk(segment).links[(segment.0 % CHUNK_SEGMENTS) as usize]
    }

    fn chunk(&self, segment: Segment) -> &Chunk {
        let chunk = self.chunks[(segment.0 / CHUNK_SEGMENTS) as usize].load(Acquire); // `grow`
        // SAFETY: a segment exists only after `grow` stored its chunk, which lives until the
        // pool is dropped.
        unsafe { &*chunk }
    }

    /// Tells loom which bytes are read or written; nothing otherwise.
    #[cfg(loom)]
    pub(crate) fn touch(&self, segment: Segment, range: core::ops::Range<usize>, write: bool) {
        let first = (segment.0 % CHUNK_SEGMENTS) as usize * (SEGMENT_BYTES / 8);
        for cell in &self.chunk(segment).shadow[first + range.start / 8..first + range.end / 8] {
            if write { cell.with_mut(|_| ()) } else { cell.with(|_| ()) }
        }
    }
}

/// The word for a new top: another tag, this link.
const fn retag(top: u64, link: u32) -> u64 {
    ((top >> 32).wrapping_add(1) << 32) | link as u64
}

impl Drop for Pool {
    fn drop(&mut self) {
        for chunk in &self.chunks {
            let chunk = chunk.load(Acquire);
            if !chunk.is_null() {
                // SAFETY: `grow` made it with `Box::into_raw`, stored it once, and nobody has
                // the pool any more.
                drop(unsafe { Box::from_raw(chunk) });
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::lane::memory::PROGRAM;

    #[test]
    fn segments_rest_and_are_used_before_there_is_none() {
        let pool = Pool::new(&PROGRAM, None, 3);
        let taken: Vec<Segment> = (0..5).map(|_| pool.take().unwrap()).collect();
        taken.iter().for_each(|segment| pool.rest(*segment));
        // Of five, three rest: the two oldest are to be had, the last of them first.
        assert_eq!((pool.take(), pool.take()), (Some(taken[1]), Some(taken[0])));
        let others = core::iter::from_fn(|| pool.take()).take_while(|s| !taken.contains(s));
        assert!(others.count() > 1_000, "it grows first");
        // `take_while` has taken the first one that had rested.
        assert_eq!((pool.take(), pool.take()), (Some(taken[3]), Some(taken[4])));
        assert_eq!(pool.take(), None);
    }

    #[test]
    fn tags_go_around_at_their_end() {
        assert_eq!(retag(u64::MAX, 7), 7);
        let pool = Pool::new(&PROGRAM, None, 0);
        let first = pool.take().unwrap();
        let free = pool.free.load(Relaxed);
        pool.free.store(free | (u64::from(u32::MAX) << 32), Relaxed);
        let taken: Vec<Segment> = (0..2 * CHUNK_SEGMENTS).map(|_| pool.take().unwrap()).collect();
        let mut numbers: Vec<u32> = taken.iter().map(|segment| segment.0).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert!(numbers.len() == taken.len() && !numbers.contains(&first.0), "{numbers:?}");
        taken.into_iter().for_each(|segment| pool.give(segment));
        assert!(pool.take().is_some());
    }
}
