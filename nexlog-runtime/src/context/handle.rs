//! [`Context`]: what surrounds a record, as a value that goes to other threads and tasks.

use core::fmt;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr;

use super::chain::FrameRef;
use super::frame::{Frame, own, release};
use super::future::InContext;
use super::make::{FrameDraft, Made};
use super::span::Scope;
use super::stack::{self, Bound};
use crate::site::callsite::Site;
use crate::value::{Keyed, Value};

/// The scopes and spans around some place in the program.
///
/// Cheap to clone, goes to any thread. [`wrap`](Context::wrap) gives it to a closure or a
/// future, [`attach`](Context::attach) puts it in force on this thread.
///
/// ```
/// use nexlog_runtime::Context;
///
/// let context = Context::current().request_id("r-1").user_id(7);
/// let thread = std::thread::spawn(context.wrap(|| {
///     // records here carry request_id and user_id
/// }));
/// # thread.join().unwrap();
/// ```
pub struct Context {
    /// Null for an empty one. One reference is ours.
    frame: *const Frame,
}

// SAFETY: frames' values never change and their counts are atomic.
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

impl UnwindSafe for Context {}
impl RefUnwindSafe for Context {}

macro_rules! named {
    ($($(#[$doc:meta])* $name:ident $description:literal;)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name(self, value: impl Value) -> Context {
            static SITE: Site = Site::new(
                Site::RUN_TIME_LEVEL,
                line!(),
                concat!("6:nexlog", $description, ".", module_path!(), "\n", file!()),
            );
            self.with(&SITE, &value)
        }
    )*};
}

impl Context {
    /// Nothing: no fields, no span.
    pub const fn empty() -> Context {
        Context { frame: ptr::null() }
    }

    /// What is in force on this thread. An atomic addition for each scope that was entered since
    /// the last capture.
    pub fn current() -> Context {
        // SAFETY: what is innermost is alive and on this thread's stack.
        Context { frame: unsafe { own(stack::current()) } }
    }

    /// The reference becomes its own.
    #[cfg(feature = "tracing")]
    pub(super) fn of_owned(frame: *const Frame) -> Context {
        Context { frame }
    }

    pub(super) fn frame(&self) -> *const Frame {
        self.frame
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.frame.is_null()
    }

    /// The name of the innermost span, if there is one.
    pub fn span(&self) -> Option<&'static str> {
        self.frames().find_map(|frame| frame.name())
    }

    /// The frames, innermost first.
    pub(super) fn frames(&self) -> impl Iterator<Item = FrameRef<'_>> {
        // SAFETY: our reference keeps the first alive, and each owns the next.
        unsafe { frames(self.frame) }
    }

    named! {
        /// With a field `request_id`: which request is being served.
        request_id "f10:request_id";
        /// With a field `correlation_id`: what ties several requests together.
        correlation_id "f14:correlation_id";
        /// With a field `user_id`.
        user_id "f7:user_id";
        /// With a field `session_id`.
        session_id "f10:session_id";
        /// With a field `operation`: what is being done.
        operation "f9:operation";
    }

    /// With a field of any other name.
    #[must_use]
    pub fn field(self, key: &str, value: impl Value) -> Context {
        static SITE: Site = Site::new(
            Site::RUN_TIME_LEVEL,
            line!(),
            concat!("6:nexlogd0:.", module_path!(), "\n", file!()),
        );
        self.with(&SITE, &Keyed(key, &value))
    }

    /// With one frame more, of one value.
    fn with(self, site: &'static Site, value: &(impl Value + ?Sized)) -> Context {
        let mut draft = FrameDraft::begin(site);
        draft.push(value);
        self.with_made(draft.finish())
    }

    pub(super) fn with_made(self, made: Made) -> Context {
        // No memory: the context stays as it was.
        let made = made.child_of(&self);
        let frame = made.into_owned();
        if frame.is_null() { self } else { Context { frame } }
    }

    /// Puts it in force on this thread, in place of what is, until the guard is dropped.
    #[must_use = "the context is left at once unless the guard is kept"]
    pub fn attach(&self) -> Scope {
        // SAFETY: null, or alive and owned; the new reference is the guard's.
        unsafe { Scope::of(stack::enter(own(self.frame))) }
    }

    /// Calls `f` in this context. What `f` enters and does not leave ends with it.
    pub fn in_scope<R>(&self, f: impl FnOnce() -> R) -> R {
        // SAFETY: `self` keeps the frame alive meanwhile.
        let _bound = unsafe { Bound::enter(self.frame) };
        f()
    }

    /// Gives it to a closure, or to a future.
    ///
    /// A closure becomes a boxed one that runs in this context: for `std::thread::spawn`,
    /// `spawn_blocking`, a pool. A future becomes an [`InContext`] that is polled and dropped
    /// in it, without an allocation: for `tokio::spawn` and any other executor. A closure that
    /// *gives* a future (`|| async { … }`) is a closure: only the making is wrapped.
    ///
    /// ```
    /// # use nexlog_runtime::Context;
    /// let context = Context::current();
    /// std::thread::spawn(context.wrap(move || { /* … */ })).join().unwrap();
    /// let future = context.wrap(async { 7 });
    /// # fn check(_: impl std::future::Future<Output = i32> + Send) {}
    /// # check(future);
    /// ```
    pub fn wrap<T: Wrap<M>, M>(&self, work: T) -> T::Wrapped {
        work.wrapped(self.clone())
    }
}

