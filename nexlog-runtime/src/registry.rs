//! Which call sites there are, and whether they are on for the global logger.
//!
//! A site joins the list at its first call and stays. The list and every state byte change
//! under one lock, so that a site that joins while the filter changes sees the new filter.
//! Callers never take the lock but at a site's first call. A site whose answer depends on the
//! spans around the call asks the global logger each time it is called inside of one.

use core::ptr;
use core::sync::atomic::AtomicPtr;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::{Arc, Mutex, PoisonError};

use crate::context;
use crate::error::DropReason;
use crate::lane::thread::{self, DepthMark};
use crate::logger::Logger;
use crate::pipeline::early;
use crate::pipeline::state::{self as pipeline_state, Core};
use crate::site::callsite::{DEPENDS, FLUSH_BIT, OFF, ON, Site, SiteInfo, TAPPED, UNSEEN};
use crate::site::filter::{Answer, Filter};
use crate::site::level::{Level, static_floor};
use crate::site::limit::Limit;
use crate::site::spans::Surroundings;
use crate::testing::tap;

/// The site limits that have suppressed something, the last one first; the rest by `Limit::next`.
static LIMITS: AtomicPtr<Limit> = AtomicPtr::new(ptr::null_mut());

/// Puts a limit in the list, once.
pub(crate) fn list(limit: &'static Limit) {
    let push = |first: *mut Limit| {
        limit.next.store(first, Relaxed);
        Some(ptr::from_ref(limit).cast_mut())
    };
    // Pairs with `limits`: whoever finds it there finds its `next`.
    let _ = LIMITS.fetch_update(Release, Relaxed, push);
}

/// The limits that have suppressed something.
pub(crate) fn limits() -> impl Iterator<Item = &'static Limit> {
    // SAFETY: the list holds statics only.
    let at = |place: &AtomicPtr<Limit>| unsafe { place.load(Acquire).as_ref() };
    core::iter::successors(at(&LIMITS), move |limit| at(&limit.next))
}

/// What decides for all sites; `None` before install.
struct Gate {
    filter: Filter,
    flush_level: Option<Level>,
    /// From here on what does not pass is kept by the flight recorder.
    recorder_level: Option<Level>,
}

static GATE: Mutex<Option<Gate>> = Mutex::new(None);
/// For a fork.
pub(crate) fn hold(end: std::time::Instant) -> Option<Box<dyn core::any::Any>> {
    crate::pipeline::fork::hold(&GATE, end)
}

/// The site that was first used last; the rest by `Site::next`.
static HEAD: AtomicPtr<Site> = AtomicPtr::new(ptr::null_mut());

/// The gate's answer where the state byte is none: at the first call of a site with a fixed
/// level, and at each call of one whose answer depends on what is around it.
#[cold]
#[inline(never)]
pub(crate) fn ask(site: &'static Site) -> bool {
    let state = seen(site);
    if state & TAPPED == TAPPED && tap::are_here() {
        thread::close_short_way();
        if site.level().is_some_and(|level| tap::want(level, target_of(site))) {
            return true;
        }
    }
    is_on(site, state)
}

/// The answer of the global logger alone.
pub(crate) fn is_wanted(site: &'static Site) -> bool {
    is_on(site, seen(site))
}

fn is_on(site: &'static Site, state: u8) -> bool {
    if state & DEPENDS == DEPENDS { is_on_here(site, state) } else { state & ON != 0 }
}

/// The same for a call that is yet to come, with who knows what around it.
#[cold]
#[inline(never)]
pub(crate) fn may_be_on(site: &'static Site) -> bool {
    seen(site) != OFF
}

/// Whether the site is on as long as the filter is the same; `None` when that depends on what is
/// around the call.
#[cfg(feature = "tracing")]
pub(crate) fn standing(site: &'static Site) -> Option<bool> {
    let state = seen(site);
    (state & DEPENDS != DEPENDS).then_some(state != OFF)
}

