//! Records of nexlog, to the subscriber that `tracing` has.
//!
//! `tracing` knows events by static metadata. Statements are static, and so mostly are the keys
//! that their records have: each [`Shape`] (place, level, target, keys in order) gets metadata of
//! its own at its first record, leaked, with the statement's true target, module, file and line.
//! Beyond [`MAX_SHAPES`] records take one shape for each level, in which their target and
//! fields are values.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::sync::{OnceLock, PoisonError, RwLock};

use tracing_core::callsite::{self, Callsite, Identifier};
use tracing_core::field::{self, FieldSet, Value};
use tracing_core::metadata::{Kind, LevelFilter};
use tracing_core::subscriber::Interest;
use tracing_core::{Event, Metadata, dispatcher};

use super::held::{self, Held, Text};
use crate::record::Record;
use crate::site::level::Level;

/// Metadata that is leaked at most.
const MAX_SHAPES: usize = 4096;
/// Fields of an event, the message included; a record's others are one text.
const MAX_FIELDS: usize = 32;
/// The key of that text.
const REST: &str = "fields";

/// What events of one kind share.
struct Shape {
    metadata: OnceLock<Metadata<'static>>,
    /// As `tracing` states it: 0 never, 1 ask, 2 always.
    interest: AtomicU8,
    keys: Vec<&'static str>,
}

impl Callsite for Shape {
    fn set_interest(&self, interest: Interest) {
        let number = if interest.is_never() { 0 } else { 1 + u8::from(interest.is_always()) };
        self.interest.store(number, Relaxed);
    }

    fn metadata(&self) -> &Metadata<'_> {
        self.metadata.get().unwrap_or_else(|| unreachable!("`Shape::new` sets it at once"))
    }
}

/// The parts of a record that its metadata states.
#[derive(Clone, Copy)]
struct Parts<'a> {
    level: tracing_core::Level,
    target: &'a str,
    module: &'a str,
    file: &'a str,
    line: u32,
}

impl Shape {
    fn new(parts: &Parts<'_>, keys: Vec<&'static str>) -> &'static Shape {
        let metadata = OnceLock::new();
        let shape = Shape { metadata, interest: AtomicU8::new(1), keys };
        let shape: &'static Shape = Box::leak(Box::new(shape));
        let fields = FieldSet::new(&shape.keys, Identifier(shape));
        let text = |text: &str| -> &'static str { text.to_owned().leak() };
        let name = format!("event {}:{}", parts.file, parts.line).leak();
        let metadata = Metadata::new(
            name,
            text(parts.target),
            parts.level,
            Some(text(parts.file)),
            Some(parts.line),
            Some(text(parts.module)),
            fields,
            Kind::EVENT,
        );
        let _ = shape.metadata.set(metadata); // just made
        shape
    }

    fn is_of(&self, parts: &Parts<'_>, keys: &[&str]) -> bool {
        self.metadata.get().is_some_and(|metadata| {
            metadata.target() == parts.target
                && *metadata.level() == parts.level
                && metadata.line() == Some(parts.line)
                && metadata.file() == Some(parts.file)
                && metadata.module_path() == Some(parts.module)
                && self.keys == keys
        })
    }

    fn metadata(&'static self) -> Option<&'static Metadata<'static>> {
        self.metadata.get()
    }
}

/// All shapes, by a hash of what they are.
struct Shapes {
    by_hash: HashMap<u64, Vec<&'static Shape>>,
    count: usize,
}

static SHAPES: OnceLock<RwLock<Shapes>> = OnceLock::new();

