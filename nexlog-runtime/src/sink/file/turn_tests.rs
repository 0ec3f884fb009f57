//! Rotation as a whole in a world that dies after any step, fills up, and sets its clock.

use proptest::prelude::*;

use super::super::fake::{Fake, write};
use super::super::rotate::{Period, Rotate};
use super::super::{Archive, Keep};
use super::*;
use crate::sink::Sink;

fn archives() -> [Archive; 3] {
    [Archive::numbered(), Archive::sequence(), Archive::dated("app-%Y-%m-%d.log")]
}

fn visible(fake: &Fake) -> Vec<String> {
    fake.names().into_iter().filter(|name| !name.starts_with('.')).collect()
}

/// All records of all files.
fn all_lines(fake: &Fake) -> Vec<String> {
    let texts = visible(fake).into_iter().map(|name| fake.text(&name));
    texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn a_batch_is_cut_at_the_ends_of_records_over_as_many_files_as_it_takes() {
    let fake = Fake::new();
    let mut sink = fake.sink(&Rotate::size(64), &Archive::sequence(), Keep::all());
    let records: Vec<String> = (0..10).map(|number| format!("{number:<29}\n")).collect();
    let mut batch: Vec<&str> = records.iter().map(String::as_str).collect();
    let long = format!("{:<200}\n", "long");
    batch.insert(3, &long);
    write(&mut sink, &batch).unwrap();
    let lines = |name: &str| fake.text(name).lines().count();
    let counts: Vec<usize> = visible(&fake).iter().map(|name| lines(name)).collect();
    // The live file is first: 2, 1, the long one alone, 2, 2, 2, and the last.
    assert_eq!(counts, [1, 2, 1, 1, 2, 2, 2]);
    assert_eq!(fake.text("app.log.000003"), long);
}

#[test]
fn an_empty_file_is_never_rotated() {
    let fake = Fake::new();
    let rotate = Rotate::size(64).or_every(Period::Hour).or_at_start();
    let mut sink = fake.sink(&rotate, &Archive::numbered(), Keep::all());
    sink.rotate().unwrap();
    fake.pass(7_200);
    write(&mut sink, &[&format!("{:<100}\n", "long")]).unwrap();
    assert_eq!(visible(&fake), ["app.log"]);
    sink.rotate().unwrap();
    sink.rotate().unwrap();
    assert_eq!(visible(&fake), ["app.log", "app.log.1"]);
}

#[test]
fn a_start_rotates_if_it_is_told_to_and_goes_on_else() {
    let fake = Fake::new();
    fake.put("app.log", "old\n");
    write(&mut fake.sink(&Rotate::size(64), &Archive::numbered(), Keep::all()), &["a\n"]).unwrap();
    assert_eq!(fake.text("app.log"), "old\na\n");
    fake.sink(&Rotate::at_start(), &Archive::numbered(), Keep::all());
    assert_eq!((fake.text("app.log"), fake.text("app.log.1")), (String::new(), "old\na\n".into()));
}

/// Whoever reads archives as one stream: no record continues the half line before it.
#[test]
fn half_a_line_is_ended_before_its_file_becomes_an_archive() {
    for (rotate, old, archived) in [
        (Rotate::size(64), "whole\nhalf", "whole\nhalf\n"),
        (Rotate::every(Period::Hour), "whole\nhalf", "whole\nhalf\n"),
        // The limit holds.
        (Rotate::size(10), "whole\nhalf", "whole\nhalf"),
    ] {
        let fake = Fake::new();
        fake.put("app.log", old);
        fake.pass(7_200);
        let next = format!("{:<62}\n", "next");
        write(&mut fake.sink(&rotate, &Archive::sequence(), Keep::all()), &[&next]).unwrap();
        assert_eq!(fake.text("app.log.000001"), archived, "{rotate:?}");
        assert_eq!(fake.text("app.log"), next, "{rotate:?}");
    }
}

#[test]
fn each_period_has_a_file_and_the_one_of_an_earlier_run_ends_with_the_first_record() {
    let fake = Fake::new();
    fake.set_wall(1_764_028_800); // 2025-11-25T00:00:00Z
    let (rotate, archive) = (Rotate::every(Period::Day), Archive::dated("app-%Y-%m-%d.log"));
    let mut sink = fake.sink(&rotate, &archive, Keep::all());
    for hour in 0..60 {
        write(&mut sink, &[&format!("{hour}\n")]).unwrap();
        fake.pass(3_600);
    }
    let names = ["app-2025-11-25.log", "app-2025-11-26.log", "app.log"];
    assert_eq!(visible(&fake), names);
    let counts: Vec<usize> = names.iter().map(|name| fake.text(name).lines().count()).collect();
    assert_eq!(counts, [24, 24, 12]);
    drop(sink);
    fake.pass(7 * 86_400);
    let mut sink = fake.sink(&rotate, &archive, Keep::all());
    assert_eq!(visible(&fake), names, "nothing to write, nothing to rotate");
    write(&mut sink, &["later\n"]).unwrap();
    assert_eq!(fake.text("app-2025-11-27.log").lines().count(), 12);
    assert_eq!(fake.text("app.log"), "later\n");
}

#[test]
fn a_clock_that_swings_around_midnight_rotates_once() {
    let fake = Fake::new();
    let midnight = 1_764_028_800;
    fake.set_wall(midnight - 1);
    let mut sink = fake.sink(&Rotate::every(Period::Day), &Archive::sequence(), Keep::all());
    for swing in 0..100 {
        fake.set_wall(midnight - 1 + swing % 3);
        write(&mut sink, &["x\n"]).unwrap();
    }
    assert_eq!(visible(&fake), ["app.log", "app.log.000001"]);
}

#[test]
fn a_clock_that_was_years_ahead_holds_rotation_up_for_a_period_and_not_for_years() {
    let fake = Fake::new();
    let today = 1_764_028_800;
    fake.set_wall(today + 3 * 365 * 86_400);
    let mut sink = fake.sink(&Rotate::every(Period::Hour), &Archive::sequence(), Keep::all());
    write(&mut sink, &["x\n"]).unwrap();
    fake.set_wall(today);
    for _ in 0..48 {
        write(&mut sink, &["x\n"]).unwrap();
        fake.pass(1_800);
    }
    let files = visible(&fake).len();
    assert!((24..=26).contains(&files), "{files} files for 24 hours");
}

/// Whatever the clock does: nothing is lost, and never are there more rotations than boundaries
/// that the clock has gone over for the first time, or hours that have really passed.
#[test]
fn ten_thousand_jumps_of_the_clock_lose_nothing_and_rotate_once_a_boundary() {
    const YEAR: i64 = 365 * 86_400;
    let ends = [-86_400, 0, 2_147_483_647, 253_402_300_799, i64::MAX, i64::MIN, 1_709_164_800];
    for (round, archive) in archives().into_iter().enumerate() {
        let fake = Fake::new();
        let keep = Keep::files(20);
        let mut sink = fake.sink(&Rotate::every(Period::Hour), &archive, keep);
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64 ^ round as u64;
        let (mut wall, mut real) = (1_764_000_000_i64, 0_u64);
        let mut boundaries = std::collections::BTreeSet::new();
        for jump in 0..10_000_u64 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let far = i64::try_from(seed % (2 * 365 * 86_400)).unwrap() - YEAR;
            wall = if jump % 1_000 == 999 {
                ends[usize::try_from(seed % 7).unwrap()]
            } else if jump % 1_000 == 0 {
                1_764_000_000
            } else {
                wall.saturating_add(far)
            };
            fake.set_wall(wall);
            let seconds = u32::try_from(seed % 5).unwrap();
            fake.pass(seconds);
            wall = wall.saturating_add(i64::from(seconds));
            real += u64::from(seconds);
            let before = sink.rotations.load(Relaxed);
            write(&mut sink, &[&format!("{jump}\n")]).unwrap();
            let rotated = sink.rotations.load(Relaxed) - before;
            assert!(rotated <= 1);
            if rotated == 1 && wall != i64::MAX {
                let is_new = boundaries.insert(wall.div_euclid(3_600));
                let hours = real / 3_600;
                assert!(is_new || hours > 0, "the hour of {wall} came twice");
            }
            assert!(visible(&fake).len() <= 21);
        }
        let rotations = sink.rotations.load(Relaxed);
        assert!(rotations > 0 && rotations <= boundaries.len() as u64 + real / 3_600 + 10);
        assert_eq!(sink.rotations.load(Relaxed).min(20) as usize + 1, visible(&fake).len());
    }
}

