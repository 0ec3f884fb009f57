//! logforth behind `log`, with a thread that formats and writes.

use log::LevelFilter;
use logforth::append::asynchronous::AsyncBuilder;
use logforth::append::file::FileBuilder;
use logforth::layout::{JsonLayout, LogfmtLayout};
use logforth::record::{Level, LevelFilter as Filter};
use rivals::facade::{Backend, Facade};
use rivals::{About, Format, Kind, Measure, Setup, Shape, entry, serve};

#[derive(Clone)]
struct Logforth;

impl Backend for Logforth {
    const ABOUT: About = About {
        name: "logforth async",
        kind: Kind::Async,
        crates: &["log", "logforth"],
        setup: "`Async` over `File`, JSON or logfmt; its queue has no bound",
        measures: &[Measure::Caller, Measure::CallerWork, Measure::Throughput, Measure::Disabled],
        shapes: &[Shape::Request, Shape::Strings, Shape::Integers, Shape::Display],
        formats: Format::ALL,
    };

    fn install(setup: &Setup) -> Self {
        let folder = setup.path.parent().expect("a file in a folder");
        let file = FileBuilder::new(folder, "rival");
        let file = match setup.format {
            Format::Json => file.layout(JsonLayout::default()),
            Format::Text => file.layout(LogfmtLayout::default()),
        };
        let worker = AsyncBuilder::new("logforth").overflow_block();
        let worker = worker.append(file.build().expect("a new file")).build();
        logforth::starter_log::builder()
            .dispatch(|d| d.filter(Filter::MoreSevereEqual(Level::Info)).append(worker))
            .apply();
        log::set_max_level(LevelFilter::Info);
        Logforth
    }
}

fn main() {
    serve(&[entry::<Facade<Logforth>>()]);
}
