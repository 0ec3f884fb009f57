//! [`TraceSampling`]: which traces a sink is given.
//!
//! Pure: an answer for a level and the lower half of a trace id (`context/trace`).

use crate::site::level::Level;

/// Which part of the traces is kept: see [`Output::sample_traces`](crate::Output::sample_traces).
///
/// A trace is kept or left out as a whole, by its id alone, as OpenTelemetry's
/// `TraceIdRatioBased` does: services that keep the same part keep the same traces, and those that
/// keep more keep these as well.
///
/// ```
/// use nexlog_runtime::{Level, TraceSampling};
///
/// let tenth: TraceSampling = 0.1.into();
/// let with_trouble = TraceSampling::ratio(0.1).keep_level(Level::Warn);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TraceSampling {
    ratio: f64,
    keep_level: Option<Level>,
}

const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;

impl TraceSampling {
    /// This part of the traces, from 0.0 (none) to 1.0 (all). Other numbers are an error when the
    /// logger is built.
    pub const fn ratio(ratio: f64) -> TraceSampling {
        TraceSampling { ratio, keep_level: None }
    }

    /// Records of this level or above are kept, whatever their trace. Default: none are.
    #[must_use]
    pub const fn keep_level(mut self, level: Level) -> TraceSampling {
        self.keep_level = Some(level);
        self
    }

    /// What is wrong with it.
    pub(crate) fn problem(&self) -> Option<String> {
        let ratio = self.ratio;
        let is_part = (0.0..=1.0).contains(&ratio);
        (!is_part)
            .then(|| format!("{ratio} is no part of all traces; use a number from 0.0 to 1.0"))
    }

    /// Whether a record is kept. `trace` gives the lower half of its trace id, if it has one.
    pub(crate) fn keeps(&self, level: Level, trace: impl FnOnce() -> Option<u64>) -> bool {
        if self.keep_level.is_some_and(|kept| level >= kept) || self.ratio >= 1.0 {
            return true;
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // from 0 to 2^63
        let bound = (self.ratio * TWO_TO_63) as u64;
        trace().is_none_or(|id| id >> 1 < bound)
    }
}

impl From<f64> for TraceSampling {
    fn from(ratio: f64) -> TraceSampling {
        TraceSampling::ratio(ratio)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeps(sampling: TraceSampling, level: Level, id: u64) -> bool {
        sampling.keeps(level, || Some(id))
    }

    /// What `TraceIdRatioBased` of OpenTelemetry's SDKs for Rust and Go answers: the upper 63 bits of
    /// the id's lower half, below the ratio of 2^63.
    #[test]
    fn it_answers_as_opentelemetry_does() {
        let half = TraceSampling::ratio(0.5);
        for (id, expected) in [
            (0, true),
            (0x7fff_ffff_ffff_ffff, true),
            (0x8000_0000_0000_0000, false),
            (u64::MAX, false),
        ] {
            assert_eq!(keeps(half, Level::Info, id), expected, "{id:x}");
        }
        let tenth = TraceSampling::ratio(0.1);
        assert!(keeps(tenth, Level::Info, 0x1999_9999_9999_0000));
        assert!(!keeps(tenth, Level::Info, 0x1999_9999_9999_ffff));
    }

    #[test]
    fn at_the_ends_none_and_all_are_kept() {
        for id in [0, 1, 1 << 63, u64::MAX] {
            assert!(!keeps(0.0.into(), Level::Critical, id));
            assert!(keeps(1.0.into(), Level::Trace, id));
        }
        assert!(TraceSampling::ratio(0.0).keeps(Level::Trace, || None), "no trace");
    }

    #[test]
    fn a_level_may_be_kept_whatever_the_trace() {
        let sampling = TraceSampling::ratio(0.0).keep_level(Level::Warn);
        assert!(keeps(sampling, Level::Warn, 7) && keeps(sampling, Level::Error, 7));
        assert!(!keeps(sampling, Level::Info, 7));
    }

    #[test]
    fn a_ratio_that_is_none_is_a_problem() {
        for ratio in [f64::NAN, -0.1, 1.1, f64::INFINITY] {
            assert!(TraceSampling::ratio(ratio).problem().is_some(), "{ratio}");
        }
        assert!(TraceSampling::ratio(0.0).problem().is_none());
    }
}
