//! emit with emit_file. Its queue of 10,000 events is thrown away whole when it is full, and
//! nothing blocks: so this one flushes before that can happen.

use std::sync::OnceLock;
use std::time::Duration;

use emit::Emitter;
use rivals::{
    About, Context, Displayed, Format, Integers, Kind, Measure, Request, Rival, Setup, Shape,
    Strings, entry, serve,
};

const QUEUE: u64 = 10_000;
const PATIENCE: Duration = Duration::from_secs(60);

static FLUSH: OnceLock<Box<dyn Fn() + Send + Sync>> = OnceLock::new();

#[derive(Clone)]
struct Emit {
    /// How many events may wait, for each thread.
    share: u64,
    waiting: u64,
}

impl Emit {
    fn pace(&mut self) {
        self.waiting += 1;
        if self.waiting == self.share {
            self.flush();
        }
    }
}

impl Rival for Emit {
    const ABOUT: About = About {
        name: "emit_file, paced",
        kind: Kind::Async,
        crates: &["emit", "emit_file"],
        setup: "`emit_file::set`; callers wait for a flush before its queue of 10,000 is full",
        measures: &[
            Measure::Caller,
            Measure::CallerWork,
            Measure::Throughput,
            Measure::Disabled,
            Measure::Span,
        ],
        shapes: Shape::ALL,
        formats: &[Format::Json],
    };

    fn open(setup: &Setup) -> Self {
        let init = emit::setup()
            .emit_to(emit_file::set(&setup.path).spawn())
            .emit_when(emit::level::min_filter(emit::Level::Info))
            .init();
        FLUSH.get_or_init(|| Box::new(move || _ = init.emitter().blocking_flush(PATIENCE)));
        Emit { share: (QUEUE - 1000) / setup.threads, waiting: 0 }
    }

    #[inline(always)]
    fn request(&mut self, r: &Request) {
        emit::info!(
            "request served",
            user_id: r.user_id,
            status: r.status,
            latency_ms: r.latency_ms,
            path: r.path,
            cached: r.cached,
        );
        self.pace();
    }

    #[inline(always)]
    fn below_level(&mut self, r: &Request) {
        emit::debug!(
            "request served",
            user_id: r.user_id,
            status: r.status,
            latency_ms: r.latency_ms,
            path: r.path,
            cached: r.cached,
        );
    }

    fn flush(&mut self) {
        FLUSH.get().expect("set when opened")();
        self.waiting = 0;
    }

    #[inline(always)]
    fn strings(&mut self, r: &Strings) {
        emit::info!(
            "request served",
            session: r.session.as_str(),
            host: r.host,
            query: r.query.as_str(),
            agent: r.agent.as_str(),
            note: r.note.as_str(),
        );
        self.pace();
    }

    #[inline(always)]
    #[rustfmt::skip]
    fn integers(&mut self, r: &Integers) {
        emit::info!(
            "request served",
            a: r.a, b: r.b, c: r.c, d: r.d, e: r.e, f: r.f, g: r.g, h: r.h, i: r.i, j: r.j,
            k: r.k, l: r.l, m: r.m, n: r.n, o: r.o, p: r.p, q: r.q, r: r.r, s: r.s, t: r.t,
        );
        self.pace();
    }

    #[inline(always)]
    fn displayed(&mut self, r: &Displayed) {
        emit::info!(
            "request served",
            #[emit::as_display] client: r.client,
            #[emit::as_display] peer: r.peer,
            #[emit::as_display] amount: r.amount,
            #[emit::as_display] version: r.version,
        );
        self.pace();
    }

    #[expect(clippy::too_many_arguments, reason = "of a function that the macro makes")]
    fn in_context(&mut self, c: &Context, body: impl FnOnce(&mut Self)) {
        let fields = emit::props! {
            request_id: c.request_id,
            tenant: c.tenant,
            region: c.region,
            retry: c.retry,
        };
        emit::Frame::push(emit::ctxt(), fields).call(|| body(self));
    }

    #[inline(always)]
    fn span_with_record(&mut self, order: u64, r: &Request) {
        pay(order, r);
        self.waiting += 1;
        self.pace();
    }

    #[inline(always)]
    fn empty_span(&mut self, a: u64, b: u64) {
        mix(a, b);
        self.pace();
    }
}

#[emit::info_span("pay", order)]
#[inline(never)]
fn pay(order: u64, r: &Request) {
    emit::info!(
        "request served",
        user_id: r.user_id,
        status: r.status,
        latency_ms: r.latency_ms,
        path: r.path,
        cached: r.cached,
    );
}

#[emit::info_span("mix", a, b)]
#[inline(never)]
fn mix(a: u64, b: u64) -> u64 {
    std::hint::black_box(a ^ b)
}

fn main() {
    serve(&[entry::<Emit>()]);
}
