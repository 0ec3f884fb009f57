//! ftlog, behind `log`. It forgets key-value pairs, so that fields are in the message.

use std::sync::Arc;

use ftlog::appender::FileAppender;
use ftlog::{LevelFilter, LoggerGuard};
use rivals::facade::{Backend, Facade};
use rivals::{About, Format, Kind, Measure, Setup, Shape, entry, serve};

#[derive(Clone)]
struct Ftlog {
    guard: Arc<LoggerGuard>,
}

impl Backend for Ftlog {
    const ABOUT: About = About {
        name: "ftlog",
        kind: Kind::Async,
        crates: &["log", "ftlog"],
        setup: "`bounded(100_000, true)`, feature `tsc`, UTC; text, fields in the message",
        measures: &[Measure::Caller, Measure::CallerWork, Measure::Throughput, Measure::Disabled],
        shapes: &[Shape::Request],
        formats: &[Format::Text],
    };
    const TAKES_PAIRS: bool = false;

    fn install(setup: &Setup) -> Self {
        let guard = ftlog::builder()
            .max_log_level(LevelFilter::Info)
            .root_log_level(LevelFilter::Info)
            .bounded(100_000, true)
            .utc()
            .root(FileAppender::new(&setup.path))
            .try_init();
        Ftlog { guard: Arc::new(guard.expect("the only logger")) }
    }

    /// The guard flushes.
    fn finish(self) {
        drop(self.guard);
    }
}

fn main() {
    serve(&[entry::<Facade<Ftlog>>()]);
}
