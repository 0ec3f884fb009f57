//! A logger's shared state, and the decision who drains when.
//!
//! Every mode is the same path with another answer to one question: who runs the next pass?
//! `Immediate`: the caller, before it returns. `Buffered`: the caller, when its lane is half
//! full, at the flush level, or when the interval has passed at its next call. `Background`:
//! the worker. A full lane under `Overflow::Block` is drained by its caller in every mode.
//!
//! The one word that callers read after a commit is `Doze::deadline`: a tick count from which on
//! there is something to do. 0 means always (`Immediate`; a sleeping worker), 1 always and for
//! good (the end of the process), the maximum never.

use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, SeqCst};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, TryLockError};
use std::time::{Duration, Instant};

use super::contain::contain;
use super::doze::Doze;
use super::drain::{Pass, Pipeline};
use super::output::SinkCounts;
use super::stats::{Counts, Stats};
use super::worker::Worker;
use crate::clock;
use crate::error::{DropReason, Error};
use crate::lane::lanes::Lanes;
use crate::lane::memory::Allocator;
use crate::lane::read::Images;
use crate::lane::ring::{Lane, Refusal};
use crate::lane::thread::{self, Pass as Place, PassMark};
use crate::record::Record;
use crate::report;
use crate::site::callsite::Site;
use crate::site::filter::Filter;
use crate::site::level::Level;

/// Who writes a record out, and when. Same records, same bytes, same order per thread in all
/// three.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// The record is with its sinks when the call returns.
    #[default]
    Immediate,
    /// The record is in the thread's buffer when the call returns. The calling thread writes
    /// when the buffer is half full, at the flush level, or when the flush interval has passed
    /// at its next call. The last records of a burst therefore wait for the next call, for
    /// `flush`, or for the end of the process.
    Buffered,
    /// The record is in the thread's buffer when the call returns; a worker thread writes.
    Background,
}

/// What happens when a thread's buffer is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overflow {
    /// The caller writes out what is there, itself. Nothing is lost.
    #[default]
    Block,
    /// The new record is dropped and counted.
    DropNewest,
    /// The oldest half of the thread's buffer is dropped and counted; when the pipeline is busy
    /// the new record is, instead.
    DropOldest,
}

/// A function that is told about trouble.
pub(crate) type OnError = Box<dyn Fn(&Error) + Send + Sync>;

/// What the builder settles.
pub(crate) struct Settings {
    pub(crate) mode: Mode,
    pub(crate) overflow: Overflow,
    pub(crate) flush_level: Option<Level>,
    pub(crate) flush_interval: Duration,
    pub(crate) max_record_bytes: usize,
    pub(crate) allocator: Allocator,
    pub(crate) on_error: Option<OnError>,
    pub(crate) is_global: bool,
}

/// A logger.
pub(crate) struct Core {
    pub(crate) lanes: Arc<Lanes>,
    pub(crate) allocator: Allocator,
    pub(crate) max_record_bytes: usize,
    pub(crate) counts: Counts,
    pub(crate) worker: Worker,
    sinks: Vec<Arc<SinkCounts>>,
    settings: Settings,
    filter: RwLock<Filter>,
    /// The lowest level that may pass the filter, 6 for none.
    floor: AtomicU8,
    pub(crate) doze: Doze,
    flush_interval_ticks: u64,
    is_closed: AtomicBool,
    /// The last handle was dropped during a pass: whoever ends the pass closes the logger.
    must_close: AtomicBool,
    pipeline: Mutex<Pipeline>,
}

/// For timeouts that no clock can hold.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How long a sink of another logger waits for this one's pipeline where a record would else be
/// dropped.
const NESTED_PATIENCE: Duration = Duration::from_millis(10);

/// How long the drop of the last handle waits for a pass that is under way.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);

static GLOBAL: AtomicPtr<Arc<Core>> = AtomicPtr::new(core::ptr::null_mut());

