//! Processes that fork: no hang, nothing twice, and a child that logs like any other process.

mod support;

use nexlog::{Archive, Compression, File, Json, KIB, Mode, Rotate, info};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};
use support::child::{self, told};
use support::{Folder, MODES, PATIENCE, assert_balanced, lines, mode, scaled};

support::child::harness! {
    tests: [
        a_storm_of_forks_loses_and_doubles_nothing,
        a_child_whose_parent_hangs_in_a_sink_does_not,
        what_was_logged_before_a_logger_is_the_parents,
    ],
    scenes: [storm, hanging, early],
}

/// Runs `work` in a forked child, which then ends as `main` does. The child's exit code, or -1 of
/// one that hangs.
fn fork(work: impl FnOnce()) -> i32 {
    // SAFETY: the child goes on as this thread alone, and calls what works with that.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0);
    if pid == 0 {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        std::process::exit(i32::from(outcome.is_err()));
    }
    let (mut status, end) = (0, Instant::now() + PATIENCE);
    loop {
        // SAFETY: a child of ours.
        let ended = unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) };
        if ended == pid {
            return libc::WEXITSTATUS(status) + 256 * libc::WTERMSIG(status);
        }
        if Instant::now() > end {
            // SAFETY: as above.
            unsafe { libc::kill(pid, libc::SIGKILL) };
            return -1;
        }
        std::thread::sleep(Duration::from_micros(100));
    }
}

const THREADS: u64 = 8;
const RECORDS: u64 = 20;

/// Eight threads log while the main thread forks; each child logs as a thread of its own number.
fn storm() {
    let path = told("FILE");
    let mut file = File::at(&path).format(Json::new());
    if told("KIND") == "rotated" {
        file = file.rotate(Rotate::size(512 * KIB)).archive(Archive::sequence());
    }
    if told("KIND") == "compressed" {
        file = file.rotate(Rotate::size(512 * KIB)).archive(Archive::sequence());
        file = file.compress(Compression::Gzip);
    }
    let logger = nexlog::builder().file(file).mode(mode(&told("MODE"))).install().unwrap();
    let (stop, forks) = (AtomicBool::new(false), told("FORKS").parse::<u64>().unwrap());
    let counts = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let stop = &stop;
                scope.spawn(move || {
                    let mut number = 0_u64;
                    while !stop.load(SeqCst) {
                        info!("step", thread, number);
                        number += 1;
                        if number.is_multiple_of(32) {
                            std::thread::sleep(Duration::from_millis(1));
                        }
                    }
                    number
                })
            })
            .collect();
        for child in 0..forks {
            let code = fork(|| {
                let thread = THREADS + child;
                let log = move |from: u64, to: u64| {
                    (from..to).for_each(|number| info!("step", thread, number));
                };
                log(0, RECORDS / 2);
                // Another thread, which cannot have a lane of the parent's.
                std::thread::spawn(move || log(RECORDS / 2, RECORDS)).join().unwrap();
                if child.is_multiple_of(2) {
                    logger.flush(PATIENCE).unwrap();
                    let stats = logger.stats();
                    assert_balanced(&stats);
                    assert_eq!((stats.written, stats.errors), (RECORDS, 0));
                }
            });
            assert_eq!(code, 0, "child {child}");
        }
        stop.store(true, SeqCst);
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<u64>>()
    });
    logger.flush(PATIENCE).unwrap();
    let stats = logger.stats();
    assert_balanced(&stats);
    assert_eq!((stats.written, stats.errors), (counts.iter().sum::<u64>(), 0));
    println!("{}", counts.iter().map(u64::to_string).collect::<Vec<_>>().join(" "));
}

fn text_of(path: &Path) -> Vec<String> {
    if path.extension().is_some_and(|ending| ending == "gz") {
        let output = std::process::Command::new("gzip").arg("-dc").arg(path).output().unwrap();
        assert!(output.status.success(), "{}", path.display());
        return String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    }
    lines::of_file(path)
}

fn all_lines(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.retain(|name| name.starts_with("app.log."));
    names.sort();
    names.push("app.log".to_owned());
    names.iter().flat_map(|name| text_of(&folder.join(name))).collect()
}

fn a_storm_of_forks_loses_and_doubles_nothing() {
    let forks = scaled(100, 1_000);
    for ((mode, _), kind) in MODES
        .into_iter()
        .flat_map(|mode| ["plain", "rotated", "compressed"].map(|kind| (mode, kind)))
    {
        let folder = Folder::new();
        let (path, forks_text) = (folder.file("app.log"), forks.to_string());
        let variables = [
            ("FILE", path.to_str().unwrap()),
            ("MODE", mode),
            ("KIND", kind),
            ("FORKS", &forks_text),
        ];
        let outcome = child::run("storm", &variables).expect_success();
        let counts = outcome.stdout.trim().split(' ').map(|count| count.parse::<u64>().unwrap());
        let children = (0..forks).map(|_| RECORDS);
        let counts: Vec<u64> = counts.chain(children).collect();
        lines::assert_steps(&all_lines(folder.path()), &counts);
    }
}

/// A sink that hangs while the process forks.
fn hanging() {
    static HANGS: AtomicBool = AtomicBool::new(false);
    let slow = support::sinks::Each(|_: &nexlog::Batch<'_>| {
        HANGS.store(true, SeqCst);
        std::thread::sleep(Duration::from_secs(8));
        Ok(())
    });
    let logger = nexlog::builder().sink(slow).mode(Mode::Immediate).build().unwrap();
    let for_thread = logger.clone();
    std::thread::spawn(move || info!(logger(&for_thread), "hangs"));
    while !HANGS.load(SeqCst) {
        std::thread::yield_now();
    }
    let began = Instant::now();
    let code = fork(|| {
        info!(logger(&logger), "goes nowhere");
        assert!(logger.flush(Duration::from_millis(100)).is_err());
        // SAFETY: without what the end of a process does, which is not looked at here.
        unsafe { libc::_exit(0) };
    });
    assert_eq!(code, 0);
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    // SAFETY: as above.
    unsafe { libc::_exit(0) };
}

fn a_child_whose_parent_hangs_in_a_sink_does_not() {
    child::run("hanging", &[]).expect_success();
}

fn early() {
    info!("step", thread = 0, number = 0);
    let install = || nexlog::builder().file(File::at(told("FILE"))).install().unwrap();
    let code = fork(|| {
        install();
        info!("step", thread = 1, number = 0);
    });
    assert_eq!(code, 0);
    install();
}

fn what_was_logged_before_a_logger_is_the_parents() {
    let folder = Folder::new();
    let path = folder.file("app.log");
    child::run("early", &[("FILE", path.to_str().unwrap())]).expect_success();
    lines::assert_steps(&lines::of_file(&path), &[1, 1]);
}
