//! The drainer's way through all lanes: records in the order of the clock.
//!
//! There is one [`Reader`] for a logger's [`Lanes`]; it lives in the pipeline, behind its mutex,
//! so `&mut Reader` is the right to read and release. [`Entry`] names a record that was gone
//! over; [`Reader::record`] borrows it from the reader, so that [`Reader::release`], which
//! gives the memory back, cannot be called while somebody looks at a record.
//!
//! The merge keeps a heap of lanes by the time of their next record and takes *runs*: as long
//! as the first lane's next record is not later than the second lane's, the heap is not
//! touched. With one lane that is a plain walk.

use core::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::cursor::{Cursor, RawRecord};
use super::lanes::Lanes;
use super::ring::Lane;
use crate::buffer::Buffer;
use crate::clock::WallClock;
use crate::context::chain::Chain;
use crate::context::frame::Frame;
use crate::record::{Record, ThreadInfo};
use crate::site::level::Level;
use crate::value::view::{Map, ValueRef};
use crate::value::wire::{Doubtful, HEADER_BYTES, Header, Kind, Trusted, tag};
use crate::value::{Image, Value};

/// Finished records outside of any lane: one that was too large, or those made before install.
/// Only `Draft` and `early` fill one.
#[derive(Default)]
pub(crate) struct Images(Buffer);

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

    /// Says which thread made the record; behind it, before the next.
    pub(super) fn sign(&mut self) -> bool {
        let before = self.0.len();
        super::thread::write_marker(&mut self.0);
        let whole = !self.0.is_short();
        if !whole {
            self.0.truncate(before);
        }
        whole
    }

    /// The record at this offset, and the offset behind it.
    fn at(&self, offset: usize) -> Option<(RawRecord, usize)> {
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

/// A record that was gone over and not yet released.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    at: *const u8,
    /// The lane's number; [`Entry::NO_LANE`] for a record of [`Images`].
    lane: usize,
    /// Where in the lane it ends.
    end: u64,
    /// In [`Images`], the marker behind the record that says which thread made it, or null.
    marker: *const u8,
    /// All its bytes.
    bytes: u32,
    kind: u8,
}

impl Entry {
    const NO_LANE: usize = usize::MAX;

    /// # Safety
    /// As for [`Header::read`], of the record that it names.
    unsafe fn raw(&self) -> RawRecord {
        // SAFETY: the caller's promise.
        RawRecord { header: unsafe { Header::read(self.at) }, at: self.at }
    }

    /// Time and first payload word, for the models.
    #[cfg(all(test, loom))]
    pub(super) fn raw_numbers(&self) -> (u64, u64) {
        // SAFETY: the models' records have 8 bytes behind the header and are not released yet.
        let payload = unsafe { self.at.add(HEADER_BYTES).cast::<u64>().read() };
        // SAFETY: as above.
        (unsafe { self.raw() }.header.ticks, payload)
    }

    /// The lane's number, and where in it the record ends; `None` for one of [`Images`].
    pub(crate) fn place(&self) -> Option<(usize, u64)> {
        (self.lane != Entry::NO_LANE).then_some((self.lane, self.end))
    }

    /// All its bytes where it lies.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes as usize
    }

    /// Whether this is a user's record.
    pub(crate) fn is_users(&self) -> bool {
        self.kind & !Header::FLAGS == Kind::Record as u8
    }

    /// Whether it tells something that some sink must be told.
    pub(crate) fn must_be_told(&self) -> bool {
        self.kind & !Header::FLAGS == Kind::Own as u8
    }
}

// SAFETY: an entry is a place in memory that lives as long as the reader and is read through it
// only; nothing in it is bound to a thread.
unsafe impl Send for Entry {}

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
}

// SAFETY: the lane pointers are into `lanes`, which the reader keeps alive; lanes are `Sync`.
unsafe impl Send for Reader {}

/// The fields that every record of a logger has.
pub(crate) struct Common(Image);

impl Common {
    /// None.
    pub(crate) fn new() -> Common {
        Common(Image::new(Buffer::new(), 1 << 20))
    }

    /// Adds one, in place of an earlier one of that key.
    pub(crate) fn add(&mut self, key: &str, value: &impl Value) {
        if self.has(key) {
            let mut others = Common::new();
            for (other, value) in self.map().into_iter().flat_map(|map| map.iter()) {
                if other != key {
                    others.add(other, &value);
                }
            }
            *self = others;
        }
        self.0.push(key);
        self.0.push(value);
    }

    /// Whether there is one of this key.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.map().is_some_and(|map| map.iter().any(|(other, _)| other == key))
    }

    /// As another process has written them down; `None` for what is none.
    pub(crate) fn read(bytes: &[u8]) -> Option<Common> {
        let mut values = Doubtful::new(bytes);
        while values.left() > 0 {
            let (key, value) = (values.next_value(), values.next_value());
            if key != Some(tag::STR) || value.is_none() {
                return None;
            }
        }
        let mut common = Common::new();
        common.0.buffer.extend(bytes);
        (common.0.buffer.len() == bytes.len()).then_some(common)
    }

    /// For `read`.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.buffer.as_bytes()
    }

    pub(super) fn map(&self) -> Option<Map<'_>> {
        let bytes = self.0.buffer.as_bytes();
        // SAFETY: written by `Image::push`, or gone over by `read`: key and value in turn.
        (!bytes.is_empty()).then(|| Map { bytes: unsafe { Trusted::new(bytes) } })
    }
}

