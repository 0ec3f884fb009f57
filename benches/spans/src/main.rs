//! What it costs to enter and leave an instrumented function, and to log inside one.
//!
//! ```text
//! cargo run --release --manifest-path benches/spans/Cargo.toml            500 rounds
//! cargo run --release --manifest-path benches/spans/Cargo.toml -- 2000
//! ```
//!
//! A round makes a burst of each kind in turn, so that whatever else the machine does meets all
//! of them alike. Functions take two integers as fields and log nothing. fastrace has a parent
//! and a reporter that throws away, with the two as properties and without; tracing has its
//! usual registry and formatter, to nowhere. Records go to a file in /dev/shm, from an empty
//! lane in both cases; the one inside is in a span of four fields.
//!
//! Exits with 1 when a bound does not hold: half of fastrace's `#[trace]`, a tenth of tracing's
//! `#[instrument]`, and 1.2 times the record outside. Ratios are of the least times.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, io};

use fastrace::Span;
use fastrace::collector::{Config, Reporter, SpanContext, SpanRecord};
use nexlog::{File, Logger, Mode, info};

const BURST: u32 = 512;
const PATIENCE: Duration = Duration::from_secs(60);

#[inline(never)]
fn plain(a: u64, b: u64) -> u64 {
    black_box(a ^ b)
}

#[nexlog::instrument(fields(a, b))]
#[inline(never)]
fn with_nexlog(a: u64, b: u64) -> u64 {
    black_box(a ^ b)
}

#[fastrace::trace]
#[inline(never)]
fn with_fastrace(a: u64, b: u64) -> u64 {
    black_box(a ^ b)
}

#[fastrace::trace(properties = { "a": "{a}", "b": "{b}" })]
#[inline(never)]
fn with_fastrace_properties(a: u64, b: u64) -> u64 {
    black_box(a ^ b)
}

#[tracing::instrument]
#[inline(never)]
fn with_tracing(a: u64, b: u64) -> u64 {
    black_box(a ^ b)
}

struct Nowhere;

impl Reporter for Nowhere {
    fn report(&mut self, _: Vec<SpanRecord>) {}
}

/// Nanoseconds a call.
fn burst(call: impl Fn()) -> f64 {
    let began = Instant::now();
    (0..BURST).for_each(|_| call());
    began.elapsed().as_secs_f64() * 1e9 / f64::from(BURST)
}

fn within_fastrace(call: fn(u64, u64) -> u64) -> f64 {
    let root = Span::root("root", SpanContext::random());
    let _parent = root.set_local_parent();
    burst(|| _ = call(black_box(1), black_box(2)))
}

fn record(id: u64, name: &str, paid: bool) {
    info!("order paid", id, name, paid);
}

fn records(logger: &Logger) -> f64 {
    logger.flush(PATIENCE).expect("the file takes records");
    let values = black_box((42, "nineteen bytes long", true));
    burst(|| record(values.0, values.1, values.2))
}

fn records_in_span(logger: &Logger) -> f64 {
    let span = nexlog::span!("pay", order = 42_u64, user = 7_u64, card = "visa", retry = false);
    let _entered = span.enter();
    records(logger)
}

struct Times(Vec<f64>);

impl Times {
    fn least(&self) -> f64 {
        self.0.iter().copied().fold(f64::INFINITY, f64::min)
    }

    fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    }
}

fn main() -> ExitCode {
    let rounds = env::args().find_map(|argument| argument.parse().ok()).unwrap_or(500);
    tracing_subscriber::fmt().with_writer(io::sink).init();
    fastrace::set_reporter(Nowhere, Config::default());
    let folder = if std::path::Path::new("/dev/shm").is_dir() { "/dev/shm".into() } else { env::temp_dir() };
    let path = folder.join(format!("nexlog-spans-{}.log", std::process::id()));
    let logger =
        nexlog::builder().file(File::at(&path)).mode(Mode::Background).install().expect("a file");

    const NAMES: [&str; 7] = [
        "a plain function",
        "nexlog `#[instrument]`",
        "fastrace `#[trace]`",
        "fastrace with properties",
        "tracing `#[instrument]`",
        "a record",
        "a record in a span of 4 fields",
    ];
    let mut times: Vec<Times> = NAMES.iter().map(|_| Times(Vec::new())).collect();
    for _ in 0..rounds {
        let round = [
            burst(|| _ = plain(black_box(1), black_box(2))),
            burst(|| _ = with_nexlog(black_box(1), black_box(2))),
            within_fastrace(with_fastrace),
            within_fastrace(with_fastrace_properties),
            burst(|| _ = with_tracing(black_box(1), black_box(2))),
            records(&logger),
            records_in_span(&logger),
        ];
        times.iter_mut().zip(round).for_each(|(times, time)| times.0.push(time));
    }
    let _ = std::fs::remove_file(&path);

    println!("| | least ns | median ns |\n| --- | --: | --: |");
    for (name, times) in NAMES.iter().zip(&times) {
        println!("| {name} | {:.1} | {:.1} |", times.least(), times.median());
    }
    let mut is_good = true;
    let mut bound = |what: &str, ours: usize, other: usize, most: f64| {
        let ratio = times[ours].least() / times[other].least();
        let median = times[ours].median() / times[other].median();
        println!("{what}: {ratio:.2} (medians {median:.2}), at most {most}");
        is_good &= ratio <= most;
    };
    bound("nexlog over fastrace", 1, 2, 0.5);
    bound("nexlog over tracing", 1, 4, 0.1);
    bound("a record inside over one outside", 6, 5, 1.2);
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
