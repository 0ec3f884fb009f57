//! The part of a line that a call site settles: literal text, with values in between.
//!
//! A [`Template`] is built once for each call site, out of the format's own fragments and the
//! message's pieces, everything escaped already. What comes before the first value is the head;
//! most messages show no value and are all head.

use std::mem;

use crate::buffer::Buffer;
use crate::format::escape::{Escaped, Rules, escape};
use crate::format::{number, plain};
use crate::lane::memory::{try_box, try_collect, try_push};
use crate::record::Record;
use crate::site::callsite::Piece;
use crate::value::view::ValueRef;
use crate::value::wire::Trusted;

/// Ready-made bytes. The first of them are copied as a whole, whatever their length: that is two
/// instructions and no call, and nearly all keys are no longer.
pub(crate) struct Fragment<const N: usize = 32> {
    start: [u8; N],
    rest: Vec<u8>,
    len: usize,
}

/// What begins a line behind its time: mostly level, target and message.
pub(crate) type Head = Fragment<96>;

impl<const N: usize> Fragment<N> {
    /// `None` when there is no memory.
    pub(crate) fn new(bytes: &[u8]) -> Option<Fragment<N>> {
        let (first, rest) = bytes.split_at(bytes.len().min(N - 1));
        let mut start = [0; N];
        start.get_mut(..first.len())?.copy_from_slice(first);
        let rest = try_collect(rest.iter().copied())?;
        Some(Fragment { start, rest, len: first.len() })
    }

    /// What was written; `None` when there was no memory for it.
    pub(crate) fn written(write: impl FnOnce(&mut Buffer)) -> Option<Fragment<N>> {
        let mut text = Buffer::new();
        write(&mut text);
        if text.is_short() { None } else { Fragment::new(text.as_bytes()) }
    }

    /// Its first bytes, and how many of these count: less than `N`.
    #[inline]
    pub(crate) fn start(&self) -> (&[u8; N], usize) {
        (&self.start, self.len)
    }

    /// Whether there are more.
    #[inline]
    pub(crate) fn is_long(&self) -> bool {
        !self.rest.is_empty()
    }

    #[inline]
    pub(crate) fn push(&self, out: &mut Buffer) {
        let Some(space) = out.window() else { return };
        *space = self.start;
        out.advance(self.len);
        if !self.rest.is_empty() {
            out.extend(&self.rest);
        }
    }
}

/// What follows the head.
pub(crate) enum Part {
    /// Text, ready to be copied.
    Text(Fragment),
    /// The value of this slot.
    Slot(usize),
}

/// Text and values in the making.
#[derive(Default)]
pub(crate) struct Template {
    /// What was written since the last value.
    pub(crate) text: Buffer,
    /// What came before the first value, once there is one.
    head: Option<Buffer>,
    parts: Vec<Part>,
    /// Whether something was left out for lack of memory.
    is_short: bool,
}

impl Template {
    /// Adds a message's pieces, the literal ones escaped.
    pub(crate) fn message<R: Rules>(&mut self, pieces: &[Piece]) {
        for piece in pieces {
            match piece {
                Piece::Literal(literal) => escape::<R>(literal, &mut self.text),
                Piece::Slot(number) => {
                    self.end_text();
                    self.is_short |= !try_push(&mut self.parts, Part::Slot(*number));
                }
            }
        }
    }

    /// The head, and the parts behind it. `None` when there was no memory.
    pub(crate) fn finish(mut self) -> Option<(Buffer, Vec<Part>)> {
        self.end_text();
        (!self.is_short).then(|| (self.head.unwrap_or_default(), self.parts))
    }

    /// Closes the text before a value, or behind the last one.
    fn end_text(&mut self) {
        self.is_short |= self.text.is_short();
        if self.head.is_none() {
            self.head = Some(mem::take(&mut self.text));
            return;
        }
        let part = Fragment::new(self.text.as_bytes()).map(Part::Text);
        self.is_short |= !part.is_some_and(|part| try_push(&mut self.parts, part));
        self.text.clear();
    }
}

/// What an encoder has ready for call sites, by their numbers.
pub(crate) struct Sites<P>(Vec<Option<Box<P>>>);

impl<P> Sites<P> {
    pub(crate) const fn new() -> Sites<P> {
        Sites(Vec::new())
    }

    #[inline]
    pub(crate) fn get(&self, id: usize) -> Option<&P> {
        self.0.get(id)?.as_deref()
    }

    /// Keeps it for the site's next record, if there is memory for that.
    #[cold]
    pub(crate) fn keep(&mut self, id: usize, prepared: P) {
        let missing = (id + 1).saturating_sub(self.0.len());
        if self.0.try_reserve(missing).is_ok() {
            self.0.resize_with(self.0.len() + missing, || None);
            if let (Some(place), Ok(prepared)) = (self.0.get_mut(id), try_box(prepared)) {
                *place = Some(prepared);
            }
        }
    }
}

/// Appends the parts behind the head, values escaped.
pub(crate) fn push_parts<R: Rules>(parts: &[Part], record: &Record<'_>, out: &mut Buffer) {
    let mut values = Values::new(record.values);
    for part in parts {
        match part {
            Part::Text(text) => text.push(out),
            Part::Slot(number) => match values.get(*number) {
                ValueRef::Str(text) => escape::<R>(text, out),
                ValueRef::U64(v) => number::unsigned(v, out),
                ValueRef::I64(v) => number::signed(v, out),
                // A buffer takes everything.
                value => _ = plain::display(value, &mut Escaped::<R>::new(out)),
            },
        }
    }
}

/// Random access to a record's values, which lie one behind the other. Templates name them
/// mostly in order, so it goes on from where it was and begins anew only to go back.
struct Values<'a> {
    all: Trusted<'a>,
    rest: Trusted<'a>,
    next: usize,
}

impl<'a> Values<'a> {
    fn new(all: Trusted<'a>) -> Self {
        Values { all, rest: all, next: 0 }
    }

    /// The value of slot `number`; null when there is none.
    fn get(&mut self, number: usize) -> ValueRef<'a> {
        if number < self.next {
            (self.rest, self.next) = (self.all, 0);
        }
        while self.next < number {
            self.next += 1;
            if self.rest.next_value().is_none() {
                // Behind broken bytes nothing is read any more.
                self.rest = Trusted::default();
            }
        }
        self.next = number + 1;
        self.rest.next_value().unwrap_or(ValueRef::Null)
    }
}
