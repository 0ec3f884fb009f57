//! `once()`, `every(n)`, `per_second(n)`: which of a site's records pass.
//!
//! A [`Limit`] is a static beside the site, of sites that have such an option. A call whose gate is
//! open asks it; what it turns away is counted in it, and the next record that passes takes the
//! count away in a field. What no record has taken is told by one of the logger's own
//! (`pipeline/volume`). Nothing here waits: calls that meet add to the same words.
//!
//! `passed + suppressed = calls`, whatever the threads: each call adds to one of the two, and a count
//! is taken by exchanging it for 0.

use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize};

use super::callsite::Site;
use crate::clock;
use crate::error::Error;
use crate::lane::draft::Draft;
use crate::logger::Logger;
use crate::pipeline::state::{self, Core};
use crate::registry;

/// Of the only record of `once()`, which has passed.
const PASSED: u64 = u64::MAX;

/// Suppressed before there was a logger.
static EARLY: AtomicU64 = AtomicU64::new(0);

/// How many were suppressed before there was a logger: the global logger's.
pub(crate) fn early() -> u64 {
    EARLY.load(Relaxed)
}

/// In a forked child: what is to be told is the parent's.
pub(crate) fn forget_all() {
    EARLY.store(0, Relaxed);
    registry::limits().for_each(|limit| limit.suppressed.store(0, Relaxed));
}

/// What a site with such an option remembers.
pub struct Limit {
    pub(crate) site: &'static Site,
    /// Calls of `every`; of `once`, 0 or [`PASSED`].
    calls: AtomicU64,
    /// See [`window`].
    window: AtomicU64,
    /// Turned away since a record last told.
    suppressed: AtomicU64,
    /// The logger that the last one was kept from, by its address; 0 for none.
    owner: AtomicUsize,
    is_listed: AtomicBool,
    /// In the registry's list.
    pub(crate) next: AtomicPtr<Limit>,
}

impl Limit {
    /// What the macros call.
    pub const fn new(site: &'static Site) -> Limit {
        Limit {
            site,
            calls: AtomicU64::new(0),
            window: AtomicU64::new(0),
            suppressed: AtomicU64::new(0),
            owner: AtomicUsize::new(0),
            is_listed: AtomicBool::new(false),
            next: AtomicPtr::new(core::ptr::null_mut()),
        }
    }

    /// The first call passes.
    pub fn once(&'static self, logger: Option<&Logger>) -> bool {
        let is_first = self.calls.load(Relaxed) == 0
            && self.calls.compare_exchange(0, PASSED, Relaxed, Relaxed).is_ok();
        is_first || self.suppress(logger)
    }

    /// The first of each `n` calls passes; of 0, none.
    pub fn every(&'static self, n: u64, logger: Option<&Logger>) -> bool {
        let passes = n != 0 && self.calls.fetch_add(1, Relaxed).is_multiple_of(n);
        passes || self.suppress(logger)
    }

    /// At most `n` calls pass in a second, which begins with the first that passes after the one
    /// before; of 0, none.
    pub fn per_second(&'static self, n: u64, logger: Option<&Logger>) -> bool {
        let (now, second) = (clock::now(), clock::ticks_in_second());
        let next = |state| window::after(state, now, second, n);
        self.window.fetch_update(Relaxed, Relaxed, next).is_ok() || self.suppress(logger)
    }

    #[inline(never)]
    fn suppress(&'static self, logger: Option<&Logger>) -> bool {
        self.suppressed.fetch_add(1, Relaxed);
        let owner = match logger.map(Logger::core).or_else(state::global) {
            None => {
                EARLY.fetch_add(1, Relaxed);
                0
            }
            Some(core) => {
                core.counts.suppressed.fetch_add(1, Relaxed);
                address(core)
            }
        };
        if self.owner.load(Relaxed) != owner {
            self.owner.store(owner, Relaxed);
        }
        if !self.is_listed.load(Relaxed) && !self.is_listed.swap(true, Relaxed) {
            registry::list(self);
        }
        false
    }

    /// Ends a record that passed: with what was suppressed before it, as its last value.
    ///
    /// # Errors
    /// As [`Draft::finish`]. What it would have told, the next one tells; the one record of
    /// `once()` is still to come then.
    pub fn finish(&'static self, mut draft: Draft<'_>) -> Result<(), Error> {
        let suppressed = self.take();
        draft.push(&(suppressed > 0).then_some(suppressed));
        draft.finish().inspect_err(|_| {
            self.put_back(suppressed);
            let _ = self.calls.compare_exchange(PASSED, 0, Relaxed, Relaxed);
        })
    }

