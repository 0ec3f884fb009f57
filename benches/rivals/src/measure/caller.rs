//! What a call costs its caller, in bursts of 512 on one thread, flushed in between.
//!
//! - `caller`: a burst of nothing but calls, less a burst of nothing. The median burst is told,
//!   and of single calls, timed one by one, the 50th and 99th percentile, less the median of
//!   timing nothing.
//! - `caller-work`: the same calls with some 32 ns of arithmetic between them, less the arithmetic
//!   alone. In a tight loop the latency of a clock hides much of the other work of a call; here
//!   the arithmetic competes with it, as a program's own work does.
//!
//! The kinds of bursts take turns, so that whatever else the machine does meets all alike.

use std::hint::black_box;
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

pub fn alone<R: Rival>(job: &Job) -> Numbers {
    let mut rival = R::open(&job.setup);
    let pool = Pool::default();
    let (mut nothing, mut calls) = (Vec::new(), Vec::new());
    let (mut clock, mut singles) = (Vec::new(), Vec::new());
    let ns_per_tick = ns_per_tick();
    bursts(|is_warm| {
        let empty = burst(&pool, |_| ());
        let full = burst(&pool, |record| rival.request(record));
        rival.flush();
        let (before, between) = (clock.len(), singles.len());
        each(&pool, &mut clock, |_| ());
        each(&pool, &mut singles, |record| rival.request(record));
        rival.flush();
        if is_warm {
            nothing.push(empty);
            calls.push(full);
        } else {
            clock.truncate(before);
            singles.truncate(between);
        }
    });
    rival.finish();
    let clock = median(&mut clock);
    let mut single = |part| ((quantile(&mut singles, part) - clock) * ns_per_tick).max(0.0);
    vec![
        ("p50_ns", single(0.5)),
        ("p99_ns", single(0.99)),
        ("ns", median(&mut calls) - median(&mut nothing)),
    ]
}

pub fn among_work<R: Rival>(job: &Job) -> Numbers {
    let mut rival = R::open(&job.setup);
    let pool = Pool::default();
    let steps = steps_of_work();
    let (mut work_alone, mut with_calls) = (Vec::new(), Vec::new());
    let mut state = [1, 2, 3, 4];
    bursts(|is_warm| {
        let alone = burst(&pool, |_| work(&mut state, steps));
        let both = burst(&pool, |record| {
            work(&mut state, steps);
            rival.request(record);
        });
        rival.flush();
        if is_warm {
            work_alone.push(alone);
            with_calls.push(both);
        }
    });
    rival.finish();
    black_box(state);
    let work_ns = median(&mut work_alone);
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

/// Four chains of multiplications: enough at once to keep the arithmetic units busy.
#[inline(always)]
fn work(state: &mut [u64; 4], steps: u64) {
    for _ in 0..steps {
        for chain in state.iter_mut() {
            *chain = (*chain ^ (*chain >> 29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }
}

/// How often a step fits into [`WORK_NS`].
fn steps_of_work() -> u64 {
    const STEPS: u64 = 1 << 16;
    let mut state = [1, 2, 3, 4];
    let mut times = [0.0; 21].map(|_: f64| ns_a_call(STEPS, || work(black_box(&mut state), STEPS)));
    black_box(state);
    (WORK_NS / median(&mut times)).round().max(1.0) as u64
}
