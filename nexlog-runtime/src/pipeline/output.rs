//! The last step of a pass: whole batches into the sinks.
//!
//! A batch is written when it is large enough or the pass ends. A sink that fails loses its batch, which is counted and told at the head of the first
//! batch that succeeds again; other sinks do not notice.

use core::fmt::{self, Write};
use core::ops::Range;
use core::sync::atomic::Ordering::Relaxed;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{io, mem};

use super::contain::contain;
use super::encode::{Desk, Numbers, Plan, Text};
use super::note::{Noting, Typed};
use super::own;
use super::stats::SinkCounts;
use super::volume::Volume;
use crate::clock::WallClock;
use crate::error::Error;
use crate::lane::images::Images;
use crate::lane::memory::{Allocator, try_push};
use crate::sink::output::OpenOutput;
use crate::sink::{Batch, Journal, Sink, WriteError};
use crate::site::filter::Filter;

/// A batch is written when it has grown to this.
pub(crate) const BATCH_BYTES: usize = 64 << 10;
/// A batch is written when that many records were gone over for it, wanted or not.
pub(crate) const BATCH_RECORDS: usize = 1 << 10;
/// With what the last of them may bring: for each sink a record about those before it.
pub(crate) const BATCH_ENTRIES: usize = BATCH_RECORDS + Outputs::MAX;
/// Taken at once for the first record, so that no later batch has to grow: a batch that is just
/// too small to be written, and a record as long as any in a lane. The system gives the pages
/// when they are written to.
pub(super) const BUFFER_BYTES: usize = BATCH_BYTES + (16 << 10);
/// Batch memory kept between passes.
pub(super) const KEPT_BYTES: usize = 4 * BATCH_BYTES;
/// A failing sink is reported again after this long.
const REPORT_AGAIN: Duration = Duration::from_secs(1);

/// A sink at work.
struct Output {
    sink: Box<dyn Sink>,
    /// The record about losses that its text begins with; it is not in the pass's index.
    losses: Option<Images>,
    /// Of a file that is noted in the ring, its number there.
    file: Option<usize>,
    /// Whether it may be left out of records that its filter wants.
    leaves_out: bool,
    /// Scratch of [`Noting`].
    lanes: Vec<(usize, u64)>,
    counts: Arc<SinkCounts>,
    /// Records lost since it last worked.
    lost: u64,
    /// Why it does not work at present.
    failing: Option<Failure>,
    reported: Option<Instant>,
    /// Whether there is something in `counts` for its health.
    is_in_trouble: bool,
}

/// What is kept of a sink's error. Its whole text would take memory.
pub(super) struct Failure {
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

