//! A record's fields as values that live as long as a call: what goes out over a bridge.

use std::error::Error;
use std::fmt;

use crate::format::plain;
use crate::record::Record;
use crate::value::view::{ErrorRef, ValueRef};

/// A value in the types that `log` and `tracing` share; everything else is text, as text output
/// shows it.
pub(super) enum Held<'a> {
    Bool(bool),
    I64(i64),
    U64(u64),
    I128(i128),
    U128(u128),
    F64(f64),
    /// A character, and it as text.
    #[cfg_attr(not(all(feature = "log", feature = "tracing")), allow(dead_code))]
    // one takes one
    Char(char, String),
    Str(&'a str),
    /// Bytes, and they as text.
    #[cfg_attr(not(all(feature = "log", feature = "tracing")), allow(dead_code))] // as above
    Bytes(&'a [u8], String),
    Text(String),
    Error(Box<dyn Error + 'static>),
}

impl fmt::Display for Held<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Held::Bool(v) => v.fmt(f),
            Held::I64(v) => v.fmt(f),
            Held::U64(v) => v.fmt(f),
            Held::I128(v) => v.fmt(f),
            Held::U128(v) => v.fmt(f),
            Held::F64(v) => v.fmt(f),
            Held::Str(v) => v.fmt(f),
            Held::Char(_, v) | Held::Bytes(_, v) | Held::Text(v) => v.fmt(f),
            Held::Error(v) => v.fmt(f),
        }
    }
}

impl<'a> Held<'a> {
    fn new(value: ValueRef<'a>) -> Held<'a> {
        match value {
            ValueRef::Bool(v) => Held::Bool(v),
            ValueRef::I64(v) => Held::I64(v),
            ValueRef::U64(v) => Held::U64(v),
            ValueRef::I128(v) => Held::I128(v),
            ValueRef::U128(v) => Held::U128(v),
            // The double that reads the same.
            ValueRef::F32(v) => Held::F64(v.to_string().parse().unwrap_or_else(|_| v.into())),
            ValueRef::F64(v) => Held::F64(v),
            ValueRef::Char(v) => Held::Char(v, v.to_string()),
            ValueRef::Str(v) => Held::Str(v),
            ValueRef::Bytes(v) => Held::Bytes(v, shown(value)),
            ValueRef::Error(v) => Held::Error(Box::new(Fault::new(v))),
            _ => Held::Text(shown(value)),
        }
    }
}

fn shown(value: ValueRef<'_>) -> String {
    let mut text = String::new();
    let _ = plain::display(value, &mut text);
    text
}

/// A record's fields, those around it included, and the name of its span.
pub(super) fn fields<'a>(record: &Record<'a>) -> Vec<(&'a str, Held<'a>)> {
    let mut fields: Vec<_> = record.fields().map(|(key, value)| (key, Held::new(value))).collect();
    if let Some(span) = record.span()
        && !fields.iter().any(|(key, _)| *key == "span")
    {
        fields.push(("span", Held::Str(span)));
    }
    fields
}

/// An error as a record keeps it: its text, and those of its sources.
#[derive(Debug)]
struct Fault {
    text: String,
    source: Option<Box<Fault>>,
}

impl Fault {
    fn new(error: ErrorRef<'_>) -> Fault {
        let texts: Vec<&str> = error.chain().collect();
        let source = texts
            .into_iter()
            .rev()
            .fold(None, |source, text| Some(Box::new(Fault { text: text.to_owned(), source })));
        Fault { text: error.message().to_owned(), source }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

/// A record's message, empty when it has none.
pub(super) struct Text<'a>(pub(super) &'a Record<'a>);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.message().map_or(Ok(()), |message| message.fmt(f))
    }
}
