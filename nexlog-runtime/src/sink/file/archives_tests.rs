//! Making room: gaps, pairs, foreign files, and others who rename at the same time.

use std::time::Duration;

use super::super::fake::{Fake, write};
use super::super::rotate::Rotate;
use super::super::{Archive, Keep};

/// Writes one record to each of `files` files.
fn fill(fake: &Fake, archive: &Archive, keep: Keep, files: usize) {
    let mut sink = fake.sink(&Rotate::size(64), archive, keep);
    for number in 0..files {
        write(&mut sink, &[&record(number)]).unwrap();
    }
}

/// A record that fills a file.
fn record(number: usize) -> String {
    format!("{number:<63}\n")
}

fn visible(fake: &Fake) -> Vec<String> {
    fake.names().into_iter().filter(|name| !name.starts_with('.')).collect()
}

#[test]
fn number_one_is_the_newest() {
    let fake = Fake::new();
    fill(&fake, &Archive::numbered(), Keep::all(), 4);
    assert_eq!(visible(&fake), ["app.log", "app.log.1", "app.log.2", "app.log.3"]);
    for (name, number) in [("app.log", 3), ("app.log.1", 2), ("app.log.2", 1), ("app.log.3", 0)] {
        assert_eq!(fake.text(name), record(number));
    }
}

#[test]
fn archives_move_up_to_the_first_gap_and_compressed_ones_keep_their_ending() {
    let fake = Fake::new();
    for name in ["app.log.1.gz", "app.log.2", "app.log.2.gz", "app.log.4"] {
        fake.put(name, name);
    }
    fill(&fake, &Archive::numbered(), Keep::all(), 2);
    assert_eq!(
        visible(&fake),
        ["app.log", "app.log.1", "app.log.2.gz", "app.log.3.gz", "app.log.4"]
    );
    assert_eq!(fake.text("app.log.2.gz"), "app.log.1.gz");
    // What is there twice was left by a kill, just before the longer one was deleted.
    assert_eq!(fake.text("app.log.3.gz"), "app.log.2.gz");
}

#[test]
fn only_what_this_pattern_made_is_deleted_at_start_too() {
    let foreign =
        ["app.log.01", "app.log.7.bak", "app.log-20261124", "other.log.3", "app.log.2000", "notes"];
    let fake = Fake::new();
    for name in foreign.iter().chain(&["app.log.1", "app.log.2", "app.log.7", "app.log.9.gz"]) {
        fake.put(name, name);
    }
    fake.put_link("app.log.8");
    fill(&fake, &Archive::numbered(), Keep::files(2), 0);
    let left = visible(&fake);
    for name in foreign.iter().chain(&["app.log.1", "app.log.2", "app.log.8"]) {
        assert!(left.contains(&(*name).to_owned()), "{name} is gone: {left:?}");
    }
    assert_eq!(left.len(), foreign.len() + 4, "{left:?}");
}

#[test]
fn the_thousand_newest_numbered_archives_are_kept_without_a_word() {
    let fake = Fake::new();
    for number in 1..=1000 {
        fake.put(&format!("app.log.{number}"), &number.to_string());
    }
    fill(&fake, &Archive::numbered(), Keep::all(), 2);
    assert_eq!(visible(&fake).len(), 1001);
    assert_eq!(fake.text("app.log.1000"), "999");
}

#[test]
fn a_sequence_goes_on_where_it_was() {
    let fake = Fake::new();
    fake.put("app.log.000041.gz", "");
    fill(&fake, &Archive::sequence(), Keep::files(2), 4);
    assert_eq!(visible(&fake), ["app.log", "app.log.000043", "app.log.000044"]);
}

/// At a start and at each rotation; never the live file, however old, nor what is of the future.
#[test]
fn archives_go_when_they_are_older_than_that_and_not_before() {
    const DAY: i64 = 86_400;
    let (fake, today) = (Fake::new(), 1_764_028_800);
    let keep = Keep::all().max_age(Duration::from_secs(3 * 86_400));
    for (name, wall) in [
        ("app.log", today - 9 * DAY),
        ("app.log.1", today + DAY),
        ("app.log.2.gz", today - 2 * DAY),
        // As old as it may be.
        ("app.log.3", today - 3 * DAY),
        ("app.log.4.zst", today - 3 * DAY - 1),
        // Older than the one after it, though its number is lower.
        ("app.log.5", today - 2 * DAY),
        // There twice: a start leaves the compressed one, and that one is too old.
        ("app.log.6", today),
        ("app.log.6.gz", today - 4 * DAY),
        ("app.log.2000", today - 9 * DAY),
    ] {
        fake.set_wall(wall);
        fake.put(name, name);
    }
    fake.set_wall(today);
    let mut sink = fake.sink(&Rotate::size(64), &Archive::numbered(), keep);
    let left = ["app.log", "app.log.1", "app.log.2.gz", "app.log.2000", "app.log.3", "app.log.5"];
    assert_eq!(visible(&fake), left);
    fake.set_wall(today + 1);
    write(&mut sink, &[&record(0)]).unwrap();
    // Number 3 is a second too old, and leaves a gap.
    let left = ["app.log", "app.log.1", "app.log.2", "app.log.2000", "app.log.3.gz", "app.log.5"];
    assert_eq!(visible(&fake), left);
    assert_eq!(fake.text("app.log.1"), "app.log\n", "it was old, but not an archive");
    fake.pass(10 * 86_400);
    write(&mut sink, &[&record(1)]).unwrap();
    assert_eq!(visible(&fake), ["app.log", "app.log.1", "app.log.2000"]);
    assert_eq!(fake.text("app.log.1"), record(0));
}

/// The folder is remembered for a second; meanwhile somebody takes the names that come next.
#[test]
fn a_name_that_somebody_takes_is_never_overwritten() {
    for archive in [Archive::numbered(), Archive::sequence(), Archive::dated("app-%Y.log")] {
        let fake = Fake::new();
        let mut sink = fake.sink(&Rotate::size(64), &archive, Keep::all());
        write(&mut sink, &[&record(0)]).unwrap();
        write(&mut sink, &[&record(1)]).unwrap();
        let taken = ["app.log.2", "app.log.3", "app.log.000002", "app-2025.log.1"];
        for name in taken {
            fake.put(name, "precious");
        }
        for number in 2..5 {
            write(&mut sink, &[&record(number)]).unwrap();
        }
        let all: String = visible(&fake).iter().map(|name| fake.text(name)).collect();
        assert_eq!(all.matches("precious").count(), taken.len(), "{archive:?}");
        for number in 0..5 {
            assert_eq!(all.matches(&record(number)).count(), 1, "{archive:?} {number}");
        }
    }
}

#[test]
fn archives_that_somebody_deletes_are_not_missed() {
    let fake = Fake::new();
    let mut sink = fake.sink(&Rotate::size(64), &Archive::numbered(), Keep::files(3));
    for number in 0..20 {
        write(&mut sink, &[&record(number)]).unwrap();
        if number % 5 == 4 {
            use super::super::system::System;
            fake.remove("app.log.2".as_ref()).unwrap();
        }
    }
    assert_eq!(fake.text("app.log"), record(19));
    assert_eq!(fake.text("app.log.1"), record(18));
}
