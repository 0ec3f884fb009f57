//! A segment of a dead process's lane, read without trusting a byte of it.
//!
//! Whatever stands there: what comes out are records that some producer wrote at just this place
//! of this lane (the check in each header), of call sites that are known, with values that are
//! values. Addresses of sites are those of another process; in the copy that is read they are
//! replaced by ours.

use super::cursor::RawRecord;
use super::hide::hide_values;
use super::memory::{Memory, PROGRAM};
use super::pool::SEGMENT_BYTES;
use super::ring::Lane;
use super::view::{Common, view_of};
use crate::clock::WallClock;
use crate::record::{Record, ThreadInfo};
use crate::site::callsite::Site;
use crate::value::redact::Redaction;
use crate::value::view::ValueRef;
use crate::value::wire::{
    Doubtful, FRAME_ID_BYTES, HEADER_BYTES, Header, Kind, Trusted, padded, tag,
};

/// Whose segment it is, and the how-manieth of that lane, if these are the first bytes of one.
pub(crate) fn owner(words: [u64; 3]) -> Option<(usize, u64)> {
    let [lane, index, _] = words;
    let number =
        usize::try_from(lane & 0xffff_ffff_ffff).ok().filter(|number| *number < 1 << 19)?;
    let start = index.checked_mul(SEGMENT_BYTES as u64)?;
    let header = Header::checked(words, start.wrapping_add(Lane::seed(number)))?;
    let is_head = header.kind() == Some(Kind::Segment) && header.bytes as usize == HEADER_BYTES;
    is_head.then_some((number, index))
}

/// What a record's shape says of its values.
struct Shape {
    has_target: bool,
    values: usize,
    has_extra: bool,
}

/// A segment's copy, and how far it was gone over.
pub(crate) struct Remains {
    memory: Memory,
    /// The position of its first byte.
    start: u64,
    seed: u64,
    /// Offsets of the frames that are sound.
    frames: Vec<usize>,
    at: usize,
    /// Where what counts begins and ends.
    from: usize,
    end: usize,
    /// Who wrote the last record.
    thread: (u64, String),
    /// Records that cannot be shown.
    pub(crate) damaged: u64,
}

/// A sound record in a segment.
#[derive(Clone, Copy)]
pub(crate) struct Left {
    raw: RawRecord,
    /// Where in the lane it ends.
    pub(crate) end: u64,
}

// SAFETY: a place in a `Remains`, read through it only.
unsafe impl Send for Left {}

impl Left {
    /// When it was made.
    pub(crate) fn ticks(&self) -> u64 {
        self.raw.header.ticks
    }

    /// Whether it is a user's.
    pub(crate) fn is_users(&self) -> bool {
        self.raw.header.kind() == Some(Kind::Record)
    }

    /// Whether it tells something that must be told.
    pub(crate) fn must_be_told(&self) -> bool {
        self.raw.header.kind() == Some(Kind::Own)
    }
}

impl Remains {
    /// The segment with these bytes, the `index`-th of this lane, of which the positions from
    /// `from` to `to` count. `thread` is who wrote what comes first. `None`: no memory.
    pub(crate) fn new(
        bytes: &[u8],
        (lane, index): (usize, u64),
        (from, to): (u64, u64),
        thread: (u64, String),
    ) -> Option<Remains> {
        let mut memory = Memory::zeroed(&PROGRAM, SEGMENT_BYTES)?;
        let count = bytes.len().min(SEGMENT_BYTES);
        memory[..count].copy_from_slice(&bytes[..count]);
        let start = index.checked_mul(SEGMENT_BYTES as u64)?;
        let place = |position: u64| {
            let within = position.saturating_sub(start).min(SEGMENT_BYTES as u64);
            usize::try_from(within).unwrap_or(SEGMENT_BYTES)
        };
        Some(Remains {
            memory,
            start,
            seed: Lane::seed(lane),
            frames: Vec::new(),
            at: HEADER_BYTES,
            from: place(from).next_multiple_of(8),
            end: place(to).min(SEGMENT_BYTES - HEADER_BYTES),
            thread,
            damaged: 0,
        })
    }

    /// Up to where these bytes are what somebody wrote in this segment, header by header.
    pub(crate) fn reach(bytes: &[u8], place: (usize, u64)) -> usize {
        let Some(mut all) = Remains::new(bytes, place, (0, u64::MAX), (0, String::new())) else {
            return 0;
        };
        while let Some(header) = all.header(all.at).filter(|header| header.kind != Kind::Pad as u8)
        {
            all.at += header.bytes as usize;
        }
        all.at
    }

    /// Who wrote the last record that was given; nobody where that is not known.
    pub(crate) fn into_thread(self) -> (u64, String) {
        self.thread
    }

