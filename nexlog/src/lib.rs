//! A structured logger: typed records for about the price of reading the clock, formatted off
//! the caller, one path for every mode.
//!
//! ```
//! fn main() -> Result<(), nexlog::Error> {
//!     nexlog::init()?; // stderr, text, colours on a terminal, level info, environment applied
//!     let elapsed = std::time::Duration::from_millis(12);
//!     nexlog::info!("cache warmed", entries = 4096, took = elapsed);
//!     Ok(())
//! }
//! ```
//!
//! A **record** is one logged thing; a **field** is a typed key and value; a **lane** is one
//! thread's buffer; a **sink** is where records go; to **drain** is to bring records from lanes to
//! sinks; **drop** means lose.
//!
//! # For authors of libraries
//!
//! Use the macros and nothing else: [`trace!`], [`debug!`], [`info!`], [`warn!`], [`error!`],
//! [`critical!`], the general [`log!`], and [`enabled!`] before something expensive. The grammar
//! is at [`log!`]. Without a logger they print nothing. Records at Info or above that were made
//! before the application installed one wait for it, in a buffer of 64 KiB.
//!
//! Give your types an encoder with [`#[derive(Value)]`](derive@Value) or by hand ([`Value`](trait@Value)),
//! and types that are several fields with [`Fields`]. `key = secret(v)` and `#[nexlog(secret)]` hide a
//! value for good; applications hide by key with [`Builder::redact`].
//!
//! # For authors of applications
//!
//! [`init`] for a program of people's own, [`builder`] for everything else, at the start of
//! `main`:
//!
//! ```no_run
//! use nexlog::{Console, File, Json, Level, Mode};
//!
//! # fn main() -> Result<(), nexlog::Error> {
//! nexlog::builder()
//!     .filter("info,my_app::db=debug")
//!     .filter_env("NEXLOG")
//!     .console(Console::stderr().level(Level::Warn))
//!     .file(File::at("logs/app.log").format(Json::new()))
//!     .mode(Mode::Background)
//!     .field("service", "shop")
//!     .install()?;
//! # Ok(())
//! # }
//! ```
//!
//! Nothing need be kept alive. Every record whose call returned is written when the process
//! returns from `main`, exits, or panics, whatever the mode and whatever threads still run. What
//! is dropped (by policy, by a failing sink) is counted in [`stats`] and told in a record.
//!
//! `Mode::Immediate` has the record with its sinks when the call returns. The other modes have it
//! in the thread's buffer: a call costs some ten nanoseconds, and a thread or a later call writes.
//! See [`Mode`] and [`Overflow`].
//!
//! Levels can be removed while compiling: features `max_level_*` and `release_max_level_*`, and
//! the build-time variable `NEXLOG_STATIC="info,noisy_dep=off,my_app::db=trace"`, by crate and
//! module path (not by `target()`).
//!
//! # For authors of tests
//!
//! [`testing::capture`] collects what this thread logs, typed, with or without a logger.
//! `#[nexlog::test]` ([`macro@test`]) and [`testing::init`] have a test's records shown when it fails.
//!
//! ```
//! let records = nexlog::testing::capture();
//! nexlog::debug!("paid", order_id = 7);
//! assert_eq!(records.find("paid").field::<u64>("order_id"), 7);
//! ```
//!
//! # What is said once
//!
//! [`context!`] (a scope), [`span!`] and [`#[instrument]`](instrument) give fields that every
//! record made inside carries, across calls, awaits, threads and tasks; see [`Context`] for
//! carrying them on, and [`FutureExt`] for futures. A record's own field wins, then the innermost
//! scope; `span` names the innermost span. Guards belong to their thread: clippy's
//! `await-holding-invalid-types = ["nexlog::Scope"]` finds those held across an `.await`.
//!
//! # For authors of sinks and formats
//!
//! A [`Sink`] takes whole batches, as bytes in its format and as typed [`Record`]s; a [`Format`]
//! turns a [`Record`] into bytes. Both are called under the pipeline mutex, one batch at a time;
//! both may log (such records leave with the next pass), fail or panic (counted and told). Give a
//! sink its format and filter with [`Output`].
#![forbid(unsafe_code)]

#[cfg(feature = "config")]
mod config;
mod derive;
mod init;
#[macro_use]
mod macros;
#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

use std::time::Duration;

#[cfg(feature = "config")]
pub use config::Config;
pub use derive::Value;
pub use init::init;
pub use macros::instrument;
pub use macros::test;
#[cfg(any(feature = "gzip", feature = "zstd"))]
pub use nexlog_runtime::Compression;
pub use nexlog_runtime::{
    Allocator, AnsiColor, Archive, Batch, Buffer, Builder, Color, Console, Context, DropReason,
    DroppedBy, Error, ErrorRef, Explanation, FieldIter, FieldSet, Fields, FieldsWriter, File,
    Filter, FilterProblem, FilterSource, FlightRecorder, Format, FutureExt, GIB, Health,
    HealthReason, InContext, Instrumented, Json, KIB, Keep, Level, List, ListIter, ListWriter,
    Logfmt, Logger, MIB, Map, MapIter, MapWriter, Memory, Message, Mode, Output, Overflow,
    ParseLevelError, Period, Precision, PushedFilter, Record, Recovered, Report, Rotate, Scope,
    Sink, SinkStats, Span, SpanRecords, Stats, Style, Text, Theme, ThreadInfo, Timestamp,
    TraceSampling, Value, ValueRef, ValueWriter, Wrap, WriteError, builder, dump_flight_recorder,
    explain, flush, health, push_filter, recover, reopen, rotate, set_filter, stats, sync, testing,
};

/// The bridge to `tracing` for a registry that exists. The bridges that
/// [`install`](Builder::install) makes are options of the builder.
#[cfg(feature = "tracing")]
pub mod bridge {
    pub use nexlog_runtime::bridge::tracing_layer;
}
#[doc = include_str!("guide.md")]
pub mod guide {}

/// An hour.
pub const HOUR: Duration = Duration::from_secs(60 * 60);
/// A day of 24 hours.
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The snippets of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
