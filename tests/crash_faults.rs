//! Faults of the ring file itself: the logger goes on without it, and says so.

mod support;

use nexlog::{Error, File, Json, Mode, info};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::child::{self, told};
use support::{Folder, assert_balanced, lines, scaled, shim};

support::child::harness! {
    tests: [
        no_space_for_a_ring_or_for_more_of_it_is_told_and_costs_nothing,
        a_limit_on_the_size_of_files_ends_no_process,
        a_ring_that_somebody_cuts_or_deletes_ends_no_process,
        a_folder_of_rings_that_is_not_ours_is_not_used,
        many_threads_come_and_go_in_a_small_ring,
        a_kill_of_many_threads_loses_nothing,
        more_loggers_than_there_can_be_rings_are_told,
    ],
    scenes: [log_much, log_under_a_limit, log_on_many_threads],
}

type Told = Arc<Mutex<Vec<String>>>;

fn builder(path: &Path, told: &Told) -> nexlog::Builder {
    let told = Arc::clone(told);
    let on_error = move |error: &Error| told.lock().unwrap().push(error.to_string());
    nexlog::builder()
        .file(File::at(path).format(Json::new()))
        .mode(Mode::Buffered)
        .on_error(on_error)
}

fn ring(folder: &Path) -> PathBuf {
    let rings = std::fs::read_dir(folder.join(".app.log.lanes")).unwrap();
    rings.map(|ring| ring.unwrap().path()).next().unwrap()
}

/// What was told, all of it about the ring.
#[track_caller]
fn assert_told(told: &Told, what: &str) {
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains(what) && told[0].contains("crash_dir"), "{told:?}");
}

/// More than the first chunk holds, with nobody to drain it: a second one is asked for.
fn log_much() {
    let told_errors = Told::default();
    let path = PathBuf::from(told("FILE"));
    let logger = builder(&path, &told_errors)
        .lane_bytes(4 << 20)
        .flush_interval(nexlog::HOUR)
        .build()
        .unwrap();
    (0..30_000_u64).for_each(|number| info!(logger(&logger), "step", thread = 0, number));
    logger.flush(support::PATIENCE).unwrap();
    std::thread::sleep(Duration::from_millis(1_100)); // it is looked at once a second
    info!(logger(&logger), "step", thread = 0, number = 30_000_u64);
    logger.flush(support::PATIENCE).unwrap();
    assert_balanced(&logger.stats());
    assert_told(&told_errors, &told("TELLS"));
}

fn no_space_for_a_ring_or_for_more_of_it_is_told_and_costs_nothing() {
    let tools = Folder::new();
    let shim = shim::compile(&tools);
    for (fault, tells) in [
        ("full@1", "cannot make the ring"),
        ("full@3", "cannot make the ring"),
        ("full@4", "cannot grow the ring"),
    ] {
        let folder = Folder::new();
        let path = folder.file("app.log");
        let variables = [("FILE", path.to_str().unwrap()), ("TELLS", tells)];
        let mut command = child::command("log_much", &variables);
        command.env("LD_PRELOAD", &shim).env("FAULT", fault);
        child::finish(command).expect_success();
        lines::assert_steps(&lines::of_file(&path), &[30_001]);
        let left: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert!(left.len() <= 2, "{fault}: {left:?}"); // the log, and perhaps the empty folder
    }
}

fn log_under_a_limit() {
    // SAFETY: changes a limit of this process alone.
    unsafe {
        let limit = libc::rlimit { rlim_cur: 400_000, rlim_max: 400_000 };
        assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit), 0);
    }
    let told_errors = Told::default();
    let logger = builder(Path::new(&told("FILE")), &told_errors).build().unwrap();
    (0..100_u64).for_each(|number| info!(logger(&logger), "step", thread = 0, number));
    assert_told(&told_errors, "ulimit");
}

fn a_limit_on_the_size_of_files_ends_no_process() {
    let folder = Folder::new();
    let path = folder.file("app.log");
    child::run("log_under_a_limit", &[("FILE", path.to_str().unwrap())]).expect_success();
    lines::assert_steps(&lines::of_file(&path), &[100]);
}

fn a_ring_that_somebody_cuts_or_deletes_ends_no_process() {
    for (what, tells) in [("cut", "cut by somebody"), ("deleted", "removed by somebody")] {
        let folder = Folder::new();
        let path = folder.file("app.log");
        let told = Told::default();
        let logger = builder(&path, &told).build().unwrap();
        let mut number = 0_u64;
        let mut log = |count| {
            for _ in 0..count {
                info!(logger(&logger), "step", thread = 0, number);
                number += 1;
            }
        };
        log(10);
        let ring = ring(folder.path());
        match what {
            "cut" => {
                std::fs::OpenOptions::new().write(true).open(ring).unwrap().set_len(0).unwrap();
            }
            _ => std::fs::remove_file(ring).unwrap(),
        }
        log(10_000);
        logger.flush(support::PATIENCE).unwrap();
        std::thread::sleep(Duration::from_millis(1_100));
        log(10);
        // Another thread, another lane.
        std::thread::scope(|scope| {
            let logger = &logger;
            scope.spawn(move || {
                (0..10_u64).for_each(|number| info!(logger(logger), "step", thread = 1, number));
            });
        });
        logger.flush(support::PATIENCE).unwrap();
        let stats = logger.stats();
        drop(logger);
        assert_told(&told, tells);
        assert_balanced(&stats);
        if what == "cut" {
            // What was not drained when it was cut is gone, and what followed it in its 16 KiB.
            let written = lines::of_file(&path).len() as u64;
            assert!((9_500..=10_030).contains(&written), "{written} of {number}: {stats:#?}");
            assert_eq!(stats.dropped_by.ring, stats.dropped);
        } else {
            lines::assert_steps(&lines::of_file(&path), &[number, 10]);
        }
    }
}

