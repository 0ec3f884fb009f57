//! What a file has of a torn batch, where it may lack records that it wants.
//!
//! A file that collapses what comes again, or samples traces, has no line for some records. What it
//! has was written in the order of time, though: a record whose line is there stands behind all that
//! was gone over before, whether that has a line or not. Behind the last of them, records that are the
//! same as that one are told by a line that says how often it came again, if some line follows.

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::pipeline::repeats::Key;
use crate::record::Record;

/// A record without a line of its own.
struct Waiting {
    lane: usize,
    end: u64,
    ticks: u64,
    /// Whether it is the same as the last one with a line, and all between are.
    is_again: bool,
}

/// Matches the records of a batch, in the order of time, with the lines of a file.
pub(super) struct Gaps<'a> {
    /// Where each line stands; those of one text in order.
    lines: HashMap<&'a [u8], VecDeque<usize>>,
    count: usize,
    /// The last line that is a record's.
    last_line: Option<usize>,
    last: Key,
    waiting: Vec<Waiting>,
    written: BTreeMap<usize, u64>,
}

impl<'a> Gaps<'a> {
    /// Whole lines.
    pub(super) fn new(lines: &'a [u8]) -> Gaps<'a> {
        let mut places: HashMap<&[u8], VecDeque<usize>> = HashMap::new();
        let mut count = 0;
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            places.entry(line).or_default().push_back(count);
            count += 1;
        }
        Gaps {
            lines: places,
            count,
            last_line: None,
            last: Key::default(),
            waiting: Vec::new(),
            written: BTreeMap::new(),
        }
    }

    /// The next record, of this lane, and its text in the file's format.
    pub(super) fn take(
        &mut self,
        record: &Record<'_>,
        text: &[u8],
        lane: usize,
        (end, ticks): (u64, u64),
    ) {
        let mut key = Key::default();
        key.set(record);
        let Some(place) = self.lines.get_mut(text).and_then(VecDeque::pop_front) else {
            let is_again = key.is_same(&self.last) && self.waiting.iter().all(|one| one.is_again);
            return self.waiting.push(Waiting { lane, end, ticks, is_again });
        };
        // Who came first of those of one instant is not known.
        self.settle(|one| one.ticks < ticks);
        self.waiting.iter_mut().for_each(|one| one.is_again = false);
        self.written.insert(lane, end);
        self.last = key;
        self.last_line = self.last_line.max(Some(place));
    }

    fn settle(&mut self, is_told: impl Fn(&Waiting) -> bool) {
        let written = &mut self.written;
        self.waiting.retain(|one| {
            let is_told = is_told(one);
            if is_told {
                written.insert(one.lane, one.end);
            }
            !is_told
        });
    }

    /// Whether no line is a record's: then those that are there tell of what came before the batch.
    pub(super) fn has_none(&self) -> bool {
        self.last_line.is_none()
    }

    /// How far each lane is in the file.
    pub(super) fn written(mut self) -> Vec<(usize, u64)> {
        if self.last_line.is_some_and(|last| last + 1 < self.count) {
            self.settle(|one| one.is_again);
        }
        self.written.into_iter().collect()
    }
}