    /// The next sound record.
    pub(crate) fn next(
        &mut self,
        site_at: &dyn Fn(u64) -> Option<&'static Site>,
        redaction: &Redaction,
    ) -> Option<Left> {
        while self.at + HEADER_BYTES <= self.end {
            let at = self.at;
            let Some(header) = self.header(at) else {
                // Where damage ends is not known; what counts may begin behind it. Who has the lane
                // there may have been said in it.
                self.thread = (0, String::new());
                self.damaged += 1;
                if at < self.from {
                    self.at = self.from;
                    continue;
                }
                break;
            };
            let bytes = header.bytes as usize;
            self.at = at + bytes;
            match header.kind() {
                Some(Kind::Thread) => self.read_thread(at, bytes),
                Some(Kind::Frame) => {
                    if self.settle(at, header, site_at, redaction).is_some() {
                        self.frames.push(at);
                    } else {
                        self.damaged += 1;
                    }
                }
                Some(Kind::Record | Kind::Own | Kind::Span) if at >= self.from => {
                    match self.settle(at, header, site_at, redaction) {
                        Some(raw) => {
                            return Some(Left { raw, end: self.start + self.at as u64 });
                        }
                        None => self.damaged += 1,
                    }
                }
                Some(Kind::Record | Kind::Own | Kind::Span) => {}
                Some(Kind::Pad | Kind::Segment) | None => break,
            }
        }
        self.at = self.end;
        None
    }

    fn header(&self, at: usize) -> Option<Header> {
        let word = |number: usize| {
            let bytes = self.memory.get(at + 8 * number..)?.first_chunk::<8>()?;
            Some(u64::from_ne_bytes(*bytes))
        };
        let place = (self.start + at as u64).wrapping_add(self.seed);
        let header = Header::checked([word(0)?, word(1)?, word(2)?], place)?;
        let bytes = header.bytes as usize;
        let is_inside = header.kind() == Some(Kind::Pad) || at + bytes <= self.end;
        (is_inside && bytes >= HEADER_BYTES && bytes.is_multiple_of(8)).then_some(header)
    }

    fn read_thread(&mut self, at: usize, bytes: usize) {
        let body = self.memory.get(at + HEADER_BYTES..at + bytes).unwrap_or(&[]);
        let mut doubtful = Doubtful::new(body);
        if (doubtful.next_value(), doubtful.next_value()) != (Some(tag::U64), Some(tag::STR)) {
            self.thread = (0, String::new());
            self.damaged += 1;
            return;
        }
        // SAFETY: just gone over: a number and a text.
        let mut values = unsafe { Trusted::new(body) };
        if let (Some(ValueRef::U64(id)), Some(ValueRef::Str(name))) =
            (values.next_value(), values.next_value())
        {
            self.thread = (id, name.to_owned());
        }
    }

    /// Sees to it that what stands there can be trusted from here on: its site is ours, its values
    /// are those that the site tells of, and what it lies in is there; and that nothing is shown that
    /// is to be hidden.
    fn settle(
        &mut self,
        at: usize,
        header: Header,
        site_at: &dyn Fn(u64) -> Option<&'static Site>,
        redaction: &Redaction,
    ) -> Option<RawRecord> {
        let site = site_at(header.site.addr() as u64)?;
        let info = site.info();
        let is_frame = header.kind() == Some(Kind::Frame);
        let skipped = HEADER_BYTES + if is_frame { FRAME_ID_BYTES } else { 0 };
        let body = self.memory.get(at + skipped..at + header.bytes as usize)?;
        let shape = Shape {
            has_target: header.kind & Header::HAS_TARGET != 0,
            values: info.slots.len(),
            has_extra: header.kind & Header::HAS_EXTRA != 0,
        };
        if !are_sound(body, &shape, skipped) || (is_frame && shape.has_target) {
            return None;
        }
        if !redaction.is_empty() {
            let bytes = self.memory.get_mut(at..at + header.bytes as usize)?;
            hide_values(redaction, Some(site), &header, bytes);
        }
        let frame = usize::from(header.frame);
        let around = at.checked_sub(8 * frame);
        let is_there = around.is_some_and(|place| self.frames.binary_search(&place).is_ok());
        let frame = if frame > 0 && is_there { header.frame } else { 0 };
        let header = Header { site, frame, ..header };
        let place = self.memory.as_ptr().wrapping_add(at);
        // SAFETY: within the memory, which is aligned to 128 and this one's alone; `at` is a
        // multiple of 8, as are all sizes that were gone over.
        unsafe { header.write(place, Header::NOWHERE) };
        if is_frame && let Some(id) = self.memory.get_mut(at + HEADER_BYTES..)?.first_chunk_mut() {
            // Another copy of the same frame may be damaged, and formats keep what they made of a
            // number: each has its own.
            *id = (self.start + at as u64).wrapping_add(self.seed).to_ne_bytes();
        }
        Some(RawRecord { header, at: place })
    }

    /// The view of a record.
    pub(crate) fn record<'a>(
        &'a self,
        left: &Left,
        clock: &WallClock,
        common: &'a Common,
    ) -> Option<Record<'a>> {
        let (id, name) = &self.thread;
        let thread = ThreadInfo { id: *id, name };
        // SAFETY: `next` has settled it, and all frames it lies in, in this memory.
        unsafe { view_of(&left.raw, clock, thread, common.map()) }
    }
}

/// Whether these are the values of such a record, and nothing behind them but what fills it up.
fn are_sound(body: &[u8], shape: &Shape, skipped: usize) -> bool {
    let mut values = Doubtful::new(body);
    if shape.has_target && values.next_value() != Some(tag::STR) {
        return false;
    }
    let are_there = (0..shape.values).all(|_| values.next_value().is_some());
    let has_extra = !shape.has_extra || values.next_value() == Some(tag::MAP);
    let used = skipped + body.len() - values.left();
    are_there && has_extra && padded(used) == skipped + body.len()
}
