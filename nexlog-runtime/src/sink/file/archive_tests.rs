//! Names: what is written is read, and nothing else is.

use super::*;

fn names(archive: &Archive) -> Names {
    Names::new(OsStr::new("app.log"), archive, TimeZone::UTC).unwrap()
}

fn read(names: &Names, name: &str) -> Option<(u64, u64, Ending)> {
    names.read(OsStr::new(name)).map(|(place, ending)| (place.number, place.again, ending))
}

#[test]
fn numbered_archives_are_told_from_everything_else() {
    let names = names(&Archive::numbered());
    assert_eq!(read(&names, "app.log.1"), Some((1, 0, Ending::Plain)));
    assert_eq!(read(&names, "app.log.12.gz"), Some((12, 0, Ending::Gzip)));
    assert_eq!(read(&names, "app.log.1000.zst"), Some((1000, 0, Ending::Zstd)));
    for other in [
        "app.log",
        "app.log.",
        "app.log.0",
        "app.log.01",
        "app.log.1001",
        "app.log.1.bak",
        "app.log.1.gz.gz",
        "app.log.gz",
        "app.log-1",
        "xapp.log.1",
        "other.log.1",
        "app.log.+1",
        "app.log.000001",
        "app.log.20261124",
        ".app.log.1",
        "app.log.1 ",
        "app.log.1.gzip",
        "",
    ] {
        assert_eq!(read(&names, other), None, "{other:?}");
    }
}

#[test]
fn sequences_have_six_digits_or_more() {
    let names = names(&Archive::sequence());
    assert_eq!(read(&names, "app.log.000123"), Some((123, 0, Ending::Plain)));
    assert_eq!(read(&names, "app.log.1234567.gz"), Some((1_234_567, 0, Ending::Gzip)));
    for other in ["app.log.1", "app.log.000000", "app.log.0001234", "app.log.00012x"] {
        assert_eq!(read(&names, other), None, "{other:?}");
    }
    let next = |last: u64| names.next([Place::numbered(last)].into_iter(), 0).1;
    assert_eq!(next(0), "app.log.000001");
    assert_eq!(next(999_999), "app.log.1000000");
}

#[test]
fn archives_of_one_date_are_counted() {
    let names = names(&Archive::dated("app-%Y-%m-%d.log"));
    let date = 1_764_000_000; // 2025-11-24
    let (first, name) = names.next([].into_iter(), date);
    assert_eq!(name, "app-2025-11-24.log");
    let (second, name) = names.next([first].into_iter(), date);
    assert_eq!(name, "app-2025-11-24.log.1");
    let (third, name) = names.next([second, first].into_iter(), date);
    assert_eq!(name, "app-2025-11-24.log.2");
    assert_eq!(names.next([third].into_iter(), date + 86_400).1, "app-2025-11-25.log");
    assert!(names.age(first) < names.age(second) && names.age(second) < names.age(third));
    assert_eq!(names.read(OsStr::new("app-2025-11-24.log.2.gz")), Some((third, Ending::Gzip)));
    for other in ["app-2025-11-24.log.0", "app-2025-11-24.logs", "app-2025-13-24.log", "app.log"] {
        assert_eq!(read(&names, other), None, "{other:?}");
    }
}

#[test]
fn a_pattern_may_give_the_live_name_itself() {
    let live = OsStr::new("app-2025.log");
    let names = Names::new(live, &Archive::dated("app-%Y.log"), TimeZone::UTC).unwrap();
    assert_eq!(names.next([].into_iter(), 1_764_000_000).1, "app-2025.log.1");
    assert_eq!(names.read(live), None, "the live file is no archive");
}

#[test]
fn a_pattern_may_end_like_a_compressed_one() {
    let names = names(&Archive::dated("app-%Y.gz"));
    assert_eq!(read(&names, "app-2025.gz").map(|r| r.2), Some(Ending::Plain));
    assert_eq!(read(&names, "app-2025.gz.gz").map(|r| r.2), Some(Ending::Gzip));
}

#[test]
fn lower_numbers_are_newer() {
    let names = names(&Archive::numbered());
    assert!(names.age(Place::numbered(2)) < names.age(Place::numbered(1)));
}
