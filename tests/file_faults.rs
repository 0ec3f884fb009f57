//! Disks that fail and fill up: no torn or doubled byte, an exact count, and it goes on by itself.

mod support;

use nexlog::{Archive, File, Json, Keep, Logger, Rotate, info};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use support::child::{self, told};
use support::random::Random;
use support::{Folder, MODES, PATIENCE, assert_balanced, lines, mode, shim};

support::child::harness! {
    tests: [
        a_fault_at_each_of_two_hundred_writes_is_counted_exactly,
        interrupted_and_short_writes_lose_and_double_nothing,
        after_a_failed_sync_no_sync_is_called_a_success,
        a_disk_that_is_full_fifty_times_loses_no_archive_and_goes_on_by_itself,
        a_file_system_that_becomes_read_only_loses_no_archive_and_goes_on_by_itself,
        a_limit_on_the_size_of_files_costs_what_is_beyond_it_and_is_told,
        files_that_rotate_below_a_limit_on_their_size_lose_nothing,
    ],
    scenes: [
        log_two_hundred, log_and_sync, fill_the_disk, forbid_writing, log_to_the_limit,
        log_below_the_limit,
    ],
}

/// A scene with a fault. What was written to its file, rotated or not.
fn run(scene: &str, shim: &Path, fault: &str, expected: &str) -> Vec<String> {
    let folder = Folder::new();
    let file = folder.file("app.log");
    let variables = [("FILE", file.to_str().unwrap()), ("EXPECTED", expected)];
    let mut command = child::command(scene, &variables);
    command.env("LD_PRELOAD", shim).env("FAULT", fault);
    child::finish(command).expect_success();
    lines::of_file(&file)
}

/// 200 records, one write each; the environment says how many are lost.
fn log_two_hundred() {
    let logger = nexlog::builder()
        .file(File::at(told("FILE")).format(Json::new()))
        .on_error(|_| {})
        .install()
        .unwrap();
    for number in 0..200_u64 {
        info!("step", thread = 0, number);
    }
    let _ = logger.flush(PATIENCE);
    let stats = logger.stats();
    let expected: u64 = told("EXPECTED").parse().unwrap();
    assert_balanced(&stats);
    assert_eq!((stats.errors, stats.dropped_by.sink), (expected, expected));
    assert_eq!(stats.written, 200 - expected);
}

fn a_fault_at_each_of_two_hundred_writes_is_counted_exactly() {
    let folder = Folder::new();
    let shim = shim::compile(&folder);
    for kind in ["eio", "enospc", "efbig"] {
        for number in 1..=200_u64 {
            let fault = format!("{kind}@{number}");
            let written = run("log_two_hundred", &shim, &fault, "1");
            let records = lines::parse(&written);
            // 199 records, and one that tells what was lost, at the next write.
            assert_eq!(records.len(), 200, "{fault}");
            let told = lines::with_message(&records, "records lost by sink");
            assert_eq!(told.len(), 1, "{fault}");
            assert_eq!(told[0]["dropped"], 1, "{fault}");
            let steps = lines::with_message(&records, "step");
            let numbers: Vec<u64> = steps.iter().map(|r| r["number"].as_u64().unwrap()).collect();
            let expected: Vec<u64> = (0..200).filter(|n| n + 1 != number).collect();
            assert_eq!(numbers, expected, "{fault}");
        }
    }
}

fn interrupted_and_short_writes_lose_and_double_nothing() {
    let folder = Folder::new();
    let shim = shim::compile(&folder);
    let single = (1..=200).flat_map(|n| [format!("short@{n}"), format!("eintr@{n}")]);
    for fault in single.chain(["short".to_owned(), "eintr".to_owned()]) {
        let written = run("log_two_hundred", &shim, &fault, "0");
        lines::assert_steps(&written, &[200]);
    }
}

