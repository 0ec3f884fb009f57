//! The measurements, each in a file. A process makes one, and answers with named numbers.

mod caller;
mod disabled;
mod idle;
mod memory;
mod span;
mod throughput;

use crate::rival::{Measure, Rival, Setup, Shape};

/// What one process is asked for.
pub struct Job {
    pub measure: Measure,
    pub shape: Shape,
    pub threads: u64,
    /// Of all threads together.
    pub records: u64,
    pub setup: Setup,
}

pub type Numbers = Vec<(&'static str, f64)>;

pub fn run<R: Rival>(job: Job) -> Numbers {
    match job.measure {
        Measure::Caller => caller::alone::<R>(&job),
        Measure::CallerWork => caller::among_work::<R>(&job),
        Measure::Throughput => throughput::measure::<R>(&job),
        Measure::Disabled => disabled::measure::<R>(&job),
        Measure::Span => span::measure::<R>(&job),
        Measure::Memory => memory::measure::<R>(&job),
        Measure::Idle => idle::measure::<R>(&job),
    }
}
