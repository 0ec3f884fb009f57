//! Times of records in other forms than UTC: local time, and numbers.

use jiff::tz::TimeZone;

use super::{Precision, Stamp};
use crate::buffer::Buffer;
use crate::format::number;
use crate::lane::memory::try_text;
use crate::value::view::Timestamp;

/// Where times are shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Zone(Option<TimeZone>);

impl Zone {
    /// UTC, or the system's zone as it is now.
    pub(crate) fn new(is_local: bool) -> Zone {
        Zone(is_local.then(TimeZone::system))
    }

    #[cfg(test)]
    pub(crate) fn of(zone: TimeZone) -> Zone {
        Zone(Some(zone))
    }

    /// How far ahead of UTC its clocks are at this second, in minutes; `None` for UTC itself. RFC 3339
    /// has no seconds there, so old local mean times are shown to the minute. A time that no
    /// calendar has is shown in UTC.
    pub(crate) fn offset_minutes(&self, second: i64) -> Option<i64> {
        let at = jiff::Timestamp::from_second(second).ok()?;
        Some(i64::from(self.0.as_ref()?.to_offset(at).seconds() / 60))
    }
}

impl Zone {
    /// What its clocks are called at this second: `CEST`, or `UTC`.
    pub(crate) fn push_name(&self, second: i64, out: &mut Buffer) {
        match (&self.0, jiff::Timestamp::from_second(second)) {
            (Some(zone), Ok(at)) => out.push_str(zone.to_offset_info(at).abbreviation()),
            _ => out.push_str("UTC"),
        }
    }
}

/// What a time that is a number counts, since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Milliseconds, with as many decimals as the precision has.
    Millis,
    /// Nanoseconds as text, with zeros for what the precision does not have.
    NanosText,
}

/// How an encoder writes the times of records.
#[derive(Debug)]
pub(crate) enum Times {
    Stamp(Stamp),
    Number { prefix: String, unit: Unit, precision: Precision },
}

impl Times {
    /// Numbers behind this prefix. `None` when there is no memory.
    pub(crate) fn numbers(precision: Precision, prefix: &str, unit: Unit) -> Option<Times> {
        Some(Times::Number { prefix: try_text(prefix)?, unit, precision })
    }

    /// Appends the time between its fixed texts.
    #[inline]
    pub(crate) fn push(&mut self, time: Timestamp, out: &mut Buffer) {
        match self {
            Times::Stamp(stamp) => stamp.push(time, out),
            Times::Number { prefix, unit, precision } => {
                out.push_str(prefix);
                push_number(time, *unit, *precision, out);
            }
        }
    }
}

fn push_number(time: Timestamp, unit: Unit, precision: Precision, out: &mut Buffer) {
    let cut = match precision {
        Precision::Seconds => 1_000_000_000,
        Precision::Millis => 1_000_000,
        Precision::Micros => 1_000,
        Precision::Nanos => 1,
    };
    let nanos = i128::from(time.nanos.min(999_999_999) / cut * cut);
    let all = i128::from(time.seconds) * 1_000_000_000 + nanos;
    match unit {
        Unit::NanosText => {
            out.push(b'"');
            number::integer(all, out);
            out.push(b'"');
        }
        Unit::Millis => {
            let (millis, below) = (all / 1_000_000, (all % 1_000_000).unsigned_abs());
            if all < 0 && millis == 0 {
                out.push(b'-');
            }
            number::integer(millis, out);
            let digits = match precision {
                Precision::Seconds | Precision::Millis => return,
                Precision::Micros => 3,
                Precision::Nanos => 6,
            };
            out.push(b'.');
            let text = itoa::Buffer::new().format(1_000_000 + below).to_owned();
            out.push_str(text.get(1..=digits).unwrap_or(""));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::stamped;

    fn berlin() -> Zone {
        Zone::of(TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap())
    }

    #[test]
    fn local_times_have_their_offset_and_follow_the_seasons() {
        let mut stamp = Stamp::new(Precision::Millis, "", "").unwrap().in_zone(berlin());
        let at = |seconds| Timestamp { seconds, nanos: 5_000_000 };
        for (second, text) in [
            (1_795_355_400, "2026-11-22T14:50:00.005+01:00"),
            (1_774_745_999, "2026-03-29T01:59:59.005+01:00"),
            (1_774_746_000, "2026-03-29T03:00:00.005+02:00"),
            (1_795_355_400, "2026-11-22T14:50:00.005+01:00"),
        ] {
            assert_eq!(stamped(&mut stamp, at(second)), text);
        }
        let west = Zone::of(TimeZone::posix("<-0330>3:30").unwrap());
        let mut stamp = Stamp::new(Precision::Seconds, "", "").unwrap().in_zone(west);
        assert_eq!(stamped(&mut stamp, at(0)), "1969-12-31T20:30:00-03:30");
    }

    #[test]
    fn a_time_that_no_calendar_has_is_in_utc() {
        let mut stamp = Stamp::new(Precision::Seconds, "", "").unwrap().in_zone(berlin());
        let far = Timestamp { seconds: i64::MAX, nanos: 0 };
        assert_eq!(stamped(&mut stamp, far), "+292277026596-12-04T15:30:07Z");
    }

    #[test]
    fn numbers_have_the_digits_of_the_precision() {
        let text = |unit, precision, seconds, nanos| {
            let mut out = Buffer::new();
            push_number(Timestamp { seconds, nanos }, unit, precision, &mut out);
            String::from_utf8(out.as_bytes().to_vec()).unwrap()
        };
        for (precision, millis, nanos) in [
            (Precision::Seconds, "1795355400000", "\"1795355400000000000\""),
            (Precision::Millis, "1795355400123", "\"1795355400123000000\""),
            (Precision::Micros, "1795355400123.456", "\"1795355400123456000\""),
            (Precision::Nanos, "1795355400123.456789", "\"1795355400123456789\""),
        ] {
            assert_eq!(text(Unit::Millis, precision, 1_795_355_400, 123_456_789), millis);
            assert_eq!(text(Unit::NanosText, precision, 1_795_355_400, 123_456_789), nanos);
        }
        assert_eq!(text(Unit::Millis, Precision::Micros, -1, 999_999_000), "-0.001");
        assert_eq!(text(Unit::Millis, Precision::Millis, -2, 500_000_000), "-1500");
        text(Unit::Millis, Precision::Nanos, i64::MIN, u32::MAX);
    }
}
