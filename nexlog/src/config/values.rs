//! How single values are written: sizes, times, permissions, and words.

use core::fmt;
use core::time::Duration;

use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::{Filter, Level};

/// Bytes: `4096`, `"64 KiB"`, `"10 MB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size(pub(super) u64);

const UNITS: [(&str, u64); 8] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
    ("", 1),
];

fn bytes(text: &str) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim_start();
    let (_, factor) = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Size, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Size;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes, as a number or as in \"64 KiB\", \"10 MiB\", \"1 GB\"")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Size, E> {
                let wrong = |_| E::invalid_value(Unexpected::Signed(number), &self);
                u64::try_from(number).map(Size).map_err(wrong)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Size, E> {
                let wrong = || E::invalid_value(Unexpected::Str(text), &self);
                bytes(text.trim()).map(Size).ok_or_else(wrong)
            }
        }
        from.deserialize_any(Reader)
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let binary = UNITS.iter().take(3);
        let fits = |(_, factor): &&(&str, u64)| self.0 > 0 && self.0.is_multiple_of(*factor);
        match binary.clone().find(fits) {
            Some((unit, factor)) => to.collect_str(&format_args!("{} {unit}", self.0 / factor)),
            None => to.collect_str(&format_args!("{} B", self.0)),
        }
    }
}

/// A length of time: `"100ms"`, `"5 min"`, `"30 days"`, `"1h 30m"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time(pub(super) Duration);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Time, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Time;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time with its unit, as in \"100ms\", \"5 min\", \"30 days\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Time, E> {
                let wrong = |_| E::invalid_value(Unexpected::Str(text), &self);
                humantime::parse_duration(text).map(Time).map_err(wrong)
            }
        }
        from.deserialize_any(Reader)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&humantime::format_duration(self.0))
    }
}

/// A file's permissions: `"0640"`, or TOML's own `0o640`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Permissions(pub(super) u32);

impl<'de> Deserialize<'de> for Permissions {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Permissions, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Permissions;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("permissions in octal, as in \"0640\" or 0o640")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Permissions, E> {
                let mode = u32::try_from(number).ok().filter(|mode| *mode <= 0o777);
                let wrong = || E::invalid_value(Unexpected::Signed(number), &self);
                mode.map(Permissions).ok_or_else(wrong)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Permissions, E> {
                let mode = u32::from_str_radix(text.trim_start_matches("0o"), 8).ok();
                let wrong = || E::invalid_value(Unexpected::Str(text), &self);
                mode.filter(|mode| *mode <= 0o777).map(Permissions).ok_or_else(wrong)
            }
        }
        from.deserialize_any(Reader)
    }
}

impl Serialize for Permissions {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{:04o}", self.0))
    }
}

/// One of the six levels, in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LevelName(pub(super) Level);

impl<'de> Deserialize<'de> for LevelName {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<LevelName, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map(LevelName).map_err(D::Error::custom)
    }
}

impl Serialize for LevelName {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0.to_string().to_ascii_lowercase())
    }
}

/// The text of a filter in which every directive means something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Directives(pub(super) String);

impl<'de> Deserialize<'de> for Directives {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Directives, D::Error> {
        let text = String::deserialize(from)?;
        let (_, problems) = Filter::parse(&text);
        if problems.is_empty() {
            return Ok(Directives(text));
        }
        let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
        Err(D::Error::custom(problems.join("; ")))
    }
}

impl Serialize for Directives {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}
