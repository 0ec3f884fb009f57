//! Futures in a context: entered at each poll, so they work with any executor, and around their
//! drop.

use core::future::Future;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::pin::Pin;
use core::task::{Context as Waker, Poll};

use super::handle::Context;
use super::span::{Span, drop_handle};
use super::stack::Bound;
use super::timing::{self, Busy};
use crate::site::callsite::Site;

/// `in_span` and `in_context` for every future.
///
/// ```
/// use nexlog_runtime::{Context, FutureExt, Span};
/// # fn span() -> Span { Span::none() }
///
/// let span = span(); // nexlog::span!("import")
/// let in_span = async { 1 }.in_span(span);
/// let in_context = async { 1 }.in_context(Context::current());
/// ```
pub trait FutureExt: Future + Sized {
    /// The same future, inside a span whenever it is polled.
    fn in_span(self, span: Span) -> Instrumented<Self, fn(&Self::Output)> {
        Instrumented { work: Held::new(self), span, finished: None, elapsed: None }
    }

    /// The same future, in a context whenever it is polled.
    fn in_context(self, context: Context) -> InContext<Self> {
        InContext::new(context, self)
    }
}

impl<F: Future> FutureExt for F {}

/// A future whose drop its owner decides, so that it happens in its context.
struct Held<F>(ManuallyDrop<F>);

impl<F> Held<F> {
    fn new(future: F) -> Held<F> {
        Held(ManuallyDrop::new(future))
    }

    /// # Safety
    /// Called once, and `pinned` not used after.
    unsafe fn drop_in_place(&mut self) {
        // SAFETY: the caller's promise. Dropped where it lies, as pinning asks for.
        unsafe { ManuallyDrop::drop(&mut self.0) }
    }

    fn pinned(self: Pin<&mut Self>) -> Pin<&mut F> {
        // SAFETY: the future is pinned whenever its holder is: it is never moved out of it, and
        // `Held` is `Unpin` only if the future is.
        unsafe { self.map_unchecked_mut(|held| &mut *held.0) }
    }
}

/// A future in a [`Context`]: what [`Context::wrap`] and [`FutureExt::in_context`] give.
#[must_use = "futures do nothing unless they are awaited or polled"]
pub struct InContext<F> {
    work: Held<F>,
    context: Context,
}

impl<F> InContext<F> {
    pub(super) fn new(context: Context, future: F) -> InContext<F> {
        InContext { work: Held::new(future), context }
    }
}

impl<F: Future> Future for InContext<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, waker: &mut Waker<'_>) -> Poll<F::Output> {
        // SAFETY: `work` is pinned with `self` and never moved; `context` is not pinned.
        let (work, context) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.work), &this.context)
        };
        // SAFETY: `context` keeps the frame alive meanwhile.
        let _bound = unsafe { Bound::enter(context.frame()) };
        work.pinned().poll(waker)
    }
}

impl<F> Drop for InContext<F> {
    fn drop(&mut self) {
        // SAFETY: as in `poll`.
        let _bound = unsafe { Bound::enter(self.context.frame()) };
        // SAFETY: the only place, and the end.
        unsafe { self.work.drop_in_place() }
    }
}

impl<F> core::fmt::Debug for InContext<F> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("InContext").field("context", &self.context).finish_non_exhaustive()
    }
}

/// A future in a [`Span`]: what [`FutureExt::in_span`] gives, and `#[instrument]` makes.
#[must_use = "futures do nothing unless they are awaited or polled"]
pub struct Instrumented<F, H> {
    work: Held<F>,
    span: Span,
    /// Called with what the future gives, inside the span.
    finished: Option<H>,
    elapsed: Option<&'static Site>,
}

/// What the macros make of an async body. `finished` is called inside the span with what the
/// future gives.
pub fn instrument<F, H>(span: Span, future: F, finished: H) -> Instrumented<F, H>
where
    F: Future,
    H: FnOnce(&F::Output),
{
    Instrumented { work: Held::new(future), span, finished: Some(finished), elapsed: None }
}

