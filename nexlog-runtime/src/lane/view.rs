//! What formats and sinks see of a record that lies in a lane or an image.
//!
//! An [`Entry`] names a record that was gone over, [`Names::record`] borrows it. That it is still there is
//! the drainer's discipline: it forgets its entries before what they lie in is given back.

use core::fmt;
use std::sync::Arc;

use super::cursor::RawRecord;
use super::images::Images;
use crate::buffer::Buffer;
use crate::clock::WallClock;
use crate::context::chain::Chain;
use crate::record::{Record, ThreadInfo};
use crate::site::level::Level;
use crate::value::redact::Redaction;
use crate::value::view::{Map, ValueRef};
use crate::value::wire::{Doubtful, Header, Kind, Trusted, tag};
use crate::value::{Image, Value};

/// A record that was gone over and not yet released.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    pub(super) at: *const u8,
    /// The lane's number; [`Entry::NO_LANE`] for a record of [`Images`].
    pub(super) lane: usize,
    /// Where in the lane it ends.
    pub(super) end: u64,
    /// In [`Images`], the marker behind the record that says which thread made it, or null.
    pub(super) marker: *const u8,
    /// All its bytes.
    pub(super) bytes: u32,
    pub(super) kind: u8,
}

impl Entry {
    pub(super) const NO_LANE: usize = usize::MAX;

    /// # Safety
    /// As for [`Header::read`], of the record that it names.
    pub(super) unsafe fn raw(&self) -> RawRecord {
        // SAFETY: the caller's promise.
        RawRecord { header: unsafe { Header::read(self.at) }, at: self.at }
    }

    /// Time and first payload word, for the models.
    #[cfg(all(test, loom))]
    pub(super) fn raw_numbers(&self) -> (u64, u64) {
        // SAFETY: the models' records have 8 bytes behind the header and are not released yet.
        let payload = unsafe { self.at.add(crate::value::wire::HEADER_BYTES).cast::<u64>().read() };
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

/// The fields that every record of a logger has.
pub(crate) struct Common(Image);

impl fmt::Debug for Common {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.map().into_iter().flat_map(|map| map.iter())).finish()
    }
}

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

    /// Whether one was too long.
    pub(crate) fn is_cut(&self) -> bool {
        self.0.cut_bytes() > 0
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

    /// Hides what is to be hidden by its key.
    pub(crate) fn redact(&mut self, redaction: &Redaction) {
        redaction.hide_entries(self.0.buffer.as_bytes_mut());
    }

    /// For `read`.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.buffer.as_bytes()
    }

    pub(crate) fn map(&self) -> Option<Map<'_>> {
        let bytes = self.0.buffer.as_bytes();
        // SAFETY: written by `Image::push`, or gone over by `read`: key and value in turn.
        (!bytes.is_empty()).then(|| Map { bytes: unsafe { Trusted::new(bytes) } })
    }
}

/// What a record's view has from outside its lane: its thread's name, and the logger's own fields.
/// Shared while a pass is on: threads change only where nobody looks at a record.
#[derive(Clone)]
pub(crate) struct Names {
    /// By lane number: who writes there.
    pub(super) threads: Arc<Vec<(u64, String)>>,
    common: Arc<Common>,
}

impl Names {
    pub(super) fn new(common: Common) -> Names {
        Names { threads: Arc::default(), common: Arc::new(common) }
    }

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

    /// When a record was made.
    pub(crate) fn ticks(entry: &Entry) -> u64 {
        // SAFETY: as in `record`.
        unsafe { entry.raw() }.header.ticks
    }

    /// Appends a copy of a record to images, with all that is around it. `false` when there is no
    /// memory.
    pub(crate) fn copy_to(&self, entry: &Entry, clock: &WallClock, images: &mut Images) -> bool {
        let Some(record) = self.record(entry, clock) else { return false };
        // SAFETY: as in `record`.
        unsafe { images.copy(&entry.raw(), record.thread) }
    }

    /// Who writes to a lane from here on. Without a name when there is no memory for that.
    pub(super) fn remember(&mut self, lane: usize, marker: ThreadInfo<'_>) {
        let Some(threads) = Arc::get_mut(&mut self.threads) else { return };
        let Some((id, name)) = threads.get_mut(lane) else { return };
        *id = marker.id;
        name.clear();
        if name.try_reserve_exact(marker.name.len()).is_ok() {
            name.push_str(marker.name);
        }
    }
}

/// # Safety
/// The marker's memory is not released during `'a`.
pub(super) unsafe fn thread_info<'a>(raw: &RawRecord) -> ThreadInfo<'a> {
    // SAFETY: the caller's promise; `thread::write_marker` made it.
    let mut values = unsafe { Trusted::new(raw.body()) };
    let id = if let Some(ValueRef::U64(id)) = values.next_value() { id } else { 0 };
    let name = if let Some(ValueRef::Str(name)) = values.next_value() { name } else { "" };
    ThreadInfo { id, name }
}

/// # Safety
/// The entry's memory is not released during `'a`.
pub(super) unsafe fn view<'a>(entry: &Entry, clock: &WallClock) -> Option<Record<'a>> {
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
