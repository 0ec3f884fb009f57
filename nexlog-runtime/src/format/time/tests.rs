//! Known dates, and a calendar that counts days one by one.

use super::*;
use crate::format::testing::stamped;

fn text(seconds: i64, nanos: u32) -> String {
    String::from(rfc3339(Timestamp { seconds, nanos }).as_str())
}

#[test]
fn known_times() {
    assert_eq!(text(0, 0), "1970-01-01T00:00:00Z");
    assert_eq!(text(-1, 999_000_000), "1969-12-31T23:59:59.999Z");
    assert_eq!(text(1_795_355_400, 123_456_000), "2026-11-22T13:50:00.123456Z");
    assert_eq!(text(951_782_400, 1), "2000-02-29T00:00:00.000000001Z");
    assert_eq!(text(4_107_542_399, 0), "2100-02-28T23:59:59Z");
    assert_eq!(text(4_107_542_400, 100_000_000), "2100-03-01T00:00:00.100Z");
}

#[test]
fn years_outside_of_four_digits_have_a_sign() {
    assert_eq!(text(253_402_300_799, 0), "9999-12-31T23:59:59Z");
    assert_eq!(text(253_402_300_800, 0), "+10000-01-01T00:00:00Z");
    assert_eq!(text(-62_167_219_200, 0), "0000-01-01T00:00:00Z");
    assert_eq!(text(-62_167_219_201, 0), "-0001-12-31T23:59:59Z");
    assert_eq!(text(i64::MAX, 999_999_999), "+292277026596-12-04T15:30:07.999999999Z");
    assert_eq!(text(i64::MIN, 0), "-292277022657-01-27T08:29:52Z");
}

#[test]
fn nanoseconds_beyond_a_second_are_its_last() {
    assert_eq!(text(0, u32::MAX), "1970-01-01T00:00:00.999999999Z");
    let mut stamp = Stamp::new(Precision::Millis, "", "").unwrap();
    let late = Timestamp { seconds: 0, nanos: 1_000_000_000 };
    assert_eq!(stamped(&mut stamp, late), "1970-01-01T00:00:00.999Z");
}

/// From year -800 (800 years, two eras, before 0000-01-01) to 2791, day by day, by the leap-year rule.
#[test]
fn every_day_is_the_one_after_the_day_before() {
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let (mut year, mut month, mut day) = (-800, 1, 1);
    for number in -1_011_722..300_000 {
        assert_eq!(civil_from_days(number), (year, month, day), "day {number}");
        let february = if is_leap(year) { 29 } else { 28 };
        let days = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        day += 1;
        if day > days[month as usize - 1] {
            (month, day) = (month + 1, 1);
        }
        if month > 12 {
            (year, month) = (year + 1, 1);
        }
    }
}

#[test]
fn a_stamp_shows_each_time_as_if_it_were_the_first() {
    let mut random = 1_u64;
    for precision in [Precision::Seconds, Precision::Millis, Precision::Micros, Precision::Nanos] {
        let mut stamp = Stamp::new(precision, "{\"ts\":\"", "\"").unwrap();
        for _ in 0..20_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let far = if random.is_multiple_of(1000) { i64::MAX } else { 3 };
            #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
            let time = Timestamp {
                seconds: (random >> 40) as i64 % 3 - 1 + (far - 3),
                nanos: (random >> 30) as u32 % 1_000_000_000,
            };
            let second = text(time.seconds, 0);
            let digits = format!("{:09}", time.nanos);
            let point = if precision == Precision::Seconds { "" } else { "." };
            let fraction = &digits[..3 * precision.groups()];
            let expected =
                format!("{{\"ts\":\"{}{point}{fraction}Z\"", second.trim_end_matches('Z'));
            assert_eq!(stamped(&mut stamp, time), expected);
        }
    }
}

#[test]
fn the_text_has_room_for_every_time() {
    assert!(text(i64::MIN, 999_999_999).len() <= MAX_BYTES);
}
