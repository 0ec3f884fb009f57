//! Values inside a message, and values in a text line.
//!
//! [`display`] is for messages: built-in types that have a `Display` look exactly as with `{}`;
//! the others (durations, times, lists, maps, bytes) have the form they have in text output.
//! What it writes is not escaped: that is the format's business. [`text`] is the form in text
//! output: one word, or quoted with all that is odd in it escaped.

use core::fmt::{self, Write};

use super::escape::{self, QuotedText};
use super::{MAX_DEPTH, TOO_DEEP, number, time};
use crate::value::view::{ErrorRef, ValueRef};

/// Writes `value` as `{}` would.
pub(crate) fn display(value: ValueRef<'_>, out: &mut impl Write) -> fmt::Result {
    match value {
        ValueRef::Str(text) => out.write_str(text),
        ValueRef::Os(bytes) => escape::lossy(bytes).try_for_each(|piece| out.write_str(piece)),
        ValueRef::Char(c) => out.write_char(c),
        // Unlike in text output, without an exponent and with `1` for 1.0, as `{}` says.
        ValueRef::F32(v) => write!(out, "{v}"),
        ValueRef::F64(v) => write!(out, "{v}"),
        // Its chain is in the field; `{}` of an error is its own text.
        ValueRef::Error(error) => out.write_str(error.message()),
        _ => text(value, out),
    }
}

/// Writes `value` as text output shows it.
pub(crate) fn text(value: ValueRef<'_>, out: &mut impl Write) -> fmt::Result {
    nested(value, out, 0)
}

fn nested(value: ValueRef<'_>, out: &mut impl Write, depth: usize) -> fmt::Result {
    match value {
        ValueRef::Null => out.write_str("null"),
        ValueRef::Bool(v) => out.write_str(if v { "true" } else { "false" }),
        ValueRef::I64(v) => out.write_str(itoa::Buffer::new().format(v)),
        ValueRef::U64(v) => out.write_str(itoa::Buffer::new().format(v)),
        ValueRef::I128(v) => out.write_str(itoa::Buffer::new().format(v)),
        ValueRef::U128(v) => out.write_str(itoa::Buffer::new().format(v)),
        ValueRef::F32(v) => number::float(v, out),
        ValueRef::F64(v) => number::float(v, out),
        ValueRef::Char(c) => word(c.encode_utf8(&mut [0; 4]), out),
        ValueRef::Str(text) => word(text, out),
        ValueRef::Os(bytes) => os(bytes, out),
        ValueRef::Bytes([]) => out.write_str("\"\""),
        ValueRef::Bytes(bytes) => number::hex(bytes, out),
        ValueRef::Duration(time) => {
            number::seconds(time, out)?;
            out.write_char('s')
        }
        ValueRef::Time(time) => out.write_str(time::rfc3339(time).as_str()),
        ValueRef::Ip(ip) => write!(out, "{ip}"),
        ValueRef::Socket(socket) => write!(out, "{socket}"),
        ValueRef::Secret => out.write_str("***"),
        ValueRef::Error(error) => error_chain(&error, out),
        ValueRef::List(_) | ValueRef::Map(_) if depth == MAX_DEPTH => out.write_str(TOO_DEEP),
        ValueRef::List(list) => {
            out.write_char('[')?;
            for (number, item) in list.iter().enumerate() {
                separate(number, out)?;
                nested(item, out, depth + 1)?;
            }
            out.write_char(']')
        }
        ValueRef::Map(map) => {
            out.write_char('{')?;
            for (number, (key, value)) in map.iter().enumerate() {
                separate(number, out)?;
                word(key, out)?;
                out.write_str(": ")?;
                nested(value, out, depth + 1)?;
            }
            out.write_char('}')
        }
    }
}

fn separate(number: usize, out: &mut impl Write) -> fmt::Result {
    if number == 0 { Ok(()) } else { out.write_str(", ") }
}

