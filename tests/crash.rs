//! Processes that are killed while records wait in their buffers: the next start writes what
//! their calls had returned from, once, whole and in order.

mod support;

use nexlog::{Compression, File, Json, Keep, Logger, Mode, Rotate, info};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::time::{Duration, Instant};
use support::child::{self, told};
use support::random::Random;
use support::witness::Witness;
use support::{Folder, MODES, PATIENCE, lines, mode, scaled, wait_until};

support::child::harness! {
    tests: [
        a_kill_at_any_instant_loses_and_doubles_nothing,
        a_kill_while_files_rotate_and_compress_loses_and_doubles_nothing,
    ],
    scenes: [log_until_killed],
}

/// The file of this kind.
fn file(path: &Path, kind: &str) -> File {
    let file = File::at(path).format(Json::new());
    match kind {
        "plain" => file,
        "mapped" => file.mapped(true),
        "rotated" => file.rotate(Rotate::size(20_000)).keep(Keep::all()),
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
    std::thread::scope(|scope| {
        for slot in first..first + threads {
            let logger = &logger;
            scope.spawn(move || {
                for number in 0.. {
                    info!(logger(logger), "step", thread = slot, number);
                    witness.saw(slot, number + 1);
                    // A few records in the buffer, and then the kill, is what is rare else.
                    if number % 512 == 0 {
                        std::thread::sleep(Duration::from_micros(number % 3 * 700));
                        assert!(Instant::now() < end, "nobody killed us");
                    }
                }
            });
        }
    });
}

/// One run of the scene after the other in one folder, each killed at some instant.
struct Chain<'a> {
    folder: Folder,
    kind: &'a str,
    random: Random,
    /// Slots of the witness that runs have used.
    slots: usize,
}

impl Chain<'_> {
    fn run_and_kill(&mut self, mode: &str) {
        let threads = 1 << self.random.below(4);
        let (path, page) = (self.folder.file("app.log"), self.folder.file("witness"));
        let (first, threads) = (self.slots, threads.min(64 - self.slots));
        self.slots += threads;
        let (first_text, threads) = (first.to_string(), threads.to_string());
        let variables = [
            ("FILE", path.to_str().unwrap()),
            ("WITNESS", page.to_str().unwrap()),
            ("KIND", self.kind),
            ("MODE", mode),
            ("FIRST", &first_text),
            ("THREADS", &threads),
        ];
        let witness = Witness::at(&page);
        let mut child = child::command("log_until_killed", &variables).spawn().unwrap();
        // One in five is killed at its start, while it recovers what the one before has left.
        if !self.random.chance(5) {
            wait_until("the first record", || witness.last(first) > 0);
        }
        std::thread::sleep(Duration::from_micros(self.random.below(20_000)));
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL), "it ended by itself");
    }

    /// All lines, oldest first.
    fn lines(&self) -> Vec<String> {
        let mut archives: Vec<(u64, std::path::PathBuf)> = std::fs::read_dir(self.folder.path())
            .unwrap()
            .filter_map(|entry| {
                let path = entry.unwrap().path();
                let name = path.file_name()?.to_str()?.strip_prefix("app.log.")?.to_owned();
                Some((name.trim_end_matches(".gz").parse().ok()?, path))
            })
            .collect();
        archives.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
        let archived = archives.iter().flat_map(|(_, path)| lines::of_archive(path));
        archived.chain(lines::of_file(&self.folder.file("app.log"))).collect()
    }

    /// Each thread of each run has what returned, and at most the one record more that it was at.
    fn check(&self) {
        let witness = Witness::at(&self.folder.file("witness"));
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
    for chain in 0..chains {
        for (mode_name, mode) in MODES {
            let random = Random::new(chain + 1);
            let mut chain = Chain { folder: Folder::new(), kind, random, slots: 0 };
            while chain.slots < 64 {
                chain.run_and_kill(mode_name);
                let logger = build(&chain.folder.file("app.log"), kind, mode);
                let stats = logger.stats();
                assert_eq!(stats.recovered, stats.written, "{stats:#?}");
                recovered += stats.recovered;
                drop(logger);
                assert!(!chain.folder.file(".app.log.lanes").exists(), "something is left over");
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
