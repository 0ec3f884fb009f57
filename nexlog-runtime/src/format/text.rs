//! Text for people: one record, one line.
//!
//! This file is the options; `text/encoder` makes the lines. The form of values is in `plain`,
//! shared with messages.

mod encoder;

#[cfg(test)]
mod tests;

use self::encoder::TextEncoder;
use super::time::Precision;
use super::{Format, SharedEncoder};
use crate::buffer::Buffer;
use crate::record::Record;
use crate::value::Seal;

/// Text, one line a record.
///
/// ```text
/// 2026-11-22T13:50:00.123456Z INFO  shop::pay: paid 3 items order_id=42 who="a b" took=1.5s
/// ```
///
/// A string is bare when it is one simple word (letters, digits and `_./:@+-~%#` in ASCII), else
/// quoted, with `"`, `\` and all that is not to be seen escaped; keys likewise. Errors are quoted
/// with their causes: `err="cannot pay: connection reset"`. Lists are `[a, b]`, maps `{k: v}`,
/// bytes hexadecimal, durations exact seconds with an `s`. Lists and maps show all they hold, down
/// to 100 levels.
///
/// Control characters, line feeds, line separators and bidirectional controls are escaped
/// everywhere, messages included, so that no record can forge a second line or steer a terminal.
/// A message keeps its backslashes: `\n` in one may be a line feed or these two characters.
///
/// On a terminal, level, time and keys are coloured when the sink is.
///
/// ```
/// use nexlog_runtime::{Precision, Text};
///
/// let format = Text::compact().precision(Precision::Millis).target(false);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // each is a part of the line
pub struct Text {
    precision: Precision,
    time: bool,
    target: bool,
    source: bool,
    thread: bool,
    span_path: bool,
}

impl Text {
    /// Time, level, target, message and fields, on one line.
    pub fn compact() -> Text {
        Text {
            precision: Precision::default(),
            time: true,
            target: true,
            source: false,
            thread: false,
            span_path: false,
        }
    }

    /// How finely the time is written; microseconds by default.
    #[must_use]
    pub fn precision(mut self, precision: Precision) -> Text {
        self.precision = precision;
        self
    }

    /// Adds where the call is, behind the target: `src/pay.rs:7`.
    #[must_use]
    pub fn source(mut self) -> Text {
        self.source = true;
        self
    }

    /// Adds which thread called, behind the level: its name and number, `[main#1]`.
    #[must_use]
    pub fn thread(mut self) -> Text {
        self.thread = true;
        self
    }

    /// Writes `span` as the names of all spans around the record, from the outermost:
    /// `span=serve:pay`, instead of the innermost one alone.
    #[must_use]
    pub fn span_path(mut self) -> Text {
        self.span_path = true;
        self
    }

    /// Whether the target is written; it is by default.
    #[must_use]
    pub fn target(mut self, written: bool) -> Text {
        self.target = written;
        self
    }

    /// Whether the time is written; it is by default. Without it a service manager that adds
    /// its own does not show two.
    #[must_use]
    pub fn time(mut self, written: bool) -> Text {
        self.time = written;
        self
    }
}

impl Default for Text {
    fn default() -> Self {
        Text::compact()
    }
}

impl Format for Text {
    /// Never coloured. Prepares everything anew for each record: right, but several times
    /// slower than what a sink with this format does.
    fn encode(&self, record: &Record<'_>, out: &mut Buffer) {
        match TextEncoder::new(self, false) {
            Some(mut encoder) => encoder.encode_once(record, out),
            None => out.fall_short(),
        }
    }

    fn encoder(&self, coloured: bool, _: Seal) -> Option<SharedEncoder> {
        let encoder = Box::new(TextEncoder::new(self, coloured)?);
        Some(SharedEncoder { key: format!("{self:?} coloured: {coloured}"), encoder })
    }
}
