//! The signal that asks for files to be opened again.
//!
//! The handler counts and calls the one that was there before; nothing else is safe in it.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::io;
#[cfg(unix)]
use std::sync::OnceLock;

static HANGUPS: AtomicU64 = AtomicU64::new(0);

/// How often `SIGHUP` has come since it is counted.
pub fn hangups() -> u64 {
    HANGUPS.load(Relaxed)
}

/// The handler that was there before ours.
#[cfg(unix)]
static PREVIOUS: OnceLock<usize> = OnceLock::new();

/// Counts `SIGHUP` from now on, which then no longer ends the process. The count so far.
pub fn count_hangups() -> io::Result<u64> {
    #[cfg(unix)]
    {
        static OUTCOME: OnceLock<Result<(), i32>> = OnceLock::new();
        let outcome = OUTCOME.get_or_init(install);
        outcome.map(|()| hangups()).map_err(io::Error::from_raw_os_error)
    }
    #[cfg(not(unix))]
    {
        Err(io::Error::new(io::ErrorKind::Unsupported, "there is no such signal on this system"))
    }
}

#[cfg(unix)]
fn install() -> Result<(), i32> {
    let failed = || io::Error::last_os_error().raw_os_error().unwrap_or(0);
    // SAFETY: all zeros is a valid `sigaction`: the default action, no flags, an empty mask.
    let mut before: libc::sigaction = unsafe { core::mem::zeroed() };
    // SAFETY: asks only, and fills `before`.
    if unsafe { libc::sigaction(libc::SIGHUP, core::ptr::null(), &raw mut before) } != 0 {
        return Err(failed());
    }
    let is_plain = before.sa_flags & libc::SA_SIGINFO == 0;
    if is_plain && before.sa_sigaction != libc::SIG_DFL && before.sa_sigaction != libc::SIG_IGN {
        let _ = PREVIOUS.set(before.sa_sigaction);
    }
    // SAFETY: as above.
    let mut ours: libc::sigaction = unsafe { core::mem::zeroed() };
    ours.sa_sigaction = on_hangup as *const () as usize;
    ours.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
    // SAFETY: the handler lives as long as the process and does what a handler may.
    if unsafe { libc::sigaction(libc::SIGHUP, &raw const ours, core::ptr::null_mut()) } != 0 {
        return Err(failed());
    }
    Ok(())
}

#[cfg(unix)]
extern "C" fn on_hangup(number: i32) {
    HANGUPS.fetch_add(1, Relaxed);
    if let Some(previous) = PREVIOUS.get() {
        // SAFETY: it was a handler of one argument (no SA_SIGINFO), neither default nor ignore,
        // and a handler that the program has installed stays callable.
        let previous: extern "C" fn(i32) = unsafe { core::mem::transmute(*previous) };
        previous(number);
    }
}
