//! What the promise tests share: children with a watchdog, sinks that misbehave on demand, and
//! readers of what came out.

// Each test binary compiles this and uses a part of it.
#![allow(dead_code)]

pub mod canary;
pub mod child;
pub mod lines;
pub mod random;
pub mod shim;
pub mod sinks;
pub mod witness;

use nexlog::Mode;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// All modes, with the names that children are told.
pub const MODES: [(&str, Mode); 3] = [
    ("immediate", Mode::Immediate),
    ("buffered", Mode::Buffered),
    ("background", Mode::Background),
];

/// Longer than anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The mode of this name.
pub fn mode(name: &str) -> Mode {
    MODES.iter().find(|(known, _)| *known == name).expect("a mode's name").1
}

/// `dev`, or `full` when the variable `NEXLOG_FULL` is set.
pub fn scaled(dev: u64, full: u64) -> u64 {
    if std::env::var_os("NEXLOG_FULL").is_some() { full } else { dev }
}

/// How many times as long as usual things may take: at full numbers, and under a sanitizer, of
/// which the variable `NEXLOG_SLOW` tells.
pub fn slower() -> u32 {
    let is_slow =
        ["NEXLOG_FULL", "NEXLOG_SLOW"].iter().any(|name| std::env::var_os(name).is_some());
    if is_slow { 10 } else { 1 }
}

/// Returns when it is true; fails the test when that takes too long.
#[track_caller]
pub fn wait_until(what: &str, mut is_true: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_true() {
        assert!(Instant::now() < end, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Accepted is what was written and what was dropped, exactly. Only at rest.
#[track_caller]
pub fn assert_balanced(stats: &nexlog::Stats) {
    assert_eq!(stats.accepted + stats.recovered, stats.written + stats.dropped, "{stats:#?}");
    assert_eq!(stats.dropped_by.total(), stats.dropped, "{stats:#?}");
}

/// A folder that is removed when dropped.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("promises").join(name);
        std::fs::create_dir_all(&path).expect("a folder for the test");
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Whether a program can be run, with which a test checks. In CI it has to be there; elsewhere
/// the test says that it was skipped.
pub fn is_there(program: &mut Command, package: &str) -> bool {
    is_installed(program, &format!("apt-get install {package}"))
}

/// The same for what is installed by this command.
pub fn is_installed(program: &mut Command, install: &str) -> bool {
    let name = program.get_program().to_string_lossy().into_owned();
    let is_there = program.arg("--version").output().is_ok();
    let is_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(is_there || !is_ci, "no {name}; `.ci/run` installs it: {install}");
    if !is_there {
        eprintln!("SKIPPED: no {name} here; to run this: {install}");
    }
    is_there
}
