//! The records as calls of the `log` crate, for the rivals that are loggers behind it.

use crate::record::{Displayed, Integers, Request, Strings};
use crate::rival::{About, Rival, Setup};

/// A logger behind `log`: how it is set up and how it ends.
pub trait Backend: Clone + Send + 'static {
    const ABOUT: About;
    /// Whether it takes key-value pairs; for one that forgets them, fields are in the message.
    const TAKES_PAIRS: bool = true;

    fn install(setup: &Setup) -> Self;

    fn flush(&mut self) {
        log::logger().flush();
    }

    fn finish(mut self) {
        self.flush();
    }
}

#[derive(Clone)]
pub struct Facade<B>(B);

impl<B: Backend> Rival for Facade<B> {
    const ABOUT: About = B::ABOUT;

    fn open(setup: &Setup) -> Self {
        Facade(B::install(setup))
    }

    #[inline(always)]
    fn request(&mut self, r: &Request) {
        if B::TAKES_PAIRS {
            log::info!(
                user_id = r.user_id, status = r.status, latency_ms = r.latency_ms, path = r.path,
                cached = r.cached;
                "request served"
            );
        } else {
            log::info!(
                "request served user_id={} status={} latency_ms={} path={} cached={}",
                r.user_id,
                r.status,
                r.latency_ms,
                r.path,
                r.cached
            );
        }
    }

    #[inline(always)]
    fn below_level(&mut self, r: &Request) {
        log::debug!(
            user_id = r.user_id, status = r.status, latency_ms = r.latency_ms, path = r.path,
            cached = r.cached;
            "request served"
        );
    }

    fn flush(&mut self) {
        self.0.flush();
    }

    fn finish(self) {
        self.0.finish();
    }

    #[inline(always)]
    fn strings(&mut self, r: &Strings) {
        log::info!(
            session = r.session.as_str(), host = r.host, query = r.query.as_str(),
            agent = r.agent.as_str(), note = r.note.as_str();
            "request served"
        );
    }

    #[inline(always)]
    fn integers(&mut self, r: &Integers) {
        log::info!(
            a = r.a, b = r.b, c = r.c, d = r.d, e = r.e, f = r.f, g = r.g, h = r.h, i = r.i, j = r.j,
            k = r.k, l = r.l, m = r.m, n = r.n, o = r.o, p = r.p, q = r.q, r = r.r, s = r.s, t = r.t;
            "request served"
        );
    }

    #[inline(always)]
    fn displayed(&mut self, r: &Displayed) {
        log::info!(
            client:% = r.client, peer:% = r.peer, amount:% = r.amount, version:% = r.version;
            "request served"
        );
    }
}
