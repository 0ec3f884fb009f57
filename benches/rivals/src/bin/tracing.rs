//! tracing with tracing-subscriber's `fmt`: behind a mutex, and behind tracing-appender.

use std::io::Write;
use std::marker::PhantomData;
use std::sync::Arc;

use rivals::file::SharedFile;
use rivals::rival::settle;
use rivals::{
    About, Context, Displayed, Format, Integers, Kind, Measure, Request, Rival, Setup, Shape,
    Strings, entry, serve,
};
use tracing::level_filters::LevelFilter;
use tracing::{debug, info, info_span};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt::MakeWriter;

struct Tracing<W> {
    guard: Arc<Option<WorkerGuard>>,
    file: SharedFile,
    way: PhantomData<W>,
}

/// How lines come to the file.
trait Choice: Send + 'static {
    const ABOUT: About;
    const IS_ASYNC: bool;
}

const ABOUT: About = About {
    name: "tracing",
    kind: Kind::Direct,
    crates: &["tracing", "tracing-subscriber"],
    setup: "",
    measures: &[
        Measure::Caller,
        Measure::CallerWork,
        Measure::Throughput,
        Measure::Disabled,
        Measure::Span,
    ],
    shapes: Shape::ALL,
    formats: Format::ALL,
};

struct Direct;

impl Choice for Direct {
    const ABOUT: About = About {
        name: "tracing",
        setup: "`fmt`, JSON or compact, over a `BufWriter` of 64 KiB behind a `Mutex`",
        ..ABOUT
    };
    const IS_ASYNC: bool = false;
}

struct Worker;

impl Choice for Worker {
    const ABOUT: About = About {
        name: "tracing + appender",
        kind: Kind::Async,
        crates: &["tracing", "tracing-subscriber", "tracing-appender"],
        setup: "`fmt` over `tracing_appender::non_blocking` with `lossy(false)`; callers format",
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

impl<W> Clone for Tracing<W> {
    fn clone(&self) -> Self {
        let (guard, file) = (Arc::clone(&self.guard), self.file.clone());
        Tracing { guard, file, way: PhantomData }
    }
}

fn install<M>(format: Format, writer: M)
where
    M: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let builder = tracing_subscriber::fmt().with_max_level(LevelFilter::INFO).with_writer(writer);
    match format {
        Format::Json => builder.json().init(),
        Format::Text => builder.compact().with_ansi(false).init(),
    }
}

impl<W: Choice> Rival for Tracing<W> {
    const ABOUT: About = W::ABOUT;

    fn open(setup: &Setup) -> Self {
        let file = SharedFile::create(&setup.path);
        let mut guard = None;
        if W::IS_ASYNC {
            let queue = NonBlockingBuilder::default().lossy(false);
            let (writer, worker) = queue.finish(file.clone());
            guard = Some(worker);
            install(setup.format, writer);
        } else {
            let shared = file.clone();
            install(setup.format, move || shared.clone());
        }
        Tracing { guard: Arc::new(guard), file, way: PhantomData }
    }

    #[inline(always)]
    fn request(&mut self, r: &Request) {
        info!(
            user_id = r.user_id,
            status = r.status,
            latency_ms = r.latency_ms,
            path = r.path,
            cached = r.cached,
            "request served"
        );
    }

    #[inline(always)]
    fn below_level(&mut self, r: &Request) {
        debug!(
            user_id = r.user_id,
            status = r.status,
            latency_ms = r.latency_ms,
            path = r.path,
            cached = r.cached,
            "request served"
        );
    }

    fn flush(&mut self) {
        if W::IS_ASYNC {
            settle();
        }
    }

    /// The guard waits for the worker.
    fn finish(self) {
        let Tracing { guard, mut file, .. } = self;
        drop(guard);
        file.flush().expect("the file takes all lines");
    }

    #[inline(always)]
    fn strings(&mut self, r: &Strings) {
        info!(
            session = r.session,
            host = r.host,
            query = r.query,
            agent = r.agent,
            note = r.note,
            "request served"
        );
    }

    #[inline(always)]
    #[rustfmt::skip]
    fn integers(&mut self, r: &Integers) {
        info!(
            a = r.a, b = r.b, c = r.c, d = r.d, e = r.e, f = r.f, g = r.g, h = r.h, i = r.i, j = r.j,
            k = r.k, l = r.l, m = r.m, n = r.n, o = r.o, p = r.p, q = r.q, r = r.r, s = r.s, t = r.t,
            "request served"
        );
    }

    #[inline(always)]
    fn displayed(&mut self, r: &Displayed) {
        info!(
            client = %r.client,
            peer = %r.peer,
            amount = %r.amount,
            version = %r.version,
            "request served"
        );
    }

    fn in_context(&mut self, c: &Context, body: impl FnOnce(&mut Self)) {
        let span = info_span!(
            "request",
            request_id = c.request_id,
            tenant = c.tenant,
            region = c.region,
            retry = c.retry
        );
        let _entered = span.enter();
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

#[tracing::instrument(skip(r))]
#[inline(never)]
fn pay(order: u64, r: &Request) {
    info!(
        user_id = r.user_id,
        status = r.status,
        latency_ms = r.latency_ms,
        path = r.path,
        cached = r.cached,
        "request served"
    );
}

#[tracing::instrument]
#[inline(never)]
fn mix(a: u64, b: u64) -> u64 {
    std::hint::black_box(a ^ b)
}

fn main() {
    serve(&[entry::<Tracing<Direct>>(), entry::<Tracing<Worker>>()]);
}
