//! Formats by name: a word (`format = "json"`), or a table of that name with the format's options
//! (`[file.format.json]`).

use core::fmt;

use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use super::model::Precision;

const NAMES: &[&str] = &["json", "text"];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FormatChoice {
    Json(Json),
    Text(Text),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(clippy::struct_excessive_bools)] // each is an option of its own
pub(super) struct Json {
    ts_key: String,
    level_key: String,
    target_key: String,
    msg_key: String,
    precision: Precision,
    source: bool,
    thread: bool,
    nested_under: Option<String>,
    span_path: bool,
    pretty: bool,
}

impl Default for Json {
    fn default() -> Json {
        Json {
            ts_key: String::from("ts"),
            level_key: String::from("level"),
            target_key: String::from("target"),
            msg_key: String::from("msg"),
            precision: Precision::default(),
            source: false,
            thread: false,
            nested_under: None,
            span_path: false,
            pretty: false,
        }
    }
}

impl Json {
    pub(super) fn build(&self) -> crate::Json {
        let when = |is_on: bool, json: crate::Json, option: fn(crate::Json) -> crate::Json| {
            if is_on { option(json) } else { json }
        };
        let json = crate::Json::new()
            .ts_key(&self.ts_key)
            .level_key(&self.level_key)
            .target_key(&self.target_key)
            .msg_key(&self.msg_key)
            .precision(self.precision.into());
        let json = when(self.source, json, crate::Json::source);
        let json = when(self.thread, json, crate::Json::thread);
        let json = when(self.span_path, json, crate::Json::span_path);
        let json = when(self.pretty, json, crate::Json::pretty);
        match &self.nested_under {
            Some(key) => json.nested_under(key),
            None => json,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(clippy::struct_excessive_bools)] // each is a part of the line
pub(super) struct Text {
    precision: Precision,
    time: bool,
    target: bool,
    source: bool,
    thread: bool,
    span_path: bool,
}

impl Default for Text {
    fn default() -> Text {
        let precision = Precision::default();
        Text { precision, time: true, target: true, source: false, thread: false, span_path: false }
    }
}

impl Text {
    pub(super) fn build(&self) -> crate::Text {
        let when = |is_on: bool, text: crate::Text, option: fn(crate::Text) -> crate::Text| {
            if is_on { option(text) } else { text }
        };
        let text = crate::Text::compact()
            .precision(self.precision.into())
            .time(self.time)
            .target(self.target);
        let text = when(self.source, text, crate::Text::source);
        let text = when(self.thread, text, crate::Text::thread);
        when(self.span_path, text, crate::Text::span_path)
    }
}

impl FormatChoice {
    pub(super) fn json() -> FormatChoice {
        FormatChoice::Json(Json::default())
    }

    pub(super) fn text() -> FormatChoice {
        FormatChoice::Text(Text::default())
    }

    /// The format of this name as it is without options.
    fn named<E: Error>(name: &str) -> Result<FormatChoice, E> {
        match name {
            "json" => Ok(FormatChoice::json()),
            "text" => Ok(FormatChoice::text()),
            _ => Err(E::unknown_variant(name, NAMES)),
        }
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
                FormatChoice::named(name)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FormatChoice, A::Error> {
                let none =
                    || A::Error::custom(format_args!("no format; expected one of {NAMES:?}"));
                let name = map.next_key::<String>()?.ok_or_else(none)?;
                let choice = match name.as_str() {
                    "json" => FormatChoice::Json(map.next_value()?),
                    "text" => FormatChoice::Text(map.next_value()?),
                    _ => return Err(A::Error::unknown_variant(&name, NAMES)),
                };
                match map.next_key::<String>()? {
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

impl Serialize for FormatChoice {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(1))?;
        match self {
            FormatChoice::Json(json) => map.serialize_entry("json", json)?,
            FormatChoice::Text(text) => map.serialize_entry("text", text)?,
        }
        map.end()
    }
}
