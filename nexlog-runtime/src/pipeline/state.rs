//! A logger's shared state.
//!
//! What the builder settled, the filter, the counters, and the parts that others work with: lanes,
//! worker, and the pipeline behind its mutex. What is done with them is in `turn`, `lock` and
//! `finish`.

use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU64};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::board::Board;
use super::doze::Doze;
use super::drain::Pipeline;
use super::filters::Layers;
use super::recorder::{self, Filters};
use super::report::ReportTime;
use super::stats::{Counts, SinkCounts, Stats};
use super::worker::Worker;
use crate::clock;
use crate::context;
use crate::error::{DropReason, Error};
use crate::flight_recorder::FlightRecorder;
use crate::health::{HealthReason, LOSS_WINDOW};
use crate::lane::lanes::Lanes;
use crate::lane::memory::{Allocator, try_collect};
use crate::lane::thread;
use crate::site::callsite::Site;
use crate::site::filter::{Answer, Filter};
use crate::site::known;
use crate::site::level::Level;
use crate::site::limit;
use crate::site::spans::Surroundings;
use crate::value::redact::Redaction;

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
    pub(crate) max_value_bytes: usize,
    pub(crate) redaction: Arc<Redaction>,
    pub(crate) allocator: Allocator,
    pub(crate) on_error: Option<OnError>,
    pub(crate) is_global: bool,
    /// Where its records go besides.
    pub(crate) forwards: Option<crate::bridge::Forwards>,
    pub(crate) recorder: Option<FlightRecorder>,
    pub(crate) report_interval: Option<Duration>,
    /// There should be a ring, and is none.
    pub(crate) lacks_ring: bool,
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
    /// The sum of `layers`, for callers.
    pub(super) filter: RwLock<Filter>,
    pub(super) layers: Mutex<Layers>,
    sink_filters: Vec<(String, Filter)>,
    /// The lowest level that may pass the gate, 6 for none.
    floor: AtomicU8,
    /// With a flight recorder, which has to know which filter a record was made under.
    pub(super) filters: Option<Filters>,
    /// What the flight recorder has kept is to be written out.
    pub(super) must_dump: AtomicBool,
    pub(crate) doze: Doze,
    pub(super) flush_interval_ticks: u64,
    /// When it was made.
    pub(super) began: u64,
    /// When the pass began that is under way, in ticks; 0 when none is.
    pub(crate) pass_began: AtomicU64,
    pub(crate) report_time: ReportTime,
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

