//! What the macros call: typed values into a frame.
//!
//! The same two ways as for records. Plain values (size known, no user code) go straight into a
//! block of this thread's; everything else is rendered into scratch first, so that user code may
//! do there what it likes, and is copied. What a scope may hold is bounded: it is written into
//! every lane that has a record inside it.

use core::mem::ManuallyDrop;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr;

use super::chain::FrameRef;
use super::frame::{Frame, Fresh, INLINE_BYTES, own, release};
use super::handle::Context;
use super::span::{Body, Scope, Span};
use super::stack::{self, Entered};
use crate::buffer::Buffer;
use crate::site::callsite::Site;
#[cfg(feature = "tracing")]
use crate::value::view::ValueRef;
use crate::value::wire::Header;
use crate::value::{Fields, FieldsWriter, Image, Seal, Value};

/// Bytes of values in one frame; longer ones are cut, and a field `truncated` says so.
const MAX_BYTES: usize = 4 << 10;

/// A frame that is not yet in force.
#[must_use = "the fields are on no record unless this is entered"]
pub struct Made {
    /// Null when there was no memory. One reference is ours.
    frame: *const Frame,
    /// Whether its parent was stated.
    is_adopted: bool,
}

impl Made {
    /// # Safety
    /// The caller's reference to the frame, which is not yet handed on, becomes ours.
    #[inline(always)]
    unsafe fn of(frame: *const Frame) -> Made {
        Made { frame, is_adopted: false }
    }

    #[inline(always)]
    fn into_frame(self) -> *const Frame {
        ManuallyDrop::new(self).frame
    }

    /// Another parent than what is innermost now.
    pub fn child_of(mut self, parent: &(impl Parent + ?Sized)) -> Made {
        // SAFETY: alive if not null; nobody else has it yet, so its parent may be set.
        if let Some(frame) = unsafe { self.frame.as_ref() } {
            frame.set_parent(parent.owned(Seal::HERE).0, true);
            self.is_adopted = true;
        }
        self
    }

    /// In force until the guard is dropped.
    #[inline(always)]
    pub fn scope(self) -> Scope {
        match self.enter() {
            // SAFETY: just entered; our reference goes to the guard.
            Some(entered) => unsafe { Scope::of(entered) },
            None => Scope::of_nothing(),
        }
    }

    /// In force until the body of a function is over.
    #[inline(always)]
    pub fn body(self) -> Body {
        match self.enter() {
            // SAFETY: as in `scope`.
            Some(entered) => unsafe { Body::of(entered) },
            None => Body::none(),
        }
    }

    /// As the innermost frame, which only borrows what is around it. `None` when there was no
    /// memory: then what is innermost stays it.
    #[inline(always)]
    fn enter(self) -> Option<Entered> {
        let is_adopted = self.is_adopted;
        let frame = self.into_frame();
        // SAFETY: alive if not null; nobody else has it yet.
        let inner = unsafe { frame.as_ref() }?;
        if !is_adopted {
            inner.set_parent(stack::current(), false);
        }
        Some(stack::enter(frame))
    }

    /// The frame with the parent that was stated; null when there was no memory. The reference
    /// is the caller's.
    pub(super) fn into_owned(self) -> *const Frame {
        self.into_frame()
    }

    /// To be entered later, on any thread.
    pub fn span(self) -> Span {
        let is_adopted = self.is_adopted;
        let frame = self.into_frame();
        // SAFETY: alive if not null; nobody else has it yet.
        if let Some(inner) = unsafe { frame.as_ref() }.filter(|_| !is_adopted) {
            // SAFETY: what is innermost is alive, and on this thread's stack.
            inner.set_parent(unsafe { own(stack::current()) }, true);
        }
        // SAFETY: our reference; the frame owns its parent now.
        unsafe { Span::of_frame(frame) }
    }

