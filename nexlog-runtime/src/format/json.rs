//! JSON lines: one object a line, flat, always valid.
//!
//! This file is the options; `json/preset` knows the layouts of others. `keyed` makes the lines,
//! `json/value` writes typed values and `json/pretty` breaks a finished line into many.

mod preset;
mod pretty;
mod value;

#[cfg(test)]
mod differential;
#[cfg(test)]
mod preset_tests;
#[cfg(test)]
mod tests;

use self::preset::Preset;
use self::value::{ErrorForm, JsonSyntax};
use super::keyed::{KeyedEncoder, Outline};
use super::origin::Origin;
use super::time::Precision;
use super::{Format, SharedEncoder};
use crate::buffer::Buffer;
use crate::lane::memory::try_text;
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
    local: bool,
    source: bool,
    thread: bool,
    nested_under: Option<String>,
    span_path: bool,
    pretty: bool,
    preset: Preset,
    service: Option<String>,
    project: Option<String>,
}

impl Json {
    /// The default layout.
    pub fn new() -> Json {
        Json::of(Preset::None)
    }

    fn of(preset: Preset) -> Json {
        let [ts_key, level_key, target_key, msg_key] = preset.keys().map(String::from);
        Json {
            ts_key,
            level_key,
            target_key,
            msg_key,
            precision: preset.precision(),
            local: false,
            preset,
            service: None,
            project: None,
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

    /// Writes times in the system's time zone, with their offset: `2026-11-22T14:50:00.123456+01:00`,
    /// instead of in UTC. The zone is that of when the logger is built. Times that are numbers
    /// ([`otel`](Json::otel), [`pino`](Json::pino)) and times that are fields stay as they are.
    #[must_use]
    pub fn local(mut self) -> Json {
        self.local = true;
        self
    }

    /// Writes the name of the service on each line: as `service.name` in [`ecs`](Json::ecs) and
    /// [`otel`](Json::otel), `serviceContext` in [`gcp`](Json::gcp), `name` in
    /// [`bunyan`](Json::bunyan) and [`pino`](Json::pino), and `service` elsewhere.
    #[must_use]
    pub fn service(mut self, name: impl Into<String>) -> Json {
        self.service = Some(name.into());
        self
    }

    /// Adds where the call is: `"file":"src/pay.rs","line":7`. The key `function` is kept free
    /// beside them: no stable Rust gives a call the name of its function without costing every
    /// call site a function more, so it is not written.
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

impl Json {
    /// What the options come to; `None` when there is no memory.
    fn outline(&self) -> Option<Outline> {
        let mut outline = Outline {
            ts_key: try_text(&self.ts_key)?,
            level_key: try_text(&self.level_key)?,
            target_key: try_text(&self.target_key)?,
            msg_key: try_text(&self.msg_key)?,
            precision: self.precision,
            local: self.local,
            source: self.source,
            thread: self.thread,
            span_path: self.span_path,
            ..Outline::new()
        };
        if let Some(key) = &self.nested_under {
            outline.nested_under = Some(try_text(key)?);
        }
        if let Some(project) = &self.project {
            outline.project = Some(try_text(project)?);
        }
        self.preset.shape(self.service.as_deref(), &mut outline)?;
        Some(outline)
    }

    fn keyed(&self) -> Option<KeyedEncoder<JsonSyntax>> {
        let errors = if self.preset.has_stacks() { ErrorForm::Stack } else { ErrorForm::Chain };
        KeyedEncoder::new(JsonSyntax { errors, pretty: self.pretty }, self.outline()?)
    }
}

impl Format for Json {
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
        let process = self.preset.tells_process();
        let origin = Origin { zone: self.local, process, ..Origin::default() };
        Some(SharedEncoder { key: format!("{self:?}{}", origin.text()), encoder })
    }

    fn problem(&self, _: Seal) -> Option<(&'static str, String)> {
        let is_misplaced = self.project.is_some() && self.preset != Preset::Gcp;
        let problem = "only `Json::gcp()` writes traces of a project; leave it out, or use that";
        is_misplaced.then(|| ("gcp_project", String::from(problem)))
    }
}
