//! The part of a line that a call site settles: literal text, with values in between.
//!
//! A [`Template`] is built once for each call site, out of the format's own fragments and the
//! message's pieces, everything escaped already. What comes before the first value is the head;
//! most messages show no value and are all head.

use crate::buffer::Buffer;
use crate::format::escape::{Escaped, Rules, escape};
use crate::format::{number, plain};
use crate::record::Record;
use crate::site::callsite::Piece;
use crate::value::view::ValueRef;
use crate::value::wire::Trusted;

/// Ready-made bytes, in blocks for [`Buffer::extend_blocks`].
pub(crate) struct Fragment {
    blocks: Box<[[u8; 16]]>,
    len: usize,
}

impl Fragment {
    pub(crate) fn new(bytes: &[u8]) -> Fragment {
        let mut padded = bytes.to_vec();
        padded.resize(bytes.len().next_multiple_of(16), 0);
        Fragment { blocks: padded.as_chunks().0.into(), len: bytes.len() }
    }

    #[inline]
    pub(crate) fn push(&self, out: &mut Buffer) {
        out.extend_blocks(&self.blocks, self.len);
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
    head: Option<Box<[u8]>>,
    parts: Vec<Part>,
}

impl Template {
    /// Adds a message's pieces, the literal ones escaped.
    pub(crate) fn message<R: Rules>(&mut self, pieces: &[Piece]) {
        for piece in pieces {
            match piece {
                Piece::Literal(literal) => escape::<R>(literal, &mut self.text),
                Piece::Slot(number) => {
                    self.end_text();
                    self.parts.push(Part::Slot(*number));
                }
            }
        }
    }

    /// The head, and the parts behind it.
    pub(crate) fn finish(mut self) -> (Box<[u8]>, Box<[Part]>) {
        self.end_text();
        (self.head.unwrap_or_default(), self.parts.into())
    }

    /// Closes the text before a value, or behind the last one.
    fn end_text(&mut self) {
        match self.head {
            None => self.head = Some(self.text.as_bytes().into()),
            Some(_) => self.parts.push(Part::Text(Fragment::new(self.text.as_bytes()))),
        }
        self.text.clear();
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
