//! Keys and values as logfmt has them.

use core::fmt::Write;

use crate::buffer::Buffer;
use crate::format::distinct::{Region, Seen};
use crate::format::escape::{Escaped, JsonString, escape, lossy, quote};
use crate::format::keyed::{Name, Syntax};
use crate::format::line::{Line, ShortText};
use crate::format::{number, plain};
use crate::value::view::ValueRef;

/// See [`Logfmt`](super::Logfmt).
pub(super) struct LogfmtSyntax;

/// Text as a field's value.
pub(super) struct LogfmtText;

impl ShortText for LogfmtText {
    #[inline]
    fn push(text: &str, line: &mut Line<'_>) -> bool {
        line.word(text) || line.quoted::<JsonString>(text)
    }
}

impl Syntax for LogfmtSyntax {
    type Text = LogfmtText;
    const OPEN: &'static str = "";
    const CLOSE: &'static str = "\n";
    const QUOTE: &'static str = "";

    /// ` key=`
    fn key(&self, name: &Name<'_>, out: &mut Buffer) {
        out.push(b' ');
        key(name.key, out);
        (0..name.underscores).for_each(|_| out.push(b'_'));
        out.push(b'=');
    }

    fn text(&self, text: &str, out: &mut Buffer) {
        word(text, out);
    }

    /// The types of most fields take a short way to the same text.
    #[inline]
    fn value(&self, value: ValueRef<'_>, _: Region<'_>, _: &mut Seen, out: &mut Buffer) {
        match value {
            ValueRef::Str(text) => word(text, out),
            ValueRef::U64(v) => number::unsigned(v, out),
            ValueRef::I64(v) => number::signed(v, out),
            ValueRef::F64(v) if number::finite_f64(v, out) => {}
            _ => push_rare(value, out),
        }
    }
}

#[inline]
fn word(text: &str, out: &mut Buffer) {
    if plain::is_simple(text.as_bytes()) {
        return out.push_str(text);
    }
    quote::<JsonString>(text, out);
}

/// The types that few records have. A buffer takes everything: results are not looked at.
#[inline(never)]
fn push_rare(value: ValueRef<'_>, out: &mut Buffer) {
    match value {
        ValueRef::Char(c) => word(c.encode_utf8(&mut [0; 4]), out),
        ValueRef::Os(bytes) => match core::str::from_utf8(bytes) {
            Ok(text) => word(text, out),
            Err(_) => quoted(out, |out| {
                lossy(bytes).for_each(|piece| escape::<JsonString>(piece, out));
            }),
        },
        ValueRef::Error(error) => quoted(out, |out| {
            escape::<JsonString>(error.message(), out);
            for cause in error.chain() {
                out.push_str(": ");
                escape::<JsonString>(cause, out);
            }
        }),
        ValueRef::List(_) | ValueRef::Map(_) => quoted(out, |out| {
            let _ = plain::text(value, &mut Escaped::<JsonString>::new(out));
        }),
        // One word each.
        _ => _ = plain::text(value, out),
    }
}

fn quoted(out: &mut Buffer, content: impl FnOnce(&mut Buffer)) {
    out.push(b'"');
    content(out);
    out.push(b'"');
}

/// A key, with what no reader takes in one as `%` and two hexadecimal digits for each byte.
fn key(key: &str, out: &mut Buffer) {
    if key.is_empty() {
        return out.push(b'%');
    }
    for c in key.chars() {
        let text = &mut [0; 4];
        let text = c.encode_utf8(text);
        if is_plain(c) {
            out.push_str(text);
        } else {
            text.bytes().for_each(|byte| _ = write!(out, "%{byte:02X}"));
        }
    }
}

/// Whether a key may have this character as it is.
fn is_plain(c: char) -> bool {
    let is_bidi = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2066}'..='\u{2069}');
    let is_syntax = matches!(c, '=' | '"' | '\\' | '%' | char::REPLACEMENT_CHARACTER);
    !(c.is_control() || c.is_whitespace() || is_bidi || is_syntax)
}
