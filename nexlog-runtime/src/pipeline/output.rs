//! The last steps of a pass: filter per sink, encode once per format, write whole batches.
//!
//! Outputs with the same format share a group: a record is encoded for the first of them that
//! wants it, and copied to the others. A batch is written when it is large enough or the pass
//! ends. A sink that fails loses its batch, which is counted and told at the head of the first
//! batch that succeeds again; other sinks do not notice.

use core::fmt::{self, Write};
use core::ops::Range;
use core::sync::atomic::Ordering::Relaxed;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{io, mem};

use super::contain::contain;
use super::note::{Noting, Typed};
use super::own;
use super::stats::SinkCounts;
use crate::buffer::Buffer;
use crate::clock::WallClock;
use crate::error::{DropReason, Error};
use crate::format::{Encoder, Format};
use crate::lane::memory::{Allocator, try_push};
use crate::lane::read::Images;
use crate::record::Record;
use crate::sink::output::OpenOutput;
use crate::sink::{Batch, Journal, Sink, WriteError};
use crate::site::filter::{Answer, Filter};

/// A batch is written when it has grown to this.
pub(crate) const BATCH_BYTES: usize = 64 << 10;
/// A batch is written when that many records were gone over for it, wanted or not.
pub(crate) const BATCH_RECORDS: usize = 1 << 10;
/// Taken at once for the first record, so that no later batch has to grow: a batch that is just
/// too small to be written, and a record as long as any in a lane. The system gives the pages
/// when they are written to.
const BUFFER_BYTES: usize = BATCH_BYTES + (16 << 10);
/// Batch memory kept between passes.
const KEPT_BYTES: usize = 4 * BATCH_BYTES;
/// A failing sink is reported again after this long.
const REPORT_AGAIN: Duration = Duration::from_secs(1);

/// A format and the outputs that use it.
struct Group {
    /// Equal keys mean equal bytes; `None` is equal to nothing.
    key: Option<String>,
    encoder: GroupEncoder,
    outputs: Vec<usize>,
}

enum GroupEncoder {
    BuiltIn(Box<dyn Encoder>),
    Custom(Arc<dyn Format>),
}

impl GroupEncoder {
    /// Appends the record; nothing when the format panics or there is no memory.
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

/// A sink at work.
struct Output {
    sink: Box<dyn Sink>,
    filter: Option<Filter>,
    /// Its filter's answer by call site, once asked.
    wants: Vec<Option<Answer>>,
    buffer: Buffer,
    /// Where each record's bytes end in `buffer`.
    ends: Vec<usize>,
    /// The record about losses that the batch begins with; it is not in the pass's index.
    losses: Option<Images>,
    /// Of a file that is noted in the ring, its number there.
    file: Option<usize>,
    /// Scratch of [`Noting`].
    lanes: Vec<(usize, u64)>,
    counts: Arc<SinkCounts>,
    /// Records lost since it last worked.
    lost: u64,
    /// Why it does not work at present.
    failing: Option<Failure>,
    reported: Option<Instant>,
}

/// What is kept of a sink's error.
struct Failure {
    kind: io::ErrorKind,
    /// The system's number for it.
    code: Option<i32>,
    /// Of one that has a text of its own; as much as there was memory for.
    text: String,
}

impl Failure {
    fn of(error: &io::Error) -> Failure {
        let (kind, code) = (error.kind(), error.raw_os_error());
        let mut text = Cut(String::new());
        if error.get_ref().is_some() {
            let _ = write!(text, "{error}");
        }
        Failure { kind, code, text: text.0 }
    }

    fn to_error(&self) -> io::Error {
        match self.code {
            Some(code) => io::Error::from_raw_os_error(code),
            None if self.text.is_empty() => self.kind.into(),
            // std has no way to make one that may fail; a sink that gave it made one, too.
            None => io::Error::new(self.kind, self.text.as_str()),
        }
    }
}

/// A text that ends where memory does.
struct Cut(String);

impl fmt::Write for Cut {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.try_reserve(text.len()).map_err(|_| fmt::Error)?;
        self.0.push_str(text);
        Ok(())
    }
}

/// Numbers of records in a batch: a set that takes no memory as it grows.
#[derive(Default)]
pub(crate) struct Numbers([u64; BATCH_RECORDS.div_ceil(64)]);

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

