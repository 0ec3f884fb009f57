//! Records that come again: what one sink with `dedup` remembers of the last one.
//!
//! Two records are the same when their bytes are, site and context included ([`Key`]); there is no
//! hash, so that none is lost to a collision.

use crate::lane::memory::try_text;
use crate::record::Record;
use crate::site::level::Level;

/// Records with longer keys are not compared, so that no copy of a huge one is kept.
const MAX_KEY_BYTES: usize = 64 << 10;

/// What makes a record equal to another. Empty: equal to nothing.
#[derive(Default)]
pub(crate) struct Key(Vec<u8>);

impl Key {
    /// The key of this record, in the memory of another one.
    pub(crate) fn set(&mut self, record: &Record<'_>) {
        self.0.clear();
        let site = core::ptr::from_ref(record.site).addr().to_ne_bytes();
        let mut is_whole = self.add(&site)
            && self.add(&[record.level as u8])
            && self.add(record.target.as_bytes())
            && self.add(record.value_bytes());
        record.context.for_each_part(|part| is_whole = is_whole && self.add(part));
        if !is_whole {
            self.0.clear();
        }
    }

    fn add(&mut self, part: &[u8]) -> bool {
        let length = part.len().to_ne_bytes();
        let bytes = length.len() + part.len();
        if self.0.len() + bytes > MAX_KEY_BYTES || self.0.try_reserve(bytes).is_err() {
            return false;
        }
        self.0.extend_from_slice(&length);
        self.0.extend_from_slice(part);
        true
    }

    pub(crate) fn is_same(&self, other: &Key) -> bool {
        !self.0.is_empty() && self.0 == other.0
    }

    fn copy(&mut self, other: &Key) {
        self.0.clear();
        if self.0.try_reserve(other.0.len()).is_ok() {
            self.0.extend_from_slice(&other.0);
        }
    }
}

/// The last record of a sink, and how often it came again.
pub(super) struct Repeats {
    interval_ticks: u64,
    last: Key,
    /// When it was made, the time that was written in full.
    began: u64,
    /// How often it came since the last line about that.
    pub(super) count: u64,
    /// When it came last.
    pub(super) ticks: u64,
    pub(super) level: Level,
    /// Empty where there was no memory for it.
    pub(super) target: String,
}

impl Repeats {
    pub(super) fn new(interval_ticks: u64) -> Repeats {
        let (count, began, ticks) = (0, 0, 0);
        let (last, target) = (Key::default(), String::new());
        Repeats { interval_ticks, last, began, count, ticks, level: Level::Info, target }
    }

    /// Whether this record is the last one again, and is counted. If not, what was counted is to be
    /// told before [`begin`](Repeats::begin).
    pub(super) fn counts(&mut self, key: &Key, ticks: u64) -> bool {
        let is_same = self.last.is_same(key) && !self.is_over(ticks);
        if is_same {
            self.count += 1;
            self.ticks = ticks;
        }
        is_same
    }

    /// This record is the last one from now on.
    pub(super) fn begin(&mut self, key: &Key, record: &Record<'_>, ticks: u64) {
        self.last.copy(key);
        (self.began, self.level) = (ticks, record.level);
        if self.target != record.target {
            self.target = try_text(record.target).unwrap_or_default();
        }
    }

    /// Whether what comes now is written in full. Threads' clocks may differ a little, in both
    /// directions.
    pub(super) fn is_over(&self, now: u64) -> bool {
        now.abs_diff(self.began) >= self.interval_ticks
    }

    /// Nothing is the last one.
    pub(super) fn end(&mut self) {
        self.last.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing::Owned;

    fn key(owned: &Owned) -> Key {
        let mut key = Key::default();
        key.set(&owned.record());
        key
    }

    #[test]
    fn records_of_one_site_are_the_same_when_their_values_are() {
        let owned = Owned::new(Level::Info, "2:dbf1:aML1:x.m\nf", &[&1_u64]);
        assert!(key(&owned).is_same(&key(&owned)));
        let other = Owned::new(Level::Info, "2:dbf1:aML1:x.m\nf", &[&1_u64]);
        assert!(!key(&owned).is_same(&key(&other)), "another site");
        let mut record = owned.record();
        record.target = "web";
        let mut of_target = Key::default();
        of_target.set(&record);
        assert!(!key(&owned).is_same(&of_target));
        record.target = "db";
        record.level = Level::Warn;
        of_target.set(&record);
        assert!(!key(&owned).is_same(&of_target), "another level");
    }

    #[test]
    fn a_huge_record_is_the_same_as_nothing() {
        let owned = Owned::new(Level::Info, "2:dbf1:aML1:x.m\nf", &[&"x".repeat(MAX_KEY_BYTES)]);
        assert!(!key(&owned).is_same(&key(&owned)));
    }

    #[test]
    fn what_comes_after_the_interval_is_not_counted() {
        let owned = Owned::new(Level::Info, "2:dbf1:aML1:x.m\nf", &[&1_u64]);
        let (key, mut repeats) = (key(&owned), Repeats::new(100));
        assert!(!repeats.counts(&key, 1_000), "the first");
        repeats.begin(&key, &owned.record(), 1_000);
        assert!(repeats.counts(&key, 1_050) && repeats.counts(&key, 1_099));
        assert!(repeats.counts(&key, 990), "of a thread whose clock is behind");
        assert_eq!(repeats.count, 3);
        assert!(!repeats.counts(&key, 1_100));
        repeats.end();
        assert!(!repeats.counts(&key, 1_050));
    }
}
