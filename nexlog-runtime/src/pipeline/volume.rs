//! How much is written: records that a sink leaves out, and the records that tell how many.
//!
//! Looks at each record before it is encoded, where some sink collapses what comes again (`repeats`)
//! or samples traces; what it leaves out of a sink is, for all that follows, a record which that sink
//! does not want. What tells of it is a record of the logger's own in the same batch, for that sink
//! alone, in front of the record that ended a repetition, or at the pass's end.
//!
//! Order matters to both, so batches of such a logger are not lent to other threads.
//!
//! What call sites have suppressed (`site/limit`) is told here as well, when no record of theirs has
//! for long, and at the end.

use core::sync::atomic::Ordering::Relaxed;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use super::drain::Pipeline;
use super::own;
use super::repeats::{Key, Repeats};
use super::state::Core;
use super::stats::SinkCounts;
use crate::clock::{self, WallClock};
use crate::context::trace;
use crate::lane::images::Images;
use crate::lane::memory::try_push;
use crate::lane::view::{Entry, Names};
use crate::record::Record;
use crate::registry;
use crate::sink::output;
use crate::sink::sampling::TraceSampling;

/// What sinks leave out, and what has to be told of that.
pub(crate) struct Volume {
    /// Of the outputs that may leave out something.
    outputs: Vec<Limited>,
    key: Key,
    /// Of the record that is being encoded, the outputs that compare the next one with it.
    begun: u64,
    interval_ticks: u64,
    /// From these ticks on what nobody has told is told.
    due: u64,
    /// The next pass that is to leave nothing untold is the last one.
    pub(super) is_closing: bool,
    /// The records that tell, until their batch is written.
    images: Vec<Images>,
    /// Those of them that tell what came again.
    told: Vec<Told>,
}

/// A line about what came again.
struct Told {
    /// In the batch.
    place: usize,
    /// Whose.
    number: usize,
    count: u64,
}

/// An output that may leave out something.
struct Limited {
    number: usize,
    sampling: Option<TraceSampling>,
    repeats: Option<Repeats>,
    counts: Arc<SinkCounts>,
    /// Records sampled out since a record told how many.
    sampled_out: u64,
}

