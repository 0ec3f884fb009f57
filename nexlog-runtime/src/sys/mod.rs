//! The operating system, as safe functions. The only place that calls libc or reads the TSC;
//! `folder` has what files and their folders need, `mapping` files as memory.
//!
//! Each function has a fallback on std or says `false` where a system lacks what it needs, so
//! that nothing above has a `cfg` of its own. Nothing here allocates, locks or panics.

pub mod folder;
pub mod fork;
pub mod mapping;
pub mod signal;

use core::fmt;
use std::io;
use std::time::Duration;

/// The processor's time-stamp counter where there is one, else [`monotonic_ns`].
#[inline]
pub fn ticks() -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: every x86-64 processor has the instruction, and no system that runs Rust's std
        // forbids it to programs.
        unsafe { core::arch::x86_64::_rdtsc() }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        monotonic_ns()
    }
}

/// Whether [`ticks`] counts at one rate on all cores, whatever their frequency and sleep.
pub fn has_invariant_tsc() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        const POWER: u32 = 0x8000_0007;
        use core::arch::x86_64::__cpuid;
        // The intrinsic is an `unsafe fn` in some of the supported compilers and safe in others.
        #[allow(unused_unsafe)]
        // SAFETY: every x86-64 processor has `cpuid`, and leaf 0x8000_0000 tells which extended
        // leaves may be asked for.
        unsafe {
            __cpuid(0x8000_0000).eax >= POWER && __cpuid(POWER).edx & (1 << 8) != 0
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
}

/// On how many cores this thread may run; 1 where that is not known.
pub fn cores() -> usize {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: all zeros is an empty set.
        let mut set: libc::cpu_set_t = unsafe { core::mem::zeroed() };
        // SAFETY: the set is ours, and its size is told.
        let outcome = unsafe { libc::sched_getaffinity(0, size_of_val(&set), &raw mut set) };
        // SAFETY: it is a set.
        let count = if outcome == 0 { unsafe { libc::CPU_COUNT(&set) } } else { 1 };
        usize::try_from(count).unwrap_or(1).max(1)
    }
    #[cfg(not(target_os = "linux"))]
    {
        1
    }
}

/// Nanoseconds since some fixed point; never goes back.
#[inline]
pub fn monotonic_ns() -> u64 {
    #[cfg(unix)]
    {
        let (seconds, nanos) = clock(libc::CLOCK_MONOTONIC);
        seconds.unsigned_abs().wrapping_mul(1_000_000_000).wrapping_add(u64::from(nanos))
    }
    #[cfg(not(unix))]
    {
        use std::sync::OnceLock;
        static START: OnceLock<std::time::Instant> = OnceLock::new();
        let since = START.get_or_init(std::time::Instant::now).elapsed();
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }
}

/// The time of day as the system has it now: seconds since 1970 and nanoseconds into the second,
/// as in [`Timestamp`](crate::Timestamp).
#[inline]
pub fn realtime() -> (i64, u32) {
    #[cfg(unix)]
    {
        clock(libc::CLOCK_REALTIME)
    }
    #[cfg(not(unix))]
    {
        let now = crate::Timestamp::from(std::time::SystemTime::now());
        (now.seconds, now.nanos)
    }
}

#[cfg(unix)]
#[inline]
#[allow(clippy::useless_conversion)] // `time_t` and `c_long` are narrower on some systems
fn clock(id: libc::clockid_t) -> (i64, u32) {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid, exclusive place for one timespec during the call. It cannot
    // fail for the two clocks asked for; if it did, `time` would stay 0.
    unsafe { libc::clock_gettime(id, &raw mut time) };
    (i64::from(time.tv_sec), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Asks for [`membarrier`] to be possible in this process. `false`: it never will be, use
/// fences.
pub fn membarrier_register() -> bool {
    const REGISTER_PRIVATE_EXPEDITED: i32 = 1 << 4;
    membarrier_command(REGISTER_PRIVATE_EXPEDITED)
}

/// A full memory barrier on every running thread of this process. `false`: nothing happened.
pub fn membarrier() -> bool {
    const PRIVATE_EXPEDITED: i32 = 1 << 3;
    membarrier_command(PRIVATE_EXPEDITED)
}

#[cfg(target_os = "linux")]
fn membarrier_command(command: i32) -> bool {
    // SAFETY: the call takes three integers and touches no memory of ours. An unknown call or
    // command (old kernel, seccomp) is an error value.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}

#[cfg(not(target_os = "linux"))]
fn membarrier_command(_command: i32) -> bool {
    false
}

/// How long a file of this process may become before the system sends it a signal.
#[cfg(target_os = "linux")]
pub fn file_size_limit() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid, exclusive place for one `rlimit` during the call.
    let result = unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit) };
    #[allow(clippy::unnecessary_cast)] // not of 64 bits everywhere
    if result == 0 { limit.rlim_cur as u64 } else { u64::MAX }
}

