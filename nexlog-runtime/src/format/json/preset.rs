//! JSON as others lay it out: which keys, levels and times their readers look for.
//!
//! | preset | specification |
//! | --- | --- |
//! | [`Json::ecs`] | Elastic's ECS logging, <https://www.elastic.co/docs/reference/ecs/logging/intro>, fields of <https://www.elastic.co/docs/reference/ecs/ecs-field-reference> |
//! | [`Json::gcp`] | structured logging of Google Cloud, <https://cloud.google.com/logging/docs/structured-logging>, fields of <https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry> |
//! | [`Json::otel`] | OpenTelemetry's logs data model, <https://opentelemetry.io/docs/specs/otel/logs/data-model/>, attributes of its semantic conventions for code, threads and exceptions |
//! | [`Json::bunyan`] | <https://github.com/trentm/node-bunyan#log-record-fields> |
//! | [`Json::pino`] | <https://getpino.io/#/docs/api>, as pino-pretty reads it |

use super::Json;
use crate::buffer::Buffer;
use crate::format::escape::{JsonString, quote};
use crate::format::keyed::{LineForm, Outline, SourceForm, Special, SpecialForm, TargetForm};
use crate::format::time::{Precision, Unit};
use crate::lane::memory::try_text;
use crate::site::level::Level;

/// Whose layout it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Preset {
    None,
    Ecs,
    Gcp,
    Otel,
    Bunyan,
    Pino,
}

impl Json {
    /// As Elastic's stack reads it ([ECS logging](https://www.elastic.co/docs/reference/ecs/logging/intro)).
    ///
    /// ```json
    /// {"@timestamp":"2026-11-22T13:50:00.123456Z","log.level":"INFO","message":"paid 3 items","ecs.version":"8.11.0","log.logger":"shop::pay","order_id":42}
    /// ```
    ///
    /// `message` is always there. A field `error` becomes `error.message` and, if it is an
    /// [error](crate::ValueRef::Error), `error.stack_trace` with its causes; `trace_id` and
    /// `span_id` become `trace.id` and `span.id`, the span `span.name`. [`source`](Json::source) writes
    /// `log.origin.file.name` and `log.origin.file.line`, [`thread`](Json::thread)
    /// `process.thread.name` and `process.thread.id`. A user's field with one of these keys gets
    /// a `_`, as described at [`Json`]; fields of yours are best named as ECS names them
    /// (`"http.request.method" = …`).
    pub fn ecs() -> Json {
        Json::of(Preset::Ecs)
    }

    /// As Google Cloud's logging agents read it
    /// ([structured logging](https://cloud.google.com/logging/docs/structured-logging)).
    ///
    /// ```json
    /// {"time":"2026-11-22T13:50:00.123456Z","severity":"INFO","target":"shop::pay","message":"paid 3 items","order_id":42}
    /// ```
    ///
    /// Severities are `DEBUG` (of `Trace`, too), `INFO`, `WARNING`, `ERROR` and `CRITICAL`. The fields
    /// `trace_id` and `span_id` become `logging.googleapis.com/trace` and
    /// `logging.googleapis.com/spanId`; see [`gcp_project`](Json::gcp_project).
    /// [`source`](Json::source) writes `logging.googleapis.com/sourceLocation`.
    pub fn gcp() -> Json {
        Json::of(Preset::Gcp)
    }

    /// The field names of OpenTelemetry's
    /// [logs data model](https://opentelemetry.io/docs/specs/otel/logs/data-model/).
    ///
    /// ```json
    /// {"Timestamp":"1795355400123456000","SeverityText":"INFO","SeverityNumber":9,"Body":"paid 3 items","InstrumentationScope":{"Name":"shop::pay"},"Attributes":{"order_id":42}}
    /// ```
    ///
    /// The time is nanoseconds since 1970 as text, as in the model's examples, with zeros where
    /// [`precision`](Json::precision) has no digits. Fields are in `Attributes`, but for `trace_id` and
    /// `span_id`, which become `TraceId` and `SpanId`. A field `error` becomes `exception.message`
    /// and, if it is an error, `exception.stacktrace`. [`source`](Json::source) adds `code.file.path` and
    /// `code.line.number`, [`thread`](Json::thread) `thread.name` and `thread.id`. `CRITICAL` is
    /// `SeverityNumber` 21, which is FATAL. This is JSON for files and people; OTLP's own JSON has
    /// other names and batches.
    pub fn otel() -> Json {
        Json { nested_under: Some(String::from("Attributes")), ..Json::of(Preset::Otel) }
    }

