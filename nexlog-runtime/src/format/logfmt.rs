//! logfmt: `key=value`, one line a record, as Loki, Grafana, Heroku's tools and lnav read it.
//!
//! This file is the options. `keyed` makes the lines, `logfmt/value` writes keys and values.

mod value;

#[cfg(test)]
mod tests;

use self::value::LogfmtSyntax;
use super::keyed::{KeyedEncoder, Outline};
use super::origin::Origin;
use super::time::Precision;
use super::{Format, SharedEncoder};
use crate::buffer::Buffer;
use crate::lane::memory::try_text;
use crate::record::Record;
use crate::site::level::Level;
use crate::value::Seal;

/// logfmt, one line a record.
///
/// ```text
/// ts=2026-11-22T13:50:00.123456Z level=info target=shop::pay msg="paid 3 items" order_id=42
/// ```
///
/// The order is that of [`Json`](crate::Json), and so are the rules of keys: one that the format
/// writes itself (`ts`, `level`, `target`, `msg`, `span`, and what the options add) gets a `_` at its
/// end. Levels are in small letters.
///
/// A value is bare when it is one simple word (letters, digits and `_./:@+-~%#` in ASCII), else
/// between double quotes with the escapes of a JSON string, as Go's `logfmt` package and all
/// who follow it read them; the message always is. Numbers and `true` and `false` are bare, durations exact seconds
/// with an `s`, times RFC 3339, bytes hexadecimal. An error is quoted with its causes:
/// `err="cannot pay: connection reset"`. Lists and maps have the form of [`Text`](crate::Text),
/// quoted: `tags="[a, b]"`. An empty text is `""`.
///
/// Readers take a key as what comes before `=`, without any escapes. What cannot be in one
/// (spaces, `=`, `"`, `\`, `%`, control characters) is written as in an address, `user%20name`, so that no two keys
/// become one; an empty key is a lone `%`.
///
/// ```
/// use nexlog_runtime::{Logfmt, Precision};
///
/// let format = Logfmt::new().ts_key("time").precision(Precision::Millis).source();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // each is an option of its own
pub struct Logfmt {
    ts_key: String,
    level_key: String,
    target_key: String,
    msg_key: String,
    precision: Precision,
    local: bool,
    source: bool,
    thread: bool,
    span_path: bool,
}

impl Logfmt {
    /// The default layout.
    pub fn new() -> Logfmt {
        Logfmt {
            ts_key: String::from("ts"),
            level_key: String::from("level"),
            target_key: String::from("target"),
            msg_key: String::from("msg"),
            precision: Precision::default(),
            local: false,
            source: false,
            thread: false,
            span_path: false,
        }
    }

    /// The key of the time, instead of `ts`.
    #[must_use]
    pub fn ts_key(mut self, key: impl Into<String>) -> Logfmt {
        self.ts_key = key.into();
        self
    }

    /// The key of the level, instead of `level`.
    #[must_use]
    pub fn level_key(mut self, key: impl Into<String>) -> Logfmt {
        self.level_key = key.into();
        self
    }

    /// The key of the target, instead of `target`.
    #[must_use]
    pub fn target_key(mut self, key: impl Into<String>) -> Logfmt {
        self.target_key = key.into();
        self
    }

    /// The key of the message, instead of `msg`.
    #[must_use]
    pub fn msg_key(mut self, key: impl Into<String>) -> Logfmt {
        self.msg_key = key.into();
        self
    }

    /// How finely the time is written; microseconds by default.
    #[must_use]
    pub fn precision(mut self, precision: Precision) -> Logfmt {
        self.precision = precision;
        self
    }

    /// Writes the time of records in the system's time zone, with its offset, instead of in UTC. The
    /// zone is that of when the logger is built.
    #[must_use]
    pub fn local(mut self) -> Logfmt {
        self.local = true;
        self
    }

    /// Adds where the call is: `file=src/pay.rs line=7`.
    #[must_use]
    pub fn source(mut self) -> Logfmt {
        self.source = true;
        self
    }

    /// Adds which thread called: `thread=main thread_id=1`. A thread without a name has its id
    /// only.
    #[must_use]
    pub fn thread(mut self) -> Logfmt {
        self.thread = true;
        self
    }

    /// Writes `span` as the names of all spans around the record, from the outermost:
    /// `span="serve:pay"`, instead of the innermost one alone.
    #[must_use]
    pub fn span_path(mut self) -> Logfmt {
        self.span_path = true;
        self
    }

    /// `None` when there is no memory.
    fn keyed(&self) -> Option<KeyedEncoder<LogfmtSyntax>> {
        let outline = Outline {
            ts_key: try_text(&self.ts_key)?,
            level_key: try_text(&self.level_key)?,
            target_key: try_text(&self.target_key)?,
            msg_key: try_text(&self.msg_key)?,
            precision: self.precision,
            local: self.local,
            levels: small,
            source: self.source,
            thread: self.thread,
            span_path: self.span_path,
            ..Outline::new()
        };
        KeyedEncoder::new(LogfmtSyntax, outline)
    }
}

/// The levels in small letters.
fn small(level: Level) -> &'static str {
    match level {
        Level::Trace => "trace",
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
        Level::Critical => "critical",
    }
}

impl Default for Logfmt {
    fn default() -> Self {
        Logfmt::new()
    }
}

impl Format for Logfmt {
    /// Prepares everything anew for each record: right, but several times slower than what a
    /// sink with this format does.
    fn encode(&self, record: &Record<'_>, out: &mut Buffer) {
        match self.keyed() {
            Some(mut encoder) => encoder.encode_once(record, out),
            None => out.fall_short(),
        }
    }

    fn encoder(&self, _coloured: bool, _: Seal) -> Option<SharedEncoder> {
        let encoder = Box::new(self.keyed()?);
        let origin = Origin { zone: self.local, ..Origin::default() };
        Some(SharedEncoder { key: format!("{self:?}{}", origin.text()), encoder })
    }
}