/// What the option `future` of `#[instrument]` takes the user's word for.
///
/// Only the type that can be meant has it, in place of every future: for all others the types
/// below stay unknown, and the compiler tells no other error of what is made of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a boxed future",
    label = "`future` is for functions that return a `Pin<Box<dyn Future>>` by another name",
    note = "leave `future` out, or return a boxed future"
)]
pub trait BoxedFuture: Sized {
    /// Itself.
    type Itself;
    /// Another future in such a box.
    type With<G>;

    #[doc(hidden)]
    fn itself(self) -> Self::Itself;
    #[doc(hidden)]
    fn with<G>(future: G) -> Self::With<G>;
}

impl<F: Future + ?Sized> BoxedFuture for Pin<Box<F>> {
    type Itself = Self;
    type With<G> = Pin<Box<G>>;

    #[inline(always)]
    fn itself(self) -> Self {
        self
    }

    #[inline(always)]
    fn with<G>(future: G) -> Pin<Box<G>> {
        Box::pin(future)
    }
}

/// The type that something has.
#[inline(always)]
pub fn type_of<F>(_: &F) -> PhantomData<F> {
    PhantomData
}

/// The future itself.
#[inline(always)]
pub fn boxed_future<F: BoxedFuture>(future: F) -> F::Itself {
    future.itself()
}

/// What was made of a boxed future, in a box again.
#[inline(always)]
pub fn boxed_again<F: BoxedFuture, G>(_: PhantomData<F>, future: G) -> F::With<G> {
    F::with(future)
}

impl<F, H> Instrumented<F, H> {
    /// Makes a record of this site when the future is ready.
    pub fn timed(mut self, site: &'static Site) -> Self {
        timing::start(self.span.frame());
        self.elapsed = Some(site);
        self
    }

    /// Calls `f` inside the span.
    fn within<R>(span: &Span, f: impl FnOnce() -> R) -> R {
        if span.is_none() {
            return f();
        }
        let _busy = Busy::of(span.frame());
        // SAFETY: `span` keeps the frame alive meanwhile.
        let _bound = unsafe { Bound::enter(span.frame()) };
        f()
    }
}

impl<F, H> Future for Instrumented<F, H>
where
    F: Future,
    H: FnOnce(&F::Output),
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, waker: &mut Waker<'_>) -> Poll<F::Output> {
        // SAFETY: `work` is pinned with `self` and never moved; the others are not pinned.
        let (work, span, finished, elapsed) = unsafe {
            let this = self.get_unchecked_mut();
            let work = Pin::new_unchecked(&mut this.work);
            (work, &this.span, &mut this.finished, this.elapsed)
        };
        let poll = Self::within(span, || {
            let poll = work.pinned().poll(waker);
            if let (Poll::Ready(output), Some(finished)) =
                (&poll, finished.take_if(|_| poll.is_ready()))
            {
                finished(output);
            }
            poll
        });
        // SAFETY: our handle keeps it alive.
        let frame = unsafe { span.frame().as_ref() };
        if let (true, Some(site), Some(frame)) = (poll.is_ready(), elapsed, frame) {
            timing::finish_future(frame, site);
        }
        poll
    }
}

impl<F, H> Drop for Instrumented<F, H> {
    fn drop(&mut self) {
        let (work, span) = (&mut self.work, &self.span);
        // SAFETY: the only place, and the end.
        Self::within(span, || unsafe { work.drop_in_place() });
        let frame = span.frame();
        // The handle inside goes without its record: that is made here, as a future's.
        if !frame.is_null() {
            let span = core::mem::replace(&mut self.span, Span::none());
            drop_handle(frame, true);
            span.forget_handle();
        }
    }
}

impl<F, H> core::fmt::Debug for Instrumented<F, H> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Instrumented").field("span", &self.span).finish_non_exhaustive()
    }
}
