//! Feature `serde`: records and values as `Serialize`, so that a sink can write them in any of
//! serde's formats.
//!
//! The forms are those of JSON lines: what is a number there is one here, everything else is text,
//! a list or a map; a map has each key once.

use core::fmt;
use std::collections::HashSet;

use serde_core::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};

use crate::format::{MAX_DEPTH, TOO_DEEP, plain};
use crate::record::{Message, Record};
use crate::site::level::Level;
use crate::value::view::{ErrorRef, List, Map, Timestamp, ValueRef};

/// As a message shows it.
struct Plain<'a>(ValueRef<'a>);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ValueRef::Bytes([]) => Ok(()),
            value => plain::display(value, f),
        }
    }
}

/// A value, and how many lists and maps are around it.
struct Nested<'a>(ValueRef<'a>, usize);

impl Serialize for Nested<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let Nested(value, depth) = *self;
        match value {
            ValueRef::Null => out.serialize_unit(),
            ValueRef::Bool(v) => out.serialize_bool(v),
            ValueRef::I64(v) => out.serialize_i64(v),
            ValueRef::U64(v) => out.serialize_u64(v),
            ValueRef::I128(v) => out.serialize_i128(v),
            ValueRef::U128(v) => out.serialize_u128(v),
            ValueRef::F32(v) => out.serialize_f32(v),
            ValueRef::F64(v) => out.serialize_f64(v),
            ValueRef::Duration(v) => out.serialize_f64(v.as_secs_f64()),
            ValueRef::Char(v) => out.serialize_char(v),
            ValueRef::Str(v) => out.serialize_str(v),
            ValueRef::Bytes(v) if !out.is_human_readable() => out.serialize_bytes(v),
            ValueRef::Secret => out.serialize_str("***"),
            ValueRef::Error(error) => error.serialize(out),
            ValueRef::List(_) | ValueRef::Map(_) if depth == MAX_DEPTH => {
                out.serialize_str(TOO_DEEP)
            }
            ValueRef::List(list) => {
                let mut items = out.serialize_seq(Some(list.iter().count()))?;
                for item in list {
                    items.serialize_element(&Nested(item, depth + 1))?;
                }
                items.end()
            }
            ValueRef::Map(map) => {
                let mut seen = HashSet::new();
                let mut entries = out.serialize_map(None)?;
                for (key, value) in map {
                    if seen.insert(key) {
                        entries.serialize_entry(key, &Nested(value, depth + 1))?;
                    }
                }
                entries.end()
            }
            value => out.collect_str(&Plain(value)),
        }
    }
}

/// Numbers and nested values as such; a length of time in seconds, and everything else as JSON
/// lines show it. A secret is `***`.
impl Serialize for ValueRef<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        Nested(*self, 0).serialize(out)
    }
}

impl Serialize for List<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        ValueRef::List(*self).serialize(out)
    }
}

impl Serialize for Map<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        ValueRef::Map(*self).serialize(out)
    }
}

/// `{"msg":…,"chain":[…]}`
impl Serialize for ErrorRef<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        struct Chain<'a>(ErrorRef<'a>);
        impl Serialize for Chain<'_> {
            fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                out.collect_seq(self.0.chain())
            }
        }
        let mut entries = out.serialize_map(Some(2))?;
        entries.serialize_entry("msg", self.message())?;
        entries.serialize_entry("chain", &Chain(*self))?;
        entries.end()
    }
}

/// RFC 3339, in UTC.
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        ValueRef::Time(*self).serialize(out)
    }
}

/// `INFO`
impl Serialize for Level {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(self.as_str())
    }
}

impl Serialize for Message<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self.as_str() {
            Some(text) => out.serialize_str(text),
            None => out.collect_str(self),
        }
    }
}

/// `{"ts":…,"level":…,"target":…,"msg":…,"fields":{…},"span":…}`, without what it has not: the
/// fields have a map of their own, so that none has to be renamed.
///
/// ```
/// # use nexlog_runtime::{Batch, Sink, WriteError};
/// struct Documents(Vec<Vec<u8>>);
///
/// impl Sink for Documents {
///     fn write(&mut self, batch: &Batch<'_>) -> Result<(), WriteError> {
///         for record in batch.records() {
///             self.0.push(serde_json::to_vec(&record).map_err(std::io::Error::other)?);
///         }
///         Ok(())
///     }
/// }
/// ```
impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        struct AllFields<'a, 'b>(&'a Record<'b>);
        impl Serialize for AllFields<'_, '_> {
            fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                out.collect_map(self.0.fields())
            }
        }
        let mut entries = out.serialize_map(None)?;
        entries.serialize_entry("ts", &self.timestamp())?;
        entries.serialize_entry("level", &self.level())?;
        entries.serialize_entry("target", self.target())?;
        if let Some(message) = self.message() {
            entries.serialize_entry("msg", &message)?;
        }
        if self.fields().next().is_some() {
            entries.serialize_entry("fields", &AllFields(self))?;
        }
        if let Some(span) = self.span() {
            entries.serialize_entry("span", span)?;
        }
        entries.end()
    }
}