/// All sinks of a logger.
pub(crate) struct Outputs {
    groups: Vec<Group>,
    all: Vec<Output>,
    allocator: Allocator,
}

/// Who has a record's bytes now.
pub(crate) struct Encoded {
    /// The outputs, by bit.
    pub(crate) mask: u64,
    /// Why somebody who wanted it has not.
    pub(crate) lost: Option<DropReason>,
}

/// What became of a batch.
#[derive(Default)]
pub(crate) struct Written {
    /// The records of the batch that some sink lost.
    pub(crate) lost: Numbers,
    pub(crate) errors: Vec<Error>,
    /// Records about losses that were written.
    pub(crate) own: u64,
    /// The number of the record about losses at the callers, if the batch has one: that a sink
    /// lost it is no news.
    pub(crate) telling: Option<usize>,
    /// Whether some sink has taken that record: if not, it comes again.
    pub(crate) is_told: bool,
}

impl Outputs {
    /// At most this many sinks: which of them want a record is a bit set.
    pub(crate) const MAX: usize = 64;

    pub(crate) fn new(opened: Vec<OpenOutput>, allocator: Allocator) -> Outputs {
        let mut outputs = Outputs { groups: Vec::new(), all: Vec::new(), allocator };
        for output in opened {
            outputs.add(output);
        }
        outputs
    }

    fn add(&mut self, opened: OpenOutput) {
        let number = self.all.len();
        let shared = opened.format.encoder(opened.coloured, crate::value::Seal::HERE);
        let (key, encoder) = match shared {
            Some(shared) => (Some(shared.key), GroupEncoder::BuiltIn(shared.encoder)),
            None => (None, GroupEncoder::Custom(opened.format)),
        };
        let known = self.groups.iter_mut().find(|group| key.is_some() && group.key == key);
        match known {
            Some(group) => group.outputs.push(number),
            None => self.groups.push(Group { key, encoder, outputs: vec![number] }),
        }
        let (name, rotations) = (opened.sink.name(), opened.rotations);
        let counts = SinkCounts { name, rotations, ..SinkCounts::default() };
        self.all.push(Output {
            sink: opened.sink,
            filter: opened.filter,
            wants: Vec::new(),
            buffer: Buffer::with_allocator(self.allocator),
            ends: Vec::with_capacity(BATCH_RECORDS + 1), // and one about losses
            losses: None,
            file: opened.file,
            lanes: Vec::with_capacity(BATCH_RECORDS),
            counts: Arc::new(counts),
            lost: 0,
            failing: None,
            reported: None,
        });
    }

    /// The counters, for `stats`.
    pub(crate) fn counts(&self) -> Vec<Arc<SinkCounts>> {
        self.all.iter().map(|output| Arc::clone(&output.counts)).collect()
    }

    /// Encodes a record for every sink that wants it. One of the logger's own that no sink
    /// wants goes to all: what was lost must be told somewhere.
    pub(crate) fn encode(&mut self, record: &Record<'_>, is_own: bool) -> Encoded {
        let mut encoded = Encoded { mask: 0, lost: None };
        let to_all = is_own && !self.all.iter_mut().any(|output| output.wants(record));
        for group in &mut self.groups {
            let mut first: Option<(usize, usize)> = None;
            for &number in &group.outputs {
                let (before, rest) = self.all.split_at_mut(number);
                let Some(output) = rest.first_mut() else { continue };
                if !to_all && !output.wants(record) {
                    continue;
                }
                output.begin();
                let start = output.buffer.len();
                let outcome = match first {
                    None => group.encoder.encode(record, &mut output.buffer),
                    // Numbers in a group ascend, so the first is among those before.
                    Some((first, start)) => {
                        output.buffer.extend(&before[first].buffer.as_bytes()[start..]);
                        if output.buffer.is_short() { Err(DropReason::NoMemory) } else { Ok(()) }
                    }
                };
                let Err(reason) = outcome else {
                    encoded.mask |= 1 << number;
                    output.ends.push(output.buffer.len());
                    first = first.or(Some((number, start)));
                    continue;
                };
                output.buffer.truncate(start);
                output.counts.lost.fetch_add(1, Relaxed);
                // What had no memory is told with all that had none, to every sink.
                if reason == DropReason::NoMemory {
                    encoded.lost = Some(reason);
                } else {
                    encoded.lost = encoded.lost.or(Some(reason));
                    output.lost += 1;
                }
            }
        }
        encoded
    }

