//! From entries to bytes: which sinks want a record, and one encoding for each distinct format.
//!
//! A [`Plan`] is the same for all threads. A [`Desk`] is what one of them needs at a time, as encoders
//! keep what they have prepared. [`Work`] is a batch: entries on the one side, text on the other.

use core::sync::atomic::Ordering::Relaxed;
use std::sync::Arc;

use super::contain::contain;
use super::output::{BATCH_ENTRIES, BUFFER_BYTES, KEPT_BYTES};
use super::stats::SinkCounts;
use crate::buffer::Buffer;
use crate::clock::WallClock;
use crate::error::DropReason;
use crate::format::{Encoder, Format};
use crate::lane::memory::Allocator;
use crate::lane::view::{Entry, Names};
use crate::record::Record;
use crate::site::filter::{Answer, Filter};

/// Who wants what, and how.
pub(crate) struct Plan {
    groups: Vec<Group>,
    outputs: Vec<Wanting>,
    /// Whether each record is looked at before it is encoded, in order.
    is_in_order: bool,
    allocator: Allocator,
}

/// A format and the outputs that use it.
struct Group {
    /// Equal keys mean equal bytes; `None`, of a format of the program's own, is equal to nothing.
    key: Option<String>,
    format: Arc<dyn Format>,
    is_coloured: bool,
    outputs: Vec<usize>,
}

struct Wanting {
    filter: Option<Filter>,
    counts: Arc<SinkCounts>,
}

enum GroupEncoder {
    BuiltIn(Box<dyn Encoder>),
    Custom(Arc<dyn Format>),
}

impl GroupEncoder {
    fn new(format: &Arc<dyn Format>, is_coloured: bool) -> (Option<String>, GroupEncoder) {
        match format.encoder(is_coloured, crate::value::Seal::HERE) {
            Some(shared) => (Some(shared.key), GroupEncoder::BuiltIn(shared.encoder)),
            None => (None, GroupEncoder::Custom(Arc::clone(format))),
        }
    }

    /// Appends the record; nothing when the format panics or there is no memory.
    #[inline]
    fn encode(&mut self, record: &Record<'_>, out: &mut Buffer) -> Result<(), DropReason> {
        let start = out.len();
        let finished = contain(|| match self {
            GroupEncoder::BuiltIn(encoder) => encoder.encode(record, out),
            GroupEncoder::Custom(format) => format.encode(record, out),
        });
        let outcome = match finished {
            None => Err(DropReason::Sink),
            Some(()) if out.is_short() => Err(DropReason::NoMemory),
            Some(()) => return Ok(()),
        };
        out.truncate(start);
        outcome
    }
}

/// What a thread needs to encode.
pub(crate) struct Desk {
    /// By group.
    encoders: Vec<GroupEncoder>,
    /// By output: its filter's answer by call site, once asked.
    wants: Vec<Vec<Option<Answer>>>,
}

/// What an output is about to get.
pub(crate) struct Text {
    pub(super) buffer: Buffer,
    /// Where each record's bytes end in `buffer`.
    pub(super) ends: Vec<usize>,
    /// Records that its format has lost.
    pub(super) lost: u64,
}

impl Text {
    /// Before a record is appended. What is there without an end is the record about losses; it is one
    /// of this batch now.
    #[inline]
    pub(super) fn begin(&mut self) {
        if self.buffer.capacity() == 0 && !self.buffer.reserve(BUFFER_BYTES) {
            self.buffer.clear(); // it grows by the record, as far as it can
        }
        if self.ends.is_empty() && !self.buffer.is_empty() {
            self.ends.push(self.buffer.len());
        }
    }

    pub(super) fn clear(&mut self) {
        self.ends.clear();
        self.buffer.clear();
    }
}

/// Numbers of records in a batch: a set that takes no memory as it grows.
#[derive(Default)]
pub(crate) struct Numbers([u64; BATCH_ENTRIES.div_ceil(64)]);

