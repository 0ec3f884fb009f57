//! From the first call to everything in the file, on some threads that share the records. Also
//! what it took: time on cores, and the most memory.
//!
//! With `records=0` no logger is opened: the memory of the same program without it.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use super::{Job, Numbers};
use crate::process;
use crate::record::{CONTEXT, Pool, THREAD};
use crate::rival::{Rival, Shape};

/// So many records are made in one context.
const IN_CONTEXT: u64 = 1000;

pub fn measure<R: Rival>(job: &Job) -> Numbers {
    let pool = Pool::default();
    if job.records == 0 {
        return empty(job, &pool);
    }
    let share = job.records / job.threads;
    let rival = R::open(&job.setup);
    let start = Barrier::new(job.threads as usize + 1);
    let (began, cpu_began) = thread::scope(|scope| {
        for thread in 0..job.threads {
            let mut rival = rival.clone();
            let (pool, start) = (&pool, &start);
            scope.spawn(move || {
                start.wait();
                log(&mut rival, job.shape, pool, thread * THREAD, share);
            });
        }
        let began = (Instant::now(), process::cpu_seconds());
        start.wait();
        began
    });
    rival.finish();
    let seconds = began.elapsed().as_secs_f64();
    let cpu_seconds = process::cpu_seconds() - cpu_began;
    vec![("seconds", seconds), ("cpu_seconds", cpu_seconds), ("peak_kib", process::peak_kib())]
}

fn log<R: Rival>(rival: &mut R, shape: Shape, pool: &Pool, first: u64, records: u64) {
    let numbers = first..first + records;
    match shape {
        Shape::Request => numbers.for_each(|n| rival.request(black_box(&pool.request(n)))),
        Shape::Strings => numbers.for_each(|n| rival.strings(black_box(pool.strings(n)))),
        Shape::Integers => numbers.for_each(|n| rival.integers(black_box(&pool.integers(n)))),
        Shape::Display => numbers.for_each(|n| rival.displayed(black_box(pool.displayed(n)))),
        Shape::Context => {
            for from in numbers.step_by(IN_CONTEXT as usize) {
                let until = (from + IN_CONTEXT).min(first + records);
                rival.in_context(black_box(&CONTEXT), |rival| {
                    (from..until).for_each(|n| rival.request(black_box(&pool.request(n))));
                });
            }
        }
    }
}

fn empty(job: &Job, pool: &Pool) -> Numbers {
    thread::scope(|scope| {
        for _ in 0..job.threads {
            scope.spawn(|| black_box(pool.request(0)));
        }
    });
    vec![("peak_kib", process::peak_kib())]
}
