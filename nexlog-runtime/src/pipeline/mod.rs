//! From lanes to sinks: everything that happens under the pipeline mutex.
//!
//! `state` is a logger's shared state; `turn` decides who drains when, under the `lock`; `drain`
//! is one pass over the lanes; `output` encodes and hands batches to sinks. `worker` is the thread
//! of `Mode::Background` and `doze` how callers wake it; `finish` is flush, sync and the end of a
//! logger, `shutdown` the end of the process; `own` the records a logger makes about itself;
//! `volume` what sinks leave out, with `repeats` for what comes again;
//! `early` what was logged before there was one; `stats` the counters; `contain` stops the panics
//! of user code; `recorder` keeps what the filter does not let pass.

mod board;
pub(crate) mod contain;
pub(crate) mod doze;
pub(crate) mod drain;
pub(crate) mod early;
mod encode;
pub(crate) mod filters;
mod finish;
pub(crate) mod fork;
mod lock;
mod note;
pub(crate) mod output;
pub(crate) mod own;
pub(crate) mod recorder;
pub(crate) mod repeats;
pub(crate) mod report;
pub(crate) mod shutdown;
pub(crate) mod state;
pub(crate) mod stats;
mod turn;
pub(crate) mod volume;
pub(crate) mod watch;
pub(crate) mod worker;
