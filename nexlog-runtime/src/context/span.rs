//! [`Span`], a stretch of work with a name and fields, and the guards that put it in force.
//!
//! All guards are `!Send`: what is innermost belongs to a thread. A span itself goes where it
//! likes. Records about spans (see [`SpanRecords`](super::SpanRecords)) are made when the last
//! handle, guard or future of a span is gone; `timing` knows how.

use core::fmt;
use core::marker::PhantomData;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr;
use core::sync::atomic::Ordering::{AcqRel, Relaxed};

use super::chain::FrameRef;
use super::frame::{Frame, own, release};
use super::stack::{self, Bound, Entered};
use super::timing;
use crate::site::callsite::Site;

/// A stretch of work: a name, fields, and the surroundings in which it was made.
///
/// Made by `span!`. It logs nothing by itself; records made while it is entered carry its name
/// and its fields, and those of what was around it when it was made. Cloning gives another
/// handle of the same span. Making one and entering it are some stores and atomic additions; no
/// lock, and no allocation for up to 256 bytes of fields.
///
/// ```
/// # use nexlog_runtime::Span;
/// # fn span() -> Span { Span::none() }
/// let span = span(); // nexlog::span!("import", file = name)
/// {
///     let _entered = span.enter();
///     // records here are in the span
/// }
/// let sum = span.in_scope(|| 1 + 1);
/// # assert_eq!(sum, 2);
/// ```
pub struct Span {
    /// Null for none. One reference and one count of `handles` are ours.
    frame: *const Frame,
}

// SAFETY: the frame's values never change and its counts are atomic.
unsafe impl Send for Span {}
// SAFETY: as above.
unsafe impl Sync for Span {}

impl UnwindSafe for Span {}
impl RefUnwindSafe for Span {}

impl Span {
    /// No span: entering it changes nothing.
    pub const fn none() -> Span {
        Span { frame: ptr::null() }
    }

    /// # Safety
    /// The caller's reference becomes ours; the frame owns its parent and has one handle.
    pub(super) unsafe fn of_frame(frame: *const Frame) -> Span {
        timing::open(frame);
        Span { frame }
    }

    #[inline(always)]
    pub(super) fn frame(&self) -> *const Frame {
        self.frame
    }

    /// Whether it is [`Span::none`].
    pub fn is_none(&self) -> bool {
        self.frame.is_null()
    }

    /// Its name; empty for none.
    pub fn name(&self) -> &'static str {
        // SAFETY: our reference keeps it alive.
        let frame = unsafe { self.frame.as_ref() }.and_then(FrameRef::of);
        frame.and_then(|frame| frame.name()).unwrap_or("")
    }

    /// In force on this thread until the guard is dropped.
    #[must_use = "the span is left at once unless the guard is kept"]
    pub fn enter(&self) -> Scope {
        // SAFETY: null, or alive and owned; the references are the guard's.
        unsafe {
            if let Some(frame) = self.frame.as_ref() {
                own(frame);
                frame.handles.fetch_add(1, Relaxed);
                return Scope::of_span(frame, stack::enter(frame));
            }
            Scope::of_nothing()
        }
    }

    /// The same with the handle inside the guard.
    #[must_use = "the span is left at once unless the guard is kept"]
    pub fn entered(self) -> Scope {
        self.enter()
    }

    /// Drops it when its handle is counted off already.
    pub(super) fn forget_handle(self) {
        let frame = core::mem::ManuallyDrop::new(self).frame;
        // SAFETY: our reference.
        unsafe { release(frame) }
    }

    /// Calls `f` inside the span. What `f` enters and does not leave ends with it.
    pub fn in_scope<R>(&self, f: impl FnOnce() -> R) -> R {
        if self.is_none() {
            return f();
        }
        let _timed = timing::Busy::of(self.frame);
        // SAFETY: `self` keeps the frame alive meanwhile.
        let _bound = unsafe { Bound::enter(self.frame) };
        f()
    }
}

impl Clone for Span {
    fn clone(&self) -> Self {
        // SAFETY: our reference keeps it alive, and it is owned.
        unsafe {
            own(self.frame);
            if let Some(frame) = self.frame.as_ref() {
                frame.handles.fetch_add(1, Relaxed);
            }
        }
        Span { frame: self.frame }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        drop_handle(self.frame, false);
        // SAFETY: our reference.
        unsafe { release(self.frame) }
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: our reference keeps it alive.
        let frame = unsafe { self.frame.as_ref() };
        let fields: Vec<_> =
            frame.and_then(FrameRef::of).into_iter().flat_map(|frame| frame.fields()).collect();
        f.debug_struct("Span").field("name", &self.name()).field("fields", &fields).finish()
    }
}

