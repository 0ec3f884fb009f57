//! A lane: records of one thread, written by that thread, read by whoever drains.
//!
//! Positions are u64 and only grow: `position / SEGMENT_BYTES` counts the lane's segments,
//! `position % SEGMENT_BYTES` is the place in one. A segment begins with whose it is; records never
//! cross its end; a pad marks where it stops. The producer writes bytes behind its own position, then moves
//! `published`. The drainer reads up to `published`, then moves `consumed` and gives passed
//! segments back.
//!
//! | word | written by | order | pairs with |
//! | --- | --- | --- | --- |
//! | `Producer::*` | the owning thread | plain | handed on by `owned` |
//! | `published` | the owning thread | `Release` in `commit` | `Acquire` in `Lane::unread` |
//! | `consumed` | the drainer, under the pipeline mutex | `Release` in `release` | `Acquire` in `next_segment` |
//!
//! Both lie in the mapped file where there is one (`crash`), and so do the segments. There whoever
//! comes after a kill reads from `consumed` to `published`; so `consumed` moves before a segment is
//! given back, and a segment says whose it is before anything is published in it.
//!
//! | word | written by | order | pairs with |
//! | --- | --- | --- | --- |
//! | `owned` | anybody | claim: CAS `Acquire`; leave: store `Release` | each other |
//!
//! While there is room in the segment the producer reads no word that another thread writes,
//! except the deadline, once, after the commit.

use core::cell::{Cell, UnsafeCell};
use core::ptr::NonNull;
use core::sync::atomic::AtomicU64 as CoreAtomicU64;

use super::cursor::Cursor;
use super::memory::try_box;
use super::pool::{Pool, SEGMENT_BYTES, Segment};
use super::words::{Padded, Words};
use crate::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use crate::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64};
use crate::value::wire::{HEADER_BYTES, Header, Kind};

pub(super) const SEGMENT: u64 = SEGMENT_BYTES as u64;
/// Where a lane begins: behind the first segment's head.
pub(super) const START: u64 = HEADER_BYTES as u64;

/// What the owning thread needs at each call, in one cache line.
#[repr(C)]
pub(crate) struct Producer {
    /// Where the next record goes; a multiple of 8.
    position: Cell<u64>,
    /// `position` may grow to here: the segment's end less a pad. 0 where there is no room
    /// because there is no lane, or because every record has to take the long way.
    limit: Cell<u64>,
    /// Added to a position of the current segment it gives the address.
    base: Cell<*mut u8>,
    /// [`Words::published`] of the lane.
    published: *const AtomicU64,
    /// When `now` has reached this, the caller has something to do after its commit.
    deadline: *const AtomicU64,
    /// Records committed, by all owners so far.
    accepted: CoreAtomicU64,
    /// What a position of this lane is told from that of another by.
    seed: u64,
    /// The lane this is part of; null in [`NOBODY`].
    lane: Cell<*const Lane>,
    segment: Cell<Segment>,
    /// Frames that lie in the current segment, by the lower bits of their numbers: number and
    /// position. Some may be missing. Forgotten with the segment: each is read by itself.
    frames: [Cell<(u64, u64)>; FRAMES],
}

/// How many frames a producer remembers.
const FRAMES: usize = 8;
/// No frame has this number.
const NO_FRAME: (u64, u64) = (0, 0);

/// The producer of threads that have no lane: never has room.
pub(crate) struct Nobody(Producer);

// SAFETY: with a limit of 0 `reserve` fails before it changes a cell, so `NOBODY` is only read.
unsafe impl Sync for Nobody {}

static NOBODY: Nobody = Nobody(Producer {
    position: Cell::new(0),
    limit: Cell::new(0),
    base: Cell::new(core::ptr::null_mut()),
    published: core::ptr::null(),
    deadline: core::ptr::null(),
    accepted: CoreAtomicU64::new(0),
    seed: 0,
    lane: Cell::new(core::ptr::null()),
    segment: Cell::new(Segment::NONE),
    frames: [const { Cell::new(NO_FRAME) }; FRAMES],
});

