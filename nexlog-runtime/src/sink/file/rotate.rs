//! When to rotate: what the user states, and whether the time has come.
//!
//! Pure: sizes and clocks are given. [`Calendar`] decides by the clock on the wall, which may be
//! set anywhere at any time. A boundary that has been passed is never passed again, so a clock
//! that swings around midnight makes one archive; and a clock that was years ahead and is set
//! right cannot keep rotation waiting for years: then a whole period of the clock that only goes
//! forward is enough.

use jiff::tz::TimeZone;

use super::date::Schedule;

/// How often a file is rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Period {
    /// At each full minute.
    Minute,
    /// At each full hour.
    Hour,
    /// At midnight.
    Day,
    /// At midnight before each Monday.
    Week,
}

impl Period {
    /// Its usual length; days and weeks differ where clocks are set.
    pub(super) fn seconds(self) -> i64 {
        match self {
            Period::Minute => 60,
            Period::Hour => 60 * 60,
            Period::Day => 24 * 60 * 60,
            Period::Week => 7 * 24 * 60 * 60,
        }
    }
}

/// When a [`File`](crate::File) is rotated: whichever of its reasons comes first.
///
/// ```
/// use nexlog_runtime::{File, MIB, Period, Rotate};
///
/// let file = File::at("logs/app.log").rotate(Rotate::size(10 * MIB).or_every(Period::Day));
/// let nightly = File::at("logs/night.log").rotate(Rotate::every(Period::Day).local());
/// ```
///
/// An empty file is never rotated, and no record is split.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rotate {
    pub(super) bytes: Option<u64>,
    pub(super) period: Option<Period>,
    pub(super) at_start: bool,
    pub(super) local: bool,
}

impl Rotate {
    /// Before the file grows beyond this many bytes. A record that is longer by itself gets a
    /// file of its own.
    pub fn size(bytes: u64) -> Rotate {
        Rotate::on_demand().or_size(bytes)
    }

    /// With the first record of each new period, in UTC unless [`local`](Rotate::local) is said.
    /// A file that was last written in an earlier period is rotated before the first record.
    pub fn every(period: Period) -> Rotate {
        Rotate::on_demand().or_every(period)
    }

    /// When the logger is built: each run of the program begins with an empty file.
    pub fn at_start() -> Rotate {
        Rotate::on_demand().or_at_start()
    }

    /// Only by [`Logger::rotate`](crate::Logger::rotate).
    pub fn on_demand() -> Rotate {
        Rotate::default()
    }

    /// Or before the file grows beyond this many bytes.
    #[must_use]
    pub fn or_size(mut self, bytes: u64) -> Rotate {
        self.bytes = Some(bytes);
        self
    }

    /// Or with the first record of each new period.
    #[must_use]
    pub fn or_every(mut self, period: Period) -> Rotate {
        self.period = Some(period);
        self
    }

    /// Or when the logger is built.
    #[must_use]
    pub fn or_at_start(mut self) -> Rotate {
        self.at_start = true;
        self
    }

    /// Periods, and dates in the names of archives, follow the time zone of the system, as it is
    /// when the logger is built.
    #[must_use]
    pub fn local(mut self) -> Rotate {
        self.local = true;
        self
    }

    /// The zone its dates are in.
    pub(super) fn zone(&self) -> TimeZone {
        if self.local { TimeZone::system() } else { TimeZone::UTC }
    }

    /// What is wrong with it.
    pub(super) fn problem(&self) -> Option<String> {
        let least = 64;
        let bytes = self.bytes.filter(|bytes| *bytes < least)?;
        Some(format!("a size of {bytes} bytes is too small; use at least {least}, as in 10 * MIB"))
    }
}

/// Whether the period of a file is over.
#[derive(Debug)]
pub(super) struct Calendar {
    schedule: Schedule,
    /// The period of the live file, by the clock on the wall.
    start: i64,
    end: i64,
    /// When it was begun, by the clock that only goes forward.
    begun_ns: u64,
}

impl Calendar {
    /// For a file that was written last at `wall`.
    pub(super) fn new(schedule: Schedule, wall: i64, now_ns: u64) -> Calendar {
        let (start, end) = (schedule.start_of(wall), schedule.end_of(wall));
        Calendar { schedule, start, end, begun_ns: now_ns }
    }

    /// Whether the live file is of an earlier period.
    pub(super) fn is_due(&self, wall: i64, now_ns: u64) -> bool {
        let period_ns = self.schedule.period.seconds().unsigned_abs() * 1_000_000_000;
        let passed_ns = now_ns.saturating_sub(self.begun_ns);
        wall >= self.end || (wall < self.start && passed_ns >= period_ns)
    }

    /// A new file begins.
    pub(super) fn begin(&mut self, wall: i64, now_ns: u64) {
        if self.is_due(wall, now_ns) {
            self.start = self.schedule.start_of(wall);
            self.end = self.schedule.end_of(wall);
            self.begun_ns = now_ns;
        }
    }

    /// The first second of the live file's period.
    pub(super) fn start(&self) -> i64 {
        self.start
    }
}