/// One thing less keeps a span open; the last one makes its record.
pub(super) fn drop_handle(frame: *const Frame, is_future: bool) {
    // SAFETY: null, or the caller has a reference.
    if let Some(alive) = unsafe { frame.as_ref() }
        && alive.handles.fetch_sub(1, AcqRel) == 1
    {
        timing::close(alive, is_future);
    }
}

/// Keeps a scope or span in force until it is dropped.
///
/// Belongs to its thread. Guards are dropped in reverse order, as variables are; one that is
/// dropped earlier takes its fields with it only when what was entered inside it has ended.
/// In async code use `in_span`, `in_context` or `#[instrument]`: a guard that is held across an
/// `.await` would stay in force for whatever else the thread does meanwhile. Futures that hold
/// one are `!Send`; clippy finds the others with
///
/// ```toml
/// # clippy.toml
/// await-holding-invalid-types = ["nexlog::Scope"]
/// ```
#[must_use = "the scope ends at once unless the guard is kept"]
pub struct Scope {
    /// One reference to the frame is ours. Null: an empty context, or nothing at all.
    at: Stays<Scope>,
    kind: Kind,
    /// Of a span that is timed: when it was entered.
    entered: u64,
}

/// Belongs to its thread. Where somebody sends the `Guard` that it is in, the compiler says so
/// in place of naming what lies in here.
pub struct Stays<Guard>(Entered, PhantomData<fn() -> Guard>);

// SAFETY: it never is: no type of this crate is a `LeavesThread`, and no other makes a `Stays`.
unsafe impl<Guard: LeavesThread> Send for Stays<Guard> {}

impl<Guard> Stays<Guard> {
    #[inline(always)]
    fn here(at: Entered) -> Stays<Guard> {
        Stays(at, PhantomData)
    }
}

/// Never implemented: it carries the text of an error.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` guard cannot be sent to another thread",
    label = "a guard belongs to the thread that entered it",
    note = "send the context instead: `Context::current().wrap(…)` takes a closure or a future",
    note = "in async code, keep no guard across an `.await`: write `future.in_span(span)`, \
            `future.in_context(context)` or `#[instrument]`"
)]
pub trait LeavesThread {}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Nothing to put back.
    Nothing,
    /// A scope, or a context.
    Scope,
    /// A span, of which one handle is ours.
    Span,
}

impl Scope {
    /// # Safety
    /// Its frame was just entered, and the caller's reference becomes ours.
    #[inline(always)]
    pub(super) unsafe fn of(at: Entered) -> Scope {
        Scope { at: Stays::here(at), kind: Kind::Scope, entered: 0 }
    }

    /// # Safety
    /// The same, and a handle.
    unsafe fn of_span(frame: &Frame, at: Entered) -> Scope {
        Scope { at: Stays::here(at), kind: Kind::Span, entered: timing::enter(frame) }
    }

    pub(super) fn of_nothing() -> Scope {
        Scope { at: Stays::here(Entered::NOTHING), kind: Kind::Nothing, entered: 0 }
    }
}

impl Drop for Scope {
    #[inline]
    fn drop(&mut self) {
        if self.kind == Kind::Nothing {
            return;
        }
        if self.kind == Kind::Span {
            timing::leave(self.at.0.frame(), self.entered);
            drop_handle(self.at.0.frame(), false);
        }
        // SAFETY: our reference; what was entered is ours.
        unsafe { stack::leave(&self.at.0) }
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}

/// Keeps an instrumented function's span in force while its body runs. Only expansions hold
/// one, in a variable that no user can name, so leaving is never out of order.
pub struct Body {
    /// Null: no span. One reference to the frame and the only handle are ours.
    at: Entered,
    /// The record to be made at the end.
    elapsed: Option<&'static Site>,
}

impl Body {
    /// No span.
    #[inline(always)]
    pub const fn none() -> Body {
        Body { at: Entered::NOTHING, elapsed: None }
    }

    /// # Safety
    /// As for `Scope::of`.
    #[inline(always)]
    pub(super) unsafe fn of(at: Entered) -> Body {
        timing::open(at.frame());
        Body { at, elapsed: None }
    }

    /// Makes a record of this site when it is over.
    #[must_use]
    pub fn timed(mut self, site: &'static Site) -> Body {
        timing::start(self.at.frame());
        self.elapsed = Some(site);
        self
    }
}

impl Drop for Body {
    #[inline(always)]
    fn drop(&mut self) {
        if self.at.frame().is_null() {
            return;
        }
        if self.elapsed.is_some() || timing::is_on() {
            // SAFETY: our reference keeps it alive.
            timing::close_body(unsafe { &*self.at.frame() }, self.elapsed);
        }
        // SAFETY: our reference; what was entered is ours.
        unsafe { stack::leave_bound(&self.at) }
    }
}
