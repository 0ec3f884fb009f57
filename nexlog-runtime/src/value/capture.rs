//! What the macros wrap a value in: markers (`debug(v)`, `err(&e)`, …) and captured variables.
//!
//! The wrappers are values themselves and are handed over by value; what they hold is a
//! reference. Everything public here is for expansions only and is re-exported as a whole.
//!
//! [`Capture`] and [`Fault`] choose between encoders by *autoref*: one method name, several
//! receivers, and the compiler takes the first whose bounds hold. `Capture(&x).__nexlog_slot()`
//! finds, in this order, the method that takes `Capture` itself (the type is a [`Value`]), the
//! one that takes `&Capture` (it has `Display`), and behind a dereference one whose bound no
//! type meets and whose error is ours. The order matters: with the first two swapped an integer
//! would silently become text, as it has `Display`, too. The common case comes first for the
//! build's sake as well: climbing the other way, `(&&&Capture(&x)).__nexlog_slot()` as
//! [`Fault`] has it, made a line with three captures about 1.4 times as slow to compile.

use core::fmt;
use core::marker::PhantomData;
use core::ops::Deref;
use std::error::Error;

use super::{Value, ValueWriter};

mod parts;
mod returned;
#[cfg(not(feature = "serde"))]
mod serialized;

pub use parts::*;
pub use returned::*;
#[cfg(not(feature = "serde"))]
pub use serialized::*;

#[cfg(feature = "serde")]
pub use super::Serialized;

/// `debug(v)`, `?v`: the text of `Debug`.
pub struct Debug<'a, T: ?Sized>(pub &'a T);

impl<T: fmt::Debug + ?Sized> Value for Debug<'_, T> {
    fn record(&self, out: ValueWriter<'_>) {
        out.debug(&self.0);
    }
}

/// `display(v)`, `%v`: the text of `Display`.
pub struct Display<'a, T: ?Sized>(pub &'a T);

impl<T: fmt::Display + ?Sized> Value for Display<'_, T> {
    fn record(&self, out: ValueWriter<'_>) {
        out.display(&self.0);
    }
}

/// `bytes(&b)`: shown as hex.
pub struct Bytes<'a, T: ?Sized>(pub &'a T);

impl<T: AsBytes + ?Sized> Value for Bytes<'_, T> {
    fn record(&self, out: ValueWriter<'_>) {
        out.bytes(self.0.as_bytes());
    }
}

/// `secret(v)`: nothing of `v` is kept, not even its length.
pub struct Secret;

impl Secret {
    /// Takes the value that is not to be seen, so that it is evaluated and type-checked.
    #[inline(always)]
    pub fn of<T: ?Sized>(_: &T) -> Secret {
        Secret
    }
}

impl Value for Secret {
    fn record(&self, out: ValueWriter<'_>) {
        out.secret();
    }
}

/// `err(&e)`: the error and its sources.
pub struct Chain<'a>(pub &'a (dyn Error + 'a));

impl Value for Chain<'_> {
    fn record(&self, out: ValueWriter<'_>) {
        out.error(self.0);
    }
}

/// What `target(expr)` takes: anything that is text.
#[inline]
pub fn target_text<T: AsText + ?Sized>(target: &T) -> &str {
    target.as_text()
}

/// `AsRef<str>`, with an error text of its own.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a text",
    label = "a target and a key are texts",
    note = "write a `&str` or a `String`, for example `format!(\"…\")`"
)]
pub trait AsText {
    /// The text.
    fn as_text(&self) -> &str;
}

#[diagnostic::do_not_recommend]
impl<T: AsRef<str> + ?Sized> AsText for T {
    #[inline]
    fn as_text(&self) -> &str {
        self.as_ref()
    }
}

/// `AsRef<[u8]>`, with an error text of its own.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not made of bytes",
    label = "`bytes(…)` takes a slice, an array or a `Vec` of `u8`, or a text",
    note = "leave `bytes` out to log the value as what it is"
)]
pub trait AsBytes {
    /// The bytes.
    fn as_bytes(&self) -> &[u8];
}

#[diagnostic::do_not_recommend]
impl<T: AsRef<[u8]> + ?Sized> AsBytes for T {
    #[inline]
    fn as_bytes(&self) -> &[u8] {
        self.as_ref()
    }
}