impl Numbers {
    pub(crate) fn add(&mut self, number: usize) {
        if let Some(word) = self.0.get_mut(number / 64) {
            *word |= 1 << (number % 64);
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        let words = self.0.iter().enumerate().filter(|(_, word)| **word != 0);
        words.flat_map(|(place, word)| {
            let is_there = move |bit: &usize| word & (1 << bit) != 0;
            (0..64).filter(is_there).map(move |bit| 64 * place + bit)
        })
    }
}

/// Who has a record's bytes now.
struct Encoded {
    /// The outputs, by bit.
    mask: u64,
    /// Why somebody who wanted it has not.
    lost: Option<DropReason>,
}

/// A batch on its way.
pub(crate) struct Work {
    /// With room for [`BATCH_ENTRIES`].
    pub(crate) entries: Vec<Entry>,
    /// Of the entries that are encoded: the outputs that want each.
    pub(crate) masks: Vec<u64>,
    /// By output.
    pub(crate) texts: Vec<Text>,
    /// Records that somebody who wanted them has not.
    pub(crate) lost: Numbers,
    /// Those of them that were lost for lack of memory.
    pub(crate) without_memory: Numbers,
}

impl Work {
    pub(crate) fn new(plan: &Plan) -> Work {
        let text = |_: &Wanting| Text {
            buffer: Buffer::with_allocator(plan.allocator),
            ends: Vec::with_capacity(BATCH_ENTRIES + 1), // and one about losses
            lost: 0,
        };
        Work {
            entries: Vec::with_capacity(BATCH_ENTRIES),
            masks: Vec::with_capacity(BATCH_ENTRIES),
            texts: plan.outputs.iter().map(text).collect(),
            lost: Numbers::default(),
            without_memory: Numbers::default(),
        }
    }

    /// Encodes the first entry that is not encoded yet, but not for the outputs of `left_out`.
    #[inline]
    pub(crate) fn encode_next(
        &mut self,
        plan: &Plan,
        desk: &mut Desk,
        (names, clock): (&Names, &WallClock),
        left_out: u64,
    ) {
        let number = self.masks.len();
        let Some(entry) = self.entries.get(number) else { return };
        let encoded = match &names.record(entry, clock) {
            Some(record) => {
                plan.encode(desk, &mut self.texts, record, (entry.must_be_told(), left_out))
            }
            // Without memory for its site's description, nobody knows who wants it.
            None => Encoded { mask: 0, lost: Some(DropReason::NoMemory) },
        };
        if encoded.lost == Some(DropReason::NoMemory) {
            self.without_memory.add(number);
        }
        if encoded.lost.is_some() {
            self.lost.add(number);
        }
        self.masks.push(encoded.mask); // within the capacity, as the entries are
    }

    /// Encodes the first entry that is not encoded yet, a record of the logger's own, for one output.
    pub(super) fn encode_next_for(
        &mut self,
        plan: &Plan,
        desk: &mut Desk,
        (names, clock): (&Names, &WallClock),
        number: usize,
    ) {
        let entry = self.entries.get(self.masks.len());
        let (Some(entry), Some(text)) = (entry, self.texts.get_mut(number)) else { return };
        text.begin();
        let record = names.record(entry, clock);
        let is_done = record.is_some_and(|record| plan.encode_for(desk, number, &record, text));
        if is_done {
            text.ends.push(text.buffer.len());
        } else {
            plan.outputs[number].counts.lost.fetch_add(1, Relaxed);
            text.lost += 1;
        }
        self.masks.push(u64::from(is_done) << number); // within the capacity, as the entries are
    }

    pub(crate) fn is_encoded(&self) -> bool {
        self.masks.len() == self.entries.len()
    }

