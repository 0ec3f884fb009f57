//! Records of nexlog, out: to whatever `log` or `tracing` have.
//!
//! That happens on the thread that makes the record, before it goes to its lane: the receivers
//! take the time, the thread, their own current span and a thread's own subscriber from the call.
//! A logger that forwards therefore gives the short way of calls away (its lanes have no room for
//! it), and each record takes the long way, where user code may run. What waited for `install` is
//! forwarded by it.
//!
//! *No circles.* A thread that is forwarding a record of a logger gives nothing back to that
//! logger by a bridge: what comes is that record, or what its receiver says about it.

use core::cell::Cell;
use core::ptr;

use super::options::Bridges;
use crate::lane::images::Images;
use crate::lane::view::Common;
use crate::pipeline::contain::contain;
use crate::pipeline::state::Core;
use crate::record::Record;
use crate::report;

/// Where a logger's records go besides.
pub(crate) struct Forwards {
    pub(super) to: Bridges,
    /// The fields that every record of the logger has.
    pub(super) common: Common,
}

/// Loggers that this thread is forwarding a record of, one inside the other.
#[derive(Clone, Copy)]
struct Circle {
    cores: [*const Core; Circle::MAX],
    count: usize,
}

impl Circle {
    const MAX: usize = 4;

    fn has(&self, core: *const Core) -> bool {
        let held = self.cores.get(..self.count).unwrap_or(&[]);
        held.len() == Circle::MAX || held.iter().any(|&other| ptr::eq(other, core))
    }
}

thread_local! {
    static CIRCLE: Cell<Circle> =
        const { Cell::new(Circle { cores: [ptr::null(); Circle::MAX], count: 0 }) };
}

/// A forwarding under way.
struct Forwarding {
    before: Circle,
}

impl Forwarding {
    /// `None` when this thread is forwarding for that logger already.
    fn begin(core: &Core) -> Option<Forwarding> {
        let before = CIRCLE.get();
        if before.has(core) {
            return None;
        }
        let mut circle = before;
        *circle.cores.get_mut(circle.count)? = core;
        circle.count += 1;
        CIRCLE.set(circle);
        Some(Forwarding { before })
    }
}

impl Drop for Forwarding {
    fn drop(&mut self) {
        CIRCLE.set(self.before);
    }
}

/// Whether what comes over a bridge is what this thread is giving away.
#[cfg(any(feature = "log", feature = "tracing"))]
pub(super) fn is_echo() -> bool {
    let circle = CIRCLE.get();
    circle.count > 0
        && crate::pipeline::state::global().is_some_and(|core| circle.has(&raw const **core))
}

impl Forwards {
    /// Gives a record away.
    fn give(&self, core: &Core, record: &Record<'_>) {
        let Some(_forwarding) = Forwarding::begin(core) else { return };
        let record = Record { common: self.common.map(), ..*record };
        for facade in self.to.receivers() {
            if contain(|| (facade.give)(&record)).is_none() {
                let text =
                    format_args!("what takes records from the crate `{}` panicked", facade.name);
                report::limited(report::Kind::Forward, text);
            }
        }
    }

    /// Gives each of these away.
    pub(crate) fn give_all(&self, core: &Core, images: &Images) {
        images.for_each(super::clock(), |record| self.give(core, record));
    }
}
