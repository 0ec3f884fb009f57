//! fast_log, behind `log`. It forgets key-value pairs, so that fields are in the message, which
//! is a string of its JSON.

use fast_log::{Config, FastLogFormatJson};
use log::LevelFilter;
use rivals::facade::{Backend, Facade};
use rivals::{About, Format, Kind, Measure, Setup, Shape, entry, serve};

#[derive(Clone)]
struct FastLog;

impl Backend for FastLog {
    const ABOUT: About = About {
        name: "fast_log",
        kind: Kind::Async,
        crates: &["log", "fast_log"],
        setup: "`chan_len(100_000)`; JSON with the fields in the message, so taken as text",
        measures: &[
            Measure::Caller,
            Measure::CallerWork,
            Measure::Throughput,
            Measure::Disabled,
            Measure::Idle,
        ],
        shapes: &[Shape::Request],
        formats: &[Format::Text],
    };
    const TAKES_PAIRS: bool = false;

    fn install(setup: &Setup) -> Self {
        let config = Config::new()
            .file(&setup.path.to_string_lossy())
            .format(FastLogFormatJson::new())
            .chan_len(Some(100_000))
            .level(LevelFilter::Info);
        fast_log::init(config).expect("the only logger");
        FastLog
    }

    fn flush(&mut self) {
        fast_log::flush().expect("its threads are there").wait();
    }
}

fn main() {
    serve(&[entry::<Facade<FastLog>>()]);
}
