//! RFC 3339, from seconds and nanoseconds.
//!
//! [`Stamp`] is what a line begins with: the time between two fixed texts, of which only the
//! digits of the fraction are written again while the second stays the same (5.8 ns instead of
//! 13.9). [`rfc3339`] is for times that are values: it keeps every digit and writes the fraction
//! in groups of three, as few as hold it.
//!
//! RFC 3339 has years 0000 to 9999. Others are written as ISO 8601 expands them, with a sign:
//! `+10000-01-01T00:00:00Z`, `-0001-12-31T23:59:59Z`. No input panics.

use super::number;
use crate::buffer::Buffer;
use crate::lane::memory::try_text;
use crate::value::view::Timestamp;

mod zone;

pub(crate) use self::zone::{Times, Unit, Zone};

#[cfg(test)]
mod tests;

/// How finely a format writes the time of a record.
///
/// Digits are cut off, not rounded: a record is never shown later than it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// `2026-11-22T13:50:00Z`
    Seconds,
    /// `2026-11-22T13:50:00.123Z`
    Millis,
    /// `2026-11-22T13:50:00.123456Z`
    #[default]
    Micros,
    /// `2026-11-22T13:50:00.123456789Z`
    Nanos,
}

impl Precision {
    /// How many groups of three digits the fraction has.
    const fn groups(self) -> usize {
        self as usize
    }
}

/// The longest text there is: a sign, a year of 12 digits, nanoseconds, and an offset.
const MAX_BYTES: usize = 48;

/// Copied by a few instructions and no call, whatever the text's length.
const BLOCK: usize = 64;

/// A time between two fixed texts, ready to be copied.
#[derive(Debug)]
pub(crate) struct Stamp {
    precision: Precision,
    zone: Zone,
    prefix: Vec<u8>,
    suffix: Vec<u8>,
    /// The text for `second` without the fraction's digits; empty at first.
    text: Vec<u8>,
    /// The same, to be copied as a whole; of a longer text the beginning.
    block: [u8; BLOCK],
    second: i64,
    /// Where in `text` the fraction's digits begin.
    fraction_at: usize,
}

impl Stamp {
    /// `None` when there is no memory; later it takes no more.
    pub(crate) fn new(precision: Precision, prefix: &str, suffix: &str) -> Option<Stamp> {
        let mut text = Vec::new();
        text.try_reserve_exact(prefix.len() + MAX_BYTES + suffix.len()).ok()?;
        Some(Stamp {
            precision,
            zone: Zone::default(),
            prefix: try_text(prefix)?.into_bytes(),
            suffix: try_text(suffix)?.into_bytes(),
            text,
            block: [0; BLOCK],
            second: 0,
            fraction_at: 0,
        })
    }

    /// The same, in this zone.
    pub(crate) fn in_zone(self, zone: Zone) -> Stamp {
        Stamp { zone, ..self }
    }

    /// Appends the text for this time.
    #[inline]
    pub(crate) fn push(&mut self, time: Timestamp, out: &mut Buffer) {
        if time.seconds != self.second || self.text.is_empty() {
            self.render(time.seconds);
        }
        let Some(space) = self.copied(out) else { return };
        // Written where they go: in `text` they would have to be read again at once, wider than
        // they were written, for which the CPU waits.
        let end = self.fraction_at + 3 * self.precision.groups();
        if let Some(digits) = space.get_mut(self.fraction_at..end) {
            write_fraction(digits, time.nanos);
        }
    }

    /// The text, appended and to be overwritten.
    #[inline]
    fn copied<'a>(&self, out: &'a mut Buffer) -> Option<&'a mut [u8]> {
        if self.text.len() <= BLOCK {
            *out.window()? = self.block;
            return out.claim(self.text.len());
        }
        let space = out.claim(self.text.len())?;
        space.copy_from_slice(&self.text);
        Some(space)
    }

    /// Renders everything but the fraction's digits.
    #[cold]
    fn render(&mut self, second: i64) {
        self.second = second;
        self.text.clear();
        self.text.extend_from_slice(&self.prefix);
        let mut space = [0; MAX_BYTES];
        let offset = self.zone.offset_minutes(second);
        let shown = second.saturating_add(60 * offset.unwrap_or(0));
        let length = write_second(&mut space, shown);
        self.text.extend_from_slice(&space[..length]);
        self.fraction_at = self.text.len();
        if self.precision != Precision::Seconds {
            self.text.push(b'.');
            self.fraction_at += 1;
            self.text.resize(self.fraction_at + 3 * self.precision.groups(), b'0');
        }
        match offset {
            None => self.text.push(b'Z'),
            Some(minutes) => self.text.extend_from_slice(&written_offset(minutes)),
        }
        self.text.extend_from_slice(&self.suffix);
        self.block.iter_mut().zip(&self.text).for_each(|(place, byte)| *place = *byte);
    }
}

