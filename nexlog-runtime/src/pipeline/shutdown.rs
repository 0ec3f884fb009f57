//! The end of the process: everything whose call returned is written.
//!
//! `exit` in all its forms (return from `main`, a panic in it, `process::exit`) runs our
//! `atexit` handler: from then on callers write out before they return, because detached
//! threads may still run, and what is there is written. With `panic = "abort"` nothing runs after a
//! panic's hooks, so there, and only there, one of ours drains, chained behind the one that was
//! there. `abort` and signals run nothing. Where there is no `atexit`, callers write out from the
//! start.
//!
//! Local loggers are no different: one in a `static`, or in a thread that still runs, is never
//! dropped, and nobody expects its last records to be lost.

use std::sync::{Arc, Mutex, Once, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::state::{self, Core};
use crate::sys;

/// How long the end of the process waits for passes that are under way.
const EXIT_PATIENCE: Duration = Duration::from_secs(2);
/// How long a panic does.
const PANIC_PATIENCE: Duration = Duration::from_millis(100);

/// Whether the end of the process is heard of; `None` before it was asked for.
static AT_EXIT: Mutex<Option<bool>> = Mutex::new(None);

/// The local loggers, and some that have ended.
static LOCAL: Mutex<Vec<Weak<Core>>> = Mutex::new(Vec::new());

/// Registers both handlers, for the global logger. Once; later calls do nothing.
pub(crate) fn register(core: &Core) {
    static ONCE: Once = Once::new();
    register_exit(core);
    ONCE.call_once(|| {
        // Where panics unwind, a hook that runs sinks would turn a sink's panic into an abort,
        // and what is not drained now is drained at exit.
        if !cfg!(panic = "abort") || std::thread::panicking() {
            return;
        }
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            previous(info); // first: it may log
            each(PANIC_PATIENCE, Core::drain_within);
        }));
    });
}

/// Has a local logger written out at exit.
pub(crate) fn register_local(core: &Arc<Core>) {
    let mut local = LOCAL.lock().unwrap_or_else(PoisonError::into_inner);
    // Those that are there keep their places: see `each`.
    match local.iter_mut().find(|known| known.strong_count() == 0) {
        Some(ended) => *ended = Arc::downgrade(core),
        None => local.push(Arc::downgrade(core)),
    }
    drop(local);
    register_exit(core);
}

/// Those that live.
pub(super) fn locals() -> Vec<Arc<Core>> {
    let local = LOCAL.lock().unwrap_or_else(PoisonError::into_inner);
    local.iter().filter_map(Weak::upgrade).collect()
}

/// For a fork.
pub(super) fn hold(end: Instant) -> [Option<Box<dyn core::any::Any>>; 2] {
    [super::fork::hold(&LOCAL, end), super::fork::hold(&AT_EXIT, end)]
}

fn register_exit(core: &Core) {
    // A lock, and no `OnceLock`, so that it can be held over a fork. Given back before sinks run,
    // which may build loggers.
    let works = {
        let mut works = AT_EXIT.lock().unwrap_or_else(PoisonError::into_inner);
        *works.get_or_insert_with(|| sys::at_exit(at_exit))
    };
    super::fork::watch();
    if !works {
        core.write_through(Duration::ZERO);
    }
}

extern "C" fn at_exit() {
    each(EXIT_PATIENCE, |core, patience| {
        if core.write_through(patience) {
            core.end_ring();
        }
    });
    #[cfg(any(feature = "gzip", feature = "zstd"))]
    crate::sink::file::compress::end();
}

/// All loggers, the global one first, with what is left of `patience` for all of them.
fn each(patience: Duration, drain: impl Fn(&Core, Duration)) {
    let end = Instant::now() + patience;
    let left = || end.saturating_duration_since(Instant::now());
    if let Some(core) = state::global() {
        drain(core, left());
    }
    // By place and without the lock: sinks run user code, which may build loggers, and for a copy
    // of the list there may be no memory.
    let at = |place| {
        let local = LOCAL.lock().unwrap_or_else(PoisonError::into_inner);
        local.get(place).map(Weak::upgrade)
    };
    for core in (0..).map_while(at).flatten() {
        drain(&core, left());
    }
}
