//! What is to be done when the process forks.

use core::sync::atomic::{AtomicI32, AtomicU64, Ordering::Relaxed};
use std::fs;

static COUNT: AtomicU64 = AtomicU64::new(0);

/// Another number in each child than in its parent, as far as forks are watched.
pub fn count() -> u64 {
    COUNT.load(Relaxed)
}

const NONE: i32 = -1;

/// Numbers of open files that a child closes.
#[cfg(unix)]
static CLOSED: [AtomicI32; 64] = [const { AtomicI32::new(NONE) }; 64];

/// As long as this lives, a forked child closes its copy of an open file: of one that belongs to a
/// thread, as the thread is not there to close it. Its lock would else outlive the parent.
#[derive(Debug)]
pub struct ClosedInChild(&'static AtomicI32);

impl ClosedInChild {
    /// `None` when there are too many, or no forks.
    pub fn new(file: &fs::File) -> Option<ClosedInChild> {
        #[cfg(unix)]
        {
            let number = std::os::fd::AsRawFd::as_raw_fd(file);
            let is_free =
                |place: &&AtomicI32| place.compare_exchange(NONE, number, Relaxed, Relaxed).is_ok();
            CLOSED.iter().find(is_free).map(ClosedInChild)
        }
        #[cfg(not(unix))]
        {
            let _ = file;
            None
        }
    }
}

impl Drop for ClosedInChild {
    fn drop(&mut self) {
        self.0.store(NONE, Relaxed);
    }
}

/// Has these called by `fork`: before it, and after it on both sides, by the thread that forks.
pub fn watch(before: extern "C" fn(), in_parent: extern "C" fn(), in_child: extern "C" fn()) {
    #[cfg(unix)]
    {
        extern "C" fn child() {
            COUNT.fetch_add(1, Relaxed);
            for place in &CLOSED {
                let number = place.swap(NONE, Relaxed);
                if number != NONE {
                    // SAFETY: an open file of a thread that is not in this process. Whoever opened
                    // it keeps the entry for as long as it is open.
                    unsafe { libc::close(number) };
                }
            }
        }
        // SAFETY: functions of the program live as long as the process. What cannot be
        // registered for lack of memory is not called: forks are then as without us.
        unsafe {
            libc::pthread_atfork(Some(before), Some(in_parent), Some(child));
            // Called in this order.
            libc::pthread_atfork(None, None, Some(in_child));
        }
    }
    #[cfg(not(unix))]
    let _ = (before, in_parent, in_child, &COUNT);
}