fn a_folder_of_rings_that_is_not_ours_is_not_used() {
    let folder = Folder::new();
    let (path, home, other) =
        (folder.file("app.log"), folder.file(".app.log.lanes"), folder.file("other"));
    std::fs::create_dir(&other).unwrap();
    // SAFETY: asks for a number.
    let is_root = unsafe { libc::geteuid() } == 0;
    for kind in ["link", "file", "foreign"] {
        match kind {
            "link" => symlink(&other, &home).unwrap(),
            "file" => std::fs::write(&home, "").unwrap(),
            _ if is_root => {
                std::fs::create_dir(&home).unwrap();
                std::os::unix::fs::chown(&home, Some(1), Some(1)).unwrap();
            }
            _ => {
                println!("not run: only root can give folders away");
                continue;
            }
        }
        let told = Told::default();
        let logger = builder(&path, &told).build().unwrap();
        info!(logger(&logger), "all the same");
        drop(logger);
        let texts = told.lock().unwrap().clone();
        assert!(texts.iter().any(|text| text.contains("crash_dir")), "{kind}: {texts:?}");
        assert_eq!(std::fs::read_dir(&other).unwrap().count(), 0, "{kind}");
        let _ = std::fs::remove_file(&home).or_else(|_| std::fs::remove_dir(&home));
    }
    assert_eq!(
        lines::of_file(&path).iter().filter(|line| line.contains("all the same")).count(),
        if is_root { 3 } else { 2 }
    );
}

fn many_threads_come_and_go_in_a_small_ring() {
    let folder = Folder::new();
    let told = Told::default();
    let logger = builder(&folder.file("app.log"), &told).build().unwrap();
    for round in 0..scaled(50, 1_000) {
        std::thread::scope(|scope| {
            let log = |thread| {
                let logger = &logger;
                scope.spawn(move || info!(logger(logger), "round", round, thread))
            };
            let threads: Vec<_> = (0..8).map(log).collect();
            // The scope by itself does not wait for the destructors, in which lanes are left.
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
    }
    let ring = ring(folder.path()).metadata().unwrap().len();
    assert!(ring < 2 << 20, "{ring} bytes");
    logger.flush(support::PATIENCE).unwrap();
    let stats = logger.stats();
    assert!(stats.lanes <= 16 && told.lock().unwrap().is_empty(), "{stats:#?} {told:?}");
    assert_balanced(&stats);
}

/// More lanes than a piece of the ring has room for, all alive at once.
fn log_on_many_threads() {
    let count: u64 = told("THREADS").parse().unwrap();
    let told_errors = Told::default();
    let logger = builder(Path::new(&told("FILE")), &told_errors)
        .flush_interval(nexlog::HOUR)
        .build()
        .unwrap();
    let barrier = std::sync::Barrier::new(usize::try_from(count).unwrap());
    std::thread::scope(|scope| {
        for thread in 0..count {
            let (logger, barrier) = (&logger, &barrier);
            let small = std::thread::Builder::new().stack_size(64 << 10);
            let spawned = small.spawn_scoped(scope, move || {
                (0..3_u64).for_each(|number| info!(logger(logger), "step", thread, number));
                if barrier.wait().is_leader() {
                    // SAFETY: ends the process.
                    unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
                }
                std::thread::sleep(support::PATIENCE);
            });
            spawned.unwrap();
        }
    });
}

fn a_kill_of_many_threads_loses_nothing() {
    let count = scaled(1_000, 10_000);
    let folder = Folder::new();
    let path = folder.file("app.log");
    let variables = [("FILE", path.to_str().unwrap()), ("THREADS", &count.to_string())];
    child::run("log_on_many_threads", &variables).expect_signal(libc::SIGKILL);
    let report = nexlog::recover(folder.path()).unwrap();
    assert_eq!((report.recovered, report.problems.len()), (3 * count, 0), "{report:?}");
    lines::assert_steps(&lines::of_file(&path), &vec![3; usize::try_from(count).unwrap()]);
}

fn more_loggers_than_there_can_be_rings_are_told() {
    let folder = Folder::new();
    let told = Told::default();
    let path = |number: u32| folder.file(&format!("{number}/app.log"));
    let loggers: Vec<_> =
        (0..32).map(|number| builder(&path(number), &told).build().unwrap()).collect();
    assert!(told.lock().unwrap().is_empty(), "{told:?}");
    let another = builder(&path(32), &told).build().unwrap();
    info!(logger(&another), "all the same");
    assert_told(&told, "32 loggers");
    drop(another);
    assert_eq!(lines::of_file(&path(32)).len(), 1);
    drop(loggers);
    let again = builder(&path(33), &told).build().unwrap();
    assert_eq!(told.lock().unwrap().len(), 1, "{told:?}");
    drop(again);
}
