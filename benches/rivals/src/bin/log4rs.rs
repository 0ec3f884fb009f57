//! log4rs, behind `log`. Its JSON has all values as strings.

use log::LevelFilter;
use log4rs::Config;
use log4rs::append::file::FileAppender;
use log4rs::config::{Appender, Root};
use log4rs::encode::json::JsonEncoder;
use rivals::facade::{Backend, Facade};
use rivals::{About, Format, Kind, Measure, Setup, Shape, entry, serve};

#[derive(Clone)]
struct Log4rs;

impl Backend for Log4rs {
    const ABOUT: About = About {
        name: "log4rs",
        kind: Kind::Direct,
        crates: &["log", "log4rs"],
        setup: "`FileAppender`, `JsonEncoder`; writes each line",
        measures: &[Measure::Caller, Measure::CallerWork, Measure::Throughput, Measure::Disabled],
        shapes: &[Shape::Request, Shape::Strings, Shape::Integers, Shape::Display],
        formats: &[Format::Json],
    };

    fn install(setup: &Setup) -> Self {
        let file = FileAppender::builder().encoder(Box::new(JsonEncoder::new()));
        let file = file.build(&setup.path).expect("a new file");
        let config = Config::builder()
            .appender(Appender::builder().build("file", Box::new(file)))
            .build(Root::builder().appender("file").build(LevelFilter::Info));
        log4rs::init_config(config.expect("a configuration")).expect("the only logger");
        Log4rs
    }
}

fn main() {
    serve(&[entry::<Facade<Log4rs>>()]);
}
