//! A logger's shared state.
//!
//! What the builder settled, the filter, the counters, and the parts that others work with: lanes,
//! worker, and the pipeline behind its mutex. What is done with them is in `turn`, `lock` and
//! `finish`.

use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8};
use std::mem;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::board::Board;
use super::doze::Doze;
use super::drain::Pipeline;
use super::stats::{Counts, SinkCounts, Stats};
use super::worker::Worker;
use crate::clock;
use crate::context;
use crate::error::{DropReason, Error};
use crate::lane::lanes::Lanes;
use crate::lane::memory::{Allocator, try_collect};
use crate::lane::thread;
use crate::site::callsite::Site;
use crate::site::filter::{Answer, Filter};
use crate::site::known;
use crate::site::level::Level;
use crate::site::spans::Surroundings;

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
    /// Where its records go besides.
    pub(crate) forwards: Option<crate::bridge::Forwards>,
}

/// A logger.
pub(crate) struct Core {
    pub(crate) lanes: Arc<Lanes>,
    pub(crate) allocator: Allocator,
    pub(crate) max_record_bytes: usize,
    pub(crate) counts: Counts,
    pub(crate) worker: Worker,
    sinks: Vec<Arc<SinkCounts>>,
    pub(super) settings: Settings,
    pub(super) filter: RwLock<Filter>,
    /// The lowest level that may pass the filter, 6 for none.
    floor: AtomicU8,
    pub(crate) doze: Doze,
    pub(super) flush_interval_ticks: u64,
    pub(super) is_closed: AtomicBool,
    /// In a forked child: its pipeline was busy in the parent, and stays so for ever.
    pub(super) is_cut_off: AtomicBool,
    /// The last handle was dropped during a pass: whoever ends the pass closes the logger.
    pub(super) must_close: AtomicBool,
    pub(super) pipeline: Mutex<Pipeline>,
    pub(super) board: Board,
}

/// Held while a filter is set.
static SETTING: Mutex<()> = Mutex::new(());

/// For a fork.
pub(super) fn hold(end: Instant) -> Option<Box<dyn core::any::Any>> {
    super::fork::hold(&SETTING, end)
}

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
            is_cut_off: AtomicBool::new(false),
            must_close: AtomicBool::new(false),
            board: Board::new(pipeline.plan()),
            pipeline: Mutex::new(pipeline),
            settings,
        }
    }

    /// The filter's answer for a record that this thread makes now.
    pub(crate) fn enabled(&self, target: &str, level: Level) -> bool {
        if (level as u8) < self.floor.load(Relaxed) || thread::is_forking() {
            return false;
        }
        let filter = || self.filter.read().unwrap_or_else(PoisonError::into_inner);
        let answer = filter().answer(target, level);
        match answer {
            Answer::Fixed(answer) => answer,
            Answer::Depends(_) => {
                let around = context::surroundings();
                // Without the lock: the first visit of a frame allocates, and an allocator may
                // log.
                around.any(&mut |_| false);
                filter().enabled_within(target, level, &around)
            }
        }
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
        crate::bridge::filter_changed(self);
    }

    /// The lowest level that may pass the filter.
    #[cfg(any(feature = "log", feature = "tracing"))]
    pub(crate) fn lowest_level(&self) -> Option<Level> {
        Level::from_number(self.floor.load(Relaxed).max(crate::site::level::static_floor()))
    }

    /// What the filter says of a target and level, and whether it looks at spans at all.
    #[cfg(feature = "tracing")]
    pub(crate) fn answer(&self, target: &str, level: Level) -> (Answer, bool) {
        let filter = self.filter.read().unwrap_or_else(PoisonError::into_inner);
        (filter.answer(target, level), filter.looks_at_spans())
    }

    /// Where its records go besides.
    pub(crate) fn forwards(&self) -> Option<&crate::bridge::Forwards> {
        self.settings.forwards.as_ref()
    }

    /// Makes every site ask this logger.
    pub(crate) fn open_gate(&self) {
        self.set_filter(self.filter());
    }

    /// Everything is written, and nothing will be left: the ring file goes.
    pub(crate) fn end_ring(&self) {
        if let Some(ring) = self.lanes.pool.ring()
            && !self.lanes.have_unread()
        {
            known::forget(ring);
            ring.finish();
        }
    }

    /// In a forked child: as if it had just been made.
    pub(super) fn forget_counts(&self) {
        self.counts.forget();
        self.sinks.iter().for_each(|sink| sink.forget());
        self.lanes.forget_counts();
    }

    /// In a forked child whose parent's pipeline was busy: nothing can be written any more.
    pub(super) fn cut_off(&self) {
        self.is_cut_off.store(true, Relaxed);
    }

    /// A record that passed the gate is lost.
    pub(crate) fn count_drop(&self, reason: DropReason) {
        self.counts.drop_at_call(reason, 1);
    }

    /// Whether some sink does not work at present.
    pub(super) fn is_failing(&self) -> bool {
        self.sinks.iter().any(|sink| sink.is_failing())
    }

    /// The counters.
    pub(crate) fn stats(&self) -> Stats {
        let dropped_by = self.counts.dropped_by();
        Stats {
            accepted: self.lanes.accepted() + self.counts.accepted.load(Relaxed),
            written: self.counts.written.load(Relaxed),
            dropped: dropped_by.total(),
            dropped_by,
            own: self.counts.own.load(Relaxed),
            recovered: self.counts.recovered.load(Relaxed),
            bytes: self.sinks.iter().map(|sink| sink.bytes()).sum(),
            errors: self.sinks.iter().map(|sink| sink.errors()).sum(),
            lanes: self.lanes.count() as u64,
            rotations: self.sinks.iter().map(|sink| sink.rotations()).sum(),
            sinks: try_collect(self.sinks.iter().map(|sink| sink.read())).unwrap_or_default(),
            ..Stats::default()
        }
    }
}

fn floor(filter: &Filter) -> u8 {
    filter.floor().map_or(6, |level| level as u8)
}
