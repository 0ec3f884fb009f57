//! Periods and dates in a time zone: when a period ends, and which date an archive's name says.
//!
//! Pure: seconds since 1970 go in. Clocks are set wrong by years, so every second that an `i64`
//! holds has an answer; those beyond what a calendar of four-digit years has are drawn to its
//! ends. Nothing here knows files.

use core::fmt::Write;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

use super::rotate::Period;

/// Two days inside of the years 0 and 9999, so that no zone leads out of them.
const FIRST: i64 = -62_167_219_200 + 2 * 86_400;
const LAST: i64 = 253_402_207_200 - 2 * 86_400;

fn at(seconds: i64, zone: &TimeZone) -> Zoned {
    let time = Timestamp::from_second(seconds.clamp(FIRST, LAST)).unwrap_or_default();
    time.to_zoned(zone.clone())
}

/// A period in a time zone.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    pub(super) period: Period,
    pub(super) zone: TimeZone,
}

impl Schedule {
    /// When the period that has this second began; never later than it.
    pub(super) fn start_of(&self, seconds: i64) -> i64 {
        let zoned = at(seconds, &self.zone);
        let start = match self.period {
            Period::Minute | Period::Hour => {
                let local = seconds.saturating_add(i64::from(zoned.offset().seconds()));
                seconds.saturating_sub(local.rem_euclid(self.period.seconds()))
            }
            Period::Day => self.midnight(zoned.date()).unwrap_or(seconds),
            Period::Week => self.midnight(monday(zoned.date())).unwrap_or(seconds),
        };
        start.min(seconds)
    }

    /// When it ends; later than it. `i64::MAX` where the calendar ends.
    pub(super) fn end_of(&self, seconds: i64) -> i64 {
        if seconds >= LAST {
            return i64::MAX;
        }
        let date = at(seconds, &self.zone).date();
        let end = match self.period {
            Period::Minute | Period::Hour => {
                Some(self.start_of(seconds).saturating_add(self.period.seconds()))
            }
            Period::Day => date.tomorrow().ok().and_then(|date| self.midnight(date)),
            Period::Week => {
                monday(date).checked_add(7.days()).ok().and_then(|date| self.midnight(date))
            }
        };
        end.unwrap_or(i64::MAX).max(seconds.saturating_add(1))
    }

    /// The first instant of a date: not always 0 o'clock where clocks are set at midnight.
    fn midnight(&self, date: Date) -> Option<i64> {
        date.to_zoned(self.zone.clone()).ok().map(|zoned| zoned.timestamp().as_second())
    }
}

fn monday(date: Date) -> Date {
    let days = i64::from(date.weekday().to_monday_zero_offset());
    date.checked_sub(days.days()).unwrap_or(date)
}

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Number(Unit),
}

/// What a number in a name counts. In the order of size: names are compared by these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Unit {
    Year,
    IsoYear,
    Month,
    Week,
    DayOfYear,
    Day,
    Hour,
    Minute,
    Second,
}

impl Unit {
    const ALL: [(u8, Unit); 9] = [
        (b'Y', Unit::Year),
        (b'G', Unit::IsoYear),
        (b'm', Unit::Month),
        (b'V', Unit::Week),
        (b'j', Unit::DayOfYear),
        (b'd', Unit::Day),
        (b'H', Unit::Hour),
        (b'M', Unit::Minute),
        (b'S', Unit::Second),
    ];

    fn digits(self) -> usize {
        match self {
            Unit::Year | Unit::IsoYear => 4,
            Unit::DayOfYear => 3,
            _ => 2,
        }
    }

    /// Least and greatest value.
    fn range(self) -> (u64, u64) {
        match self {
            Unit::Year | Unit::IsoYear => (0, 9999),
            Unit::Month => (1, 12),
            Unit::Week => (1, 53),
            Unit::DayOfYear => (1, 366),
            Unit::Day => (1, 31),
            Unit::Hour => (0, 23),
            Unit::Minute | Unit::Second => (0, 59),
        }
    }