/// Writes what std writes for an error of the system.
pub fn write_error(code: i32, out: &mut impl fmt::Write) -> fmt::Result {
    #[cfg(unix)]
    {
        let mut text = [0_u8; 128];
        // SAFETY: the call writes at most `text.len()` bytes to `text`, with a NUL at their end.
        unsafe { libc::strerror_r(code, text.as_mut_ptr().cast(), text.len()) };
        let end = text.iter().position(|byte| *byte == 0).unwrap_or(0);
        for chunk in text[..end].utf8_chunks() {
            out.write_str(chunk.valid())?;
            out.write_str(if chunk.invalid().is_empty() { "" } else { "\u{fffd}" })?;
        }
        write!(out, " (os error {code})")
    }
    #[cfg(not(unix))]
    {
        write!(out, "{}", io::Error::from_raw_os_error(code))
    }
}

/// The name of this machine.
pub fn hostname() -> Option<String> {
    #[cfg(unix)]
    {
        let mut name = [0u8; 256];
        // SAFETY: the call writes at most `name.len()` bytes to `name`.
        let result = unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len()) };
        let end = name.iter().position(|byte| *byte == 0)?;
        (result == 0 && end > 0).then(|| String::from_utf8_lossy(&name[..end]).into_owned())
    }
    #[cfg(not(unix))]
    {
        std::env::var("COMPUTERNAME").ok()
    }
}

/// Has `handler` called at `exit` and on return from `main`. `false`: it will not be.
pub fn at_exit(handler: extern "C" fn()) -> bool {
    #[cfg(unix)]
    {
        // SAFETY: a plain function of the program lives as long as the process. (A library that
        // is unloaded has its handlers run then, by the C library.)
        unsafe { libc::atexit(handler) == 0 }
    }
    #[cfg(not(unix))]
    {
        let _ = handler;
        false
    }
}

/// One of the process's standard streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stdio {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

impl Stdio {
    /// Whether a terminal shows it.
    pub fn is_terminal(self) -> bool {
        use std::io::IsTerminal;
        match self {
            Stdio::Out => io::stdout().is_terminal(),
            Stdio::Err => io::stderr().is_terminal(),
        }
    }

    /// One write to the stream, beside std's buffers and locks: std's `Stdout` holds text back
    /// until a newline, and its lock may be held by a thread that never lets go. An interrupted
    /// call is repeated; a full pipe that does not block is waited for, at most `patience`.
    pub fn write(self, bytes: &[u8], patience: Duration) -> io::Result<usize> {
        #[cfg(unix)]
        {
            let number = match self {
                Stdio::Out => libc::STDOUT_FILENO,
                Stdio::Err => libc::STDERR_FILENO,
            };
            write_patiently(number, bytes, patience)
        }
        #[cfg(not(unix))]
        {
            use std::io::Write;
            let _ = patience;
            match self {
                Stdio::Out => {
                    io::stdout().write(bytes).and_then(|n| io::stdout().flush().map(|()| n))
                }
                Stdio::Err => io::stderr().write(bytes),
            }
        }
    }
}

#[cfg(unix)]
fn write_patiently(number: i32, bytes: &[u8], patience: Duration) -> io::Result<usize> {
    let mut deadline = None;
    loop {
        let error = match write_once(number, bytes) {
            Ok(written) => return Ok(written),
            Err(error) => error,
        };
        match error.kind() {
            io::ErrorKind::Interrupted => {}
            io::ErrorKind::WouldBlock => {
                let patience_ns = u64::try_from(patience.as_nanos()).unwrap_or(u64::MAX);
                let now = monotonic_ns();
                let until = *deadline.get_or_insert(now.saturating_add(patience_ns));
                if now >= until {
                    return Err(error);
                }
                wait_writable(number, Duration::from_nanos(until - now));
            }
            _ => return Err(error),
        }
    }
}

#[cfg(unix)]
fn write_once(number: i32, bytes: &[u8]) -> io::Result<usize> {
    // Some systems refuse more than `i32::MAX` bytes at once; a short write says the rest.
    let length = bytes.len().min(1 << 30);
    // SAFETY: `bytes` is readable for `length` bytes during the call, which only reads. A number
    // that is not an open descriptor is an error value.
    let written = unsafe { libc::write(number, bytes.as_ptr().cast(), length) };
    usize::try_from(written).map_err(|_| io::Error::last_os_error())
}

/// Returns when the descriptor can be written, has failed, or the time is over.
#[cfg(unix)]
fn wait_writable(number: i32, at_most: Duration) {
    let mut waited = libc::pollfd { fd: number, events: libc::POLLOUT, revents: 0 };
    let millis = i32::try_from(at_most.as_millis().max(1)).unwrap_or(i32::MAX);
    // SAFETY: `waited` is one valid, exclusive pollfd during the call. Every outcome, errors
    // included, leads to another look by the caller, who keeps the deadline.
    unsafe { libc::poll(&raw mut waited, 1, millis) };
}

/// Whether an open failed because the path's last part is a symbolic link.
pub fn is_link_error(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        // FreeBSD says EMLINK, NetBSD EFTYPE; the rest ELOOP.
        matches!(error.raw_os_error(), Some(libc::ELOOP | libc::EMLINK))
    }
    #[cfg(not(unix))]
    {
        let _ = error;
        false
    }
}

/// The user whose rights this process acts with.
#[cfg(unix)]
pub fn effective_user() -> u32 {
    // SAFETY: the call takes nothing, cannot fail and touches no memory.
    unsafe { libc::geteuid() }
}

#[cfg(all(test, unix))]
mod tests;
