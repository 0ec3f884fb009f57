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
}

// SAFETY: a chunk's bytes belong to whoever has taken a segment of it; the rest is atomic.
unsafe impl Send for Chunk {}
// SAFETY: as above.
unsafe impl Sync for Chunk {}

impl Pool {
    /// An empty pool.
    pub(crate) fn new(allocator: Allocator, ring: Option<Arc<Ring>>) -> Pool {
        Pool {
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

    /// The lock under which it grows, for a fork.
    #[cfg(not(loom))]
    pub(crate) fn hold(&'static self, end: std::time::Instant) -> Option<Box<dyn core::any::Any>> {
        crate::pipeline::fork::hold(&self.growing, end)
    }

    /// The model checker's locks are its own, and it does not fork.
    #[cfg(loom)]
    pub(crate) fn hold(&'static self, _: std::time::Instant) -> Option<Box<dyn core::any::Any>> {
        None
    }

    /// A segment that nobody else has, or `None` when neither the pool nor its allocator has
    /// one.
    pub(crate) fn take(&self) -> Option<Segment> {
        self.pop().or_else(|| self.grow())
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
    fn tags_go_around_at_their_end() {
        assert_eq!(retag(u64::MAX, 7), 7);
        let pool = Pool::new(&PROGRAM, None);
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