/// The shape for these parts and keys; `None` when there are too many.
fn shape(parts: &Parts<'_>, keys: &[&str]) -> Option<&'static Shape> {
    static STATE: OnceLock<RandomState> = OnceLock::new();
    let shapes = SHAPES.get_or_init(|| RwLock::new(Shapes { by_hash: HashMap::new(), count: 0 }));
    let what = (parts.target, parts.file, parts.line, parts.level.as_str(), keys);
    let hash = STATE.get_or_init(RandomState::new).hash_one(what);
    let find = |shapes: &Shapes| {
        shapes.by_hash.get(&hash)?.iter().copied().find(|shape| shape.is_of(parts, keys))
    };
    if let Some(shape) = find(&shapes.read().unwrap_or_else(PoisonError::into_inner)) {
        return Some(shape);
    }
    if shapes.read().unwrap_or_else(PoisonError::into_inner).count >= MAX_SHAPES {
        return None;
    }
    // Without the lock: the allocator may log. Of two threads here one leaks its shape.
    let keys: Vec<&'static str> =
        keys.iter().map(|key| -> &str { (*key).to_owned().leak() }).collect();
    let made = Shape::new(parts, keys);
    let mut all = shapes.write().unwrap_or_else(PoisonError::into_inner);
    if let Some(other) = all
        .by_hash
        .get(&hash)
        .and_then(|list| list.iter().copied().find(|shape| shape.is_of(parts, &made.keys)))
    {
        return Some(other);
    }
    all.by_hash.entry(hash).or_default().push(made);
    all.count += 1;
    drop(all);
    callsite::register(made); // asks the subscribers
    Some(made)
}

fn level_of(level: Level) -> tracing_core::Level {
    match level {
        Level::Trace => tracing_core::Level::TRACE,
        Level::Debug => tracing_core::Level::DEBUG,
        Level::Info => tracing_core::Level::INFO,
        Level::Warn => tracing_core::Level::WARN,
        Level::Error | Level::Critical => tracing_core::Level::ERROR,
    }
}

/// Gives a record to it, as `tracing`'s macros would: as an event of the current span.
pub(super) fn give(record: &Record<'_>) {
    let level = level_of(record.level());
    if level > LevelFilter::current() {
        return;
    }
    let fields = held::fields(record);
    let parts = Parts {
        level,
        target: record.target(),
        module: record.module(),
        file: record.file(),
        line: record.line(),
    };
    let has_message = record.message().is_some();
    let room = MAX_FIELDS - usize::from(has_message);
    let shown = if fields.len() > room { room - 1 } else { fields.len() };
    let (shown, rest) = fields.split_at(shown);
    let mut keys: Vec<&str> = Vec::with_capacity(MAX_FIELDS);
    keys.extend(has_message.then_some("message"));
    keys.extend(shown.iter().map(|(key, _)| *key));
    keys.extend((!rest.is_empty()).then_some(REST));
    let message = format_args!("{}", Text(record));
    match shape(&parts, &keys) {
        Some(shape) => {
            let rest = (!rest.is_empty()).then(|| listed(rest));
            let values = (has_message.then_some(&message as &dyn Value).into_iter())
                .chain(shown.iter().map(|(_, value)| value_of(value)))
                .chain(rest.as_ref().map(|rest| rest as &dyn Value));
            dispatch(shape, values);
        }
        None => give_general(&parts, &message, &listed(&fields)),
    }
}

/// For records of too many shapes.
fn give_general(parts: &Parts<'_>, message: &dyn Value, fields: &str) {
    static GENERAL: [OnceLock<&'static Shape>; 5] = [const { OnceLock::new() }; 5];
    let number = [
        tracing_core::Level::TRACE,
        tracing_core::Level::DEBUG,
        tracing_core::Level::INFO,
        tracing_core::Level::WARN,
        tracing_core::Level::ERROR,
    ]
    .iter()
    .position(|level| *level == parts.level);
    let Some(slot) = number.and_then(|number| GENERAL.get(number)) else { return };
    let shape = slot.get_or_init(|| {
        let parts = Parts { level: parts.level, target: "nexlog", module: "", file: "", line: 0 };
        let shape = Shape::new(&parts, vec!["message", "target", REST]);
        callsite::register(shape);
        shape
    });
    let values: [&dyn Value; 3] = [message, &parts.target, &fields];
    dispatch(shape, values.into_iter());
}

fn dispatch<'a>(shape: &'static Shape, values: impl Iterator<Item = &'a dyn Value>) {
    let Some(metadata) = shape.metadata() else { return };
    let interest = shape.interest.load(Relaxed);
    let names: Vec<field::Field> = metadata.fields().iter().collect();
    let Some(first) = names.first().filter(|_| interest > 0) else { return };
    let mut pairs: [(&field::Field, Option<&dyn Value>); MAX_FIELDS] = [(first, None); MAX_FIELDS];
    for (pair, (name, value)) in pairs.iter_mut().zip(names.iter().zip(values)) {
        *pair = (name, Some(value));
    }
    dispatcher::get_default(|dispatch| {
        if interest == 2 || dispatch.enabled(metadata) {
            dispatch.event(&Event::new(metadata, &metadata.fields().value_set(&pairs)));
        }
    });
}

fn value_of<'a>(value: &'a Held<'_>) -> &'a dyn Value {
    match value {
        Held::Bool(v) => v,
        Held::I64(v) => v,
        Held::U64(v) => v,
        Held::I128(v) => v,
        Held::U128(v) => v,
        Held::F64(v) => v,
        Held::Str(v) => v,
        Held::Bytes(v, _) => v,
        Held::Char(_, v) | Held::Text(v) => v,
        Held::Error(v) => v,
    }
}

/// Fields as one text.
fn listed(fields: &[(&str, Held<'_>)]) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    for (number, (key, value)) in fields.iter().enumerate() {
        let space = if number == 0 { "" } else { " " };
        let _ = write!(text, "{space}{key}={value}"); // into a `String`
    }
    text
}
