//! The runtime of nexlog. Use it through the crate `nexlog`.

pub mod buffer;
mod error;
pub mod format;
mod lane;
pub mod record;
mod registry;
mod report;
pub mod sink;
pub mod site;
mod sys;
pub mod value;

pub use buffer::Buffer;
pub use error::{DropReason, Error};
pub use format::Format;
pub use format::json::Json;
pub use format::text::Text;
pub use format::time::Precision;
pub use record::{FieldIter, Message, Record, ThreadInfo};
pub use sink::console::{Color, Console};
pub use sink::file::File;
pub use sink::memory::Memory;
pub use sink::output::Output;
pub use sink::{Batch, Sink, WriteError};
pub use site::filter::{Filter, FilterProblem};
pub use site::level::{Level, ParseLevelError};
pub use value::view::{ErrorRef, List, Map, Timestamp, ValueRef};
pub use value::{Fields, FieldsWriter, ListWriter, MapWriter, Value, ValueWriter};
