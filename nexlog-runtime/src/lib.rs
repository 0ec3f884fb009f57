//! The runtime of nexlog. Use it through the crate `nexlog`.
//!
//! # The life of a record
//!
//! A macro expands into a `static` call site (`site/callsite`), a gate and a call. The gate is one
//! relaxed load of the site's state byte, which caches the filter's answer; at a site's first use
//! `registry` unpacks its description and asks the filter (`site/filter`). Where a directive about
//! spans (`site/spans`) could change the answer, `registry` asks at each call instead.
//!
//! Behind the gate, `lane/emit` has the values by reference. If all are plain (`value`: the size
//! is known, writing runs no user code), it reserves space in this thread's lane, writes a header
//! (site, ticks, length), a tag and payload for each value (`value/wire`), and commits with one
//! release store. If something is not plain, or there is no room, or no lane yet, a `lane/draft`
//! first renders the values into scratch (`value/writer`); user code runs there and nowhere else.
//! It then finds this thread's lane (`lane/thread`), takes another segment (`lane/ring`,
//! `lane/pool`), makes room as the overflow policy says, or hands the record to the pipeline
//! directly.
//!
//! After the commit the caller reads one deadline (`pipeline/doze`): most of the time there is
//! nothing to do, and the call returns. Otherwise `pipeline/state` decides by the mode: the caller
//! drains, or wakes the worker (`pipeline/worker`).
//!
//! Whoever drains takes the pipeline mutex and makes a pass (`pipeline/drain`): reads the clock,
//! sees what each lane has, goes through the records in the order of time (`lane/read`), and for
//! each (`record`) asks every output whether it wants it, encodes it once per distinct format
//! (`format`), and appends it to the outputs' batches (`pipeline/output`). A batch that is large
//! enough, or the end of the pass, goes to the sink (`sink`) in one call. Only when the sinks have
//! returned are the lanes' segments given back.
//!
//! What a sink loses, what the policy drops and what panics is counted (`pipeline/stats`) and told
//! in a record of the logger's own (`pipeline/own`). Records from before `install` wait in
//! `pipeline/early`; the end of the process is `pipeline/shutdown`.

#[cfg(not(target_pointer_width = "64"))]
compile_error!("nexlog needs a target with 64-bit pointers");

#[cfg(not(feature = "tracing"))]
mod bridge;
#[cfg(feature = "tracing")]
pub mod bridge;
mod buffer;
mod builder;
mod clock;
mod context;
mod crash;
mod error;
mod flight_recorder;
mod format;
mod health;
mod lane;
mod logger;
mod pipeline;
pub mod private;
mod record;
mod registry;
mod report;
#[cfg(feature = "serde")]
mod serialize;
mod sink;
mod site;
mod sync;
mod sys;
pub mod testing;
mod value;

pub use buffer::Buffer;
pub use builder::{Builder, GIB, KIB, MIB, builder};
pub use context::{
    Context, FieldSet, FutureExt, InContext, Instrumented, Scope, Span, SpanRecords, Wrap,
};
pub use crash::{Recovered, Report, recover};
pub use error::{DropReason, Error};
pub use flight_recorder::{FlightRecorder, dump_flight_recorder};
pub use format::Format;
pub use format::json::Json;
pub use format::logfmt::Logfmt;
pub use format::text::Text;
pub use format::theme::{AnsiColor, Style, Theme};
pub use format::time::Precision;
pub use health::{Health, HealthReason, health};
pub use lane::memory::Allocator;
pub use logger::{Logger, explain, flush, push_filter, reopen, rotate, set_filter, stats, sync};
pub use pipeline::filters::PushedFilter;
pub use pipeline::state::{Mode, Overflow};
pub use pipeline::stats::{DroppedBy, SinkStats, Stats};
pub use record::{FieldIter, Message, Record, ThreadInfo};
pub use sink::console::{Color, Console};
#[cfg(any(feature = "gzip", feature = "zstd"))]
pub use sink::file::Compression;
pub use sink::file::{Archive, File, Keep, Period, Rotate};
pub use sink::memory::Memory;
pub use sink::output::Output;
pub use sink::sampling::TraceSampling;
pub use sink::{Batch, Sink, WriteError};
pub use site::explain::{Explanation, FilterSource};
pub use site::filter::{Filter, FilterProblem};
pub use site::level::{Level, ParseLevelError};
pub use value::view::{ErrorRef, List, ListIter, Map, MapIter, Timestamp, ValueRef};
pub use value::{Fields, FieldsWriter, ListWriter, MapWriter, Value, ValueWriter};
