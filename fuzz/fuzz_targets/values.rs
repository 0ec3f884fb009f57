//! Any bytes as the values of a record that a dead process has left.
//!
//! Input: which record's call site it takes, flags and level, and the values.

#![no_main]

mod skeleton;

use libfuzzer_sys::fuzz_target;
use skeleton::{Skeleton, place, ring, write_header};
use std::sync::LazyLock;

static SKELETON: LazyLock<Skeleton> = LazyLock::new(Skeleton::new);

fuzz_target!(|input: &[u8]| {
    let [site, flags, level, values @ ..] = input else { return };
    let records = &SKELETON.ring.records;
    let record = &records[usize::from(*site) % records.len()];
    let mut bytes = SKELETON.bytes.clone();
    // In place of the first record, with the same frame around it.
    let first = &records[0];
    let (at, body) = (first.own.header.start, first.own.body.start);
    let values = &values[..values.len().min(8000)];
    let length = (24 + values.len()).next_multiple_of(8);
    let frame = ring::word(&bytes, at / 8 + 2) >> 32 & 0xffff;
    let parts =
        length as u64 | frame << 32 | u64::from(*level) << 48 | u64::from(1 | flags & 0xc0) << 56;
    let start = first.position.start;
    write_header(&mut bytes, at, [record.own.site, first.ticks, parts], place(first.lane, start));
    bytes[body..body + values.len()].copy_from_slice(values);
    let lane = &SKELETON.ring.lanes[&first.lane];
    ring::set_word(&mut bytes, lane.published / 8, start + length as u64);
    SKELETON.recover(&bytes);
});
