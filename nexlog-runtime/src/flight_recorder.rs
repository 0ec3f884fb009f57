//! [`FlightRecorder`]: the last records below the filter's level, for when something goes wrong.
//!
//! What the user states, and what a panic does. Keeping and writing out is the drainer's
//! (`pipeline/recorder`).

use std::sync::{Arc, Mutex, Once, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use crate::builder::Builder;
use crate::error::Error;
use crate::logger::Logger;
use crate::pipeline::state::{self, Core};
use crate::site::level::Level;

/// Keeps the last records that the filter does not let pass in memory, and writes them out when a
/// grave one comes: before it, in their order, with their own times, threads and contexts. Also
/// known as a backtrace (`spdlog`, `quill`).
///
/// A record is kept when it is at or above [`level`](FlightRecorder::level) and the logger's filter
/// does not let it pass. It is written out, and forgotten, when
///
/// * a record at or above the [`trigger`](FlightRecorder::trigger) is written (one that passes the
///   filter),
/// * a thread panics: at once where that is possible, else with the next pass,
/// * [`Logger::dump_flight_recorder`] asks for it.
///
/// Each sink gets those that its own filter lets pass. Those of all threads are kept together. They
/// are in memory only: after a kill they are gone, but for those still in the threads' buffers,
/// which the next start writes with all others.
///
/// Costs a kept record as much as one that is written at the call (its arguments are evaluated; in
/// `Immediate` the caller also copies it), and nothing where it is not set. Spans below the filter's
/// level are not made for it. In [`Stats`](crate::Stats) a kept record is in `kept`; only when it is
/// written out it is also accepted and written.
///
/// ```
/// use nexlog_runtime::{FlightRecorder, Level, Memory, builder};
///
/// let logger = builder()
///     .filter("info")
///     .sink(Memory::new())
///     .flight_recorder(FlightRecorder::records(1_000).level(Level::Debug).trigger(Level::Error))
///     .build()?;
/// # Ok::<(), nexlog_runtime::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it is set by `Builder::flight_recorder`"]
pub struct FlightRecorder {
    pub(crate) max_records: usize,
    pub(crate) max_bytes: usize,
    pub(crate) level: Level,
    pub(crate) trigger: Level,
    pub(crate) on_panic: bool,
}

impl FlightRecorder {
    const DEFAULT: FlightRecorder = FlightRecorder {
        max_records: usize::MAX,
        max_bytes: usize::MAX,
        level: Level::Trace,
        trigger: Level::Error,
        on_panic: true,
    };

    /// Keeps the last `records`, however long they are.
    pub fn records(records: usize) -> FlightRecorder {
        FlightRecorder { max_records: records, ..FlightRecorder::DEFAULT }
    }

    /// Keeps as many as take at most `bytes`, in the form they have in a thread's buffer: some 30
    /// bytes and the values, and what is around them. The memory may grow to twice as much.
    pub fn bytes(bytes: impl TryInto<usize>) -> FlightRecorder {
        let max_bytes = bytes.try_into().unwrap_or(usize::MAX);
        FlightRecorder { max_bytes, ..FlightRecorder::DEFAULT }
    }

    /// The lowest level that is kept. Default: `Trace`.
    pub fn level(mut self, level: Level) -> FlightRecorder {
        self.level = level;
        self
    }

    /// From which level on a record has them written out. Default: `Error`.
    pub fn trigger(mut self, level: Level) -> FlightRecorder {
        self.trigger = level;
        self
    }

    /// Whether a panic has them written out. Default: yes.
    pub fn on_panic(mut self, on_panic: bool) -> FlightRecorder {
        self.on_panic = on_panic;
        self
    }

    /// What cannot work.
    pub(crate) fn problem(&self) -> Option<String> {
        match self {
            _ if self.max_records == 0 => {
                Some(String::from("0 records would keep nothing; leave it out, or keep some"))
            }
            _ if self.max_bytes < 256 => {
                let bytes = self.max_bytes;
                Some(format!("{bytes} bytes hold no record; use at least 256"))
            }
            _ => None,
        }
    }
}

impl Builder {
    /// Keeps the last records below the filter's level, and writes them out when something goes
    /// wrong. Default: no.
    pub fn flight_recorder(mut self, recorder: FlightRecorder) -> Self {
        self.settings.recorder = Some(recorder);
        self
    }
}

/// How long a dump on demand waits for a pass that is under way.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a panic does.
const PANIC_PATIENCE: Duration = Duration::from_millis(100);

impl Logger {
    /// Writes out what the [`FlightRecorder`] has kept of all that was logged before the call, and
    /// flushes. Waits for a pass that is under way, 5 s at most. Without a recorder it flushes.
    ///
    /// # Errors
    /// As [`flush`](Logger::flush).
    pub fn dump_flight_recorder(&self) -> Result<(), Error> {
        self.core().dump_recorder(PATIENCE)
    }
}

/// [`Logger::dump_flight_recorder`] of the global logger; `Ok` when there is none.
///
/// # Errors
/// As [`Logger::dump_flight_recorder`].
pub fn dump_flight_recorder() -> Result<(), Error> {
    state::global().map_or(Ok(()), |core| core.dump_recorder(PATIENCE))
}

/// The loggers that write out what they have kept when a thread panics, and some that have ended.
static ON_PANIC: Mutex<Vec<Weak<Core>>> = Mutex::new(Vec::new());

/// From now on panics have this logger write out what it has kept.
pub(crate) fn watch_panics(core: &Arc<Core>) {
    static ONCE: Once = Once::new();
    let mut all = ON_PANIC.lock().unwrap_or_else(PoisonError::into_inner);
    all.retain(|known| known.strong_count() > 0);
    all.push(Arc::downgrade(core));
    drop(all);
    if std::thread::panicking() {
        return; // hooks cannot be set now
    }
    ONCE.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            previous(info); // first: it may log
            panicked();
        }));
    });
}

/// Inside the hook a sink that panics would end the process, so a thread of its own writes; this
/// one waits a little, as it may be the last. From inside a pass the next one does it.
fn panicked() {
    // A panic in here, or by whoever is adding one, must not wait for itself.
    let Ok(all) = ON_PANIC.try_lock() else { return };
    let cores: Vec<Arc<Core>> = all.iter().filter_map(Weak::upgrade).collect();
    drop(all);
    for core in cores {
        core.ask_for_dump();
        if core.is_in_pass() {
            continue;
        }
        if cfg!(panic = "abort") {
            core.drain_within(PANIC_PATIENCE);
            continue;
        }
        let drain = move || core.drain_within(PANIC_PATIENCE);
        let writer = thread::Builder::new().name(String::from("nexlog")).spawn(drain);
        let end = Instant::now() + PANIC_PATIENCE;
        while writer.as_ref().is_ok_and(|writer| !writer.is_finished()) && Instant::now() < end {
            thread::sleep(Duration::from_micros(50));
        }
    }
}
