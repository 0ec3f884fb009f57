//! env_logger, behind `log`.

use std::io::Write;

use env_logger::{Builder, Target, WriteStyle};
use log::LevelFilter;
use rivals::facade::{Backend, Facade};
use rivals::file::SharedFile;
use rivals::{About, Format, Kind, Measure, Setup, Shape, entry, serve};

#[derive(Clone)]
struct EnvLogger {
    file: SharedFile,
}

impl Backend for EnvLogger {
    const ABOUT: About = About {
        name: "env_logger",
        kind: Kind::Direct,
        crates: &["log", "env_logger"],
        setup: "text with microseconds, to a `BufWriter` of 64 KiB",
        measures: &[Measure::Caller, Measure::CallerWork, Measure::Throughput, Measure::Disabled],
        shapes: &[Shape::Request],
        formats: &[Format::Text],
    };

    fn install(setup: &Setup) -> Self {
        let file = SharedFile::create(&setup.path);
        Builder::new()
            .filter_level(LevelFilter::Info)
            .format_timestamp_micros()
            .write_style(WriteStyle::Never)
            .target(Target::Pipe(Box::new(file.clone())))
            .init();
        EnvLogger { file }
    }

    fn finish(mut self) {
        self.file.flush().expect("the file takes all lines");
    }
}

fn main() {
    serve(&[entry::<Facade<EnvLogger>>()]);
}
