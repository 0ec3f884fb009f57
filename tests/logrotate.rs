//! The real `logrotate` on files that are being written: nothing is lost where it renames, and no
//! hole is left where it copies and truncates.

mod support;

use nexlog::{File, Json, Mode, info};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};
use support::{Folder, PATIENCE, assert_balanced, lines, wait_until};

const RUNS: usize = 200;

/// The program; not every user has its folder in the path.
fn program() -> Command {
    let usual = Path::new("/usr/sbin/logrotate");
    Command::new(if usual.exists() { usual } else { Path::new("logrotate") })
}

/// Whether there is a `logrotate`; `.ci/run` sees to it.
fn is_there() -> bool {
    support::is_there(&mut program(), "logrotate")
}

struct Logrotate<'a> {
    folder: &'a Folder,
}

impl Logrotate<'_> {
    fn new<'a>(folder: &'a Folder, options: &str) -> Logrotate<'a> {
        let log = folder.file("app.log");
        let text = format!("\"{}\" {{\n  rotate 1000\n  nocompress\n{options}}}\n", log.display());
        std::fs::write(folder.file("logrotate.conf"), text).unwrap();
        Logrotate { folder }
    }

    fn run(&self) {
        let mut command = program();
        command.arg("-f").arg("-s").arg(self.folder.file("state"));
        let output = command.arg(self.folder.file("logrotate.conf")).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && !text.contains("error"), "logrotate: {text}");
    }
}

/// The records of all files, the oldest first.
fn all_lines(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let names = names.map(|name| name.into_string().unwrap());
    let mut numbers: Vec<u32> = names
        .filter_map(|name| name.strip_prefix("app.log.").and_then(|number| number.parse().ok()))
        .collect();
    numbers.sort_unstable_by(|a, b| b.cmp(a));
    let archives = numbers.iter().map(|number| folder.join(format!("app.log.{number}")));
    archives.chain([folder.join("app.log")]).flat_map(|path| lines::of_file(&path)).collect()
}

/// Logs on four threads while `meanwhile` runs. How many records each thread made.
fn under_load(logger: &nexlog::Logger, meanwhile: impl FnOnce()) -> [u64; 4] {
    let stop = AtomicBool::new(false);
    let counts = std::thread::scope(|scope| {
        let threads = [0_u64, 1, 2, 3].map(|thread| {
            let stop = &stop;
            scope.spawn(move || {
                let mut number = 0_u64;
                while !stop.load(SeqCst) {
                    info!(logger(logger), "step", thread, number);
                    number += 1;
                    if number.is_multiple_of(64) {
                        std::thread::sleep(Duration::from_millis(1));
                    }
                }
                number
            })
        });
        meanwhile();
        stop.store(true, SeqCst);
        threads.map(|thread| thread.join().unwrap())
    });
    logger.flush(PATIENCE).unwrap();
    counts
}

#[test]
fn renamed_files_lose_nothing() {
    if !is_there() {
        return;
    }
    for (mode, mapped) in
        [(Mode::Immediate, false), (Mode::Background, false), (Mode::Immediate, true)]
    {
        let folder = Folder::new();
        let file = File::at(folder.file("app.log")).format(Json::new()).mapped(mapped);
        let logger = nexlog::builder().file(file).mode(mode).build().unwrap();
        let logrotate = Logrotate::new(&folder, "  create 0600\n");
        let counts = under_load(&logger, || {
            for run in 0..RUNS / 2 {
                logrotate.run();
                // Half of them as a `postrotate` would, half by itself.
                if run % 2 == 0 {
                    logger.reopen().unwrap();
                }
            }
        });
        let stats = logger.stats();
        assert_balanced(&stats);
        assert_eq!((stats.dropped, stats.errors), (0, 0));
        lines::assert_steps(&all_lines(folder.path()), &counts);
    }
}

#[test]
fn a_file_that_nobody_makes_again_is_made_within_a_second() {
    if !is_there() {
        return;
    }
    let folder = Folder::new();
    let path = folder.file("app.log");
    let logger = nexlog::builder().file(File::at(&path)).build().unwrap();
    let logrotate = Logrotate::new(&folder, "  nocreate\n");
    let mut number = 0_u64;
    for _ in 0..3 {
        info!(logger(&logger), "step", thread = 0, number);
        number += 1;
        logrotate.run();
        let renamed = Instant::now();
        while !path.exists() {
            info!(logger(&logger), "step", thread = 0, number);
            number += 1;
            std::thread::sleep(Duration::from_millis(5));
        }
        let took = renamed.elapsed();
        assert!(took < Duration::from_millis(1_300), "{took:?}");
    }
    lines::assert_steps(&all_lines(folder.path()), &[number]);
    std::fs::remove_file(&path).unwrap();
    std::thread::sleep(Duration::from_secs(1));
    info!(logger(&logger), "after the file was deleted");
    assert_eq!(lines::of_file(&path).len(), 1);
}

#[test]
fn copying_and_truncating_leaves_no_hole() {
    if !is_there() {
        return;
    }
    for (mode, mapped) in [
        (Mode::Immediate, false),
        (Mode::Buffered, false),
        (Mode::Immediate, true),
        (Mode::Buffered, true),
    ] {
        let folder = Folder::new();
        let file = File::at(folder.file("app.log")).format(Json::new()).mapped(mapped);
        let logger = nexlog::builder().file(file).mode(mode).build().unwrap();
        let logrotate = Logrotate::new(&folder, "  copytruncate\n");
        under_load(&logger, || (0..RUNS / 2).for_each(|_| logrotate.run()));
        assert_balanced(&logger.stats());
        for entry in std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
            // Who copies a mapped file may meet it in the middle of a write: the length comes first.
            let is_copy = entry.file_name() != "app.log";
            if (mapped && is_copy) || entry.path().is_dir() {
                continue;
            }
            let bytes = std::fs::read(entry.path()).unwrap();
            assert!(!bytes.contains(&0), "a hole in {:?}", entry.path());
        }
        for line in lines::of_file(&folder.file("app.log")) {
            lines::step(&line);
        }
    }
}

/// `kill -HUP`, as in a `postrotate`.
#[test]
fn the_signal_opens_the_file_again() {
    let folder = Folder::new();
    let path = folder.file("app.log");
    let file = File::at(&path).reopen_on_hangup();
    let logger = nexlog::builder().file(file).build().unwrap();
    info!(logger(&logger), "before");
    std::fs::rename(&path, folder.file("app.log.1")).unwrap();
    // SAFETY: a signal to this process, which has a handler for it.
    assert_eq!(unsafe { libc::raise(libc::SIGHUP) }, 0);
    wait_until("the file is open again", || {
        info!(logger(&logger), "after");
        path.exists()
    });
    assert_eq!(lines::of_file(&folder.file("app.log.1")).len(), 1);
}
