//! [`Record`]: what formats and sinks see of one logged thing.
//!
//! A view over the record's bytes and its call site's description; it owns nothing and decodes
//! lazily.

use core::fmt;

use crate::context::chain::{Chain, ChainFields};
use crate::format::plain;
use crate::site::callsite::{Piece, SiteInfo, Slot, SlotKind};
use crate::site::level::Level;
use crate::value::view::{Map, MapIter, Timestamp, ValueRef};
use crate::value::wire::Trusted;

/// The thread that made a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThreadInfo<'a> {
    /// Small and unique within the process, from 1 in the order of first records.
    pub id: u64,
    /// The thread's name; empty when it has none.
    pub name: &'a str,
}

/// One logged thing.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    pub(crate) site: &'a SiteInfo,
    pub(crate) level: Level,
    pub(crate) target: &'a str,
    pub(crate) timestamp: Timestamp,
    pub(crate) thread: ThreadInfo<'a>,
    pub(crate) values: Trusted<'a>,
    /// Whether a map of further fields follows the site's slots.
    pub(crate) has_extra: bool,
    /// The scopes and spans it was made in.
    pub(crate) context: Chain<'a>,
    /// The fields that every record of its logger has.
    pub(crate) common: Option<Map<'a>>,
}

/// The slot of fields that the call site does not know of.
static EXTRA: Slot = Slot { kind: SlotKind::Dynamic, key: "" };

impl<'a> Record<'a> {
    /// How grave it is.
    pub fn level(&self) -> Level {
        self.level
    }

    /// The target: stated at the call, or the module path.
    pub fn target(&self) -> &'a str {
        self.target
    }

    /// When it was made.
    pub fn timestamp(&self) -> Timestamp {
        self.timestamp
    }

    /// The module path of the call.
    pub fn module(&self) -> &'a str {
        self.site.module
    }

    /// The source file of the call.
    pub fn file(&self) -> &'a str {
        self.site.file
    }

    /// The line of the call.
    pub fn line(&self) -> u32 {
        self.site.line
    }

    /// The thread that made it.
    pub fn thread(&self) -> ThreadInfo<'a> {
        self.thread
    }

    /// The message, rendered when displayed; `None` when the call has none.
    pub fn message(&self) -> Option<Message<'a>> {
        self.site.message.as_ref().map(|pieces| Message { pieces, values: self.values })
    }

    /// The fields, each key once: those the call states first, then run-time keys, those of the
    /// scopes and spans around it from the outermost inwards (of a key that several have, the
    /// innermost), and those of the logger.
    pub fn fields(&self) -> FieldIter<'a> {
        FieldIter { record: *self, pass: Pass::Literal(self.slots()) }
    }

    /// The value of a field.
    pub fn field(&self, key: &str) -> Option<ValueRef<'a>> {
        self.fields().find(|field| field.0 == key).map(|field| field.1)
    }

    /// The name of the innermost span it was made in.
    pub fn span(&self) -> Option<&'a str> {
        self.context.span()
    }

    /// Slots with their values, nulls and hidden ones included.
    pub(crate) fn slots(&self) -> SlotIter<'a> {
        SlotIter {
            slots: self.site.slots.iter(),
            values: self.values,
            extra: self.has_extra.then_some(&EXTRA),
        }
    }

    /// The bytes of its own values, the padding behind them left out.
    pub(crate) fn value_bytes(&self) -> &'a [u8] {
        let (whole, mut slots) = (self.values.as_bytes(), self.slots());
        slots.by_ref().for_each(drop);
        whole.get(..whole.len() - slots.values.as_bytes().len()).unwrap_or(whole)
    }

    /// Whether it may have fields of its own whose keys the call site does not state.
    pub(crate) fn has_dynamic(&self) -> bool {
        self.site.has_dynamic || self.has_extra
    }

    /// Whether `is_it` says so of some key that the call site does not state.
    pub(crate) fn further_keys(&self, is_it: impl Fn(&str) -> bool) -> bool {
        let common = self.common.into_iter().flat_map(|map| map.iter());
        self.run_time_fields().any(|(key, _)| is_it(key))
            || self.context.into_iter().flat_map(|f| f.fields()).any(|(key, _)| is_it(key))
            || common.map(|(key, _)| key).any(is_it)
    }

    /// Whether it has a field of its own with this key.
    pub(crate) fn has_own(&self, key: &str) -> bool {
        !self.is_new(key, usize::MAX)
    }

    /// The fields of the scopes and spans it was made in, but for those whose key it has itself.
    pub(crate) fn context_fields(&self) -> impl Iterator<Item = (&'a str, ValueRef<'a>)> + use<'a> {
        let record = *self;
        self.context.fields().filter(move |(key, _)| !record.has_own(key))
    }

    /// The fields that every record of its logger has, but for those whose key it has itself or
    /// finds around it.
    pub(crate) fn common_fields(&self) -> impl Iterator<Item = (&'a str, ValueRef<'a>)> + use<'a> {
        let (record, common) = (*self, self.common);
        let earlier = move |key: &str, number: usize| {
            common.is_some_and(|map| {
                map.iter().take(number).any(|(k, v)| k == key && v != ValueRef::Null)
            })
        };
        let all = common.into_iter().flat_map(|map| map.iter().enumerate());
        all.filter(move |(number, (key, value))| {
            *value != ValueRef::Null
                && !earlier(key, *number)
                && !record.has_own(key)
                && !record.context.has(key)
        })
        .map(|(_, field)| field)
    }
}

