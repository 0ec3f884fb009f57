//! From lanes to sinks: everything that happens under the pipeline mutex.
//!
//! `state` is a logger's shared state and decides who drains when; `drain` is one pass over the
//! lanes; `output` encodes and hands batches to sinks; `worker` is the thread of
//! `Mode::Background` and `doze` how callers wake it; `shutdown` the end of the process; `own` the records the logger makes
//! about itself; `early` what was logged before there was a logger; `stats` the counters; `contain`
//! stops the panics of user code.

pub(crate) mod contain;
pub(crate) mod doze;
pub(crate) mod drain;
pub(crate) mod early;
pub(crate) mod output;
pub(crate) mod own;
pub(crate) mod shutdown;
pub(crate) mod state;
pub(crate) mod stats;
pub(crate) mod worker;
