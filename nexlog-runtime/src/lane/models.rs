//! Models for loom: every interleaving (of at most two preemptions) of the lock-free parts.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p nexlog-runtime --lib --release models`. Segments are
//! small then, and every 8 bytes of lane memory have a shadow cell through which loom sees
//! unsynchronised access.

use loom::sync::Mutex;
use loom::sync::atomic::AtomicBool;
use loom::sync::atomic::Ordering::SeqCst;
use loom::thread;
use std::sync::Arc;

use super::lanes::Lanes;
use super::memory::PROGRAM;
use super::pool::Pool;
use super::read::{Reader, Step};
use super::ring::Lane;
use super::view::Common;
use crate::pipeline::doze::{Doze, light_fence};
use crate::value::wire::{HEADER_BYTES, Header, Kind};

fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(model);
}

const RECORD: usize = HEADER_BYTES + 8;

/// Writes a record whose time and payload are `number`; false when the lane is full.
fn write(lane: &Lane, pool: &Pool, number: u64) -> bool {
    let Ok(at) = lane.reserve(pool, RECORD) else { return false };
    let header = Header {
        site: core::ptr::null(),
        ticks: number,
        bytes: RECORD as u32,
        frame: 0,
        level: 0,
        kind: Kind::Record as u8,
    };
    // SAFETY: `reserve` gave `RECORD` bytes to this thread, which owns the lane.
    unsafe {
        header.write(at, lane.producer().place());
        at.add(HEADER_BYTES).cast::<u64>().write(number);
        lane.producer().commit(RECORD);
    }
    true
}

/// Reads all that is there; returns the numbers, checked against the payloads.
fn drain(reader: &mut Reader) -> Vec<u64> {
    let (mut numbers, mut entries) = (Vec::new(), Vec::new());
    reader.collect(u64::MAX);
    loop {
        match reader.next(&mut entries) {
            Step::Record => {
                let (ticks, payload) = entries[entries.len() - 1].raw_numbers();
                assert_eq!(ticks, payload);
                numbers.push(ticks);
            }
            Step::WriteOut => reader.release(),
            Step::End => break,
        }
    }
    reader.release();
    numbers
}

#[test]
fn a_segment_is_nobody_elses() {
    check(|| {
        let pool = Arc::new(Pool::new(&PROGRAM, None, 0));
        // The chunk is there: growing is a mutex's business, the stack is ours.
        let first = pool.take().unwrap();
        // Two owners of a segment would touch the same shadow cell at the same time.
        let own = |pool: &Pool| {
            let segment = pool.take()?;
            pool.touch(segment, 0..8, true);
            Some(segment)
        };
        let other = Arc::clone(&pool);
        let thread = thread::spawn(move || (own(&other), own(&other)));
        // The top is A, then B, then A again, while the other thread may be inside `pop` with
        // the A and the link that it saw first.
        let (a, b) = (own(&pool), own(&pool));
        if let Some(a) = a {
            pool.give(a);
        }
        if let Some(b) = b {
            pool.touch(b, 0..8, true);
        }
        thread.join().unwrap();
        pool.give(first);
    });
}

#[test]
fn records_come_out_whole_and_in_order_while_the_owner_writes() {
    check(|| {
        let lanes = Arc::new(Lanes::new(&PROGRAM, None, 2, true, 0));
        let doze = Arc::new(Doze::new(u64::MAX));
        let mut reader = Reader::new(&lanes, Common::new()).unwrap();
        let writer = {
            let (lanes, doze) = (Arc::clone(&lanes), Arc::clone(&doze));
            thread::spawn(move || {
                let lane = lanes.add(doze.deadline()).unwrap();
                // Three fit in a segment: a switch, and a wait for a free segment.
                (1..=7).take_while(|number| write(lane, &lanes.pool, *number)).count() as u64
            })
        };
        let mut seen = drain(&mut reader);
        seen.extend(drain(&mut reader));
        let written = writer.join().unwrap();
        seen.extend(drain(&mut reader));
        assert_eq!(seen, (1..=written).collect::<Vec<_>>());
        assert!(written >= 3);
    });
}

#[test]
fn a_lane_has_one_owner_and_none_is_lost() {
    check(|| {
        let lanes = Arc::new(Lanes::new(&PROGRAM, None, 2, true, 0));
        let doze = Arc::new(Doze::new(u64::MAX));
        let mut reader = Reader::new(&lanes, Common::new()).unwrap();
        let run = |lanes: &Lanes, doze: &Doze, number: u64| {
            let lane = lanes.reuse().or_else(|| lanes.add(doze.deadline())).unwrap();
            assert!(write(lane, &lanes.pool, number));
            lane.leave();
        };
        let threads: Vec<_> = (1..=2)
            .map(|number| {
                let (lanes, doze) = (Arc::clone(&lanes), Arc::clone(&doze));
                thread::spawn(move || run(&lanes, &doze, number))
            })
            .collect();
        let mut seen = drain(&mut reader);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        seen.extend(drain(&mut reader));
        seen.sort_unstable();
        assert_eq!(seen, [1, 2]);
        assert!(lanes.count() <= 2);
    });
}

/// The worker's sleep against a caller's commit: if the worker sleeps for good, it has seen the
/// record, or the caller has woken it.
#[test]
fn a_commit_is_never_slept_through() {
    check(|| {
        let lanes = Arc::new(Lanes::new(&PROGRAM, None, 2, true, 0));
        let doze = Arc::new(Doze::new(u64::MAX));
        let woken = Arc::new(AtomicBool::new(false));
        let caller = {
            let (lanes, doze, woken) = (Arc::clone(&lanes), Arc::clone(&doze), Arc::clone(&woken));
            thread::spawn(move || {
                let lane = lanes.add(doze.deadline()).unwrap();
                assert!(write(lane, &lanes.pool, 1));
                light_fence();
                if doze.is_due(1) && doze.wake() {
                    woken.store(true, SeqCst);
                }
            })
        };
        doze.lie_down();
        let saw = lanes.have_unread();
        caller.join().unwrap();
        assert!(saw || woken.load(SeqCst), "the worker sleeps and a record waits");
    });
}

/// The end of the process against a caller's commit: the exit handler writes the record, or the
/// caller does before it returns.
#[test]
fn a_commit_at_exit_is_written_by_somebody() {
    check(|| {
        let lanes = Arc::new(Lanes::new(&PROGRAM, None, 2, true, 0));
        let doze = Arc::new(Doze::new(u64::MAX));
        let reader = Arc::new(Mutex::new(Reader::new(&lanes, Common::new()).unwrap()));
        let caller = {
            let (lanes, doze, reader) =
                (Arc::clone(&lanes), Arc::clone(&doze), Arc::clone(&reader));
            thread::spawn(move || {
                let lane = lanes.add(doze.deadline()).unwrap();
                assert!(write(lane, &lanes.pool, 1));
                light_fence();
                if doze.is_due(1) { drain(&mut reader.lock().unwrap()).len() } else { 0 }
            })
        };
        doze.write_through();
        let at_exit = drain(&mut reader.lock().unwrap()).len();
        let by_caller = caller.join().unwrap();
        assert_eq!(at_exit + by_caller, 1);
    });
}
