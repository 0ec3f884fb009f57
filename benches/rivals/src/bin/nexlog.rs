//! nexlog, in its three modes. With a file it is crash-safe unless told otherwise, so it is here.

use std::marker::PhantomData;
use std::time::Duration;

use nexlog::{File, Json, Logger, Mode, Text, context, debug, info};
use rivals::{
    About, Context, Displayed, Format, Integers, Kind, Measure, Request, Rival, Setup, Shape,
    Strings, entry, serve,
};

const PATIENCE: Duration = Duration::from_secs(60);

struct Nexlog<M> {
    logger: Logger,
    mode: PhantomData<M>,
}

/// A mode as a type, so that each is an entry of its own.
trait Choice: Send + 'static {
    const MODE: Mode;
    const ABOUT: About;
}

const ABOUT: About = About {
    name: "nexlog",
    kind: Kind::Ours,
    crates: &["nexlog"],
    setup: "",
    measures: &[
        Measure::Caller,
        Measure::CallerWork,
        Measure::Throughput,
        Measure::Disabled,
        Measure::Span,
        Measure::Memory,
        Measure::Idle,
    ],
    shapes: Shape::ALL,
    formats: Format::ALL,
};

struct Background;

impl Choice for Background {
    const MODE: Mode = Mode::Background;
    const ABOUT: About = About {
        name: "nexlog background",
        setup: "`Mode::Background`: a worker formats and writes; blocks when a thread's 1 MiB is full",
        ..ABOUT
    };
}

struct Buffered;

impl Choice for Buffered {
    const MODE: Mode = Mode::Buffered;
    const ABOUT: About = About {
        name: "nexlog buffered",
        setup: "`Mode::Buffered`: callers format and write, at half a buffer",
        measures: &[Measure::Caller, Measure::CallerWork, Measure::Throughput, Measure::Disabled],
        ..ABOUT
    };
}

struct Immediate;

impl Choice for Immediate {
    const MODE: Mode = Mode::Immediate;
    const ABOUT: About = About {
        name: "nexlog immediate",
        setup: "`Mode::Immediate`: each record is in the file when its call returns",
        measures: &[Measure::Caller, Measure::CallerWork, Measure::Throughput],
        shapes: &[Shape::Request],
        ..ABOUT
    };
}

impl<M> Clone for Nexlog<M> {
    fn clone(&self) -> Self {
        Nexlog { logger: self.logger.clone(), mode: PhantomData }
    }
}

impl<M: Choice> Rival for Nexlog<M> {
    const ABOUT: About = M::ABOUT;

    fn open(setup: &Setup) -> Self {
        let file = File::at(&setup.path);
        let file = match setup.format {
            Format::Json => file.format(Json::new()),
            Format::Text => file.format(Text::compact()),
        };
        let logger = nexlog::builder().filter("info").file(file).mode(M::MODE).install();
        Nexlog { logger: logger.expect("a logger with a file"), mode: PhantomData }
    }

    #[inline(always)]
    fn request(&mut self, r: &Request) {
        info!(
            "request served",
            user_id = r.user_id,
            status = r.status,
            latency_ms = r.latency_ms,
            path = r.path,
            cached = r.cached
        );
    }

    #[inline(always)]
    fn below_level(&mut self, r: &Request) {
        debug!(
            "request served",
            user_id = r.user_id,
            status = r.status,
            latency_ms = r.latency_ms,
            path = r.path,
            cached = r.cached
        );
    }

    fn flush(&mut self) {
        self.logger.flush(PATIENCE).expect("the file takes all records");
    }

    #[inline(always)]
    fn strings(&mut self, r: &Strings) {
        info!(
            "request served",
            session = r.session,
            host = r.host,
            query = r.query,
            agent = r.agent,
            note = r.note
        );
    }

    #[inline(always)]
    #[rustfmt::skip]
    fn integers(&mut self, r: &Integers) {
        info!(
            "request served",
            a = r.a, b = r.b, c = r.c, d = r.d, e = r.e, f = r.f, g = r.g, h = r.h, i = r.i, j = r.j,
            k = r.k, l = r.l, m = r.m, n = r.n, o = r.o, p = r.p, q = r.q, r = r.r, s = r.s, t = r.t
        );
    }

    #[inline(always)]
    fn displayed(&mut self, r: &Displayed) {
        info!(
            "request served",
            client = r.client,
            peer = r.peer,
            amount = display(r.amount),
            version = display(r.version)
        );
    }

    fn in_context(&mut self, c: &Context, body: impl FnOnce(&mut Self)) {
        let _scope = context!(
            request_id = c.request_id,
            tenant = c.tenant,
            region = c.region,
            retry = c.retry
        );
        body(self);
    }

    #[inline(always)]
    fn span_with_record(&mut self, order: u64, r: &Request) {
        pay(order, r);
    }

    #[inline(always)]
    fn empty_span(&mut self, a: u64, b: u64) {
        mix(a, b);
    }
}

#[nexlog::instrument(fields(order))]
#[inline(never)]
fn pay(order: u64, r: &Request) {
    info!(
        "request served",
        user_id = r.user_id,
        status = r.status,
        latency_ms = r.latency_ms,
        path = r.path,
        cached = r.cached
    );
}

#[nexlog::instrument(fields(a, b))]
#[inline(never)]
fn mix(a: u64, b: u64) -> u64 {
    std::hint::black_box(a ^ b)
}

fn main() {
    serve(&[
        entry::<Nexlog<Background>>(),
        entry::<Nexlog<Buffered>>(),
        entry::<Nexlog<Immediate>>(),
    ]);
}
