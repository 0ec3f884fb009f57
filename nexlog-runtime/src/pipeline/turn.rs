//! Whose turn it is to drain, and room for a record that has none.
//!
//! The caller's cold side: what is due after a commit by the mode, what a full lane means by the
//! overflow policy, and the records that go to the pipeline without a lane.
//!
//! Every mode is the same path with another answer to one question: who runs the next pass?
//! `Immediate`: the caller, before it returns. `Buffered`: the caller, when its lane is half
//! full, at the flush level, or when the interval has passed at its next call. `Background`:
//! the worker. A full lane under `Overflow::Block` is drained by its caller in every mode.
//!
//! The one word that callers read after a commit is `Doze::deadline`: a tick count from which on
//! there is something to do. 0 means always (`Immediate`; a sleeping worker), 1 always and for
//! good (the end of the process), the maximum never.

use core::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::drain::{Pass, Pipeline};
use super::own;
use super::state::{Core, Mode, Overflow};
use crate::clock;
use crate::crash::Recovered;
use crate::error::DropReason;
use crate::lane::images::Images;
use crate::lane::ring::{Lane, Refusal};
use crate::record::Record;
use crate::site::filter::Filter;

/// How long a sink of another logger waits for this one's pipeline where a record would else be
/// dropped.
const NESTED_PATIENCE: Duration = Duration::from_millis(10);

impl Core {
    /// What a caller has to do after a commit to its lane.
    pub(crate) fn after_commit(&self, lane: &Lane, flush: bool) {
        let drain = match self.settings.mode {
            Mode::Immediate => true,
            _ if self.doze.is_write_through() => true,
            Mode::Buffered => flush || lane.is_half_full() || self.doze.is_due(clock::now()),
            Mode::Background => {
                if self.doze.wake() || flush || lane.is_half_full() {
                    self.worker.hurry(&self.doze);
                }
                false
            }
        };
        if drain {
            self.drain_lane(lane);
        }
    }

    /// Drains until everything that is in this lane now has been written. A second pass is due
    /// only where the clocks of two cores differ.
    fn drain_lane(&self, lane: &Lane) {
        let target = lane.published();
        for _ in 0..2 {
            let Some(mut pipeline) = self.lock(Duration::ZERO) else { return };
            let pass = (lane.consumed() < target).then(|| pipeline.pass(self, None, false));
            self.unlock(pipeline, pass);
            if lane.consumed() >= target {
                return;
            }
        }
    }

    /// One pass by whoever calls. `None` when this thread is inside a pass.
    pub(crate) fn drain(&self, retry: bool) -> Option<u64> {
        let mut pipeline = self.lock(NESTED_PATIENCE)?;
        let pass = pipeline.pass(self, None, retry);
        let records = pass.records;
        self.unlock(pipeline, Some(pass));
        Some(records)
    }

    /// Room in a lane that has none, as the policy says.
    pub(crate) fn make_room(
        &self,
        lane: &Lane,
        refusal: Refusal,
        attempts: u32,
        is_own: bool,
    ) -> Result<(), DropReason> {
        let reason = match refusal {
            Refusal::Full => DropReason::Full,
            Refusal::NoMemory => DropReason::NoMemory,
        };
        match self.settings.overflow {
            // One pass empties every lane; what then is still refused is lack of memory.
            Overflow::Block if attempts < 2 => {
                self.drain(false).map(|_| ()).ok_or(DropReason::Busy)
            }
            Overflow::DropOldest if attempts == 0 && !is_own => self.discard_half(lane),
            _ => Err(reason),
        }
    }

    fn discard_half(&self, lane: &Lane) -> Result<(), DropReason> {
        let mut pipeline = self.try_lock().ok_or(DropReason::Busy)?;
        let dropped = pipeline.reader.discard_half(lane);
        self.counts.drop_accepted(DropReason::Oldest, dropped);
        self.unlock(pipeline, None);
        Ok(())
    }

    /// Writes a record that fits in no lane, or whose thread has none, behind all others.
    pub(crate) fn write_directly(&self, images: &Images, is_own: bool) -> Result<(), DropReason> {
        // In `Background` a caller waits for sinks only where the policy is to block.
        let may_wait = self.settings.mode != Mode::Background
            || self.settings.overflow == Overflow::Block
            || self.doze.is_write_through();
        let locked = if may_wait { self.lock(NESTED_PATIENCE) } else { self.try_lock() };
        let mut pipeline = locked.ok_or(DropReason::Busy)?;
        let pass = pipeline.pass(self, Some(images), false);
        let outcome = if pass.is_collected { Ok(()) } else { Err(DropReason::NoMemory) };
        if !is_own && outcome.is_ok() {
            self.counts.accepted.fetch_add(1, Relaxed);
        }
        self.unlock(pipeline, Some(pass));
        outcome
    }

    /// Counts what dead processes had left, and says so in a record for each.
    pub(crate) fn tell_recovered(&self, processes: &[Recovered]) {
        for process in processes {
            self.counts.recovered.fetch_add(process.records, Relaxed);
            self.counts.written.fetch_add(process.records, Relaxed);
            let told = own::recovered(process, self.allocator);
            if let (Some(told), Some(mut pipeline)) = (told, self.lock(NESTED_PATIENCE)) {
                let pass = pipeline.pass(self, Some(&told), false);
                self.unlock(pipeline, Some(pass));
            }
        }
    }

    /// Writes what waited for the logger. `take` makes the logger global and hands that over;
    /// the pipeline is held meanwhile, so that nothing logged after it is written before it.
    pub(crate) fn adopt(&self, take: impl FnOnce() -> (Images, u64)) {
        let filter = self.filter();
        let locked = self.lock(NESTED_PATIENCE);
        let (early, lost) = take(); // in any case: `install` has promised it
        self.counts.drop_at_call(DropReason::Early, lost);
        let Some(mut pipeline) = locked else {
            return self.counts.drop_at_call(DropReason::Busy, early.entries().count() as u64);
        };
        let (pass, kept) = self.write_wanted(&mut pipeline, &early, &filter);
        self.unlock(pipeline, Some(pass));
        self.give_away(&kept);
    }

    /// Writes a record that was made before `install` and comes after it.
    pub(crate) fn adopt_late(&self, record: &Images) {
        let filter = self.filter();
        let Some(mut pipeline) = self.lock(NESTED_PATIENCE) else {
            return self.counts.drop_at_call(DropReason::Busy, 1);
        };
        let (pass, kept) = self.write_wanted(&mut pipeline, record, &filter);
        self.unlock(pipeline, Some(pass));
        self.give_away(&kept);
    }

    /// Gives records that waited to whom the logger forwards to.
    fn give_away(&self, records: &Images) {
        if let Some(forwards) = self.forwards() {
            forwards.give_all(self, records);
        }
    }

    fn write_wanted(
        &self,
        pipeline: &mut Pipeline,
        early: &Images,
        filter: &Filter,
    ) -> (Pass, Images) {
        let wanted =
            |record: &Record<'_>| filter.enabled_within(record.target(), record.level(), record);
        let mut kept = early.retain(&pipeline.clock, wanted);
        kept.images.redact(self.redaction());
        self.counts.accepted.fetch_add(kept.records, Relaxed);
        self.counts.drop_at_call(DropReason::NoMemory, kept.refused);
        let pass = pipeline.pass(self, Some(&kept.images), false);
        if !pass.is_collected {
            self.counts.drop_accepted(DropReason::NoMemory, kept.records);
        }
        (pass, kept.images)
    }
}
