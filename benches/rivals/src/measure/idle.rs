//! A logger with a thread of its own while nothing is logged: how often any thread of the process
//! changed places with another in two seconds, and how soon after that a record is in the file.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use super::{Job, Numbers};
use crate::clock::median;
use crate::process;
use crate::record::Pool;
use crate::rival::Rival;

const IDLE: Duration = Duration::from_secs(2);
/// Between two records that are waited for: longer than any interval of a worker.
const PAUSE: Duration = Duration::from_millis(150);
const RECORDS: u64 = 9;
const PATIENCE: Duration = Duration::from_secs(2);

pub fn measure<R: Rival>(job: &Job) -> Numbers {
    let (pool, path) = (Pool::default(), &job.setup.path);
    let mut rival = R::open(&job.setup);
    let bytes = || fs::metadata(path).map_or(0, |file| file.len());
    (0..10_000).for_each(|n| rival.request(&pool.request(n)));
    rival.flush();
    thread::sleep(PAUSE);

    let before = process::switches();
    thread::sleep(IDLE);
    // This thread's own sleep is one.
    let switches = process::switches() - before - 1.0;

    let mut delays = Vec::new();
    for n in 0..RECORDS {
        let before = bytes();
        let began = Instant::now();
        rival.request(&pool.request(n));
        while bytes() == before && began.elapsed() < PATIENCE {
            thread::yield_now();
        }
        if bytes() == before {
            delays = vec![f64::INFINITY]; // it writes when it has more
            break;
        }
        delays.push(began.elapsed().as_secs_f64() * 1e6);
        thread::sleep(PAUSE);
    }
    rival.finish();
    vec![("switches", switches.max(0.0)), ("delay_us", median(&mut delays))]
}