/// Taken before any logger's layers are.
pub(super) fn setting() -> MutexGuard<'static, ()> {
    SETTING.lock().unwrap_or_else(PoisonError::into_inner)
}

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
        layers: Layers,
        lanes: Arc<Lanes>,
        pipeline: Pipeline,
    ) -> Core {
        let filter = layers.sum();
        let flush_interval_ticks = pipeline.clock.ticks_in(settings.flush_interval.as_nanos());
        let deadline = match settings.mode {
            Mode::Immediate => 0,
            Mode::Buffered => clock::now().saturating_add(flush_interval_ticks),
            Mode::Background => u64::MAX,
        };
        let report_ticks =
            settings.report_interval.map(|interval| pipeline.clock.ticks_in(interval.as_nanos()));
        let counts = Counts::default();
        counts.losses.set_window(pipeline.clock.ticks_in(LOSS_WINDOW.as_nanos()));
        Core {
            lanes,
            allocator: settings.allocator,
            max_record_bytes: settings.max_record_bytes,
            counts,
            worker: Worker::default(),
            sinks: pipeline.outputs.counts(),
            floor: AtomicU8::new(recorder::floor(filter.floor(), settings.recorder.as_ref())),
            filters: settings.recorder.as_ref().map(|_| Filters::new(filter.clone())),
            must_dump: AtomicBool::new(false),
            filter: RwLock::new(filter),
            layers: Mutex::new(layers),
            sink_filters: pipeline.outputs.filters(),
            doze: Doze::new(deadline),
            flush_interval_ticks,
            began: clock::now(),
            pass_began: AtomicU64::new(0),
            report_time: ReportTime::after(report_ticks),
            is_closed: AtomicBool::new(false),
            is_cut_off: AtomicBool::new(false),
            must_close: AtomicBool::new(false),
            board: Board::new(pipeline.plan()),
            pipeline: Mutex::new(pipeline),
            settings,
        }
    }

    /// The gate's answer for a record that this thread makes now: it passes the filter, or is kept.
    pub(crate) fn enabled(&self, target: &str, level: Level) -> bool {
        if (level as u8) < self.floor.load(Relaxed) || thread::is_forking() {
            return false;
        }
        self.recorder_level().is_some_and(|lowest| level >= lowest) || self.passes(target, level)
    }

    /// The lowest level that the flight recorder keeps, if there is one.
    pub(crate) fn recorder_level(&self) -> Option<Level> {
        self.settings.recorder.as_ref().map(|recorder| recorder.level)
    }

    /// Whether a panic has the flight recorder written out.
    pub(crate) fn dumps_on_panic(&self) -> bool {
        self.settings.recorder.as_ref().is_some_and(|recorder| recorder.on_panic)
    }

    /// The filter's answer.
    pub(crate) fn passes(&self, target: &str, level: Level) -> bool {
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

    /// What is hidden by its key.
    pub(crate) fn redaction(&self) -> &Redaction {
        &self.settings.redaction
    }

    /// What one value may take.
    pub(crate) fn max_value_bytes(&self) -> usize {
        self.settings.max_value_bytes
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

    pub(crate) fn mode(&self) -> Mode {
        self.settings.mode
    }

    pub(crate) fn report_interval(&self) -> Option<Duration> {
        self.settings.report_interval
    }

    /// Ticks in a length of time.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(crate) fn ticks_in(&self, time: Duration) -> u64 {
        let rate = self.flush_interval_ticks as f64 / self.settings.flush_interval.as_secs_f64();
        (time.as_secs_f64() * rate) as u64 // `as` saturates
    }

    /// The length of time of so many ticks.
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn time_in(&self, ticks: u64) -> Duration {
        let share = ticks as f64 / self.flush_interval_ticks.max(1) as f64;
        let seconds = share * self.settings.flush_interval.as_secs_f64();
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }

    /// Whether callers write out themselves, as the process or the logger ends.
    pub(crate) fn is_ending(&self) -> bool {
        self.doze.is_write_through() || self.is_closed()
    }

    pub(crate) fn is_cut_off(&self) -> bool {
        self.is_cut_off.load(Relaxed)
    }

    /// Whether a kill would cost records that a ring file should have.
    pub(crate) fn has_lost_ring(&self) -> bool {
        self.settings.lacks_ring || self.lanes.pool.ring().is_some_and(|ring| ring.has_trouble())
    }

    /// What is wrong with the sinks; `says`: with their errors' texts.
    pub(crate) fn sink_troubles(
        &self,
        now: Instant,
        says: bool,
    ) -> impl Iterator<Item = HealthReason> + '_ {
        self.sinks.iter().filter_map(move |sink| sink.trouble(now, says))
    }

    /// The filter as it is now.
    pub(crate) fn filter(&self) -> Filter {
        self.filter.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Another filter from now on.
    pub(super) fn apply_filter(&self, filter: Filter, setting: MutexGuard<'_, ()>) {
        // One at a time, so that sites and logger agree in the end. Nothing is allocated or freed
        // under the locks that callers take: the allocator may log.
        let for_sites = self.is_global().then(|| filter.clone());
        if let Some(filters) = &self.filters {
            filters.add(clock::now(), filter.clone());
        }
        let mut current = self.filter.write().unwrap_or_else(PoisonError::into_inner);
        self.floor.store(recorder::floor(filter.floor(), self.settings.recorder.as_ref()), Relaxed);
        let before = mem::replace(&mut *current, filter);
        drop(current);
        if let Some(filter) = for_sites {
            crate::registry::set_gate(filter, self.settings.flush_level, self.recorder_level());
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
        let is_kept = self.recorder_level().is_some_and(|lowest| level >= lowest);
        let answer = if is_kept { Answer::Fixed(true) } else { filter.answer(target, level) };
        (answer, filter.looks_at_spans())
    }

    /// Where its records go besides.
    pub(crate) fn forwards(&self) -> Option<&crate::bridge::Forwards> {
        self.settings.forwards.as_ref()
    }

    /// The filters of the sinks that have one.
    pub(super) fn sinks_filters(&self) -> &[(String, Filter)] {
        &self.sink_filters
    }

    /// Makes every site ask this logger.
    pub(crate) fn open_gate(&self) {
        self.change_filter(|_| ());
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
            // What is kept is taken off the second.
            accepted: self.lanes.accepted().wrapping_add(self.counts.accepted.load(Relaxed)),
            written: self.counts.written.load(Relaxed),
            dropped: dropped_by.total(),
            dropped_by,
            own: self.counts.own.load(Relaxed),
            kept: self.counts.kept.load(Relaxed),
            suppressed: self.counts.suppressed.load(Relaxed)
                + if self.is_global() { limit::early() } else { 0 },
            repeated: self.sinks.iter().map(|sink| sink.repeated.load(Relaxed)).sum(),
            sampled_out: self.sinks.iter().map(|sink| sink.sampled_out.load(Relaxed)).sum(),
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