impl fmt::Debug for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = self.message().map(|message| message.to_string());
        f.debug_struct("Record")
            .field("level", &self.level)
            .field("target", &self.target)
            .field("message", &message)
            .field("fields", &self.fields().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

fn nth(mut values: Trusted<'_>, number: usize) -> Option<ValueRef<'_>> {
    for _ in 0..number {
        values.next_value()?;
    }
    values.next_value()
}

/// A message: a template and the values it shows.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    pieces: &'a [Piece],
    values: Trusted<'a>,
}

impl<'a> Message<'a> {
    /// The text, when the template shows no value.
    pub fn as_str(&self) -> Option<&'a str> {
        match self.pieces {
            [] => Some(""),
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }
}

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in self.pieces {
            match piece {
                Piece::Literal(text) => f.write_str(text)?,
                Piece::Slot(number) => {
                    plain::display(nth(self.values, *number).unwrap_or(ValueRef::Null), f)?;
                }
            }
        }
        Ok(())
    }
}

/// Slots with their values.
#[derive(Clone)]
pub(crate) struct SlotIter<'a> {
    slots: core::slice::Iter<'a, Slot>,
    values: Trusted<'a>,
    extra: Option<&'static Slot>,
}

impl<'a> Iterator for SlotIter<'a> {
    type Item = (&'a Slot, ValueRef<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let slot = self.slots.next().or_else(|| self.extra.take())?;
        Some((slot, self.values.next_value()?))
    }
}

/// The fields of a [`Record`].
#[derive(Clone)]
pub struct FieldIter<'a> {
    record: Record<'a>,
    pass: Pass<'a>,
}

/// Where the iteration is, in this order.
#[derive(Clone)]
enum Pass<'a> {
    Literal(SlotIter<'a>),
    /// The run-time fields still to come, and how many were gone over.
    Dynamic(SlotIter<'a>, Option<MapIter<'a>>, usize),
    Context(ChainFields<'a>),
    /// How many of the common fields were gone over.
    Common(usize),
}

impl<'a> Iterator for FieldIter<'a> {
    type Item = (&'a str, ValueRef<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let record = self.record;
        loop {
            let next = match &mut self.pass {
                Pass::Literal(slots) => match next_literal(slots) {
                    Some(field) => return Some(field),
                    None => Pass::Dynamic(record.slots(), None, 0),
                },
                Pass::Dynamic(slots, map, taken) => {
                    match next_dynamic(&record, slots, map, taken) {
                        Some(field) => return Some(field),
                        None => Pass::Context(record.context.fields()),
                    }
                }
                Pass::Context(fields) => match fields.find(|(key, _)| !record.has_own(key)) {
                    Some(field) => return Some(field),
                    None => Pass::Common(0),
                },
                Pass::Common(taken) => {
                    *taken += 1;
                    return record.common_fields().nth(*taken - 1);
                }
            };
            self.pass = next;
        }
    }
}

fn next_literal<'a>(slots: &mut SlotIter<'a>) -> Option<(&'a str, ValueRef<'a>)> {
    let (slot, value) =
        slots.find(|(slot, value)| slot.kind == SlotKind::Field && *value != ValueRef::Null)?;
    Some((slot.key, value))
}

