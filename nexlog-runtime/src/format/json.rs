//! JSON lines: one object a line, flat, always valid.
//!
//! This file is the options. `json/names` settles which keys are written, `json/encoder` makes
//! lines of fragments that are ready for each call site, `json/value` writes typed values and
//! `json/pretty` breaks a finished line into many.

mod encoder;
mod names;
mod pretty;
mod value;

#[cfg(test)]
mod differential;
#[cfg(test)]
mod tests;

use self::encoder::JsonEncoder;
use super::time::Precision;
use super::{Format, SharedEncoder};
use crate::buffer::Buffer;
use crate::record::Record;
use crate::value::Seal;

/// JSON, one object a line.
///
/// ```json
/// {"ts":"2026-11-22T13:50:00.123456Z","level":"INFO","target":"shop::pay","msg":"paid 3 items","order_id":42}
/// ```
///
/// The format's own keys come first, in the order above, then the record's fields, `span` (the
/// innermost span around the record), the fields of scopes and spans from the outermost inwards,
/// and those of the logger. `msg` and `span` are left out when there is none. What values become:
///
/// | value | JSON |
/// | --- | --- |
/// | integers | numbers with all their digits, 128 bits included |
/// | floats | the shortest number that reads back the same (`42.0`, `1e20`); NaN and infinities are `null` |
/// | durations | an exact number of seconds: `1.5` |
/// | times | RFC 3339 in UTC with all digits, in groups of three: `"2026-11-22T13:50:00.120Z"` |
/// | errors | `{"msg":"cannot pay","chain":["connection reset"]}` |
/// | bytes | lower-case hexadecimal: `"c0ffee"` |
/// | paths | a string; U+FFFD stands for what is not UTF-8 |
/// | characters, addresses | strings |
/// | lists and maps | arrays and objects; of entries with the same key the first is written |
/// | secrets | `"***"` |
///
/// A field whose key the format writes itself (`ts`, `level`, `target`, `msg`, `span`, and what
/// the options add) gets a `_` at its end, or as many as make its key unique in the record.
/// Should a run-time key be equal to what a literal field was renamed to, the run-time one
/// gives way in the same manner. Lists and maps more than 100 deep are replaced by a string,
/// so that every parser can read the line.
///
/// Control characters, line separators and bidirectional controls are escaped everywhere, so
/// that a line can be shown on a terminal as it is.
///
/// ```
/// use nexlog_runtime::{Json, Precision};
///
/// let format = Json::new().ts_key("time").precision(Precision::Millis).source();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // each is an option of its own
pub struct Json {
    ts_key: String,
    level_key: String,
    target_key: String,
    msg_key: String,
    precision: Precision,
    source: bool,
    thread: bool,
    nested_under: Option<String>,
    span_path: bool,
    pretty: bool,
}

impl Json {
    /// The default layout.
    pub fn new() -> Json {
        Json {
            ts_key: String::from("ts"),
            level_key: String::from("level"),
            target_key: String::from("target"),
            msg_key: String::from("msg"),
            precision: Precision::default(),
            source: false,
            thread: false,
            nested_under: None,
            span_path: false,
            pretty: false,
        }
    }

    /// The key of the time, instead of `ts`.
    #[must_use]
    pub fn ts_key(mut self, key: impl Into<String>) -> Json {
        self.ts_key = key.into();
        self
    }

    /// The key of the level, instead of `level`.
    #[must_use]
    pub fn level_key(mut self, key: impl Into<String>) -> Json {
        self.level_key = key.into();
        self
    }

    /// The key of the target, instead of `target`.
    #[must_use]
    pub fn target_key(mut self, key: impl Into<String>) -> Json {
        self.target_key = key.into();
        self
    }

    /// The key of the message, instead of `msg`.
    #[must_use]
    pub fn msg_key(mut self, key: impl Into<String>) -> Json {
        self.msg_key = key.into();
        self
    }

    /// How finely the time is written; microseconds by default.
    #[must_use]
    pub fn precision(mut self, precision: Precision) -> Json {
        self.precision = precision;
        self
    }

    /// Adds where the call is: `"file":"src/pay.rs","line":7`.
    #[must_use]
    pub fn source(mut self) -> Json {
        self.source = true;
        self
    }

    /// Adds which thread called: `"thread":"main","thread_id":1`. A thread without a name has
    /// its id only.
    #[must_use]
    pub fn thread(mut self) -> Json {
        self.thread = true;
        self
    }

    /// Puts the fields into an object of their own: `"fields":{"order_id":42}`. They keep their
    /// keys, whatever these are. A record without fields has no such object.
    #[must_use]
    pub fn nested_under(mut self, key: impl Into<String>) -> Json {
        self.nested_under = Some(key.into());
        self
    }

    /// Writes `span` as the names of all spans around the record, from the outermost:
    /// `"span":"serve:pay"`, instead of the innermost one alone.
    #[must_use]
    pub fn span_path(mut self) -> Json {
        self.span_path = true;
        self
    }

    /// Spreads each object over several lines, indented by two spaces, for people.
    #[must_use]
    pub fn pretty(mut self) -> Json {
        self.pretty = true;
        self
    }
}

impl Default for Json {
    fn default() -> Self {
        Json::new()
    }
}

impl Format for Json {
    /// Prepares everything anew for each record: right, but several times slower than what a
    /// sink with this format does.
    fn encode(&self, record: &Record<'_>, out: &mut Buffer) {
        match JsonEncoder::new(self) {
            Some(mut encoder) => encoder.encode_once(record, out),
            None => out.fall_short(),
        }
    }

    fn encoder(&self, _coloured: bool, _: Seal) -> Option<SharedEncoder> {
        let encoder = Box::new(JsonEncoder::new(self)?);
        Some(SharedEncoder { key: format!("{self:?}"), encoder })
    }
}
