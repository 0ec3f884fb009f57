//! What a thread that logged once and is idle keeps in memory: the process with so many threads,
//! all of which wait, before each made a record and after all were flushed.

use std::sync::Barrier;
use std::thread;

use super::{Job, Numbers};
use crate::process;
use crate::record::Pool;
use crate::rival::Rival;

/// Enough for a call of any rival; memory that a thread did not touch does not count.
const STACK_BYTES: usize = 256 << 10;

pub fn measure<R: Rival>(job: &Job) -> Numbers {
    let (pool, threads) = (Pool::default(), job.threads);
    let mut rival = R::open(&job.setup);
    let step = Barrier::new(threads as usize + 1);
    let (silent_kib, logged_kib) = thread::scope(|scope| {
        for n in 0..threads {
            let (mut rival, pool, step) = (rival.clone(), &pool, &step);
            let body = move || {
                step.wait(); // all threads are there
                step.wait(); // the memory is read
                rival.request(&pool.request(n));
                step.wait(); // all have logged
                step.wait(); // the memory is read
            };
            let builder = thread::Builder::new().stack_size(STACK_BYTES);
            builder.spawn_scoped(scope, body).expect("the system allows so many threads");
        }
        step.wait();
        let silent_kib = process::resident_kib();
        step.wait();
        step.wait();
        rival.flush();
        let logged_kib = process::resident_kib();
        step.wait();
        (silent_kib, logged_kib)
    });
    rival.finish();
    vec![("kib_a_thread", (logged_kib - silent_kib) / threads as f64)]
}
