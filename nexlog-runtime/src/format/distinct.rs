//! Each key once: which keys of a map, or of a record's run-time fields, were seen already.
//!
//! Keys come from users and may be many (a map of 100,000 headers), so comparing each with all
//! before it would hold up every thread for a minute. Few keys are compared one by one; many go
//! into a hash table with a random seed, so that nobody can choose colliding ones. The memory is
//! kept, so that a steady stream of records allocates nothing.

use core::hash::BuildHasher;
use std::hash::RandomState;

use crate::buffer::Buffer;
use crate::record::Record;
use crate::site::callsite::SlotKind;
use crate::value::view::ValueRef;

/// Up to here keys are compared one by one.
const FEW: usize = 8;

/// Memory for more entries than this is given back after use.
const KEPT_ENTRIES: usize = 4096;

/// The bytes in which keys lie: a record's own, a frame's, or a logger's.
#[derive(Clone, Copy)]
pub(crate) struct Region<'a>(pub(crate) &'a [u8]);

impl<'a> Region<'a> {
    /// Of a record's own keys.
    pub(crate) fn of(record: &Record<'a>) -> Region<'a> {
        Region(record.values.as_bytes())
    }
}

/// Where a key lies. Lifetimes forbid an encoder to keep `&str`s from one record to the next.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    at: u32,
    len: u32,
}

impl Place {
    const FREE: Place = Place { at: u32::MAX, len: 0 };

    fn of(key: &str, region: Region<'_>) -> Place {
        let offset = key.as_ptr().addr().checked_sub(region.0.as_ptr().addr());
        let offset = offset.filter(|at| *at < region.0.len()).and_then(|at| u32::try_from(at).ok());
        let len = u32::try_from(key.len()).unwrap_or(u32::MAX);
        offset.map_or(Place::FREE, |at| Place { at, len })
    }

    fn holds(self, key: &str, region: Region<'_>) -> bool {
        let at = self.at as usize;
        self.len as usize == key.len() && region.0.get(at..at + key.len()) == Some(key.as_bytes())
    }
}

/// The keys seen so far: a stack of tables, one for each map that is being written.
#[derive(Default)]
pub(crate) struct Seen {
    places: Vec<Place>,
    hasher: RandomState,
    /// Whether a table got no memory: then what was written is not right.
    is_short: bool,
}

/// One table: the entries of [`Seen`] from `start` on, `slots` of them.
pub(crate) struct Table {
    start: usize,
    slots: usize,
    used: usize,
}

impl Seen {
    /// A table for up to `keys` keys. Tables are closed in reverse order.
    pub(crate) fn open(&mut self, keys: usize) -> Table {
        let slots = if keys <= FEW { keys } else { (2 * keys).next_power_of_two() };
        let start = self.places.len();
        if self.places.try_reserve(slots).is_err() {
            self.is_short = true;
            return Table { start, slots: 0, used: 0 };
        }
        self.places.resize(start + slots, Place::FREE);
        Table { start, slots, used: 0 }
    }

    /// At a record's end: has `out` say so when a table got no memory.
    #[inline]
    pub(crate) fn finish(&mut self, out: &mut Buffer) {
        if self.is_short {
            self.is_short = false;
            out.fall_short();
        }
    }

    pub(crate) fn close(&mut self, table: &Table) {
        self.places.truncate(table.start);
        if self.places.is_empty() && self.places.capacity() > KEPT_ENTRIES {
            self.places = Vec::new();
        }
    }

    /// Adds a key of the record in whose region it lies; `false` when it was there already.
    pub(crate) fn insert(&mut self, table: &mut Table, key: &str, region: Region<'_>) -> bool {
        if table.slots == 0 {
            return false; // of a record that is lost
        }
        let places = &mut self.places[table.start..table.start + table.slots];
        let free = if table.slots <= FEW {
            if places[..table.used].iter().any(|place| place.holds(key, region)) {
                return false;
            }
            table.used
        } else {
            match probe(places, self.hasher.hash_one(key), key, region) {
                Some(free) => free,
                None => return false,
            }
        };
        if let Some(place) = places.get_mut(free) {
            *place = Place::of(key, region);
            table.used += 1;
        }
        true
    }
}

/// The free slot for a new key, or `None` when the key is there. A table is never full: it has
/// room for twice its keys.
#[allow(clippy::cast_possible_truncation)] // any part of the hash will do
fn probe(places: &[Place], hash: u64, key: &str, region: Region<'_>) -> Option<usize> {
    let mask = places.len() - 1;
    let mut slot = hash as usize & mask;
    loop {
        match places[slot] {
            Place::FREE => return Some(slot),
            place if place.holds(key, region) => return None,
            _ => slot = (slot + 1) & mask,
        }
    }
}

/// Calls `each` for a record's own run-time fields: those not null whose key is not that of a
/// literal field and did not come before. What [`Record::fields`] gives behind the literal
/// fields, in time that grows with their number only.
pub(crate) fn run_time_fields<'a>(
    record: &Record<'a>,
    seen: &mut Seen,
    mut each: impl FnMut(&mut Seen, &'a str, ValueRef<'a>),
) {
    let region = Region::of(record);
    let fields = || record.run_time_fields().filter(|field| field.1 != ValueRef::Null);
    let mut table = seen.open(fields().count());
    for (key, value) in fields() {
        let literal = record.slots().any(|(slot, value)| {
            slot.kind == SlotKind::Field && slot.key == key && value != ValueRef::Null
        });
        if !literal && seen.insert(&mut table, key, region) {
            each(seen, key, value);
        }
    }
    seen.close(&table);
}
