//! flexi_logger, behind `log`: buffered, and with a thread that writes.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use flexi_logger::{FileSpec, LogSpecification, Logger, LoggerHandle, WriteMode, json_format};
use rivals::facade::{Backend, Facade};
use rivals::rival::settle;
use rivals::{About, Format, Kind, Measure, Setup, Shape, entry, serve};

struct FlexiLogger<M> {
    handle: Arc<LoggerHandle>,
    mode: PhantomData<M>,
}

impl<M> Clone for FlexiLogger<M> {
    fn clone(&self) -> Self {
        FlexiLogger { handle: Arc::clone(&self.handle), mode: PhantomData }
    }
}

trait Choice: Send + 'static {
    const ABOUT: About;
    const MODE: WriteMode;
}

const ABOUT: About = About {
    name: "flexi_logger",
    kind: Kind::Direct,
    crates: &["log", "flexi_logger"],
    setup: "",
    measures: &[Measure::Caller, Measure::CallerWork, Measure::Throughput, Measure::Disabled],
    shapes: &[Shape::Request, Shape::Strings, Shape::Integers, Shape::Display],
    formats: &[Format::Json],
};

struct Buffered;

impl Choice for Buffered {
    const ABOUT: About = About { setup: "`json_format`, `BufferDontFlushWith(65_536)`", ..ABOUT };
    const MODE: WriteMode = WriteMode::BufferDontFlushWith(64 << 10);
}

struct Async;

impl Choice for Async {
    const ABOUT: About = About {
        name: "flexi_logger async",
        kind: Kind::Async,
        setup: "`json_format`, `AsyncWith`; callers format; its queue has no bound",
        ..ABOUT
    };
    const MODE: WriteMode = WriteMode::AsyncWith {
        pool_capa: 1024,
        message_capa: 512,
        flush_interval: Duration::from_secs(1),
    };
}

impl<M: Choice> Backend for FlexiLogger<M> {
    const ABOUT: About = M::ABOUT;

    fn install(setup: &Setup) -> Self {
        let file = FileSpec::try_from(&setup.path).expect("a file's name");
        let handle = Logger::with(LogSpecification::info())
            .log_to_file(file)
            .write_mode(M::MODE)
            .format(json_format)
            .use_utc()
            .start();
        FlexiLogger { handle: Arc::new(handle.expect("the only logger")), mode: PhantomData }
    }

    fn flush(&mut self) {
        if M::ABOUT.kind == Kind::Async {
            settle();
        }
    }

    fn finish(self) {
        self.handle.shutdown();
    }
}

fn main() {
    serve(&[entry::<Facade<FlexiLogger<Buffered>>>(), entry::<Facade<FlexiLogger<Async>>>()]);
}
