//! A line in the making, for the values that most fields have.
//!
//! A [`Buffer`] behind a reference is loaded and stored for each piece that is appended, and the next
//! piece waits for that. A [`Line`] is a local variable that keeps its place in registers. It never
//! grows: what it has no room for, or no way, it declines, and the caller takes the long way for that
//! field, through the buffer.

use core::marker::PhantomData;

use super::escape::{Rules, copy_clean};
use super::message::Fragment;
use super::number::{self, write_integer};
use super::plain;
use crate::buffer::Buffer;
use crate::value::view::ValueRef;
use crate::value::wire::{Trusted, Visited, Visitor};

/// Bytes of a key that is not long, at most.
const KEY: usize = 32;

/// The free memory of a buffer and how much of it is written to.
pub(super) struct Line<'a> {
    space: &'a mut [u8],
    at: usize,
}

impl<'a> Line<'a> {
    /// Nothing yet. What is written becomes content by [`Buffer::advance`], with [`len`](Self::len).
    #[inline]
    fn of(out: &'a mut Buffer) -> Line<'a> {
        Line { space: out.spare(), at: 0 }
    }

    #[inline]
    fn len(&self) -> usize {
        self.at
    }

    /// The next bytes, to be overwritten.
    #[inline]
    fn window<const N: usize>(&mut self) -> Option<&mut [u8; N]> {
        self.space.get_mut(self.at..)?.first_chunk_mut()
    }

    /// The first of the window's bytes are written.
    #[inline]
    fn advance(&mut self, count: usize) {
        self.at += count;
    }

    /// Takes back what was written behind this.
    #[inline]
    fn rewind(&mut self, len: usize) {
        self.at = len;
    }

    /// Appends ready-made bytes, but for long ones.
    #[inline]
    fn fragment(&mut self, fragment: &Fragment) -> bool {
        let (start, len) = fragment.start();
        match self.window() {
            Some(space) if !fragment.is_long() => *space = *start,
            _ => return false,
        }
        self.advance(len);
        true
    }

    /// Appends ready-made bytes, but for long ones, and a number behind them.
    #[inline]
    fn keyed(&mut self, key: &Fragment, is_negative: bool, value: u64) -> bool {
        let (start, len) = key.start();
        let Some(space) = self.window::<{ KEY + 1 + number::ROOM }>() else { return false };
        if key.is_long() {
            return false;
        }
        if let Some(place) = space.first_chunk_mut() {
            *place = *start;
        }
        let at = len % KEY; // it is less, which the compiler sees so
        // Without a minus, the first digit comes in its place.
        space[at] = b'-';
        let at = at + usize::from(is_negative);
        let Some(place) = space.get_mut(at..).and_then(|s| s.first_chunk_mut()) else {
            return false;
        };
        let count = write_integer(value, place);
        self.advance(at + count);
        true
    }

    /// Appends a float that is a short decimal.
    #[inline]
    fn float(&mut self, value: f64) -> bool {
        let Some(space) = self.window() else { return false };
        let Some(count) = number::write_short_decimal(value, space) else { return false };
        self.advance(count);
        true
    }

    #[inline]
    fn bool(&mut self, value: bool) -> bool {
        let Some(space) = self.window() else { return false };
        *space = u64::to_le_bytes(if value {
            u64::from_le_bytes(*b"true    ")
        } else {
            u64::from_le_bytes(*b"false   ")
        });
        self.advance(5 - usize::from(value));
        true
    }

    /// Appends text between double quotes, where nothing in it has to be replaced.
    #[inline]
    pub(super) fn quoted<R: Rules>(&mut self, text: &str) -> bool {
        let space = self.space.get_mut(self.at..).and_then(|rest| rest.get_mut(..text.len() + 2));
        let Some([first, space @ .., last]) = space else { return false };
        (*first, *last) = (b'"', b'"');
        let is_clean = copy_clean::<R>(text.as_bytes(), space);
        if is_clean {
            self.advance(text.len() + 2);
        }
        is_clean
    }

    /// Appends text that needs no quotes in a text line.
    #[inline]
    pub(super) fn word(&mut self, text: &str) -> bool {
        let space = self.space.get_mut(self.at..).and_then(|rest| rest.get_mut(..text.len()));
        let Some(space) = space.filter(|_| plain::is_simple(text.as_bytes())) else { return false };
        space.copy_from_slice(text.as_bytes());
        self.advance(text.len());
        true
    }
}

/// How a format writes text that is a field's value.
pub(super) trait ShortText {
    /// Appends it, or declines.
    fn push(text: &str, line: &mut Line<'_>) -> bool;
}

/// Appends the fields of a record, whose keys are ready (`None` for what is no field): in the short way
/// where there is one, else by `long`.
#[inline]
pub(super) fn push_fields<'a, T: ShortText>(
    keys: &[Option<Fragment>],
    mut values: Trusted<'a>,
    out: &mut Buffer,
    mut long: impl FnMut(ValueRef<'a>, &mut Buffer),
) {
    let mut line = Line::of(out);
    for key in keys {
        match values.visit(Field::<T>::new(key.as_ref(), &mut line)) {
            Visited::Done => {}
            Visited::End => break,
            Visited::Declined => {
                let written = line.len();
                out.advance(written);
                // In a copy: what the short way has must not leave the registers.
                let mut rest = values;
                let value = rest.next_value();
                values = rest;
                if let (Some(key), Some(value)) = (key, value) {
                    key.push(out);
                    long(value, out);
                }
                line = Line::of(out);
                if value.is_none() {
                    break;
                }
            }
        }
    }
    let written = line.len();
    out.advance(written);
}

/// A field whose key is ready, on its way into a line.
struct Field<'a, 'b, 'c, T> {
    key: Option<&'a Fragment>,
    line: &'b mut Line<'c>,
    text: PhantomData<T>,
}

impl<'a, 'b, 'c, T> Field<'a, 'b, 'c, T> {
    /// `key` is `None` for what is no field.
    #[inline]
    fn new(key: Option<&'a Fragment>, line: &'b mut Line<'c>) -> Self {
        Field { key, line, text: PhantomData }
    }

    /// The key and then the value, or nothing.
    #[inline]
    fn push(self, value: impl FnOnce(&mut Line<'_>) -> bool) -> bool {
        let Some(key) = self.key else { return true };
        let before = self.line.len();
        let is_written = self.line.fragment(key) && value(self.line);
        if !is_written {
            self.line.rewind(before);
        }
        is_written
    }
}

impl<'a, T: ShortText> Visitor<'a> for Field<'_, '_, '_, T> {
    #[inline]
    fn unsigned(self, value: u64) -> bool {
        let Some(key) = self.key else { return true };
        self.line.keyed(key, false, value)
    }

    #[inline]
    fn signed(self, value: i64) -> bool {
        let Some(key) = self.key else { return true };
        self.line.keyed(key, value < 0, value.unsigned_abs())
    }

    #[inline]
    fn float(self, value: f64) -> bool {
        self.push(|line| line.float(value))
    }

    #[inline]
    fn bool(self, value: bool) -> bool {
        self.push(|line| line.bool(value))
    }

    #[inline]
    fn text(self, value: &'a str) -> bool {
        self.push(|line| T::push(value, line))
    }
}