fn next_dynamic<'a>(
    record: &Record<'a>,
    slots: &mut SlotIter<'a>,
    map: &mut Option<MapIter<'a>>,
    taken: &mut usize,
) -> Option<(&'a str, ValueRef<'a>)> {
    if !record.has_dynamic() {
        return None;
    }
    loop {
        while let Some((key, value)) = map.as_mut().and_then(Iterator::next) {
            *taken += 1;
            if value != ValueRef::Null && record.is_new(key, *taken - 1) {
                return Some((key, value));
            }
        }
        let next = slots.find_map(|(slot, value)| match value {
            ValueRef::Map(map) if slot.kind == SlotKind::Dynamic => Some(map.iter()),
            _ => None,
        });
        *map = Some(next?);
    }
}

impl<'a> Record<'a> {
    /// All run-time fields of its own in order, doubles and nulls included.
    pub(crate) fn run_time_fields(
        &self,
    ) -> impl Iterator<Item = (&'a str, ValueRef<'a>)> + use<'a> {
        self.slots()
            .filter_map(|(slot, value)| match value {
                ValueRef::Map(map) if slot.kind == SlotKind::Dynamic => Some(map.iter()),
                _ => None,
            })
            .flatten()
    }

    /// Whether no literal field and none of the first `before` run-time fields has this key.
    /// Quadratic in the run-time fields, which are few; literal keys are unique already.
    fn is_new(&self, key: &str, before: usize) -> bool {
        let literal = self.slots().any(|(slot, value)| {
            slot.kind == SlotKind::Field && slot.key == key && value != ValueRef::Null
        });
        !literal
            && !self
                .run_time_fields()
                .take(before)
                .any(|(other, value)| other == key && value != ValueRef::Null)
    }
}

/// A record built from values directly, for tests of formats and sinks.
#[cfg(test)]
pub(crate) mod testing {
    use super::{Record, ThreadInfo};
    use crate::buffer::Buffer;
    use crate::context::chain::Chain;
    use crate::site::callsite::{Site, SiteInfo};
    use crate::site::level::Level;
    use crate::value::view::Timestamp;
    use crate::value::wire::Trusted;
    use crate::value::{Image, Value};
    use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    /// Owns what a [`Record`] borrows.
    pub(crate) struct Owned {
        pub(crate) site: SiteInfo,
        image: Image,
        thread: ThreadInfo<'static>,
        timestamp: Timestamp,
    }

    impl Owned {
        /// `description` as in `SiteInfo::parse`, and a value for each slot.
        pub(crate) fn new(level: Level, description: &str, values: &[&dyn Value]) -> Owned {
            static NEXT: AtomicUsize = AtomicUsize::new(0);
            let site = Site::new(level as u8, 7, String::from(description).leak());
            let mut image = Image::new(Buffer::new(), 1 << 20);
            for value in values {
                image.push(*value);
            }
            Owned {
                site: SiteInfo::parse(NEXT.fetch_add(1, Relaxed), &site).unwrap(),
                image,
                thread: ThreadInfo { id: 1, name: "main" },
                timestamp: Timestamp { seconds: 1_795_355_400, nanos: 123_456_789 },
            }
        }

        /// The view.
        pub(crate) fn record(&self) -> Record<'_> {
            Record {
                site: &self.site,
                level: self.site.level.unwrap_or(Level::Info),
                target: self.site.target,
                timestamp: self.timestamp,
                thread: self.thread,
                // SAFETY: the image was written by `Image::push`.
                values: unsafe { Trusted::new(self.image.buffer.as_bytes()) },
                has_extra: false,
                context: Chain::empty(),
                common: None,
            }
        }
    }
}