/// The global logger.
pub(crate) fn global<'a>() -> Option<&'a Arc<Core>> {
    // SAFETY: null, or leaked by `set_global`.
    unsafe { GLOBAL.load(Acquire).as_ref() }
}

/// Makes it the global logger; `false` when there is one.
pub(crate) fn set_global(core: Arc<Core>) -> bool {
    let leaked = Box::into_raw(Box::new(core));
    let null = core::ptr::null_mut();
    let is_first = GLOBAL.compare_exchange(null, leaked, AcqRel, Relaxed).is_ok();
    if !is_first {
        // SAFETY: nobody else has seen it.
        drop(unsafe { Box::from_raw(leaked) });
    }
    is_first
}

/// After a commit to the global logger's lane: its deadline has come, or the site flushes.
#[cold]
#[inline(never)]
pub(crate) fn global_is_due(site: &'static Site) {
    if let (Some(core), Some(lane)) = (global(), thread::lane()) {
        core.after_commit(lane, site.flushes());
    }
}

impl Core {
    pub(crate) fn new(
        settings: Settings,
        filter: Filter,
        lanes: Arc<Lanes>,
        pipeline: Pipeline,
    ) -> Core {
        let flush_interval_ticks = pipeline.clock.ticks_in(settings.flush_interval.as_nanos());
        let deadline = match settings.mode {
            Mode::Immediate => 0,
            Mode::Buffered => clock::now().saturating_add(flush_interval_ticks),
            Mode::Background => u64::MAX,
        };
        Core {
            lanes,
            allocator: settings.allocator,
            max_record_bytes: settings.max_record_bytes,
            counts: Counts::default(),
            worker: Worker::default(),
            sinks: pipeline.outputs.counts(),
            floor: AtomicU8::new(floor(&filter)),
            filter: RwLock::new(filter),
            doze: Doze::new(deadline),
            flush_interval_ticks,
            is_closed: AtomicBool::new(false),
            must_close: AtomicBool::new(false),
            pipeline: Mutex::new(pipeline),
            settings,
        }
    }

    // ---- what callers ask -------------------------------------------------------------------

    /// The filter's answer.
    pub(crate) fn enabled(&self, target: &str, level: Level) -> bool {
        level as u8 >= self.floor.load(Relaxed)
            && self.filter.read().unwrap_or_else(PoisonError::into_inner).enabled(target, level)
    }

    /// Whether a record of this level is to be written out at once.
    pub(crate) fn flushes(&self, level: Level) -> bool {
        self.settings.flush_level.is_some_and(|flush| level >= flush)
    }

