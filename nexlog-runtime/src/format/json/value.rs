//! A typed value as JSON.

use core::fmt::Write;

use crate::buffer::Buffer;
use crate::format::distinct::{Region, Seen};
use crate::format::escape::{JsonString, escape, lossy, quote};
use crate::format::line::{Line, ShortText};
use crate::format::{MAX_DEPTH, TOO_DEEP, number, time};
use crate::value::view::{ErrorRef, List, Map, ValueRef};

/// Appends a value that lies in `region`. `depth` counts the lists and maps
/// around it.
pub(super) fn push(
    value: ValueRef<'_>,
    region: Region<'_>,
    depth: usize,
    seen: &mut Seen,
    out: &mut Buffer,
) {
    match value {
        ValueRef::U64(v) => number::unsigned(v, out),
        ValueRef::I64(v) => number::signed(v, out),
        ValueRef::Str(text) => string(text, out),
        ValueRef::Bool(v) => out.push_str(if v { "true" } else { "false" }),
        ValueRef::F64(v) => or_null(number::finite_f64(v, out), out),
        ValueRef::List(list) => push_list(list, region, depth, seen, out),
        ValueRef::Map(map) => push_map(map, region, depth, seen, out),
        _ => push_rare(value, out),
    }
}

/// Appends text as a JSON string.
#[inline]
pub(super) fn string(text: &str, out: &mut Buffer) {
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
fn push_rare(value: ValueRef<'_>, out: &mut Buffer) {
    match value {
        ValueRef::I128(v) => number::integer(v, out),
        ValueRef::U128(v) => number::integer(v, out),
        ValueRef::F32(v) => or_null(number::finite_f32(v, out), out),
        ValueRef::Duration(v) => _ = number::seconds(v, out),
        ValueRef::Error(error) => push_error(&error, out),
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

fn push_error(error: &ErrorRef<'_>, out: &mut Buffer) {
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

fn push_list(list: List<'_>, region: Region<'_>, depth: usize, seen: &mut Seen, out: &mut Buffer) {
    if depth == MAX_DEPTH {
        return string(TOO_DEEP, out);
    }
    out.push(b'[');
    for (number, item) in list.iter().enumerate() {
        comma(number, out);
        push(item, region, depth + 1, seen, out);
    }
    out.push(b']');
}

fn push_map(map: Map<'_>, region: Region<'_>, depth: usize, seen: &mut Seen, out: &mut Buffer) {
    if depth == MAX_DEPTH {
        return string(TOO_DEEP, out);
    }
    let mut table = seen.open(map.iter().count());
    let mut written = 0;
    out.push(b'{');
    for (key, value) in map {
        if seen.insert(&mut table, key, region) {
            comma(written, out);
            written += 1;
            string(key, out);
            out.push(b':');
            push(value, region, depth + 1, seen, out);
        }
    }
    out.push(b'}');
    seen.close(&table);
}