    pub(super) fn to_error(&self) -> io::Error {
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

/// All sinks of a logger.
pub(crate) struct Outputs {
    pub(super) plan: Arc<Plan>,
    all: Vec<Output>,
}

/// What became of a batch.
#[derive(Default)]
pub(crate) struct Written {
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

    /// The outputs, and what it takes to encode for them.
    pub(crate) fn new(opened: Vec<OpenOutput>, allocator: Allocator) -> (Outputs, Desk) {
        let (mut plan, mut desk) = Plan::new(allocator);
        let mut all = Vec::new();
        for OpenOutput { sink, format, coloured, file, rotations, filter, volume, .. } in opened {
            if volume.is_limited() {
                plan.keep_order();
            }
            let counts = SinkCounts { name: sink.name(), rotations, ..SinkCounts::default() };
            let counts = Arc::new(counts);
            plan.add(&mut desk, (format, coloured), filter, Arc::clone(&counts));
            all.push(Output {
                sink,
                losses: None,
                file,
                leaves_out: volume.is_limited(),
                lanes: Vec::with_capacity(BATCH_RECORDS),
                counts,
                lost: 0,
                failing: None,
                reported: None,
                is_in_trouble: false,
            });
        }
        (Outputs { plan: Arc::new(plan), all }, desk)
    }

    /// The filters of the sinks that have one.
    pub(crate) fn filters(&self) -> Vec<(String, Filter)> {
        let names = self.all.iter().map(|output| output.counts.name.clone());
        names.zip(self.plan.filters()).filter_map(|(name, filter)| Some((name, filter?))).collect()
    }

    /// The counters, for `stats`.
    pub(crate) fn counts(&self) -> Vec<Arc<SinkCounts>> {
        self.all.iter().map(|output| Arc::clone(&output.counts)).collect()
    }

    /// Writes every text. With `retry`, sinks that have only losses to tell are tried. Adds the records
    /// that some sink lost.
    pub(crate) fn write(
        &mut self,
        batch: &Typed<'_, '_>,
        (desk, texts): (&mut Desk, &mut [Text]),
        retry: bool,
        (lost, volume): (&mut Numbers, &mut Volume),
        done: &mut Written,
    ) {
        for (number, text) in texts.iter_mut().enumerate() {
            let Some(output) = self.all.get_mut(number) else { return };
            if text.ends.is_empty() {
                output.lost += mem::take(&mut text.lost);
            }
            if retry {
                if output.has_untold(text) {
                    // There was no memory for that before.
                    output.announce_losses(&self.plan, desk, number, text, batch.clock);
                }
                text.begin();
            }
            if text.ends.is_empty() {
                continue;
            }
            let bit = 1 << number;
            let wanted = batch.masks.iter().enumerate().filter(|(_, mask)| **mask & bit != 0);
            let wanted = wanted.map(|(index, _)| index);
            let mut missing = wanted.clone();
            if let Some(written) = output.write(text, &wanted, batch, done)
                && let Some(first) = missing.nth(written)
            {
                lost.add(first);
                missing.for_each(|index| lost.add(index));
                output.count_lost(volume.lose(number, first));
            }
            output.announce_losses(&self.plan, desk, number, text, batch.clock);
            if output.losses.is_some() {
                volume.end(1 << number);
            }
        }
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
                output.counts.note_trouble(Failure::of(&source), false);
                output.is_in_trouble = true;
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
    /// Whether it has lost something, and nothing to be tried with.
    fn has_untold(&self, text: &Text) -> bool {
        self.lost > 0 && self.losses.is_none() && text.ends.is_empty()
    }

    /// It has lost these besides those of its batch.
    fn count_lost(&mut self, records: u64) {
        self.counts.lost.fetch_add(records, Relaxed);
        self.lost += records;
    }

    /// Puts a record about losses at the head of the sink's next text. It is no batch by itself: it
    /// waits for a record, or a flush, to try the sink with.
    fn announce_losses(
        &mut self,
        plan: &Plan,
        desk: &mut Desk,
        number: usize,
        text: &mut Text,
        clock: &WallClock,
    ) {
        if self.lost == 0 {
            return;
        }
        let losses = own::sink_lost(&self.counts.name, self.lost);
        self.losses = losses.filter(|losses| {
            let mut encode = |record| plan.encode_for(desk, number, &record, text);
            losses.first(clock).is_some_and(&mut encode)
        });
    }

    /// Writes the batch. `None` when it went well, else how many of the wanted records were
    /// written.
    fn write(
        &mut self,
        text: &mut Text,
        wanted: &(impl Iterator<Item = usize> + Clone),
        batch: &Typed<'_, '_>,
        done: &mut Written,
    ) -> Option<usize> {
        let losses = self.losses.take();
        let own = usize::from(losses.is_some());
        let records = text.ends.len() - own;
        let typed = |number: usize| match number.checked_sub(own) {
            Some(number) => wanted.clone().nth(number).and_then(batch.record),
            None => losses.as_ref().and_then(|losses| losses.first(batch.clock)),
        };
        let places = |records: Range<usize>| {
            let (start, end) = (records.start.saturating_sub(own), records.end.saturating_sub(own));
            let wanted_ones = wanted.clone().skip(start).take(end - start);
            // With those in between that it is left out of, as a line may tell of them.
            let place = |number: Option<usize>| wanted.clone().nth(number?).map(|place| place + 1);
            let all =
                place(start.checked_sub(1)).unwrap_or(0)..place(end.checked_sub(1)).unwrap_or(0);
            let (wanted_ones, all) =
                if self.leaves_out { (None, Some(all)) } else { (Some(wanted_ones), None) };
            let numbers = wanted_ones.into_iter().flatten().chain(all.into_iter().flatten());
            numbers.filter_map(batch.notes.place)
        };
        let journal = batch
            .notes
            .ring
            .zip(self.file)
            .map(|(ring, file)| Noting::new(ring, file, places, mem::take(&mut self.lanes)));
        let noted = journal.as_ref().map(|journal| journal as &dyn Journal);
        let lines = Batch::new(text.buffer.as_bytes(), &text.ends, &typed).noted(noted);
        let result = contain(|| self.sink.write(&lines))
            .unwrap_or_else(|| Err(WriteError::from(io::Error::other("the sink panicked"))));
        if let Some(journal) = journal {
            self.lanes = journal.into_lanes();
        }
        let taken =
            result.as_ref().map_or_else(|e| e.written.min(text.ends.len()), |()| text.ends.len());
        let written = taken.saturating_sub(own);
        let bytes = taken.checked_sub(1).map_or(0, |last| text.ends[last]);
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
        self.lost += lost + mem::take(&mut text.lost);
        text.clear();
        // One that took all and failed then has nothing to be tried with.
        let failure = result.as_ref().err().filter(|_| self.lost > 0);
        self.failing = failure.map(|e| Failure::of(&e.source));
        self.counts.is_failing.store(self.failing.is_some(), Relaxed);
        self.note_health(result.as_ref().err());
        result.err().map(|error| {
            self.report(error.source, done);
            written
        })
    }

    /// Notes how the last write went.
    fn note_health(&mut self, error: Option<&WriteError>) {
        if let Some(error) = error {
            self.counts.note_trouble(Failure::of(&error.source), self.failing.is_some());
            self.is_in_trouble = true;
        } else if self.is_in_trouble {
            self.is_in_trouble = !self.counts.note_success();
        }
    }

    fn report(&mut self, source: io::Error, done: &mut Written) {
        self.counts.errors.fetch_add(1, Relaxed);
        if self.reported.is_none_or(|last| last.elapsed() >= REPORT_AGAIN) {
            self.reported = Some(Instant::now());
            try_push(&mut done.errors, self.counts.failed(source));
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
        self.all.iter_mut().for_each(|output| output.losses = None);
    }

    /// Takes the sinks out, so that they are dropped without the pipeline mutex.
    pub(crate) fn take(&mut self) -> impl Sized + use<> {
        mem::take(&mut self.all)
    }
}
