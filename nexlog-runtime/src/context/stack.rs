//! A thread's innermost frame, and how it changes.
//!
//! There is no list of what was entered: each guard remembers where the thread was before it, and
//! puts that back. Guards that are dropped in the order they should are a few stores. The others:
//!
//! - A guard dropped while something entered later is still on only notes that it has ended
//!   ([`Ended`]). When the later one is left, what it puts back is looked up there.
//! - A [`Bound`] (an instrumented function, a poll, a closure in a context) puts back what was
//!   before it whatever is on: guards made inside and leaked, or carried away, end with it.
//!   Dropping such a guard later changes nothing.
//!
//! The same frame may be on several times, entered as a span or as a captured context. So an
//! entering is known by a number, not by its frame. Numbers of a thread only grow: what is
//! around an entering has smaller ones, and an entering with a larger number than the innermost
//! is over, whether its guard has been dropped or not.

use core::alloc::Layout;
use core::cell::Cell;
use core::ptr;

use super::frame::{Frame, release};

/// Where a thread is: what is innermost, and which entering that was.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    /// Null: nothing, or an empty context.
    frame: *const Frame,
    /// 0 outside of everything.
    number: u64,
}

impl Place {
    /// Outside of everything.
    pub(crate) const NOWHERE: Place = Place { frame: ptr::null(), number: 0 };

    /// The innermost frame there, or null. Alive as long as the thread is there.
    #[inline(always)]
    pub(crate) fn frame(self) -> *const Frame {
        self.frame
    }
}

/// Something entered, and what to put back.
#[derive(Clone, Copy)]
pub(crate) struct Entered {
    here: Place,
    before: Place,
}

impl Entered {
    /// Nothing.
    pub(crate) const NOTHING: Entered = Entered { here: Place::NOWHERE, before: Place::NOWHERE };

    /// The frame that was entered.
    #[inline(always)]
    pub(crate) fn frame(&self) -> *const Frame {
        self.here.frame
    }
}

thread_local! {
    /// Where this thread is, in two words: in one cell they would be written one by one and read
    /// at once, which was measured at 1 to 4 ns more.
    static FRAME: Cell<*const Frame> = const { Cell::new(ptr::null()) };
    static NUMBER: Cell<u64> = const { Cell::new(0) };
    /// The number of the last entering.
    static LAST: Cell<u64> = const { Cell::new(0) };
    /// What ended while something inside it was on. A raw pointer, so that this thread-local has
    /// no destructor; null when there is none.
    static ENDED: Cell<*mut Ended> = const { Cell::new(ptr::null_mut()) };
}

/// Something entered that is over. Keeps the guard's reference.
struct Ended {
    over: Entered,
    next: *mut Ended,
}

/// This thread's innermost frame, or null. Alive as long as nothing is left or replaced.
#[inline(always)]
pub(crate) fn current() -> *const Frame {
    FRAME.get()
}

/// Where this thread is.
#[inline(always)]
pub(crate) fn place() -> Place {
    Place { frame: FRAME.get(), number: NUMBER.get() }
}

#[inline(always)]
fn set_place(place: Place) {
    FRAME.set(place.frame);
    NUMBER.set(place.number);
}

/// Makes `frame` the innermost in the place of the one that is, until what was entered last is
/// left: the guards know nothing of it.
///
/// # Safety
/// `frame` stays alive until this thread has left what was entered last, or is called again for
/// it. What reads the innermost frame and runs a user's code meanwhile holds a reference to it.
#[cfg(feature = "tracing")]
pub(super) unsafe fn replace(frame: *const Frame) {
    FRAME.set(frame);
}

/// Keeps what is innermost alive while code of a user may run that replaces it. Nothing where
/// there is no bridge that does so.
pub(crate) struct Hold {
    #[cfg(feature = "tracing")]
    frame: *const Frame,
}

impl Hold {
    pub(crate) fn innermost() -> Hold {
        Hold {
            // SAFETY: what is innermost is alive, and on this thread's stack.
            #[cfg(feature = "tracing")]
            frame: unsafe { super::frame::own(current()) },
        }
    }
}

#[cfg(feature = "tracing")]
impl Drop for Hold {
    fn drop(&mut self) {
        // SAFETY: our reference.
        unsafe { release(self.frame) }
    }
}

/// The number of what was entered last and is still on; 0 outside of everything.
#[cfg(feature = "tracing")]
pub(super) fn number() -> u64 {
    NUMBER.get()
}

/// Whether this thread is still there.
#[inline(always)]
pub(crate) fn is_at(place: Place) -> bool {
    NUMBER.get() == place.number
}

