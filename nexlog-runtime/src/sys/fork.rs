//! What is to be done when the process forks.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

static COUNT: AtomicU64 = AtomicU64::new(0);

/// Another number in each child than in its parent, as far as forks are watched.
pub fn count() -> u64 {
    COUNT.load(Relaxed)
}

/// Has these called by `fork`: before it, and after it on both sides, by the thread that forks.
pub fn watch(before: extern "C" fn(), in_parent: extern "C" fn(), in_child: extern "C" fn()) {
    #[cfg(unix)]
    {
        extern "C" fn child() {
            COUNT.fetch_add(1, Relaxed);
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
