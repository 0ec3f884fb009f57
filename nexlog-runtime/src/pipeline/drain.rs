//! One pass: collect the lanes, go through their records in time, encode, write, release.
//!
//! Runs under the pipeline mutex, on whichever thread holds it. A lane's memory is given back
//! only after the sinks' writes returned, batch by batch, so that blocked callers go on as soon
//! as possible.

use core::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::mem;
use std::sync::Arc;

use super::board::Lent;
use super::encode::{Desk, Plan, Work};
use super::note::{Notes, Typed};
use super::output::{BATCH_BYTES, BATCH_RECORDS, Outputs, Written};
use super::own;
use super::recorder::{Recorder, Verdict};
use super::report::Reported;
use super::state::Core;
use super::stats::DroppedBy;
use super::volume::Volume;
use crate::clock::{self, WallClock};
use crate::error::{DropReason, Error};
use crate::lane::images::Images;
use crate::lane::read::{Reader, Step, Touched};
use crate::lane::view::Entry;

/// A batch is lent when it has so many records, or so many bytes in the lanes: the text of large ones is
/// several times that.
const LENT_RECORDS: usize = 256;
const LENT_BYTES: usize = BATCH_BYTES / 2;

/// What the pipeline mutex protects.
pub(crate) struct Pipeline {
    pub(crate) reader: Reader,
    pub(crate) outputs: Outputs,
    pub(crate) clock: WallClock,
    pub(super) volume: Volume,
    pub(super) desk: Desk,
    /// The batch.
    pub(super) work: Work,
    /// Of batches that are lent: up to where in the lanes the one that is being gathered goes.
    touched: Touched,
    lent: Lent,
    written: Written,
    /// Keeps what the filter does not let pass.
    recorder: Option<Recorder>,
    reported: Reported,
    /// Losses that a record has told.
    told: DroppedBy,
    /// A record that is about to tell more: its index, what will have been told, panics in it.
    telling: Option<(usize, DroppedBy, u64)>,
    /// Whether a pass is under way: it stays so when one unwinds.
    is_running: bool,
}

impl Pipeline {
    pub(crate) fn new(
        reader: Reader,
        (outputs, desk): (Outputs, Desk),
        (clock, volume): (WallClock, Volume),
        recorder: Option<Recorder>,
    ) -> Pipeline {
        Pipeline {
            reader,
            work: Work::new(&outputs.plan),
            outputs,
            clock,
            volume,
            desk,
            touched: Touched::with_capacity(BATCH_RECORDS),
            lent: Lent::default(),
            written: Written::default(),
            recorder,
            reported: Reported::default(),
            told: DroppedBy::default(),
            telling: None,
            is_running: false,
        }
    }

    /// For the board.
    pub(super) fn plan(&self) -> &Arc<Plan> {
        &self.outputs.plan
    }

    /// One pass over all that was committed before it, then `images`. With `retry`, sinks that
    /// failed are tried even when there is nothing new for them. Returns what is to be reported
    /// once the mutex is free.
    pub(crate) fn pass(&mut self, core: &Core, images: Option<&Images>, retry: bool) -> Pass {
        if mem::replace(&mut self.is_running, true) {
            self.reset(core); // the last pass unwound
        }
        if self.clock.update()
            && let Some(ring) = core.lanes.pool.ring()
        {
            ring.set_clock(self.clock.state());
            self.written.errors.extend(ring.look(self.clock.state().wall_ns));
        }
        core.pass_began.store(clock::now(), Relaxed);
        // Read before the lanes: a record of a later time may be seen in one lane while an
        // earlier one is still on its way into another, so later ones wait for the next pass.
        // Nor may anything later than `images` stand before them.
        let cut = images.and_then(Images::last_ticks).unwrap_or_else(clock::now);
        if let (Some(recorder), Some(filters)) = (&mut self.recorder, &core.filters) {
            recorder.look(filters);
        }
        let is_collected = self.reader.collect(cut);
        // They come behind what their thread has in its lane, or not at all.
        let images = images.filter(|_| is_collected);
        let mut records = self.go_over(core);
        for entry in images.into_iter().flat_map(Images::entries) {
            self.work.entries.push(entry); // within the capacity, by `write_large`
            self.take_or_keep(core);
            records += 1;
            self.write_large(core);
        }
        if self.recorder.is_some() && core.must_dump.swap(false, SeqCst) {
            self.dump(core);
        }
        self.tell_volume(core, cut, retry);
        let report = self.tell_report(core);
        let losses = self.tell_losses(core);
        self.write_out(core, retry);
        drop((report, losses));
        self.work.rest(&self.outputs.plan);
        self.is_running = false;
        core.pass_began.store(0, Relaxed);
        Pass { records, errors: mem::take(&mut self.written.errors), is_collected }
    }

