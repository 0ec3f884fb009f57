//! `flush`, `sync`, `rotate`, `reopen`, and the end of a logger.

use core::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::{Duration, Instant};

use super::drain::Pipeline;
use super::state::Core;
use crate::error::{DropReason, Error};
use crate::lane::lanes::Lanes;
use crate::lane::memory::{try_collect, try_push};
use crate::lane::ring::Lane;

/// For timeouts that no clock can hold.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How long the drop of the last handle waits for a pass that is under way.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);

/// How long `rotate` and `reopen` wait for a pass that is under way.
const ROTATE_PATIENCE: Duration = Duration::from_secs(5);

/// At the end, where clocks differ.
const MORE_PASSES: u32 = 100;

/// What has to be drained for all that is there at one moment.
enum Targets<'a> {
    /// For each lane, how far.
    Each(Vec<(&'a Lane, u64)>),
    /// Whatever comes meanwhile, too: there is no memory for a list.
    All(&'a Lanes),
}

impl Targets<'_> {
    fn are_reached(&self) -> bool {
        match self {
            Targets::Each(list) => list.iter().all(|(lane, target)| lane.consumed() >= *target),
            Targets::All(lanes) => !lanes.have_unread(),
        }
    }
}

impl Core {
    /// Returns when every sink has all records that were accepted before the call.
    pub(crate) fn flush(&self, timeout: Duration) -> Result<(), Error> {
        let targets = self.targets();
        // Lanes and sinks tell without the mutex, which somebody may hold for later records.
        let is_written = || targets.are_reached() && !self.is_failing();
        if timeout.is_zero() && !self.is_inside() && is_written() {
            return Ok(());
        }
        match self.finish("flush", timeout, &targets, |_| Ok(())) {
            Err(Error::Timeout { .. }) if is_written() => Ok(()),
            outcome => outcome,
        }
    }

    /// What the flight recorder has kept is written, too.
    pub(crate) fn dump_recorder(&self, patience: Duration) -> Result<(), Error> {
        self.ask_for_dump();
        self.finish("dump_flight_recorder", patience, &self.targets(), |_| Ok(()))
    }

    /// The next pass writes what the flight recorder has kept.
    pub(crate) fn ask_for_dump(&self) {
        self.must_dump.store(true, SeqCst);
    }

    /// Whether this thread is inside of a pass of this logger.
    pub(crate) fn is_in_pass(&self) -> bool {
        self.is_inside()
    }

    /// The same, and the sinks' data is on their devices.
    pub(crate) fn sync(&self, timeout: Duration) -> Result<(), Error> {
        self.finish("sync", timeout, &self.targets(), |pipeline| pipeline.outputs.sync())
    }

    /// All that was accepted is written, and the sinks begin anew.
    pub(crate) fn rotate(&self) -> Result<(), Error> {
        self.finish("rotate", ROTATE_PATIENCE, &self.targets(), |pipeline| {
            pipeline.outputs.rotate()
        })
    }

    /// All that was accepted is written, and the sinks open again what they write to.
    pub(crate) fn reopen(&self) -> Result<(), Error> {
        self.finish("reopen", ROTATE_PATIENCE, &self.targets(), |pipeline| {
            pipeline.outputs.reopen()
        })
    }

    fn finish(
        &self,
        what: &'static str,
        timeout: Duration,
        targets: &Targets<'_>,
        last: impl Fn(&mut Pipeline) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if self.is_inside() {
            return Err(Error::Refused { reason: DropReason::Busy });
        }
        let end = Instant::now().checked_add(timeout).unwrap_or_else(|| Instant::now() + YEAR);
        let late = || Error::Timeout { what, waited: timeout };
        // With nothing to wait for and no time to wait in, nobody is asked for a pass.
        let is_look = timeout.is_zero() && targets.are_reached();
        if !is_look && self.worker.pass(&self.doze, end) == Some(false) {
            return Err(late());
        }
        loop {
            let mut locked = self.lock_until(end).ok_or_else(late)?;
            let pass = (!is_look).then(|| locked.pipeline.pass(self, None, true));
            let is_done = targets.are_reached();
            let failing = locked.pipeline.outputs.failing();
            let outcome = if is_done { last(&mut locked.pipeline) } else { Ok(()) };
            self.unlock(locked, pass);
            match failing {
                Some(error) if is_done => return Err(error),
                _ if is_done => return outcome,
                // A pass that has no memory leaves all for the next.
                _ if Instant::now() >= end => return Err(late()),
                _ => std::thread::sleep(Duration::from_micros(50)),
            }
        }
    }

    /// From now on callers write out before they return; what is there is written. `false` when
    /// the mutex could not be had in time.
    pub(crate) fn write_through(&self, patience: Duration) -> bool {
        self.doze.write_through();
        let end = Instant::now() + patience;
        if !self.is_inside() && self.worker.pass(&self.doze, end) == Some(false) {
            return false;
        }
        // Called from `on_error`, the mutex is free; from a sink, it never will be.
        let locked = self.try_lock_anywhere().or_else(|| self.lock_until(end));
        let Some(mut locked) = locked else { return false };
        // Read under the lock, so that one pass is enough, unless the clocks of two cores differ:
        // then a record may seem to be made after the pass began.
        let targets = self.targets();
        locked.pipeline.volume.is_closing = true;
        let mut pass = locked.pipeline.pass(self, None, true);
        for _ in 0..MORE_PASSES {
            if targets.are_reached() {
                break;
            }
            for error in locked.pipeline.pass(self, None, false).errors {
                try_push(&mut pass.errors, error);
            }
        }
        self.unlock(locked, Some(pass));
        true
    }

    /// How far each lane has to be drained for all that is there now.
    fn targets(&self) -> Targets<'_> {
        let list = try_collect(self.lanes.iter().map(|lane| (lane, lane.published())));
        list.map_or(Targets::All(&self.lanes), Targets::Each)
    }

    /// Writes what is there, without waiting longer than `patience` for the pipeline.
    pub(crate) fn drain_within(&self, patience: Duration) {
        if let Some(mut locked) = self.lock_until(Instant::now() + patience) {
            locked.pipeline.volume.is_closing = true;
            let pass = locked.pipeline.pass(self, None, true);
            self.unlock(locked, Some(pass));
        }
    }

    /// The end of a local logger: everything is written, the sinks are dropped. When a pass is
    /// under way that this thread cannot wait for, its own or one whose sink hangs, that pass
    /// does it as it ends.
    pub(crate) fn close(&self) {
        let is_inside = self.is_inside(); // then the worker may be waiting for this thread
        self.worker.stop(if is_inside { Duration::ZERO } else { CLOSE_PATIENCE });
        if !self.write_through(CLOSE_PATIENCE) {
            self.must_close.store(true, SeqCst);
            // It may have ended before the store.
            if !self.write_through(Duration::ZERO) {
                return;
            }
        }
        self.is_closed.store(true, Relaxed);
        self.end_ring();
        if let Some(mut locked) = self.try_lock_anywhere() {
            let sinks = locked.pipeline.outputs.take();
            self.unlock(locked, None);
            drop(sinks);
        }
    }
}
