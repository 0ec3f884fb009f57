//! Changes of a ring file, and recovery.
//!
//! Input: changes one after the other, each a byte that says which, and what it needs. Where
//! there is a check it is made right, but for plain bytes: what gets through is to be seen, too.

#![no_main]

mod skeleton;

use libfuzzer_sys::fuzz_target;
use skeleton::{Skeleton, place, ring, settle_entry, settle_head, write_header};
use std::sync::LazyLock;

static SKELETON: LazyLock<Skeleton> = LazyLock::new(Skeleton::new);

/// What is left of the input.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn number(&mut self, bytes: usize) -> Option<u64> {
        let (head, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(head.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn below(&mut self, bytes: usize, end: usize) -> Option<usize> {
        usize::try_from(self.number(bytes)?).ok()?.checked_rem(end)
    }

    /// Some bytes, over what is in `place` from some offset on.
    fn put(&mut self, place: &mut [u8]) -> Option<()> {
        let at = self.below(2, place.len())?;
        let count = self.below(1, 64)?.min(place.len() - at).min(self.0.len());
        let (head, rest) = self.0.split_at(count);
        place[at..at + count].copy_from_slice(head);
        self.0 = rest;
        Some(())
    }
}

fn change(bytes: &mut [u8], length: &mut usize, input: &mut Input<'_>) -> Option<()> {
    let Skeleton { ring, .. } = &*SKELETON;
    match input.number(1)? % 8 {
        0 => {
            let at = input.below(3, bytes.len())?;
            input.put(&mut bytes[at..])?;
        }
        1 => {
            let record = &ring.records[input.below(1, ring.records.len())?];
            input.put(&mut bytes[record.own.body.clone()])?;
        }
        2 => {
            let record = &ring.records[input.below(1, ring.records.len())?];
            let at = record.own.header.start;
            let site = ring.records[input.below(1, ring.records.len())?].own.site;
            let (ticks, parts) = (input.number(8)?, input.number(8)?);
            let place = place(record.lane, record.position.start);
            write_header(bytes, at, [site, record.ticks.wrapping_add(ticks), parts], place);
        }
        3 => {
            let entry = &ring.entries[input.below(1, ring.entries.len())?];
            // Not where it goes to: any file of this machine could be it.
            if entry.kind != 2 {
                input.put(&mut bytes[entry.at.start + 32..entry.at.end])?;
                let level = input.number(1)?;
                if level % 4 == 0 {
                    bytes[entry.at.start + 6] = u8::try_from(level).ok()?;
                }
                settle_entry(bytes, &entry.at);
            }
        }
        4 => {
            // A lane's words.
            let lane = ring.lanes.values().nth(input.below(1, ring.lanes.len())?)?;
            let words = lane.words();
            let which = &words[input.below(1, words.len())?];
            let at = which.start + 8 * input.below(1, which.len() / 8)?;
            ring::set_word(bytes, at / 8, input.number(8)?);
        }
        5 => {
            // Counts, clocks, table, intents; and what the check is of.
            let at = input.below(2, 4096)?;
            ring::set_word(bytes, at, input.number(8)?);
            if at < ring::CHECK {
                settle_head(bytes);
            }
        }
        6 => {
            let frames = &ring.records[input.below(1, ring.records.len())?].frames;
            let frame = frames.get(input.below(1, frames.len())?)?;
            input.put(&mut bytes[frame.body.clone()])?;
        }
        _ => *length = input.below(3, bytes.len())?,
    }
    Some(())
}

fuzz_target!(|input: &[u8]| {
    let mut bytes = SKELETON.bytes.clone();
    let mut length = bytes.len();
    let mut input = Input(input);
    while change(&mut bytes, &mut length, &mut input).is_some() {}
    SKELETON.recover(&bytes[..length]);
});