    /// All that the lanes have; returns how many records. What is left in `work` is not written yet.
    fn go_over(&mut self, core: &Core) -> u64 {
        let (mut records, mut is_shared, mut bytes) = (0, false, 0);
        loop {
            // Once it is, it stays so: what is lent is to be written first.
            is_shared |=
                self.work.entries.is_empty() && self.recorder.is_none() && core.board.has_helpers();
            match self.reader.next(&mut self.work.entries) {
                Step::Record if is_shared => {
                    self.reader.touch(&mut self.touched);
                    bytes += self.work.entries.last().map_or(0, Entry::bytes);
                    if self.work.entries.len() >= LENT_RECORDS || bytes >= LENT_BYTES {
                        self.lend(core);
                        bytes = 0;
                    }
                    records += 1;
                }
                Step::Record => {
                    self.take_or_keep(core);
                    records += 1;
                    self.write_large(core);
                }
                Step::WriteOut if is_shared => {
                    self.take_all_back(core);
                    bytes = 0;
                }
                Step::WriteOut => self.write_out(core, false),
                Step::End => break,
            }
        }
        if is_shared {
            self.take_all_back(core);
            core.board.rest();
        }
        records
    }

    /// Lends what was gathered, and writes the oldest of the lent batches when there is no place for
    /// another one.
    fn lend(&mut self, core: &Core) {
        if !self.work.entries.is_empty() {
            let gathered = (&mut self.work, &mut self.touched);
            core.board.lend(&mut self.lent, gathered, self.reader.names(), &self.clock);
        }
        if !self.lent.has_place() {
            self.take_back(core);
        }
    }

    /// Writes the oldest of the lent batches.
    fn take_back(&mut self, core: &Core) {
        core.board.take_back(&mut self.lent, &mut self.desk, &mut self.work, &mut self.touched);
        self.write_batch(core, false);
        self.reader.release_up_to(&self.touched);
        self.touched.clear();
    }

    /// Writes all that was gone over.
    fn take_all_back(&mut self, core: &Core) {
        self.lend(core);
        while !self.lent.is_nothing() {
            self.take_back(core);
        }
        self.release(core);
    }

    /// Encodes the last entry's record, or keeps it for later.
    #[inline]
    fn take_or_keep(&mut self, core: &Core) {
        if self.recorder.is_some() { self.judge(core) } else { self.take() }
    }

    /// The same with a flight recorder.
    fn judge(&mut self, core: &Core) {
        let (Some(recorder), Some(entry)) = (&mut self.recorder, self.work.entries.last().copied())
        else {
            return;
        };
        let names = self.reader.names();
        match recorder.judge(&entry, names, &self.clock) {
            Verdict::Written => self.take(),
            Verdict::Trigger => {
                self.work.entries.pop();
                self.dump(core);
                self.work.entries.push(entry);
                self.take();
            }
            Verdict::Kept => {
                self.work.entries.pop();
                recorder.keep(&entry, names, &self.clock);
                core.counts.keep_accepted();
            }
        }
    }

    /// Writes what was gone over, then what the flight recorder has kept. Releases nothing: the
    /// record that had it done lies in a lane still.
    fn dump(&mut self, core: &Core) {
        let Some(kept) = self.recorder.as_mut().and_then(Recorder::take) else { return };
        self.write_batch(core, false);
        core.counts.accepted.fetch_add(kept.records as u64, Relaxed);
        for entry in kept.entries() {
            self.work.entries.push(entry); // within the capacity, as a batch that is large goes
            self.take();
            if self.is_large() {
                self.write_batch(core, false);
            }
        }
        self.write_batch(core, false);
    }

    /// Encodes the last entry's record for the sinks that want it.
    #[inline]
    pub(super) fn take(&mut self) {
        let is_limited = !self.volume.is_idle();
        let left_out = if is_limited { self.look_at_last() } else { 0 };
        let (plan, names) = (&self.outputs.plan, self.reader.names());
        self.work.encode_next(plan, &mut self.desk, (names, &self.clock), left_out);
        if is_limited {
            self.volume.encoded(self.work.masks.last().copied().unwrap_or(0));
        }
    }

    /// Writes the batch when there is enough.
    pub(super) fn write_large(&mut self, core: &Core) {
        if self.is_large() {
            self.write_out(core, false);
        }
    }