impl Volume {
    pub(crate) fn new<'a>(
        outputs: impl Iterator<Item = &'a output::Volume>,
        counts: Vec<Arc<SinkCounts>>,
        clock: &WallClock,
        interval: Duration,
    ) -> Volume {
        let ticks = |time: Duration| clock.ticks_in(time.as_nanos());
        let limited =
            outputs.zip(counts).enumerate().filter(|(_, (output, _))| output.is_limited());
        let limited = limited.map(|(number, (output, counts))| Limited {
            number,
            sampling: output.sampling,
            repeats: output.dedup.map(|interval| Repeats::new(ticks(interval))),
            counts,
            sampled_out: 0,
        });
        Volume {
            outputs: limited.collect(),
            key: Key::default(),
            begun: 0,
            interval_ticks: ticks(interval),
            due: clock::now().saturating_add(ticks(interval)),
            is_closing: false,
            images: Vec::new(),
            told: Vec::new(),
        }
    }

    /// Whether no sink leaves out anything.
    #[inline]
    pub(super) fn is_idle(&self) -> bool {
        self.outputs.is_empty()
    }

    /// The batch that the telling records were in is written.
    pub(super) fn forget_images(&mut self) {
        self.images.clear();
        self.told.clear();
    }

    /// In a forked child: what has to be told is the parent's.
    pub(super) fn forget(&mut self) {
        self.forget_images();
        for output in &mut self.outputs {
            output.sampled_out = 0;
            if let Some(repeats) = &mut output.repeats {
                repeats.count = 0;
                repeats.end();
            }
        }
    }

    /// The outputs that do not get this record, and those that are to be told first how often the one
    /// before it came again. `wanted` are those that want it.
    fn look(&mut self, record: &Record<'_>, ticks: u64, wanted: u64) -> (u64, u64) {
        let (mut left_out, mut ended, mut is_key_set) = (0, 0, false);
        let mut trace = None;
        for output in &mut self.outputs {
            let bit = 1 << output.number;
            if wanted & bit == 0 {
                continue;
            }
            let trace = || *trace.get_or_insert_with(|| trace::trace_of(record));
            if output.sampling.is_some_and(|sampling| !sampling.keeps(record.level, trace)) {
                left_out |= bit;
                output.sampled_out += 1;
                output.counts.sampled_out.fetch_add(1, Relaxed);
                continue;
            }
            let Some(repeats) = &mut output.repeats else { continue };
            if !mem::replace(&mut is_key_set, true) {
                self.key.set(record);
            }
            if repeats.counts(&self.key, ticks) {
                left_out |= bit;
                output.counts.repeated.fetch_add(1, Relaxed);
            } else if repeats.count > 0 {
                ended |= bit;
            }
        }
        (left_out, ended)
    }

    /// Those that get this record compare the next one with it.
    fn begin(&mut self, record: &Record<'_>, ticks: u64, got: u64) {
        self.begun = got;
        for output in self.outputs.iter_mut().filter(|output| got & (1 << output.number) != 0) {
            if let Some(repeats) = &mut output.repeats {
                repeats.begin(&self.key, record, ticks);
            }
        }
    }

    /// Of the record that was looked at last, which outputs have it now. An output without it must have
    /// the next one.
    pub(super) fn encoded(&mut self, outputs: u64) {
        let lost = mem::take(&mut self.begun) & !outputs;
        self.end(lost);
    }

    /// This output has lost its batch from this place on: how many records that were only counted are
    /// lost with it.
    pub(super) fn lose(&mut self, number: usize, place: usize) -> u64 {
        self.end(1 << number);
        let lines = self.told.iter().filter(|told| told.number == number && told.place >= place);
        let in_lines: u64 = lines.map(|told| told.count - 1).sum(); // the line is one of the batch
        let mut output = self.outputs.iter_mut().filter(|output| output.number == number);
        let repeats = output.find_map(|output| output.repeats.as_mut());
        in_lines + repeats.map_or(0, |repeats| mem::take(&mut repeats.count))
    }

    /// These outputs do not have the record that they would compare the next one with, or something
    /// stands behind it.
    pub(super) fn end(&mut self, outputs: u64) {
        for output in self.outputs.iter_mut().filter(|o| outputs & (1 << o.number) != 0) {
            if let Some(repeats) = &mut output.repeats {
                repeats.end();
            }
        }
    }

    /// One of the logger's own comes, which is equal to nothing: the outputs that are to be told first.
    fn interrupt(&mut self) -> u64 {
        let with_repeats = self.outputs.iter_mut().filter_map(|output| {
            let repeats = output.repeats.as_mut()?;
            repeats.end();
            (repeats.count > 0).then_some(1 << output.number)
        });
        with_repeats.fold(0, |all, bit| all | bit)
    }

    /// A record that tells this output how often the last one came again. What has no memory is told
    /// with the next one.
    fn repeated(&mut self, number: usize, place: usize) -> Option<Entry> {
        let output = self.outputs.iter_mut().find(|output| output.number == number)?;
        let repeats = output.repeats.as_mut().filter(|repeats| repeats.count > 0)?;
        let (count, like) = (repeats.count, (repeats.level, &*repeats.target, repeats.ticks));
        self.told.try_reserve(1).ok()?;
        let entry = keep(&mut self.images, own::repeated(count, like)?)?;
        self.told.push(Told { place, number, count });
        repeats.count = 0;
        Some(entry)
    }

    fn sampled_out(&mut self, number: usize) -> Option<Entry> {
        let output = self.outputs.iter_mut().find(|output| output.number == number)?;
        let image = own::sampled_out(output.counts.name(), output.sampled_out)?;
        let entry = keep(&mut self.images, image)?;
        output.sampled_out = 0;
        Some(entry)
    }

    /// The outputs whose repetitions are to be told at the end of a pass: all with `all`, else those
    /// whose interval has passed.
    fn repeats_to_tell(&mut self, now: u64, all: bool) -> u64 {
        let mut told = 0;
        for output in &mut self.outputs {
            let Some(repeats) = &mut output.repeats else { continue };
            let is_over = repeats.is_over(now);
            if is_over {
                repeats.end();
            }
            if repeats.count > 0 && (all || is_over) {
                told |= 1 << output.number;
            }
        }
        told
    }
}

/// Keeps a record of the logger's own until its batch is written.
fn keep(images: &mut Vec<Images>, image: Images) -> Option<Entry> {
    let entry = image.entries().next()?; // where it lies does not change
    try_push(images, image).then_some(entry)
}

fn numbers(bits: u64) -> impl Iterator<Item = usize> {
    (0..64).filter(move |number| bits & (1 << number) != 0)
}

