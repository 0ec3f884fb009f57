//! A frame: the typed values of one scope or span, in a block of memory with a reference count.
//!
//! Values never change after the frame is made, so any thread may read them. A frame of at most
//! [`INLINE_BYTES`] comes from a list of the thread's own and goes back to one; larger ones are
//! allocated by themselves.
//!
//! | word | written by | order | pairs with |
//! | --- | --- | --- | --- |
//! | values, `site`, `id`, `parent` | the maker, before anybody else knows the frame | plain | whatever handed the frame on |
//! | `owns_parent` | the thread whose stack it is on, before it hands the frame on | `Relaxed` | as above |
//! | `refs` | anybody | add `Relaxed`, subtract `AcqRel` | each other: the last one frees |
//!
//! A frame on a thread's stack only *borrows* the frame below it, which a guard keeps alive:
//! entering and leaving costs no locked instruction. As soon as a frame is handed on (a span, a
//! captured context), [`own`] makes it and all below it owners of their parents.

use core::alloc::Layout;
use core::cell::Cell;
use core::ptr;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};

use crate::site::callsite::Site;

/// Values up to here fit in the blocks that threads keep.
pub(crate) const INLINE_BYTES: usize = 256;
/// Blocks a thread keeps.
const KEPT_BLOCKS: u32 = 64;
/// Numbers a thread takes at a time.
const NUMBERS: u64 = 1 << 16;
/// So many references only come together where somebody forgets them: such a frame stays for ever.
/// A count that went around would free what is in use. `Arc` aborts there; a logger must not.
const TOO_MANY: u32 = 1 << 31;
/// What their number is then: whatever is given back, there is memory for less than half of it.
const PINNED: u32 = TOO_MANY + TOO_MANY / 2;

/// The head of a block; the values lie behind it.
#[repr(C)]
pub(crate) struct Frame {
    /// A number of its own in the process, never 0.
    pub(crate) id: u64,
    pub(crate) site: &'static Site,
    /// The frame around it; null for none. In a free block: the next free one.
    parent: Cell<*const Frame>,
    /// Whether this frame holds a reference to its parent.
    owns_parent: AtomicBool,
    /// Flags of its header: `Header::HAS_EXTRA`.
    pub(crate) flags: u8,
    /// Bytes of values.
    pub(crate) bytes: u32,
    /// Bytes there is room for.
    capacity: u32,
    refs: AtomicU32,
    /// Of a span: what keeps it open. Guards, handles and futures, not captured contexts.
    pub(crate) handles: AtomicU32,
    /// Of a span that is timed: when it was made, in ticks, else 0.
    pub(crate) opened: AtomicU64,
    /// The ticks that it was entered for, by those that have left it.
    pub(crate) busy: AtomicU64,
    /// Of a span: whether it was given other values since it was made (`updates`).
    #[cfg(feature = "tracing")]
    pub(crate) is_updated: AtomicBool,
}

const HEAD: usize = size_of::<Frame>();

/// In place of a spare block: this thread keeps none yet, or none any more.
const KEEPS_NONE: *mut Frame = ptr::without_provenance_mut(align_of::<Frame>());

thread_local! {
    /// The block that was freed last, in front of the list: most scopes are entered and left
    /// one after the other, which takes 8.9 ns this way and 11 by the list. Null when there
    /// is none, or [`KEEPS_NONE`].
    static SPARE: Cell<*mut Frame> = const { Cell::new(KEEPS_NONE) };
    /// This thread's other free blocks, linked by `parent`.
    static FREE: Cell<*mut Frame> = const { Cell::new(ptr::null_mut()) };
    /// How many there are in the list.
    static KEPT: Cell<u32> = const { Cell::new(0) };
    /// Whether this thread has kept blocks before.
    static HAS_KEPT: Cell<bool> = const { Cell::new(false) };
    /// The next number, and where this thread's numbers end.
    static NEXT_ID: Cell<u64> = const { Cell::new(0) };
    /// Frees spare and list when the thread ends.
    static SWEEP: Sweep = const { Sweep };
}

struct Sweep;