/// A kill after any change: what was written is there once, in files that the next run goes on
/// with, in order.
#[test]
fn death_after_any_step_loses_nothing_and_doubles_nothing() {
    for archive in archives() {
        for steps in 0..400 {
            let fake = Fake::new();
            let rotate = Rotate::size(64);
            let mut written = Vec::new();
            fake.die_after(Some(steps));
            if let Ok(mut sink) = fake.try_sink(&rotate, &archive, Keep::all()) {
                for number in 0..60 {
                    let line = format!("{number:<20}");
                    if write(&mut sink, &[&format!("{line}\n")]).is_err() && fake.is_dead() {
                        // Died in it or after it.
                        break;
                    }
                    written.push(line);
                }
                std::mem::forget(sink);
            }
            fake.die_after(None);

            fake.break_lock();
            let mut sink = fake.sink(&rotate, &archive, Keep::all());
            for number in 0..4 {
                let line = format!("again {number:<20}");
                write(&mut sink, &[&format!("{line}\n")]).unwrap();
                written.push(line);
            }
            let mut lines = all_lines(&fake);
            lines.sort_unstable();
            let mut once = lines.clone();
            once.dedup();
            assert_eq!(once, lines, "something is there twice, {archive:?} {steps}");
            for line in &written {
                assert!(lines.contains(line), "{line} is lost, {archive:?} {steps}");
            }
            assert!(lines.len() <= written.len() + 1, "{archive:?} {steps}");
            let hidden = fake.names().into_iter().filter(|name| name.starts_with('.'));
            assert_eq!(hidden.count(), 0, "{archive:?} {steps}");
        }
    }
}