/// The steps of the ladders that are not the common case.
pub trait Via {
    /// The value that is recorded.
    type Slot;

    /// Chooses the encoder. The name is one that no method of a user has.
    fn __nexlog_slot(&self) -> Self::Slot;
}

/// A variable that a message names: `info!("paid {total}")`.
pub struct Capture<'a, T: ?Sized>(pub &'a T);

impl<'a, T: Value + ?Sized> Capture<'a, T> {
    /// The first step, by value.
    #[inline(always)]
    pub fn __nexlog_slot(self) -> &'a T {
        self.0
    }
}

impl<'a, T: fmt::Display + ?Sized> Via for Capture<'a, T> {
    type Slot = Display<'a, T>;

    #[inline(always)]
    fn __nexlog_slot(&self) -> Display<'a, T> {
        Display(self.0)
    }
}

impl<T: ?Sized> Deref for Capture<'_, T> {
    type Target = Uncaptured<T>;

    fn deref(&self) -> &Uncaptured<T> {
        &Uncaptured(PhantomData)
    }
}

/// The last step, one dereference away.
pub struct Uncaptured<T: ?Sized>(PhantomData<T>);

impl<T: ?Sized> Uncaptured<T> {
    /// No type gets past its bound.
    pub fn __nexlog_slot(&self) -> Secret
    where
        T: Capturable,
    {
        Secret
    }
}

/// Never implemented: it carries the text of an error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shown in a log message",
    label = "a variable named in this message is neither a `nexlog::Value` nor `Display`",
    note = "write `{{x:?}}` for its `Debug` text, or give the field its form: `x = debug(x)`",
    note = "or implement `nexlog::Value` or `Display` for `{Self}`"
)]
pub trait Capturable {}

/// An error, or something that leads to one: `err(&e)`.
pub struct Fault<'a, T: ?Sized>(pub &'a T);

/// What can be seen as `dyn Error`: every error type, and the three `dyn Error` themselves.
pub trait AsError {
    /// The error without its type.
    fn as_error<'a>(&'a self) -> &'a (dyn Error + 'a);
}

impl<E: Error> AsError for E {
    #[inline]
    fn as_error<'a>(&'a self) -> &'a (dyn Error + 'a) {
        self
    }
}

macro_rules! unsized_errors {
    ($($bounds:tt)*) => {
        impl<'b> AsError for dyn Error $($bounds)* + 'b {
            #[inline]
            fn as_error<'a>(&'a self) -> &'a (dyn Error + 'a) {
                self
            }
        }
    };
}

unsized_errors!();
unsized_errors!(+ Send);
unsized_errors!(+ Send + Sync);

/// `E`, `&E`, `dyn Error`.
impl<'a, T: AsError + ?Sized> Via for &&&Fault<'a, T> {
    type Slot = Chain<'a>;

    #[inline]
    fn __nexlog_slot(&self) -> Chain<'a> {
        Chain(self.0.as_error())
    }
}

/// `Box<dyn Error>`, `anyhow::Error`, `eyre::Report`: one dereference away.
impl<'a, T: Deref<Target: AsError> + ?Sized> Via for &&Fault<'a, T> {
    type Slot = Chain<'a>;

    #[inline]
    fn __nexlog_slot(&self) -> Chain<'a> {
        Chain((**self.0).as_error())
    }
}

/// References to those, as in `err(&boxed)`.
impl<'a, T: Deref<Target: Deref<Target: AsError>> + ?Sized> Via for &Fault<'a, T> {
    type Slot = Chain<'a>;

    #[inline]
    fn __nexlog_slot(&self) -> Chain<'a> {
        Chain((***self.0).as_error())
    }
}

impl<T: ?Sized> Fault<'_, T> {
    /// The last step: no type gets past its bound.
    pub fn __nexlog_slot(&self) -> Secret
    where
        T: Faulty,
    {
        Secret
    }
}

/// Never implemented: it carries the text of an error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an error",
    label = "`err(…)` takes a type that implements `Error`",
    note = "it also takes `dyn Error`, `Box<dyn Error>`, `anyhow::Error`, `eyre::Report` and \
            references to them; write `display(value)` for a text"
)]
pub trait Faulty {}
