//! Files that rotate themselves: every record once and in order over all archives, limits and
//! retention exact, in every mode.

mod support;

use nexlog::{Archive, Compression, Error, File, GIB, Json, KIB, Keep, Period, Rotate, info};
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;
use support::{Folder, MODES, PATIENCE, assert_balanced, lines, scaled, wait_until};

const THREADS: u64 = 8;

/// The files beside the live one whose names do not begin with a dot, sorted.
fn archives(folder: &Path, live: &str) -> Vec<OsString> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> =
        names.filter(|name| name != live && !name.as_encoded_bytes().starts_with(b".")).collect();
    names.sort();
    names
}

/// All records of 8 threads over `rotations` rotations.
fn log_on_all_threads(logger: &nexlog::Logger, records: u64) {
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                for number in 0..records {
                    info!(logger(logger), "step", thread, number);
                }
            });
        }
    });
    logger.flush(PATIENCE).unwrap();
}

#[test]
fn ten_thousand_rotations_lose_and_split_nothing() {
    // A line has about 100 bytes, so each file takes one or two.
    let limit = 230;
    let rotations = scaled(10_000, 100_000);
    for ((name, mode), mapped) in MODES.into_iter().flat_map(|mode| [(mode, false), (mode, true)]) {
        let folder = Folder::new();
        let file = File::at(folder.file("app.log"))
            .format(Json::new())
            .rotate(Rotate::size(limit))
            .archive(Archive::sequence())
            .mapped(mapped);
        let logger = nexlog::builder().file(file).mode(mode).build().unwrap();
        let started = std::time::Instant::now();
        log_on_all_threads(&logger, 2 * rotations / THREADS + 10);
        eprintln!("{name}, mapped {mapped}: {:?}", started.elapsed());
        let stats = logger.stats();
        assert_balanced(&stats);
        let names = archives(folder.path(), "app.log");
        assert!(stats.rotations >= rotations, "{name}: {}", stats.rotations);
        assert_eq!(names.len() as u64, stats.rotations, "{name}: an archive was overwritten");
        let mut all = Vec::new();
        for (place, archive) in names.iter().enumerate() {
            assert_eq!(archive, format!("app.log.{:06}", place + 1).as_str());
            let path = folder.path().join(archive);
            let bytes = std::fs::metadata(&path).unwrap().len();
            assert!(0 < bytes && bytes <= limit, "{name}: {archive:?} has {bytes} bytes");
            all.extend(lines::of_file(&path));
        }
        all.extend(lines::of_file(&folder.file("app.log")));
        lines::assert_steps(&all, &[2 * rotations / THREADS + 10; 8]);
    }
}

/// What a watcher sees at any moment: at most so many archives, and those that are left are the
/// last ones, without a gap in any thread's records.
#[test]
fn retention_is_exact_at_every_moment() {
    for archive in [Archive::numbered(), Archive::sequence()] {
        for (name, mode) in MODES {
            let folder = Folder::new();
            let file = File::at(folder.file("app.log"))
                .rotate(Rotate::size(KIB))
                .archive(archive.clone())
                .keep(Keep::files(5).total_bytes(GIB).max_age(Duration::from_secs(86_400)));
            let logger = nexlog::builder().file(file).mode(mode).build().unwrap();
            let stop = AtomicBool::new(false);
            let most = std::thread::scope(|scope| {
                let watcher = scope.spawn(|| {
                    let mut most = 0;
                    while !stop.load(SeqCst) {
                        // A listing during renames may show a file under both of its names.
                        let seen = archives(folder.path(), "app.log");
                        if seen == archives(folder.path(), "app.log") {
                            most = most.max(seen.len());
                        }
                    }
                    most
                });
                log_on_all_threads(&logger, scaled(500, 5_000));
                stop.store(true, SeqCst);
                watcher.join().unwrap()
            });
            let stats = logger.stats();
            assert!(most <= 5, "{name}: {most} archives at once");
            assert_eq!(archives(folder.path(), "app.log").len(), 5);
            assert!(stats.rotations > 100 && stats.dropped == 0, "{stats:?}");
        }
    }
}

