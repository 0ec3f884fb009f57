//! What a call costs its caller, in bursts of 512 on one thread, flushed in between.
//!
//! - `caller`: a burst of nothing but calls, straight after the flush of the one before, less a
//!   burst of nothing. The median burst is told, and of single calls, timed one by one, the 50th
//!   and 99th percentile, less the median of timing nothing. At the end some bursts after a rest
//!   of 2 ms each, when a worker may have gone to sleep and must be woken.
//! - `caller-work`: the same calls with some 32 ns of arithmetic between them, less the arithmetic
//!   alone. In a tight loop the latency of a clock hides much of the other work of a call; here
//!   the arithmetic competes with it, as a program's own work does.
//!
//! What is subtracted is measured before the logger is there: behind a flush it would be charged
//! with what a worker does when it goes to rest.

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use super::{Job, Numbers};
use crate::clock::{median, ns_a_call, ns_per_tick, quantile, ticks};
use crate::record::{Pool, Request};
use crate::rival::Rival;

const BURST: u64 = 512;
const BURSTS: usize = 600;
const WARM: usize = 20;
/// A slow rival makes fewer bursts, but no fewer than [`FEWEST`].
const TIME: Duration = Duration::from_millis(700);
const FEWEST: usize = 60;
const WORK_NS: f64 = 32.0;
const AFTER_REST: usize = 100;
const REST: Duration = Duration::from_millis(2);

pub fn alone<R: Rival>(job: &Job) -> Numbers {
    let pool = Pool::default();
    let (mut nothing, mut clock) = (Vec::new(), Vec::new());
    bursts(|_| {
        nothing.push(burst(&pool, |_| ()));
        each(&pool, &mut clock, |_| ());
    });
    let (nothing, clock) = (median(&mut nothing), median(&mut clock));
    let ns_per_tick = ns_per_tick();

    let mut rival = R::open(&job.setup);
    let (mut calls, mut singles, mut rested) = (Vec::new(), Vec::new(), Vec::new());
    bursts(|is_warm| {
        let full = burst(&pool, |record| rival.request(record));
        rival.flush();
        let before = singles.len();
        each(&pool, &mut singles, |record| rival.request(record));
        rival.flush();
        if is_warm {
            calls.push(full);
        } else {
            singles.truncate(before);
        }
    });
    for _ in 0..AFTER_REST {
        thread::sleep(REST);
        rested.push(burst(&pool, |record| rival.request(record)));
        rival.flush();
    }
    rival.finish();
    let mut single = |part| ((quantile(&mut singles, part) - clock) * ns_per_tick).max(0.0);
    vec![
        ("p50_ns", single(0.5)),
        ("p99_ns", single(0.99)),
        ("ns", median(&mut calls) - nothing),
        ("rested_ns", median(&mut rested) - nothing),
    ]
}

pub fn among_work<R: Rival>(job: &Job) -> Numbers {
    let pool = Pool::default();
    let mut state = [1, 2, 3, 4];
    let steps = steps_of_work(&pool, &mut state);
    let (mut alone, mut with_calls) = (Vec::new(), Vec::new());
    bursts(|_| alone.push(burst(&pool, |_| work(&mut state, steps))));

    let mut rival = R::open(&job.setup);
    bursts(|is_warm| {
        let both = burst(&pool, |record| {
            work(&mut state, steps);
            rival.request(record);
        });
        rival.flush();
        if is_warm {
            with_calls.push(both);
        }
    });
    rival.finish();
    black_box(state);
    let work_ns = median(&mut alone);
    vec![("work_ns", work_ns), ("ns", median(&mut with_calls) - work_ns)]
}

/// Bursts for as long as is wanted; tells each whether it counts.
fn bursts(mut round: impl FnMut(bool)) {
    let began = Instant::now();
    for done in 0..WARM + BURSTS {
        if began.elapsed() > TIME && done >= FEWEST + WARM {
            break;
        }
        round(done >= WARM);
    }
}

/// Nanoseconds a call.
#[inline(never)]
fn burst(pool: &Pool, mut call: impl FnMut(&Request)) -> f64 {
    ns_a_call(BURST, || {
        for n in 0..BURST {
            call(black_box(&pool.request(n)));
        }
    })
}

/// Ticks of each call.
#[inline(never)]
fn each(pool: &Pool, times: &mut Vec<f64>, mut call: impl FnMut(&Request)) {
    let mut burst = [0_u64; BURST as usize];
    for n in 0..BURST {
        let record = pool.request(n);
        let began = ticks();
        call(black_box(&record));
        burst[n as usize] = ticks() - began;
    }
    times.extend(burst.map(|ticks| ticks as f64));
}

/// Four chains of multiplications: enough at once to keep the arithmetic units busy. Not inlined,
/// so that it is the same code with calls and without.
#[inline(never)]
fn work(state: &mut [u64; 4], steps: u64) {
    for _ in 0..steps {
        for chain in state.iter_mut() {
            *chain = (*chain ^ (*chain >> 29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }
}

/// How many steps take [`WORK_NS`] in a burst.
fn steps_of_work(pool: &Pool, state: &mut [u64; 4]) -> u64 {
    let mut ns = |steps| {
        let time = |_: f64| burst(pool, |_| work(state, steps));
        median(&mut [0.0; 21].map(time))
    };
    (1..100).find(|&steps| ns(steps) >= WORK_NS).expect("steps take some time")
}
