//! Records that lie in no lane.
//!
//! One that was too large for a segment, those made before there was a logger, and the logger's own:
//! whole records, one after the other, with their frames before them and their thread behind.

use super::cursor::RawRecord;
use super::view::{Entry, view};
use crate::buffer::Buffer;
use crate::clock::WallClock;
use crate::context::frame::Frame;
use crate::record::{Record, ThreadInfo};
use crate::value::wire::{HEADER_BYTES, Header, Kind};

/// Finished records outside of any lane: one that was too large, or those made before install.
/// Only `Draft` and `early` fill one.
#[derive(Default)]
pub(crate) struct Images(pub(super) Buffer);

impl Images {
    /// # Safety
    /// `buffer` holds whole records as `Draft` makes them, one after the other.
    pub(super) unsafe fn new(buffer: Buffer) -> Images {
        Images(buffer)
    }

    /// None, with room for this many bytes of them. `None` when there is no memory.
    pub(crate) fn sized(bytes: usize) -> Option<Images> {
        let mut buffer = Buffer::new();
        buffer.reserve(bytes).then_some(Images(buffer))
    }

    /// Appends all records of `other`.
    pub(crate) fn append(&mut self, other: &Images) -> bool {
        let before = self.0.len();
        self.0.extend(other.0.as_bytes());
        let whole = !self.0.is_short();
        if !whole {
            self.0.truncate(before);
        }
        whole
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0.len()
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    pub(crate) fn into_buffer(self) -> Buffer {
        self.0
    }

    /// Puts the frames that the record was made in before it. `false` when there is no memory.
    ///
    /// # Safety
    /// This holds one record and nothing else; `frame` is null or alive, and with it all around
    /// it.
    pub(super) unsafe fn surround(&mut self, frame: *const Frame) -> bool {
        // SAFETY: the caller's promise.
        unsafe { super::announce::prepend(frame, &mut self.0) }
    }

    /// Appends a copy of a record with its frames before it and its thread behind. `false` when
    /// there is no memory.
    ///
    /// # Safety
    /// The record lies in a lane or in images, and stays there meanwhile with its frames.
    pub(super) unsafe fn copy(&mut self, record: &RawRecord, thread: ThreadInfo<'_>) -> bool {
        let around = |raw: &RawRecord| {
            let back = 8 * usize::from(raw.header.frame);
            // SAFETY: so far back begins a frame, by the caller's promise.
            (back > 0).then(|| unsafe {
                let at = raw.at.sub(back);
                RawRecord { header: Header::read(at), at }
            })
        };
        let all = || core::iter::successors(Some(RawRecord { ..*record }), around);
        let bytes: usize = all().map(|raw| raw.header.bytes as usize).sum();
        let before = self.0.len();
        if self.0.claim(bytes).is_none() {
            self.0.truncate(before);
            return false;
        }
        let start = self.0.as_bytes_mut().as_mut_ptr();
        let mut end = before + bytes;
        // From the record, which is the last, back to the outermost frame.
        for raw in all() {
            let (length, outer) = (raw.header.bytes as usize, around(&raw));
            end -= length;
            let frame = outer.map_or(0, |outer| outer.header.bytes / 8);
            let Ok(frame) = u16::try_from(frame) else {
                self.0.truncate(before);
                return false;
            };
            // SAFETY: `end` is within what was claimed and 8-aligned, as the buffer's start and all
            // sizes are; a record is as long as its header says.
            unsafe {
                core::ptr::copy_nonoverlapping(raw.at, start.add(end), length);
                Header { frame, ..raw.header }.write(start.add(end), Header::NOWHERE);
            }
        }
        let is_signed = self.sign_as(thread.id, thread.name);
        if !is_signed {
            self.0.truncate(before);
        }
        is_signed
    }

    /// Says which thread made the record; behind it, before the next.
    pub(super) fn sign(&mut self) -> bool {
        super::thread::with_this(|id, name| self.sign_as(id, name))
    }

    fn sign_as(&mut self, id: u64, name: &str) -> bool {
        let before = self.0.len();
        super::thread::write_marker_of(id, name, &mut self.0);
        let whole = !self.0.is_short();
        if !whole {
            self.0.truncate(before);
        }
        whole
    }

    /// The record at this offset, and the offset behind it.
    pub(super) fn at(&self, offset: usize) -> Option<(RawRecord, usize)> {
        let rest = self.0.as_bytes().get(offset..).filter(|rest| rest.len() >= HEADER_BYTES)?;
        // SAFETY: by `new`'s promise a record starts at each offset that this walk comes to;
        // buffers are aligned to 128 and records' sizes are multiples of 8.
        let header = unsafe { Header::read(rest.as_ptr()) };
        let bytes = header.bytes as usize;
        // From the whole buffer: its frames lie before it.
        let at = self.0.as_bytes().as_ptr().wrapping_add(offset);
        (HEADER_BYTES..=rest.len())
            .contains(&bytes)
            .then(|| (RawRecord { header, at }, offset + bytes))
    }
}

/// What [`Images::retain`] kept.
#[derive(Default)]
pub(crate) struct Retained {
    pub(crate) images: Images,
    pub(crate) records: u64,
    /// Wanted, but there was no memory.
    pub(crate) refused: u64,
}

impl Images {
    /// The view of the first record.
    pub(crate) fn first<'a>(&'a self, clock: &WallClock) -> Option<Record<'a>> {
        let (entry, _) = self.entry(0)?;
        // SAFETY: the memory is borrowed from `self`.
        unsafe { view(&entry, clock) }
    }

    /// When the last one was made.
    pub(crate) fn last_ticks(&self) -> Option<u64> {
        // SAFETY: the memory is borrowed from `self`.
        self.entries().last().map(|entry| unsafe { entry.raw() }.header.ticks)
    }

    /// Those that `keep` wants.
    pub(crate) fn retain(
        &self,
        clock: &WallClock,
        mut keep: impl FnMut(&Record<'_>) -> bool,
    ) -> Retained {
        let mut offset = 0;
        let mut kept = Retained::default();
        while let Some((entry, next)) = self.entry(offset) {
            // SAFETY: the memory is borrowed from `self`.
            let record = unsafe { view(&entry, clock) };
            if record.is_some_and(|record| keep(&record))
                && let Some(bytes) = self.as_bytes().get(offset..next)
            {
                let before = kept.images.0.len();
                kept.images.0.extend(bytes);
                if kept.images.0.is_short() {
                    kept.images.0.truncate(before);
                    kept.refused += 1;
                } else {
                    kept.records += 1;
                }
            }
            offset = next;
        }
        kept
    }

    /// The views of all records, one after the other.
    pub(crate) fn for_each(&self, clock: &WallClock, mut each: impl FnMut(&Record<'_>)) {
        for entry in self.entries() {
            // SAFETY: the memory is borrowed from `self`.
            if let Some(record) = unsafe { view(&entry, clock) } {
                each(&record);
            }
        }
    }

    /// The record at this offset, behind its frames and before its marker, and the offset behind
    /// all of them.
    fn entry(&self, offset: usize) -> Option<(Entry, usize)> {
        let (mut raw, mut next) = self.at(offset)?;
        while raw.header.kind() == Some(Kind::Frame) {
            (raw, next) = self.at(next)?;
        }
        let marker = self.at(next).filter(|(raw, _)| raw.header.kind() == Some(Kind::Thread));
        let (marker, next) = marker.map_or((core::ptr::null(), next), |(raw, end)| (raw.at, end));
        let Header { bytes, kind, .. } = raw.header;
        Some((Entry { at: raw.at, lane: Entry::NO_LANE, end: 0, marker, bytes, kind }, next))
    }

    /// Where the record behind the one at this offset begins.
    pub(crate) fn behind(&self, offset: usize) -> Option<usize> {
        self.entry(offset).map(|(_, next)| next)
    }

    /// Cuts off what lies before this offset, where a record begins.
    pub(crate) fn cut_front(&mut self, offset: usize) {
        self.0.cut(0, offset);
    }

    /// The entries, in order. They are valid as long as these images: a pass forgets its
    /// entries before its caller drops the images.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        self.entries_from(0)
    }

    /// Those from this offset on, where a record begins.
    pub(crate) fn entries_from(&self, mut offset: usize) -> impl Iterator<Item = Entry> + '_ {
        core::iter::from_fn(move || {
            let (entry, next) = self.entry(offset)?;
            offset = next;
            Some(entry)
        })
    }
}
