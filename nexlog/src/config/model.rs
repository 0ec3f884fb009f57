//! What a file may say. Names are the builder's; what is left out is as the builder has it.

use core::fmt;
use core::marker::PhantomData;
use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::format::FormatChoice;
use super::values::{Directives, LevelName, Permissions, Size, Time};

/// A whole logger.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(clippy::struct_excessive_bools)] // each is an option of its own
pub(super) struct Model {
    pub(super) filter: Directives,
    pub(super) filter_env: Option<String>,
    pub(super) filter_file: Option<PathBuf>,
    /// Whether this file is read again when it changes, for its filter.
    pub(super) watch: bool,
    pub(super) mode: Mode,
    pub(super) overflow: Overflow,
    pub(super) lane_bytes: Size,
    pub(super) max_record_bytes: Size,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_value_bytes: Option<Size>,
    pub(super) redact: Vec<String>,
    pub(super) flush_level: Option<LevelName>,
    pub(super) flush_interval: Time,
    pub(super) crash_safe: bool,
    pub(super) crash_dir: Option<PathBuf>,
    pub(super) hostname: bool,
    pub(super) pid: bool,
    pub(super) spans: Spans,
    /// Scalars and lists, on every record.
    pub(super) field: BTreeMap<String, toml::Value>,
    #[serde(deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub(super) console: Vec<Console>,
    #[serde(deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub(super) file: Vec<File>,
}

impl Default for Model {
    fn default() -> Model {
        Model {
            filter: Directives(String::from("info")),
            filter_env: None,
            filter_file: None,
            watch: false,
            mode: Mode::default(),
            overflow: Overflow::default(),
            lane_bytes: Size(crate::Builder::LANE_BYTES),
            max_record_bytes: Size(crate::Builder::MAX_RECORD_BYTES),
            max_value_bytes: None,
            redact: Vec::new(),
            flush_level: None,
            flush_interval: Time(crate::Builder::FLUSH_INTERVAL),
            crash_safe: true,
            crash_dir: None,
            hostname: false,
            pid: false,
            spans: Spans::default(),
            field: BTreeMap::new(),
            console: Vec::new(),
            file: Vec::new(),
        }
    }
}

impl Model {
    /// The filter, unless the environment has one that takes its place.
    pub(super) fn filter_now(self) -> Option<String> {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|text| !text.is_empty());
        let has_other = self.filter_env.is_some_and(|name| is_set(&name) || is_set("RUST_LOG"));
        (!has_other).then_some(self.filter.0)
    }
}

/// Words, and what the builder calls them.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident as $of:ty { $($(#[$gate:meta])* $word:ident),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub(super) enum $name { $($(#[$gate])* $word),* }

        impl From<$name> for $of {
            fn from(word: $name) -> $of {
                match word { $($name::$word => <$of>::$word),* }
            }
        }
    )*};
}

words! {
    Mode as crate::Mode { #[default] Immediate, Buffered, Background }
    Overflow as crate::Overflow { #[default] Block, DropNewest, DropOldest }
    Spans as crate::SpanRecords { #[default] None, OnClose, OnEnterAndClose }
    Color as crate::Color { #[default] Auto, Always, Never }
    Period as crate::Period { Minute, Hour, #[default] Day, Week }
    Precision as crate::Precision { Seconds, Millis, #[default] Micros, Nanos }
}

/// Standard error or output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stream {
    #[default]
    Stderr,
    Stdout,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Console {
    pub(super) stream: Stream,
    pub(super) level: Option<LevelName>,
    pub(super) filter: Option<Directives>,
    pub(super) color: Color,
    pub(super) format: FormatChoice,
}

impl Default for Console {
    fn default() -> Console {
        Console {
            stream: Stream::default(),
            level: None,
            filter: None,
            color: Color::default(),
            format: FormatChoice::text(),
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) path: PathBuf,
    #[serde(default)]
    pub(super) level: Option<LevelName>,
    #[serde(default)]
    pub(super) filter: Option<Directives>,
    #[serde(default = "private")]
    pub(super) mode: Permissions,
    #[serde(default)]
    pub(super) archive: Option<String>,
    #[serde(default)]
    pub(super) compress: Option<Compress>,
    #[serde(default)]
    pub(super) preallocate: Option<Size>,
    #[serde(default)]
    pub(super) mapped: bool,
    #[serde(default)]
    pub(super) reopen_on_hangup: bool,
    #[serde(default)]
    pub(super) rotate: Option<Rotate>,
    #[serde(default)]
    pub(super) keep: Option<Keep>,
    #[serde(default = "json")]
    pub(super) format: FormatChoice,
}

fn private() -> Permissions {
    Permissions(0o600)
}

fn json() -> FormatChoice {
    FormatChoice::json()
}

/// When a file is rotated.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Rotate {
    pub(super) size: Option<Size>,
    pub(super) every: Option<Period>,
    pub(super) at_start: bool,
    pub(super) local: bool,
}

/// Which archives are kept.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Keep {
    pub(super) files: Option<u64>,
    pub(super) total: Option<Size>,
    pub(super) max_age: Option<Time>,
}

/// How archives are compressed. A word whose feature is off is unknown, and the error lists the
/// ones that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Compress {
    None,
    #[cfg(feature = "gzip")]
    Gzip,
    #[cfg(feature = "zstd")]
    Zstd,
}

/// `[name]` is one, `[[name]]` are several.
fn one_or_many<'de, D, T>(from: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Reader<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a table, or several as in [[file]]")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<T>, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map)).map(|one| vec![one])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Vec<T>, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(seq))
        }
    }
    from.deserialize_any(Reader(PhantomData))
}