    /// Forgets the records, not what waits at the head of a text.
    pub(crate) fn forget_records(&mut self) {
        self.entries.clear();
        self.masks.clear();
        self.lost = Numbers::default();
        self.without_memory = Numbers::default();
    }

    /// Gives back what a rare large record took of texts that have nothing in them.
    pub(crate) fn rest(&mut self, plan: &Plan) {
        self.texts.iter_mut().for_each(|text| text.buffer.shrink_to(KEPT_BYTES, plan.allocator));
    }

    /// Forgets all.
    pub(crate) fn reset(&mut self) {
        self.forget_records();
        self.texts.iter_mut().for_each(Text::clear);
    }

    /// Takes over the batch of `other`, behind what waits at the heads of the texts here. This has no
    /// records of its own.
    pub(crate) fn take_from(&mut self, other: &mut Work) {
        core::mem::swap(&mut self.entries, &mut other.entries);
        core::mem::swap(&mut self.masks, &mut other.masks);
        core::mem::swap(&mut self.lost, &mut other.lost);
        core::mem::swap(&mut self.without_memory, &mut other.without_memory);
        for (text, from) in self.texts.iter_mut().zip(&mut other.texts) {
            text.lost += core::mem::take(&mut from.lost);
            if text.buffer.is_empty() {
                core::mem::swap(&mut text.buffer, &mut from.buffer);
                core::mem::swap(&mut text.ends, &mut from.ends);
            } else if !from.ends.is_empty() {
                text.begin();
                let start = text.buffer.len();
                text.buffer.extend(from.buffer.as_bytes());
                text.ends.extend(from.ends.iter().map(|end| start + end));
            }
        }
        other.reset();
    }
}

impl Plan {
    pub(crate) fn new(allocator: Allocator) -> (Plan, Desk) {
        let (groups, outputs) = (Vec::new(), Vec::new());
        let plan = Plan { groups, outputs, is_in_order: false, allocator };
        (plan, Desk { encoders: Vec::new(), wants: Vec::new() })
    }

    /// Adds an output, and what `desk` needs for it.
    pub(crate) fn add(
        &mut self,
        desk: &mut Desk,
        (format, is_coloured): (Arc<dyn Format>, bool),
        filter: Option<Filter>,
        counts: Arc<SinkCounts>,
    ) {
        let number = self.outputs.len();
        let (key, encoder) = GroupEncoder::new(&format, is_coloured);
        let known = self.groups.iter_mut().find(|group| key.is_some() && group.key == key);
        if let Some(group) = known {
            group.outputs.push(number);
        } else {
            self.groups.push(Group { key, format, is_coloured, outputs: vec![number] });
            desk.encoders.push(encoder);
        }
        self.outputs.push(Wanting { filter, counts });
        desk.wants.push(Vec::new());
    }

    /// By output: its filter.
    pub(crate) fn filters(&self) -> impl Iterator<Item = Option<Filter>> {
        self.outputs.iter().map(|output| output.filter.clone())
    }

    /// Another desk.
    pub(crate) fn desk(&self) -> Desk {
        let encoder = |group: &Group| GroupEncoder::new(&group.format, group.is_coloured).1;
        Desk {
            encoders: self.groups.iter().map(encoder).collect(),
            wants: self.outputs.iter().map(|_| Vec::new()).collect(),
        }
    }

    /// From now on records are looked at in order.
    pub(super) fn keep_order(&mut self) {
        self.is_in_order = true;
    }

    /// Whether other threads may encode: nothing of the program's own is run for that, and nothing
    /// depends on the record before.
    pub(crate) fn is_shared(&self) -> bool {
        !self.is_in_order && self.groups.iter().all(|group| group.key.is_some())
    }

    /// The outputs whose filters let a record through.
    pub(super) fn wanted(&self, desk: &mut Desk, record: &Record<'_>) -> u64 {
        let outputs = self.outputs.iter().zip(&mut desk.wants).enumerate();
        let wanted = outputs.filter_map(|(number, (output, known))| {
            output.wants(known, record).then_some(1 << number)
        });
        wanted.fold(0, |all, bit| all | bit)
    }