impl Pipeline {
    /// The last entry's record, which is not encoded yet, is looked at: the outputs that do not get it.
    #[inline(never)]
    pub(super) fn look_at_last(&mut self) -> u64 {
        let Some(entry) = self.work.entries.last().copied() else { return 0 };
        if entry.must_be_told() {
            let ended = self.volume.interrupt();
            self.tell_repeats_before_last(ended);
            return 0;
        }
        let (plan, names) = (&self.outputs.plan, self.reader.names());
        let Some(record) = names.record(&entry, &self.clock) else { return 0 };
        let ticks = Names::ticks(&entry);
        let wanted = plan.wanted(&mut self.desk, &record);
        let (left_out, ended) = self.volume.look(&record, ticks, wanted);
        if ended == 0 {
            self.volume.begin(&record, ticks, wanted & !left_out);
            return left_out;
        }
        self.tell_repeats_before_last(ended);
        let names = self.reader.names();
        if let Some(record) = names.record(&entry, &self.clock) {
            self.volume.begin(&record, ticks, wanted & !left_out);
        }
        left_out
    }

    fn tell_repeats_before_last(&mut self, outputs: u64) {
        for number in numbers(outputs) {
            let place = self.work.entries.len().saturating_sub(1);
            if let Some(entry) = self.volume.repeated(number, place) {
                self.work.entries.insert(place, entry); // its place was kept free
                self.encode_for_one(number);
            }
        }
    }

    /// Encodes the next entry, a record of the logger's own, for one output.
    fn encode_for_one(&mut self, number: usize) {
        let (plan, names) = (&self.outputs.plan, self.reader.names());
        self.work.encode_next_for(plan, &mut self.desk, (names, &self.clock), number);
    }

    /// At the end of a pass: tells what has waited long enough. With `all`, all repetitions.
    pub(super) fn tell_volume(&mut self, core: &Core, now: u64, all: bool) {
        if !self.volume.is_idle() {
            let told = self.volume.repeats_to_tell(now, all);
            for number in numbers(told) {
                let entry = self.volume.repeated(number, self.work.entries.len());
                self.tell_one(core, entry, number);
            }
        }
        let is_closing = all && mem::take(&mut self.volume.is_closing);
        if now < self.volume.due && !is_closing {
            return;
        }
        self.volume.due = now.saturating_add(self.volume.interval_ticks);
        let untold = self.volume.outputs.iter().filter(|output| output.sampled_out > 0);
        let untold = untold.fold(0, |all, output| all | 1 << output.number);
        for number in numbers(untold) {
            // It would stand between a record and how often that came again.
            let entry = self.volume.repeated(number, self.work.entries.len());
            self.tell_one(core, entry, number);
            self.volume.end(1 << number);
            let entry = self.volume.sampled_out(number);
            self.tell_one(core, entry, number);
        }
        self.tell_suppressed(core);
    }

    fn tell_one(&mut self, core: &Core, entry: Option<Entry>, number: usize) {
        if let Some(entry) = entry {
            self.work.entries.push(entry); // its place was kept free
            self.encode_for_one(number);
            self.write_large(core);
        }
    }

    /// What options of call sites have suppressed, and no record has told: a record for each site.
    fn tell_suppressed(&mut self, core: &Core) {
        for limit in registry::limits().filter(|limit| limit.is_of(core)) {
            let suppressed = limit.take();
            if suppressed == 0 {
                continue;
            }
            let image = own::suppressed(limit.site, suppressed, core.allocator);
            match image.and_then(|image| keep(&mut self.volume.images, image)) {
                Some(entry) => {
                    self.work.entries.push(entry); // as above
                    self.take();
                    self.write_large(core);
                }
                None => limit.put_back(suppressed),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lane::memory::PROGRAM;
    use crate::pipeline::output::Outputs;
    use crate::sink::memory::Memory;
    use crate::sink::output::Output;

    #[test]
    fn batches_whose_order_matters_are_not_lent() {
        let is_shared = |memory: Memory| {
            let opened = vec![Output::from(memory).open().unwrap()];
            Outputs::new(opened, &PROGRAM).0.plan.is_shared()
        };
        assert!(is_shared(Memory::new()));
        assert!(!is_shared(Memory::new().dedup(Duration::from_secs(1))));
        assert!(!is_shared(Memory::new().sample_traces(0.5)));
    }
}
