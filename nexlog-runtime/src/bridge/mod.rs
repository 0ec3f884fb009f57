//! Bridges to the facades of other crates, `log` and `tracing`.
//!
//! | file | what |
//! | --- | --- |
//! | `log_in` | `log`'s logger, which `install` becomes |
//! | `tracing_in` | `tracing`'s global subscriber, which `install` becomes, and the layer |
//! | `sites` | a call site of ours for each of theirs, found without a lock |
//! | `forward` | records out: on the caller's thread, and never in a circle |
//! | `log_out`, `tracing_out`, `held` | the same for each facade; values that both know |
//! | `options` | what the builder is told |
//!
//! The facades have one logger and one global subscriber for the whole process, and no way back.
//! So `install` claims them last, when nothing else can fail; what it has claimed and cannot use
//! is closed, and the next `install` opens it again. They cache which levels are wanted:
//! `filter_changed` is called wherever the global logger's filter has changed.
//!
//! Nothing here knows how values lie in memory: records are made by drafts, spans by frames.

mod forward;
#[cfg(any(feature = "log", feature = "tracing"))]
mod held;
#[cfg(feature = "log")]
mod log_in;
#[cfg(feature = "log")]
mod log_out;
mod options;
#[cfg(any(feature = "log", feature = "tracing"))]
mod sites;
#[cfg(feature = "tracing")]
mod tracing_in;
#[cfg(feature = "tracing")]
mod tracing_out;

use std::sync::{Arc, OnceLock};

pub(crate) use forward::Forwards;
pub(crate) use options::Bridges;
#[cfg(feature = "tracing")]
pub use tracing_in::tracing_layer;

use crate::clock::WallClock;
use crate::pipeline::state::{self, Core};

/// The global logger has another filter: the facades must not keep the answers of the old one.
pub(crate) fn filter_changed(core: &Core) {
    let is_it = |global: &Arc<Core>| core::ptr::eq(&raw const **global, core);
    if !state::global().is_some_and(is_it) {
        return; // a local logger, or one that is being installed and tells them at the end
    }
    options::FACADES.iter().for_each(|facade| (facade.filter_changed)(core));
}

/// A clock for records that are looked at outside of a pass.
fn clock() -> &'static WallClock {
    static CLOCK: OnceLock<WallClock> = OnceLock::new();
    CLOCK.get_or_init(WallClock::new)
}

/// For a fork.
#[cfg(any(feature = "log", feature = "tracing"))]
pub(crate) fn hold(end: std::time::Instant) -> Vec<Option<Box<dyn core::any::Any>>> {
    let held = [
        sites::hold(end),
        #[cfg(feature = "tracing")]
        tracing_in::hold(end),
    ];
    let held = held.into_iter();
    #[cfg(feature = "tracing")]
    let held = held.chain(crate::context::updates::hold(end));
    held.collect()
}
