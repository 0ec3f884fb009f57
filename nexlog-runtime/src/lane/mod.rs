//! One thread's buffer: the producer side of nexlog.
//!
//! A record's way: `emit` (or `draft`, for what is not plain; `rendered`, for bridges) asks `thread` for this thread's
//! `ring`, reserves, copies, commits. Rings are chains of segments from a `pool`, which gets its
//! `memory` by the one seam. `lanes` is the list of them all, and
//! `read` the drainer's way through it, in the order of the clock; `view` is what it shows of a record.
//! `images` are records that lie in no lane. `remains` reads what a dead
//! process left of one.

mod announce;
mod cursor;
pub(crate) mod draft;
pub(crate) mod emit;
mod hide;
pub(crate) mod images;
pub(crate) mod lanes;
pub(crate) mod memory;
pub(crate) mod pool;
pub(crate) mod read;
pub(crate) mod remains;
#[cfg(any(feature = "log", feature = "tracing"))]
pub(crate) mod rendered;
pub(crate) mod ring;
pub(crate) mod thread;
pub(crate) mod view;
pub(crate) mod words;

#[cfg(all(test, loom))]
mod models;
