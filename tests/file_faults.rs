//! Disks that fail and fill up: no torn or doubled byte, an exact count, and it goes on by itself.

mod support;

use nexlog::{Archive, File, Json, Keep, Rotate, info};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use support::child::{self, told};
use support::random::Random;
use support::{Folder, PATIENCE, assert_balanced, lines};

support::child::harness! {
    tests: [
        a_fault_at_each_of_two_hundred_writes_is_counted_exactly,
        interrupted_and_short_writes_lose_and_double_nothing,
        after_a_failed_sync_no_sync_is_called_a_success,
        a_disk_that_is_full_fifty_times_loses_no_archive_and_goes_on_by_itself,
    ],
    scenes: [log_two_hundred, log_and_sync, fill_the_disk],
}

/// The faults, compiled by the compiler that links Rust programs.
fn shim(folder: &Folder) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/faults.c");
    let library = folder.file("faults.so");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl");
    assert!(compiler.status().expect("a C compiler").success());
    library
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
    let shim = shim(&folder);
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
    let shim = shim(&folder);
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
    let shim = shim(&folder);
    lines::assert_steps(&run("log_and_sync", &shim, "sync@1", ""), &[10]);
}

/// On a small disk that is filled up and emptied again, 50 times.
fn fill_the_disk() {
    let folder = PathBuf::from(told("FOLDER"));
    let file = File::at(folder.join("app.log"))
        .format(Json::new())
        .rotate(Rotate::size(8_000))
        .archive(Archive::sequence())
        .keep(Keep::files(1_000))
        .mapped(told("MAPPED") == "yes");
    let logger = nexlog::builder().file(file).on_error(|_| {}).install().unwrap();
    let (mut random, mut number) = (Random::new(7), 0_u64);
    let mut log = |records: u64| {
        for _ in 0..records {
            info!("step", thread = 0, number);
            number += 1;
        }
    };
    for round in 0..50 {
        log(random.below(40));
        let ballast = folder.join("ballast");
        let mut filling = fs::File::create(&ballast).unwrap();
        let block = vec![0; 1 + usize::try_from(random.below(5_000)).unwrap()];
        while filling.write_all(&block).is_ok() {}
        while filling.write_all(b"x").is_ok() {}
        log(200);
        let lost = logger.stats().dropped;
        drop(filling);
        fs::remove_file(&ballast).unwrap();
        let freed = Instant::now();
        log(1);
        assert_eq!(logger.stats().dropped, lost, "it does not go on by itself in round {round}");
        assert!(freed.elapsed() < Duration::from_secs(1));
    }
    logger.flush(PATIENCE).unwrap();
    let stats = logger.stats();
    assert_balanced(&stats);
    assert!(stats.dropped > 1_000, "the disk was never full: {stats:?}");
    println!("{} {} {}", stats.written, stats.dropped, stats.rotations);
    let mut names: Vec<_> = fs::read_dir(&folder)
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