impl Nobody {
    pub(crate) const fn get() -> *const Producer {
        &raw const NOBODY.0
    }
}

impl Producer {
    /// Room for `bytes` (a multiple of 8, not 0), or `None` when the long way is due.
    #[inline(always)]
    pub(crate) fn reserve(&self, bytes: usize) -> Option<*mut u8> {
        let position = self.position.get();
        // `position <= limit` where there is a lane; the subtraction cannot be made to pass by
        // a huge `bytes`.
        if (bytes as u64) <= self.limit.get().saturating_sub(position) {
            #[allow(clippy::cast_possible_truncation)] // 64-bit positions wrap like addresses
            Some(self.base.get().wrapping_add(position as usize))
        } else {
            None
        }
    }

    /// Where the next record goes, for its header: no other place of any lane is the same number.
    #[inline(always)]
    pub(crate) fn place(&self) -> u64 {
        self.position.get().wrapping_add(self.seed)
    }

    /// How far behind the next record, in units of 8 bytes, the frame of this number lies in its
    /// segment; `None` when that is not known.
    #[inline(always)]
    pub(crate) fn distance_to(&self, frame: u64) -> Option<u16> {
        #[allow(clippy::cast_possible_truncation)] // the lower bits
        let (number, position) = self.frames[frame as usize % FRAMES].get();
        #[allow(clippy::cast_possible_truncation)] // less than a segment
        (number == frame).then(|| ((self.position.get() - position) / 8) as u16)
    }

    /// Says that the next record is this frame.
    pub(crate) fn remember_frame(&self, frame: u64) {
        #[allow(clippy::cast_possible_truncation)] // the lower bits
        self.frames[frame as usize % FRAMES].set((frame, self.position.get()));
    }

    /// Makes the reserved and now written bytes a record.
    ///
    /// # Safety
    /// The last `reserve` on this producer succeeded with the same `bytes`, by this thread, and
    /// a whole record was written there.
    #[inline(always)]
    pub(crate) unsafe fn commit(&self, bytes: usize) {
        // Single writer: a plain add without a locked instruction.
        self.accepted.store(self.accepted.load(Relaxed) + 1, Relaxed);
        // SAFETY: the caller's promise.
        unsafe { self.publish(bytes) }
    }

    /// The same for what is not a user's record: a thread's name, the logger's own records.
    ///
    /// # Safety
    /// As for `commit`.
    #[inline(always)]
    pub(crate) unsafe fn publish(&self, bytes: usize) {
        let position = self.position.get() + bytes as u64;
        self.position.set(position);
        // SAFETY: `reserve` succeeded, so this is not `NOBODY` and `lane` is the lane around it.
        #[cfg(loom)]
        unsafe { &*self.lane.get() }.touch_write(position - bytes as u64, bytes);
        // SAFETY: as above: the lane's words live as long as the lane.
        unsafe { &*self.published }.store(position, Release); // pairs with `unread`
    }

    /// The lane this is part of.
    ///
    /// # Safety
    /// The lane lives for `'a`.
    pub(crate) unsafe fn lane<'a>(&self) -> Option<&'a Lane> {
        // SAFETY: null, or the lane around it, by the caller's promise alive.
        unsafe { self.lane.get().as_ref() }
    }

    /// Whether the caller has something to do after the commit of a record made at `now`.
    ///
    /// # Safety
    /// As for `commit`: this is not `NOBODY`.
    #[inline(always)]
    pub(crate) unsafe fn is_due(&self, now: u64) -> bool {
        // SAFETY: set by `Lane::new` to the deadline of the lane's logger, which outlives it.
        now >= unsafe { &*self.deadline }.load(Relaxed)
    }
}

