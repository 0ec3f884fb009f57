//! The end of the process: everything whose call returned is written.
//!
//! `exit` in all its forms (return from `main`, a panic in it, `process::exit`) runs our
//! `atexit` handler: from then on callers write out before they return, because detached
//! threads may still run, and what is there is written. A panic drains from a hook, chained
//! before the one that was there, because with `panic = "abort"` nothing runs after hooks.
//! `abort` and signals run nothing.

use std::sync::Once;
use std::time::Duration;

use super::state;
use crate::sys;

/// How long the end of the process waits for a pass that is under way.
const EXIT_PATIENCE: Duration = Duration::from_secs(2);
/// How long a panic does.
const PANIC_PATIENCE: Duration = Duration::from_millis(100);

/// Registers both handlers. Once; later calls do nothing.
pub(crate) fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        sys::at_exit(at_exit);
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            previous(info); // first: it may log
            if let Some(core) = state::global() {
                core.drain_within(PANIC_PATIENCE);
            }
        }));
    });
}

extern "C" fn at_exit() {
    if let Some(core) = state::global() {
        core.write_through(EXIT_PATIENCE);
    }
}