#[test]
fn a_demand_rotates_what_was_accepted_before_it() {
    for (_, mode) in MODES {
        let folder = Folder::new();
        let file = File::at(folder.file("app.log")).preallocate(GIB / 1024);
        let logger = nexlog::builder().file(file).mode(mode).build().unwrap();
        logger.rotate().unwrap();
        assert!(archives(folder.path(), "app.log").is_empty(), "an empty archive");
        for number in 0..100_u64 {
            info!(logger(&logger), "step", thread = 0, number);
        }
        logger.rotate().unwrap();
        assert_eq!(logger.stats().rotations, 1);
        lines::assert_steps(&lines::of_file(&folder.file("app.log.1")), &[100]);
        assert_eq!(std::fs::metadata(folder.file("app.log")).unwrap().len(), 0);
    }
}

#[test]
fn archives_are_compressed_for_the_usual_programs_and_none_is_left_over() {
    let kinds = [(Compression::Gzip, "gz", "gzip"), (Compression::Zstd, "zst", "zstd")];
    for (compression, ending, program) in kinds {
        let folder = Folder::new();
        let file =
            File::at(folder.file("app.log")).rotate(Rotate::size(10 * KIB)).compress(compression);
        let logger = nexlog::builder().file(file).build().unwrap();
        log_on_all_threads(&logger, 200);
        let is_packed = || {
            let names = archives(folder.path(), "app.log");
            names.iter().all(|name| Path::new(name).extension().is_some_and(|e| e == ending))
        };
        wait_until("all archives are compressed", is_packed);
        assert_eq!(logger.stats().errors, 0);
        drop(logger);
        let mut lines = lines::of_file(&folder.file("app.log")).len();
        for name in archives(folder.path(), "app.log") {
            let path = folder.path().join(name);
            // Without that program only the count of files can be checked.
            if !support::is_there(&mut Command::new(program), program) {
                return;
            }
            let output = Command::new(program).arg("-dc").arg(&path).output().unwrap();
            assert!(output.status.success(), "{}", path.display());
            lines += output.stdout.split_inclusive(|byte| *byte == b'\n').count();
        }
        assert_eq!(lines as u64, 200 * THREADS);
    }
}

#[test]
fn what_cannot_work_is_said_when_the_logger_is_built() {
    let folder = Folder::new();
    let at = || File::at(folder.file("app.log"));
    for (file, option, remedy) in [
        (at().rotate(Rotate::size(0)), "rotate", "10 * MIB"),
        (at().keep(Keep::files(0)), "keep", "at least 1"),
        (at().keep(Keep::files(2_000)), "keep", "Archive::sequence()"),
        (at().archive(Archive::dated("app-%d.log")), "archive", "%Y"),
        (
            at().rotate(Rotate::every(Period::Day).local()).archive(Archive::dated("a/%Y")),
            "archive",
            "folder",
        ),
    ] {
        match nexlog::builder().file(file).build() {
            Err(Error::Option { option: named, problem }) => {
                assert_eq!(named, option);
                assert!(problem.contains(remedy), "{problem}");
            }
            other => panic!("not refused: {other:?}"),
        }
    }
    assert!(!folder.file("app.log").exists(), "a refusal makes nothing");
}

/// Somebody who can write to the folder swaps the live file for a link, again and again.
#[test]
fn a_swapped_link_leads_no_record_outside() {
    let (folder, outside) = (Folder::new(), Folder::new());
    let (live, victim) = (folder.file("app.log"), outside.file("victim"));
    std::fs::write(&victim, "precious").unwrap();
    let file = File::at(&live).rotate(Rotate::size(KIB)).keep(Keep::files(3));
    let logger = nexlog::builder().file(file).on_error(|_| {}).build().unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(SeqCst) {
                for name in ["app.log", ".app.log.next", "app.log.1"] {
                    let path = folder.file(name);
                    let _ = std::fs::remove_file(&path);
                    let _ = std::os::unix::fs::symlink(&victim, &path);
                    std::thread::yield_now();
                    let _ = std::fs::remove_file(&path);
                }
            }
        });
        let end = std::time::Instant::now() + Duration::from_secs(scaled(2, 10));
        let mut number = 0_u64;
        while std::time::Instant::now() < end {
            info!(logger(&logger), "step", thread = 0, number);
            number += 1;
            if number.is_multiple_of(50) {
                let _ = logger.reopen();
            }
        }
        stop.store(true, SeqCst);
    });
    assert_eq!(std::fs::read(&victim).unwrap(), b"precious");
    assert_balanced(&logger.stats());
}