/// The frames from this one outwards.
///
/// # Safety
/// `frame` is null or alive for `'a`, and with it all around it.
pub(super) unsafe fn frames<'a>(frame: *const Frame) -> impl Iterator<Item = FrameRef<'a>> {
    let mut next = frame;
    core::iter::from_fn(move || {
        // SAFETY: the caller's promise.
        let frame = unsafe { next.as_ref() }?;
        next = frame.parent();
        Some(FrameRef::of(frame))
    })
    .flatten() // without those for whose description there is no memory
}

/// What [`Context::wrap`] takes: a closure without arguments that is `Send`, or a future. The
/// marker tells one from the other.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be wrapped in a context",
    label = "`wrap` takes a closure without arguments that is `Send`, or a future",
    note = "to call another closure on this thread, write `context.in_scope(|| …)`"
)]
pub trait Wrap<Marker> {
    /// What it becomes.
    type Wrapped;

    #[doc(hidden)]
    fn wrapped(self, context: Context) -> Self::Wrapped;
}

/// Marks closures that give an `R`.
pub struct Closure<'a, R> {
    _gives: core::marker::PhantomData<fn() -> R>,
    _lives: core::marker::PhantomData<&'a ()>,
}
/// Marks futures.
pub struct Task(());

impl<'a, F, R> Wrap<Closure<'a, R>> for F
where
    F: FnOnce() -> R + Send + 'a,
{
    type Wrapped = Box<dyn FnOnce() -> R + Send + 'a>;

    fn wrapped(self, context: Context) -> Self::Wrapped {
        Box::new(move || context.in_scope(self))
    }
}

impl<F: Future> Wrap<Task> for F {
    type Wrapped = InContext<F>;

    fn wrapped(self, context: Context) -> InContext<F> {
        InContext::new(context, self)
    }
}

impl Clone for Context {
    fn clone(&self) -> Self {
        // SAFETY: our reference keeps it alive, and it is owned.
        Context { frame: unsafe { own(self.frame) } }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: our reference.
        unsafe { release(self.frame) }
    }
}

impl Default for Context {
    fn default() -> Self {
        Context::empty()
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields: Vec<_> = self.frames().flat_map(|frame| frame.fields()).collect();
        f.debug_struct("Context").field("span", &self.span()).field("fields", &fields).finish()
    }
}
