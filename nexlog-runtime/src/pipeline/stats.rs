//! Counters: what was accepted, written and dropped.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::output::Failure;
use crate::clock;
use crate::error::{DropReason, Error};
use crate::health::HealthReason;
use crate::lane::memory::try_text;

/// A logger's counters at one moment.
///
/// `accepted` are the records that passed the gate, `written` those that every sink which wanted
/// them has taken (none wanting counts). The logger's own records are in `own` only. At rest,
/// after `flush`: `accepted + recovered == written + dropped`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Records that passed the gate.
    pub accepted: u64,
    /// Records that all sinks which wanted them have.
    pub written: u64,
    /// Records lost, for whatever reason.
    pub dropped: u64,
    /// Why they were lost; sums up to `dropped`.
    pub dropped_by: DroppedBy,
    /// Records that killed processes had left, and that were written to their files.
    pub recovered: u64,
    /// Records below the filter's level that the flight recorder has kept. They are accepted and
    /// written only when it writes them out.
    pub kept: u64,
    /// Records the logger made about itself.
    pub own: u64,
    /// Records that `once()`, `every(n)` and `per_second(n)` kept from being made. They are not
    /// accepted.
    pub suppressed: u64,
    /// Records that sinks have in a line that says how often the one before it came again
    /// ([`Output::dedup`](crate::Output::dedup)): the sum over all sinks. They are written.
    pub repeated: u64,
    /// Records that sinks were not given, as their traces are not sampled
    /// ([`Output::sample_traces`](crate::Output::sample_traces)): the sum over all sinks. A record
    /// that no other sink lost is written.
    pub sampled_out: u64,
    /// Bytes handed to sinks.
    pub bytes: u64,
    /// Failures of sinks.
    pub errors: u64,
    /// Buffers of threads, in use or kept for the next thread.
    pub lanes: u64,
    /// Archives that file sinks of this logger have made.
    pub rotations: u64,
    /// One for each sink, in the order of the builder's calls.
    pub sinks: Vec<SinkStats>,
}

/// One sink's counters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinkStats {
    /// What error messages call it.
    pub name: String,
    /// Records it has written.
    pub written: u64,
    /// Records it lost.
    pub lost: u64,
    /// Bytes it has written.
    pub bytes: u64,
    /// How often it failed.
    pub errors: u64,
    /// Records that it has in a line that says how often the one before it came again.
    pub repeated: u64,
    /// Records that it was not given, as their traces are not sampled.
    pub sampled_out: u64,
}

/// A sink's counters, read by `stats` without the pipeline mutex.
#[derive(Default)]
pub(crate) struct SinkCounts {
    pub(super) name: String,
    pub(super) written: AtomicU64,
    pub(super) lost: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) errors: AtomicU64,
    pub(crate) repeated: AtomicU64,
    pub(crate) sampled_out: AtomicU64,
    /// Whether it does not work at present. Written before the lanes are released.
    pub(super) is_failing: AtomicBool,
    /// What it said last, while that is not over.
    pub(super) trouble: Mutex<Option<Trouble>>,
    pub(super) rotations: Option<Arc<AtomicU64>>,
}

/// What a sink has said.
pub(super) struct Trouble {
    error: Failure,
    /// Whether it cost records.
    is_loss: bool,
    since: Instant,
    last: Instant,
}

/// How long a sink has to go on well before trouble that cost no record is over: a rotation is tried
/// once a second.
const CALM: Duration = Duration::from_secs(2);

impl SinkCounts {
    /// Notes what it said.
    pub(super) fn note_trouble(&self, error: Failure, is_loss: bool) {
        let now = Instant::now();
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let since = trouble.as_ref().map_or(now, |trouble| trouble.since);
        let before = trouble.replace(Trouble { error, is_loss, since, last: now });
        drop(trouble);
        drop(before); // without the lock
    }

    /// It has written well. Whether all is well again.
    pub(super) fn note_success(&self) -> bool {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = trouble.as_ref().is_none_or(|now| now.is_loss || now.last.elapsed() >= CALM);
        let before = if is_over { trouble.take() } else { None };
        drop(trouble);
        drop(before);
        is_over
    }

