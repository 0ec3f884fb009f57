//! How a record becomes bytes.
//!
//! A [`Format`] is a description of a layout; an [`Encoder`] is the working part that the
//! drainer keeps for it, with what was prepared for each call site. Encoders have no error
//! path: every record has a valid output, or the buffer says that there was no memory.

mod context;
mod distinct;
mod escape;
#[cfg(test)]
mod goldens;
pub mod json;
mod keyed;
mod line;
pub mod logfmt;
mod message;
mod number;
mod origin;
pub mod plain;
#[cfg(test)]
pub(crate) mod testing;
pub mod text;
pub mod theme;
pub mod time;

use crate::buffer::Buffer;
use crate::record::Record;
use crate::value::Seal;

/// How deep lists and maps may lie in each other. With the record's own object this stays below
/// the 128 at which widespread JSON parsers give up, and bounds the encoders' stack.
pub(crate) const MAX_DEPTH: usize = 100;

/// What stands for a list or map that lies deeper.
pub(crate) const TOO_DEEP: &str = "<nested too deep>";

/// A layout for records: [`Json`](crate::Json), [`Logfmt`](crate::Logfmt), [`Text`](crate::Text), or
/// your own.
///
/// ```
/// use nexlog_runtime::{Buffer, Format, Record};
///
/// struct Csv;
///
/// impl Format for Csv {
///     fn encode(&self, record: &Record<'_>, out: &mut Buffer) {
///         out.push_str(record.level().as_str());
///         out.push(b';');
///         out.push_str(record.target());
///         out.push(b'\n');
///     }
/// }
/// ```
pub trait Format: Send + Sync + 'static {
    /// Appends one record to `out`, with the line's end if it has one. Called by the drainer,
    /// never by the logging call in `Background`. A panic is caught and counted as this
    /// record's loss.
    fn encode(&self, record: &Record<'_>, out: &mut Buffer);

    /// The built-in formats' faster way in. `key` says which outputs may share it.
    #[doc(hidden)]
    fn encoder(&self, _coloured: bool, _: Seal) -> Option<SharedEncoder> {
        None
    }

    /// What is wrong with the options of a built-in format: the method, and what to do.
    #[doc(hidden)]
    fn problem(&self, _: Seal) -> Option<(&'static str, String)> {
        None
    }
}

/// A built-in encoder and what makes it equal to another: the whole configuration as text.
#[doc(hidden)]
pub struct SharedEncoder {
    pub(crate) key: String,
    pub(crate) encoder: Box<dyn Encoder>,
}

/// The working part of a format.
#[doc(hidden)]
pub trait Encoder: Send {
    /// Appends one record to `out`.
    fn encode(&mut self, record: &Record<'_>, out: &mut Buffer);
}
