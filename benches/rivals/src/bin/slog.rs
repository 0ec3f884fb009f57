//! slog with slog-json: behind a mutex, and behind slog-async.

use std::fs::File;
use std::io::BufWriter;
use std::marker::PhantomData;
use std::sync::Mutex;

use rivals::rival::settle;
use rivals::{
    About, Context, Displayed, Format, Integers, Kind, Measure, Request, Rival, Setup, Shape,
    Strings, entry, serve,
};
use slog::{Drain, Level, Logger, debug, info, o};
use slog_async::{Async, OverflowStrategy};
use slog_json::Json;

struct Slog<D> {
    logger: Logger,
    drain: PhantomData<D>,
}

/// What is between the logger and the file.
trait Choice: Send + 'static {
    const ABOUT: About;
    const IS_ASYNC: bool;
}

const ABOUT: About = About {
    name: "slog",
    kind: Kind::Direct,
    crates: &["slog", "slog-json"],
    setup: "",
    measures: &[Measure::Caller, Measure::CallerWork, Measure::Throughput, Measure::Disabled],
    shapes: Shape::ALL,
    formats: &[Format::Json],
};

struct Direct;

impl Choice for Direct {
    const ABOUT: About = About {
        name: "slog-json",
        setup: "`slog_json` over a `BufWriter` of 64 KiB behind a `Mutex`",
        ..ABOUT
    };
    const IS_ASYNC: bool = false;
}

struct Worker;

impl Choice for Worker {
    const ABOUT: About = About {
        name: "slog-json async",
        kind: Kind::Async,
        crates: &["slog", "slog-json", "slog-async"],
        setup: "`slog_async` with a queue of 65,536, `Block`; the worker formats",
        measures: &[
            Measure::Caller,
            Measure::CallerWork,
            Measure::Throughput,
            Measure::Disabled,
            Measure::Idle,
        ],
        ..ABOUT
    };
    const IS_ASYNC: bool = true;
}

impl<D> Clone for Slog<D> {
    fn clone(&self) -> Self {
        Slog { logger: self.logger.clone(), drain: PhantomData }
    }
}

impl<D: Choice> Rival for Slog<D> {
    const ABOUT: About = D::ABOUT;

    fn open(setup: &Setup) -> Self {
        let file = File::create_new(&setup.path).expect("a new file");
        let json = Json::default(BufWriter::with_capacity(64 << 10, file));
        let logger = if D::IS_ASYNC {
            let queue = Async::new(json.fuse()).chan_size(65_536);
            let drain = queue.overflow_strategy(OverflowStrategy::Block).build();
            Logger::root(drain.filter_level(Level::Info).fuse(), o!())
        } else {
            let drain = Mutex::new(json).map(|json| json.filter_level(Level::Info));
            Logger::root(drain.fuse(), o!())
        };
        Slog { logger, drain: PhantomData }
    }

    #[inline(always)]
    fn request(&mut self, r: &Request) {
        info!(self.logger, "request served";
            "user_id" => r.user_id, "status" => r.status, "latency_ms" => r.latency_ms,
            "path" => r.path, "cached" => r.cached);
    }

    #[inline(always)]
    fn below_level(&mut self, r: &Request) {
        debug!(self.logger, "request served";
            "user_id" => r.user_id, "status" => r.status, "latency_ms" => r.latency_ms,
            "path" => r.path, "cached" => r.cached);
    }

    fn flush(&mut self) {
        if D::IS_ASYNC {
            settle();
        }
    }

    /// The last logger waits for the worker, and the file is written when it is dropped.
    fn finish(self) {}

    #[inline(always)]
    fn strings(&mut self, r: &Strings) {
        info!(self.logger, "request served";
            "session" => &r.session, "host" => r.host, "query" => &r.query, "agent" => &r.agent,
            "note" => &r.note);
    }

    #[inline(always)]
    fn integers(&mut self, r: &Integers) {
        info!(self.logger, "request served";
            "a" => r.a, "b" => r.b, "c" => r.c, "d" => r.d, "e" => r.e, "f" => r.f, "g" => r.g,
            "h" => r.h, "i" => r.i, "j" => r.j, "k" => r.k, "l" => r.l, "m" => r.m, "n" => r.n,
            "o" => r.o, "p" => r.p, "q" => r.q, "r" => r.r, "s" => r.s, "t" => r.t);
    }

    #[inline(always)]
    fn displayed(&mut self, r: &Displayed) {
        info!(self.logger, "request served";
            "client" => %r.client, "peer" => %r.peer, "amount" => %r.amount,
            "version" => %r.version);
    }

    fn in_context(&mut self, c: &Context, body: impl FnOnce(&mut Self)) {
        let logger = self.logger.new(o!(
            "request_id" => c.request_id, "tenant" => c.tenant, "region" => c.region,
            "retry" => c.retry));
        body(&mut Slog { logger, drain: PhantomData });
    }
}

fn main() {
    serve(&[entry::<Slog<Direct>>(), entry::<Slog<Worker>>()]);
}
