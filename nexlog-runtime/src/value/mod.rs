//! Typed values: what can stand on the right of `key = value`.
//!
//! [`Value`] is open: a user's type writes itself through a [`ValueWriter`]. The built-in
//! encoders below are *plain*: their size is known before space is reserved, and writing them
//! runs no user code. The hidden methods that make a type plain take a [`Seal`], which cannot
//! be named outside this crate, so safe code cannot state a wrong size.

pub mod capture;
mod collections;
mod fields;
pub(crate) mod redact;
mod scalars;
pub mod view;
pub mod wire;
mod writer;

pub(crate) use fields::fields_bytes;
pub use fields::{Fields, FieldsWriter, Keyed, Splice};
pub(crate) use writer::Image;
#[cfg(feature = "serde")]
pub use writer::Serialized;
pub use writer::{ListWriter, MapWriter, ValueWriter};

/// A token that only this crate can name: it seals methods of an open trait.
#[derive(Clone, Copy)]
pub struct Seal(());

impl Seal {
    pub(crate) const HERE: Seal = Seal(());
}

/// A type that can be logged as a typed value.
///
/// Built in: `bool`, all integers to 128 bits, floats, `char`, text, `Duration`, `SystemTime`,
/// `Option` (a `None` field is left out), IP and socket addresses, paths, `format_args!`,
/// `NonZero*`, references, `Box`, `Rc` and `Arc` of values, slices, arrays, tuples and maps.
///
/// For your own type, derive it (`#[derive(nexlog::Value)]`), or write one value and return. Your code runs before space is reserved in
/// the thread's lane: it may log, allocate and even panic (the record is then replaced by one
/// that says so). Cost: one copy more than a built-in value.
///
/// ```
/// use nexlog_runtime::{Value, ValueWriter};
///
/// struct OrderId(u64);
///
/// impl Value for OrderId {
///     fn record(&self, out: ValueWriter<'_>) {
///         out.u64(self.0);
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be logged as a typed value",
    label = "this value has no encoder",
    note = "write `debug(value)` or `display(value)` (short: `?value`, `%value`) to log its text, \
            `err(&error)` for an error, or implement `nexlog::Value` for `{Self}`",
    note = "a logger is named first, by the option `logger(&l)`"
)]
pub trait Value {
    /// Writes this value, once. Writing nothing is the same as `None`: the field is left out.
    fn record(&self, out: ValueWriter<'_>);

    /// Whether the two methods below may be used instead of `record`.
    #[doc(hidden)]
    #[inline(always)]
    fn is_plain(&self, _: Seal) -> bool {
        false
    }

    /// The exact number of bytes `write_plain` writes.
    #[doc(hidden)]
    #[inline(always)]
    fn plain_bytes(&self, _: Seal) -> usize {
        0
    }

    /// Writes tag and payload; returns the address behind them.
    ///
    /// # Safety
    /// `is_plain` is true and `at` is valid for writes of `plain_bytes` bytes.
    #[doc(hidden)]
    #[inline(always)]
    unsafe fn write_plain(&self, at: *mut u8, _: Seal) -> *mut u8 {
        at
    }
}

/// Forwards to the value behind a pointer.
macro_rules! forward {
    ($($pointer:ty),* $(,)?) => {$(
        impl<T: Value + ?Sized> Value for $pointer {
            #[inline]
            fn record(&self, out: ValueWriter<'_>) {
                (**self).record(out);
            }

            #[inline(always)]
            fn is_plain(&self, seal: Seal) -> bool {
                (**self).is_plain(seal)
            }

            #[inline(always)]
            fn plain_bytes(&self, seal: Seal) -> usize {
                (**self).plain_bytes(seal)
            }

            #[inline(always)]
            unsafe fn write_plain(&self, at: *mut u8, seal: Seal) -> *mut u8 {
                // SAFETY: the caller's promise is about the value behind the pointer.
                unsafe { (**self).write_plain(at, seal) }
            }
        }
    )*};
}

forward!(&T, &mut T, Box<T>, std::rc::Rc<T>, std::sync::Arc<T>);