/// What the drainer keeps about a lane. Only touched under the pipeline mutex.
struct Reader {
    /// The segment that `consumed` lies in.
    segment: Segment,
    /// [`Words::consumed`] once more, where it is our own.
    consumed: u64,
    /// Whether some of what lies before was no record.
    is_damaged: bool,
}

/// One thread's buffer.
pub(crate) struct Lane {
    producer: Padded<Producer>,
    words: NonNull<Words>,
    /// They are from a `Box`, and not in a mapped file.
    owns_words: bool,
    reader: UnsafeCell<Reader>,
    /// Whether some thread writes here.
    owned: AtomicBool,
    /// Segments this lane may hold.
    max_segments: u64,
    /// Whether records may take the short way.
    fast: bool,
    /// The lane that was made before this one.
    pub(super) next: AtomicPtr<Lane>,
    /// Its number in the list, for tables beside it.
    number: usize,
    #[cfg(loom)]
    pool: *const Pool,
}

// SAFETY: `producer` is used by the thread that set `owned`, `reader` under the pipeline mutex;
// `words` lives as long as the lane; the rest is atomic.
unsafe impl Sync for Lane {}
// SAFETY: nothing in it belongs to a particular thread.
unsafe impl Send for Lane {}

/// Why a lane gives no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The lane holds as many segments as it may.
    Full,
    /// The pool is exhausted.
    NoMemory,
}

impl Lane {
    /// Bytes a record may have at most to fit in a lane at all: a segment less its head and a pad.
    pub(crate) const MAX_RECORD_BYTES: usize = SEGMENT_BYTES - 2 * HEADER_BYTES;

    /// A lane owned by the caller, that begins with this segment; `None` when there is no memory.
    /// `words` are zeros that nobody
    /// else has, and live as long as the lane; `None` for some of its own.
    pub(crate) fn new(
        pool: &Pool,
        (number, segment): (usize, Segment),
        words: Option<NonNull<Words>>,
        deadline: *const AtomicU64,
        max_segments: u64,
        fast: bool,
    ) -> Option<Box<Lane>> {
        let owns_words = words.is_none();
        let words = match words {
            Some(words) => words,
            None => NonNull::from(Box::leak(try_box(Words::new()).ok()?)),
        };
        // SAFETY: the caller's promise, or our own.
        let shared = unsafe { words.as_ref() };
        let lane = Lane {
            producer: Padded(Producer {
                position: Cell::new(START),
                limit: Cell::new(if fast { SEGMENT - HEADER_BYTES as u64 } else { 0 }),
                base: Cell::new(pool.address(segment)),
                published: core::ptr::from_ref(shared.published()),
                deadline,
                accepted: CoreAtomicU64::new(0),
                seed: Lane::seed(number),
                lane: Cell::new(core::ptr::null()),
                segment: Cell::new(segment),
                frames: [const { Cell::new(NO_FRAME) }; FRAMES],
            }),
            words,
            owns_words,
            reader: UnsafeCell::new(Reader { segment, consumed: START, is_damaged: false }),
            owned: AtomicBool::new(true),
            max_segments: max_segments.max(2),
            fast,
            next: AtomicPtr::new(core::ptr::null_mut()),
            number,
            #[cfg(loom)]
            pool,
        };
        let lane = try_box(lane).ok()?; // refused, it gives its words back
        // In this order: a segment whose lane nobody knows would be taken for damage if the process
        // were killed in between.
        shared.consumed().store(START, Relaxed);
        shared.published().store(START, Release);
        core::sync::atomic::fence(Release);
        lane.begin_segment(pool.address(segment), 0);
        #[cfg(loom)]
        pool.touch(segment, 0..HEADER_BYTES, true);
        Some(lane)
    }

    /// What the places of a lane's records are told from those of others by.
    pub(crate) fn seed(number: usize) -> u64 {
        (number as u64 + 1) << 44
    }