    /// Whether a batch should be written now.
    pub(crate) fn is_large(&self) -> bool {
        self.all.iter().any(|output| output.buffer.len() >= BATCH_BYTES)
    }

    /// Writes every batch. With `retry`, sinks that have only losses to tell are tried.
    pub(crate) fn write(&mut self, batch: &Typed<'_, '_>, retry: bool, done: &mut Written) {
        for number in 0..self.all.len() {
            if retry && self.all[number].has_untold() {
                self.announce_losses(number, batch.clock); // there was no memory for that before
            }
            let output = &mut self.all[number];
            if retry {
                output.begin();
            }
            if output.ends.is_empty() {
                continue;
            }
            let bit = 1 << number;
            let wanted = batch.masks.iter().enumerate().filter(|(_, mask)| **mask & bit != 0);
            let wanted = wanted.map(|(index, _)| index);
            if let Some(written) = output.write(&wanted, batch, done) {
                wanted.skip(written).for_each(|index| done.lost.add(index));
            }
            self.announce_losses(number, batch.clock);
        }
    }

    /// Puts a record about losses at the head of the sink's next batch. It is no batch by
    /// itself: it waits for a record, or a flush, to try the sink with.
    fn announce_losses(&mut self, number: usize, clock: &WallClock) {
        let output = &mut self.all[number];
        if output.lost == 0 {
            return;
        }
        let group = self.groups.iter_mut().find(|group| group.outputs.contains(&number));
        let Some(group) = group else { return };
        let losses = own::sink_lost(&output.counts.name, output.lost);
        output.losses = losses.filter(|losses| {
            let encode = |record| group.encoder.encode(&record, &mut output.buffer).is_ok();
            losses.first(clock).is_some_and(encode)
        });
    }

    /// Asks every sink to put what it has on its device.
    pub(crate) fn sync(&mut self) -> Result<(), Error> {
        self.ask_all(Sink::sync)
    }

    /// Asks every sink to begin anew.
    pub(crate) fn rotate(&mut self) -> Result<(), Error> {
        self.ask_all(Sink::rotate)
    }

    /// Asks every sink to open again what it writes to.
    pub(crate) fn reopen(&mut self) -> Result<(), Error> {
        self.ask_all(Sink::reopen)
    }

    fn ask_all(&mut self, ask: impl Fn(&mut dyn Sink) -> io::Result<()>) -> Result<(), Error> {
        let mut outcome = Ok(());
        for output in &mut self.all {
            let result = contain(|| ask(&mut *output.sink))
                .unwrap_or_else(|| Err(io::Error::other("the sink panicked")));
            if let Err(source) = result {
                output.counts.errors.fetch_add(1, Relaxed);
                outcome = Err(output.counts.failed(source));
            }
        }
        outcome
    }

    /// The failure of a sink that does not work at present.
    pub(crate) fn failing(&self) -> Option<Error> {
        self.all
            .iter()
            .find_map(|output| Some(output.counts.failed(output.failing.as_ref()?.to_error())))
    }
}

impl Output {
    fn wants(&mut self, record: &Record<'_>) -> bool {
        let Some(filter) = &self.filter else { return true };
        let site = record.site;
        if site.level != Some(record.level) || !core::ptr::eq(site.target, record.target) {
            return filter.enabled_within(record.target, record.level, record);
        }
        let ask = || filter.answer(record.target, record.level);
        let missing = (site.id + 1).saturating_sub(self.wants.len());
        if missing > 0 && self.wants.try_reserve(missing).is_ok() {
            self.wants.resize(site.id + 1, None);
        }
        let known = self.wants.get_mut(site.id);
        match known.map_or_else(ask, |known| *known.get_or_insert_with(ask)) {
            Answer::Fixed(answer) => answer,
            Answer::Depends(_) => filter.enabled_within(record.target, record.level, record),
        }
    }

    /// Whether it has lost something, and nothing to be tried with.
    fn has_untold(&self) -> bool {
        self.lost > 0 && self.losses.is_none() && self.ends.is_empty()
    }

    /// Before a record is appended: the record about losses, if there is one, is a record of
    /// this batch now.
    fn begin(&mut self) {
        if self.buffer.capacity() == 0 && !self.buffer.reserve(BUFFER_BYTES) {
            self.buffer.clear(); // it grows by the record, as far as it can
        }
        if self.ends.is_empty() && self.losses.is_some() {
            self.ends.push(self.buffer.len());
        }
    }

