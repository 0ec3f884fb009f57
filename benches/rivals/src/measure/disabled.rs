//! A call below the level, over a loop without it. Both alternate; the medians of 11 are taken.

use std::hint::black_box;

use super::{Job, Numbers};
use crate::clock::{median, ns_a_call};
use crate::record::{Pool, Request};
use crate::rival::Rival;

const CALLS: u64 = 1 << 20;
const LOOPS: usize = 11;

pub fn measure<R: Rival>(job: &Job) -> Numbers {
    let mut rival = R::open(&job.setup);
    let record = Pool::default().request(1);
    let (mut nothing, mut calls) = (Vec::new(), Vec::new());
    repeat(&record, CALLS / 8, |record| rival.below_level(record));
    for _ in 0..LOOPS {
        nothing.push(repeat(&record, CALLS, |_| ()));
        calls.push(repeat(&record, CALLS, |record| rival.below_level(record)));
    }
    rival.finish();
    let nothing = median(&mut nothing);
    vec![("loop_ns", nothing), ("ns", median(&mut calls) - nothing)]
}

#[inline(never)]
fn repeat(record: &Request, calls: u64, mut call: impl FnMut(&Request)) -> f64 {
    ns_a_call(calls, || {
        for _ in 0..calls {
            call(black_box(record));
        }
    })
}
