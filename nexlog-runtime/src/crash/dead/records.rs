//! The records of a ring, in the order of their times.

use core::cmp::Reverse;
use std::collections::{BinaryHeap, btree_map};
use std::fs;
use std::io;

use super::{Dead, DeadLane, read};
use crate::clock::WallClock;
use crate::lane::pool::SEGMENT_BYTES;
use crate::lane::remains::{Left, Remains};
use crate::lane::view::Common;
use crate::record::Record;
use crate::site::callsite::Site;
use crate::value::redact::Redaction;

impl Dead {
    /// Gives `each` the records that lie between these positions of each lane, in the order of
    /// their times, until it says that it wants no more.
    pub(in crate::crash) fn read_records(
        &self,
        between: impl Fn(&DeadLane) -> (u64, u64),
        mut each: impl FnMut(&Record<'_>, &Left, usize) -> bool,
    ) -> io::Result<u64> {
        let redaction = self.redaction.as_ref().ok_or(io::ErrorKind::InvalidData)?;
        let mut readers: Vec<_> = self
            .lanes
            .iter()
            .map(|lane| LaneReader::new(lane, between(lane), (&self.file, redaction)))
            .collect();
        let site_at = |address: u64| self.sites.get(&address).copied();
        let mut heap = BinaryHeap::new();
        for (number, reader) in readers.iter_mut().enumerate() {
            if let Some(left) = reader.next(&site_at)? {
                heap.push(Reverse((left.ticks(), number)));
            }
        }
        while let Some(Reverse((_, number))) = heap.pop() {
            let reader = &mut readers[number];
            if let Some((record, left)) = reader.record(&self.clock, self.common.as_ref())
                && !each(&record, &left, reader.lane.number)
            {
                break;
            }
            if let Some(left) = reader.next(&site_at)? {
                heap.push(Reverse((left.ticks(), number)));
            }
        }
        Ok(self.damaged + readers.iter().map(|reader| reader.damaged).sum::<u64>())
    }
}

/// One lane, segment by segment.
struct LaneReader<'a> {
    lane: &'a DeadLane,
    file: &'a fs::File,
    redaction: &'a Redaction,
    between: (u64, u64),
    /// Segments still to be read.
    segments: btree_map::Range<'a, u64, u64>,
    current: Option<Remains>,
    left: Option<Left>,
    /// The segment that has to come next, and how many there are.
    next_segment: u64,
    end_segment: u64,
    damaged: u64,
}

impl<'a> LaneReader<'a> {
    fn new(
        lane: &'a DeadLane,
        between: (u64, u64),
        (file, redaction): (&'a fs::File, &'a Redaction),
    ) -> LaneReader<'a> {
        let next_segment = between.0 / SEGMENT_BYTES as u64;
        let end = between.1.div_ceil(SEGMENT_BYTES as u64);
        let end_segment = if between.1 > between.0 { end } else { next_segment };
        let segments = lane.segments.range(next_segment..end_segment);
        LaneReader {
            lane,
            file,
            redaction,
            between,
            segments,
            current: None,
            left: None,
            next_segment,
            end_segment,
            damaged: 0,
        }
    }

    fn next(&mut self, site_at: &dyn Fn(u64) -> Option<&'static Site>) -> io::Result<Option<Left>> {
        loop {
            self.left =
                self.current.as_mut().and_then(|current| current.next(site_at, self.redaction));
            if self.left.is_some() {
                return Ok(self.left);
            }
            let before = self.current.take();
            self.damaged += before.as_ref().map_or(0, |remains| remains.damaged);
            let mut thread = before.map_or_else(|| self.lane.thread.clone(), Remains::into_thread);
            let next = self.segments.next();
            let index = next.map_or(self.end_segment, |(index, _)| *index);
            if index > self.next_segment {
                // Who has the lane next may have said so there.
                thread = (0, String::new());
                self.damaged += 1;
            }
            self.next_segment = index.saturating_add(1).min(self.end_segment);
            let Some((index, offset)) = next else { return Ok(None) };
            let bytes = read(self.file, *offset, SEGMENT_BYTES)?;
            self.current = Remains::new(&bytes, (self.lane.number, *index), self.between, thread);
        }
    }

    /// The record that `next` has found.
    fn record<'b>(
        &'b self,
        clock: &WallClock,
        common: Option<&'b Common>,
    ) -> Option<(Record<'b>, Left)> {
        let left = self.left?;
        Some((self.current.as_ref()?.record(&left, clock, common?)?, left))
    }
}