    /// Writes the batch. `None` when it went well, else how many of the wanted records were
    /// written.
    fn write(
        &mut self,
        wanted: &(impl Iterator<Item = usize> + Clone),
        batch: &Typed<'_, '_>,
        done: &mut Written,
    ) -> Option<usize> {
        let losses = self.losses.take();
        let own = usize::from(losses.is_some());
        let records = self.ends.len() - own;
        let typed = |number: usize| match number.checked_sub(own) {
            Some(number) => wanted.clone().nth(number).and_then(batch.record),
            None => losses.as_ref().and_then(|losses| losses.first(batch.clock)),
        };
        let places = |records: Range<usize>| {
            let wanted = wanted.clone().skip(records.start.saturating_sub(own));
            let count = records.end.saturating_sub(own) - records.start.saturating_sub(own);
            wanted.take(count).filter_map(batch.notes.place)
        };
        let journal = batch
            .notes
            .ring
            .zip(self.file)
            .map(|(ring, file)| Noting::new(ring, file, places, mem::take(&mut self.lanes)));
        let noted = journal.as_ref().map(|journal| journal as &dyn Journal);
        let lines = Batch::new(self.buffer.as_bytes(), &self.ends, &typed).noted(noted);
        let result = contain(|| self.sink.write(&lines))
            .unwrap_or_else(|| Err(WriteError::from(io::Error::other("the sink panicked"))));
        if let Some(journal) = journal {
            self.lanes = journal.into_lanes();
        }
        let taken =
            result.as_ref().map_or_else(|e| e.written.min(self.ends.len()), |()| self.ends.len());
        let written = taken.saturating_sub(own);
        let bytes = taken.checked_sub(1).map_or(0, |last| self.ends[last]);
        self.counts.written.fetch_add(written as u64, Relaxed);
        let telling = wanted.clone().position(|number| Some(number) == done.telling);
        done.is_told |= telling.is_some_and(|place| place < written);
        let is_telling_lost = telling.is_some_and(|place| place >= written);
        let lost = (records - written - usize::from(is_telling_lost)) as u64;
        self.counts.lost.fetch_add(lost, Relaxed);
        self.counts.bytes.fetch_add(bytes as u64, Relaxed);
        if own == 1 && taken > 0 {
            (self.lost, done.own) = (0, done.own + 1);
        }
        self.lost += lost;
        self.ends.clear();
        self.buffer.clear();
        // One that took all and failed then has nothing to be tried with.
        let failure = result.as_ref().err().filter(|_| self.lost > 0);
        self.failing = failure.map(|e| Failure::of(&e.source));
        self.counts.is_failing.store(self.failing.is_some(), Relaxed);
        result.err().map(|error| {
            self.report(error.source, done);
            written
        })
    }

    fn report(&mut self, source: io::Error, done: &mut Written) {
        self.counts.errors.fetch_add(1, Relaxed);
        if self.reported.is_none_or(|last| last.elapsed() >= REPORT_AGAIN) {
            self.reported = Some(Instant::now());
            try_push(&mut done.errors, self.counts.failed(source));
        }
    }

    /// Gives back what a rare large record took.
    fn shrink(&mut self, allocator: Allocator) {
        if self.losses.is_none() {
            self.buffer.shrink_to(KEPT_BYTES, allocator);
        }
    }
}

impl Outputs {
    /// In a forked child: what sinks have lost is the parent's to tell.
    pub(crate) fn forget_losses(&mut self) {
        for output in &mut self.all {
            (output.lost, output.failing, output.reported) = (0, None, None);
        }
    }

    /// Forgets what an unwound pass left behind.
    pub(crate) fn reset(&mut self) {
        for output in &mut self.all {
            output.losses = None;
            output.ends.clear();
            output.buffer.clear();
        }
    }

    /// At the end of a pass.
    pub(crate) fn rest(&mut self) {
        let allocator = self.allocator;
        self.all.iter_mut().for_each(|output| output.shrink(allocator));
    }

    /// Takes the sinks out, so that they are dropped without the pipeline mutex.
    pub(crate) fn take(&mut self) -> Outputs {
        Outputs {
            groups: mem::take(&mut self.groups),
            all: mem::take(&mut self.all),
            allocator: self.allocator,
        }
    }
}
