//! Receivers of the facades, which keep what they are given.

use std::fmt;
use std::sync::{Mutex, MutexGuard};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

/// What a receiver was given, one line each.
pub static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

pub fn seen() -> MutexGuard<'static, Vec<String>> {
    SEEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

pub fn taken() -> Vec<String> {
    std::mem::take(&mut seen())
}

/// The crate `log`'s logger: keeps what it is given.
pub struct Keeps;

/// Tells the type of each value.
pub struct Types<'a>(&'a mut String);

impl<'kvs> log::kv::VisitSource<'kvs> for Types<'_> {
    fn visit_pair(
        &mut self,
        key: log::kv::Key<'kvs>,
        value: log::kv::Value<'kvs>,
    ) -> Result<(), log::kv::Error> {
        use std::fmt::Write;
        let kind = if let Some(error) = value.to_borrowed_error() {
            match error.source() {
                Some(source) => format!("error from {source}"),
                None => "error".to_owned(),
            }
        } else if value.to_bool().is_some() {
            "bool".to_owned()
        } else if value.to_borrowed_str().is_some() {
            "str".to_owned()
        } else if value.to_char().is_some() {
            "char".to_owned()
        } else if value.to_u64().is_some() {
            "u64".to_owned()
        } else if value.to_i64().is_some() {
            "i64".to_owned()
        } else if value.to_u128().is_some() {
            "u128".to_owned()
        } else if value.to_f64().is_some() {
            "f64".to_owned()
        } else {
            "?".to_owned()
        };
        write!(self.0, " {key}={value}:{kind}").unwrap();
        Ok(())
    }
}

impl log::Log for Keeps {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let mut text = format!("{} {} {}", record.level(), record.target(), record.args());
        record.key_values().visit(&mut Types(&mut text)).unwrap();
        seen().push(text);
    }

    fn flush(&self) {}
}

/// Keeps a record's place alone.
pub struct Places;

impl log::Log for Places {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let place = (record.module_path(), record.file(), record.line());
        seen().push(format!("{place:?}"));
    }

    fn flush(&self) {}
}

pub fn keep(level: log::LevelFilter) {
    log::set_logger(&Keeps).unwrap();
    log::set_max_level(level);
}

/// A layer that keeps what it is given, with the span it was given in.
pub struct Layered;

pub struct Fields<'a>(pub &'a mut String);

impl Fields<'_> {
    fn add(&mut self, field: &tracing::field::Field, value: &dyn fmt::Display, kind: &str) {
        use std::fmt::Write;
        write!(self.0, " {}={value}:{kind}", field.name()).unwrap();
    }
}

impl tracing::field::Visit for Fields<'_> {
    fn record_f64(&mut self, field: &tracing::field::Field, value: f64) {
        self.add(field, &value, "f64");
    }
    fn record_i64(&mut self, field: &tracing::field::Field, value: i64) {
        self.add(field, &value, "i64");
    }
    fn record_u64(&mut self, field: &tracing::field::Field, value: u64) {
        self.add(field, &value, "u64");
    }
    fn record_u128(&mut self, field: &tracing::field::Field, value: u128) {
        self.add(field, &value, "u128");
    }
    fn record_bool(&mut self, field: &tracing::field::Field, value: bool) {
        self.add(field, &value, "bool");
    }
    fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
        self.add(field, &value, "str");
    }
    fn record_bytes(&mut self, field: &tracing::field::Field, value: &[u8]) {
        self.add(field, &format_args!("{value:?}"), "bytes");
    }
    fn record_error(
        &mut self,
        field: &tracing::field::Field,
        value: &(dyn std::error::Error + 'static),
    ) {
        let source = value.source().map(ToString::to_string).unwrap_or_default();
        self.add(field, &value, &format!("error from {source}"));
    }
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn fmt::Debug) {
        self.add(field, &format_args!("{value:?}"), "debug");
    }
}

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Layered {
    fn on_event(&self, event: &tracing::Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let mut text = format!("{} {}", metadata.level(), metadata.target());
        event.record(&mut Fields(&mut text));
        if let Some(span) = context.lookup_current() {
            text = format!("{text} in {}", span.name());
        }
        seen().push(text);
    }
}
