//! How fast records get into a file, against a floor in the same run.
//!
//! ```text
//! cargo bench --bench file                 50 rounds, in /dev/shm and target/tmp
//! cargo bench --bench file -- 200 /mnt/disk
//! ```
//!
//! One thread logs a record of five fields again and again, as JSON. A round makes a burst of
//! each kind in each folder in turn, so that whatever else the machine does meets all of them
//! alike. Each burst has a logger and a file of its own: opening, closing and deleting are
//! outside the measured time, the flush that ends a burst is inside. Nothing is synced, so the
//! speed of a disk is not in it, as long as the system has memory for what it puts off.
//!
//! The floor is a file open for appending and the bytes of the same lines, with one `write` for
//! as much as a batch holds in that mode. Ratios are of the least times, to the plain file in the
//! same mode and folder; nanoseconds are this machine's.

#![allow(clippy::cast_precision_loss)] // counts far below 2^52

use std::hint::black_box;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs, process};

use nexlog::Mode::{Buffered, Immediate};
use nexlog::{
    Batch, File, GIB, Keep, Logger, MIB, Memory, Mode, Output, Rotate, Sink, WriteError, info,
};

const ROUNDS: usize = 50;
const PATIENCE: Duration = Duration::from_secs(60);
/// What a batch of `Buffered` grows to before it is written.
const BATCH_BYTES: usize = 64 << 10;

/// What is logged to at a path; nothing for the floor.
type Open = Option<fn(PathBuf) -> Output>;

/// The kind that the others of its mode are compared with.
const PLAIN: &str = "plain";

/// A way to write a file is one line here, and all that it takes. In `Immediate` each record is a
/// batch, so that what a batch costs is what a record costs.
const KINDS: &[(&str, Mode, Open)] = &[
    ("floor: 64 KiB a `write`", Buffered, None),
    ("no file", Buffered, Some(|_| Nowhere.into())),
    (PLAIN, Buffered, Some(|path| File::at(path).into())),
    ("managed: lock and look", Buffered, Some(|path| managed(path, GIB))),
    ("rotated every 8 MiB", Buffered, Some(|path| managed(path, 8 * MIB))),
    ("mapped", Buffered, Some(|path| File::at(path).mapped(true).into())),
    ("floor: a line a `write`", Immediate, None),
    ("no file", Immediate, Some(|_| Nowhere.into())),
    (PLAIN, Immediate, Some(|path| File::at(path).into())),
    ("managed: lock and look", Immediate, Some(|path| managed(path, GIB))),
    ("mapped", Immediate, Some(|path| File::at(path).mapped(true).into())),
];

fn managed(path: PathBuf, bytes: u64) -> Output {
    File::at(path).rotate(Rotate::size(bytes)).keep(Keep::files(3)).into()
}

/// Takes batches as a file does, and forgets them.
struct Nowhere;

impl Sink for Nowhere {
    fn write(&mut self, batch: &Batch<'_>) -> Result<(), WriteError> {
        black_box(batch.bytes());
        Ok(())
    }
}

/// What is logged.
struct Values {
    id: u64,
    name: String,
    paid: bool,
    port: u16,
    total: f64,
}

impl Values {
    #[inline(never)]
    fn log(&self, logger: &Logger, records: usize) {
        for _ in 0..records {
            let Values { id, name, paid, port, total } = black_box(self);
            info!(logger(logger), "order paid at the counter", id, name, paid, port, total);
        }
        logger.flush(PATIENCE).expect("the burst is written");
    }
}

/// The text of a batch, for the floor.
struct Lines {
    bytes: Vec<u8>,
    line_bytes: usize,
}

impl Lines {
    fn new(values: &Values) -> Lines {
        let memory = Memory::new();
        let logger = nexlog::builder().sink(&memory).mode(Buffered).build();
        values.log(&logger.expect("a logger"), 1);
        let line = memory.take();
        let (line_bytes, records) = (line.len(), BATCH_BYTES.div_ceil(line.len()));
        Lines { bytes: line.repeat(records), line_bytes }
    }

    fn in_a_batch(&self, mode: Mode) -> usize {
        if mode == Immediate { 1 } else { self.bytes.len() / self.line_bytes }
    }

    fn write(&self, file: &mut fs::File, mode: Mode, records: usize) -> io::Result<()> {
        let batch = &self.bytes[..self.in_a_batch(mode) * self.line_bytes];
        let mut left = records * self.line_bytes;
        while left > 0 {
            let part = &batch[..left.min(batch.len())];
            file.write_all(part)?;
            left -= part.len();
        }
        Ok(())
    }
}

