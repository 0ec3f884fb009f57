//! The drainer's way through all lanes: records in the order of the clock.
//!
//! There is one [`Reader`] for a logger's [`Lanes`]; it lives in the pipeline, behind its mutex,
//! so `&mut Reader` is the right to read and release.
//!
//! The merge keeps a heap of lanes by the time of their next record and takes *runs*: as long
//! as the first lane's next record is not later than the second lane's, the heap is not
//! touched. With one lane that is a plain walk.

use core::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::cursor::Cursor;
use super::hide::{hide_in_frame, hide_in_record};
use super::lanes::Lanes;
use super::ring::Lane;
use super::view::{Common, Entry, Names, thread_info};
use crate::value::redact::Redactor;
use crate::value::wire::Kind;

/// More than any thread is off the CPU between two readings of the clock: about a second.
const FAR_FUTURE_TICKS: u64 = 1 << 32;

/// Whether a record is for the next pass. One that seems to come from the far future was stamped
/// by a clock that has been set back since; it must not block its lane.
fn is_later(ticks: u64, cut: u64) -> bool {
    ticks > cut && ticks - cut < FAR_FUTURE_TICKS
}

/// What [`Reader::next`] found.
pub(crate) enum Step {
    /// The next record, which is the last entry now.
    Record,
    /// A lane changed hands: write out what was gone over so far, release, and ask again.
    WriteOut,
    /// No more.
    End,
}

/// A lane during a pass.
struct Source {
    lane: *const Lane,
    cursor: Cursor,
    number: usize,
}

/// How far a batch goes in each lane: of a lane that comes again, the later place counts.
#[derive(Default)]
pub(crate) struct Touched(Vec<(usize, Cursor)>);

