//! Who listens to records besides the loggers: captures of tests, and what prints their records.
//!
//! A [`Tap`] hears what its threads make, wanted by a logger or not. While there is one, every
//! site's state byte sends calls to `registry::ask`, which knows the taps of the calling thread and
//! closes the short way there; the long way (`lane/draft`) gives each tap its own copy of the
//! record, and then goes on as if nobody had listened. Without taps nothing of this is on any
//! call's way but one load of [`COUNT`] on the long one.

use core::cell::{Cell, RefCell};
use core::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::captured::Captured;
use super::print;
use crate::clock::WallClock;
use crate::context;
use crate::lane::images::Images;
use crate::site::filter::Filter;
use crate::site::level::Level;

/// What a record that is heard may hold where no logger says how much.
pub(crate) const MAX_RECORD_BYTES: usize = 1 << 20;

/// How many taps there are.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Those that hear every thread.
static EVERYWHERE: RwLock<Vec<Arc<Tap>>> = RwLock::new(Vec::new());

thread_local! {
    /// Those that hear this thread.
    static HERE: RefCell<Vec<Arc<Tap>>> = const { RefCell::new(Vec::new()) };
    /// Whether this thread is in here already: an allocator that logs is heard by nobody then.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// This thread is in here until it is dropped; `None` when it was before.
struct Inside(());

impl Inside {
    fn enter() -> Option<Inside> {
        (!INSIDE.replace(true)).then(|| Inside(()))
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(false);
    }
}

/// What a tap hears.
pub(super) enum Wants {
    /// All records.
    All,
    /// What this filter lets pass.
    Filter(Filter),
    /// What the logger that it is made for wants.
    Logger,
}

/// What a tap does with a record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Does {
    /// Keeps it.
    Keep,
    /// Prints it where the test harness looks. Of a thread that has one of its own, another
    /// test's does not print.
    Print,
}

/// Somebody who listens.
pub(crate) struct Tap {
    wants: Wants,
    does: Does,
    kept: Mutex<Vec<Captured>>,
    arrived: Condvar,
}

impl Tap {
    pub(super) fn new(wants: Wants, does: Does) -> Arc<Tap> {
        let (kept, arrived) = (Mutex::default(), Condvar::new());
        let tap = Arc::new(Tap { wants, does, kept, arrived });
        COUNT.fetch_add(1, SeqCst);
        // Also behind another one, whose thread may still be at it.
        tell_of_it();
        tap
    }

    fn wants(&self, level: Level, target: &str, by_logger: bool) -> bool {
        match &self.wants {
            Wants::All => true,
            Wants::Filter(filter) => filter.enabled_within(target, level, &context::surroundings()),
            Wants::Logger => by_logger,
        }
    }

    pub(super) fn kept(&self) -> MutexGuard<'_, Vec<Captured>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks until `find` has an answer, each time that a record comes.
    pub(super) fn wait<T>(
        &self,
        patience: Duration,
        find: impl Fn(&[Captured]) -> Option<T>,
    ) -> Option<T> {
        let end = Instant::now() + patience;
        let mut kept = self.kept();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match find(&kept) {
                None if left.is_zero() => return None,
                None => {
                    let waited = self.arrived.wait_timeout(kept, left);
                    kept = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
                found => return found,
            }
        }
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        if COUNT.fetch_sub(1, SeqCst) == 1 {
            tell_of_it();
        }
    }
}

/// Somebody listens, or nobody any more: sites and facades ask anew.
fn tell_of_it() {
    crate::registry::refresh();
    if let Some(core) = crate::pipeline::state::global() {
        crate::bridge::filter_changed(core);
    }
}

/// This thread's records go to it from now on.
pub(super) fn listen_here(tap: &Arc<Tap>) {
    let _ = HERE.try_with(|here| here.borrow_mut().push(Arc::clone(tap)));
}

/// No more; once, when it was told several times.
pub(super) fn leave(tap: &Arc<Tap>) {
    let last = HERE.try_with(|here| {
        let mut here = here.borrow_mut();
        here.iter().rposition(|other| Arc::ptr_eq(other, tap)).map(|place| here.remove(place))
    });
    drop(last); // may be the last one of all, and ask the registry
}

/// All threads' records go to it from now on.
pub(super) fn listen_everywhere(tap: &Arc<Tap>) {
    let _inside = Inside::enter();
    EVERYWHERE.write().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(tap));
}

/// No more.
pub(super) fn leave_everywhere(tap: &Arc<Tap>) {
    let mut everywhere = EVERYWHERE.write().unwrap_or_else(PoisonError::into_inner);
    let place = everywhere.iter().position(|other| Arc::ptr_eq(other, tap));
    let last = place.map(|place| everywhere.swap_remove(place));
    drop(everywhere);
    drop(last);
}

/// Whether there are any, of whatever thread.
pub(crate) fn are_there() -> bool {
    COUNT.load(SeqCst) > 0
}

/// Whether some hears this thread.
pub(crate) fn are_here() -> bool {
    are_there() && each(|_| true)
}

/// Whether somebody who hears this thread wants such a record, whatever the loggers want.
pub(crate) fn want(level: Level, target: &str) -> bool {
    each(|tap| tap.wants(level, target, false))
}

/// Who hears such a record of this thread; `by_logger`: its logger wants it.
pub(crate) fn that_want(level: Level, target: &str, by_logger: bool) -> Vec<Arc<Tap>> {
    let mut found: Vec<Arc<Tap>> = Vec::new();
    each(|tap| {
        let is_new = !found.iter().any(|other| Arc::ptr_eq(other, tap));
        if is_new && tap.wants(level, target, by_logger) {
            found.push(Arc::clone(tap));
        }
        false
    });
    found
}

/// Calls `is_it` with those that hear this thread, until it says yes.
fn each(mut is_it: impl FnMut(&Arc<Tap>) -> bool) -> bool {
    let Some(_inside) = Inside::enter() else { return false };
    let mut prints = false;
    let is_here = HERE.try_with(|here| {
        // Taken for good where somebody is just being added.
        here.try_borrow().is_ok_and(|here| {
            prints = here.iter().any(|tap| tap.does == Does::Print);
            here.iter().any(&mut is_it)
        })
    });
    if is_here.unwrap_or(false) {
        return true;
    }
    let everywhere = EVERYWHERE.read().unwrap_or_else(PoisonError::into_inner);
    let is_heard = |tap: &&Arc<Tap>| {
        let is_of_tests = matches!(tap.wants, Wants::All | Wants::Filter(_));
        !(prints && tap.does == Does::Print && is_of_tests)
    };
    everywhere.iter().filter(is_heard).any(is_it)
}

/// Gives a record to those that want it.
pub(crate) fn hear(taps: &[Arc<Tap>], record: Images) {
    let Some(_inside) = Inside::enter() else { return };
    let Some(captured) = Captured::new(record, now()) else { return };
    for tap in taps.iter().filter(|tap| tap.does == Does::Keep) {
        tap.kept().push(captured.clone());
        tap.arrived.notify_all();
    }
    if taps.iter().any(|tap| tap.does == Does::Print) {
        print::print(&captured.record());
    }
}

/// A clock as it is now.
fn now() -> WallClock {
    static CLOCK: Mutex<Option<WallClock>> = Mutex::new(None);
    let mut clock = CLOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let clock = clock.get_or_insert_with(WallClock::new);
    clock.update();
    clock.clone()
}