    /// As the [`bunyan`](https://github.com/trentm/node-bunyan) tool reads it.
    ///
    /// ```json
    /// {"time":"2026-11-22T13:50:00.123Z","level":30,"msg":"paid 3 items","target":"shop::pay","v":0,"name":"shop","hostname":"web-1","pid":4711,"order_id":42}
    /// ```
    ///
    /// Levels are 10, 20, 30, 40, 50 and 60. `name` is the [`service`](Json::service), else the
    /// program's file name. `hostname` and `pid` are the logger's own fields if it has them
    /// ([`Builder::pid`](crate::Builder::pid)), which keeps them right for records that are recovered
    /// from a dead process; else this machine's and process's, at the price of a system call a record.
    /// Errors are
    /// `{"message":…,"stack":…}`, [`source`](Json::source) is `"src":{"file":…,"line":…}`.
    pub fn bunyan() -> Json {
        Json::of(Preset::Bunyan)
    }

    /// As [`pino-pretty`](https://github.com/pinojs/pino-pretty) and pino's transports read it.
    ///
    /// ```json
    /// {"time":1795355400123,"level":30,"msg":"paid 3 items","target":"shop::pay","hostname":"web-1","pid":4711,"order_id":42}
    /// ```
    ///
    /// As [`bunyan`](Json::bunyan), but the time is milliseconds since 1970 (with decimals, if
    /// [`precision`](Json::precision) is finer), there is no `v`, a `name` only with
    /// [`service`](Json::service), and the source is `file` and `line`.
    pub fn pino() -> Json {
        Json::of(Preset::Pino)
    }

    /// The project of traces for [`gcp`](Json::gcp): `trace_id` is written as
    /// `projects/shop/traces/…`, which is what links records and traces in other projects, too.
    /// Elsewhere there is no such name, and the logger is not built.
    #[must_use]
    pub fn gcp_project(mut self, id: impl Into<String>) -> Json {
        self.project = Some(id.into());
        self
    }
}

const ECS_SPECIALS: &[Special] = &[
    Special::key("trace_id", "trace.id"),
    Special::key("span_id", "span.id"),
    Special {
        field: "error",
        form: SpecialForm::Error { message: "error.message", stack: "error.stack_trace" },
    },
];
const GCP_SPECIALS: &[Special] = &[
    Special { field: "trace_id", form: SpecialForm::Trace("logging.googleapis.com/trace") },
    Special::key("span_id", "logging.googleapis.com/spanId"),
];
const OTEL_SPECIALS: &[Special] = &[
    Special::outer("trace_id", "TraceId"),
    Special::outer("span_id", "SpanId"),
    Special {
        field: "error",
        form: SpecialForm::Error { message: "exception.message", stack: "exception.stacktrace" },
    },
];

/// The version of ECS whose names these are.
macro_rules! ecs_version {
    () => {
        ",\"ecs.version\":\"8.11.0\""
    };
}

/// The levels between quotes.
fn quoted(level: Level) -> &'static str {
    match level {
        Level::Trace => "\"TRACE\"",
        Level::Debug => "\"DEBUG\"",
        Level::Info => "\"INFO\"",
        Level::Warn => "\"WARN\"",
        Level::Error => "\"ERROR\"",
        Level::Critical => "\"CRITICAL\"",
    }
}

fn google(level: Level) -> &'static str {
    match level {
        Level::Trace | Level::Debug => "\"DEBUG\"",
        Level::Info => "\"INFO\"",
        Level::Warn => "\"WARNING\"",
        Level::Error => "\"ERROR\"",
        Level::Critical => "\"CRITICAL\"",
    }
}

fn severity_number(level: Level) -> &'static str {
    match level {
        Level::Trace => ",\"SeverityNumber\":1",
        Level::Debug => ",\"SeverityNumber\":5",
        Level::Info => ",\"SeverityNumber\":9",
        Level::Warn => ",\"SeverityNumber\":13",
        Level::Error => ",\"SeverityNumber\":17",
        Level::Critical => ",\"SeverityNumber\":21",
    }
}

/// Bunyan's and pino's levels.
fn tens(level: Level) -> &'static str {
    match level {
        Level::Trace => "10",
        Level::Debug => "20",
        Level::Info => "30",
        Level::Warn => "40",
        Level::Error => "50",
        Level::Critical => "60",
    }
}

/// A JSON string between two other texts. `None` when there is no memory.
fn around(before: &str, text: &str, after: &str) -> Option<String> {
    let mut out = Buffer::new();
    out.push_str(before);
    quote::<JsonString>(text, &mut out);
    out.push_str(after);
    try_text(core::str::from_utf8(out.as_bytes()).ok().filter(|_| !out.is_short())?)
}