    /// Says whose segment it is that begins at this position.
    fn begin_segment(&self, at: *mut u8, start: u64) {
        #[allow(clippy::cast_possible_truncation)] // 24
        let head = Header {
            site: core::ptr::without_provenance(self.number),
            ticks: start / SEGMENT,
            bytes: HEADER_BYTES as u32,
            frame: 0,
            level: 0,
            kind: Kind::Segment as u8,
        };
        // SAFETY: the first bytes of a segment that was just taken; nobody else has it.
        unsafe { head.write(at, start.wrapping_add(self.producer.0.seed)) };
    }

    fn words(&self) -> &Words {
        // SAFETY: they live as long as the lane (`new`).
        unsafe { self.words.as_ref() }
    }

    /// Tells the producer where its lane lies. Before it is shared.
    pub(super) fn settle(&self) {
        self.producer.0.lane.set(self);
    }

    /// The owning thread's part.
    pub(crate) fn producer(&self) -> &Producer {
        &self.producer.0
    }

    /// Its number in the list.
    pub(crate) fn number(&self) -> usize {
        self.number
    }

    /// Becomes the owner if there is none.
    pub(crate) fn claim(&self) -> bool {
        !self.owned.load(Relaxed)
            && self.owned.compare_exchange(false, true, Acquire, Relaxed).is_ok()
    }

    /// Ends the ownership. What was committed stays and is drained as ever.
    pub(crate) fn leave(&self) {
        self.owned.store(false, Release); // pairs with `claim`
    }

    /// Records committed so far.
    pub(crate) fn accepted(&self) -> u64 {
        self.producer.0.accepted.load(Relaxed)
    }

    /// Back to 0, in a forked child, where no other thread is.
    pub(crate) fn forget_count(&self) {
        self.producer.0.accepted.store(0, Relaxed);
    }

    /// The end of what is committed.
    pub(crate) fn published(&self) -> u64 {
        self.words().published().load(Acquire) // pairs with `commit`
    }

    /// The end of what has been drained.
    pub(crate) fn consumed(&self) -> u64 {
        self.words().consumed().load(Acquire) // pairs with `release`
    }

    /// Segments that are in use, from the owner's view.
    pub(crate) fn held_segments(&self) -> u64 {
        self.producer.0.position.get() / SEGMENT - self.consumed() / SEGMENT + 1
    }

    /// Whether more than half of the lane's segments are in use: of two, one always is.
    pub(crate) fn is_half_full(&self) -> bool {
        self.held_segments() * 2 > self.max_segments
    }

    /// The owner's long way to room for `bytes`, which must not pass
    /// [`Self::MAX_RECORD_BYTES`]: takes the next segment when this one has no room.
    pub(crate) fn reserve(&self, pool: &Pool, bytes: usize) -> Result<*mut u8, Refusal> {
        debug_assert!(bytes <= Self::MAX_RECORD_BYTES);
        if !self.has_room(bytes) {
            self.next_segment(pool)?;
        }
        let producer = &self.producer.0;
        #[allow(clippy::cast_possible_truncation)] // as in `Producer::reserve`
        Ok(producer.base.get().wrapping_add(producer.position.get() as usize))
    }