    fn is_large(&self) -> bool {
        self.work.texts.iter().any(|text| text.buffer.len() >= BATCH_BYTES)
            || self.work.entries.len() >= BATCH_RECORDS
    }

    /// Writes the batch, and releases all that was gone over.
    fn write_out(&mut self, core: &Core, retry: bool) {
        self.write_batch(core, retry);
        self.release(core);
    }

    fn release(&mut self, core: &Core) {
        self.reader.release();
        core.counts.drop_accepted(DropReason::Ring, self.reader.take_lost());
    }

    /// Writes the batch, and counts what became of its records.
    fn write_batch(&mut self, core: &Core, retry: bool) {
        let Work { entries, masks, texts, lost, without_memory } = &mut self.work;
        let (names, clock) = (self.reader.names(), &self.clock);
        let record = |number: usize| names.record(entries.get(number)?, clock);
        self.written.telling = self.telling.as_ref().map(|(index, ..)| *index);
        let place = |number: usize| entries.get(number).and_then(Entry::place);
        let notes = Notes { ring: core.lanes.pool.ring().map(Arc::as_ref), place: &place };
        let batch = Typed { masks, record: &record, clock, notes };
        let desk = (&mut self.desk, texts.as_mut_slice());
        self.outputs.write(&batch, desk, retry, (lost, &mut self.volume), &mut self.written);
        let is_users = |number: usize| entries.get(number).is_some_and(Entry::is_users);
        let users = entries.iter().filter(|entry| entry.is_users()).count();
        let lost = lost.iter().filter(|number| is_users(*number)).count();
        let without_memory = without_memory.iter().filter(|number| is_users(*number)).count();
        let own = (entries.len() - users) as u64 + mem::take(&mut self.written.own);
        core.counts.written.fetch_add((users - lost) as u64, Relaxed);
        core.counts.drop_accepted(DropReason::NoMemory, without_memory as u64);
        core.counts.drop_accepted(DropReason::Sink, (lost - without_memory) as u64);
        core.counts.own.fetch_add(own, Relaxed);
        if let Some((_, told, panics)) = self.telling.take()
            && mem::take(&mut self.written.is_told)
        {
            core.counts.untold_panics.fetch_sub(panics, Relaxed);
            self.told = told;
        }
        self.work.forget_records();
        self.volume.forget_images();
    }

    /// Adds a record of what was dropped at the callers since the last one that was written.
    /// Losses of a sink are told in that sink, by `output`, and panics where they happen if there
    /// is room. The record is the last of its pass, as it is the youngest.
    fn tell_losses(&mut self, core: &Core) -> Option<Images> {
        let now = core.counts.dropped_by();
        let mut new = now.since(&self.told);
        (new.sink, new.panic) = (0, core.counts.untold_panics.load(Relaxed));
        if new.total() == 0 {
            return None;
        }
        let images = own::dropped(&new, core.allocator)?;
        images.entries().for_each(|entry| {
            self.work.entries.push(entry); // one record, and its place was kept free
            self.take();
        });
        self.telling = Some((self.work.entries.len().saturating_sub(1), now, new.panic));
        Some(images)
    }

    /// Adds the logger's report about itself when it is due.
    fn tell_report(&mut self, core: &Core) -> Option<Images> {
        let images = self.reported.due(core)?;
        if self.work.entries.len() + 1 >= BATCH_RECORDS {
            self.write_out(core, false); // a place is kept for what was lost
        }
        images.entries().for_each(|entry| {
            self.work.entries.push(entry);
            self.take();
        });
        Some(images)
    }

    /// In a forked child: what is in the lanes, and what has to be told, is the parent's.
    /// The lane of the number `own` is this thread's.
    pub(super) fn forget_all(&mut self, core: &Core, own: Option<usize>) {
        self.reset(core);
        self.outputs.forget_losses();
        self.volume.forget();
        self.recorder.iter_mut().for_each(Recorder::forget);
        self.reported.forget();
        self.reader.skip_all(own);
        self.told = DroppedBy::default();
    }

    fn reset(&mut self, core: &Core) {
        core.board.reset();
        self.lent = Lent::default();
        self.touched.clear();
        self.work.reset();
        self.volume.forget_images();
        self.written = Written::default();
        self.telling = None;
        self.outputs.reset();
        core.pass_began.store(0, Relaxed);
    }
}

/// What a pass did.
pub(crate) struct Pass {
    pub(crate) records: u64,
    pub(crate) errors: Vec<Error>,
    /// Whether there was memory for the tables: if not, nothing was gone over, images included.
    pub(crate) is_collected: bool,
}