    /// The fields alone, as a value.
    pub fn fields(self) -> FieldSet {
        let frame = self.into_frame();
        // SAFETY: alive if not null; nobody else has it yet.
        if let Some(inner) = unsafe { frame.as_ref() } {
            inner.set_parent(ptr::null(), true);
        }
        FieldSet { frame }
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        // SAFETY: our reference; a stated parent is given back with it.
        unsafe { release(self.frame) }
    }
}

/// A reference to a frame that its holder has to give back.
pub struct Owned(pub(super) *const Frame);

/// What `parent` takes: a [`Span`], a [`Context`], an `Option` of them; `None` and `()` say that
/// there is none.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be around a span",
    label = "`parent` takes a `&Span`, a `&Context`, an `Option` of them, or `None`"
)]
pub trait Parent {
    #[doc(hidden)]
    fn owned(&self, _: Seal) -> Owned;
}

impl Parent for Span {
    fn owned(&self, _: Seal) -> Owned {
        // SAFETY: the handle keeps it alive, and it is owned.
        Owned(unsafe { own(self.frame()) })
    }
}

impl Parent for Context {
    fn owned(&self, _: Seal) -> Owned {
        // SAFETY: as above.
        Owned(unsafe { own(self.frame()) })
    }
}

impl<P: Parent> Parent for Option<P> {
    fn owned(&self, seal: Seal) -> Owned {
        self.as_ref().map_or(Owned(ptr::null()), |parent| parent.owned(seal))
    }
}

impl<P: Parent + ?Sized> Parent for &P {
    fn owned(&self, seal: Seal) -> Owned {
        (**self).owned(seal)
    }
}

impl Parent for () {
    fn owned(&self, _: Seal) -> Owned {
        Owned(ptr::null())
    }
}

/// Fields as a value: what `fields!` gives. Stored typed, once; cheap to clone.
///
/// Spliced into records and scopes with `..set`, and into a logger with
/// [`Logger::with`](crate::Logger::with).
pub struct FieldSet {
    /// Null when there was no memory, else without a parent. One reference is ours.
    frame: *const Frame,
}

// SAFETY: the frame's values never change, and its count is atomic.
unsafe impl Send for FieldSet {}
// SAFETY: as above.
unsafe impl Sync for FieldSet {}

impl UnwindSafe for FieldSet {}
impl RefUnwindSafe for FieldSet {}

#[cfg(feature = "tracing")]
impl FieldSet {
    /// Keys and values.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, ValueRef<'_>)> {
        // SAFETY: our reference keeps it alive.
        let frame = unsafe { self.frame.as_ref() };
        frame.and_then(FrameRef::of).into_iter().flat_map(|frame| frame.fields())
    }

    /// The number of its frame: no other set of the process has it. 0 when there was no memory.
    pub(crate) fn number(&self) -> u64 {
        // SAFETY: as above.
        unsafe { self.frame.as_ref() }.map_or(0, |frame| frame.id)
    }
}

impl Fields for FieldSet {
    fn record_fields(&self, out: &mut FieldsWriter<'_>) {
        // SAFETY: our reference keeps it alive.
        if let Some(frame) = unsafe { self.frame.as_ref() } {
            let fields = FrameRef::of(frame).into_iter().flat_map(|frame| frame.fields());
            fields.for_each(|(key, value)| out.field(key, &value));
        }
    }
}

impl Clone for FieldSet {
    fn clone(&self) -> Self {
        // SAFETY: our reference keeps it alive, and it has no parent.
        FieldSet { frame: unsafe { own(self.frame) } }
    }
}

impl Drop for FieldSet {
    fn drop(&mut self) {
        // SAFETY: our reference.
        unsafe { release(self.frame) }
    }
}

impl core::fmt::Debug for FieldSet {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // SAFETY: our reference keeps it alive.
        let frame = unsafe { self.frame.as_ref() };
        f.debug_map()
            .entries(frame.and_then(FrameRef::of).into_iter().flat_map(|frame| frame.fields()))
            .finish()
    }
}