fn log_and_sync() {
    let logger = nexlog::builder()
        .file(File::at(told("FILE")).format(Json::new()))
        .on_error(|_| {})
        .install()
        .unwrap();
    for number in 0..10_u64 {
        info!("step", thread = 0, number);
        let outcome = logger.sync(PATIENCE);
        assert!(outcome.is_err(), "a false Ok after {number} records");
    }
    assert_eq!(logger.stats().written, 10);
}

fn after_a_failed_sync_no_sync_is_called_a_success() {
    let folder = Folder::new();
    let shim = shim::compile(&folder);
    lines::assert_steps(&run("log_and_sync", &shim, "sync@1", ""), &[10]);
}

/// A logger whose file rotates often, on a disk with trouble ahead.
fn troubled(folder: &Path) -> Logger {
    let file = File::at(folder.join("app.log"))
        .format(Json::new())
        .rotate(Rotate::size(8_000))
        .archive(Archive::sequence())
        .keep(Keep::files(1_000))
        .mapped(std::env::var("MAPPED").is_ok_and(|value| value == "yes"));
    nexlog::builder().file(file).on_error(|_| {}).install().unwrap()
}

/// Logs so many records, numbered on.
fn log(next: &mut u64, records: u64) {
    for _ in 0..records {
        info!("step", thread = 0, number = *next);
        *next += 1;
    }
}

/// When the trouble is over: what was written is there, in order, in as many archives as there
/// were rotations, with the loss.
fn assert_exact(logger: &Logger, folder: &Path) {
    logger.flush(PATIENCE).unwrap();
    let stats = logger.stats();
    assert_balanced(&stats);
    assert!(stats.dropped > 1_000, "hardly any trouble: {stats:?}");
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("app.log."))
        .collect();
    names.sort();
    assert_eq!(names.len() as u64, stats.rotations, "an archive was lost");
    names.push("app.log".to_owned());
    let all: Vec<_> = names.iter().flat_map(|name| lines::of_file(&folder.join(name))).collect();
    let records = lines::parse(&all);
    let steps = lines::with_message(&records, "step");
    assert_eq!(steps.len() as u64, stats.written);
    let numbers: Vec<u64> = steps.iter().map(|record| record["number"].as_u64().unwrap()).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "out of order or twice");
    assert_eq!(lines::sum(&records, "records lost by sink", "dropped"), stats.dropped);
}

/// On a small disk that is filled up and emptied again, 50 times.
fn fill_the_disk() {
    let folder = PathBuf::from(told("FOLDER"));
    let logger = troubled(&folder);
    let (mut random, mut next) = (Random::new(7), 0);
    for round in 0..50 {
        log(&mut next, random.below(40));
        let ballast = folder.join("ballast");
        let mut filling = fs::File::create(&ballast).unwrap();
        let block = vec![0; 1 + usize::try_from(random.below(5_000)).unwrap()];
        while filling.write_all(&block).is_ok() {}
        while filling.write_all(b"x").is_ok() {}
        log(&mut next, 200);
        let lost = logger.stats().dropped;
        drop(filling);
        fs::remove_file(&ballast).unwrap();
        let freed = Instant::now();
        log(&mut next, 1);
        assert_eq!(logger.stats().dropped, lost, "it does not go on by itself in round {round}");
        assert!(freed.elapsed() < Duration::from_secs(1));
    }
    assert_exact(&logger, &folder);
}

/// A file system that only one process sees.
const UNSHARE: [&str; 2] = ["--mount", "--map-root-user"];

/// A file system of its own takes root, or a system that lets users have name spaces.
fn a_disk_that_is_full_fifty_times_loses_no_archive_and_goes_on_by_itself() {
    let folder = Folder::new();
    let disk = folder.path().to_str().unwrap().to_owned();
    let can = Command::new("unshare").args(UNSHARE).arg("true").status();
    if !can.is_ok_and(|status| status.success()) {
        let is_ci = std::env::var("CI").is_ok_and(|value| value == "true");
        assert!(!is_ci, "no mount name space; run the tests as root");
        eprintln!("SKIPPED: no mount name space here; to run this: as root");
        return;
    }
    for mapped in ["no", "yes"] {
        let variables = [("FOLDER", disk.as_str()), ("MAPPED", mapped)];
        on_a_small_disk(&child::command("fill_the_disk", &variables)).expect_success();
    }
}

