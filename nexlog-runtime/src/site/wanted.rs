//! [`Wanted`]: the value that a directive asks a field for, and how the two are compared.
//!
//! | field | equal when |
//! | --- | --- |
//! | integer | the word is a number of that value: `7`, `+7`, `007`, `7.0`, `7e0` |
//! | `f64`, `f32` | the word, read as a number of that type, is it; `nan` equals NaN |
//! | `bool` | the word is `true` or `false` |
//! | text, `char`, path, error (its own message) | the same text, quoted or not |
//! | duration, time, address, bytes | its form in text output: `1.5s`, `10.0.0.1`, `c0ffee` |
//! | list, map, secret | never |
//!
//! A quoted text is no number and no `bool`. A secret equals nothing, because whoever may set a
//! filter could otherwise find out by asking.

use core::fmt::{self, Write};

use crate::format::plain;
use crate::value::view::ValueRef;

/// What ends a bare word.
pub(super) const MARKS: [char; 7] = ['[', ']', '{', '}', ',', '=', '"'];

/// A value as it was written in a directive.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    text: String,
    is_quoted: bool,
    /// What a bare word is as a number, if it is one.
    number: Option<Number>,
}

/// A number, in every type that a field may have.
#[derive(Clone, Copy, Debug)]
struct Number {
    /// Whether it is below zero, and how much without the sign.
    whole: Option<(bool, u128)>,
    double: f64,
    single: f32,
}

impl Wanted {
    pub(super) fn new(text: String, is_quoted: bool) -> Wanted {
        let number = if is_quoted { None } else { Number::read(&text) };
        Wanted { text, is_quoted, number }
    }

    /// Whether a field's value is what was meant.
    #[allow(clippy::float_cmp)] // equality is the question
    pub(super) fn equals(&self, value: ValueRef<'_>) -> bool {
        match value {
            ValueRef::Bool(v) => !self.is_quoted && self.text == if v { "true" } else { "false" },
            ValueRef::I64(v) => self.is_whole(v < 0, v.unsigned_abs().into()),
            ValueRef::U64(v) => self.is_whole(false, v.into()),
            ValueRef::I128(v) => self.is_whole(v < 0, v.unsigned_abs()),
            ValueRef::U128(v) => self.is_whole(false, v),
            ValueRef::F32(v) => {
                self.number.is_some_and(|n| v == n.single || v.is_nan() && n.single.is_nan())
            }
            ValueRef::F64(v) => {
                self.number.is_some_and(|n| v == n.double || v.is_nan() && n.double.is_nan())
            }
            ValueRef::Str(text) => self.text == text,
            ValueRef::Os(bytes) => self.text.as_bytes() == bytes,
            ValueRef::Null | ValueRef::Secret | ValueRef::List(_) | ValueRef::Map(_) => false,
            _ => {
                let mut rest = Rest(&self.text);
                plain::display(value, &mut rest).is_ok() && rest.0.is_empty()
            }
        }
    }

    fn is_whole(&self, is_negative: bool, magnitude: u128) -> bool {
        self.number.is_some_and(|number| number.whole == Some((is_negative, magnitude)))
    }
}

/// The number follows from the text.
impl PartialEq for Wanted {
    fn eq(&self, other: &Wanted) -> bool {
        (&self.text, self.is_quoted) == (&other.text, other.is_quoted)
    }
}

impl Eq for Wanted {}

impl Number {
    fn read(text: &str) -> Option<Number> {
        let (double, single) = (text.parse().ok()?, text.parse().ok()?);
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        let whole = match digits.parse::<u128>() {
            Ok(magnitude) => Some((text.starts_with('-') && magnitude > 0, magnitude)),
            Err(_) => whole(double),
        };
        Some(Number { whole, double, single })
    }
}

/// The whole number that a fraction or a power of ten comes to.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // looked at before
fn whole(double: f64) -> Option<(bool, u128)> {
    const END: f64 = 340_282_366_920_938_463_463_374_607_431_768_211_456.0; // 2^128
    let magnitude = double.abs();
    let is_whole = magnitude < END && magnitude.fract() == 0.0;
    is_whole.then_some((double < 0.0, magnitude as u128))
}

/// Takes what is written only as long as it is what is left of the text.
struct Rest<'a>(&'a str);

impl Write for Rest<'_> {
    fn write_str(&mut self, written: &str) -> fmt::Result {
        self.0 = self.0.strip_prefix(written).ok_or(fmt::Error)?;
        Ok(())
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_quoted { write_quoted(&self.text, f) } else { f.write_str(&self.text) }
    }
}

/// A name, in quotes where it would be read as something else without.
pub(super) fn write_word(text: &str, out: &mut impl Write) -> fmt::Result {
    if text.trim() == text && !text.is_empty() && !text.contains(MARKS) {
        out.write_str(text)
    } else {
        write_quoted(text, out)
    }
}

fn write_quoted(text: &str, out: &mut impl Write) -> fmt::Result {
    out.write_char('"')?;
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.write_char('\\')?;
        }
        out.write_char(c)?;
    }
    out.write_char('"')
}

#[cfg(test)]
#[path = "wanted_tests.rs"]
mod tests;
