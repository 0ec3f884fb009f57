//! The word between callers and a sleeping worker.
//!
//! Going to sleep and a caller's commit must not miss each other, and the caller must not pay a
//! fence for it:
//!
//! | worker, before it sleeps | caller, after each record |
//! | --- | --- |
//! | `is_asleep = true`, `deadline = 0` | `published = …` (`Release`) |
//! | [`heavy_fence`]: a full fence on every core that runs us | [`light_fence`]: a compiler fence |
//! | looks at all lanes once more | reads `deadline` |
//! | parks | 0: the cold path fences, reads `is_asleep`, unparks |
//!
//! Either the caller sees the 0, or its commit was visible to the worker's last look. Where
//! membarrier is refused, `deadline` stays 0 in `Background`, so that each caller takes the cold
//! path and its real fence. The model checker replaces both fences by sequentially consistent
//! ones, which is what membarrier makes of the pair.

use core::sync::atomic::{AtomicU8, Ordering};

use crate::sync::atomic::Ordering::{Relaxed, SeqCst};
use crate::sync::atomic::{AtomicBool, AtomicU64, fence};
use crate::sys;

/// The deadline at the end of the process: long ago, and final.
const ENDING: u64 = 1;

/// When callers have something to do after a commit, and whether the worker sleeps.
pub(crate) struct Doze {
    /// Ticks from which on there is something to do: 0 always, [`ENDING`] always and for good,
    /// the maximum never.
    deadline: AtomicU64,
    is_asleep: AtomicBool,
}

impl Doze {
    pub(crate) fn new(deadline: u64) -> Doze {
        Doze { deadline: AtomicU64::new(deadline), is_asleep: AtomicBool::new(false) }
    }

    /// The word itself, for producers.
    pub(crate) fn deadline(&self) -> &AtomicU64 {
        &self.deadline
    }

    /// Whether the deadline has come.
    pub(crate) fn is_due(&self, now: u64) -> bool {
        now >= self.deadline.load(Relaxed)
    }

    /// Another deadline, unless callers write through: that is final. An exchange, because a
    /// caller that read the new time between a store and its correction would leave its record
    /// behind.
    pub(crate) fn set_deadline(&self, ticks: u64) {
        let unless_ending = |now| (now != ENDING).then_some(ticks);
        let _ = self.deadline.fetch_update(SeqCst, SeqCst, unless_ending);
    }

    /// From now on callers write out before they return.
    pub(crate) fn write_through(&self) {
        self.deadline.store(ENDING, SeqCst);
        heavy_fence();
    }

    pub(crate) fn is_write_through(&self) -> bool {
        self.deadline.load(SeqCst) == ENDING
    }

    /// The worker is about to sleep. It must look at the lanes once more behind this.
    pub(crate) fn lie_down(&self) {
        self.is_asleep.store(true, SeqCst);
        self.set_deadline(0);
        heavy_fence();
    }

    /// Whether nobody has woken it yet.
    pub(crate) fn is_asleep(&self) -> bool {
        self.is_asleep.load(SeqCst)
    }

    /// The worker is awake again.
    pub(crate) fn get_up(&self) {
        self.is_asleep.store(false, SeqCst);
        if callers_need_no_fence() {
            self.set_deadline(u64::MAX);
        }
    }

    /// In a forked child there is no worker: the next caller finds it asleep.
    pub(crate) fn lose_worker(&self) {
        self.is_asleep.store(true, SeqCst);
        self.set_deadline(0);
    }

    /// A caller whose deadline has come: whether it is the one to unpark the worker.
    pub(crate) fn wake(&self) -> bool {
        fence(SeqCst);
        self.is_asleep.load(SeqCst) && self.is_asleep.swap(false, SeqCst)
    }
}

/// Whether the worker's membarrier stands in for the callers' fences.
pub(crate) fn callers_need_no_fence() -> bool {
    // Not a `OnceLock`: one that is being filled while the process forks hangs the child for ever,
    // and this takes milliseconds. Asking twice harms nobody.
    static ANSWER: AtomicU8 = AtomicU8::new(UNKNOWN);
    const UNKNOWN: u8 = 2;
    if cfg!(loom) {
        return true;
    }
    if ANSWER.load(Ordering::Acquire) == UNKNOWN {
        let answer = sys::membarrier_register() && sys::membarrier();
        ANSWER.store(u8::from(answer), Ordering::Release);
    }
    ANSWER.load(Ordering::Acquire) == 1
}

/// The caller's side: keeps the compiler from moving the load of the deadline before the
/// commit; [`heavy_fence`] does the same for the processor.
#[inline(always)]
pub(crate) fn light_fence() {
    #[cfg(loom)]
    fence(SeqCst);
    #[cfg(not(loom))]
    core::sync::atomic::compiler_fence(SeqCst);
}

fn heavy_fence() {
    #[cfg(not(loom))]
    if !(callers_need_no_fence() && sys::membarrier()) {
        // Not to be had: a store leaves its core's buffer within nanoseconds, and this waits a
        // million of them.
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    fence(SeqCst);
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_due_from_its_tick_on_at_every_edge() {
        let edges = [2, u64::from(u32::MAX), u64::from(u32::MAX) + 1, u64::MAX - 1];
        let doze = Doze::new(u64::MAX);
        for deadline in edges {
            doze.set_deadline(deadline);
            assert!(!doze.is_due(0) && !doze.is_due(deadline - 1), "{deadline}");
            assert!(doze.is_due(deadline) && doze.is_due(deadline + 1), "{deadline}");
            assert!(doze.is_due(u64::MAX) && !doze.is_write_through(), "{deadline}");
        }
        doze.set_deadline((u64::MAX - 5).saturating_add(1_000));
        assert!(!doze.is_due(u64::MAX - 1), "never");
        doze.set_deadline(0);
        assert!(doze.is_due(0), "always");
    }

    #[test]
    fn the_end_of_the_process_is_final_whatever_time_it_is() {
        let doze = Doze::new(u64::MAX);
        doze.write_through();
        for deadline in [0, 2, u64::from(u32::MAX), u64::MAX] {
            doze.set_deadline(deadline);
            assert!(doze.is_write_through() && doze.is_due(1), "{deadline}");
        }
        doze.lie_down();
        doze.get_up();
        assert!(doze.is_write_through());
    }
}