/// A frame being made of any number of values: what the macros use for more than twelve.
pub struct FrameDraft {
    site: &'static Site,
    image: Image,
}

impl FrameDraft {
    /// Starts a frame of this site.
    #[inline(never)]
    pub fn begin(site: &'static Site) -> FrameDraft {
        FrameDraft { site, image: Image::new(Buffer::new(), MAX_BYTES) }
    }

    /// Adds the value of the next slot. Runs its code.
    #[inline(never)]
    pub fn push<T: Value + ?Sized>(&mut self, value: &T) {
        self.image.push(value);
    }

    /// The frame.
    #[inline(never)]
    pub fn finish(mut self) -> Made {
        let mut flags = 0;
        if self.image.cut_bytes() > 0 {
            self.image.push_extra(&self.site.info().slots, 0, &[]); // without: a name may come twice
            flags = Header::HAS_EXTRA;
        }
        let values = self.image.buffer.as_bytes();
        let fresh = if self.image.buffer.is_short() {
            None
        } else {
            Fresh::new(self.site, values.len(), flags)
        };
        let frame = fresh.map_or(ptr::null(), |fresh| fresh.filled(values));
        // SAFETY: null, or our reference to give on; the bytes are those of an `Image`.
        unsafe { Made::of(frame) }
    }
}

/// A value of the long way, without its type.
trait Slot {
    fn push_to(&self, draft: &mut FrameDraft);
}

impl<T: Value> Slot for T {
    fn push_to(&self, draft: &mut FrameDraft) {
        draft.push(self);
    }
}

#[cold]
#[inline(never)]
fn long_way(site: &'static Site, slots: &[&dyn Slot]) -> Made {
    let mut draft = FrameDraft::begin(site);
    for slot in slots {
        slot.push_to(&mut draft);
    }
    draft.finish()
}

macro_rules! frames {
    ($($name:ident ($($arg:ident: $type:ident),*);)*) => {$(
        /// A frame of this site with these values, in order.
        #[inline(never)]
        #[allow(clippy::too_many_arguments)] // as for `emitN`
        pub fn $name<$($type: Value),*>(site: &'static Site $(, $arg: $type)*) -> Made {
            let is_plain = true $(& $arg.is_plain(Seal::HERE))*;
            let bytes = 0 $(+ $arg.plain_bytes(Seal::HERE))*;
            if is_plain && bytes <= INLINE_BYTES && let Some(mut fresh) = Fresh::new(site, bytes, 0)
            {
                #[allow(unused_variables)]
                let at = fresh.values();
                // SAFETY: `fresh` has room for `bytes`, the exact sizes of the values, all plain.
                unsafe {
                    $(
                        #[allow(unused_variables)]
                        let at = $arg.write_plain(at, Seal::HERE);
                    )*
                    Made::of(fresh.done())
                }
            } else {
                long_way(site, &[$(&$arg),*])
            }
        }
    )*};
}

frames! {
    frame0 ();
    frame1 (a: A);
    frame2 (a: A, b: B);
    frame3 (a: A, b: B, c: C);
    frame4 (a: A, b: B, c: C, d: D);
    frame5 (a: A, b: B, c: C, d: D, e: E);
    frame6 (a: A, b: B, c: C, d: D, e: E, f: F);
    frame7 (a: A, b: B, c: C, d: D, e: E, f: F, g: G);
    frame8 (a: A, b: B, c: C, d: D, e: E, f: F, g: G, h: H);
    frame9 (a: A, b: B, c: C, d: D, e: E, f: F, g: G, h: H, i: I);
    frame10 (a: A, b: B, c: C, d: D, e: E, f: F, g: G, h: H, i: I, j: J);
    frame11 (a: A, b: B, c: C, d: D, e: E, f: F, g: G, h: H, i: I, j: J, k: K);
    frame12 (a: A, b: B, c: C, d: D, e: E, f: F, g: G, h: H, i: I, j: J, k: K, l: L);
}