/// An error and its sources, always quoted: `"cannot pay: connection reset"`.
fn error_chain(error: &ErrorRef<'_>, out: &mut impl Write) -> fmt::Result {
    out.write_char('"')?;
    escape::escape_runs::<QuotedText>(error.message(), out)?;
    for cause in error.chain() {
        out.write_str(": ")?;
        escape::escape_runs::<QuotedText>(cause, out)?;
    }
    out.write_char('"')
}

/// Text as it is when it is one simple word, else quoted.
pub(crate) fn word(text: &str, out: &mut impl Write) -> fmt::Result {
    if is_simple(text.as_bytes()) {
        return out.write_str(text);
    }
    out.write_char('"')?;
    escape::escape_runs::<QuotedText>(text, out)?;
    out.write_char('"')
}

/// A path: as text where it is UTF-8, else quoted, with U+FFFD for what is not.
fn os(bytes: &[u8], out: &mut impl Write) -> fmt::Result {
    if let Ok(text) = core::str::from_utf8(bytes) {
        return word(text, out);
    }
    out.write_char('"')?;
    for piece in escape::lossy(bytes) {
        escape::escape_runs::<QuotedText>(piece, out)?;
    }
    out.write_char('"')
}

/// Whether a reader can tell where the text ends without quotes around it. Text that is not simple
/// mostly has a space among its first bytes, so that is looked for first.
#[inline]
pub(crate) fn is_simple(text: &[u8]) -> bool {
    if text.first_chunk().is_some_and(|first| has_space(*first)) {
        return false;
    }
    let (first, rest) = text.split_at(text.len().min(8));
    let (chunks, last) = rest.as_chunks::<16>();
    !text.is_empty()
        && first.iter().all(|&byte| SIMPLE[usize::from(byte)])
        && chunks.iter().all(are_simple)
        && last.iter().all(|&byte| SIMPLE[usize::from(byte)])
}

/// Whether one of the bytes is a space.
#[inline]
fn has_space(bytes: [u8; 8]) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    // A byte that is zero here is a space.
    let zeros = u64::from_ne_bytes(bytes) ^ (ONES * 0x20);
    zeros.wrapping_sub(ONES) & !zeros & (ONES << 7) != 0
}

/// The bytes of simple words: letters, digits and what paths, addresses and dates are made of.
const SIMPLE: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    while byte < 0x80 {
        table[byte as usize] = are_simple(&[byte]);
        byte += 1;
    }
    table
};

/// Whether all bytes are those of simple words. Without early exit, so that the compiler makes
/// vector compares of it.
#[inline(always)]
#[allow(clippy::needless_bitwise_bool)] // branches would keep it from being vectors
const fn are_simple<const N: usize>(bytes: &[u8; N]) -> bool {
    let mut odd = false;
    let mut at = 0;
    while at < N {
        let byte = bytes[at];
        at += 1;
        // `-./0123456789:`, `@A…Z` and `a…z`.
        let is_in_range = (byte.wrapping_sub(b'-') <= b':' - b'-')
            | (byte.wrapping_sub(b'@') <= b'Z' - b'@')
            | (byte.wrapping_sub(b'a') <= b'z' - b'a');
        let is_sign =
            (byte == b'_') | (byte == b'+') | (byte == b'~') | (byte == b'%') | (byte == b'#');
        odd |= !(is_in_range | is_sign);
    }
    !odd
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_the_book(text: &[u8]) -> bool {
        let simple = |&byte: &u8| byte.is_ascii_alphanumeric() || b"_./:@+-~%#".contains(&byte);
        !text.is_empty() && text.iter().all(simple)
    }

    #[test]
    fn simple_words_are_told_from_others_byte_by_byte_and_at_every_length() {
        for length in 0..40 {
            for place in 0..length.max(1) {
                for byte in 0..=255_u8 {
                    let mut text = vec![b'a'; length];
                    if let Some(at) = text.get_mut(place) {
                        *at = byte;
                    }
                    assert_eq!(is_simple(&text), by_the_book(&text), "{text:?}");
                }
            }
        }
    }
}