/// The file name of this program.
fn program() -> String {
    let path = std::env::current_exe().ok();
    let name = path.as_deref().and_then(|path| path.file_name());
    name.map_or_else(|| String::from("app"), |name| name.to_string_lossy().into_owned())
}

impl Preset {
    /// The keys of time, level, target and message.
    pub(super) fn keys(self) -> [&'static str; 4] {
        match self {
            Preset::None => ["ts", "level", "target", "msg"],
            Preset::Ecs => ["@timestamp", "log.level", "log.logger", "message"],
            Preset::Gcp => ["time", "severity", "target", "message"],
            Preset::Otel => ["Timestamp", "SeverityText", "InstrumentationScope", "Body"],
            Preset::Bunyan | Preset::Pino => ["time", "level", "target", "msg"],
        }
    }

    pub(super) fn precision(self) -> Precision {
        match self {
            Preset::None | Preset::Ecs | Preset::Gcp => Precision::default(),
            Preset::Otel => Precision::Nanos,
            Preset::Bunyan | Preset::Pino => Precision::Millis,
        }
    }

    /// Whether errors have their causes in one text.
    pub(super) fn has_stacks(self) -> bool {
        matches!(self, Preset::Bunyan | Preset::Pino)
    }

    /// Whether machine and process are told.
    pub(super) fn tells_process(self) -> bool {
        matches!(self, Preset::Bunyan | Preset::Pino)
    }

    /// Makes the outline this preset's. `None` when there is no memory.
    pub(super) fn shape(self, service: Option<&str>, outline: &mut Outline) -> Option<()> {
        outline.levels = quoted;
        outline.process = self.tells_process();
        let fixed = |before: &str, after: &str| match service {
            Some(name) => around(before, name, after),
            None => Some(String::new()),
        };
        match self {
            Preset::None => {
                if service.is_some() {
                    outline.more_keys = &["service"];
                    outline.fixed = fixed(",\"service\":", "")?;
                }
            }
            Preset::Ecs => {
                outline.target = TargetForm::Late;
                outline.needs_message = true;
                outline.specials = ECS_SPECIALS;
                outline.more_keys = &["ecs.version", "service.name"];
                outline.fixed = match service {
                    Some(name) => around(concat!(ecs_version!(), ",\"service.name\":"), name, ""),
                    None => try_text(ecs_version!()),
                }?;
                outline.file_key = "log.origin.file.name";
                outline.line_key = "log.origin.file.line";
                outline.function_key = "log.origin.function";
                outline.thread_key = "process.thread.name";
                outline.thread_id_key = "process.thread.id";
                outline.span_key = "span.name";
            }
            Preset::Gcp => {
                outline.levels = google;
                outline.specials = GCP_SPECIALS;
                outline.more_keys = &["serviceContext", SOURCE_LOCATION];
                outline.fixed = fixed(",\"serviceContext\":{\"service\":", "}")?;
                outline.source_form = SourceForm::Object(SOURCE_LOCATION, LineForm::Text);
            }
            Preset::Otel => {
                outline.unit = Some(Unit::NanosText);
                outline.severity = Some(severity_number);
                outline.target = TargetForm::Scope;
                outline.specials = OTEL_SPECIALS;
                outline.is_inner = true;
                outline.more_keys = &["SeverityNumber", "Resource", "TraceId", "SpanId"];
                outline.fixed = fixed(",\"Resource\":{\"service.name\":", "}")?;
                outline.file_key = "code.file.path";
                outline.line_key = "code.line.number";
                outline.function_key = "code.function.name";
                outline.thread_key = "thread.name";
                outline.thread_id_key = "thread.id";
            }
            Preset::Bunyan => {
                outline.levels = tens;
                outline.target = TargetForm::Late;
                outline.needs_message = true;
                outline.more_keys = &["v", "name", "hostname", "pid", "src"];
                let program = if service.is_none() { program() } else { String::new() };
                outline.fixed = around(",\"v\":0,\"name\":", service.unwrap_or(&program), "")?;
                outline.source_form = SourceForm::Object("src", LineForm::Number);
            }
            Preset::Pino => {
                outline.unit = Some(Unit::Millis);
                outline.levels = tens;
                outline.target = TargetForm::Late;
                outline.more_keys = &["name", "hostname", "pid"];
                outline.fixed = fixed(",\"name\":", "")?;
            }
        }
        Some(())
    }
}

/// Google's key for the place of a call.
const SOURCE_LOCATION: &str = "logging.googleapis.com/sourceLocation";
