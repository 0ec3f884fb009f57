//! Records about spans, and the time that instrumented functions take.
//!
//! Off unless somebody asks (`Builder::spans`, the option `elapsed`): then nothing here reads a
//! clock. The clock is the monotonic one in nanoseconds: ticks are for ordering records, and
//! only the drainer knows their rate.

use core::sync::atomic::AtomicU8;
use core::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::frame::Frame;
use super::stack::Bound;
use crate::lane::draft::Draft;
use crate::lane::emit::{emit1, emit3};
use crate::pipeline::state::Core;
use crate::site::callsite::Site;
use crate::site::level::Level;
use crate::sys;

/// Which records spans make about themselves. They go to the loggers that ask for them, at the
/// span's level (Info when none is stated) and with its target, inside its context, and are
/// counted in [`Stats::own`](crate::Stats).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpanRecords {
    /// None: a span logs nothing by itself.
    #[default]
    None,
    /// One when a span is over: `span closed`, with the time since it was made (`elapsed`), and
    /// for futures how much of it they were polled (`busy`) and not (`idle`).
    OnClose,
    /// The same, and one when it is made: `span opened`.
    OnEnterAndClose,
}

/// What the most talkative logger asks for.
static ASKED: AtomicU8 = AtomicU8::new(0);
/// The loggers that ask for something. Nothing is allocated or freed under this lock: the
/// allocator may close spans.
static LOGGERS: Mutex<Option<Arc<Asking>>> = Mutex::new(None);

/// Held while the list is made anew.
static TELLING: Mutex<()> = Mutex::new(());

/// For a fork.
pub(crate) fn hold(end: Instant) -> [Option<Box<dyn core::any::Any>>; 2] {
    use crate::pipeline::fork;
    [fork::hold(&TELLING, end), fork::hold(&LOGGERS, end)]
}

type Asking = Vec<(Weak<Core>, SpanRecords)>;