/// The state, which is `UNSEEN` no more.
fn seen(site: &'static Site) -> u8 {
    match site.state.load(Relaxed) {
        UNSEEN => join(site),
        seen => seen,
    }
}

/// Puts the site in the list and gives its state.
fn join(site: &'static Site) -> u8 {
    if thread::is_forking() {
        return OFF; // an allocator that logs; the lock is held
    }
    // Before the lock: unpacking allocates, and an allocator may log.
    let info = match described(site, pipeline_state::global()) {
        Ok(Some(info)) => info,
        // It joins at a later call, when there is memory for its description.
        Ok(None) => {
            let gate = GATE.lock().unwrap_or_else(PoisonError::into_inner);
            return state(gate.as_ref(), &SiteInfo::brief(site));
        }
        Err(TooDeep) => return OFF,
    };
    let gate = GATE.lock().unwrap_or_else(PoisonError::into_inner);
    if site.state.load(Relaxed) == UNSEEN {
        site.next.store(HEAD.load(Relaxed), Relaxed);
        HEAD.store(ptr::from_ref(site).cast_mut(), Release);
        // Whoever sees it knows that the site is described (`site/known`), in the rings, too.
        site.state.store(state(gate.as_ref(), info), Release);
    }
    site.state.load(Relaxed)
}

/// Of a site that may be described already: faster than `Site::target`.
pub(crate) fn target_of(site: &'static Site) -> &'static str {
    site.try_info().map_or_else(|| site.target(), |info| info.target)
}

/// An allocator that logs is asked again and again for the memory of the site that it logs with.
struct TooDeep;

/// The site's description, or `None` where there is no memory for it. The error is counted as a
/// record's loss.
fn described(
    site: &'static Site,
    core: Option<&Arc<Core>>,
) -> Result<Option<&'static SiteInfo>, TooDeep> {
    if site.is_described() {
        return Ok(site.try_info());
    }
    let depth = DepthMark::set();
    match (&depth, core) {
        (Some(_), _) => {}
        (None, Some(core)) => core.count_drop(DropReason::Recursion),
        (None, None) => early::count_drop(),
    }
    depth.map(|_depth| site.try_info()).ok_or(TooDeep)
}

fn is_on_here(site: &'static Site, state: u8) -> bool {
    if !context::surroundings().any(&mut |_| true) {
        return state & ON != 0;
    }
    match (pipeline_state::global(), site.level()) {
        (Some(core), Some(level)) => core.passes(target_of(site), level),
        // Being installed: what is recorded now waits, and is filtered with its own spans.
        _ => true,
    }
}

fn state(gate: Option<&Gate>, info: &SiteInfo) -> u8 {
    let Some(level) = info.level else { return OFF };
    // Spans stay as the logger wants them: they are in what it writes.
    let tapped = if tap::are_there() && !info.is_frame { TAPPED } else { OFF };
    tapped | untapped(gate, info, level)
}

fn untapped(gate: Option<&Gate>, info: &SiteInfo, level: Level) -> u8 {
    let Some(gate) = gate else {
        // A span is no record that waits: local loggers may want it whatever its level.
        return if level >= early::LEVEL || info.is_frame { ON } else { OFF };
    };
    let flush = if gate.flush_level.is_some_and(|flush| level >= flush) { FLUSH_BIT } else { 0 };
    // Not spans: they are in what is written.
    let is_kept = !info.is_frame && gate.recorder_level.is_some_and(|lowest| level >= lowest);
    match gate.filter.answer(info.target, level) {
        _ if gate.filter.looks_for(info) => ON,
        Answer::Fixed(false) if is_kept => ON,
        Answer::Depends(_) if is_kept => ON | flush,
        Answer::Fixed(false) => OFF,
        Answer::Fixed(true) => ON | flush,
        Answer::Depends(false) => DEPENDS | flush,
        Answer::Depends(true) => DEPENDS | ON | flush,
    }
}

