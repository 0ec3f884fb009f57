//! Records of nexlog, to the logger that the crate `log` has.

use log::kv::{self, Key, Source, VisitSource};

use super::held::{self, Held, Text};
use crate::record::Record;
use crate::site::level::Level;

fn level_of(level: Level) -> log::Level {
    match level {
        Level::Trace => log::Level::Trace,
        Level::Debug => log::Level::Debug,
        Level::Info => log::Level::Info,
        Level::Warn => log::Level::Warn,
        Level::Error | Level::Critical => log::Level::Error,
    }
}

/// Gives a record to it, as `log`'s macros would.
pub(super) fn give(record: &Record<'_>) {
    let level = level_of(record.level());
    if level > log::max_level() {
        return;
    }
    let fields = held::fields(record);
    log::logger().log(
        &log::Record::builder()
            .args(format_args!("{}", Text(record)))
            .level(level)
            .target(record.target())
            .module_path(Some(record.module()))
            .file(Some(record.file()))
            .line(Some(record.line()))
            .key_values(&Pairs(&fields))
            .build(),
    );
}

/// A record's fields as a source.
struct Pairs<'a>(&'a [(&'a str, Held<'a>)]);

impl Source for Pairs<'_> {
    fn visit<'kvs>(&'kvs self, visitor: &mut dyn VisitSource<'kvs>) -> Result<(), kv::Error> {
        let mut pairs = self.0.iter();
        pairs.try_for_each(|(key, value)| visitor.visit_pair(Key::from_str(key), value_of(value)))
    }

    fn count(&self) -> usize {
        self.0.len()
    }
}

fn value_of<'a>(value: &'a Held<'_>) -> kv::Value<'a> {
    match value {
        Held::Bool(v) => kv::Value::from(*v),
        Held::I64(v) => kv::Value::from(*v),
        Held::U64(v) => kv::Value::from(*v),
        Held::I128(v) => kv::Value::from(*v),
        Held::U128(v) => kv::Value::from(*v),
        Held::F64(v) => kv::Value::from(*v),
        Held::Char(v, _) => kv::Value::from(*v),
        Held::Str(v) => kv::Value::from(*v),
        Held::Bytes(_, v) | Held::Text(v) => kv::Value::from(v.as_str()),
        Held::Error(v) => kv::Value::from_dyn_error(&**v),
    }
}
