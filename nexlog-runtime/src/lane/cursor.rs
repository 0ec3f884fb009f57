//! The drainer's place in a lane.

use super::pool::{Pool, SEGMENT_BYTES, Segment};
use super::ring::{SEGMENT, START};
use crate::value::wire::{HEADER_BYTES, Header, Kind};

/// A place in a lane, moving from `consumed` towards what was published when it was made.
#[derive(Clone, Copy)]
pub(crate) struct Cursor {
    position: u64,
    end: u64,
    segment: Segment,
    /// Whether it has gone over something that is no record: the mapped file was cut.
    is_damaged: bool,
}

/// A record where it lies.
#[derive(Clone, Copy)]
pub(crate) struct RawRecord {
    pub(crate) header: Header,
    pub(crate) at: *const u8,
}

impl RawRecord {
    /// Its values' bytes.
    ///
    /// # Safety
    /// `at` points to `header.bytes` readable bytes for `'a`: the record is not released.
    pub(crate) unsafe fn body<'a>(self) -> &'a [u8] {
        let bytes = (self.header.bytes as usize).saturating_sub(HEADER_BYTES);
        // SAFETY: by the caller's promise.
        unsafe { core::slice::from_raw_parts(self.at.add(HEADER_BYTES), bytes) }
    }
}

impl Cursor {
    /// From this position, in this segment, up to `end`. `is_damaged`: whether what lies before was all
    /// records.
    pub(super) fn new(position: u64, end: u64, segment: Segment, is_damaged: bool) -> Cursor {
        Cursor { position, end, segment, is_damaged }
    }

    pub(super) fn segment(&self) -> Segment {
        self.segment
    }

    pub(super) fn is_damaged(&self) -> bool {
        self.is_damaged
    }

    /// The record here; `None` at the end. Goes over pads on its way.
    pub(crate) fn peek(&mut self, pool: &Pool) -> Option<RawRecord> {
        while self.position < self.end {
            #[allow(clippy::cast_possible_truncation)] // less than a segment
            let within = (self.position % SEGMENT) as usize;
            let at = pool.address(self.segment).wrapping_add(within);
            #[cfg(loom)]
            pool.touch(self.segment, within..within + HEADER_BYTES, false);
            // SAFETY: the position is before `published`, so a whole header was written at this
            // 8-aligned place and made visible by the commit.
            let header = unsafe { Header::read(at) };
            if header.kind != Kind::Pad as u8 {
                let bytes = header.bytes as usize;
                if bytes < HEADER_BYTES || within + bytes > SEGMENT_BYTES - HEADER_BYTES {
                    self.give_up(pool);
                    continue;
                }
                #[cfg(loom)]
                pool.touch(self.segment, within..within + header.bytes as usize, false);
                return Some(RawRecord { header, at });
            }
            self.position = (self.position / SEGMENT + 1) * SEGMENT + START;
            self.segment = pool.linked(self.segment);
        }
        None
    }

    /// Where a mapped file was cut, there are zeros. What is behind them in this segment cannot be
    /// found.
    #[cold]
    fn give_up(&mut self, pool: &Pool) {
        self.is_damaged = true;
        if self.position / SEGMENT == self.end / SEGMENT {
            self.position = self.end;
        } else {
            self.position = (self.position / SEGMENT + 1) * SEGMENT + START;
            self.segment = pool.linked(self.segment);
        }
    }

    /// Whether all is gone over, and some of it was no record. Says so once.
    pub(crate) fn has_lost(&mut self) -> bool {
        self.position == self.end && core::mem::take(&mut self.is_damaged)
    }

    /// Goes over the record that `peek` gave.
    pub(crate) fn pass(&mut self, record: &RawRecord) {
        self.position += u64::from(record.header.bytes);
    }

    /// Where it is.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Where it stops.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }
}
