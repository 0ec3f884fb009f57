//! Instrumented functions, in bursts of 512 in turn: with nothing inside, with a record inside,
//! and the record without a function around it. Less a burst of nothing, medians.

use std::hint::black_box;

use super::{Job, Numbers};
use crate::clock::{median, ns_a_call};
use crate::record::Pool;
use crate::rival::{Measure, Rival};

const BURST: u64 = 512;
const BURSTS: usize = 300;
const WARM: usize = 20;

pub fn measure<R: Rival>(job: &Job) -> Numbers {
    let mut rival = R::open(&job.setup);
    let pool = Pool::default();
    // A library of spans alone says so by offering no calls.
    let has_records = R::ABOUT.measures.contains(&Measure::Caller);
    let (mut nothing, mut empty) = (Vec::new(), Vec::new());
    let (mut records, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..BURSTS + WARM {
        nothing.push(burst(|n| _ = black_box(pool.request(n))));
        let mut time = f64::NAN;
        rival.in_trace(|rival| time = burst(|n| rival.empty_span(n, black_box(2))));
        empty.push(time);
        rival.flush();
        if has_records {
            rival.in_trace(|rival| {
                time = burst(|n| rival.span_with_record(n, black_box(&pool.request(n))));
            });
            records.push(time);
            rival.flush();
            alone.push(burst(|n| rival.request(black_box(&pool.request(n)))));
            rival.flush();
        }
    }
    rival.finish();
    let nothing = median(&mut nothing[WARM..]);
    let mut numbers = vec![("empty_ns", median(&mut empty[WARM..]) - nothing)];
    if has_records {
        numbers.push(("with_record_ns", median(&mut records[WARM..]) - nothing));
        numbers.push(("record_ns", median(&mut alone[WARM..]) - nothing));
    }
    numbers
}

#[inline(never)]
fn burst(mut call: impl FnMut(u64)) -> f64 {
    ns_a_call(BURST, || (0..BURST).for_each(|n| call(black_box(n))))
}
