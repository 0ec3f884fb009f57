//! The names of archives: which name is next, and which names are ours.
//!
//! Pure: names go in and come out. Only what [`Names::read`] understands is ever renamed or
//! deleted, and it understands only what [`Names::write`] writes.

use core::cmp::Reverse;
use std::ffi::{OsStr, OsString};

use jiff::tz::TimeZone;

use super::date::{Pattern, number};

/// Numbered archives are renamed at each rotation, so there are at most this many.
pub(super) const MOST_NUMBERED: u64 = 1_000;

/// How archives of a [`File`](crate::File) are called.
///
/// ```
/// use nexlog_runtime::{Archive, File, Period, Rotate};
///
/// let file = File::at("logs/app.log")
///     .rotate(Rotate::every(Period::Day))
///     .archive(Archive::dated("app-%Y-%m-%d.log"));
/// ```
///
/// An archive is never overwritten.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Archive {
    kind: Choice,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Choice {
    #[default]
    Numbered,
    Sequence,
    Dated(String),
}

impl Archive {
    /// `app.log.1` is the newest, `app.log.2` the one before: each rotation renames them all.
    /// At most 1,000. This is the default.
    pub fn numbered() -> Archive {
        Archive::default()
    }

    /// `app.log.000001` is the oldest, `app.log.000002` the one behind it. They keep their names.
    pub fn sequence() -> Archive {
        Archive { kind: Choice::Sequence }
    }

    /// A name with the date at which the archive begins, or with that of its period, as by
    /// `strftime`: `%Y %m %d %H %M %S`, `%j` (day of the year), `%G` and `%V` (year and week of
    /// ISO 8601), `%F` (`%Y-%m-%d`), `%%`. Further archives of one date get `.1`, `.2` behind it.
    /// In UTC unless [`Rotate::local`](crate::Rotate::local) is said.
    pub fn dated(pattern: impl Into<String>) -> Archive {
        Archive { kind: Choice::Dated(pattern.into()) }
    }

    pub(super) fn is_numbered(&self) -> bool {
        self.kind == Choice::Numbered
    }
}

/// What is behind the name of a compressed archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Plain,
    Gzip,
    Zstd,
}

impl Ending {
    pub(super) fn text(self) -> &'static str {
        match self {
            Ending::Plain => "",
            Ending::Gzip => ".gz",
            Ending::Zstd => ".zst",
        }
    }
}

/// Which archive a name is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Its number, or its date.
    pub(super) number: u64,
    /// Which one of its date.
    pub(super) again: u64,
}

impl Place {
    pub(super) fn numbered(number: u64) -> Place {
        Place { number, again: 0 }
    }
}

/// The names that go with one live file.
#[derive(Clone, Debug)]
pub(super) struct Names {
    live: OsString,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Numbered,
    Sequence,
    Dated(Pattern),
}

impl Names {
    /// The error says what is wrong with the option.
    pub(super) fn new(live: &OsStr, archive: &Archive, zone: TimeZone) -> Result<Names, String> {
        let kind = match &archive.kind {
            Choice::Numbered => Kind::Numbered,
            Choice::Sequence => Kind::Sequence,
            Choice::Dated(text) => Kind::Dated(Pattern::parse(text, zone)?),
        };
        Ok(Names { live: live.to_owned(), kind })
    }

    /// A name for our own use beside the live file; it begins with a dot.
    pub(super) fn hidden(&self, purpose: &str) -> OsString {
        let mut name = OsString::from(".");
        name.push(&self.live);
        name.push(".");
        name.push(purpose);
        name
    }

    pub(super) fn live(&self) -> &OsStr {
        &self.live
    }

    pub(super) fn are_numbered(&self) -> bool {
        matches!(self.kind, Kind::Numbered)
    }

    /// Which archive this is the name of, if it is one.
    pub(super) fn read(&self, name: &OsStr) -> Option<(Place, Ending)> {
        if name == self.live {
            return None;
        }
        let name = name.as_encoded_bytes();
        let compressed = [Ending::Gzip, Ending::Zstd].into_iter().find_map(|ending| {
            name.strip_suffix(ending.text().as_bytes()).map(|plain| (plain, ending))
        });
        // A pattern may end in `.gz` by itself.
        let read = |(plain, ending)| Some((self.place_of(plain)?, ending));
        compressed.and_then(read).or_else(|| read((name, Ending::Plain)))
    }

    fn place_of(&self, plain: &[u8]) -> Option<Place> {
        match &self.kind {
            Kind::Numbered => {
                let number = counter(self.behind_live(plain)?)?;
                (number <= MOST_NUMBERED).then_some(Place::numbered(number))
            }
            Kind::Sequence => {
                let digits = self.behind_live(plain)?;
                let number = number(digits).filter(|number| *number > 0)?;
                (format!("{number:06}").as_bytes() == digits).then_some(Place::numbered(number))
            }
            Kind::Dated(pattern) => {
                let (number, rest) = pattern.read(plain)?;
                let again = match rest.strip_prefix(b".") {
                    None if rest.is_empty() => 0,
                    None => return None,
                    Some(digits) => counter(digits)?,
                };
                Some(Place { number, again })
            }
        }
    }

    fn behind_live<'a>(&self, plain: &'a [u8]) -> Option<&'a [u8]> {
        plain.strip_prefix(self.live.as_encoded_bytes())?.strip_prefix(b".")
    }

    /// The name of this archive; of one with a date, `date` says it.
    fn write(&self, place: Place, date: i64) -> OsString {
        let mut name = self.live.clone();
        match &self.kind {
            Kind::Numbered => name.push(format!(".{}", place.number)),
            Kind::Sequence => name.push(format!(".{:06}", place.number)),
            Kind::Dated(pattern) => {
                name = OsString::from(pattern.render(date));
                if place.again > 0 {
                    name.push(format!(".{}", place.again));
                }
            }
        }
        name
    }

    /// The name of a numbered archive.
    pub(super) fn of_number(&self, number: u64, ending: Ending) -> OsString {
        let mut name = self.write(Place::numbered(number), 0);
        name.push(ending.text());
        name
    }

    /// The name for the live file, which began at `date`: behind all of `taken`, newest first.
    pub(super) fn next(
        &self,
        mut taken: impl Iterator<Item = Place>,
        date: i64,
    ) -> (Place, OsString) {
        let place = match &self.kind {
            Kind::Numbered => Place::numbered(1),
            Kind::Sequence => {
                let last = taken.next().map_or(0, |place| place.number);
                Place::numbered(last.saturating_add(1))
            }
            Kind::Dated(pattern) => {
                let rendered = pattern.render(date);
                let number = pattern.read(rendered.as_bytes()).map_or(0, |read| read.0);
                // All of them: where the clock went back, they are in no order until they are read.
                let same = taken.filter(|place| place.number == number);
                let last = same.map(|place| place.again).max();
                // The live file may have such a name itself.
                let first = u64::from(rendered.as_str() == self.live);
                Place { number, again: last.map_or(first, |last| last + 1) }
            }
        };
        (place, self.write(place, date))
    }

    /// Orders archives: older ones are less.
    pub(super) fn age(&self, place: Place) -> impl Ord + use<> {
        let (old, new) = match self.kind {
            Kind::Numbered => (Reverse(place.number), 0),
            _ => (Reverse(0), place.number),
        };
        (old, new, place.again)
    }
}

/// A counter behind a dot: from 1, without zeros before it.
fn counter(digits: &[u8]) -> Option<u64> {
    number(digits).filter(|number| *number > 0 && digits.first() != Some(&b'0'))
}

#[cfg(test)]
#[path = "archive_tests.rs"]
mod tests;
