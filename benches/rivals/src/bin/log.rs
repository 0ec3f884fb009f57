//! The `log` crate itself, before a logger that forgets: what a disabled call costs.

use log::{LevelFilter, Log, Metadata, Record};
use rivals::facade::{Backend, Facade};
use rivals::{About, Format, Kind, Measure, Setup, entry, serve};

#[derive(Clone)]
struct Nothing;

impl Log for Nothing {
    fn enabled(&self, _: &Metadata) -> bool {
        true
    }

    fn log(&self, _: &Record) {}

    fn flush(&self) {}
}

impl Backend for Nothing {
    const ABOUT: About = About {
        name: "log",
        kind: Kind::Direct,
        crates: &["log"],
        setup: "a logger that forgets, `set_max_level(Info)`",
        measures: &[Measure::Disabled],
        shapes: &[],
        formats: &[Format::Text],
    };

    fn install(_: &Setup) -> Self {
        log::set_logger(&Nothing).expect("the only logger");
        log::set_max_level(LevelFilter::Info);
        Nothing
    }
}

fn main() {
    serve(&[entry::<Facade<Nothing>>()]);
}
