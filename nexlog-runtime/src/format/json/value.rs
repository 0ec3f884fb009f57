//! A typed value as JSON.

use core::fmt::Write;

use super::pretty;
use crate::buffer::Buffer;
use crate::format::distinct::{Region, Seen};
use crate::format::escape::{JsonString, escape, lossy, quote};
use crate::format::keyed::{Name, Syntax};
use crate::format::line::{Line, ShortText};
use crate::format::{MAX_DEPTH, TOO_DEEP, number, time};
use crate::value::view::{ErrorRef, List, Map, ValueRef};

/// How an error is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ErrorForm {
    /// `{"msg":…,"chain":[…]}`
    Chain,
    /// `{"message":…,"stack":…}`: the causes are lines of the stack.
    Stack,
}

/// Keys and values as JSON has them.
pub(super) struct JsonSyntax {
    pub(super) errors: ErrorForm,
    pub(super) pretty: bool,
}

impl Syntax for JsonSyntax {
    type Text = JsonText;
    const OPEN: &'static str = "{";
    const CLOSE: &'static str = "}\n";
    const QUOTE: &'static str = "\"";

    /// `,"name":`
    fn key(&self, name: &Name<'_>, out: &mut Buffer) {
        out.push_str(",\"");
        escape::<JsonString>(name.key, out);
        (0..name.underscores).for_each(|_| out.push(b'_'));
        out.push_str("\":");
    }

    fn text(&self, text: &str, out: &mut Buffer) {
        string(text, out);
    }

    #[inline]
    fn value(&self, value: ValueRef<'_>, region: Region<'_>, seen: &mut Seen, out: &mut Buffer) {
        push(value, (region, self.errors), 0, seen, out);
    }

    #[inline]
    fn finish(&self, start: usize, out: &mut Buffer) {
        if self.pretty {
            pretty::spread(start, out);
        }
    }
}

/// Where a value lies, and how errors in it are written.
type Place<'a> = (Region<'a>, ErrorForm);

/// Appends a value. `depth` counts the lists and maps around it.
fn push(value: ValueRef<'_>, place: Place<'_>, depth: usize, seen: &mut Seen, out: &mut Buffer) {
    match value {
        ValueRef::U64(v) => number::unsigned(v, out),
        ValueRef::I64(v) => number::signed(v, out),
        ValueRef::Str(text) => string(text, out),
        ValueRef::Bool(v) => out.push_str(if v { "true" } else { "false" }),
        ValueRef::F64(v) => or_null(number::finite_f64(v, out), out),
        ValueRef::List(list) => push_list(list, place, depth, seen, out),
        ValueRef::Map(map) => push_map(map, place, depth, seen, out),
        _ => push_rare(value, place.1, out),
    }
}

/// Appends text as a JSON string.
#[inline]
fn string(text: &str, out: &mut Buffer) {
    quote::<JsonString>(text, out);
}

/// Text as a field's value.
pub(super) struct JsonText;

impl ShortText for JsonText {
    #[inline]
    fn push(text: &str, line: &mut Line<'_>) -> bool {
        line.quoted::<JsonString>(text)
    }
}

fn or_null(written: bool, out: &mut Buffer) {
    if !written {
        out.push_str("null");
    }
}

/// The types that few records have. What is written through `fmt` here is ASCII that needs no
/// escapes, and a buffer refuses nothing: results are not looked at.
#[inline(never)]
fn push_rare(value: ValueRef<'_>, errors: ErrorForm, out: &mut Buffer) {
    match value {
        ValueRef::I128(v) => number::integer(v, out),
        ValueRef::U128(v) => number::integer(v, out),
        ValueRef::F32(v) => or_null(number::finite_f32(v, out), out),
        ValueRef::Duration(v) => _ = number::seconds(v, out),
        ValueRef::Error(error) => push_error(&error, errors, out),
        ValueRef::Char(c) => string(c.encode_utf8(&mut [0; 4]), out),
        ValueRef::Os(text) => quoted(out, |out| {
            lossy(text).for_each(|piece| escape::<JsonString>(piece, out));
        }),
        ValueRef::Bytes(data) => quoted(out, |out| _ = number::hex(data, out)),
        ValueRef::Time(v) => quoted(out, |out| out.extend(time::rfc3339(v).as_bytes())),
        ValueRef::Ip(v) => quoted(out, |out| _ = write!(out, "{v}")),
        ValueRef::Socket(v) => quoted(out, |out| _ = write!(out, "{v}")),
        ValueRef::Secret => out.push_str("\"***\""),
        _ => out.push_str("null"),
    }
}

fn quoted(out: &mut Buffer, content: impl FnOnce(&mut Buffer)) {
    out.push(b'"');
    content(out);
    out.push(b'"');
}

fn push_error(error: &ErrorRef<'_>, form: ErrorForm, out: &mut Buffer) {
    if form == ErrorForm::Stack {
        out.push_str("{\"message\":");
        string(error.message(), out);
        out.push_str(",\"stack\":\"");
        escape::<JsonString>(error.message(), out);
        for cause in error.chain() {
            out.push_str("\\nCaused by: ");
            escape::<JsonString>(cause, out);
        }
        return out.push_str("\"}");
    }
    out.push_str("{\"msg\":");
    string(error.message(), out);
    out.push_str(",\"chain\":[");
    for (number, cause) in error.chain().enumerate() {
        comma(number, out);
        string(cause, out);
    }
    out.push_str("]}");
}

fn comma(number: usize, out: &mut Buffer) {
    if number > 0 {
        out.push(b',');
    }
}

fn push_list(list: List<'_>, place: Place<'_>, depth: usize, seen: &mut Seen, out: &mut Buffer) {
    if depth == MAX_DEPTH {
        return string(TOO_DEEP, out);
    }
    out.push(b'[');
    for (number, item) in list.iter().enumerate() {
        comma(number, out);
        push(item, place, depth + 1, seen, out);
    }
    out.push(b']');
}

fn push_map(map: Map<'_>, place: Place<'_>, depth: usize, seen: &mut Seen, out: &mut Buffer) {
    if depth == MAX_DEPTH {
        return string(TOO_DEEP, out);
    }
    let mut table = seen.open(map.iter().count());
    let mut written = 0;
    out.push(b'{');
    for (key, value) in map {
        if seen.insert(&mut table, key, place.0) {
            comma(written, out);
            written += 1;
            string(key, out);
            out.push(b':');
            push(value, place, depth + 1, seen, out);
        }
    }
    out.push(b'}');
    seen.close(&table);
}
