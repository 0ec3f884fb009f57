//! What a call pays for surviving a kill: nothing that can be measured, it should be.
//!
//! ```text
//! cargo bench --bench crash                 600 rounds
//! cargo bench --bench crash -- 2000
//! ```
//!
//! Two processes, one with its lanes in a ring file and one without, make bursts of 512 calls in
//! turn, so that whatever else the machine does meets both alike. Lanes are empty at the start of
//! each burst. Files are in /dev/shm where there is one, or in the folder that `FOLDER` names.

use std::env;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{self, Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use nexlog::{File, Mode, info};

const BURST: u32 = 512;
const ROUNDS: usize = 600;
const PATIENCE: Duration = Duration::from_secs(60);
const MODES: [(&str, Mode); 3] = [
    ("background", Mode::Background),
    ("buffered", Mode::Buffered),
    ("immediate", Mode::Immediate),
];

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let Ok(side) = env::var("SIDE") {
        return run(&side, &env::var("MODE").expect("a mode"));
    }
    let stated = arguments.iter().find_map(|argument| argument.parse().ok());
    let is_bench = arguments.iter().any(|argument| argument == "--bench");
    let rounds = stated.unwrap_or(if is_bench { ROUNDS } else { 2 }).max(2);
    println!("| mode | ns a call without | with a ring | ratio of medians | of the least |");
    println!("| --- | --: | --: | --: | --: |");
    for (mode, _) in MODES {
        let [off, on] = compare(mode, if mode == "immediate" { rounds / 4 + 2 } else { rounds });
        let ratios = (on.0 / off.0, on.1 / off.1);
        println!("| {mode} | {:.2} | {:.2} | {:.3} | {:.3} |", off.0, on.0, ratios.0, ratios.1);
    }
}

/// A process that makes a burst when it is asked to.
struct Side {
    child: Child,
    answers: BufReader<ChildStdout>,
    times: Vec<f64>,
}

impl Side {
    fn start(side: &str, mode: &str) -> Side {
        let program = env::current_exe().expect("the path of this program");
        let mut command = Command::new(program);
        command.env("SIDE", side).env("MODE", mode).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a child");
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        Side { child, answers, times: Vec::new() }
    }

    fn burst(&mut self) {
        let questions = self.child.stdin.as_mut().expect("a pipe");
        questions.write_all(b"\n").expect("a child that listens");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("an answer");
        self.times.push(answer.trim().parse().expect("nanoseconds"));
    }

    /// The median and the least time.
    fn end(mut self) -> (f64, f64) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().expect("its end").success());
        self.times.remove(0); // the first use of everything
        self.times.sort_by(f64::total_cmp);
        (self.times[self.times.len() / 2], self.times[0])
    }
}

fn compare(mode: &str, rounds: usize) -> [(f64, f64); 2] {
    let mut sides = ["off", "on"].map(|side| Side::start(side, mode));
    for round in 0..rounds {
        // Nobody is always first.
        let first = round % 2;
        sides[first].burst();
        sides[1 - first].burst();
    }
    sides.map(Side::end)
}

/// The child's side.
fn run(side: &str, mode: &str) {
    let folder = env::var_os("FOLDER").map_or_else(|| PathBuf::from("/dev/shm"), PathBuf::from);
    let folder = if folder.is_dir() { folder } else { env::temp_dir() };
    let path = folder.join(format!("nexlog-bench-crash-{}.jsonl", process::id()));
    let (_, mode) = MODES.into_iter().find(|(name, _)| *name == mode).expect("a mode");
    let builder = nexlog::builder().file(File::at(&path)).mode(mode).crash_safe(side == "on");
    let logger = builder.install().expect("a logger with a file");
    let name = String::from("Sensor 12, basement");
    let (mut line, mut questions) = (String::new(), BufReader::new(std::io::stdin()));
    while questions.read_line(&mut line).expect("a question") > 0 {
        let began = Instant::now();
        for number in 0..BURST {
            let id = black_box(4711 + u64::from(number));
            info!("order paid", id, name = black_box(&name), paid = true);
        }
        let nanos = began.elapsed().as_secs_f64() * 1e9 / f64::from(BURST);
        logger.flush(PATIENCE).expect("the burst is written");
        println!("{nanos}");
        line.clear();
    }
    remove(&path);
}

fn remove(path: &Path) {
    drop(std::fs::remove_file(path));
}