fn loggers() -> Option<Arc<Asking>> {
    if crate::lane::thread::is_forking() {
        return None;
    }
    LOGGERS.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

macro_rules! span_site {
    ($name:ident, $description:literal) => {
        static $name: Site = Site::new(
            Site::RUN_TIME_LEVEL,
            line!(),
            concat!($description, ".", module_path!(), "\n", file!()),
        );
    };
}

span_site!(OPENED, "6:nexlogML11:span opened");
span_site!(CLOSED, "6:nexlogf7:elapsedML11:span closed");
span_site!(FINISHED, "6:nexlogf7:elapsedf4:busyf4:idleML11:span closed");

/// Has a logger told about spans from now on.
pub(crate) fn tell(core: &Arc<Core>, asked: SpanRecords) {
    if asked == SpanRecords::None {
        return;
    }
    let telling = TELLING.lock().unwrap_or_else(PoisonError::into_inner);
    let known = loggers();
    let mut all: Asking = known.iter().flat_map(|known| known.iter().cloned()).collect();
    all.retain(|(known, _)| known.strong_count() > 0);
    all.push((Arc::downgrade(core), asked));
    let all = Some(Arc::new(all));
    let before =
        core::mem::replace(&mut *LOGGERS.lock().unwrap_or_else(PoisonError::into_inner), all);
    ASKED.fetch_max(asked as u8, Relaxed);
    drop(telling);
    drop((before, known));
}

/// Whether some logger wants records about spans.
#[inline(always)]
pub(super) fn is_on() -> bool {
    ASKED.load(Relaxed) != 0
}

/// A span was made.
#[inline(always)]
pub(super) fn open(frame: *const Frame) {
    if is_on() {
        open_timed(frame);
    }
}

#[cold]
#[inline(never)]
fn open_timed(frame: *const Frame) {
    start(frame);
    if ASKED.load(Relaxed) == SpanRecords::OnEnterAndClose as u8
        // SAFETY: null, or the caller has a reference.
        && let Some(frame) = unsafe { frame.as_ref() }
    {
        record(frame, SpanRecords::OnEnterAndClose, &OPENED, |_| ());
    }
}

/// The span's time begins, unless it has.
pub(super) fn start(frame: *const Frame) {
    // SAFETY: null, or the caller has a reference.
    if let Some(frame) = unsafe { frame.as_ref() } {
        let _ = frame.opened.compare_exchange(0, sys::monotonic_ns().max(1), Relaxed, Relaxed);
    }
}

/// When it was entered; 0 for a span that is not timed.
pub(super) fn enter(frame: &Frame) -> u64 {
    if frame.opened.load(Relaxed) == 0 { 0 } else { sys::monotonic_ns() }
}

/// It was left.
pub(super) fn leave(frame: *const Frame, entered: u64) {
    // SAFETY: null, or the caller has a reference.
    if let Some(frame) = unsafe { frame.as_ref() }.filter(|_| entered > 0) {
        frame.busy.fetch_add(sys::monotonic_ns().saturating_sub(entered), Relaxed);
    }
}

/// Counts the time until it is dropped.
pub(super) struct Busy {
    frame: *const Frame,
    entered: u64,
}

impl Busy {
    /// Of a frame that outlives this, or of none.
    #[inline]
    pub(super) fn of(frame: *const Frame) -> Busy {
        // SAFETY: null, or the caller keeps it alive.
        Busy { frame, entered: unsafe { frame.as_ref() }.map_or(0, enter) }
    }
}

impl Drop for Busy {
    #[inline]
    fn drop(&mut self) {
        leave(self.frame, self.entered);
    }
}

/// How long a span took; `None` when it was not timed, or told already.
fn end(frame: &Frame) -> Option<(Duration, Duration)> {
    let opened = frame.opened.swap(0, Relaxed);
    let elapsed = sys::monotonic_ns().saturating_sub(opened);
    let busy = frame.busy.load(Relaxed).min(elapsed);
    (opened > 0).then(|| (Duration::from_nanos(elapsed), Duration::from_nanos(busy)))
}

/// The last handle of a span is gone.
#[inline]
pub(super) fn close(frame: &Frame, is_future: bool) {
    if is_on() {
        close_timed(frame, is_future);
    }
}

#[cold]
#[inline(never)]
fn close_timed(frame: &Frame, is_future: bool) {
    let Some((elapsed, busy)) = end(frame) else { return };
    let idle = elapsed.saturating_sub(busy);
    if is_future {
        record(frame, SpanRecords::OnClose, &FINISHED, |draft| {
            draft.push(&elapsed);
            draft.push(&busy);
            draft.push(&idle);
        });
    } else {
        record(frame, SpanRecords::OnClose, &CLOSED, |draft| draft.push(&elapsed));
    }
}

/// An instrumented function is over.
#[cold]
#[inline(never)]
pub(super) fn close_body(frame: &Frame, site: Option<&'static Site>) {
    let Some(site) = site else { return close(frame, false) };
    if let Some((elapsed, _)) = end(frame).filter(|_| site.enabled()) {
        // SAFETY: the caller has a reference.
        let _bound = unsafe { Bound::enter(frame) };
        emit1(site, elapsed);
    }
}

/// An instrumented future is ready.
#[cold]
#[inline(never)]
pub(super) fn finish_future(frame: &Frame, site: &'static Site) {
    if let Some((elapsed, busy)) = end(frame) {
        // SAFETY: the caller has a reference.
        let _bound = unsafe { Bound::enter(frame) };
        if site.enabled() {
            emit3(site, elapsed, busy, elapsed.saturating_sub(busy));
        }
    }
}

/// Makes a record inside the span for every logger that asks for as much.
fn record(frame: &Frame, wanted: SpanRecords, site: &'static Site, fill: impl Fn(&mut Draft<'_>)) {
    let Some(info) = frame.site.try_info() else { return };
    let level = info.level.unwrap_or(Level::Info);
    let loggers = loggers();
    // SAFETY: the caller has a reference.
    let _bound = unsafe { Bound::enter(frame) };
    #[cfg(feature = "tracing")]
    super::updates::refresh();
    for (core, asked) in loggers.iter().flat_map(|all| all.iter()) {
        let Some(core) = core.upgrade().filter(|_| *asked as u8 >= wanted as u8) else { continue };
        if core.passes(info.target, level) {
            let mut draft = Draft::about_span(site, level, info.target, &core);
            fill(&mut draft);
            let _ = draft.finish();
        }
    }
}