impl Drop for Sweep {
    fn drop(&mut self) {
        let spare = SPARE.replace(KEEPS_NONE); // what is freed from here on goes straight back
        if !spare.is_null() && spare != KEEPS_NONE {
            // SAFETY: a free block of this thread's, which nobody else knows.
            unsafe { deallocate(spare, INLINE_BYTES) }
        }
        while let Some(block) = take_listed() {
            // SAFETY: as above.
            unsafe { deallocate(block, INLINE_BYTES) }
        }
    }
}

/// A block of the list.
fn take_listed() -> Option<*mut Frame> {
    let block = FREE.get();
    // SAFETY: null, or a free block of this thread's list: its `parent` is the next one.
    let next = unsafe { block.as_ref() }?.parent.get();
    FREE.set(next.cast_mut());
    KEPT.set(KEPT.get().saturating_sub(1));
    Some(block)
}

/// Puts a free block into the list, or as the spare one; `false` when this thread keeps enough.
///
/// # Safety
/// `block` is of `INLINE_BYTES`, and nobody uses it any more.
#[cold]
#[inline(never)]
unsafe fn keep(block: *mut Frame) -> bool {
    if SPARE.get() == KEEPS_NONE {
        if HAS_KEPT.replace(true) || SWEEP.try_with(|_| ()).is_err() {
            return false; // the thread ends
        }
        SPARE.set(block);
        return true;
    }
    let kept = KEPT.get();
    if kept == KEPT_BLOCKS {
        return false;
    }
    // SAFETY: the block is this thread's alone.
    unsafe { (*block).parent.set(FREE.get()) };
    FREE.set(block);
    KEPT.set(kept + 1);
    true
}

fn layout(capacity: usize) -> Option<Layout> {
    Layout::from_size_align(HEAD.checked_add(capacity)?, align_of::<Frame>()).ok()
}

/// # Safety
/// `block` came from `allocate` with this capacity, and nobody uses it any more.
unsafe fn deallocate(block: *mut Frame, capacity: usize) {
    if let Some(layout) = layout(capacity) {
        // SAFETY: the caller's promise.
        unsafe { std::alloc::dealloc(block.cast(), layout) }
    }
}

/// A block with room for this many bytes of values, nothing in it initialised but its capacity;
/// null when there is no memory.
#[cold]
#[inline(never)]
fn allocate(bytes: usize) -> *mut Frame {
    if bytes <= INLINE_BYTES
        && let Some(block) = take_listed()
    {
        return block;
    }
    let capacity = bytes.max(INLINE_BYTES);
    let (Some(layout), Ok(room)) = (layout(capacity), u32::try_from(capacity)) else {
        return ptr::null_mut();
    };
    #[allow(clippy::cast_ptr_alignment)] // the layout is a frame's
    // SAFETY: the layout is not zero-sized.
    let block = unsafe { std::alloc::alloc(layout) }.cast::<Frame>();
    if !block.is_null() {
        // `Frame::values` comes from a reference to the head alone.
        let _ = block.expose_provenance();
        // SAFETY: a fresh block of that layout, for this thread alone.
        unsafe { (&raw mut (*block).capacity).write(room) };
    }
    block
}

/// A frame that its maker has not yet handed on.
pub(crate) struct Fresh(*mut Frame);

impl Fresh {
    /// One with room for `bytes` of values; `None` when there is no memory.
    #[inline(always)]
    pub(crate) fn new(site: &'static Site, bytes: usize, flags: u8) -> Option<Fresh> {
        let mut block = SPARE.get();
        if bytes > INLINE_BYTES || block.is_null() || block == KEEPS_NONE {
            block = allocate(bytes);
            if block.is_null() {
                return None;
            }
        } else {
            SPARE.set(ptr::null_mut());
        }
        // SAFETY: the block is this thread's alone, large enough for the head, and its capacity
        // stays as it was; every other field is written before a reference to it is made.
        unsafe {
            (&raw mut (*block).id).write(next_id());
            (&raw mut (*block).site).write(site);
            (&raw mut (*block).parent).write(Cell::new(ptr::null()));
            (&raw mut (*block).owns_parent).write(AtomicBool::new(false));
            (&raw mut (*block).flags).write(flags);
            #[allow(clippy::cast_possible_truncation)] // `allocate` has checked larger ones
            (&raw mut (*block).bytes).write(bytes as u32);
            (&raw mut (*block).refs).write(AtomicU32::new(1));
            (&raw mut (*block).handles).write(AtomicU32::new(1));
            (&raw mut (*block).opened).write(AtomicU64::new(0));
            (&raw mut (*block).busy).write(AtomicU64::new(0));
            #[cfg(feature = "tracing")]
            (&raw mut (*block).is_updated).write(AtomicBool::new(false));
        }
        Some(Fresh(block))
    }