/// Makes `frame`, which may be null, the innermost.
#[inline(always)]
pub(crate) fn enter(frame: *const Frame) -> Entered {
    let number = LAST.get() + 1;
    LAST.set(number);
    let entered = Entered { here: Place { frame, number }, before: place() };
    set_place(entered.here);
    entered
}

/// Leaves what was entered, and gives back one reference to its frame.
///
/// # Safety
/// The caller's guard holds that reference, and `entered` is what `enter` returned to it, used
/// no more.
#[inline(always)]
pub(crate) unsafe fn leave(entered: &Entered) {
    if is_at(entered.here) {
        restore(entered.before);
        // SAFETY: the caller's promise.
        unsafe { release(entered.here.frame) }
    } else {
        // SAFETY: as above.
        unsafe { end_below(entered) }
    }
}

/// What `leave` does for guards whose user cannot have left anything above them on purpose:
/// puts back what was before whatever is on.
///
/// # Safety
/// As for `leave`.
#[inline(always)]
pub(crate) unsafe fn leave_bound(entered: &Entered) {
    restore(entered.before);
    // SAFETY: the caller's promise.
    unsafe { release(entered.here.frame) }
}

/// A frame that is on, or nothing, until this is dropped, whatever was entered since: a poll, a
/// closure in a context. Owns no reference.
pub(crate) struct Bound {
    before: Place,
}

impl Bound {
    /// # Safety
    /// `frame` is null or stays alive until the bound is dropped, by this thread.
    #[inline(always)]
    pub(crate) unsafe fn enter(frame: *const Frame) -> Bound {
        Bound { before: enter(frame).before }
    }
}

impl Drop for Bound {
    #[inline(always)]
    fn drop(&mut self) {
        restore(self.before);
    }
}

/// Counts enterings from here on. Outside of everything.
#[cfg(test)]
pub(crate) fn count_from(number: u64) {
    assert!(NUMBER.get() == 0 && !has_ended());
    LAST.set(number);
}

/// Whether something is noted that ended out of order.
#[cfg(test)]
pub(crate) fn has_ended() -> bool {
    !ENDED.get().is_null()
}

/// Puts back what was before.
#[inline(always)]
fn restore(before: Place) {
    set_place(before);
    if !ENDED.get().is_null() {
        skip_ended();
    }
}

/// What was entered is over, but not the innermost.
///
/// # Safety
/// As for `leave`.
#[cold]
#[inline(never)]
unsafe fn end_below(over: &Entered) {
    if over.here.number > NUMBER.get() {
        // What it was entered in is over: it can never be put back again.
        // SAFETY: the guard's reference, used no more.
        return unsafe { release(over.here.frame) };
    }
    #[allow(clippy::cast_ptr_alignment)] // the layout is its own
    // SAFETY: not a zero-sized layout.
    let node = unsafe { std::alloc::alloc(Layout::new::<Ended>()) }.cast::<Ended>();
    if node.is_null() {
        return; // it stays on, and its reference is never given back
    }
    // SAFETY: fresh memory of that layout. Linked after the allocation, as allocators may enter
    // and leave scopes, too.
    unsafe { node.write(Ended { over: *over, next: ENDED.get() }) };
    ENDED.set(node);
}

/// After something was put back: goes over what is over already. What is not around this place
/// any more is forgotten.
#[cold]
#[inline(never)]
fn skip_ended() {
    // One at a time, as giving memory back may run an allocator that enters and leaves scopes.
    while let Some(over) = take_ended() {
        // SAFETY: the reference that the guard left. It is not innermost any more; what is
        // inside its frame has been left before, or owns it.
        unsafe { release(over.here.frame) }
    }
}

/// Takes out one that is innermost, which is left then, or that can never be put back again.
fn take_ended() -> Option<Entered> {
    let mut last = ptr::null_mut::<Ended>();
    let mut next = ENDED.get();
    // SAFETY: nodes are made by `end_below` of this thread and freed below, after they are
    // unlinked; nothing in this loop runs anybody else's code.
    while let Some(ended) = unsafe { next.as_ref() } {
        let (node, over) = (next, ended.over);
        if over.here.number < NUMBER.get() {
            (last, next) = (node, ended.next);
            continue;
        }
        // SAFETY: as above.
        match unsafe { last.as_mut() } {
            Some(last) => last.next = ended.next,
            None => ENDED.set(ended.next),
        }
        if is_at(over.here) {
            set_place(over.before);
        }
        // SAFETY: `end_below` allocated it with this layout, and nobody has it any more.
        unsafe { std::alloc::dealloc(node.cast(), Layout::new::<Ended>()) }
        return Some(over);
    }
    None
}
