//! Processes that are killed while records wait in their buffers: the next start writes what
//! their calls had returned from, once, whole and in order.

mod support;

use nexlog::{Compression, File, Json, Keep, Logger, Mode, Rotate, info};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use support::child::{self, told};
use support::random::Random;
use support::witness::Witness;
use support::{Folder, MODES, PATIENCE, lines, mode, scaled, shim, wait_until};

support::child::harness! {
    tests: [
        a_kill_at_any_instant_loses_and_doubles_nothing,
        a_kill_while_files_rotate_and_compress_loses_and_doubles_nothing,
        a_kill_at_each_step_loses_and_doubles_nothing,
        a_kill_in_the_middle_of_a_write_leaves_no_torn_line,
        a_kill_of_a_process_that_shares_its_file_loses_and_doubles_nothing,
    ],
    scenes: [log_until_killed, log_some],
}

/// The file of this kind.
fn file(path: &Path, kind: &str) -> File {
    let file = File::at(path).format(Json::new());
    match kind {
        "plain" => file,
        "mapped" => file.mapped(true),
        "rotated" | "shared" => file.rotate(Rotate::size(20_000)).keep(Keep::all()),
        _ => file.rotate(Rotate::size(20_000)).keep(Keep::all()).compress(Compression::Gzip),
    }
}

fn build(path: &Path, kind: &str, mode: Mode) -> Logger {
    nexlog::builder().file(file(path, kind)).mode(mode).build().unwrap()
}

/// Logs on several threads until somebody kills the process, now fast, now slowly.
fn log_until_killed() {
    let (first, threads): (usize, usize) =
        (told("FIRST").parse().unwrap(), told("THREADS").parse().unwrap());
    let witness = Witness::at(Path::new(&told("WITNESS")));
    let logger = build(Path::new(&told("FILE")), &told("KIND"), mode(&told("MODE")));
    let end = Instant::now() + PATIENCE;
    let pace = if told("KIND") == "shared" { 4 } else { 512 };
    std::thread::scope(|scope| {
        for slot in first..first + threads {
            let logger = &logger;
            scope.spawn(move || {
                for number in 0.. {
                    info!(logger(logger), "step", thread = slot, number);
                    witness.saw(slot, number + 1);
                    // A few records in the buffer, and then the kill, is what is rare else.
                    if number % pace == 0 {
                        std::thread::sleep(Duration::from_micros(number % 3 * 700));
                        assert!(Instant::now() < end, "nobody killed us");
                    }
                }
            });
        }
    });
}

/// Logs a little on two threads and ends.
fn log_some() {
    let first: usize = told("FIRST").parse().unwrap();
    let witness = Witness::at(Path::new(&told("WITNESS")));
    let logger = build(Path::new(&told("FILE")), &told("KIND"), mode(&told("MODE")));
    std::thread::scope(|scope| {
        for slot in first..first + 2 {
            let logger = &logger;
            scope.spawn(move || {
                for number in 0..150 {
                    info!(logger(logger), "step", thread = slot, number);
                    witness.saw(slot, number + 1);
                }
            });
        }
    });
}

/// Runs of scenes in one folder, one after the other, most of them killed.
struct Chain<'a> {
    folder: Folder,
    kind: &'a str,
    random: Random,
    /// Slots of the witness that runs have used.
    slots: usize,
}

impl<'a> Chain<'a> {
    fn new(kind: &'a str, seed: u64) -> Chain<'a> {
        Chain { folder: Folder::new(), kind, random: Random::new(seed), slots: 0 }
    }

    fn witness(&self) -> Witness {
        Witness::at(&self.folder.file("witness"))
    }

    /// A scene with this many threads of its own; and the first one's slot.
    fn command(&mut self, scene: &str, mode: &str, threads: usize) -> (Command, usize) {
        let (path, page) = (self.folder.file("app.log"), self.folder.file("witness"));
        let first = self.slots;
        self.slots += threads;
        let variables = [
            ("FILE", path.to_str().unwrap()),
            ("WITNESS", page.to_str().unwrap()),
            ("KIND", self.kind),
            ("MODE", mode),
            ("FIRST", &first.to_string()),
            ("THREADS", &threads.to_string()),
        ];
        (child::command(scene, &variables), first)
    }

    /// No slots are left, or soon archives would go by themselves: 1,000 stay.
    fn is_over(&self) -> bool {
        self.slots >= 64 || self.archives().len() > 500
    }

    fn run_and_kill(&mut self, mode: &str) {
        let threads = (1 << self.random.below(4)).min(64 - self.slots);
        let (mut command, first) = self.command("log_until_killed", mode, threads);
        let mut child = command.spawn().unwrap();
        // One in five is killed at its start, while it recovers what the one before has left.
        if !self.random.chance(5) {
            wait_until("the first record", || self.witness().last(first) > 0);
        }
        std::thread::sleep(Duration::from_micros(self.random.below(20_000)));
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL), "it ended by itself");
    }

    /// The next start; how many records it has recovered.
    fn start(&self, mode: Mode) -> u64 {
        let logger = build(&self.folder.file("app.log"), self.kind, mode);
        let stats = logger.stats();
        assert_eq!(stats.recovered, stats.written, "{stats:#?}");
        drop(logger);
        let is_left = self.folder.file(".app.log.lanes").exists();
        assert!(!is_left, "{}: something is left over", self.kind);
        stats.recovered
    }

    /// Their numbers, and where they are.
    fn archives(&self) -> Vec<(u64, PathBuf)> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let archive = |entry: std::io::Result<std::fs::DirEntry>| {
            let path = entry.unwrap().path();
            let name = path.file_name()?.to_str()?.strip_prefix("app.log.")?.to_owned();
            Some((name.trim_end_matches(".gz").parse().ok()?, path))
        };
        entries.filter_map(archive).collect()
    }

    /// All lines, oldest first.
    fn lines(&self) -> Vec<String> {
        let mut archives = self.archives();
        archives.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
        assert!(archives.len() < 1_000, "the oldest went by themselves");
        let archived = archives.iter().flat_map(|(_, path)| lines::of_archive(path));
        archived.chain(lines::of_file(&self.folder.file("app.log"))).collect()
    }

    /// Each thread of each run has what returned, and at most the one record more that it was at.
    fn check(&self) {
        let witness = self.witness();
        let mut next = vec![0; self.slots];
        for line in self.lines() {
            if line.contains("\"target\":\"nexlog\"") {
                assert!(line.contains("records of a killed process are recovered"), "{line}");
                lines::parse(&[&line]);
                continue;
            }
            let step = lines::step(&line);
            let slot = usize::try_from(step.thread).unwrap();
            assert_eq!(step.number, next[slot], "{}: thread {slot} of {}", self.kind, self.slots);
            next[slot] += 1;
        }
        for (slot, written) in next.into_iter().enumerate() {
            let returned = witness.last(slot);
            assert!(
                written == returned || written == returned + 1,
                "{}: {written} written, {returned} returned of thread {slot} of {}",
                self.kind,
                self.slots
            );
        }
    }
}

