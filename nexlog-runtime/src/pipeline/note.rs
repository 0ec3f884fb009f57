//! What the ring is told of a batch: which records a file is about to have, and which it has.

use core::cell::{Cell, RefCell, RefMut};
use core::ops::Range;

use crate::clock::WallClock;
use crate::crash::Ring;
use crate::record::Record;
use crate::sink::{Journal, Writing};

/// The records of a batch.
pub(crate) struct Typed<'a, 'b> {
    /// What `encode` answered, in order.
    pub(crate) masks: &'a [u64],
    /// The typed view of one of them.
    pub(crate) record: &'a dyn Fn(usize) -> Option<Record<'b>>,
    pub(crate) clock: &'a WallClock,
    pub(crate) notes: Notes<'a>,
}

/// Where is noted what files have.
pub(crate) struct Notes<'a> {
    pub(crate) ring: Option<&'a Ring>,
    /// Where a record's lane stands behind it.
    pub(crate) place: &'a dyn Fn(usize) -> Option<(usize, u64)>,
}

/// Notes in the ring what becomes of one file's batch.
pub(super) struct Noting<'a, P> {
    ring: &'a Ring,
    file: usize,
    places: P,
    lanes: RefCell<Vec<(usize, u64)>>,
    /// The records that `lanes` is about.
    known: Cell<Option<(usize, usize)>>,
}

impl<'a, P: Fn(Range<usize>) -> I, I: Iterator<Item = (usize, u64)>> Noting<'a, P> {
    /// `places` gives the lanes of the records of these numbers, and where in them each ends; `lanes`
    /// is scratch.
    pub(super) fn new(
        ring: &'a Ring,
        file: usize,
        places: P,
        lanes: Vec<(usize, u64)>,
    ) -> Noting<'a, P> {
        Noting { ring, file, places, lanes: RefCell::new(lanes), known: Cell::new(None) }
    }

    /// The scratch, for the next one.
    pub(super) fn into_lanes(self) -> Vec<(usize, u64)> {
        self.lanes.into_inner()
    }

    /// How far each lane is with these records: of records of one lane that follow each other, the
    /// last.
    fn lanes(&self, records: Range<usize>) -> RefMut<'_, Vec<(usize, u64)>> {
        let mut lanes = self.lanes.borrow_mut();
        if self.known.replace(Some((records.start, records.end)))
            == Some((records.start, records.end))
        {
            return lanes;
        }
        lanes.clear();
        for (lane, position) in (self.places)(records) {
            match lanes.last_mut() {
                Some(last) if last.0 == lane => last.1 = position,
                _ => lanes.push((lane, position)),
            }
        }
        lanes
    }
}

impl<P: Fn(Range<usize>) -> I, I: Iterator<Item = (usize, u64)>> Journal for Noting<'_, P> {
    fn begin(&self, records: Range<usize>, writing: &Writing<'_>) {
        self.ring.begin(self.file, &self.lanes(records), writing);
    }

    fn end(&self, records: Range<usize>) {
        self.ring.end(self.file, &self.lanes(records));
    }
}
