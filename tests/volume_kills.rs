//! Files that collapse what comes again and sample traces, in processes that are killed: nothing is
//! lost or doubled but the one count that no line had told yet.

mod support;

use nexlog::{Batch, File, Json, Logger, Mode, Sink, WriteError, info};
use serde_json::Value;
use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::time::{Duration, Instant};
use support::child::{self, told};
use support::random::Random;
use support::witness::Witness;
use support::{Folder, MODES, PATIENCE, lines, mode, scaled, shim, wait_until};

support::child::harness! {
    tests: [
        a_kill_at_any_instant_loses_one_count_at_most,
        a_kill_in_the_middle_of_a_write_doubles_nothing,
        what_was_suppressed_is_told_at_the_end_of_the_process,
        a_child_does_not_tell_what_its_parent_has_to,
        what_a_line_tells_is_not_recovered_again,
        what_lay_in_a_buffer_before_makes_no_record_another,
    ],
    scenes: [
        log_until_killed,
        log_some,
        suppress_and_exit,
        suppress_and_fork,
        end_behind_the_file,
        log_the_short_way,
    ],
}

const LEFT_OUT: u128 = u64::MAX as u128;

fn build(path: &Path, mode: Mode) -> Logger {
    let file = File::at(path).format(Json::new()).dedup(Duration::from_secs(3_600));
    nexlog::builder().file(file.sample_traces(0.5)).mode(mode).build().unwrap()
}

/// How often this number is logged.
fn times(number: u64) -> u64 {
    number % 4 + 1
}

fn log(logger: &Logger, slot: usize, number: u64) {
    for _ in 0..times(number) {
        info!(logger(logger), "step", thread = slot, number);
    }
    if number.is_multiple_of(3) {
        info!(logger(logger), "noise", number, trace_id = LEFT_OUT);
    }
}

struct Scene {
    logger: Logger,
    witness: Witness,
    first: usize,
    threads: usize,
}

impl Scene {
    fn start() -> Scene {
        Scene {
            logger: build(Path::new(&told("FILE")), mode(&told("MODE"))),
            witness: Witness::at(Path::new(&told("WITNESS"))),
            first: told("FIRST").parse().unwrap(),
            threads: told("THREADS").parse().unwrap(),
        }
    }

    fn run(&self, count: u64, pace: impl Fn(u64) + Sync) {
        std::thread::scope(|scope| {
            for slot in self.first..self.first + self.threads {
                let pace = &pace;
                scope.spawn(move || {
                    for number in 0..count {
                        log(&self.logger, slot, number);
                        self.witness.saw(slot, number + 1);
                        pace(number);
                    }
                });
            }
        });
    }
}

fn log_until_killed() {
    let end = Instant::now() + PATIENCE;
    Scene::start().run(u64::MAX, |number| {
        if number.is_multiple_of(256) {
            std::thread::sleep(Duration::from_micros(number % 3 * 700));
            assert!(Instant::now() < end, "nobody killed us");
        }
    });
}

fn log_some() {
    Scene::start().run(60, |_| {});
}

/// Runs in one folder, most of them killed.
struct Chain {
    folder: Folder,
    slots: usize,
    /// Runs by their first slot and threads.
    runs: Vec<std::ops::Range<usize>>,
}

impl Chain {
    fn new() -> Chain {
        Chain { folder: Folder::new(), slots: 0, runs: Vec::new() }
    }

    fn witness(&self) -> Witness {
        Witness::at(&self.folder.file("witness"))
    }

    fn command(&mut self, scene: &str, mode: &str, threads: usize) -> std::process::Command {
        let (path, page) = (self.folder.file("app.log"), self.folder.file("witness"));
        let first = self.slots;
        self.slots += threads;
        self.runs.push(first..self.slots);
        let variables = [
            ("FILE", path.to_str().unwrap()),
            ("WITNESS", page.to_str().unwrap()),
            ("MODE", mode),
            ("FIRST", &first.to_string()),
            ("THREADS", &threads.to_string()),
        ];
        child::command(scene, &variables)
    }

    fn start(&self) -> u64 {
        let logger = build(&self.folder.file("app.log"), Mode::Immediate);
        logger.stats().recovered
    }

