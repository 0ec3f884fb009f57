//! Times by a spec: `%H:%M:%S.3`.

use core::fmt::Write;

use jiff::fmt::StdFmtWrite;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;

use super::grammar::TimeItem;
use crate::buffer::Buffer;
use crate::format::time::{Zone, written_offset};
use crate::value::view::Timestamp;

/// A time's parts, and the text for the last second.
pub(super) struct When {
    items: Vec<TimeItem>,
    zone: Zone,
    second: Option<i64>,
    /// With zeros for the fractions.
    text: Buffer,
    /// Where they are, and how many digits.
    fractions: Vec<(usize, usize)>,
}

impl When {
    pub(super) fn new(items: Vec<TimeItem>, zone: Zone) -> When {
        // Room for all: when a record is drained, memory may be refused.
        let fractions = Vec::with_capacity(items.len());
        When { items, zone, second: None, text: Buffer::new(), fractions }
    }

    /// Appends the text for this time.
    pub(super) fn push(&mut self, time: Timestamp, out: &mut Buffer) {
        if self.second != Some(time.seconds) {
            self.render(time.seconds);
        }
        if self.text.is_short() {
            out.fall_short();
        }
        let start = out.len();
        out.extend(self.text.as_bytes());
        let mut digits = [b'0'; 9];
        let mut rest = time.nanos.min(999_999_999);
        for digit in digits.iter_mut().rev() {
            *digit += u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
        for (at, count) in &self.fractions {
            out.patch(start + at, &digits[..*count]);
        }
    }

    fn render(&mut self, second: i64) {
        self.second = Some(second);
        self.text.clear();
        self.fractions.clear();
        let offset = self.zone.offset_minutes(second);
        let minutes = offset.unwrap_or(0);
        // A year that no calendar has is shown as the last that it has.
        let at = jiff::Timestamp::from_second(second);
        let last = if second < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        let shifted = jiff::Timestamp::from_second(second.saturating_add(60 * minutes));
        let shown = shifted.or(at).unwrap_or(last).to_zoned(TimeZone::UTC);
        for item in &self.items {
            // A buffer takes everything.
            match item {
                TimeItem::Text(text) => self.text.push_str(text),
                TimeItem::Offset => self.text.extend(&written_offset(minutes)),
                TimeItem::Fraction(digits) => {
                    self.fractions.push((self.text.len(), *digits));
                    (0..*digits).for_each(|_| self.text.push(b'0'));
                }
                TimeItem::Code('z') => {
                    let text = written_offset(minutes);
                    self.text.extend(&text[..3]);
                    self.text.extend(&text[4..]);
                }
                TimeItem::Code('Z') => self.zone.push_name(second, &mut self.text),
                TimeItem::Code('s') => _ = write!(self.text, "{second}"),
                TimeItem::Code(code) => {
                    let mut spec = *b"%\0\0\0\0";
                    let length = 1 + code.encode_utf8(&mut spec[1..]).len();
                    let out = StdFmtWrite(&mut self.text);
                    let _ = BrokenDownTime::from(&shown).format(&spec[..length], out);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::grammar::{Item, parse};
    use super::*;

    fn when(spec: &str, zone: Zone) -> When {
        match &parse(&format!("{{ts:{spec}}}")).unwrap()[..] {
            [Item::Placeholder(placeholder)] => When::new(placeholder.time.clone().unwrap(), zone),
            items => panic!("{items:?}"),
        }
    }

    fn shown(when: &mut When, seconds: i64, nanos: u32) -> String {
        let mut out = Buffer::new();
        when.push(Timestamp { seconds, nanos }, &mut out);
        String::from_utf8(out.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn every_part_of_a_time() {
        for (spec, text) in [
            ("%Y-%m-%dT%H:%M:%S.3", "2026-11-22T13:05:09.123"),
            ("%F %T.6 %z", "2026-11-22 13:05:09.123456 +0000"),
            ("%y %j %e %b %B %h %a %A", "26 326 22 Nov November Nov Sun Sunday"),
            ("%I:%M %p %R %D", "01:05 PM 13:05 11/22/26"),
            ("%s.9 %:z %Z", "1795352709.123456789 +00:00 UTC"),
            ("%f|%3f|%.2f|%L|%%", "123456789|123|.12|123|%"),
        ] {
            let text_of = shown(&mut when(spec, Zone::default()), 1_795_352_709, 123_456_789);
            assert_eq!(text_of, text, "{spec}");
        }
    }

    #[test]
    fn local_times_follow_their_zone_second_by_second() {
        let berlin = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let mut when = when("%H:%M:%S.3 %:z %Z", Zone::of(berlin));
        assert_eq!(shown(&mut when, 1_774_745_999, 5_000_000), "01:59:59.005 +01:00 CET");
        assert_eq!(shown(&mut when, 1_774_746_000, 6_000_000), "03:00:00.006 +02:00 CEST");
        assert_eq!(shown(&mut when, 1_774_746_000, 7_999_999), "03:00:00.007 +02:00 CEST");
    }

    #[test]
    fn a_year_beyond_the_calendar_does_not_panic() {
        let mut when = when("%F %T %Z %s", Zone::new(true));
        for (second, year) in [(i64::MAX, "9999-12"), (i64::MIN, "-")] {
            assert!(shown(&mut when, second, u32::MAX).starts_with(year));
        }
    }
}
