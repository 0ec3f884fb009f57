//! spdlog-rs: a file, and a file behind its pool of one thread.

use std::marker::PhantomData;
use std::sync::Arc;

use rivals::rival::settle;
use rivals::{
    About, Displayed, Format, Integers, Kind, Measure, Request, Rival, Setup, Shape, Strings,
    entry, serve,
};
use spdlog::formatter::{FullFormatter, JsonFormatter};
use spdlog::sink::{AsyncPoolSink, FileSink, OverflowPolicy};
use spdlog::{Level, LevelFilter, Logger, ThreadPool, debug, info};

struct Spdlog<M> {
    logger: Arc<Logger>,
    mode: PhantomData<M>,
}

impl<M> Clone for Spdlog<M> {
    fn clone(&self) -> Self {
        Spdlog { logger: Arc::clone(&self.logger), mode: PhantomData }
    }
}

trait Choice: Send + 'static {
    const ABOUT: About;
}

const ABOUT: About = About {
    name: "spdlog-rs",
    kind: Kind::Direct,
    crates: &["spdlog-rs"],
    setup: "`FileSink` with a buffer of 64 KiB, `JsonFormatter` or `FullFormatter`",
    measures: &[Measure::Caller, Measure::CallerWork, Measure::Throughput, Measure::Disabled],
    shapes: &[Shape::Request, Shape::Strings, Shape::Integers, Shape::Display],
    formats: Format::ALL,
};

struct Direct;

impl Choice for Direct {
    const ABOUT: About = ABOUT;
}

struct Pool;

impl Choice for Pool {
    const ABOUT: About = About {
        name: "spdlog-rs async",
        kind: Kind::Async,
        setup: "the same behind `AsyncPoolSink`, which blocks; the pool formats",
        measures: &[
            Measure::Caller,
            Measure::CallerWork,
            Measure::Throughput,
            Measure::Disabled,
            Measure::Idle,
        ],
        ..ABOUT
    };
}

impl<M: Choice> Rival for Spdlog<M> {
    const ABOUT: About = M::ABOUT;

    fn open(setup: &Setup) -> Self {
        let file = FileSink::builder().path(&setup.path).capacity(64 << 10);
        let file = match setup.format {
            Format::Json => file.formatter(JsonFormatter::new()),
            Format::Text => file.formatter(FullFormatter::new()),
        };
        let file = file.build_arc().expect("a new file");
        let mut logger = Logger::builder();
        logger.level_filter(LevelFilter::MoreSevereEqual(Level::Info));
        if M::ABOUT.kind == Kind::Async {
            // A pool of its own, so that the end of the logger is the end of it.
            let pool = ThreadPool::builder().build_arc().expect("a thread");
            let sink = AsyncPoolSink::builder().sink(file).thread_pool(pool);
            let sink = sink.overflow_policy(OverflowPolicy::Block);
            logger.sink(sink.build_arc().expect("a sink"));
        } else {
            logger.sink(file);
        }
        Spdlog { logger: logger.build_arc().expect("a logger"), mode: PhantomData }
    }

    #[inline(always)]
    fn request(&mut self, r: &Request) {
        info!(logger: self.logger, "request served", kv: {
            user_id = r.user_id, status = r.status, latency_ms = r.latency_ms, path = r.path,
            cached = r.cached
        });
    }

    #[inline(always)]
    fn below_level(&mut self, r: &Request) {
        debug!(logger: self.logger, "request served", kv: {
            user_id = r.user_id, status = r.status, latency_ms = r.latency_ms, path = r.path,
            cached = r.cached
        });
    }

    fn flush(&mut self) {
        if M::ABOUT.kind == Kind::Async {
            settle();
        }
    }

    /// The last logger ends the pool, and the file is written when it is dropped.
    fn finish(self) {}

    #[inline(always)]
    fn strings(&mut self, r: &Strings) {
        info!(logger: self.logger, "request served", kv: {
            session = r.session.as_str(), host = r.host, query = r.query.as_str(),
            agent = r.agent.as_str(), note = r.note.as_str()
        });
    }

    #[inline(always)]
    fn integers(&mut self, r: &Integers) {
        info!(logger: self.logger, "request served", kv: {
            a = r.a, b = r.b, c = r.c, d = r.d, e = r.e, f = r.f, g = r.g, h = r.h, i = r.i, j = r.j,
            k = r.k, l = r.l, m = r.m, n = r.n, o = r.o, p = r.p, q = r.q, r = r.r, s = r.s, t = r.t
        });
    }

    #[inline(always)]
    fn displayed(&mut self, r: &Displayed) {
        info!(logger: self.logger, "request served", kv: {
            client: = r.client, peer: = r.peer, amount: = r.amount, version: = r.version
        });
    }
}

fn main() {
    serve(&[entry::<Spdlog<Direct>>(), entry::<Spdlog<Pool>>()]);
}