    /// How often the file has each number of each thread, in the order of the first time.
    fn counts(&self) -> BTreeMap<usize, BTreeMap<u64, u64>> {
        let mut counts = BTreeMap::<usize, BTreeMap<u64, u64>>::new();
        let mut last = None;
        for line in lines::of_file(&self.folder.file("app.log")) {
            let line: Value = serde_json::from_str(&line).expect("a whole line");
            let message = line["msg"].as_str().unwrap();
            let (slot, number, more) = if message == "step" {
                let slot = usize::try_from(line["thread"].as_u64().unwrap()).unwrap();
                last = Some((slot, line["number"].as_u64().unwrap()));
                (slot, line["number"].as_u64().unwrap(), 1)
            } else if message.starts_with("last message repeated") {
                let (slot, number): (usize, u64) = last.expect("a record that came again");
                (slot, number, line["repeated"].as_u64().unwrap())
            } else {
                assert!(message == "noise" || line["target"] == "nexlog", "{line}");
                last = last.filter(|_| message == "noise");
                continue;
            };
            let of_thread = counts.entry(slot).or_default();
            if let Some((before, _)) = of_thread.last_key_value() {
                assert!(number == *before || number == before + 1, "{before}, {line}");
            }
            *of_thread.entry(number).or_default() += more;
        }
        counts
    }

    fn check(&self) {
        let (witness, counts) = (self.witness(), self.counts());
        for run in &self.runs {
            let mut short = 0;
            for slot in run.clone() {
                let returned = witness.last(slot);
                let of_thread = counts.get(&slot).cloned().unwrap_or_default();
                assert!(of_thread.len() as u64 >= returned, "thread {slot} has not all");
                for (number, count) in of_thread {
                    assert!(count <= times(number), "{number} of thread {slot} is doubled");
                    assert!(number <= returned, "{number} of thread {slot} comes from nowhere");
                    short += u64::from(number < returned && count < times(number));
                }
            }
            assert!(short <= 1, "{short} counts are lost at once");
        }
    }
}

fn a_kill_at_any_instant_loses_one_count_at_most() {
    let (mut random, mut recovered) = (Random::new(7), 0);
    for (name, _) in MODES {
        let mut chain = Chain::new();
        for _ in 0..scaled(6, 20) {
            let threads = 1 + usize::try_from(random.below(3)).unwrap();
            let first = chain.slots;
            let mut child = chain.command("log_until_killed", name, threads).spawn().unwrap();
            wait_until("the first record", || chain.witness().last(first) > 0);
            std::thread::sleep(Duration::from_micros(random.below(20_000)));
            child.kill().unwrap();
            assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL), "it ended by itself");
            recovered += chain.start();
            chain.check();
        }
    }
    assert!(recovered > 0, "nothing was ever left in a buffer");
}

fn a_kill_in_the_middle_of_a_write_doubles_nothing() {
    let tools = Folder::new();
    let shim = shim::compile(&tools);
    let mut kills = 0;
    let faults =
        (1..=scaled(24, 200)).flat_map(|n| [format!("half@{n}"), format!("kill@{}", 3 * n)]);
    let mut chain = Chain::new();
    for (number, fault) in faults.enumerate() {
        if chain.slots > 60 {
            chain = Chain::new();
        }
        let mut command = chain.command("log_some", MODES[number % 3].0, 2);
        let status = command.env("LD_PRELOAD", &shim).env("FAULT", &fault).status().unwrap();
        let is_killed = status.signal() == Some(libc::SIGKILL);
        assert!(is_killed || status.success(), "{fault}: {status:?}");
        kills += u64::from(is_killed);
        chain.start();
        chain.check();
    }
    assert!(kills > 10, "{kills} kills");
}

fn suppress_and_exit() {
    let file = File::at(told("FILE")).format(Json::new());
    let mode = mode(&told("MODE"));
    (0..4).for_each(|_| info!(every(3), "early"));
    let _ = nexlog::builder().file(file).mode(mode).install().unwrap();
    for _ in 0..3 {
        (0..6).for_each(|_| info!(every(4), "step"));
        (0..6).for_each(|_| info!(once(), "only"));
    }
    assert_eq!(nexlog::stats().suppressed, 2 + 13 + 17);
    std::process::exit(0);
}

