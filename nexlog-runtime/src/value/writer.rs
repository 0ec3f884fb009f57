//! The write side of a value: what `Value::record` writes into.
//!
//! Everything here runs before space is reserved in a lane, so it may call user code, allocate
//! and panic. An [`Image`] is a record being built in scratch; a [`ValueWriter`] is the right to
//! add one value to it. What passes the record's byte limit is cut and its original length
//! counted, so that memory stays bounded whatever is logged.

use core::fmt::{self, Write as _};
use core::time::Duration;
use std::error::Error;

use super::view::{Map, ValueRef};
use super::wire::{Trusted, tag};
use super::{Seal, Value};
use crate::buffer::Buffer;
use crate::format::TOO_DEEP;
use crate::site::callsite::{Slot, SlotKind};

#[cfg(feature = "serde")]
mod serialize;

#[cfg(feature = "serde")]
pub use serialize::Serialized;

/// How deep lists and maps are written into each other: deeper than any format shows them, and not
/// so deep that what a killed process leaves could not be read. What lies deeper is not asked for, so
/// that a value that holds itself comes to an end.
const MAX_DEPTH: u32 = 150;

/// Longest source chain that is kept, as a chain may be a circle. What is behind is said to be.
const MAX_CHAIN: usize = 128;

/// Values being rendered into scratch.
pub struct Image {
    pub(crate) buffer: Buffer,
    /// Bytes that text, lists and maps may fill; scalars may pass it by their own size.
    limit: usize,
    /// The same for each slot's value by itself.
    limit_of_each: usize,
    /// Sum of the original lengths of what was cut.
    cut_bytes: u64,
    /// How many lists and maps are open.
    depth: u32,
}

impl Image {
    pub(crate) fn new(buffer: Buffer, limit: usize) -> Image {
        let limit = limit.min(u32::MAX as usize / 2);
        Image { buffer, limit, limit_of_each: usize::MAX, cut_bytes: 0, depth: 0 }
    }

    /// With a limit for each slot's value as well.
    pub(crate) fn with_limit_of_each(self, limit_of_each: usize) -> Image {
        Image { limit_of_each, ..self }
    }

    /// The original length of what was cut; 0 when nothing was.
    pub(crate) fn cut_bytes(&self) -> u64 {
        self.cut_bytes
    }

    /// Adds the value of one slot; a value that writes nothing is a null.
    pub(crate) fn push_slot(&mut self, value: &(impl Value + ?Sized)) {
        let limit = self.limit;
        self.limit = limit.min(self.buffer.len().saturating_add(self.limit_of_each));
        // A panic's image is given up, limit and all.
        self.push(value);
        self.limit = limit;
    }

    /// Adds a value; one that writes nothing is a null.
    pub(crate) fn push(&mut self, value: &(impl Value + ?Sized)) {
        let before = self.buffer.len();
        value.record(ValueWriter { image: self });
        if self.buffer.len() == before {
            self.buffer.push(tag::NULL);
        }
    }

    /// Adds a map of fields that the call site does not know of, whatever the limit: `fields`,
    /// which are a map's bytes, and how much was cut, if something was. The values of `slots`
    /// begin at `start`.
    pub(crate) fn push_extra(&mut self, slots: &[Slot], start: usize, fields: &[u8]) {
        let cut_bytes = self.cut_bytes;
        let mark = (cut_bytes > 0).then(|| self.free_name("truncated", slots, start, fields));
        self.limit = usize::MAX;
        ValueWriter { image: self }.map(|map| {
            map.image.buffer.extend(fields);
            if let Some(mark) = mark {
                map.entry(&mark, &cut_bytes);
            }
        });
    }

    /// `key`, with as many `_` behind it as no other field has. A user's own field keeps its
    /// name: it has it in the records that are whole, too.
    fn free_name(&self, key: &'static str, slots: &[Slot], start: usize, fields: &[u8]) -> Name {
        let mut name = Name { key, underscores: 0 };
        let written = self.buffer.as_bytes().get(start..).unwrap_or(&[]);
        if self.buffer.is_short() {
            return name; // nobody will read it
        }
        // SAFETY: this image's own values, all of them whole, and a map's entries as an image
        // wrote them.
        let (values, fields) =
            unsafe { (Trusted::new(written), Map { bytes: Trusted::new(fields) }) };
        while has_field(slots, values, &name) || has_entry(fields, &name) {
            name.underscores += 1;
        }
        name
    }