    /// What no record has told yet; it is told now.
    pub(crate) fn take(&self) -> u64 {
        if self.suppressed.load(Relaxed) == 0 { 0 } else { self.suppressed.swap(0, Relaxed) }
    }

    /// It is not told after all.
    pub(crate) fn put_back(&self, suppressed: u64) {
        self.suppressed.fetch_add(suppressed, Relaxed);
    }

    /// Whether it is for this logger to tell: that of the last record that was suppressed, or the
    /// global one where there was none yet.
    pub(crate) fn is_of(&self, core: &Core) -> bool {
        match self.owner.load(Relaxed) {
            0 => core.is_global(),
            owner => owner == address(core),
        }
    }
}

fn address(core: &Core) -> usize {
    core::ptr::from_ref(core).addr()
}

/// The word of `per_second`: when its second began, and how many have passed in it.
mod window {
    /// The low bits count.
    const COUNT_BITS: u32 = 24;
    const MAX_COUNT: u64 = (1 << COUNT_BITS) - 1;
    /// The others are the time, in units of 2^20 ticks: a third of a millisecond to one. They go
    /// around after years.
    const UNIT_BITS: u32 = 20;
    const TIME_MASK: u64 = u64::MAX >> COUNT_BITS;

    /// The word after one more has passed; `None` if that one does not.
    pub(super) fn after(state: u64, ticks: u64, second: u64, n: u64) -> Option<u64> {
        let (began, count) = (state >> COUNT_BITS, state & MAX_COUNT);
        let now = ticks >> UNIT_BITS & TIME_MASK;
        // Not a moment too short, though both ends are rounded.
        let second = second.div_ceil(1 << UNIT_BITS) + 1;
        let since = now.wrapping_sub(began) & TIME_MASK;
        // Another core's clock may be a little behind; one that was set back is far.
        let until = began.wrapping_sub(now) & TIME_MASK;
        if n == 0 {
            None
        } else if count == 0 || since >= second && until >= second {
            Some(now << COUNT_BITS | 1)
        } else {
            (count < n.min(MAX_COUNT)).then_some(state + 1)
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        const SECOND: u64 = 3_000_000_000;

        /// How many of `calls` at these ticks pass.
        fn passed(state: &mut u64, ticks: u64, n: u64, calls: u64) -> u64 {
            (0..calls)
                .filter(|_| after(*state, ticks, SECOND, n).inspect(|s| *state = *s).is_some())
                .count() as u64
        }

        #[test]
        fn so_many_pass_in_each_second_and_no_more() {
            for begin in [0, SECOND - 1, 1 << 43, 1 << 60, u64::MAX - SECOND / 2] {
                let mut state = 0;
                let at = |part: u64| begin.wrapping_add(part * SECOND / 10);
                assert_eq!(passed(&mut state, at(0), 3, 2), 2, "{begin}");
                assert_eq!(passed(&mut state, at(5), 3, 10), 1, "{begin}");
                assert_eq!(passed(&mut state, at(9), 3, 10), 0, "{begin}");
                assert_eq!(passed(&mut state, begin.wrapping_add(SECOND - 1), 3, 10), 0, "{begin}");
                assert_eq!(passed(&mut state, at(11), 3, 10), 3, "{begin}");
                assert_eq!(passed(&mut state, at(20), 3, 10), 0, "begun with the first: {begin}");
                assert_eq!(passed(&mut state, at(22), 3, 10), 3, "{begin}");
            }
        }

        #[test]
        fn a_clock_that_is_a_little_behind_begins_no_second() {
            let mut state = 0;
            assert_eq!(passed(&mut state, 5 * SECOND, 2, 5), 2);
            assert_eq!(passed(&mut state, 5 * SECOND - (1 << 21), 2, 5), 0);
            assert_eq!(passed(&mut state, SECOND, 2, 5), 2, "set back");
        }

        #[test]
        fn of_none_none_passes_and_of_very_many_all() {
            let mut state = 0;
            assert_eq!(passed(&mut state, SECOND, 0, 5), 0);
            assert_eq!(passed(&mut state, SECOND, u64::MAX, 100_000), 100_000);
            assert_eq!(passed(&mut state, SECOND, 5, 10), 0, "another number now");
        }
    }
}
