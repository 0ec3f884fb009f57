//! The report that a logger makes about itself every so often, if it is asked for.
//!
//! The drainer makes it, as the last record of its pass but for one about losses. When the next is
//! due stands in a word of its own, for the worker's sleep.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::own;
use super::state::Core;
use super::stats::Stats;
use crate::clock;
use crate::lane::images::Images;

/// When the next report is due, in ticks.
pub(crate) struct ReportTime(AtomicU64);

impl ReportTime {
    /// After this many ticks; `None` for never.
    pub(crate) fn after(ticks: Option<u64>) -> ReportTime {
        ReportTime(AtomicU64::new(ticks.map_or(u64::MAX, |ticks| next(clock::now(), ticks))))
    }

    /// How long it is until then in ticks; `None` for never.
    pub(crate) fn left(&self, now: u64) -> Option<u64> {
        let due = self.0.load(Relaxed);
        (due != u64::MAX).then(|| due.saturating_sub(now))
    }
}

fn next(now: u64, ticks: u64) -> u64 {
    now.saturating_add(ticks.max(1)).min(u64::MAX - 1)
}

/// What the last report has told.
#[derive(Default)]
pub(crate) struct Reported {
    stats: Stats,
    /// 0 before the first.
    ticks: u64,
}

impl Reported {
    /// The report, when it is due.
    pub(super) fn due(&mut self, core: &Core) -> Option<Images> {
        let interval = core.report_interval()?;
        let now = clock::now();
        if core.report_time.left(now)? > 0 {
            return None;
        }
        let began = if self.ticks == 0 { core.began } else { self.ticks };
        let since = core.time_in(now.saturating_sub(began));
        let stats = core.stats();
        let image = own::report(&stats, &self.stats, rounded(since), core.health_word());
        (self.stats, self.ticks) = (stats, now);
        core.report_time.0.store(next(now, core.ticks_in(interval)), Relaxed);
        image
    }

    /// In a forked child: it begins anew.
    pub(super) fn forget(&mut self) {
        self.stats = Stats::default();
    }
}

/// To milliseconds.
fn rounded(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}
