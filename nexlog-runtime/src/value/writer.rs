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
use crate::site::callsite::{Slot, SlotKind};

/// Longest source chain that is kept, as a chain may be a circle. What is behind is said to be.
const MAX_CHAIN: usize = 128;

/// Values being rendered into scratch.
pub struct Image {
    pub(crate) buffer: Buffer,
    /// Bytes that text, lists and maps may fill; scalars may pass it by their own size.
    limit: usize,
    /// Sum of the original lengths of what was cut.
    cut_bytes: u64,
}

impl Image {
    pub(crate) fn new(buffer: Buffer, limit: usize) -> Image {
        Image { buffer, limit: limit.min(u32::MAX as usize / 2), cut_bytes: 0 }
    }

    /// The original length of what was cut; 0 when nothing was.
    pub(crate) fn cut_bytes(&self) -> u64 {
        self.cut_bytes
    }

    /// Adds the value of one slot; a value that writes nothing is a null.
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
        let start = self.buffer.len();
        self.buffer.push(tag);
        self.buffer.extend(&[0; 4]);
        let frame = OpenFrame { image: self, start };
        body(frame.image);
        frame.close();
    }

    fn text(&mut self, what: &str, text: fmt::Arguments<'_>) {
        self.framed(tag::STR, |image| {
            let mut out = Text { image, original: 0, cut: false };
            if out.write_fmt(text).is_err() {
                let _ = write!(out, "<{what} failed>");
            }
            if out.cut {
                out.image.cut_bytes += out.original;
            }
        });
    }

    /// Adds a part of a list or map, or only counts it when there is no room any more.
    fn part(&mut self, write: impl FnOnce(&mut Image)) {
        let before = self.buffer.len();
        let full = self.room() == 0;
        write(self);
        if full {
            self.cut_bytes += (self.buffer.len() - before) as u64;
            self.buffer.rewind(before);
        }
    }
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
    original: u64,
    cut: bool,
}

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.original += piece.len() as u64;
        let room = if self.cut { 0 } else { self.image.room() };
        if piece.len() <= room {
            self.image.buffer.extend(piece.as_bytes());
            return Ok(());
        }
        let kept = char_floor(piece.as_bytes(), room);
        self.cut = true;
        self.image.buffer.extend(&piece.as_bytes()[..kept]);
        Ok(())
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
        self.image.framed(tag::LIST, |image| items(&mut ListWriter { image }));
    }

    /// Keys and values.
    pub fn map(self, entries: impl FnOnce(&mut MapWriter<'_>)) {
        self.image.framed(tag::MAP, |image| entries(&mut MapWriter { image }));
    }

    pub(super) fn map_writer(self, entries: impl FnOnce(MapWriter<'_>)) {
        self.image.framed(tag::MAP, |image| entries(MapWriter { image }));
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
}
