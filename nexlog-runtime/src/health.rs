//! [`Health`]: whether a logger works, and what keeps it from that.
//!
//! What is looked at is there anyhow: counters, lanes, what sinks have said. Nothing waits for the
//! pipeline mutex, which whoever is in trouble may hold.

use core::fmt;
use core::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use crate::builder::Builder;
use crate::clock;
use crate::lane::memory::try_push;
use crate::logger::Logger;
use crate::pipeline::state::{self, Core, Mode};

/// A loss is told for so long.
pub(crate) const LOSS_WINDOW: Duration = Duration::from_secs(60);
/// A pass that takes longer hangs.
const HANGS_AFTER: Duration = Duration::from_secs(5);
/// Lanes that are fuller, in percent, are about to be full.
const NEARLY_FULL_PERCENT: u8 = 75;

/// Whether a logger works: from [`Logger::health`].
///
/// Displayed as one line: `failing: the sink app.log fails: no space left (for 12 s)`.
///
/// ```
/// # use nexlog_runtime::{Health, Memory, builder};
/// let logger = builder().sink(Memory::new()).build()?;
/// match logger.health() {
///     Health::Ok => {}
///     Health::Degraded(reasons) => reasons.iter().for_each(|reason| eprintln!("{reason}")),
///     Health::Failing(reasons) => panic!("{reasons:?}"),
/// }
/// # Ok::<(), nexlog_runtime::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Health {
    /// Nothing is wrong.
    #[default]
    Ok,
    /// Records are written, but something is wrong, or was a moment ago.
    Degraded(Vec<HealthReason>),
    /// Records are being lost, or do not get on. All reasons, those of `Degraded`, too.
    Failing(Vec<HealthReason>),
}

impl Health {
    fn of(mut reasons: Vec<HealthReason>) -> Health {
        reasons.sort_unstable_by_key(|reason| !reason.is_serious());
        match reasons.first() {
            None => Health::Ok,
            Some(worst) if worst.is_serious() => Health::Failing(reasons),
            Some(_) => Health::Degraded(reasons),
        }
    }

    /// Whether nothing is wrong.
    pub fn is_ok(&self) -> bool {
        *self == Health::Ok
    }

    /// Whether records are being lost, or do not get on.
    pub fn is_failing(&self) -> bool {
        matches!(self, Health::Failing(_))
    }

    /// What is wrong, the serious things first.
    pub fn reasons(&self) -> &[HealthReason] {
        match self {
            Health::Ok => &[],
            Health::Degraded(reasons) | Health::Failing(reasons) => reasons,
        }
    }

    /// `ok`, `degraded` or `failing`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Health::Ok => "ok",
            Health::Degraded(_) => "degraded",
            Health::Failing(_) => "failing",
        }
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())?;
        for (number, reason) in self.reasons().iter().enumerate() {
            write!(f, "{} {reason}", if number == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

/// Something that is wrong with a logger.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HealthReason {
    /// A sink has lost records with its last write. Over with its next write that goes well.
    SinkFails {
        /// What error messages call it.
        sink: String,
        /// Its last error.
        error: String,
        /// For how long.
        lasts: Duration,
    },
    /// A sink had trouble that cost no record: a rotation, a compression, a look at a file's name,
    /// a `sync`. Over with its next write that goes well two seconds later.
    SinkTrouble {
        /// What error messages call it.
        sink: String,
        /// Its last error.
        error: String,
        /// For how long.
        lasts: Duration,
    },
    /// Whoever brings records to the sinks has been at it for five seconds: a sink hangs, or cannot
    /// keep up. Over when it is done.
    Hangs {
        /// For how long.
        lasts: Duration,
    },
    /// The worker of `Mode::Background` has ended, before the logger. Callers write when their
    /// buffers are full, and at the end.
    WorkerEnded,
    /// In a forked child whose parent was writing just then: nothing can be written any more.
    CutOff,
    /// Records were dropped within the last minute, at the callers or by a sink. Over a minute after
    /// the last one.
    Drops {
        /// How many, since this began.
        records: u64,
        /// How long ago the last one was.
        ago: Duration,
    },
    /// Some thread's buffer is at least three quarters full. Over when it is drained.
    NearlyFull {
        /// How full the fullest one is.
        percent: u8,
    },
    /// Records do not survive a kill: there is no ring file where there should be one, or it was
    /// removed or cut by somebody, or it cannot grow. Not over before the program starts anew.
    NoRing,
}

impl HealthReason {
    /// Whether it makes the logger [`Failing`](Health::Failing).
    pub fn is_serious(&self) -> bool {
        use HealthReason::{CutOff, Hangs, SinkFails, WorkerEnded};
        matches!(self, SinkFails { .. } | Hangs { .. } | WorkerEnded | CutOff)
    }
}

impl fmt::Display for HealthReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HealthReason::SinkFails { sink, error, lasts } => {
                write!(f, "the sink {sink} fails: {error} (for {} s)", lasts.as_secs())
            }
            HealthReason::SinkTrouble { sink, error, lasts } => {
                write!(f, "the sink {sink} has trouble: {error} (for {} s)", lasts.as_secs())
            }
            HealthReason::Hangs { lasts } => {
                write!(f, "writing has hung for {} s; see which sink does", lasts.as_secs())
            }
            HealthReason::WorkerEnded => f.write_str("the worker thread has ended"),
            HealthReason::CutOff => {
                f.write_str("forked while its parent was writing: nothing can be written")
            }
            HealthReason::Drops { records, ago } => {
                write!(f, "{records} records were dropped, the last {} s ago", ago.as_secs())
            }
            HealthReason::NearlyFull { percent } => {
                write!(f, "a thread's buffer is {percent} % full")
            }
            HealthReason::NoRing => f.write_str("records do not survive a kill: no ring file"),
        }
    }
}