    pub(crate) fn is_global(&self) -> bool {
        self.settings.is_global
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Relaxed)
    }

    pub(crate) fn flush_interval(&self) -> Duration {
        self.settings.flush_interval
    }

    /// The filter as it is now.
    pub(crate) fn filter(&self) -> Filter {
        self.filter.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Another filter from now on.
    pub(crate) fn set_filter(&self, filter: Filter) {
        // One at a time, so that sites and logger agree in the end. Nothing is allocated or freed
        // under the locks that callers take: the allocator may log.
        static SETTING: Mutex<()> = Mutex::new(());
        let for_sites = self.is_global().then(|| filter.clone());
        let setting = SETTING.lock().unwrap_or_else(PoisonError::into_inner);
        let mut current = self.filter.write().unwrap_or_else(PoisonError::into_inner);
        self.floor.store(floor(&filter), Relaxed);
        let before = mem::replace(&mut *current, filter);
        drop(current);
        if let Some(filter) = for_sites {
            crate::registry::set_gate(filter, self.settings.flush_level);
        }
        drop(setting);
        drop(before);
    }

    /// Makes every site ask this logger.
    pub(crate) fn open_gate(&self) {
        self.set_filter(self.filter());
    }

    /// A record that passed the gate is lost.
    pub(crate) fn count_drop(&self, reason: DropReason) {
        self.counts.drop_at_call(reason, 1);
    }

    // ---- who drains -------------------------------------------------------------------------

    /// What a caller has to do after a commit to its lane.
    pub(crate) fn after_commit(&self, lane: &Lane, flush: bool) {
        let drain = match self.settings.mode {
            Mode::Immediate => true,
            _ if self.doze.is_write_through() => true,
            Mode::Buffered => flush || lane.is_half_full() || self.doze.is_due(clock::now()),
            Mode::Background => {
                if self.doze.wake() || flush || lane.is_half_full() {
                    self.worker.hurry();
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
        if !is_own {
            self.counts.accepted.fetch_add(1, Relaxed);
        }
        self.unlock(pipeline, Some(pass));
        Ok(())
    }

    /// Writes what waited for the logger. `take` makes the logger global and hands that over;
    /// the pipeline is held meanwhile, so that nothing logged after it is written before it.
    pub(crate) fn adopt(&self, take: impl FnOnce() -> (Images, u64)) {
        let filter = self.filter();
        let Some(mut pipeline) = self.lock(NESTED_PATIENCE) else { return };
        let (early, lost) = take();
        self.counts.drop_at_call(DropReason::Early, lost);
        let pass = self.write_wanted(&mut pipeline, &early, &filter);
        self.unlock(pipeline, Some(pass));
    }

    /// Writes a record that was made before `install` and comes after it.
    pub(crate) fn adopt_late(&self, record: &Images) {
        let filter = self.filter();
        let Some(mut pipeline) = self.lock(NESTED_PATIENCE) else {
            return self.counts.drop_at_call(DropReason::Busy, 1);
        };
        let pass = self.write_wanted(&mut pipeline, record, &filter);
        self.unlock(pipeline, Some(pass));
    }

    fn write_wanted(&self, pipeline: &mut Pipeline, early: &Images, filter: &Filter) -> Pass {
        let wanted = |record: &Record<'_>| filter.enabled(record.target(), record.level());
        let kept = early.retain(&pipeline.clock, wanted);
        self.counts.accepted.fetch_add(kept.records, Relaxed);
        self.counts.drop_at_call(DropReason::NoMemory, kept.refused);
        pipeline.pass(self, Some(&kept.images), false)
    }

    // ---- the mutex --------------------------------------------------------------------------

    /// The pipeline, for this thread; `None` when it has it already, or has another logger's
    /// and does not get this one within `patience`: two loggers whose sinks log to each other
    /// would else wait for each other.
    fn lock(&self, patience: Duration) -> Option<Locked<'_>> {
        match thread::pass_of(self) {
            Place::Inside => None,
            Place::Elsewhere => self.lock_until(Instant::now() + patience),
            Place::Outside => {
                let pipeline = self.pipeline.lock().unwrap_or_else(PoisonError::into_inner);
                Some(Locked { pipeline, mark: PassMark::set(self) })
            }
        }
    }

    fn try_lock(&self) -> Option<Locked<'_>> {
        if self.is_inside() { None } else { self.try_lock_anywhere() }
    }

    /// Also inside a report of this logger's: the mutex is free then. For the end of the process.
    fn try_lock_anywhere(&self) -> Option<Locked<'_>> {
        let pipeline = match self.pipeline.try_lock() {
            Ok(pipeline) => pipeline,
            Err(TryLockError::Poisoned(error)) => error.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(Locked { pipeline, mark: PassMark::set(self) })
    }

    fn lock_until(&self, end: Instant) -> Option<Locked<'_>> {
        let mut pause = Duration::from_micros(20);
        loop {
            if let Some(locked) = self.try_lock() {
                return Some(locked);
            }
            if self.is_inside() || Instant::now() >= end {
                return None;
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(1));
        }
    }

    /// Whether this thread is inside a pass of this logger: it must not start another one.
    fn is_inside(&self) -> bool {
        thread::pass_of(self) == Place::Inside
    }

    /// Frees the pipeline, then reports. The mark stays until the reports are done: what
    /// `on_error` logs waits for the next pass.
    fn unlock(&self, locked: Locked<'_>, pass: Option<Pass>) {
        let Locked { pipeline, mark } = locked;
        if self.settings.mode == Mode::Buffered {
            self.doze.set_deadline(clock::now().saturating_add(self.flush_interval_ticks));
        }
        drop(pipeline);
        for error in pass.into_iter().flat_map(|pass| pass.errors) {
            match &self.settings.on_error {
                Some(on_error) => {
                    contain(|| on_error(&error));
                }
                None => {
                    report::limited(report::Kind::Sink, format_args!("{}", error.with_causes()));
                }
            }
        }
        drop(mark);
        if self.must_close.load(SeqCst) && self.must_close.swap(false, SeqCst) {
            self.close();
        }
    }

    // ---- flush, sync, end -------------------------------------------------------------------

    /// Returns when every sink has all records that were accepted before the call.
    pub(crate) fn flush(&self, timeout: Duration) -> Result<(), Error> {
        self.finish("flush", timeout, |_| Ok(()))
    }

    /// The same, and the sinks' data is on their devices.
    pub(crate) fn sync(&self, timeout: Duration) -> Result<(), Error> {
        self.finish("sync", timeout, |pipeline| pipeline.outputs.sync())
    }

    fn finish(
        &self,
        what: &'static str,
        timeout: Duration,
        last: impl Fn(&mut Pipeline) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if self.is_inside() {
            return Err(Error::Refused { reason: DropReason::Busy });
        }
        let end = Instant::now().checked_add(timeout).unwrap_or_else(|| Instant::now() + YEAR);
        let targets: Vec<(&Lane, u64)> =
            self.lanes.iter().map(|lane| (lane, lane.published())).collect();
        let late = || Error::Timeout { what, waited: timeout };
        if self.worker.pass(&self.doze, end) == Some(false) {
            return Err(late());
        }
        loop {
            let mut locked = self.lock_until(end).ok_or_else(late)?;
            let pass = locked.pipeline.pass(self, None, true);
            let is_done = targets.iter().all(|(lane, target)| lane.consumed() >= *target);
            let failing = locked.pipeline.outputs.failing();
            let outcome = if is_done { last(&mut locked.pipeline) } else { Ok(()) };
            self.unlock(locked, Some(pass));
            match failing {
                Some(error) if is_done => return Err(error),
                _ if is_done => return outcome,
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
        let pass = locked.pipeline.pass(self, None, true);
        self.unlock(locked, Some(pass));
        true
    }

    /// Writes what is there, without waiting longer than `patience` for the pipeline.
    pub(crate) fn drain_within(&self, patience: Duration) {
        if let Some(mut locked) = self.lock_until(Instant::now() + patience) {
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
        if let Some(mut locked) = self.try_lock_anywhere() {
            let sinks = locked.pipeline.outputs.take();
            self.unlock(locked, None);
            drop(sinks);
        }
    }

    /// The counters.
    pub(crate) fn stats(&self) -> Stats {
        let dropped_by = self.counts.dropped_by();
        let sinks: Vec<_> = self.sinks.iter().map(|sink| sink.read()).collect();
        Stats {
            accepted: self.lanes.accepted() + self.counts.accepted.load(Relaxed),
            written: self.counts.written.load(Relaxed),
            dropped: dropped_by.total(),
            dropped_by,
            own: self.counts.own.load(Relaxed),
            bytes: sinks.iter().map(|sink| sink.bytes).sum(),
            errors: sinks.iter().map(|sink| sink.errors).sum(),
            lanes: self.lanes.count() as u64,
            sinks,
            ..Stats::default()
        }
    }
}

/// The pipeline mutex, held by this thread.
struct Locked<'a> {
    pipeline: MutexGuard<'a, Pipeline>,
    mark: PassMark,
}

impl core::ops::Deref for Locked<'_> {
    type Target = Pipeline;

    fn deref(&self) -> &Pipeline {
        &self.pipeline
    }
}

impl core::ops::DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Pipeline {
        &mut self.pipeline
    }
}

fn floor(filter: &Filter) -> u8 {
    filter.floor().map_or(6, |level| level as u8)
}