/// A kind in a folder.
struct Run<'a> {
    name: &'static str,
    mode: Mode,
    open: Open,
    folder: &'a Path,
    /// Nanoseconds a record, one for each round.
    times: Vec<f64>,
}

impl Run<'_> {
    fn burst(&mut self, values: &Values, lines: &Lines, records: usize) {
        // A folder for each burst: archives and hidden files go with it.
        let folder = Emptied(self.folder.join(format!("nexlog-bench-file-{}", process::id())));
        fs::create_dir(&folder.0).expect("a folder for the burst");
        let path = folder.0.join("bench.jsonl");
        let time = if let Some(open) = self.open {
            let logger = nexlog::builder().filter("info").sink(open(path)).mode(self.mode).build();
            let logger = logger.expect("a logger with a file");
            let began = Instant::now();
            values.log(&logger, records);
            let time = began.elapsed();
            let stats = logger.stats();
            assert_eq!((stats.written, stats.dropped, stats.errors), (records as u64, 0, 0));
            assert_eq!(stats.bytes, (records * lines.line_bytes) as u64);
            time
        } else {
            let file = fs::OpenOptions::new().append(true).create_new(true).open(path);
            let mut file = file.expect("a new file");
            let began = Instant::now();
            lines.write(&mut file, self.mode, records).expect("the burst is written");
            began.elapsed()
        };
        self.times.push(time.as_secs_f64() * 1e9 / records as f64);
    }

    fn is_beside(&self, other: &Run) -> bool {
        self.mode == other.mode && self.folder == other.folder
    }
}

/// A folder that is deleted with all that is in it.
struct Emptied(PathBuf);

impl Drop for Emptied {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn main() {
    // `cargo bench` adds `--bench`; `cargo test --benches` wants to see that it runs at all.
    let (options, arguments): (Vec<String>, Vec<String>) =
        env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let is_bench = options.iter().any(|option| option == "--bench");
    let mut rounds = if is_bench { ROUNDS } else { 1 };
    let mut disk = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    for argument in arguments {
        match argument.parse() {
            Ok(number) => rounds = number,
            Err(_) => disk = argument.into(),
        }
    }
    let shm = Some(PathBuf::from("/dev/shm")).filter(|shm| shm.is_dir());
    let folders: Vec<PathBuf> = shm.into_iter().chain([disk]).collect();

    let values = Values {
        id: 4711,
        name: "Sensor 12, basement, east".into(),
        paid: true,
        port: 443,
        total: 19.99,
    };
    let lines = Lines::new(&values);
    let run = |folder| {
        let times = Vec::new;
        KINDS.iter().map(move |&(name, mode, open)| Run {
            name,
            mode,
            open,
            folder,
            times: times(),
        })
    };
    let mut runs: Vec<Run> = folders.iter().flat_map(|folder| run(folder.as_path())).collect();
    for round in 0..=rounds.max(1) {
        for run in &mut runs {
            let records = match run.mode {
                _ if !is_bench => 1 << 10,
                Immediate => 32 << 10,
                _ => 256 << 10,
            };
            run.burst(&values, &lines, records);
            if round == 0 {
                run.times.clear(); // the first use of everything
            }
        }
    }
    runs.iter_mut().for_each(|run| run.times.sort_by(f64::total_cmp));
    folders.iter().for_each(|folder| report(&runs, folder, &lines));
}

fn report(runs: &[Run], folder: &Path, lines: &Lines) {
    let bytes = lines.line_bytes;
    println!("\nIn {}, lines of {bytes} bytes:\n", folder.display());
    println!(
        "| mode | to | least ns | median ns | × plain | lines/s | MB/s | a batch, over plain |"
    );
    println!("| --- | --- | --: | --: | --: | --: | --: | --: |");
    for run in runs.iter().filter(|run| run.folder == folder) {
        let plain = runs.iter().find(|other| other.name == PLAIN && other.is_beside(run));
        let (least, median) = (run.times[0], run.times[run.times.len() / 2]);
        let Run { name, mode, .. } = run;
        let plain = plain.map_or(least, |plain| plain.times[0]);
        let ratio = least / plain;
        let (per_second, megabytes) = (1e9 / least, bytes as f64 * 1e3 / least);
        let batch = (least - plain) * lines.in_a_batch(*mode) as f64;
        print!("| `{mode:?}` | {name} | {least:.1} | {median:.1} | {ratio:.2} | ");
        println!("{per_second:.0} | {megabytes:.0} | {batch:.0} |");
    }
}