    /// The field, as a map's entry, that says of these entries how much of them was cut.
    pub(super) fn mark_of(entries: &[u8], cut_bytes: u64) -> Buffer {
        let mut image = Image::new(Buffer::new(), usize::MAX);
        let name = image.free_name("truncated", &[], 0, entries);
        image.text("Display", format_args!("{name}"));
        image.push(&cut_bytes);
        image.buffer
    }

    fn room(&self) -> usize {
        self.limit.saturating_sub(self.buffer.len())
    }

    fn plain(&mut self, value: &(impl Value + ?Sized)) {
        let bytes = value.plain_bytes(Seal::HERE);
        if let Some(space) = self.buffer.claim(bytes) {
            // SAFETY: `claim` gave `bytes` writable bytes, the size the value asked for; only
            // this crate's types, all plain, call `ValueWriter::plain`.
            unsafe { value.write_plain(space.as_mut_ptr(), Seal::HERE) };
        }
    }

    fn tagged_bytes(&mut self, tag: u8, bytes: &[u8]) {
        let kept = match self.room().saturating_sub(5) {
            room if bytes.len() <= room => bytes,
            room => {
                self.cut_bytes += bytes.len() as u64;
                &bytes[..char_floor(bytes, room)]
            }
        };
        self.buffer.push(tag);
        self.buffer.extend(&u32::try_from(kept.len()).unwrap_or(0).to_ne_bytes());
        self.buffer.extend(kept);
    }

    /// A tag, a length, and what `body` writes.
    fn framed(&mut self, tag: u8, body: impl FnOnce(&mut Image)) {
        let (start, depth) = (self.buffer.len(), self.depth);
        self.buffer.push(tag);
        self.buffer.extend(&[0; 4]);
        let frame = OpenFrame { image: self, start, depth };
        body(frame.image);
        frame.close();
    }

    /// The same for what holds values.
    fn nested(&mut self, tag: u8, body: impl FnOnce(&mut Image)) {
        if self.depth == MAX_DEPTH {
            return self.tagged_bytes(tag::STR, TOO_DEEP.as_bytes());
        }
        self.framed(tag, |image| {
            image.depth += 1;
            body(image);
            image.depth -= 1;
        });
    }

    fn text(&mut self, what: &str, text: fmt::Arguments<'_>) {
        self.framed(tag::STR, |image| {
            let start = image.buffer.len();
            let mut out = Text { image, cut_at: None, left_out: 0 };
            if out.write_fmt(text).is_err() {
                let _ = write!(out, "<{what} failed>");
            }
            if let Some(end) = out.cut_at {
                out.image.cut_bytes += (end - start) as u64 + out.left_out;
            }
        });
    }

    /// Adds a part of a list or map, or only counts it when there is no room any more.
    fn part(&mut self, write: impl FnOnce(&mut Image)) {
        let part = self.begin_part();
        write(self);
        self.end_part(part);
    }

    fn begin_part(&self) -> Part {
        Part { start: self.buffer.len(), is_counted_only: self.room() == 0 }
    }

    fn end_part(&mut self, part: Part) {
        if part.is_counted_only {
            self.cut_bytes += (self.buffer.len() - part.start) as u64;
            self.buffer.rewind(part.start);
        }
    }
}

/// A part of a list or map under way.
#[derive(Clone, Copy)]
struct Part {
    start: usize,
    is_counted_only: bool,
}

/// A key and the underscores behind it. No text, as there may be no memory for one.
struct Name {
    key: &'static str,
    underscores: usize,
}

impl Name {
    fn is(&self, text: &str) -> bool {
        let rest = text.strip_prefix(self.key).unwrap_or("x");
        rest.len() == self.underscores && rest.bytes().all(|byte| byte == b'_')
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key)?;
        (0..self.underscores).try_for_each(|_| f.write_char('_'))
    }
}

/// Whether one of these slots is, or holds, a field of this key that is shown.
fn has_field(slots: &[Slot], mut values: Trusted<'_>, name: &Name) -> bool {
    slots.iter().map_while(|slot| Some((slot, values.next_value()?))).any(|(slot, value)| {
        match (slot.kind, value) {
            (SlotKind::Field, value) => name.is(slot.key) && value != ValueRef::Null,
            (SlotKind::Dynamic, ValueRef::Map(map)) => has_entry(map, name),
            (SlotKind::Dynamic | SlotKind::Hidden, _) => false,
        }
    })
}

