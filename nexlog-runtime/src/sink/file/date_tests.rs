//! Ends of periods against known calendars, and names against their own reading.

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;

/// Seconds of a time in UTC.
fn utc(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_second()
}

fn schedule(period: Period, zone: &str) -> Schedule {
    let zone = if zone == "UTC" { TimeZone::UTC } else { TimeZone::posix(zone).unwrap() };
    Schedule { period, zone }
}

/// The zone's own rules, so that the test needs no files of the system.
const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";
const HAVANA: &str = "CST5CDT,M3.2.0/0,M11.1.0/1";
const LORD_HOWE: &str = "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0";

#[test]
fn periods_end_at_full_minutes_hours_days_and_before_mondays() {
    let at = utc("2026-11-24T13:34:20Z"); // a Tuesday
    for (period, start, end) in [
        (Period::Minute, "2026-11-24T13:34:00Z", "2026-11-24T13:35:00Z"),
        (Period::Hour, "2026-11-24T13:00:00Z", "2026-11-24T14:00:00Z"),
        (Period::Day, "2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z"),
        (Period::Week, "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"),
    ] {
        let schedule = schedule(period, "UTC");
        assert_eq!((schedule.start_of(at), schedule.end_of(at)), (utc(start), utc(end)));
        // The bounds belong to the period that they begin.
        assert_eq!(schedule.start_of(utc(start)), utc(start));
        assert_eq!(schedule.start_of(utc(end)), utc(end));
        assert_eq!(schedule.end_of(utc(end) - 1), utc(end));
    }
}

#[test]
fn local_days_are_as_long_as_the_clocks_make_them() {
    for (zone, at, start, end) in [
        // 23 and 25 hours.
        (BERLIN, "2026-03-29T10:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        (BERLIN, "2026-10-25T10:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
        // Midnight does not exist, and exists twice: the first counts.
        (HAVANA, "2026-03-08T12:00:00Z", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"),
        (HAVANA, "2026-11-01T12:00:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"),
        (LORD_HOWE, "2026-04-05T00:00:00Z", "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z"),
        // Leap days.
        ("UTC", "2028-02-29T12:00:00Z", "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z"),
        ("UTC", "2100-02-28T12:00:00Z", "2100-02-28T00:00:00Z", "2100-03-01T00:00:00Z"),
    ] {
        let schedule = schedule(Period::Day, zone);
        let bounds = (schedule.start_of(utc(at)), schedule.end_of(utc(at)));
        assert_eq!(bounds, (utc(start), utc(end)), "{zone} {at}");
    }
}

#[test]
fn patterns_say_what_is_wrong_with_them() {
    let problem = |text: &str| Pattern::parse(text, TimeZone::UTC).unwrap_err();
    assert!(problem("app-%d.log").contains("without a year"));
    assert!(problem("app.log").contains("without a year"));
    assert!(problem("old/app-%Y.log").contains("in the folder of the live file"));
    assert!(problem("app-%Y-%q.log").contains("`%q` means nothing here"));
    assert!(problem("app-%Y%").contains("`%%` for the sign"));
}

#[test]
fn names_say_the_date_in_their_zone() {
    let render =
        |text: &str, zone: TimeZone, at: &str| Pattern::parse(text, zone).unwrap().render(utc(at));
    let berlin = TimeZone::posix(BERLIN).unwrap();
    assert_eq!(render("a-%Y-%m-%d.log", TimeZone::UTC, "2026-11-24T23:30:00Z"), "a-2026-11-24.log");
    assert_eq!(render("a-%F.log", berlin, "2026-11-24T23:30:00Z"), "a-2026-11-25.log");
    assert_eq!(render("%G-W%V%%", TimeZone::UTC, "2027-01-01T00:00:00Z"), "2026-W53%");
    assert_eq!(render("%Y%j-%H%M%S", TimeZone::UTC, "2026-02-01T01:02:03Z"), "2026032-010203");
    assert_eq!(render("%Y", TimeZone::UTC, "-000400-01-01T00:00:00Z"), "0000");
}

#[test]
fn what_is_no_date_is_not_read_as_one() {
    let pattern = Pattern::parse("app-%Y-%m-%d.log", TimeZone::UTC).unwrap();
    assert!(pattern.read(b"app-2026-11-24.log").is_some());
    for name in ["app-2026-13-24.log", "app-2026-00-24.log", "app-2026-1-24.log", "app-.log", ""] {
        assert_eq!(pattern.read(name.as_bytes()), None, "{name}");
    }
}

proptest! {
    /// Any second at all: no panic, a period around it, and the next one begins where it ends.
    #[test]
    fn every_second_is_in_a_period(
        near in -100_000_000_000_i64..400_000_000_000,
        far in any::<i64>(),
        zone in prop_oneof![Just("UTC"), Just(BERLIN), Just(HAVANA), Just(LORD_HOWE)],
    ) {
        for at in [near, far] {
            for period in [Period::Minute, Period::Hour, Period::Day, Period::Week] {
                let schedule = schedule(period, zone);
                let (start, end) = (schedule.start_of(at), schedule.end_of(at));
                prop_assert!(start <= at && (at < end || at == i64::MAX), "{start} {at} {end}");
                if (FIRST..LAST - 700_000).contains(&at) {
                    prop_assert!(schedule.end_of(start) <= end);
                    prop_assert!(schedule.start_of(end) <= end);
                    let length = end - start;
                    let usual = period.seconds();
                    prop_assert!((length - usual).abs() <= 2 * 3600, "{length}");
                }
            }
        }
    }

    /// What is written can be read, and later dates are greater.
    #[test]
    fn names_are_in_the_order_of_their_dates(a in FIRST..LAST, b in FIRST..LAST) {
        for text in ["a-%Y-%m-%d-%H-%M-%S", "%G-%V", "%Y%j.x", "%Y-%m", "x%d.%m.%Y"] {
            let pattern = Pattern::parse(text, TimeZone::UTC).unwrap();
            let key = |at| {
                let name = pattern.render(at);
                let (key, rest) = pattern.read(name.as_bytes()).unwrap();
                assert!(rest.is_empty());
                (key, name)
            };
            let ((first, first_name), (second, second_name)) = (key(a.min(b)), key(a.max(b)));
            prop_assert!(first <= second);
            prop_assert_eq!(first == second, first_name == second_name);
        }
    }
}