    /// Whether the current segment has room for `bytes`.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        let position = self.producer.0.position.get();
        let end = (position / SEGMENT + 1) * SEGMENT - HEADER_BYTES as u64;
        position + bytes as u64 <= end
    }

    /// Ends the current segment with a pad and goes on in a new one.
    fn next_segment(&self, pool: &Pool) -> Result<(), Refusal> {
        if self.held_segments() >= self.max_segments {
            return Err(Refusal::Full);
        }
        let next = pool.take().ok_or(Refusal::NoMemory)?;
        let producer = &self.producer.0;
        let position = producer.position.get();
        #[allow(clippy::cast_possible_truncation)] // 24
        let pad = Header {
            site: core::ptr::null(),
            ticks: 0,
            bytes: HEADER_BYTES as u32,
            frame: 0,
            level: 0,
            kind: Kind::Pad as u8,
        };
        #[allow(clippy::cast_possible_truncation)] // as in `Producer::reserve`
        let at = producer.base.get().wrapping_add(position as usize);
        // SAFETY: positions stop a header's size before the segment's end and are multiples of
        // 8 in 128-aligned memory; nothing behind `position` is published, so nobody reads it.
        unsafe { pad.write(at, producer.place()) };
        #[cfg(loom)]
        self.touch_write(position, HEADER_BYTES);
        pool.link(producer.segment.get(), next);
        let start = (position / SEGMENT + 1) * SEGMENT;
        self.begin_segment(pool.address(next), start);
        producer.position.set(start + START);
        producer.limit.set(if self.fast { start + SEGMENT - HEADER_BYTES as u64 } else { 0 });
        producer.segment.set(next);
        producer.frames.iter().for_each(|frame| frame.set(NO_FRAME));
        #[allow(clippy::cast_possible_truncation)] // wraps back in `reserve`
        producer.base.set(pool.address(next).wrapping_sub(start as usize));
        #[cfg(loom)]
        self.touch_write(start, HEADER_BYTES);
        Ok(())
    }

    /// Tells loom which bytes of the current segment the owner has written.
    #[cfg(loom)]
    fn touch_write(&self, position: u64, bytes: usize) {
        let within = (position % SEGMENT) as usize;
        // SAFETY: the models keep the pool for as long as its lanes.
        let pool = unsafe { &*self.pool };
        pool.touch(self.producer.0.segment.get(), within..within + bytes, true);
    }

    /// What can be read now. Only under the pipeline mutex.
    ///
    /// # Safety
    /// The caller holds the pipeline mutex of the lane's logger until the cursor is gone or
    /// given to `release`.
    pub(crate) unsafe fn unread(&self) -> Cursor {
        // SAFETY: the mutex makes this the only access to `reader`.
        let segment = unsafe { (*self.reader.get()).segment };
        // Our own number, not the one in a file that somebody may have cut.
        // SAFETY: as above.
        let (position, is_damaged) = unsafe {
            let reader = &*self.reader.get();
            (reader.consumed, reader.is_damaged)
        };
        Cursor::new(position, self.published(), segment, is_damaged)
    }

    /// Gives back all that lies before the cursor.
    ///
    /// # Safety
    /// As for `unread`; the cursor came from there, and nobody reads the records it passed.
    pub(crate) unsafe fn release(&self, pool: &Pool, cursor: &Cursor) {
        // SAFETY: as in `unread`.
        let reader = unsafe { &mut *self.reader.get() };
        // Before a segment can be another lane's.
        self.words().consumed().store(cursor.position(), Release); // pairs with `consumed`
        (reader.consumed, reader.is_damaged) = (cursor.position(), cursor.is_damaged());
        while reader.segment != cursor.segment() {
            let next = pool.linked(reader.segment);
            pool.rest(reader.segment);
            reader.segment = next;
        }
    }

    /// Goes over all that is there without reading it, in a forked child: bytes and words of a
    /// mapped file are not the child's, and zeros are in their place.
    ///
    /// # Safety
    /// As for `unread`; and no other thread of this process has the lane.
    pub(crate) unsafe fn skip(&self, pool: &Pool) {
        // SAFETY: as in `unread`.
        let reader = unsafe { &mut *self.reader.get() };
        let producer = &self.producer.0;
        let end = producer.position.get();
        for _ in reader.consumed / SEGMENT..end / SEGMENT {
            let next = pool.linked(reader.segment);
            pool.rest(reader.segment);
            reader.segment = next;
        }
        reader.consumed = end;
        producer.frames.iter().for_each(|frame| frame.set(NO_FRAME));
        self.words().consumed().store(end, Relaxed);
        self.words().published().store(end, Relaxed);
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if self.owns_words {
            // SAFETY: from `Box::leak` in `new`, and nobody else has the lane any more.
            drop(unsafe { Box::from_raw(self.words.as_ptr()) });
        }
    }
}
