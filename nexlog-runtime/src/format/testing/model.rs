//! Values that know every form they are to have, by the plainest means.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use crate::format::time::rfc3339;
use crate::value::view::Timestamp;
use crate::{Value, ValueWriter};

/// Whether a character may not appear in output as it is.
pub(crate) fn is_special(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}')
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text between the quotes of a JSON string, character by character.
pub(crate) fn json_escaped(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '"' => String::from("\\\""),
            '\\' => String::from("\\\\"),
            '\n' => String::from("\\n"),
            '\r' => String::from("\\r"),
            '\t' => String::from("\\t"),
            '\u{8}' => String::from("\\b"),
            '\u{c}' => String::from("\\f"),
            c if is_special(c) => format!("\\u{:04x}", c as u32),
            c => c.to_string(),
        })
        .collect()
}

/// Text with what is special in it escaped, and `"` and `\` when it is between quotes.
pub(crate) fn text_escaped(text: &str, quoted: bool) -> String {
    text.chars()
        .map(|c| match c {
            '"' | '\\' if quoted => format!("\\{c}"),
            '\n' => String::from("\\n"),
            '\r' => String::from("\\r"),
            '\t' => String::from("\\t"),
            c if is_special(c) => format!("\\u{{{:x}}}", c as u32),
            c => c.to_string(),
        })
        .collect()
}

/// A value and all there is to know about it.
#[derive(Clone, Debug)]
pub(crate) enum Model {
    Null,
    Bool(bool),
    I64(i64),
    U64(u64),
    I128(i128),
    U128(u128),
    F32(f32),
    F64(f64),
    Char(char),
    Str(String),
    Os(Vec<u8>),
    Bytes(Vec<u8>),
    Duration(Duration),
    Time(Timestamp),
    Socket(SocketAddr),
    Secret,
    Error(String, Vec<String>),
    List(Vec<Model>),
    Map(Vec<(String, Model)>),
}