    fn of(self, zoned: &Zoned) -> u64 {
        let value = match self {
            Unit::Year => i64::from(zoned.year()),
            Unit::IsoYear => i64::from(zoned.date().iso_week_date().year()),
            Unit::Month => i64::from(zoned.month()),
            Unit::Week => i64::from(zoned.date().iso_week_date().week()),
            Unit::DayOfYear => i64::from(zoned.day_of_year()),
            Unit::Day => i64::from(zoned.day()),
            Unit::Hour => i64::from(zoned.hour()),
            Unit::Minute => i64::from(zoned.minute()),
            Unit::Second => i64::from(zoned.second()),
        };
        u64::try_from(value).unwrap_or(0)
    }
}

/// A file name with a date in it: `app-%Y-%m-%d.log`.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pieces: Vec<Piece>,
    zone: TimeZone,
}

impl Pattern {
    /// The error says what is wrong with the text and what to write.
    pub(super) fn parse(text: &str, zone: TimeZone) -> Result<Pattern, String> {
        let wrong = |why: String| Err(format!("`{text}`: {why}, as in `app-%Y-%m-%d.log`"));
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('%') {
            push_text(&mut pieces, before);
            let Some(letter) = behind.chars().next() else {
                return wrong("it ends with a single `%`; write `%%` for the sign".to_owned());
            };
            rest = &behind[letter.len_utf8()..];
            match (letter, Unit::ALL.iter().find(|(known, _)| char::from(*known) == letter)) {
                ('%', _) => push_text(&mut pieces, "%"),
                ('F', _) => {
                    pieces.push(Piece::Number(Unit::Year));
                    for unit in [Unit::Month, Unit::Day] {
                        push_text(&mut pieces, "-");
                        pieces.push(Piece::Number(unit));
                    }
                }
                (_, Some((_, unit))) => pieces.push(Piece::Number(*unit)),
                (_, None) => {
                    return wrong(format!(
                        "`%{letter}` means nothing here; use %Y %m %d %H %M %S %j %G %V %F"
                    ));
                }
            }
        }
        push_text(&mut pieces, rest);
        let has = |unit| pieces.contains(&Piece::Number(unit));
        if text.contains(['/', '\0']) {
            return wrong("archives are in the folder of the live file; write a name".to_owned());
        }
        if !has(Unit::Year) && !has(Unit::IsoYear) {
            return wrong("without a year names come again; write one with %Y".to_owned());
        }
        Ok(Pattern { pieces, zone })
    }

    /// The name for this time.
    pub(super) fn render(&self, seconds: i64) -> String {
        let zoned = at(seconds, &self.zone);
        let mut name = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => name.push_str(text),
                Piece::Number(unit) => {
                    let (value, width) = (unit.of(&zoned), unit.digits());
                    let _ = write!(name, "{value:0width$}");
                }
            }
        }
        name
    }

    /// The date in a name that begins with one, as a number that orders names of this pattern,
    /// and what follows in the name.
    pub(super) fn read<'a>(&self, name: &'a [u8]) -> Option<(u64, &'a [u8])> {
        let mut values: Vec<(Unit, u64)> = Vec::new();
        let mut rest = name;
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => rest = rest.strip_prefix(text.as_bytes())?,
                Piece::Number(unit) => {
                    let (digits, behind) = rest.split_at_checked(unit.digits())?;
                    let value = number(digits)?;
                    let (least, greatest) = unit.range();
                    if !(least..=greatest).contains(&value) {
                        return None;
                    }
                    values.push((*unit, value));
                    rest = behind;
                }
            }
        }
        values.sort_unstable();
        let key = values.iter().try_fold(0_u64, |key, (unit, value)| {
            key.checked_mul(unit.range().1 + 1)?.checked_add(*value)
        });
        key.map(|key| (key, rest))
    }
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(Piece::Text(before)) => before.push_str(text),
        _ => pieces.push(Piece::Text(text.to_owned())),
    }
}

/// A number of digits and nothing else.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| core::str::from_utf8(digits).ok()?.parse().ok()).flatten()
}

#[cfg(test)]
#[path = "date_tests.rs"]
mod tests;
