//! The runtime of nexlog. Use it through the crate `nexlog`.

mod buffer;
mod builder;
mod clock;
mod error;
mod format;
mod lane;
mod logger;
mod pipeline;
pub mod private;
mod record;
mod registry;
mod report;
mod sink;
mod site;
mod sync;
mod sys;
mod value;

pub use buffer::Buffer;
pub use builder::{Builder, GIB, KIB, MIB, builder};
pub use error::{DropReason, Error};
pub use format::Format;
pub use format::json::Json;
pub use format::text::Text;
pub use format::time::Precision;
pub use lane::memory::Allocator;
pub use logger::{Logger, flush, stats, sync};
pub use pipeline::core::{Mode, Overflow};
pub use pipeline::stats::{DroppedBy, SinkStats, Stats};
pub use record::{FieldIter, Message, Record, ThreadInfo};
pub use sink::{Batch, Sink, WriteError};
pub use site::filter::{Filter, FilterProblem};
pub use site::level::{Level, ParseLevelError};
pub use value::view::{ErrorRef, List, ListIter, Map, MapIter, Timestamp, ValueRef};
pub use value::{Fields, FieldsWriter, ListWriter, MapWriter, Value, ValueWriter};