/// Runs the child with a disk of 1 MiB at its `FOLDER`.
fn on_a_small_disk(child: &Command) -> child::Outcome {
    let mut command = Command::new("unshare");
    command.args(UNSHARE).args(["sh", "-c"]);
    command.arg("mount -t tmpfs -o size=1m tmpfs \"$FOLDER\" && exec \"$0\"");
    command.arg(child.get_program());
    for (name, value) in child.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    child::finish(command)
}

/// Writing is forbidden and allowed again, 20 times between two records and then at any instant,
/// also between two steps of a rotation.
fn forbid_writing() {
    let folder = PathBuf::from(told("FOLDER"));
    let switch = PathBuf::from(told("SWITCH"));
    let forbid = || drop(fs::File::create(&switch).unwrap());
    let allow = || fs::remove_file(&switch).unwrap();
    let logger = troubled(&folder);
    let (mut random, mut next) = (Random::new(7), 0);
    for round in 0..20 {
        log(&mut next, random.below(200));
        forbid();
        let before = logger.stats();
        log(&mut next, 200);
        assert_eq!(logger.rotate().is_err(), before.written > 0, "what cannot be was done");
        let stats = logger.stats();
        assert_eq!((stats.written, stats.dropped), (before.written, before.dropped + 200));
        allow();
        log(&mut next, 1);
        assert_eq!(logger.stats().dropped, stats.dropped, "it does not go on in round {round}");
    }
    std::thread::scope(|scope| {
        let flips = scope.spawn(|| {
            // A rotation that stops halfway costs a second in which there is none.
            let end = Instant::now() + PATIENCE;
            for flip in 0.. {
                if flip >= 200 && logger.stats().rotations > 10 {
                    break;
                }
                assert!(Instant::now() < end, "{:?}", logger.stats());
                forbid();
                std::thread::sleep(Duration::from_micros(random.below(2_000)));
                allow();
                std::thread::sleep(Duration::from_micros(random.below(4_000)));
            }
        });
        while !flips.is_finished() {
            log(&mut next, 50);
            let _ = logger.rotate(); // after a failure it is not tried for a second by itself
        }
    });
    // A rotation that stopped between its two renames leaves the next live file to the look that
    // is due once a second.
    let end = Instant::now() + PATIENCE;
    while !folder.join("app.log").exists() {
        assert!(Instant::now() < end, "the live file is never made again");
        log(&mut next, 1);
    }
    log(&mut next, 1);
    assert!(logger.stats().rotations > 10, "{:?}", logger.stats());
    assert_exact(&logger, &folder);
}

/// By a shim: the kernel lets nobody make a file system read-only that has a file open for
/// writing, and the ones that become so by themselves, after an error, never come back without
/// being mounted anew.
fn a_file_system_that_becomes_read_only_loses_no_archive_and_goes_on_by_itself() {
    let (folder, tools) = (Folder::new(), Folder::new());
    let (shim, switch) = (shim::compile(&tools), tools.file("read-only"));
    let place = folder.path().to_str().unwrap();
    let variables = [("FOLDER", place), ("SWITCH", switch.to_str().unwrap())];
    let mut command = child::command("forbid_writing", &variables);
    command.env("LD_PRELOAD", &shim).env("FAULT", "erofs");
    child::finish(command).expect_success();
}

/// No file of this process gets longer; writing tells that by an error and not by a signal.
fn limit_files(bytes: libc::rlim_t) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the calls get a place for a limit, and a signal that exists is ignored.
    unsafe {
        assert_ne!(libc::signal(libc::SIGXFSZ, libc::SIG_IGN), libc::SIG_ERR);
        assert_eq!(libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit), 0);
        limit.rlim_cur = bytes.min(limit.rlim_max);
        assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit), 0);
    }
}