impl Value for Model {
    fn record(&self, out: ValueWriter<'_>) {
        match self {
            Model::Null => {}
            Model::Bool(v) => out.value(v),
            Model::I64(v) => out.value(v),
            Model::U64(v) => out.value(v),
            Model::I128(v) => out.value(v),
            Model::U128(v) => out.value(v),
            Model::F32(v) => out.value(v),
            Model::F64(v) => out.value(v),
            Model::Char(v) => out.value(v),
            Model::Str(v) => out.value(v),
            Model::Os(v) => out.value(OsStr::from_bytes(v)),
            Model::Bytes(v) => out.bytes(v),
            Model::Duration(v) => out.value(v),
            Model::Time(v) => out.value(v),
            // Every other address without its port.
            Model::Socket(v) if v.port() % 2 == 0 => out.value(&v.ip()),
            Model::Socket(v) => out.value(v),
            Model::Secret => out.secret(),
            Model::Error(text, chain) => {
                let mut texts: Vec<&str> = chain.iter().rev().map(String::as_str).collect();
                texts.push(text);
                let error = texts.into_iter().fold(None, |source, text| {
                    Some(Box::new(Failure { text: text.to_owned(), source }))
                });
                out.error(error.as_deref().unwrap());
            }
            Model::List(items) => out.list(|list| items.iter().for_each(|item| list.item(item))),
            Model::Map(entries) => {
                out.map(|map| entries.iter().for_each(|(key, value)| map.entry(key, value)));
            }
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{text}")]
struct Failure {
    text: String,
    source: Option<Box<Failure>>,
}

impl Model {
    /// What the JSON line has for it.
    pub(crate) fn json(&self) -> String {
        let quoted = |text: &str| format!("\"{}\"", json_escaped(text));
        match self {
            Model::Bool(v) => v.to_string(),
            Model::I64(v) => v.to_string(),
            Model::U64(v) => v.to_string(),
            Model::I128(v) => v.to_string(),
            Model::U128(v) => v.to_string(),
            Model::F32(v) if v.is_finite() => String::from(ryu::Buffer::new().format(*v)),
            Model::F64(v) if v.is_finite() => String::from(ryu::Buffer::new().format(*v)),
            Model::Null | Model::F32(_) | Model::F64(_) => String::from("null"),
            Model::Duration(v) => seconds(*v),
            Model::Char(v) => quoted(&v.to_string()),
            Model::Str(v) => quoted(v),
            Model::Os(v) => quoted(&String::from_utf8_lossy(v)),
            Model::Error(text, chain) => {
                let chain: Vec<String> = chain.iter().map(|text| quoted(text)).collect();
                format!("{{\"msg\":{},\"chain\":[{}]}}", quoted(text), chain.join(","))
            }
            Model::List(items) => {
                let items: Vec<String> = items.iter().map(Model::json).collect();
                format!("[{}]", items.join(","))
            }
            Model::Map(entries) => {
                let first = |(number, entry): &(usize, &(String, Model))| {
                    entries[..*number].iter().all(|other| other.0 != entry.0)
                };
                let entries = entries.iter().enumerate().filter(first);
                let entries: Vec<String> = entries
                    .map(|(_, (key, value))| format!("{}:{}", quoted(key), value.json()))
                    .collect();
                format!("{{{}}}", entries.join(","))
            }
            Model::Bytes(v) if v.is_empty() => String::from("\"\""),
            _ => quoted(&self.text()),
        }
    }

    /// What a text line has for it.
    pub(crate) fn text(&self) -> String {
        match self {
            Model::Null => String::from("null"),
            Model::F32(v) => String::from(ryu::Buffer::new().format(*v)),
            Model::F64(v) => String::from(ryu::Buffer::new().format(*v)),
            Model::Char(v) => word(&v.to_string()),
            Model::Str(v) => word(v),
            Model::Os(v) => word(&String::from_utf8_lossy(v)),
            Model::Bytes(v) if v.is_empty() => String::from("\"\""),
            Model::Bytes(v) => {
                let pairs: Vec<String> = v.iter().map(|byte| format!("{byte:02x}")).collect();
                pairs.concat()
            }
            Model::Duration(v) => seconds(*v) + "s",
            Model::Time(v) => String::from(rfc3339(*v).as_str()),
            Model::Socket(v) if v.port() % 2 == 0 => v.ip().to_string(),
            Model::Socket(v) => v.to_string(),
            Model::Secret => String::from("***"),
            Model::Error(text, chain) => {
                let mut texts = vec![text.as_str()];
                texts.extend(chain.iter().map(String::as_str));
                format!("\"{}\"", text_escaped(&texts.join(": "), true))
            }
            Model::List(items) => {
                let items: Vec<String> = items.iter().map(Model::text).collect();
                format!("[{}]", items.join(", "))
            }
            Model::Map(entries) => {
                let entry = |(key, value): &(String, Model)| word(key) + ": " + &value.text();
                let entries: Vec<String> = entries.iter().map(entry).collect();
                format!("{{{}}}", entries.join(", "))
            }
            _ => self.json(),
        }
    }

    /// What `{}` shows.
    pub(crate) fn display(&self) -> String {
        match self {
            Model::F32(v) => v.to_string(),
            Model::F64(v) => v.to_string(),
            Model::Char(v) => v.to_string(),
            Model::Str(v) => v.clone(),
            Model::Os(v) => String::from_utf8_lossy(v).into_owned(),
            Model::Error(text, _) => text.clone(),
            _ => self.text(),
        }
    }

    /// What a JSON parser makes of it.
    pub(crate) fn tree(&self) -> serde_json::Value {
        use serde_json::Value as Tree;
        let number = |text: &str| text.parse::<serde_json::Number>().unwrap().into();
        match self {
            Model::Null => Tree::Null,
            Model::Bool(v) => Tree::Bool(*v),
            Model::I64(_) | Model::U64(_) | Model::I128(_) | Model::U128(_) => {
                number(&self.display())
            }
            Model::F32(_) | Model::F64(_) | Model::Duration(_) => match self.json().as_str() {
                "null" => Tree::Null,
                text => number(text),
            },
            Model::List(items) => items.iter().map(Model::tree).collect(),
            Model::Map(entries) => {
                // Of the same key the first: an object made of the reverse keeps the last put in.
                entries.iter().rev().map(|(key, value)| (key.clone(), value.tree())).collect()
            }
            Model::Error(text, chain) => serde_json::json!({ "msg": text, "chain": chain }),
            Model::Char(_) | Model::Str(_) | Model::Os(_) => Tree::String(self.display()),
            Model::Bytes(v) if v.is_empty() => Tree::String(String::new()),
            _ => Tree::String(self.text()),
        }
    }
}

/// An exact number of seconds, by cutting zeros off.
fn seconds(time: Duration) -> String {
    let text = format!("{}.{:09}", time.as_secs(), time.subsec_nanos());
    let cut = text.trim_end_matches('0');
    if cut.ends_with('.') { format!("{cut}0") } else { cut.to_owned() }
}

/// Bare when simple, else quoted.
pub(crate) fn word(text: &str) -> String {
    let simple = |c: char| c.is_ascii_alphanumeric() || "_./:@+-~%#".contains(c);
    if !text.is_empty() && text.chars().all(simple) {
        return text.to_owned();
    }
    format!("\"{}\"", text_escaped(text, true))
}