    /// Encodes a record for every sink that wants it, but for those of `left_out`. One of the logger's own that no sink
    /// wants goes to all: what was lost must be told somewhere.
    #[inline]
    fn encode(
        &self,
        desk: &mut Desk,
        texts: &mut [Text],
        record: &Record<'_>,
        (is_own, left_out): (bool, u64),
    ) -> Encoded {
        let mut encoded = Encoded { mask: 0, lost: None };
        let wants = &mut desk.wants;
        let mut is_wanted = |number: usize| match (self.outputs.get(number), wants.get_mut(number))
        {
            _ if left_out & 1 << number != 0 => false,
            (Some(output), Some(known)) => output.wants(known, record),
            _ => true,
        };
        let to_all = is_own && !(0..self.outputs.len()).any(&mut is_wanted);
        for (group, encoder) in self.groups.iter().zip(&mut desk.encoders) {
            let mut first: Option<(usize, usize)> = None;
            for &number in &group.outputs {
                if !to_all && !is_wanted(number) {
                    continue;
                }
                let (before, rest) = texts.split_at_mut(number);
                let Some(text) = rest.first_mut() else { continue };
                text.begin();
                let start = text.buffer.len();
                let outcome = match first {
                    None => encoder.encode(record, &mut text.buffer),
                    // Numbers in a group ascend, so the first is among those before.
                    Some((first, start)) => {
                        text.buffer.extend(&before[first].buffer.as_bytes()[start..]);
                        if text.buffer.is_short() { Err(DropReason::NoMemory) } else { Ok(()) }
                    }
                };
                let Err(reason) = outcome else {
                    encoded.mask |= 1 << number;
                    text.ends.push(text.buffer.len());
                    first = first.or(Some((number, start)));
                    continue;
                };
                text.buffer.truncate(start);
                self.outputs[number].counts.lost.fetch_add(1, Relaxed);
                // What had no memory is told with all that had none, to every sink.
                if reason == DropReason::NoMemory {
                    encoded.lost = Some(reason);
                } else {
                    encoded.lost = encoded.lost.or(Some(reason));
                    text.lost += 1;
                }
            }
        }
        encoded
    }

    /// Encodes a record about losses of this output at the head of its text. Whether that worked.
    pub(super) fn encode_for(
        &self,
        desk: &mut Desk,
        number: usize,
        record: &Record<'_>,
        text: &mut Text,
    ) -> bool {
        let mut groups = self.groups.iter().zip(&mut desk.encoders);
        let encoder = groups.find(|(group, _)| group.outputs.contains(&number));
        encoder.is_some_and(|(_, encoder)| encoder.encode(record, &mut text.buffer).is_ok())
    }
}

impl Wanting {
    #[inline]
    fn wants(&self, known: &mut Vec<Option<Answer>>, record: &Record<'_>) -> bool {
        match &self.filter {
            None => true,
            Some(filter) => asks(filter, known, record),
        }
    }
}

pub(super) fn asks(filter: &Filter, known: &mut Vec<Option<Answer>>, record: &Record<'_>) -> bool {
    let site = record.site;
    if site.level != Some(record.level) || !core::ptr::eq(site.target, record.target) {
        return filter.enabled_within(record.target, record.level, record);
    }
    let ask = || filter.answer(record.target, record.level);
    let missing = (site.id + 1).saturating_sub(known.len());
    if missing > 0 && known.try_reserve(missing).is_ok() {
        known.resize(site.id + 1, None);
    }
    let known = known.get_mut(site.id);
    match known.map_or_else(ask, |known| *known.get_or_insert_with(ask)) {
        Answer::Fixed(answer) => answer,
        Answer::Depends(_) => filter.enabled_within(record.target, record.level, record),
    }
}