/// The kernel takes a part of the record that reaches the limit, and nothing behind it.
fn log_to_the_limit() {
    const LIMIT: u64 = 10_000;
    let path = PathBuf::from(told("FILE"));
    let file = File::at(&path).format(Json::new());
    let builder = nexlog::builder().file(file).mode(mode(&told("MODE"))).on_error(|_| {});
    let logger = builder.install().unwrap();
    limit_files(LIMIT);
    let mut next = 0;
    log(&mut next, 300);
    let _ = logger.flush(PATIENCE);
    let stats = logger.stats();
    assert_balanced(&stats);
    let steps = lines::of_file(&path);
    let bytes = fs::metadata(&path).unwrap().len();
    let line = steps.last().unwrap().len() as u64 + 1;
    assert!((LIMIT - line..LIMIT).contains(&bytes), "the limit is not in a record: {bytes}");
    lines::assert_steps(&steps, &[stats.written]);
    assert_eq!(stats.dropped, 300 - stats.written);
    limit_files(libc::RLIM_INFINITY);
    log(&mut next, 10);
    logger.flush(PATIENCE).unwrap();
    let after = logger.stats();
    assert_eq!((after.written, after.dropped), (stats.written + 10, stats.dropped));
    let records = lines::parse(&lines::of_file(&path));
    assert_eq!(lines::sum(&records, "records lost by sink", "dropped"), stats.dropped);
    assert_eq!(lines::with_message(&records, "step").len() as u64, after.written);
}

fn a_limit_on_the_size_of_files_costs_what_is_beyond_it_and_is_told() {
    for (name, _) in MODES {
        let folder = Folder::new();
        let path = folder.file("app.log");
        let variables = [("FILE", path.to_str().unwrap()), ("MODE", name)];
        child::run("log_to_the_limit", &variables).expect_success();
    }
}

/// The space that is set aside for each file is beyond the limit, too.
fn log_below_the_limit() {
    let path = PathBuf::from(told("FILE"));
    let limit = told("LIMIT").parse().unwrap();
    let file = File::at(&path).format(Json::new()).rotate(Rotate::size(limit));
    let file = file.archive(Archive::sequence()).preallocate(1 << 20);
    let builder = nexlog::builder().file(file).mode(mode(&told("MODE")));
    let logger = builder.install().unwrap();
    limit_files(limit);
    log(&mut 0, 2_000);
    logger.flush(PATIENCE).unwrap();
    let stats = logger.stats();
    assert_balanced(&stats);
    assert_eq!((stats.written, stats.errors), (2_000, 0));
    let archives = (1..=stats.rotations).map(|number| format!("app.log.{number:06}"));
    let files = archives.map(|name| path.with_file_name(name)).chain([path.clone()]);
    let all: Vec<String> = files.flat_map(|file| lines::of_file(&file)).collect();
    lines::assert_steps(&all, &[2_000]);
}

fn files_that_rotate_below_a_limit_on_their_size_lose_nothing() {
    let folder = Folder::new();
    let logger = nexlog::builder().file(File::at(folder.file("app.log")).format(Json::new()));
    info!(logger(&logger.build().unwrap()), "step", thread = 0, number = 1_000);
    let line = fs::metadata(folder.file("app.log")).unwrap().len();
    for (name, _) in MODES {
        // One byte less than some lines take. The second is less than what a new file has to have
        // room for.
        for limit in [100 * line - 1, 5 * line - 1] {
            let folder = Folder::new();
            let (path, limit) = (folder.file("app.log"), limit.to_string());
            let place = ("FILE", path.to_str().unwrap());
            let variables = [place, ("MODE", name), ("LIMIT", &limit)];
            child::run("log_below_the_limit", &variables).expect_success();
        }
    }
}
