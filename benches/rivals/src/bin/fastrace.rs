//! fastrace: spans alone, within a trace, to a reporter that throws away.

use std::hint::black_box;

use fastrace::Span;
use fastrace::collector::{Config, Reporter, SpanContext, SpanRecord};
use rivals::{About, Format, Kind, Measure, Request, Rival, Setup, entry, serve};

#[derive(Clone)]
struct Fastrace<const PROPERTIES: bool>;

struct Nowhere;

impl Reporter for Nowhere {
    fn report(&mut self, spans: Vec<SpanRecord>) {
        black_box(spans);
    }
}

#[fastrace::trace]
#[inline(never)]
fn mix(a: u64, b: u64) -> u64 {
    black_box(a ^ b)
}

#[fastrace::trace(properties = { "a": "{a}", "b": "{b}" })]
#[inline(never)]
fn mix_with_properties(a: u64, b: u64) -> u64 {
    black_box(a ^ b)
}

impl<const PROPERTIES: bool> Rival for Fastrace<PROPERTIES> {
    const ABOUT: About = About {
        name: if PROPERTIES { "fastrace, properties" } else { "fastrace" },
        kind: Kind::Async,
        crates: &["fastrace"],
        setup: if PROPERTIES {
            "the same with the two integers as properties"
        } else {
            "spans only, in a trace of 512, to a reporter that throws away"
        },
        measures: &[Measure::Span],
        shapes: &[],
        formats: &[Format::Text],
    };

    fn open(_: &Setup) -> Self {
        fastrace::set_reporter(Nowhere, Config::default());
        Fastrace
    }

    fn request(&mut self, _: &Request) {}

    fn below_level(&mut self, _: &Request) {}

    fn flush(&mut self) {
        fastrace::flush();
    }

    #[inline(always)]
    fn empty_span(&mut self, a: u64, b: u64) {
        if PROPERTIES {
            mix_with_properties(a, b)
        } else {
            mix(a, b)
        };
    }

    fn in_trace(&mut self, body: impl FnOnce(&mut Self)) {
        let root = Span::root("root", SpanContext::random());
        let _parent = root.set_local_parent();
        body(self);
    }
}

fn main() {
    serve(&[entry::<Fastrace<false>>(), entry::<Fastrace<true>>()]);
}