fn has_entry(map: Map<'_>, name: &Name) -> bool {
    map.iter().any(|(key, value)| name.is(key) && value != ValueRef::Null)
}

/// A tag and a length that is not yet known. A panic of the user's code takes the whole frame
/// back: a user who catches it must not be able to leave half a value behind.
struct OpenFrame<'a> {
    image: &'a mut Image,
    start: usize,
    /// How deep it lies.
    depth: u32,
}

impl OpenFrame<'_> {
    fn close(self) {
        let length = self.image.buffer.len().saturating_sub(self.start + 5);
        let length = u32::try_from(length).unwrap_or(0).to_ne_bytes();
        self.image.buffer.patch(self.start + 1, &length);
        core::mem::forget(self);
    }
}

impl Drop for OpenFrame<'_> {
    fn drop(&mut self) {
        self.image.buffer.rewind(self.start);
        self.image.depth = self.depth;
    }
}

/// The longest prefix of at most `max` bytes that does not end inside a UTF-8 character.
fn char_floor(bytes: &[u8], max: usize) -> usize {
    let mut end = max.min(bytes.len());
    while end > 0 && end < bytes.len() && bytes[end] & 0b1100_0000 == 0b1000_0000 {
        end -= 1;
    }
    end
}

/// Text arriving in pieces.
struct Text<'a> {
    image: &'a mut Image,
    /// Where it ends, once something had no room.
    cut_at: Option<usize>,
    /// The bytes behind that.
    left_out: u64,
}

impl Text<'_> {
    /// There is no room, or no memory yet.
    #[cold]
    #[inline(never)]
    fn grow_or_cut(&mut self, piece: &[u8]) {
        let Image { buffer, limit, .. } = &mut *self.image;
        let room = limit.saturating_sub(buffer.len());
        if self.cut_at.is_none() && piece.len() <= room {
            return buffer.extend(piece);
        }
        let kept = if self.cut_at.is_none() { char_floor(piece, room) } else { 0 };
        buffer.extend(&piece[..kept]);
        self.cut_at.get_or_insert(buffer.len());
        self.left_out += (piece.len() - kept) as u64;
    }
}

impl fmt::Write for Text<'_> {
    #[inline]
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        let Image { buffer, limit, .. } = &mut *self.image;
        if self.cut_at.is_some() || !buffer.put_within(*limit, piece.as_bytes()) {
            self.grow_or_cut(piece.as_bytes());
        }
        Ok(())
    }

    #[inline]
    fn write_char(&mut self, c: char) -> fmt::Result {
        self.write_str(c.encode_utf8(&mut [0; 4]))
    }
}

