//! The drainer's part of the flight recorder: which records are only kept, and those that are.
//!
//! With a recorder the gate lets pass what it keeps, so it is the drainer that asks the filter.
//! A record is judged by the filter that was in force when it was made: [`Filters`] has the last
//! ones, and from which tick on each holds. A call that overlaps a change counts as either.

use std::sync::{Mutex, PoisonError};

use super::encode::asks;
use crate::clock::WallClock;
use crate::flight_recorder::FlightRecorder;
use crate::lane::images::Images;
use crate::lane::view::{Entry, Names};
use crate::site::filter::{Answer, Filter};
use crate::site::level::Level;

/// How many filters are remembered: a record that was held up for longer is judged by the oldest.
const MAX_FILTERS: usize = 8;
/// What was forgotten is cut off when it is that long, and half of all.
const CUT_BYTES: usize = 64 << 10;

/// The filters of a logger, with the ticks from which on they hold, the newest last.
pub(crate) struct Filters(Mutex<(u64, Vec<(u64, Filter)>)>);

impl Filters {
    pub(crate) fn new(first: Filter) -> Filters {
        // All at once: the allocator may log, and nothing is taken under the lock.
        let mut all = Vec::with_capacity(MAX_FILTERS + 1);
        all.push((0, first));
        Filters(Mutex::new((1, all)))
    }

    /// Another one from these ticks on.
    pub(crate) fn add(&self, since: u64, filter: Filter) {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (version, all) = &mut *guard;
        *version += 1;
        all.push((since, filter));
        let oldest = (all.len() > MAX_FILTERS).then(|| all.remove(0));
        drop(guard);
        drop(oldest); // without the lock
    }
}

/// What is to be done with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is written.
    Written,
    /// It is written, behind all that was kept.
    Trigger,
    /// It is kept.
    Kept,
}

/// Keeps records, under the pipeline mutex.
pub(crate) struct Recorder {
    settings: FlightRecorder,
    /// A copy of `Filters`, as of this version.
    version: u64,
    filters: Vec<(u64, Filter)>,
    /// By site: the newest filter's answer, once asked.
    known: Vec<Option<Answer>>,
    kept: Kept,
}

/// Whole records, one behind the other; those before `start` are forgotten.
#[derive(Default)]
pub(super) struct Kept {
    images: Images,
    start: usize,
    pub(super) records: usize,
}

impl Kept {
    /// Those that are left, the oldest first. Valid as long as this is.
    pub(super) fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        self.images.entries_from(self.start)
    }

    fn bytes(&self) -> usize {
        self.images.bytes() - self.start
    }

    fn forget_oldest(&mut self) {
        self.start = self.images.behind(self.start).unwrap_or_else(|| self.images.bytes());
        self.records -= 1;
        if self.start >= CUT_BYTES && self.start >= self.bytes() {
            self.images.cut_front(self.start);
            self.start = 0;
        }
    }
}

impl Recorder {
    pub(crate) fn new(settings: FlightRecorder) -> Recorder {
        let (filters, known) = (Vec::new(), Vec::new());
        Recorder { settings, version: 0, filters, known, kept: Kept::default() }
    }

    /// At the start of a pass: sees whether the filter is another one.
    pub(super) fn look(&mut self, filters: &Filters) {
        let current = filters.0.lock().unwrap_or_else(PoisonError::into_inner);
        if current.0 != self.version {
            self.version = current.0;
            self.filters.clone_from(&current.1);
            self.known.clear();
        }
    }

    /// What becomes of the record of this entry.
    pub(super) fn judge(&mut self, entry: &Entry, names: &Names, clock: &WallClock) -> Verdict {
        if !entry.is_users() {
            return Verdict::Written;
        }
        // Without memory for its site's description nobody knows.
        let Some(record) = names.record(entry, clock) else { return Verdict::Written };
        let ticks = Names::ticks(entry);
        let number = self.filters.iter().rposition(|(since, _)| *since <= ticks).unwrap_or(0);
        let passes = match self.filters.get(number) {
            None => true,
            Some((_, filter)) if number + 1 == self.filters.len() => {
                asks(filter, &mut self.known, &record)
            }
            Some((_, filter)) => filter.enabled_within(record.target(), record.level(), &record),
        };
        match passes {
            true if record.level() >= self.settings.trigger => Verdict::Trigger,
            true => Verdict::Written,
            false => Verdict::Kept,
        }
    }

    /// Keeps the record of this entry, and forgets the oldest where there are too many.
    pub(super) fn keep(&mut self, entry: &Entry, names: &Names, clock: &WallClock) {
        if !names.copy_to(entry, clock, &mut self.kept.images) {
            return; // no memory
        }
        self.kept.records += 1;
        let FlightRecorder { max_records, max_bytes, .. } = self.settings;
        while self.kept.records > max_records || self.kept.bytes() > max_bytes {
            self.kept.forget_oldest();
        }
    }

    /// All that is kept. Nothing is afterwards.
    pub(super) fn take(&mut self) -> Option<Kept> {
        (self.kept.records > 0).then(|| core::mem::take(&mut self.kept))
    }

    /// In a forked child: it is the parent's.
    pub(super) fn forget(&mut self) {
        self.kept = Kept::default();
    }
}

/// The lowest level that passes the gate, of those that do by the filter and those that are kept.
pub(super) fn floor(filter: Option<Level>, recorder: Option<&FlightRecorder>) -> u8 {
    let kept = recorder.map(|recorder| recorder.level);
    filter.into_iter().chain(kept).min().map_or(6, |level| level as u8)
}
