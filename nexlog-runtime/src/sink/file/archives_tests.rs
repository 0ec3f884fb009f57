//! Making room: gaps, pairs, foreign files, and others who rename at the same time.

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
