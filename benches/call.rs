//! What one call costs its caller, against a floor in the same run.
//!
//! ```text
//! cargo bench --bench call                 1000 rounds
//! cargo bench --bench call -- 5000
//! ```
//!
//! A round makes a burst of 512 calls of each kind in turn, so that whatever else the machine
//! does meets all of them alike. Between bursts the logger is flushed: each starts with an
//! empty lane. The logger is in `Background` and writes JSON to a file in /dev/shm, where there
//! is one; the worker may run on another core meanwhile, as it does in a program.
//!
//! The floor is the least a deferring logger can do: read the time stamp counter and copy the
//! values to a buffer. It has no gate, no check for room, no publication and no type tags.
//! Ratios are of the least times; nanoseconds are this machine's.

use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{env, fs, process};

use nexlog::{File, Mode, debug, info};

const BURST: u32 = 512;
const ROUNDS: usize = 1000;
const PATIENCE: Duration = Duration::from_secs(60);

/// What is logged: five values, of which some kinds take the first three or none.
struct Values {
    id: u64,
    name: String,
    paid: bool,
    port: u16,
    total: f64,
}

/// One thing to measure: its name, the floor it is compared with, and a single call.
struct Kind {
    name: &'static str,
    floor: Option<usize>,
    call: fn(&Values, &mut [u8; 256]),
    /// Nanoseconds a call, one for each round.
    times: Vec<f64>,
}

const KINDS: [(&str, Option<usize>, fn(&Values, &mut [u8; 256])); 8] = [
    ("nothing: the loop itself", None, |_, _| {}),
    ("floor: no value", None, |_, out| store::<0>(out, &[], "")),
    ("floor: u64, 19 bytes of text, bool", None, |v, out| {
        store(out, &[v.id.to_ne_bytes(), u64::from(v.paid).to_ne_bytes()], &v.name);
    }),
    ("floor: the same, u16, f64", None, |v, out| {
        let numbers = [v.id, u64::from(v.paid), u64::from(v.port)].map(u64::to_ne_bytes);
        let [id, paid, port] = numbers;
        store(out, &[id, paid, port, v.total.to_ne_bytes()], &v.name);
    }),
    ("message only", Some(1), |_, _| info!("order paid")),
    ("3 fields", Some(2), |v, _| info!("order paid", id = v.id, name = v.name, paid = v.paid)),
    ("5 fields", Some(3), |v, _| {
        let Values { id, name, paid, port, total } = v;
        info!("order paid", id, name, paid, port, total);
    }),
    ("3 fields, disabled", None, |v, _| {
        debug!("order paid", id = v.id, name = v.name, paid = v.paid);
    }),
];

/// The floor: a time stamp, numbers, and text of a length that is not known.
#[inline(always)]
fn store<const N: usize>(out: &mut [u8; 256], numbers: &[[u8; 8]; N], text: &str) {
    out[..8].copy_from_slice(&ticks().to_ne_bytes());
    for (place, number) in out[8..].chunks_exact_mut(8).zip(numbers) {
        place.copy_from_slice(number);
    }
    if N > 0 {
        out[8 + 8 * N..][..text.len()].copy_from_slice(text.as_bytes());
    }
    black_box(out);
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn ticks() -> u64 {
    // SAFETY: every x86-64 has this instruction, and user code may run it on all systems that
    // the clock's own check lets through.
    unsafe { core::arch::x86_64::_rdtsc() }
}

#[cfg(not(target_arch = "x86_64"))]
fn ticks() -> u64 {
    use std::time::{SystemTime, UNIX_EPOCH};
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64)
}

impl Kind {
    #[inline(never)]
    fn burst(&mut self, values: &Values, out: &mut [u8; 256]) {
        let began = Instant::now();
        for _ in 0..BURST {
            (self.call)(black_box(values), out);
        }
        self.times.push(began.elapsed().as_nanos() as f64 / f64::from(BURST));
    }

    fn least_and_median(&mut self) -> (f64, f64) {
        self.times.sort_by(f64::total_cmp);
        (self.times[0], self.times[self.times.len() / 2])
    }
}

fn main() {
    // `cargo bench` adds `--bench`; `cargo test --benches` wants to see that it runs at all.
    let arguments: Vec<String> = env::args().skip(1).collect();
    let stated = arguments.iter().find_map(|argument| argument.parse().ok());
    let is_bench = arguments.iter().any(|argument| argument == "--bench");
    let rounds = stated.unwrap_or(if is_bench { ROUNDS } else { 1 }).max(1);

    let shm = PathBuf::from("/dev/shm");
    let folder = if shm.is_dir() { shm } else { env::temp_dir() };
    let path = folder.join(format!("nexlog-bench-call-{}.jsonl", process::id()));
    let logger = nexlog::builder()
        .filter("info")
        .file(File::at(&path))
        .mode(Mode::Background)
        .install()
        .expect("a logger with a file");

    let values = Values {
        id: 4711,
        name: "Sensor 12, basement".into(),
        paid: true,
        port: 443,
        total: 19.99,
    };
    let mut kinds = KINDS.map(|(name, floor, call)| Kind { name, floor, call, times: Vec::new() });
    let mut out = [0; 256];
    for round in 0..=rounds {
        for kind in &mut kinds {
            kind.burst(&values, &mut out);
            logger.flush(PATIENCE).expect("the burst is written");
            if round == 0 {
                kind.times.clear(); // the first use of everything
            }
        }
    }
    report(&mut kinds);
    let stats = logger.stats();
    println!("\n{rounds} rounds of {BURST} calls; {} records dropped", stats.dropped);
    drop(fs::remove_file(path));
}

fn report(kinds: &mut [Kind]) {
    let times: Vec<(f64, f64)> = kinds.iter_mut().map(Kind::least_and_median).collect();
    println!("| a call | least ns | median ns | least over floor | times the floor |");
    println!("| --- | --: | --: | --: | --: |");
    for (kind, (least, median)) in kinds.iter().zip(&times) {
        let compared = match kind.floor {
            Some(floor) => {
                let (floor, _) = times[floor];
                format!("{:.1} | {:.2}", least - floor, least / floor)
            }
            None => "|".to_owned(),
        };
        println!("| {} | {least:.2} | {median:.2} | {compared} |", kind.name);
    }
}
