//! A thread's innermost frame, and how it changes.
//!
//! There is no list of what was entered: each guard remembers what was innermost before it, and
//! puts that back. Guards that are dropped in the order they should are two stores. The others:
//!
//! - A guard dropped while something entered later is still on only notes that its frame has
//!   ended ([`Ended`]). When the later one is left, what it puts back is looked up there.
//! - A [`Bound`] (an instrumented function, a poll, a closure in a context) puts back what was
//!   before it whatever is on: guards made inside and leaked, or carried away, end with it.
//!   Dropping such a guard later changes nothing.

use core::cell::Cell;
use core::ptr;

use super::frame::{Frame, release};

thread_local! {
    static CURRENT: Cell<*const Frame> = const { Cell::new(ptr::null()) };
    /// Frames that ended while something inside them was on. A raw pointer, so that this
    /// thread-local has no destructor; null when there are none.
    static ENDED: Cell<*mut Vec<Ended>> = const { Cell::new(ptr::null_mut()) };
    /// How many empty contexts are on over something: nothing is innermost then, and yet
    /// something will be put back.
    static HIDDEN: Cell<u32> = const { Cell::new(0) };
}

/// A frame that is over, and what was before it. Keeps its reference.
struct Ended {
    frame: *const Frame,
    before: *const Frame,
}

/// This thread's innermost frame, or null. Alive as long as nothing is left.
#[inline(always)]
pub(crate) fn current() -> *const Frame {
    CURRENT.get()
}

/// Makes `frame` the innermost; returns what was before.
#[inline(always)]
pub(crate) fn enter(frame: *const Frame) -> *const Frame {
    CURRENT.replace(frame)
}

/// Leaves a frame that was entered when `before` was innermost, and gives back one reference
/// to it.
///
/// # Safety
/// The caller's guard holds that reference, and `before` is what `enter` returned to it.
#[inline(always)]
pub(crate) unsafe fn leave(frame: *const Frame, before: *const Frame) {
    if CURRENT.get() == frame {
        restore(before);
        // SAFETY: the caller's promise.
        unsafe { release(frame) }
    } else {
        end_below(frame, before);
    }
}

/// What `leave` does for guards whose user cannot have left anything above them on purpose:
/// puts back `before` whatever is on.
///
/// # Safety
/// As for `leave`.
#[inline(always)]
pub(crate) unsafe fn leave_bound(frame: *const Frame, before: *const Frame) {
    if CURRENT.get() != frame {
        detach_down_to(frame);
    }
    restore(before);
    // SAFETY: the caller's promise.
    unsafe { release(frame) }
}

/// A frame that is on, or nothing, until this is dropped, whatever was entered since: a poll, a
/// closure in a context. Owns no reference.
pub(crate) struct Bound {
    frame: *const Frame,
    before: *const Frame,
}

impl Bound {
    /// # Safety
    /// `frame` is null or stays alive until the bound is dropped, by this thread.
    #[inline(always)]
    pub(crate) unsafe fn enter(frame: *const Frame) -> Bound {
        Bound { frame, before: if frame.is_null() { hide() } else { enter(frame) } }
    }
}

impl Drop for Bound {
    #[inline(always)]
    fn drop(&mut self) {
        if CURRENT.get() != self.frame {
            detach_down_to(self.frame);
        }
        if self.frame.is_null() && !self.before.is_null() {
            HIDDEN.set(HIDDEN.get().saturating_sub(1));
        }
        restore(self.before);
    }
}

/// Makes nothing the innermost frame; returns what was before.
#[cold]
pub(crate) fn hide() -> *const Frame {
    let before = enter(ptr::null());
    if !before.is_null() {
        HIDDEN.set(HIDDEN.get() + 1);
    }
    before
}

/// The guard's end of `hide`, where it returned something. Dropped out of order, it is a frame
/// that ended, with nothing in it.
#[cold]
pub(crate) fn unhide(before: *const Frame) {
    HIDDEN.set(HIDDEN.get().saturating_sub(1));
    if CURRENT.get().is_null() {
        restore(before);
    }
}

/// Puts back what was before.
#[inline(always)]
fn restore(before: *const Frame) {
    CURRENT.set(before);
    if !ENDED.get().is_null() {
        skip_ended();
    }
}

/// Whether this thread has no frame that could be put back.
fn is_nothing_on() -> bool {
    CURRENT.get().is_null() && HIDDEN.get() == 0
}

/// `frame` is over, but not the innermost.
#[cold]
#[inline(never)]
fn end_below(frame: *const Frame, before: *const Frame) {
    // SAFETY: the guard that calls holds a reference.
    let is_detached = unsafe { frame.as_ref() }.is_none_or(Frame::is_detached);
    if is_detached || is_nothing_on() {
        // It can never be put back again.
        // SAFETY: the guard's reference, used no more.
        return unsafe { release(frame) };
    }
    if ENDED.get().is_null() {
        ENDED.set(Box::into_raw(Box::default()));
    }
    // SAFETY: made above or by an earlier call, by this thread, and freed by `skip_ended` only.
    unsafe { &mut *ENDED.get() }.push(Ended { frame, before });
}

/// After something was put back: goes over frames that are over already. When nothing is on any
/// more, all of them are forgotten.
#[cold]
#[inline(never)]
fn skip_ended() {
    // SAFETY: not null (the caller looked), made by `end_below` of this thread.
    let ended = unsafe { &mut *ENDED.get() };
    let place = |ended: &[Ended]| ended.iter().rposition(|e| e.frame == CURRENT.get());
    while let Some(place) = place(ended) {
        let over = ended.swap_remove(place);
        CURRENT.set(over.before);
        // SAFETY: the reference that the guard left with the entry. What lies inside the frame
        // has been left before, or owns it.
        unsafe { release(over.frame) }
    }
    if is_nothing_on() || ended.is_empty() {
        // SAFETY: from `Box::into_raw` in `end_below`; the pointer is reset first.
        let all = unsafe { Box::from_raw(ENDED.replace(ptr::null_mut())) };
        for over in *all {
            // SAFETY: as above; nothing is on that could put it back.
            unsafe { release(over.frame) }
        }
    }
}

/// Marks what is on above `frame`, so that the guards of it change nothing when they are
/// dropped.
#[cold]
#[inline(never)]
fn detach_down_to(frame: *const Frame) {
    let mut next = CURRENT.get();
    // SAFETY: the innermost frame and those around it are alive: guards hold them.
    while let Some(above) = unsafe { next.as_ref() }.filter(|_| next != frame) {
        if !above.detach() {
            break; // it is handed on, and may be on elsewhere, too
        }
        next = above.parent();
    }
}