    /// Where its values go: the `bytes` given to `new`.
    #[inline(always)]
    pub(crate) fn values(&mut self) -> *mut u8 {
        // SAFETY: `HEAD` is within the block.
        unsafe { self.0.cast::<u8>().add(HEAD) }
    }

    /// Its values, copied from where they were written.
    pub(crate) fn filled(mut self, values: &[u8]) -> *const Frame {
        let at = self.values();
        debug_assert_eq!(values.len(), self.frame().bytes as usize);
        let bytes = values.len().min(self.frame().bytes as usize);
        // SAFETY: the block has room for `bytes` behind its head, and is this thread's alone.
        unsafe { ptr::copy_nonoverlapping(values.as_ptr(), at, bytes) };
        self.0
    }

    /// # Safety
    /// All values are written.
    #[inline(always)]
    pub(crate) unsafe fn done(self) -> *const Frame {
        self.0
    }

    fn frame(&self) -> &Frame {
        // SAFETY: `new` has initialised the head.
        unsafe { &*self.0 }
    }
}

#[inline(always)]
fn next_id() -> u64 {
    let next = NEXT_ID.get();
    if next.is_multiple_of(NUMBERS) {
        return more_ids();
    }
    NEXT_ID.set(next.wrapping_add(1)); // the last of the last lot is a lot's end, too
    next
}

/// How many lots were given out.
static LOTS: AtomicU64 = AtomicU64::new(0);

/// In a forked child: numbers that neither the parent nor another child of it gives out.
pub(crate) fn number_anew() {
    let (seconds, nanos) = crate::sys::realtime();
    let here = u64::from(std::process::id()) << 32 ^ u64::from(nanos) ^ seconds.unsigned_abs();
    LOTS.store(super::trace::span_id_of(here) >> 24, Relaxed);
    NEXT_ID.set(0);
}

/// The first number of a new lot, which is never given out by another thread.
#[cold]
fn more_ids() -> u64 {
    // The first number of each lot stands for "take another lot".
    let first = first_of(LOTS.fetch_add(1, Relaxed));
    NEXT_ID.set(first + 1);
    first
}

fn first_of(lot: u64) -> u64 {
    lot.wrapping_mul(NUMBERS) + 1
}

impl Frame {
    /// The frame around it, or null.
    #[inline(always)]
    pub(crate) fn parent(&self) -> *const Frame {
        self.parent.get()
    }

    /// Its values' bytes.
    pub(crate) fn values(&self) -> &[u8] {
        let at = ptr::with_exposed_provenance::<u8>(ptr::from_ref(self).addr() + HEAD);
        // SAFETY: `Fresh::done`'s caller has written `bytes` bytes behind the head, in the block
        // that `allocate` has exposed.
        unsafe { core::slice::from_raw_parts(at, self.bytes as usize) }
    }

    /// Says what is around it. Before it is handed on, once.
    #[inline(always)]
    pub(crate) fn set_parent(&self, parent: *const Frame, is_owned: bool) {
        self.parent.set(parent);
        self.owns_parent.store(is_owned, Relaxed);
    }
}

impl Frame {
    fn add_ref(&self) {
        if self.refs.fetch_add(1, Relaxed) >= TOO_MANY {
            self.refs.store(PINNED, Relaxed);
        }
    }
}

/// One more reference to a frame (or to nothing), after which it and all around it may be
/// handed to other threads.
///
/// # Safety
/// `frame` is null or alive, and on this thread's stack or owned already.
pub(crate) unsafe fn own(frame: *const Frame) -> *const Frame {
    let mut next = frame;
    // SAFETY: the frames around a live frame are alive: it owns them, or this thread's guards do.
    while let Some(inner) = unsafe { next.as_ref() } {
        if inner.owns_parent.load(Relaxed) {
            break;
        }
        // SAFETY: as above.
        if let Some(parent) = unsafe { inner.parent.get().as_ref() } {
            parent.add_ref();
        }
        inner.owns_parent.store(true, Relaxed);
        next = inner.parent.get();
    }
    // SAFETY: by the caller's promise.
    if let Some(frame) = unsafe { frame.as_ref() } {
        frame.add_ref();
    }
    frame
}

