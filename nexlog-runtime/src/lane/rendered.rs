//! Records whose values are of types that are not known while compiling: those of bridges.
//!
//! Their values are rendered into scratch first, as by a [`Draft`](super::draft::Draft), since that
//! runs users' code. What is there then are bytes of a known size: one *plain* value as far as
//! `lane/emit` is concerned, so that the record goes the short way of a call, and the long one
//! where any other would. A draft alone took 190 ns where this takes 115.

use core::cell::Cell;
use core::marker::PhantomData;

use super::emit::emit1;
use super::thread::{self, DepthMark, KEPT_SCRATCH_BYTES};
use crate::buffer::Buffer;
use crate::error::DropReason;
use crate::lane::memory::PROGRAM;
use crate::pipeline::{early, own, state};
use crate::site::callsite::Site;
use crate::value::{Image, Seal, Value, ValueWriter};

thread_local! {
    /// This thread's scratch for records of the global logger.
    static SCRATCH: Cell<Option<Buffer>> = const { Cell::new(None) };
}

/// A record of the global logger being made.
pub(crate) struct Rendered {
    site: &'static Site,
    /// `None` when it is finished.
    image: Option<Image>,
    /// Whose code is running, for the marker should it panic.
    rendering: &'static str,
    depth: Option<DepthMark>,
    /// The depth is this thread's.
    _not_send: PhantomData<*const ()>,
}

impl Rendered {
    /// Behind the gate. `None` when it cannot be made, which is counted.
    pub(crate) fn begin(site: &'static Site) -> Option<Rendered> {
        let core = state::global();
        let depth = DepthMark::set();
        let refused = match (&depth, core) {
            (None, _) => Some(DropReason::Recursion),
            _ if thread::is_forking() => Some(DropReason::Busy),
            (_, None) if early::is_full() => Some(DropReason::Early),
            _ => None,
        };
        if let Some(reason) = refused {
            count_drop(reason);
            return None;
        }
        let (limit, allocator) = match core {
            Some(core) => (core.max_record_bytes, core.allocator),
            None => (early::MAX_RECORD_BYTES, &PROGRAM as _),
        };
        let of_each = core.map_or(usize::MAX, |core| core.max_value_bytes());
        let scratch = SCRATCH.try_with(Cell::take).ok().flatten();
        let scratch = scratch.unwrap_or_else(|| Buffer::with_allocator(allocator));
        Some(Rendered {
            site,
            image: Some(Image::new(scratch, limit).with_limit_of_each(of_each)),
            rendering: "",
            depth,
            _not_send: PhantomData,
        })
    }

    /// Adds the value of the next slot. Runs its code; the marker of its panic says `name`.
    pub(crate) fn push_named<T: Value + ?Sized>(&mut self, name: &'static str, value: &T) {
        if let Some(image) = &mut self.image {
            self.rendering = name;
            image.push_slot(value);
        }
    }

    /// Puts the record where it belongs.
    pub(crate) fn finish(mut self) {
        let Some(image) = self.image.take() else { return };
        self.depth = None;
        if image.buffer.is_short() {
            count_drop(DropReason::NoMemory);
        } else {
            emit1(self.site, Encoded(&image));
        }
        keep(image.buffer);
    }
}

impl Drop for Rendered {
    /// Only a panic in a value's code leaves one unfinished.
    fn drop(&mut self) {
        let Some(image) = self.image.take() else { return };
        self.depth = None;
        count_drop(DropReason::Panic);
        if let Some(core) = state::global()
            && std::thread::panicking()
        {
            own::value_panicked(core, self.site, self.rendering);
        }
        keep(image.buffer);
    }
}

fn count_drop(reason: DropReason) {
    match state::global() {
        Some(core) => core.count_drop(reason),
        None => early::count_drop(),
    }
}

/// Keeps scratch for the next record, of the logger's own memory only.
fn keep(mut scratch: Buffer) {
    if let Some(core) = state::global() {
        scratch.clear();
        scratch.shrink_to(KEPT_SCRATCH_BYTES, core.allocator);
        let _ = SCRATCH.try_with(|kept| kept.set(Some(scratch)));
    }
}

/// The values of all slots, as they lie in a record.
struct Encoded<'a>(&'a Image);

impl Value for Encoded<'_> {
    fn record(&self, out: ValueWriter<'_>) {
        out.values(self.0);
    }

    #[inline(always)]
    fn is_plain(&self, _: Seal) -> bool {
        self.0.cut_bytes() == 0 // else a field is due that says so
    }

    #[inline(always)]
    fn plain_bytes(&self, _: Seal) -> usize {
        self.0.buffer.len()
    }

    #[inline(always)]
    unsafe fn write_plain(&self, at: *mut u8, _: Seal) -> *mut u8 {
        let bytes = self.0.buffer.as_bytes();
        // SAFETY: the caller has `plain_bytes`, which is their number, at `at`; a lane and scratch
        // do not overlap.
        unsafe {
            core::ptr::copy_nonoverlapping(bytes.as_ptr(), at, bytes.len());
            at.add(bytes.len())
        }
    }
}