    /// What is wrong with it; `says`: with its error's text, which takes memory.
    pub(super) fn trouble(&self, now: Instant, says: bool) -> Option<HealthReason> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let Trouble { error, is_loss, since, .. } = trouble.as_ref()?;
        let sink = try_text(&self.name).unwrap_or_default();
        let error = if says { error.to_error().to_string() } else { String::new() };
        let lasts = now.saturating_duration_since(*since);
        Some(match is_loss {
            true => HealthReason::SinkFails { sink, error, lasts },
            false => HealthReason::SinkTrouble { sink, error, lasts },
        })
    }

    /// How many files the sink has rotated.
    pub(crate) fn rotations(&self) -> u64 {
        self.rotations.as_ref().map_or(0, |rotations| rotations.load(Relaxed))
    }

    /// Whether the sink does not work at present.
    pub(crate) fn is_failing(&self) -> bool {
        self.is_failing.load(Relaxed)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    pub(crate) fn errors(&self) -> u64 {
        self.errors.load(Relaxed)
    }

    /// All back to 0, but for rotations.
    pub(crate) fn forget(&self) {
        let counts = [&self.written, &self.lost, &self.bytes, &self.errors];
        for count in counts.into_iter().chain([&self.repeated, &self.sampled_out]) {
            count.store(0, Relaxed);
        }
        self.is_failing.store(false, Relaxed);
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Its error. Without its name when there is no memory for that.
    pub(super) fn failed(&self, source: io::Error) -> Error {
        Error::Sink { name: try_text(&self.name).unwrap_or_default(), source }
    }

    pub(crate) fn read(&self) -> SinkStats {
        SinkStats {
            name: try_text(&self.name).unwrap_or_default(),
            written: self.written.load(Relaxed),
            lost: self.lost.load(Relaxed),
            bytes: self.bytes(),
            errors: self.errors(),
            repeated: self.repeated.load(Relaxed),
            sampled_out: self.sampled_out.load(Relaxed),
        }
    }
}

macro_rules! dropped_by {
    ($($(#[$doc:meta])* $field:ident = $reason:ident,)*) => {
        /// Lost records by reason.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct DroppedBy {
            $($(#[$doc])* pub $field: u64,)*
        }

        impl DroppedBy {
            fn read(counts: &Counts) -> DroppedBy {
                DroppedBy { $($field: counts.dropped[DropReason::$reason as usize].load(Relaxed),)* }
            }

            /// The sum.
            pub fn total(&self) -> u64 {
                [$(self.$field),*].into_iter().fold(0, u64::wrapping_add)
            }

            /// Names and numbers of the reasons that occurred.
            pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> + use<> {
                [$((DropReason::$reason, self.$field)),*].into_iter().filter(|(_, n)| *n > 0)
            }

            /// What was added since `before`.
            pub(crate) fn since(&self, before: &DroppedBy) -> DroppedBy {
                DroppedBy { $($field: self.$field.saturating_sub(before.$field),)* }
            }
        }
    };
}

dropped_by! {
    /// The lane was full (`DropNewest`).
    full = Full,
    /// The lane was full and the pipeline busy.
    busy = Busy,
    /// Released unread to make room (`DropOldest`).
    oldest = Oldest,
    /// Logged by values that were being logged, too deep.
    recursion = Recursion,
    /// No memory.
    no_memory = NoMemory,
    /// A value's code panicked.
    panic = Panic,
    /// Made before `install`, when the buffer for that was full.
    early = Early,
    /// A sink that wanted it failed.
    sink = Sink,
    /// Somebody has cut the ring file.
    ring = Ring,
}

/// When records were lost, in ticks.
#[derive(Default)]
pub(crate) struct Losses {
    /// The last one; 0 before the first.
    last: AtomicU64,
    /// Since this began: as long as no two are further apart than the window.
    records: AtomicU64,
    window: AtomicU64,
}

impl Losses {
    /// For how many ticks one is told.
    pub(crate) fn set_window(&self, ticks: u64) {
        self.window.store(ticks, Relaxed);
    }

    pub(crate) fn add(&self, records: u64, now: u64) {
        let last = self.last.swap(now.max(1), Relaxed);
        if now.saturating_sub(last) > self.window.load(Relaxed) {
            self.records.store(0, Relaxed);
        }
        self.records.fetch_add(records, Relaxed);
    }

    /// How many there were since it began, and how many ticks ago the last one; `None` when that is
    /// over.
    pub(crate) fn recent(&self, now: u64) -> Option<(u64, u64)> {
        let last = self.last.load(Relaxed);
        let ago = now.saturating_sub(last);
        (last != 0 && ago <= self.window.load(Relaxed)).then(|| (self.records.load(Relaxed), ago))
    }

    fn forget(&self) {
        self.last.store(0, Relaxed);
        self.records.store(0, Relaxed);
    }
}

/// The counters themselves. Only cold code touches them; what lanes accepted is counted there.
#[derive(Default)]
pub(crate) struct Counts {
    /// Records that were accepted but never came to a lane.
    pub(crate) accepted: AtomicU64,
    pub(crate) written: AtomicU64,
    pub(crate) own: AtomicU64,
    /// By the flight recorder.
    pub(crate) kept: AtomicU64,
    /// By options of call sites.
    pub(crate) suppressed: AtomicU64,
    /// Of dead processes.
    pub(crate) recovered: AtomicU64,
    /// Panics of values for whose own record there was no room.
    pub(crate) untold_panics: AtomicU64,
    pub(crate) losses: Losses,
    dropped: [AtomicU64; DropReason::ALL.len()],
}

impl Counts {
    /// A record that was accepted is lost.
    pub(crate) fn drop_accepted(&self, reason: DropReason, records: u64) {
        self.dropped[reason as usize].fetch_add(records, Relaxed);
        if records > 0 {
            self.losses.add(records, clock::now());
        }
    }

    /// A record passed the gate and is lost before it came to a lane.
    pub(crate) fn drop_at_call(&self, reason: DropReason, records: u64) {
        self.accepted.fetch_add(records, Relaxed);
        self.drop_accepted(reason, records);
    }

    /// A record that was accepted is kept instead of written.
    pub(crate) fn keep_accepted(&self) {
        self.kept.fetch_add(1, Relaxed);
        self.accepted.fetch_sub(1, Relaxed);
    }

    /// All back to 0.
    pub(crate) fn forget(&self) {
        let Counts { accepted, written, own, suppressed, kept, recovered, untold_panics, .. } =
            self;
        let counts = [accepted, written, own, suppressed, kept, recovered, untold_panics];
        counts.into_iter().chain(&self.dropped).for_each(|count| count.store(0, Relaxed));
        self.losses.forget();
    }

    pub(crate) fn dropped_by(&self) -> DroppedBy {
        DroppedBy::read(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sum is exact where counters pass 32 bits, and to 64 bits where they go around.
    #[test]
    fn sums_hold_where_counters_pass_their_edges() {
        for start in [u64::from(u32::MAX) - 100, u64::MAX - 100] {
            let counts = Counts::default();
            counts.accepted.store(start, Relaxed);
            counts.written.store(start, Relaxed);
            for number in 0..200 {
                let reason = DropReason::ALL[number % DropReason::ALL.len()];
                counts.drop_at_call(reason, 2);
                counts.accepted.fetch_add(1, Relaxed);
                counts.written.fetch_add(1, Relaxed);
            }
            let dropped = counts.dropped_by().total();
            assert_eq!(dropped, 400);
            let written = counts.written.load(Relaxed);
            assert_eq!(counts.accepted.load(Relaxed), written.wrapping_add(dropped), "{start}");
        }
    }

    #[test]
    fn losses_are_told_by_reason_where_counters_pass_their_edges() {
        let counts = Counts::default();
        counts.drop_accepted(DropReason::Full, u64::from(u32::MAX) - 1);
        counts.drop_accepted(DropReason::Busy, u64::MAX - 1);
        let before = counts.dropped_by();
        assert_eq!(before.total(), u64::from(u32::MAX) - 3);
        counts.drop_accepted(DropReason::Full, 3);
        counts.drop_accepted(DropReason::Busy, 1);
        let since = counts.dropped_by().since(&before);
        assert_eq!((since.full, since.busy, since.total()), (3, 1, 4));
        let told: Vec<_> = since.iter().collect();
        assert_eq!(told, [(DropReason::Full, 3), (DropReason::Busy, 1)]);
    }
}