macro_rules! scalars {
    ($($(#[$doc:meta])* $name:ident: $type:ty;)*) => {$(
        $(#[$doc])*
        #[inline]
        pub fn $name(self, value: $type) {
            self.image.plain(&value);
        }
    )*};
}

/// The right to write one value. Every method uses it up.
pub struct ValueWriter<'a> {
    image: &'a mut Image,
}

impl ValueWriter<'_> {
    scalars! {
        /// A `bool`.
        bool: bool;
        /// An unsigned integer.
        u64: u64;
        /// A signed integer.
        i64: i64;
        /// An unsigned integer of 128 bits.
        u128: u128;
        /// A signed integer of 128 bits.
        i128: i128;
        /// A float of 32 bits, kept as such.
        f32: f32;
        /// A float of 64 bits.
        f64: f64;
        /// A character.
        char: char;
        /// A length of time.
        duration: Duration;
        /// A point in time.
        time: std::time::SystemTime;
    }

    /// Text.
    pub fn str(self, text: &str) {
        self.image.tagged_bytes(tag::STR, text.as_bytes());
    }

    /// Bytes, shown as hex.
    pub fn bytes(self, bytes: &[u8]) {
        self.image.tagged_bytes(tag::BYTES, bytes);
    }

    /// The text that `Display` makes.
    pub fn display(self, value: &dyn fmt::Display) {
        self.image.text("Display", format_args!("{value}"));
    }

    /// The text that `Debug` makes.
    pub fn debug(self, value: &dyn fmt::Debug) {
        self.image.text("Debug", format_args!("{value:?}"));
    }

    /// An error with its whole source chain.
    pub fn error(self, error: &dyn Error) {
        self.image.framed(tag::ERROR, |image| {
            let mut next = Some(error);
            for _ in 0..MAX_CHAIN {
                let Some(error) = next else { break };
                image.part(|image| image.text("Display", format_args!("{error}")));
                next = error.source();
            }
            if next.is_some() {
                image.part(|image| image.text("Display", format_args!("(more causes left out)")));
            }
        });
    }

    /// A value that is shown as `***` everywhere. Nothing of it is stored.
    pub fn secret(self) {
        self.image.buffer.push(tag::SECRET);
    }

    /// The values of several slots, as they were rendered.
    #[cfg(any(feature = "log", feature = "tracing"))]
    pub(crate) fn values(self, values: &Image) {
        self.image.buffer.extend(values.buffer.as_bytes());
        self.image.cut_bytes += values.cut_bytes;
    }

    /// A value of another type.
    pub fn value(self, value: &(impl Value + ?Sized)) {
        value.record(self);
    }

    /// A sequence of values.
    pub fn list(self, items: impl FnOnce(&mut ListWriter<'_>)) {
        self.image.nested(tag::LIST, |image| items(&mut ListWriter { image }));
    }

    /// Keys and values.
    pub fn map(self, entries: impl FnOnce(&mut MapWriter<'_>)) {
        self.image.nested(tag::MAP, |image| entries(&mut MapWriter { image }));
    }

    pub(super) fn map_writer(self, entries: impl FnOnce(MapWriter<'_>)) {
        self.image.nested(tag::MAP, |image| entries(MapWriter { image }));
    }

    #[inline]
    pub(super) fn plain(self, value: &(impl Value + ?Sized)) {
        self.image.plain(value);
    }

    pub(super) fn tagged_bytes(self, tag: u8, bytes: &[u8]) {
        self.image.tagged_bytes(tag, bytes);
    }

    /// Writes a value read from another record.
    pub(super) fn copy(self, value: ValueRef<'_>) {
        match value {
            ValueRef::Null => {}
            ValueRef::Bool(v) => self.bool(v),
            ValueRef::I64(v) => self.i64(v),
            ValueRef::U64(v) => self.u64(v),
            ValueRef::I128(v) => self.i128(v),
            ValueRef::U128(v) => self.u128(v),
            ValueRef::F32(v) => self.f32(v),
            ValueRef::F64(v) => self.f64(v),
            ValueRef::Char(v) => self.char(v),
            ValueRef::Str(v) => self.str(v),
            ValueRef::Os(v) => self.tagged_bytes(tag::OS, v),
            ValueRef::Bytes(v) => self.bytes(v),
            ValueRef::Duration(v) => self.duration(v),
            ValueRef::Time(v) => self.plain(&v),
            ValueRef::Ip(v) => self.plain(&v),
            ValueRef::Socket(v) => self.plain(&v),
            ValueRef::Secret => self.secret(),
            ValueRef::Error(v) => self.image.framed(tag::ERROR, |image| {
                image.push(v.message());
                v.chain().for_each(|text| image.push(text));
            }),
            ValueRef::List(v) => self.list(|list| v.iter().for_each(|item| list.item(&item))),
            ValueRef::Map(v) => {
                self.map(|map| v.iter().for_each(|(key, value)| map.entry(&key, &value)));
            }
        }
    }
}

/// Takes the items of a list.
pub struct ListWriter<'a> {
    image: &'a mut Image,
}

impl ListWriter<'_> {
    /// Adds an item; a `None` becomes a null.
    pub fn item(&mut self, value: &(impl Value + ?Sized)) {
        self.image.part(|image| image.push(value));
    }
}

/// Takes the entries of a map.
pub struct MapWriter<'a> {
    image: &'a mut Image,
}

impl MapWriter<'_> {
    /// Adds a key (its `Display` text) and a value; a `None` becomes a null.
    pub fn entry(&mut self, key: &(impl fmt::Display + ?Sized), value: &(impl Value + ?Sized)) {
        self.image.part(|image| {
            image.text("Display", format_args!("{key}"));
            image.push(value);
        });
    }

    /// The same, unless the value writes nothing.
    pub(super) fn entry_of_some(&mut self, key: &str, value: &(impl Value + ?Sized)) {
        self.image.part(|image| {
            let (start, cut_bytes) = (image.buffer.len(), image.cut_bytes);
            image.tagged_bytes(tag::STR, key.as_bytes());
            let before = image.buffer.len();
            value.record(ValueWriter { image });
            if image.buffer.len() == before {
                image.buffer.rewind(start);
                image.cut_bytes = cut_bytes;
            }
        });
    }
}
