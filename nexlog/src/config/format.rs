//! Formats by name: a word (`format = "json"`), or a table of that name with the format's options
//! (`[file.format.json]`).

use core::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use super::model::Precision;

const NAMES: &[&str] = &[
    "json", "ecs", "gcp", "otel", "bunyan", "pino", "logfmt", "text", "full", "pretty", "pattern",
];

/// A format with its name and options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FormatChoice {
    Json(&'static str, Json),
    Logfmt(Keys),
    Text(&'static str, Text),
    Pattern(Pattern),
}

/// The options of formats in which everything has a key. What is left out is as the format has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(clippy::struct_excessive_bools)] // each is an option of its own
pub(super) struct Keys {
    ts_key: Option<String>,
    level_key: Option<String>,
    target_key: Option<String>,
    msg_key: Option<String>,
    precision: Option<Precision>,
    local: bool,
    source: bool,
    thread: bool,
    span_path: bool,
}

/// The same, and what only JSON can do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(clippy::struct_excessive_bools)] // each is an option of its own
pub(super) struct Json {
    ts_key: Option<String>,
    level_key: Option<String>,
    target_key: Option<String>,
    msg_key: Option<String>,
    precision: Option<Precision>,
    local: bool,
    source: bool,
    thread: bool,
    span_path: bool,
    nested_under: Option<String>,
    service: Option<String>,
    gcp_project: Option<String>,
    pretty: bool,
}

/// The options of text with a fixed layout.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(clippy::struct_excessive_bools)] // each is a part of the line
pub(super) struct Text {
    precision: Option<Precision>,
    local: bool,
    time: Option<bool>,
    target: Option<bool>,
    source: bool,
    thread: bool,
    span_path: bool,
    field_separator: Option<String>,
    key_separator: Option<String>,
}

/// A pattern: its text alone, or with options.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Pattern {
    text: String,
    local: bool,
    field_separator: Option<String>,
    key_separator: Option<String>,
}

/// `options!(format, self: text option, …; flag, …)`: the stated ones, by the builder's names.
macro_rules! options {
    ($format:expr, $model:expr; $($stated:ident),*; $($flag:ident),*) => {{
        let mut format = $format;
        $(if let Some(value) = &$model.$stated {
            format = format.$stated(value.clone());
        })*
        $(if $model.$flag {
            format = format.$flag();
        })*
        format
    }};
}

impl Json {
    pub(super) fn build(&self, preset: &str) -> crate::Json {
        let json = match preset {
            "ecs" => crate::Json::ecs(),
            "gcp" => crate::Json::gcp(),
            "otel" => crate::Json::otel(),
            "bunyan" => crate::Json::bunyan(),
            "pino" => crate::Json::pino(),
            _ => crate::Json::new(),
        };
        let json = match self.precision {
            Some(precision) => json.precision(precision.into()),
            None => json,
        };
        options!(
            json, self;
            ts_key, level_key, target_key, msg_key, nested_under, service, gcp_project;
            local, source, thread, span_path, pretty
        )
    }
}

impl Keys {
    pub(super) fn build(&self) -> crate::Logfmt {
        let logfmt = crate::Logfmt::new().precision(self.precision.unwrap_or_default().into());
        options!(
            logfmt, self;
            ts_key, level_key, target_key, msg_key;
            local, source, thread, span_path
        )
    }
}

impl Text {
    pub(super) fn build(&self, layout: &str) -> crate::Text {
        let text = match layout {
            "full" => crate::Text::full(),
            "pretty" => crate::Text::pretty(),
            _ => crate::Text::compact(),
        };
        let text = text.precision(self.precision.unwrap_or_default().into());
        options!(
            text, self;
            time, target, field_separator, key_separator;
            local, source, thread, span_path
        )
    }
}

impl Pattern {
    pub(super) fn build(&self) -> crate::Text {
        let text = crate::Text::pattern(self.text.as_str());
        options!(text, self; field_separator, key_separator; local)
    }
}

impl From<String> for Pattern {
    fn from(text: String) -> Pattern {
        Pattern { text, local: false, field_separator: None, key_separator: None }
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Pattern, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct WithOptions {
            text: String,
            #[serde(default)]
            local: bool,
            field_separator: Option<String>,
            key_separator: Option<String>,
        }
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Pattern;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a pattern as in \"{ts} {level} {msg}\", or a table with it as `text`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Pattern, E> {
                Ok(Pattern::from(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Pattern, A::Error> {
                let WithOptions { text, local, field_separator, key_separator } =
                    WithOptions::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Pattern { text, local, field_separator, key_separator })
            }
        }
        from.deserialize_any(Reader)
    }
}

impl FormatChoice {
    pub(super) fn json() -> FormatChoice {
        FormatChoice::Json("json", Json::default())
    }

    pub(super) fn text() -> FormatChoice {
        FormatChoice::Text("text", Text::default())
    }
}

impl<'de> Deserialize<'de> for FormatChoice {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<FormatChoice, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = FormatChoice;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a format, or a table of that name with its options")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<FormatChoice, E> {
                match name {
                    "pattern" => {
                        Err(E::custom("a pattern has a text: write `{ pattern = \"…\" }`"))
                    }
                    _ => named(
                        name,
                        || Ok(Json::default()),
                        || Ok(Keys::default()),
                        || Ok(Text::default()),
                        || Err(E::missing_field("pattern")),
                    ),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FormatChoice, A::Error> {
                let none =
                    || A::Error::custom(format_args!("no format; expected one of {NAMES:?}"));
                let name = map.next_key::<String>()?.ok_or_else(none)?;
                let map = core::cell::RefCell::new(map);
                let choice = named(
                    &name,
                    || map.borrow_mut().next_value(),
                    || map.borrow_mut().next_value(),
                    || map.borrow_mut().next_value(),
                    || map.borrow_mut().next_value(),
                )?;
                let more = map.borrow_mut().next_key::<String>()?;
                match more {
                    None => Ok(choice),
                    Some(more) => {
                        let problem = format_args!("`{more}` besides `{name}`; state one format");
                        Err(A::Error::custom(problem))
                    }
                }
            }
        }
        from.deserialize_any(Reader)
    }
}

/// The format of this name, with options of its kind.
fn named<E: Error>(
    name: &str,
    json: impl FnOnce() -> Result<Json, E>,
    keys: impl FnOnce() -> Result<Keys, E>,
    text: impl FnOnce() -> Result<Text, E>,
    pattern: impl FnOnce() -> Result<Pattern, E>,
) -> Result<FormatChoice, E> {
    let name = NAMES
        .iter()
        .find(|known| **known == name)
        .ok_or_else(|| E::unknown_variant(name, NAMES))?;
    Ok(match *name {
        "logfmt" => FormatChoice::Logfmt(keys()?),
        "pattern" => FormatChoice::Pattern(pattern()?),
        "text" | "full" | "pretty" => FormatChoice::Text(name, text()?),
        _ => FormatChoice::Json(name, json()?),
    })
}

impl Serialize for FormatChoice {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(1))?;
        match self {
            FormatChoice::Json(name, json) => map.serialize_entry(name, json)?,
            FormatChoice::Logfmt(keys) => map.serialize_entry("logfmt", keys)?,
            FormatChoice::Text(name, text) => map.serialize_entry(name, text)?,
            FormatChoice::Pattern(pattern) => map.serialize_entry("pattern", pattern)?,
        }
        map.end()
    }
}
