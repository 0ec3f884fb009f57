//! A structured logger: typed records for about the price of reading the clock, formatted off
//! the caller, one path for every mode.
#![forbid(unsafe_code)]

mod init;
#[macro_use]
mod macros;
#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

use std::time::Duration;

pub use init::init;
pub use nexlog_macros::Value;
pub use nexlog_runtime::{
    Allocator, Batch, Buffer, Builder, Color, Console, DropReason, DroppedBy, Error, ErrorRef,
    FieldIter, Fields, FieldsWriter, File, Filter, FilterProblem, Format, GIB, Json, KIB, Level,
    List, ListIter, ListWriter, Logger, MIB, Map, MapIter, MapWriter, Memory, Message, Mode,
    Output, Overflow, ParseLevelError, Precision, Record, Sink, SinkStats, Stats, Text, ThreadInfo,
    Timestamp, Value, ValueRef, ValueWriter, WriteError, builder, flush, stats, sync,
};

/// An hour.
pub const HOUR: Duration = Duration::from_secs(60 * 60);
/// A day of 24 hours.
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);
