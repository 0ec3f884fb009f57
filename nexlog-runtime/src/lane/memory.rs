//! Where bytes come from: the one seam between everything that buffers and an allocator.
//!
//! Lanes, scratch and batches ask here and nowhere else, so that `Builder::allocator` reaches
//! all of them, and so that lanes can come from a mapped file by another constructor of
//! [`Memory`]. All memory is handed out initialised (zeroed): what sits on top is safe code.
//! A refused allocation is a value (`None`, `false`), never an abort.

use core::alloc::{GlobalAlloc, Layout};
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;

/// The allocator a logger uses.
pub type Allocator = &'static (dyn GlobalAlloc + Sync);

/// The program's own allocator, as a `GlobalAlloc` value.
pub struct ProgramAllocator;

// SAFETY: each method forwards to the program's global allocator with the same arguments, so
// its contract holds because theirs does.
unsafe impl GlobalAlloc for ProgramAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps `GlobalAlloc::alloc`'s contract.
        unsafe { std::alloc::alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps `GlobalAlloc::dealloc`'s contract.
        unsafe { std::alloc::dealloc(ptr, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps `GlobalAlloc::alloc_zeroed`'s contract.
        unsafe { std::alloc::alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller keeps `GlobalAlloc::realloc`'s contract.
        unsafe { std::alloc::realloc(ptr, layout, new_size) }
    }
}

/// The default for every logger.
pub static PROGRAM: ProgramAllocator = ProgramAllocator;

/// Alignment of every block: two cache lines, so that neighbours never share a prefetched pair.
const ALIGN: usize = 128;

/// From this size on blocks are asked for with the alignment of every allocator, and room to move
/// their start: zeroed memory of a larger alignment is zeroed by hand, where else the system gives
/// pages that are zero, one by one as they are used. A MiB by hand takes half a millisecond.
const LARGE: usize = 64 << 10;
const PLAIN_ALIGN: usize = 16;

/// An owned block of initialised bytes.
pub struct Memory {
    /// Dangling exactly when `len` is 0, else in the block at `block`.
    ptr: NonNull<u8>,
    /// From `allocator` with `Self::layout(len)`, if `len` is not 0.
    block: NonNull<u8>,
    len: usize,
    allocator: Allocator,
}

// SAFETY: a `Memory` owns its bytes alone, like a `Vec<u8>`, and its allocator is `Sync`.
unsafe impl Send for Memory {}
// SAFETY: `&Memory` gives out `&[u8]` and a raw pointer only; see `Send` for the allocator.
unsafe impl Sync for Memory {}

impl Memory {
    /// No bytes, no allocation.
    pub const fn empty(allocator: Allocator) -> Memory {
        Memory { ptr: NonNull::dangling(), block: NonNull::dangling(), len: 0, allocator }
    }

    /// `len` zero bytes, or `None` when the allocator refuses.
    pub fn zeroed(allocator: Allocator, len: usize) -> Option<Memory> {
        if len == 0 {
            return Some(Memory::empty(allocator));
        }
        let layout = Self::layout(len)?;
        // SAFETY: `len` is not 0, so the layout is not zero-sized.
        let block = NonNull::new(unsafe { allocator.alloc_zeroed(layout) })?;
        let skipped = block.as_ptr().addr().next_multiple_of(ALIGN) - block.as_ptr().addr();
        // SAFETY: less than `ALIGN`: 0 for a block of that alignment, and else a large one has
        // that much more than `len`.
        let ptr = unsafe { block.add(skipped) };
        Some(Memory { ptr, block, len, allocator })
    }

    /// Makes it `len` bytes long at least, keeping what is there and zeroing the rest. `false`
    /// and no change when the allocator refuses.
    pub fn grow(&mut self, len: usize) -> bool {
        if len <= self.len {
            return true;
        }
        let Some(mut bigger) = Memory::zeroed(self.allocator, len) else { return false };
        bigger[..self.len].copy_from_slice(self);
        *self = bigger;
        true
    }

    /// The first byte, for the lane code that shares the block between threads.
    pub fn as_ptr(&self) -> *mut u8 {
        self.ptr.as_ptr()
    }

    fn layout(len: usize) -> Option<Layout> {
        if len < LARGE {
            return Layout::from_size_align(len, ALIGN).ok();
        }
        Layout::from_size_align(len.checked_add(ALIGN)?, PLAIN_ALIGN).ok()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if let (true, Some(layout)) = (self.len > 0, Self::layout(self.len)) {
            // SAFETY: by the field invariant `block` came from `allocator` with this layout, and
            // nobody uses it after the drop.
            unsafe { self.allocator.dealloc(self.block.as_ptr(), layout) }
        }
    }
}

impl Deref for Memory {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: `ptr` is valid for `len` initialised bytes (dangling and aligned when 0).
        unsafe { core::slice::from_raw_parts(self.ptr.as_ptr(), self.len) }
    }
}

/// As `Box::new`, but gives the value back where that would end the program for lack of memory.
pub(crate) fn try_box<T>(value: T) -> Result<Box<T>, T> {
    let layout = Layout::new::<T>();
    if layout.size() == 0 {
        return Ok(Box::new(value)); // takes none
    }
    // SAFETY: not a zero-sized layout.
    let place = unsafe { std::alloc::alloc(layout) }.cast::<T>();
    if place.is_null() {
        return Err(value);
    }
    // SAFETY: fresh memory for a `T`, from the allocator that boxes are given back to.
    unsafe {
        place.write(value);
        Ok(Box::from_raw(place))
    }
}

/// As `push`. `false`, and no change, when there is no memory.
pub(crate) fn try_push<T>(list: &mut Vec<T>, item: T) -> bool {
    let has_room = list.try_reserve(1).is_ok();
    if has_room {
        list.push(item);
    }
    has_room
}

/// As `collect`; `None` when there is no memory.
pub(crate) fn try_collect<T>(items: impl Iterator<Item = T>) -> Option<Vec<T>> {
    let mut list = Vec::new();
    list.try_reserve_exact(items.size_hint().0).ok()?;
    for item in items {
        if !try_push(&mut list, item) {
            return None;
        }
    }
    Some(list)
}

/// As `to_owned`; `None` when there is no memory.
pub(crate) fn try_text(text: &str) -> Option<String> {
    let mut copy = String::new();
    copy.try_reserve_exact(text.len()).ok()?;
    copy.push_str(text);
    Some(copy)
}

impl DerefMut for Memory {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`, and `&mut self` makes the access exclusive.
        unsafe { core::slice::from_raw_parts_mut(self.ptr.as_ptr(), self.len) }
    }
}