/// `+02:00`
#[allow(clippy::cast_possible_truncation)] // less than 100 hours
pub(crate) fn written_offset(minutes: i64) -> [u8; 6] {
    let sign = if minutes < 0 { b'-' } else { b'+' };
    let minutes = minutes.unsigned_abs() as u32;
    let ([_, h, hours], [_, m, rest]) = (three_digits(minutes / 60), three_digits(minutes % 60));
    [sign, h, hours, b':', m, rest]
}

/// A time as text, on the stack.
pub(crate) struct Rfc3339 {
    bytes: [u8; MAX_BYTES],
    len: usize,
}

impl Rfc3339 {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    pub(crate) fn as_str(&self) -> &str {
        // Always ASCII.
        core::str::from_utf8(self.as_bytes()).unwrap_or("")
    }
}

/// A time with all its digits.
pub(crate) fn rfc3339(time: Timestamp) -> Rfc3339 {
    let mut bytes = [0; MAX_BYTES];
    let mut len = write_second(&mut bytes, time.seconds);
    let groups = match time.nanos {
        0 => 0,
        nanos if nanos % 1_000_000 == 0 => 1,
        nanos if nanos % 1_000 == 0 => 2,
        _ => 3,
    };
    if groups > 0 {
        bytes[len] = b'.';
        write_fraction(&mut bytes[len + 1..len + 1 + 3 * groups], time.nanos);
        len += 1 + 3 * groups;
    }
    bytes[len] = b'Z';
    Rfc3339 { bytes, len: len + 1 }
}

/// The first digits of a fraction of a second, three to a group. Out-of-range nanoseconds
/// (only damaged bytes have them) count as the last of the second.
#[inline]
#[allow(clippy::cast_possible_truncation)] // a digit
fn write_fraction(digits: &mut [u8], nanos: u32) {
    let nanos = u64::from(nanos.min(999_999_999));
    let text = number::ascii_digits(nanos / 10).to_le_bytes();
    // Of sizes that are known, as a loop would go byte by byte.
    match digits.len() {
        3 => digits.copy_from_slice(&text[..3]),
        6 => digits.copy_from_slice(&text[..6]),
        9 => {
            digits[..8].copy_from_slice(&text);
            digits[8] = b'0' + (nanos % 10) as u8;
        }
        _ => {}
    }
}

#[inline]
#[allow(clippy::cast_possible_truncation)] // each digit is below 10
fn three_digits(value: u32) -> [u8; 3] {
    [value / 100, value / 10 % 10, value % 10].map(|digit| b'0' + digit as u8)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // calendar parts are small
fn write_second(out: &mut [u8; MAX_BYTES], second: i64) -> usize {
    let (day, in_day) = (second.div_euclid(86_400), second.rem_euclid(86_400) as u32);
    let (year, month, day) = civil_from_days(day);
    let mut len = write_year(out, year);
    for (before, value) in [
        (b'-', month),
        (b'-', day),
        (b'T', in_day / 3600),
        (b':', in_day / 60 % 60),
        (b':', in_day % 60),
    ] {
        let [_, tens, ones] = three_digits(value);
        out[len..len + 3].copy_from_slice(&[before, tens, ones]);
        len += 3;
    }
    len
}

fn write_year(out: &mut [u8; MAX_BYTES], year: i64) -> usize {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(year.unsigned_abs()).as_bytes();
    let mut len = 0;
    if !(0..=9999).contains(&year) {
        out[0] = if year < 0 { b'-' } else { b'+' };
        len = 1;
    }
    let zeros = 4_usize.saturating_sub(digits.len());
    out[len..len + zeros].fill(b'0');
    len += zeros;
    out[len..len + digits.len()].copy_from_slice(digits);
    len + digits.len()
}

/// Year, month and day of a day number (0 is 1970-01-01) in the proleptic Gregorian calendar.
/// The years of the computation begin in March, so that the leap day is the last one; an era is
/// 400 years.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // months and days are small
fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468; // from 0000-03-01; days of an i64 second leave ample room
    let (era, in_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year + year / 4 - year / 100);
    let month = (5 * in_year + 2) / 153;
    let day = in_year - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next_year, month as u32, day as u32)
}