fn what_was_suppressed_is_told_at_the_end_of_the_process() {
    for (name, _) in MODES {
        let folder = Folder::new();
        let path = folder.file("app.log");
        let variables = [("FILE", path.to_str().unwrap()), ("MODE", name)];
        assert!(child::command("suppress_and_exit", &variables).status().unwrap().success());
        let lines: Vec<Value> =
            lines::of_file(&path).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let of = |message: &str| {
            let those = lines.iter().filter(|line| line["msg"] == message);
            those.map(|line| line["suppressed"].as_u64().unwrap_or(0)).collect::<Vec<_>>()
        };
        assert_eq!(of("early"), [0, 2], "{name}");
        assert_eq!(of("step"), [0, 3, 3, 3, 3], "{name}");
        assert_eq!(of("only"), [0], "{name}");
        let mut at_the_end = of("records suppressed");
        at_the_end.sort_unstable();
        assert_eq!(at_the_end, [1, 17], "{name}");
    }
}

fn suppress_and_fork() {
    let file = File::at(told("FILE")).format(Json::new()).dedup(Duration::from_secs(3_600));
    let logger = nexlog::builder().file(file).install().unwrap();
    (0..5).for_each(|_| info!(once(), "only"));
    (0..5).for_each(|_| info!("again"));
    // SAFETY: the child logs and exits.
    let child = unsafe { libc::fork() };
    if child == 0 {
        info!("of the child");
        assert_eq!((logger.stats().suppressed, logger.stats().repeated), (0, 0));
        std::process::exit(0);
    }
    let mut status = 0;
    // SAFETY: our child's, and a place for its status.
    unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!(status, 0);
    std::process::exit(0);
}

fn a_child_does_not_tell_what_its_parent_has_to() {
    let folder = Folder::new();
    let path = folder.file("app.log");
    let variables = [("FILE", path.to_str().unwrap())];
    assert!(child::command("suppress_and_fork", &variables).status().unwrap().success());
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.matches("\"suppressed\":4").count(), 1, "{text}");
    assert_eq!(text.matches("\"repeated\":4").count(), 1, "{text}");
}

/// Ends the process when it is given something.
struct Killer;

impl Sink for Killer {
    fn write(&mut self, _: &Batch<'_>) -> Result<(), WriteError> {
        // SAFETY: it has no memory of ours.
        unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
        Ok(())
    }
}

/// The file has its batch then, and the buffers are not released yet.
fn end_behind_the_file() {
    let hour = Duration::from_secs(3_600);
    let file = File::at(told("FILE")).format(Json::new()).dedup(hour);
    let builder = nexlog::builder().file(file).sink(Killer).mode(Mode::Buffered);
    let logger = builder.flush_interval(hour).build().unwrap();
    (0..3).for_each(|_| info!(logger(&logger), "again"));
    let other = || info!(logger(&logger), "other");
    std::thread::scope(|scope| scope.spawn(other).join().unwrap());
    let _ = logger.flush(PATIENCE);
}

fn what_a_line_tells_is_not_recovered_again() {
    let folder = Folder::new();
    let path = folder.file("app.log");
    let variables = [("FILE", path.to_str().unwrap())];
    let status = child::command("end_behind_the_file", &variables).status().unwrap();
    assert_eq!(status.signal(), Some(libc::SIGKILL));
    let logger = build(&path, Mode::Immediate);
    assert_eq!(logger.stats().recovered, 0);
    drop(logger);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(text.contains("\"repeated\":2"), "{text}");
}

/// As calls of the global logger write plain values: with what was there before behind them.
fn log_the_short_way() {
    let file = File::at(told("FILE")).format(Json::new()).dedup(Duration::from_secs(3_600));
    let logger = nexlog::builder().file(file).mode(Mode::Buffered).install().unwrap();
    let mut random = Random::new(3);
    for _ in 0..3_000 {
        info!("noise", a = random.below(u64::MAX), b = random.below(u64::MAX));
    }
    logger.flush(PATIENCE).unwrap();
    (0..500).for_each(|_| info!("again", n = 1_u8));
}

fn what_lay_in_a_buffer_before_makes_no_record_another() {
    let folder = Folder::new();
    let path = folder.file("app.log");
    let variables = [("FILE", path.to_str().unwrap())];
    assert!(child::command("log_the_short_way", &variables).status().unwrap().success());
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.matches("\"again\"").count(), 1);
    assert!(text.contains("\"repeated\":499"));
}