impl Touched {
    /// With room for a batch of so many records.
    pub(crate) fn with_capacity(records: usize) -> Touched {
        Touched(Vec::with_capacity(records))
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

/// Reads the lanes of one logger.
pub(crate) struct Reader {
    lanes: Arc<Lanes>,
    names: Names,
    sources: Vec<Source>,
    /// Time of the next record and index in `sources`, of all but the current one.
    heap: BinaryHeap<Reverse<(u64, usize)>>,
    /// The source whose run is on, and the time at which it ends.
    run: Option<(usize, u64)>,
    /// Records later than this stay for the next pass.
    cut: u64,
    /// By lane number: how many users' records were gone over.
    passed: Vec<u64>,
    /// Users' records that were accepted, and are not there any more.
    lost: u64,
    /// Whether records were gone over since the last release.
    is_behind: bool,
    /// Where something is to be hidden by its key.
    redactor: Option<Box<Redactor>>,
}

// SAFETY: the lane pointers are into `lanes`, which the reader keeps alive; lanes are `Sync`.
unsafe impl Send for Reader {}

impl Reader {
    /// The reader of these lanes; `None` when they have one.
    pub(crate) fn new(lanes: &Arc<Lanes>, common: Common) -> Option<Reader> {
        lanes.take_reader().then(|| Reader {
            lanes: Arc::clone(lanes),
            names: Names::new(common),
            sources: Vec::new(),
            heap: BinaryHeap::new(),
            run: None,
            cut: 0,
            passed: Vec::new(),
            lost: 0,
            is_behind: false,
            redactor: None,
        })
    }

    /// Hides what this says, from here on.
    pub(crate) fn redact(&mut self, redactor: Option<Redactor>) {
        self.redactor = redactor.map(Box::new);
    }

    /// Starts a pass: sees what each lane has, up to the instant `cut`. `false` when there is no
    /// memory for its tables: then the pass sees nothing, and the next one everything.
    pub(crate) fn collect(&mut self, cut: u64) -> bool {
        self.cut = cut;
        self.sources.clear();
        self.heap.clear();
        self.run = None;
        let count = self.lanes.count();
        if !self.reserve(count) {
            return false;
        }
        // A lane that joins from here on holds nothing but what comes after `cut`.
        for lane in self.lanes.iter().filter(|lane| lane.number() < count) {
            // SAFETY: this is the only reader (`new`), borrowed mutably.
            let mut cursor = unsafe { lane.unread() };
            let (number, before) = (lane.number(), cursor.position());
            if let Some(raw) = cursor.peek(&self.lanes.pool) {
                self.heap.push(Reverse((raw.header.ticks, self.sources.len())));
                self.sources.push(Source { lane, cursor, number });
            } else if cursor.position() != before {
                self.sources.push(Source { lane, cursor, number }); // to be released
            }
        }
        true
    }

    /// Tables for so many lanes, all at once: a pass that left one out would not be in order.
    fn reserve(&mut self, lanes: usize) -> bool {
        // Nobody else has them between passes.
        let Some(threads) = Arc::get_mut(&mut self.names.threads) else { return false };
        let missing = lanes.saturating_sub(threads.len());
        let has_memory = threads.try_reserve(missing).is_ok()
            && self.sources.try_reserve(lanes).is_ok()
            && self.passed.try_reserve(missing).is_ok()
            && self.heap.try_reserve(lanes).is_ok();
        if has_memory {
            self.passed.resize(threads.len() + missing, 0);
            threads.resize_with(threads.len() + missing, Default::default);
        }
        has_memory
    }

    /// Goes over the next record in time, and adds it to `entries`.
    #[inline]
    pub(crate) fn next(&mut self, entries: &mut Vec<Entry>) -> Step {
        loop {
            let Some((index, until)) = self.run.or_else(|| self.next_run()) else {
                return Step::End;
            };
            self.run = Some((index, until));
            let (cut, source) = (self.cut, &mut self.sources[index]);
            match source.cursor.peek(&self.lanes.pool) {
                Some(raw) if raw.header.kind == Kind::Thread as u8 => {
                    if self.is_behind {
                        return Step::WriteOut;
                    }
                    source.cursor.pass(&raw);
                    // SAFETY: passed, and not released before the end of this block.
                    let thread = unsafe { thread_info(&raw) };
                    // What lies before it is released.
                    if let Some(ring) = self.lanes.pool.ring() {
                        ring.name_lane(source.number, thread.id, thread.name);
                    }
                    self.names.remember(source.number, thread);
                }
                // It is read where it lies, by the records that name it.
                Some(raw) if raw.header.kind() == Some(Kind::Frame) => {
                    if let Some(redactor) = &self.redactor {
                        // SAFETY: committed and not released; the records that name it come later.
                        unsafe { hide_in_frame(redactor, &raw) }
                    }
                    source.cursor.pass(&raw);
                }
                Some(raw) if is_later(raw.header.ticks, cut) => self.run = None,
                Some(raw) if raw.header.ticks > until => {
                    self.heap.push(Reverse((raw.header.ticks, index)));
                    self.run = None;
                }
                Some(raw) => {
                    if let Some(redactor) = &mut self.redactor {
                        // SAFETY: committed and not released; its entry is made below.
                        unsafe { hide_in_record(redactor, &raw) }
                    }
                    source.cursor.pass(&raw);
                    self.passed[source.number] +=
                        u64::from(raw.header.kind() == Some(Kind::Record));
                    self.is_behind = true;
                    // Put together where it stays.
                    entries.push(Entry {
                        at: raw.at,
                        lane: source.number,
                        end: source.cursor.position(),
                        marker: core::ptr::null(),
                        bytes: raw.header.bytes,
                        kind: raw.header.kind,
                    });
                    return Step::Record;
                }
                None => self.run = None,
            }
        }
    }

    fn next_run(&mut self) -> Option<(usize, u64)> {
        let Reverse((_, index)) = self.heap.pop()?;
        let until = self.heap.peek().map_or(u64::MAX, |Reverse((ticks, _))| *ticks);
        Some((index, until))
    }

    /// Notes that the last entry goes this far in its lane.
    #[inline]
    pub(crate) fn touch(&self, touched: &mut Touched) {
        let Some((index, _)) = self.run else { return };
        let Some(source) = self.sources.get(index) else { return };
        match touched.0.last_mut() {
            Some((last, cursor)) if *last == index => *cursor = source.cursor,
            _ => touched.0.push((index, source.cursor)),
        }
    }

    /// Gives back the memory up to there, while more was gone over.
    pub(crate) fn release_up_to(&mut self, touched: &Touched) {
        for (index, cursor) in &touched.0 {
            let Some(source) = self.sources.get(*index) else { continue };
            // SAFETY: the pointer is into `self.lanes`; this is the only reader, and what lies before
            // `cursor` was written, so that nobody looks at it any more.
            unsafe { (*source.lane).release(&self.lanes.pool, cursor) };
        }
    }

    /// Gives back the memory of all that was gone over.
    pub(crate) fn release(&mut self) {
        for source in &mut self.sources {
            let has_lost = source.cursor.has_lost();
            // SAFETY: the pointer is into `self.lanes`; this is the only reader, and `&mut self`
            // means that nobody looks at a record.
            let lane = unsafe { &*source.lane };
            // SAFETY: as above.
            unsafe { lane.release(&self.lanes.pool, &source.cursor) };
            if has_lost {
                let passed = &mut self.passed[source.number];
                self.lost += lane.accepted().saturating_sub(*passed);
                *passed = lane.accepted();
            }
        }
        self.is_behind = false;
    }

    /// Users' records that were accepted and are not there any more, since the last time.
    pub(crate) fn take_lost(&mut self) -> u64 {
        core::mem::take(&mut self.lost)
    }

    /// In a forked child: gives back, unread, all that the lanes hold; the one of this number is
    /// this thread's. Not during a pass.
    pub(crate) fn skip_all(&mut self, own: Option<usize>) {
        self.sources.clear();
        self.reserve(self.lanes.count());
        self.passed.fill(0); // as what is accepted is counted anew
        for lane in self.lanes.iter() {
            // SAFETY: this is the only reader, borrowed mutably; no cursor of a pass is used again;
            // of the threads there is only this one, which is in no call.
            unsafe { lane.skip(&self.lanes.pool) };
            // Its marker may be among what was skipped.
            if own == Some(lane.number())
                && let Some(threads) = Arc::get_mut(&mut self.names.threads)
                && let Some(thread) = threads.get_mut(lane.number())
            {
                *thread = super::thread::this();
            }
        }
    }

    /// Gives back, unread, the oldest half of what a lane holds; returns how many users'
    /// records that were. Not during a pass.
    pub(crate) fn discard_half(&mut self, lane: &Lane) -> u64 {
        // SAFETY: this is the only reader, borrowed mutably; no cursor of another pass is used
        // again, because `collect` starts each pass anew.
        let mut cursor = unsafe { lane.unread() };
        let middle = cursor.position() + (cursor.end() - cursor.position()) / 2;
        let mut dropped = 0;
        while let Some(raw) = cursor.peek(&self.lanes.pool).filter(|_| cursor.position() <= middle)
        {
            dropped += u64::from(raw.header.kind() == Some(Kind::Record));
            if raw.header.kind == Kind::Thread as u8 {
                // SAFETY: peeked, and not released before the end of this block.
                let marker = unsafe { thread_info(&raw) };
                if let Some(ring) = self.lanes.pool.ring() {
                    ring.name_lane(lane.number(), marker.id, marker.name);
                }
                self.names.remember(lane.number(), marker);
            }
            if let Some(redactor) = &self.redactor
                && raw.header.kind() == Some(Kind::Frame)
            {
                // What stays in its segment may name it.
                // SAFETY: committed and not released, and no pass is on.
                unsafe { hide_in_frame(redactor, &raw) }
            }
            cursor.pass(&raw);
        }
        self.sources.clear();
        if let Some(passed) = self.passed.get_mut(lane.number()) {
            *passed += dropped;
        }
        // SAFETY: as above.
        unsafe { lane.release(&self.lanes.pool, &cursor) };
        dropped
    }

    /// What it takes to look at records.
    pub(crate) fn names(&self) -> &Names {
        &self.names
    }
}