impl Core {
    /// How it is.
    pub(crate) fn health(&self) -> Health {
        self.look(true)
    }

    /// The same in a word, where memory may be refused.
    pub(crate) fn health_word(&self) -> &'static str {
        self.look(false).as_str()
    }

    /// What there is no memory for is left out; `says`: with the texts of errors, which take some
    /// in any case.
    fn look(&self, says: bool) -> Health {
        let now = clock::now();
        let mut reasons = Vec::new();
        let mut add = |reason| try_push(&mut reasons, reason);
        for trouble in self.sink_troubles(Instant::now(), says) {
            add(trouble);
        }
        let pass = self.pass_began.load(Relaxed);
        let lasts = self.time_in(now.saturating_sub(pass));
        if pass != 0 && lasts >= HANGS_AFTER {
            add(HealthReason::Hangs { lasts });
        }
        if self.mode() == Mode::Background && self.worker.has_ended() && !self.is_ending() {
            add(HealthReason::WorkerEnded);
        }
        if self.is_cut_off() {
            add(HealthReason::CutOff);
        }
        if let Some((records, ticks)) = self.counts.losses.recent(now) {
            add(HealthReason::Drops { records, ago: self.time_in(ticks) });
        }
        let percent = self.lanes.fullest_percent();
        if percent >= NEARLY_FULL_PERCENT {
            add(HealthReason::NearlyFull { percent });
        }
        if self.has_lost_ring() {
            add(HealthReason::NoRing);
        }
        Health::of(reasons)
    }
}

impl Logger {
    /// How the logger is at this moment, and why it is not well. Waits for nobody, and may be called
    /// as often as one likes: 0.1 µs with one lane (measured), and more with many.
    pub fn health(&self) -> Health {
        self.core().health()
    }
}

/// [`Logger::health`] of the global logger; [`Health::Ok`] when there is none.
pub fn health() -> Health {
    state::global().map_or(Health::Ok, |core| core.health())
}

impl Builder {
    /// Has the logger report about itself, in a record of its own at level `Info` with the target
    /// `nexlog` and the message `logger report`: how many records were `accepted`, `written` and
    /// `dropped`, how many `bytes` and `errors` there were since the last report, the `interval` since
    /// then, and its `health` (`ok`, `degraded`, `failing`). Sinks that do not want it do not get it.
    /// Default: never.
    ///
    /// In `Background` the worker wakes for it, also when nothing is logged. In the other modes it is
    /// made by whoever drains when the time has come: with the next record or `flush`.
    pub fn report_interval(mut self, interval: Duration) -> Self {
        self.settings.report_interval = Some(interval);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::stats::Losses;
    use crate::{Memory, builder};

    #[test]
    fn a_loss_is_told_for_a_minute_after_the_last_one() {
        let losses = Losses::default();
        losses.set_window(600);
        assert_eq!(losses.recent(1_000), None);
        losses.add(2, 1_000);
        losses.add(1, 1_500);
        assert_eq!(losses.recent(1_500), Some((3, 0)));
        assert_eq!(losses.recent(2_100), Some((3, 600)));
        assert_eq!(losses.recent(2_101), None, "over");
        losses.add(5, 2_200);
        assert_eq!(losses.recent(2_200), Some((5, 0)), "another time");
    }

    #[test]
    fn serious_reasons_come_first_and_decide() {
        let drops = HealthReason::Drops { records: 3, ago: Duration::from_secs(2) };
        let degraded = Health::of(vec![drops.clone(), HealthReason::NoRing]);
        assert_eq!(degraded.as_str(), "degraded");
        let failing = Health::of(vec![drops, HealthReason::WorkerEnded]);
        assert_eq!(
            failing.to_string(),
            "failing: the worker thread has ended; 3 records were dropped, the last 2 s ago"
        );
        assert!(failing.is_failing() && !failing.is_ok() && !degraded.is_failing());
        assert_eq!(Health::of(Vec::new()).to_string(), "ok");
    }

    #[test]
    fn a_worker_that_ended_and_a_pass_that_hangs_are_failures() {
        let logger = builder().sink(Memory::new()).mode(Mode::Background).build().unwrap();
        assert_eq!(logger.health(), Health::Ok);
        let core = logger.core();
        core.worker.stop(Duration::from_secs(20));
        assert_eq!(logger.health(), Health::Failing(vec![HealthReason::WorkerEnded]));
        core.close();
        assert_eq!(logger.health(), Health::Ok, "at its end it has to");

        let logger = builder().sink(Memory::new()).build().unwrap();
        let core = logger.core();
        let long = core.ticks_in(HANGS_AFTER * 2);
        core.pass_began.store(clock::now().saturating_sub(long), Relaxed);
        assert!(matches!(logger.health().reasons(), [HealthReason::Hangs { .. }]));
        logger.flush(Duration::from_secs(20)).unwrap();
        assert_eq!(logger.health(), Health::Ok, "another pass is over");
    }
}