/// Gives one reference back.
///
/// # Safety
/// `frame` is null, or the caller has a reference to it that it uses no more.
#[inline(always)]
pub(crate) unsafe fn release(frame: *const Frame) {
    // SAFETY: by the caller's promise.
    let Some(alive) = (unsafe { frame.as_ref() }) else { return };
    // Nobody else has one: no locked instruction.
    if alive.refs.load(Acquire) == 1 || alive.refs.fetch_sub(1, AcqRel) == 1 {
        // SAFETY: this was the last reference.
        unsafe { free(frame.cast_mut()) }
    }
}

/// # Safety
/// Nobody has a reference to it any more.
#[inline(always)]
unsafe fn free(frame: *mut Frame) {
    // SAFETY: alive until the end of this function, by the caller's promise.
    let (capacity, parent) = unsafe {
        let owned = (*frame).owns_parent.load(Relaxed);
        ((*frame).capacity as usize, if owned { (*frame).parent.get() } else { ptr::null() })
    };
    if capacity == INLINE_BYTES && SPARE.get().is_null() {
        SPARE.set(frame);
    } else {
        // SAFETY: `allocate` made it with this capacity, and nobody uses it any more.
        unsafe {
            if capacity != INLINE_BYTES || !keep(frame) {
                deallocate(frame, capacity);
            }
        }
    }
    if !parent.is_null() {
        // SAFETY: the frame's own reference.
        unsafe { release_all(parent) }
    }
}

/// # Safety
/// As for `release`.
#[cold]
#[inline(never)]
unsafe fn release_all(mut frame: *const Frame) {
    // A loop, not a recursion: chains may be long.
    // SAFETY: by the caller's promise, and then the reference that the freed frame had.
    while let Some(alive) = unsafe { frame.as_ref() } {
        if alive.refs.fetch_sub(1, AcqRel) != 1 {
            return;
        }
        let owned = alive.owns_parent.load(Relaxed);
        let parent = if owned { alive.parent.get() } else { ptr::null() };
        alive.owns_parent.store(false, Relaxed);
        // SAFETY: the last reference; it owns no parent any more, so this goes no deeper.
        unsafe { free(frame.cast_mut()) };
        frame = parent;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static SITE: Site = Site::new(255, 1, "0:.m\nf");

    #[test]
    fn references_that_are_forgotten_free_nothing_that_is_in_use() {
        for start in [TOO_MANY - 100, u32::MAX - 100] {
            let frame = Fresh::new(&SITE, 0, 0).unwrap().filled(&[]);
            // SAFETY: a frame of this thread's, whose references are counted by hand: there is
            // one, and it is alive until the last line.
            unsafe {
                (*frame).refs.store(start, Relaxed);
                for _ in 0..200 {
                    assert_eq!(own(frame), frame);
                }
                let around = Fresh::new(&SITE, 0, 0).unwrap().filled(&[]);
                (*around).set_parent(frame, false);
                release(own(around));
                release(around);
                assert!((*frame).refs.load(Relaxed) > PINNED - 200, "{start}");
                for _ in 0..10_000 {
                    release(frame);
                }
                assert!((*frame).refs.load(Relaxed) > TOO_MANY, "{start}");
                (*frame).refs.store(1, Relaxed);
                release(frame);
            }
        }
    }

    #[test]
    fn numbers_are_never_0_and_never_the_same_where_a_lot_ends() {
        let last = u64::MAX / NUMBERS;
        for lot in [0, 1, (1 << 16) - 1, 1 << 16, last - 1, last] {
            let first = first_of(lot);
            assert_eq!(first % NUMBERS, 1);
            NEXT_ID.set(first + (NUMBERS - 3));
            let ids: Vec<_> = (0..4).map(|_| next_id()).collect();
            assert_eq!(ids[..2], [first + (NUMBERS - 3), first + (NUMBERS - 2)], "lot {lot}");
            // What follows is of a new lot, and not where the last one would go on.
            assert_eq!((ids[2] % NUMBERS, ids[3] - ids[2]), (1, 1), "lot {lot}");
        }
        // Not in a million years: then from the start.
        assert_eq!(first_of(last + 1), first_of(0));
    }
}