fn kill_again_and_again(kind: &str, chains: u64) {
    let mut recovered = 0;
    for seed in 1..=chains {
        for (name, mode) in MODES {
            let mut chain = Chain::new(kind, seed);
            while !chain.is_over() {
                chain.run_and_kill(name);
                recovered += chain.start(mode);
                chain.check();
            }
        }
    }
    assert!(recovered > 0, "{kind}: nothing was ever left in a buffer");
}

fn a_kill_at_any_instant_loses_and_doubles_nothing() {
    kill_again_and_again("plain", scaled(1, 20));
    kill_again_and_again("mapped", scaled(1, 5));
}

fn a_kill_while_files_rotate_and_compress_loses_and_doubles_nothing() {
    kill_again_and_again("rotated", scaled(1, 10));
    kill_again_and_again("compressed", scaled(1, 10));
}

/// Runs of `log_some`, each with a fault of its own; every few a start without any.
fn kill_with(kind: &str, faults: impl Iterator<Item = String>) -> u64 {
    let tools = Folder::new();
    let shim = shim::compile(&tools);
    let (mut kills, mut chain) = (0, Chain::new(kind, 1));
    for (number, fault) in faults.enumerate() {
        let (name, mode) = MODES[number % 3];
        let (mut command, _) = chain.command("log_some", name, 2);
        let status = command.env("LD_PRELOAD", &shim).env("FAULT", &fault).status().unwrap();
        let is_killed = status.signal() == Some(libc::SIGKILL);
        assert!(is_killed || status.success(), "{kind} {fault}: {status:?}");
        kills += u64::from(is_killed);
        // Else the next one meets what this one has left, and is killed at that.
        if number % 4 == 3 || chain.is_over() {
            chain.start(mode);
            chain.check();
        }
        if chain.is_over() {
            chain = Chain::new(kind, 1);
        }
    }
    chain.start(Mode::Immediate);
    chain.check();
    kills
}

fn a_kill_at_each_step_loses_and_doubles_nothing() {
    for kind in ["plain", "rotated", "compressed", "mapped"] {
        let steps = scaled(80, 800);
        let kills = kill_with(kind, (1..=steps).map(|step| format!("kill@{step}")));
        assert!(kills > 30, "{kind}: {kills} kills");
    }
}

fn a_kill_in_the_middle_of_a_write_leaves_no_torn_line() {
    for kind in ["plain", "rotated"] {
        let kills = kill_with(kind, (1..=scaled(40, 300)).map(|write| format!("half@{write}")));
        assert!(kills > 5, "{kind}: {kills} kills");
    }
}

/// One process lives and logs to the same file, while others come and are killed at some instant
/// or in the middle of a write. What they leave is recovered while it lives, or afterwards.
fn a_kill_of_a_process_that_shares_its_file_loses_and_doubles_nothing() {
    let tools = Folder::new();
    let shim = shim::compile(&tools);
    for ((name, mode), round) in MODES.into_iter().cycle().zip(0..scaled(6, 60)) {
        let mut chain = Chain::new("shared", round + 1);
        let (mut command, first) = chain.command("log_until_killed", name, 2);
        let mut neighbour = command.spawn().unwrap();
        wait_until("the neighbour's first record", || chain.witness().last(first) > 0);
        for number in 0..10 {
            if number % 2 == 0 {
                let (mut command, _) = chain.command("log_some", name, 2);
                let fault = format!("half@{}", 1 + chain.random.below(30));
                command.env("LD_PRELOAD", &shim).env("FAULT", fault).status().unwrap();
                // Now and then it is the neighbour that sees what was left, now and then the next.
                std::thread::sleep(Duration::from_micros(chain.random.below(5_000)));
            } else {
                chain.run_and_kill(name);
            }
            if chain.is_over() {
                break;
            }
        }
        neighbour.kill().unwrap();
        neighbour.wait().unwrap();
        chain.start(mode);
        chain.check();
    }
}
