//! What can happen to a file.

use std::ops::Range;

use super::ring::{Ring, bytes_of, set_word};
use crate::support::random::Random;

/// A damaged copy, and where it differs.
pub struct Damaged {
    pub bytes: Vec<u8>,
    /// Sorted, and no two meet.
    dirty: Vec<Range<usize>>,
    pub what: String,
}

impl Damaged {
    /// Whether something in there is not as it was.
    pub fn hits(&self, range: &Range<usize>) -> bool {
        let place = self.dirty.partition_point(|dirty| dirty.end <= range.start);
        self.dirty.get(place).is_some_and(|dirty| dirty.start < range.end)
    }

    /// Whether one of these segments has become a copy of the one with this head.
    pub fn is_copied(&self, head: &Range<usize>, segments: &[usize]) -> bool {
        let at = |start: usize| self.bytes.get(start..start + head.len());
        let mut others = segments.iter().filter(|other| **other != head.start);
        others.any(|other| self.hits(&(*other..other + head.len())) && at(*other) == at(head.start))
    }

    pub fn hits_any<'a>(&self, ranges: impl IntoIterator<Item = &'a Range<usize>>) -> bool {
        ranges.into_iter().any(|range| self.hits(range))
    }
}

fn index(random: &mut Random, end: usize) -> usize {
    usize::try_from(random.below(end as u64)).unwrap()
}

fn within(random: &mut Random, range: &Range<usize>) -> usize {
    range.start + index(random, range.len())
}

fn pick<'a, T>(random: &mut Random, all: &'a [T]) -> &'a T {
    &all[index(random, all.len())]
}

/// Numbers that are at the end of something.
fn extreme(random: &mut Random) -> u64 {
    const ALL: [u64; 18] = [
        0,
        1,
        7,
        24,
        (16 << 10) - 24,
        16 << 10,
        64 << 10,
        u32::MAX as u64 - 1,
        u32::MAX as u64,
        1 << 32,
        (1 << 48) - 1,
        1 << 56,
        i64::MAX as u64 - 7,
        i64::MAX as u64,
        1 << 63,
        u64::MAX - (16 << 10),
        u64::MAX - 7,
        u64::MAX,
    ];
    *pick(random, &ALL)
}

/// The places that are most worth it: few bytes, and a lot depends on them.
fn target(ring: &Ring, random: &mut Random) -> (Range<usize>, &'static str) {
    let lanes: Vec<_> = ring.lanes.values().collect();
    match random.below(12) {
        0 => (bytes_of(super::ring::HEAD), "the head"),
        1 => (Ring::counts(), "counts"),
        2 => {
            let table = Ring::table();
            (table.start..table.start + 32, "the table")
        }
        3 => (pick(random, &Ring::clocks()).clone(), "clocks"),
        4 => (ring.intents(), "an intent"),
        5 => (pick(random, &ring.entries).at.clone(), "an entry"),
        6 => {
            let at = *pick(random, &ring.segments);
            (at..at + 24, "a segment's head")
        }
        7 => {
            let lane = pick(random, &lanes);
            (pick(random, &lane.words()).clone(), "a lane's words")
        }
        8 => (pick(random, &lanes).thread.clone(), "a lane's thread"),
        9 => {
            let record = pick(random, &ring.records);
            (pick(random, &record.headers).clone(), "a header")
        }
        10 => (pick(random, &ring.records).own.body.clone(), "a record's values"),
        _ => {
            let framed: Vec<_> = ring.records.iter().filter(|r| !r.frames.is_empty()).collect();
            let frames = &pick(random, &framed).frames;
            let frame = pick(random, frames);
            (frame.header.start..frame.body.end, "a frame")
        }
    }
}

/// One bit of a byte.
pub fn flip(sound: &[u8], at: usize, bit: u32) -> Damaged {
    let mut bytes = sound.to_vec();
    bytes[at] ^= 1 << bit;
    Damaged {
        bytes,
        dirty: std::iter::once(at..at + 1).collect(),
        what: format!("bit {bit} of {at} flipped"),
    }
}

/// Damages the bytes of a ring. The same random numbers make the same damage.
pub fn damage(ring: &Ring, sound: &[u8], random: &mut Random) -> Damaged {
    let mut bytes = sound.to_vec();
    let mut touched: Vec<Range<usize>> = Vec::new();
    let (place, name) = match random.below(2) {
        0 => (0..ring.end, "anything"),
        _ => target(ring, random),
    };
    let how = match random.below(16) {
        0..6 => {
            let count = random.below(8) + 1;
            for _ in 0..count {
                let at = within(random, &place);
                bytes[at] ^= 1 << random.below(8);
                touched.push(at..at + 1);
            }
            format!("{count} bits of {name} flipped")
        }
        6..10 => {
            let start = within(random, &place);
            let longest = if name == "anything" { 4096 } else { place.end - start };
            let end = (start + 1 + index(random, longest)).min(ring.end);
            let kind = random.below(3);
            for byte in &mut bytes[start..end] {
                *byte = match kind {
                    0 => 0,
                    1 => 0xff,
                    _ => u8::try_from(random.below(256)).unwrap(),
                };
            }
            touched.push(start..end);
            format!("{start}..{end} of {name} overwritten, {kind}")
        }
        10..13 => {
            let count = random.below(3) + 1;
            for _ in 0..count {
                let at = within(random, &place) / 8;
                set_word(&mut bytes, at, extreme(random));
                touched.push(8 * at..8 * at + 8);
            }
            format!("{count} words of {name} made extreme")
        }
        13 => {
            let length = 1 + index(random, 20_000);
            let length = length.min(ring.end / 3) & if random.chance(2) { !7 } else { !0 };
            let first = index(random, ring.end / 2 - length);
            let second = ring.end / 2 + index(random, ring.end / 2 - length);
            let (head, tail) = bytes.split_at_mut(second);
            head[first..first + length].swap_with_slice(&mut tail[..length]);
            touched.extend([first..first + length, second..second + length]);
            format!("{length} bytes at {first} and {second} swapped")
        }
        14 => {
            // As a file system does it that loses pages.
            let (from, to) = (index(random, ring.end / 4096), index(random, ring.end / 4096));
            bytes.copy_within(4096 * from..4096 * (from + 1), 4096 * to);
            touched.push(4096 * to..4096 * (to + 1));
            format!("page {from} copied over page {to}")
        }
        _ => {
            let length = index(random, ring.end + 1);
            bytes.truncate(length);
            touched.push(length..ring.end);
            format!("cut at {length}")
        }
    };
    let dirty = differences(sound, &bytes, touched);
    Damaged { bytes, dirty, what: how }
}

/// Where, of what was touched, the copy differs. What is cut off differs.
fn differences(sound: &[u8], bytes: &[u8], touched: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut dirty: Vec<Range<usize>> = Vec::new();
    for range in touched {
        let Some(copy) = bytes.get(range.clone()) else {
            dirty.push(range);
            continue;
        };
        let differ = sound[range.clone()].iter().zip(copy).map(|(byte, copy)| byte != copy);
        let places = differ.enumerate().filter(|(_, differs)| *differs);
        dirty.extend(places.map(|(place, _)| range.start + place..range.start + place + 1));
    }
    dirty.sort_by_key(|range| range.start);
    dirty.dedup_by(|next, last| {
        let meets = next.start <= last.end;
        if meets {
            last.end = last.end.max(next.end);
        }
        meets
    });
    dirty
}