#[test]
fn a_rotation_that_fails_is_reported_once_a_second_and_costs_no_record() {
    let fake = Fake::new();
    let mut sink = fake.sink(&Rotate::size(64), &Archive::numbered(), Keep::files(1));
    fake.put("app.log.1", "precious");
    fake.let_rename(false);
    let mut failures = 0;
    for number in 0..30 {
        let outcome = write(&mut sink, &[&format!("{number:<30}\n")]);
        failures += usize::from(outcome.is_err());
        assert!(outcome.is_ok_and(|()| true) || failures > 0);
        fake.pass(u32::from(number % 10 == 0));
    }
    assert!((2..=4).contains(&failures), "{failures}");
    assert_eq!(fake.text("app.log").lines().count(), 30);
    fake.let_rename(true);
    fake.pass(1);
    write(&mut sink, &["x\n"]).unwrap();
    assert_eq!(fake.text("app.log"), "x\n");
}

#[test]
fn a_full_disk_rotates_nothing_away() {
    let fake = Fake::new();
    let rotate = Rotate::size(200).or_every(Period::Hour);
    let mut sink = fake.sink(&rotate, &Archive::numbered(), Keep::files(2));
    for number in 0..20 {
        write(&mut sink, &[&format!("{number:<60}\n")]).unwrap();
    }
    let before: Vec<_> = visible(&fake).into_iter().filter(|name| name != "app.log").collect();
    let texts: Vec<_> = before.iter().map(|name| fake.text(name)).collect();
    fake.set_room(Some(0));
    for number in 0..50 {
        assert!(write(&mut sink, &[&format!("lost {number:<60}\n")]).is_err());
        fake.pass(1_800);
    }
    let kept: Vec<_> = before.iter().map(|name| fake.text(name)).collect();
    assert_eq!(kept, texts);
    fake.set_room(None);
    write(&mut sink, &["kept\n"]).unwrap();
    assert!(all_lines(&fake).contains(&"kept".to_owned()));
}

#[test]
fn a_lock_that_is_never_given_back_costs_a_second_and_no_record() {
    let fake = Fake::new();
    let mut sink = fake.sink(&Rotate::size(64), &Archive::numbered(), Keep::all());
    let mut stopped = fake.clone();
    assert!(stopped.try_lock().unwrap());
    for number in 0..10 {
        write(&mut sink, &[&format!("{number:<30}\n")]).unwrap();
    }
    assert_eq!(fake.text("app.log").lines().count(), 10, "no rotation without the lock");
    assert!(sink.rotate().unwrap_err().to_string().contains("another process"));
    stopped.unlock();
    write(&mut sink, &["x\n"]).unwrap();
    assert_eq!(fake.text("app.log"), "x\n");
}

/// Two sinks on one file, as two processes are: one rotates, the other follows.
#[test]
fn two_sinks_take_turns() {
    let fake = Fake::new();
    let mut sinks = [0, 1].map(|_| fake.sink(&Rotate::size(64), &Archive::sequence(), Keep::all()));
    for number in 0..100 {
        write(&mut sinks[number % 3 % 2], &[&format!("{number:<20}\n")]).unwrap();
    }
    let lines = all_lines(&fake);
    assert_eq!(lines.len(), 100);
    let rotations: u64 = sinks.iter().map(|sink| sink.rotations.load(Relaxed)).sum();
    assert_eq!(rotations, visible(&fake).len() as u64 - 1);
    for name in visible(&fake) {
        assert!(fake.text(&name).len() <= 64);
    }
}

proptest! {
    /// Any records in any batches under any limit: each line once, in order; no archive is empty
    /// or longer than the limit, unless it is one record.
    #[test]
    fn limits_are_exact(
        limit in 64_u64..400,
        batches in proptest::collection::vec(proptest::collection::vec(1_usize..200, 1..20), 1..20),
    ) {
        let fake = Fake::new();
        let mut sink = fake.sink(&Rotate::size(limit), &Archive::sequence(), Keep::all());
        let mut all = String::new();
        for (number, lengths) in batches.iter().enumerate() {
            let records: Vec<String> =
                lengths.iter().map(|length| format!("{number:<length$}\n")).collect();
            all.extend(records.iter().map(String::as_str));
            let records: Vec<&str> = records.iter().map(String::as_str).collect();
            write(&mut sink, &records).unwrap();
        }
        let mut names = visible(&fake);
        names.rotate_left(1); // the live file is the last
        let texts: Vec<String> = names.iter().map(|name| fake.text(name)).collect();
        prop_assert_eq!(texts.concat(), all);
        for text in &texts {
            let fits = text.len() as u64 <= limit || text.lines().count() == 1;
            prop_assert!(fits && !text.is_empty());
        }
        // And none could have taken one more.
        for pair in texts.windows(2) {
            let next = pair[1].lines().next().unwrap().len() + 1;
            prop_assert!((pair[0].len() + next) as u64 > limit);
        }
    }
}