/// Decides anew for every site.
pub(crate) fn set_gate(filter: Filter, flush_level: Option<Level>, recorder_level: Option<Level>) {
    let mut gate = GATE.lock().unwrap_or_else(PoisonError::into_inner);
    let before = gate.replace(Gate { filter, flush_level, recorder_level });
    decide(gate.as_ref());
    drop(gate);
    drop(before); // without the lock: the allocator may log
}

/// Decides anew, as the first tap has come or the last one has gone.
pub(crate) fn refresh() {
    decide(GATE.lock().unwrap_or_else(PoisonError::into_inner).as_ref());
}

/// Under the lock.
fn decide(gate: Option<&Gate>) {
    let mut next = HEAD.load(Acquire);
    // SAFETY: the list holds statics only.
    while let Some(site) = unsafe { next.as_ref() } {
        // Whatever joins is described.
        if let Some(info) = site.try_info() {
            site.state.store(state(gate, info), Relaxed);
        }
        next = site.next.load(Relaxed);
    }
}

/// The gate of calls whose level or target is made at run time, or that name a logger.
pub fn gate(
    site: &'static Site,
    level: Level,
    target: Option<&str>,
    logger: Option<&Logger>,
) -> bool {
    // What is known while compiling was settled then; the ceiling holds for the rest, too.
    if site.level().is_none() && (level as u8) < static_floor() {
        return false;
    }
    let is_tapped = || tap::want(level, target.unwrap_or_else(|| target_of(site)));
    tap::are_there() && is_tapped() || is_wanted_by(site, level, target, logger)
}

/// The same for the logger alone.
pub(crate) fn is_wanted_by(
    site: &'static Site,
    level: Level,
    target: Option<&str>,
    logger: Option<&Logger>,
) -> bool {
    let Some(core) = logger.map(Logger::core).or_else(pipeline_state::global) else {
        return level >= early::LEVEL;
    };
    let of_site =
        |info: Option<&'static SiteInfo>| info.map_or_else(|| site.target(), |i| i.target);
    let target = target.map_or_else(|| described(site, Some(core)).map(of_site), Ok);
    target.is_ok_and(|target| core.enabled(target, level))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state_of(level: Level, filter: &str, description: &'static str) -> u8 {
        let filter = Filter::parse(filter).0;
        let gate = Gate { filter, flush_level: Some(Level::Warn), recorder_level: None };
        let info = SiteInfo::parse(0, &Site::new(level as u8, 1, description)).unwrap();
        state(Some(&gate), &info)
    }

    #[test]
    fn a_site_is_asked_at_each_call_only_where_a_span_could_change_its_answer() {
        let filter = "info,db[pay]=debug,web[pay]=off";
        for (level, site, expected) in [
            (Level::Debug, "0:.app\nf", OFF),
            (Level::Info, "0:.app\nf", ON),
            (Level::Warn, "0:.app\nf", ON | FLUSH_BIT),
            (Level::Trace, "0:.db\nf", OFF),
            (Level::Debug, "0:.db\nf", DEPENDS),
            (Level::Info, "0:.db\nf", ON),
            (Level::Debug, "0:.web\nf", OFF),
            (Level::Info, "0:.web\nf", DEPENDS | ON),
            (Level::Warn, "0:.web\nf", DEPENDS | ON | FLUSH_BIT),
        ] {
            assert_eq!(state_of(level, filter, site), expected, "{level} {site}");
        }
        assert_eq!(state_of(Level::Warn, "off,[pay]=warn", "0:.app\nf"), DEPENDS | FLUSH_BIT);
    }

    #[test]
    fn a_span_that_a_directive_looks_for_is_on() {
        let filter = "off,elsewhere[pay{tenant}]=info";
        for (site, expected) in [
            ("0:sf6:tenantML3:pay.app\nf", ON),
            ("0:sd0:ML3:pay.app\nf", ON),
            ("0:sML3:pay.app\nf", OFF),
            ("0:sf6:tenantML4:ship.app\nf", OFF),
            ("0:f6:tenantML3:pay.app\nf", OFF),
        ] {
            assert_eq!(state_of(Level::Trace, filter, site), expected, "{site}");
        }
    }
}
