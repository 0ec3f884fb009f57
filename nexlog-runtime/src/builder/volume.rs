//! The options of a logger about how much is written.

use std::sync::Arc;
use std::time::Duration;

use super::Builder;
use crate::clock::WallClock;
use crate::error::Error;
use crate::pipeline::stats::SinkCounts;
use crate::pipeline::volume::Volume;
use crate::sink::output;
use crate::sink::sampling::TraceSampling;

/// What the user stated.
#[derive(Debug)]
pub(super) struct Choice {
    sampling: Option<TraceSampling>,
    report: Duration,
}

impl Default for Choice {
    fn default() -> Choice {
        Choice { sampling: None, report: Builder::REPORT_SUPPRESSED }
    }
}

impl Choice {
    pub(super) fn start(
        &self,
        limits: &[output::Volume],
        counts: Vec<Arc<SinkCounts>>,
        clock: &WallClock,
    ) -> Volume {
        Volume::new(limits.iter(), counts, clock, self.report)
    }
}

impl Builder {
    /// What [`report_suppressed`](Builder::report_suppressed) is when nothing is said.
    pub const REPORT_SUPPRESSED: Duration = Duration::from_secs(60);

    /// Gives every sink that says nothing else the records of a part of all traces only: as
    /// [`Output::sample_traces`](crate::Output::sample_traces).
    ///
    /// ```
    /// # use nexlog_runtime::{Level, Memory, TraceSampling, builder};
    /// let logger = builder()
    ///     .sample_traces(TraceSampling::ratio(0.05).keep_level(Level::Warn))
    ///     .sink(Memory::new())
    ///     .build()?;
    /// # Ok::<(), nexlog_runtime::Error>(())
    /// ```
    pub fn sample_traces(mut self, sampling: impl Into<TraceSampling>) -> Self {
        self.volume.sampling = Some(sampling.into());
        self
    }

    /// How often records of the logger's own tell what was left out and no other record has told:
    /// `records suppressed` for each call site with `once()`, `every(n)` or `per_second(n)`, and
    /// `records sampled out` for each sink that samples traces. They come with a drain, so not
    /// before something is logged; and at the end of the logger. Default: one minute.
    pub fn report_suppressed(mut self, interval: Duration) -> Self {
        self.volume.report = interval;
        self
    }

    /// Finds what cannot work, and hands to each output what the logger says.
    pub(super) fn check_volume(&mut self) -> Result<(), Error> {
        let wrong = |option, problem| Err(Error::Option { option, problem });
        if self.volume.report.is_zero() {
            let problem = "0 would tell with each drain; use at least a millisecond";
            return wrong("report_suppressed", String::from(problem));
        }
        for output in &mut self.outputs {
            let volume = output.volume_mut();
            volume.sampling = volume.sampling.or(self.volume.sampling);
            if volume.dedup.is_some_and(|interval| interval.is_zero()) {
                let problem = "0 collapses nothing; leave it out, or use at least a millisecond";
                return wrong("dedup", String::from(problem));
            }
            if let Some(problem) = volume.sampling.and_then(|sampling| sampling.problem()) {
                return wrong("sample_traces", problem);
            }
        }
        Ok(())
    }
}
