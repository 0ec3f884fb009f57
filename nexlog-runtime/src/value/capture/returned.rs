//! What `#[instrument]` wraps arguments and results in, and what it asks of a result.
//!
//! A function's arguments are of any type, and the attribute must not make its user name a form
//! for each: [`Given`] takes the typed value where there is one, else the text of `Debug`.
//! [`Failure`] does the same for what a function failed with: an error with its whole chain,
//! else its text.

use core::fmt;
use core::marker::PhantomData;
use core::ops::Deref;

use super::{AsError, Chain, Debug, Display, Secret, Via};
use crate::value::Value;

/// Calls a body once. A closure that is called where it stands is a `FnMut`, from which nothing
/// that it owns can be returned by reference.
#[inline(always)]
pub fn call<R>(body: impl FnOnce() -> R) -> R {
    body()
}

/// What `err` asks of a function's result.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Result`",
    label = "`err` records the error of a function that returns a `Result`",
    note = "leave `err` out, or use `ret` to record what the function returns"
)]
pub trait Outcome {
    /// What it holds when all went well.
    type Value;
    /// What it holds when not.
    type Error;

    /// As what it is.
    ///
    /// # Errors
    /// It is one: this is no failure of its own.
    fn as_result(&self) -> Result<&Self::Value, &Self::Error>;
}

impl<T, E> Outcome for Result<T, E> {
    type Value = T;
    type Error = E;

    #[inline(always)]
    fn as_result(&self) -> Result<&T, &E> {
        self.as_ref()
    }
}

/// The result of a function with `err`.
///
/// # Errors
/// That of the function.
#[inline(always)]
pub fn outcome<R: Outcome>(result: &R) -> Result<&R::Value, &R::Error> {
    result.as_result()
}

/// An argument of a function, or what it returned: that differs in the text of an error only.
pub struct Given<'a, T: ?Sized, const IS_RETURNED: bool>(pub &'a T);

impl<'a, T: Value + ?Sized, const IS_RETURNED: bool> Given<'a, T, IS_RETURNED> {
    /// The first step, by value.
    #[inline(always)]
    pub fn __nexlog_slot(self) -> &'a T {
        self.0
    }
}

impl<'a, T: fmt::Debug + ?Sized, const IS_RETURNED: bool> Via for Given<'a, T, IS_RETURNED> {
    type Slot = Debug<'a, T>;

    #[inline(always)]
    fn __nexlog_slot(&self) -> Debug<'a, T> {
        Debug(self.0)
    }
}

impl<T: ?Sized, const IS_RETURNED: bool> Deref for Given<'_, T, IS_RETURNED> {
    type Target = Withheld<T, IS_RETURNED>;

    fn deref(&self) -> &Withheld<T, IS_RETURNED> {
        &Withheld(PhantomData)
    }
}

/// The last step, one dereference away.
pub struct Withheld<T: ?Sized, const IS_RETURNED: bool>(PhantomData<T>);

impl<T: ?Sized> Withheld<T, false> {
    /// No type gets past its bound.
    pub fn __nexlog_slot(&self) -> Secret
    where
        T: Givable,
    {
        Secret
    }
}

impl<T: ?Sized> Withheld<T, true> {
    /// No type gets past its bound.
    pub fn __nexlog_slot(&self) -> Secret
    where
        T: Returnable,
    {
        Secret
    }
}

/// Never implemented: it carries the text of an error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be logged as an argument",
    label = "this is neither a `nexlog::Value` nor `Debug`",
    note = "name it in `skip(…)`, or derive `Debug` for `{Self}`"
)]
pub trait Givable {}

/// Never implemented: it carries the text of an error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be logged as what a function returned",
    label = "`ret` takes a `nexlog::Value`, or a type that has `Debug`",
    note = "derive `Debug`, write `ret(Display)` for a type that has `Display`, or leave `ret` out"
)]
pub trait Returnable {}

/// The error that a function returned.
pub struct Failure<'a, T: ?Sized>(pub &'a T);

/// Every error type: with its chain.
impl<'a, T: AsError + ?Sized> Via for &&&Failure<'a, T> {
    type Slot = Chain<'a>;

    #[inline]
    fn __nexlog_slot(&self) -> Chain<'a> {
        Chain(self.0.as_error())
    }
}

/// `Box<dyn Error>`, `anyhow::Error`, `eyre::Report`: one dereference away.
impl<'a, T: Deref<Target: AsError> + ?Sized> Via for &&Failure<'a, T> {
    type Slot = Chain<'a>;

    #[inline]
    fn __nexlog_slot(&self) -> Chain<'a> {
        Chain((**self.0).as_error())
    }
}

/// A text, a number: what is shown to people.
impl<'a, T: fmt::Display + ?Sized> Via for &Failure<'a, T> {
    type Slot = Display<'a, T>;

    #[inline]
    fn __nexlog_slot(&self) -> Display<'a, T> {
        Display(self.0)
    }
}

/// `()`, an enum that is not yet an error.
impl<'a, T: fmt::Debug + ?Sized> Via for Failure<'a, T> {
    type Slot = Debug<'a, T>;

    #[inline]
    fn __nexlog_slot(&self) -> Debug<'a, T> {
        Debug(self.0)
    }
}

impl<T: ?Sized> Deref for Failure<'_, T> {
    type Target = Unexplained<T>;

    fn deref(&self) -> &Unexplained<T> {
        &Unexplained(PhantomData)
    }
}

/// The last step.
pub struct Unexplained<T: ?Sized>(PhantomData<T>);

impl<T: ?Sized> Unexplained<T> {
    /// No type gets past its bound.
    pub fn __nexlog_slot(&self) -> Secret
    where
        T: Explainable,
    {
        Secret
    }
}

/// Never implemented: it carries the text of an error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be logged as an error",
    label = "`err` takes an error type, or one that has `Display` or `Debug`",
    note = "derive `Debug` for `{Self}`, or leave `err` out"
)]
pub trait Explainable {}