impl Reader {
    /// The reader of these lanes; `None` when they have one.
    pub(crate) fn new(lanes: &Arc<Lanes>, common: Common) -> Option<Reader> {
        lanes.take_reader().then(|| Reader {
            lanes: Arc::clone(lanes),
            names: Names { threads: Arc::default(), common: Arc::new(common) },
            sources: Vec::new(),
            heap: BinaryHeap::new(),
            run: None,
            cut: 0,
            passed: Vec::new(),
            lost: 0,
            is_behind: false,
        })
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
                Some(raw) if raw.header.kind() == Some(Kind::Frame) => source.cursor.pass(&raw),
                Some(raw) if is_later(raw.header.ticks, cut) => self.run = None,
                Some(raw) if raw.header.ticks > until => {
                    self.heap.push(Reverse((raw.header.ticks, index)));
                    self.run = None;
                }
                Some(raw) => {
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

/// What a record's view has from outside its lane: its thread's name, and the logger's own fields.
/// Shared while a pass is on: threads change only where nobody looks at a record.
#[derive(Clone)]
pub(crate) struct Names {
    /// By lane number: who writes there.
    threads: Arc<Vec<(u64, String)>>,
    common: Arc<Common>,
}

impl Names {
    /// The view of a record.
    #[inline]
    pub(crate) fn record<'a>(&'a self, entry: &Entry, clock: &WallClock) -> Option<Record<'a>> {
        let thread = match self.threads.get(entry.lane) {
            Some((id, name)) => ThreadInfo { id: *id, name },
            // SAFETY: as below.
            None => unsafe { marked_thread(entry) },
        };
        // SAFETY: entries come from `next`, or from images that the pass keeps, and the drainer forgets
        // its entries before it releases what they lie in; those that it lends come back before that.
        unsafe { view_of(&entry.raw(), clock, thread, self.common.map()) }
    }

    /// Who writes to a lane from here on. Without a name when there is no memory for that.
    fn remember(&mut self, lane: usize, marker: ThreadInfo<'_>) {
        let Some(threads) = Arc::get_mut(&mut self.threads) else { return };
        let Some((id, name)) = threads.get_mut(lane) else { return };
        *id = marker.id;
        name.clear();
        if name.try_reserve_exact(marker.name.len()).is_ok() {
            name.push_str(marker.name);
        }
    }
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

    /// The entries, in order. They are valid as long as these images: a pass forgets its
    /// entries before its caller drops the images.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        let mut offset = 0;
        core::iter::from_fn(move || {
            let (entry, next) = self.entry(offset)?;
            offset = next;
            Some(entry)
        })
    }
}

/// # Safety
/// The marker's memory is not released during `'a`.
unsafe fn thread_info<'a>(raw: &RawRecord) -> ThreadInfo<'a> {
    // SAFETY: the caller's promise; `thread::write_marker` made it.
    let mut values = unsafe { Trusted::new(raw.body()) };
    let id = if let Some(ValueRef::U64(id)) = values.next_value() { id } else { 0 };
    let name = if let Some(ValueRef::Str(name)) = values.next_value() { name } else { "" };
    ThreadInfo { id, name }
}

/// # Safety
/// The entry's memory is not released during `'a`.
unsafe fn view<'a>(entry: &Entry, clock: &WallClock) -> Option<Record<'a>> {
    // SAFETY: the caller's promise.
    unsafe { view_of(&entry.raw(), clock, marked_thread(entry), None) }
}

/// The thread that the marker beside an image names.
///
/// # Safety
/// The entry's memory is not released during `'a`.
unsafe fn marked_thread<'a>(entry: &Entry) -> ThreadInfo<'a> {
    if entry.marker.is_null() {
        return ThreadInfo::default();
    }
    // SAFETY: the marker lies beside its record, so the caller's promise holds for it, too.
    unsafe { thread_info(&RawRecord { header: Header::read(entry.marker), at: entry.marker }) }
}

/// The view of a record. Made in one piece: what is put together and copied is read again wider than
/// it was written, for which the CPU waits.
///
/// # Safety
/// The record's memory is not released during `'a`, nor what it lies in.
#[inline]
pub(super) unsafe fn view_of<'a>(
    raw: &RawRecord,
    clock: &WallClock,
    thread: ThreadInfo<'a>,
    common: Option<Map<'a>>,
) -> Option<Record<'a>> {
    let header = raw.header;
    // SAFETY: `Draft` and `emit` write pointers to statics.
    let site = unsafe { header.site.as_ref()? }.try_info()?;
    // SAFETY: the caller's promise; the bytes were written by this crate's writers.
    let values = unsafe { Trusted::new(raw.body()) };
    let (target, values) = match header.kind & Header::HAS_TARGET {
        0 => (site.target, values),
        _ => behind_target(values)?,
    };
    Some(Record {
        site,
        level: Level::from_number(header.level).or(site.level).unwrap_or(Level::Info),
        target,
        timestamp: clock.timestamp(header.ticks),
        thread,
        values,
        common,
        // SAFETY: `Draft` and `emit` write distances to frames in the same memory, which is given
        // back with the record's or later.
        context: unsafe { Chain::around(&header, raw.at) },
        has_extra: header.kind & Header::HAS_EXTRA != 0,
    })
}

/// The target that was made at run time, and the values behind it.
#[cold]
fn behind_target(mut values: Trusted<'_>) -> Option<(&str, Trusted<'_>)> {
    match values.next_value()? {
        ValueRef::Str(target) => Some((target, values)),
        _ => None,
    }
}
