//! What the kernel says of this process: memory, CPU time, context switches.

use std::fs;
use std::mem::MaybeUninit;
use std::path::Path;

/// The most memory it ever had, in KiB.
pub fn peak_kib() -> f64 {
    status(Path::new("/proc/self/status"), "VmHWM:")
}

/// The memory it has, in KiB.
pub fn resident_kib() -> f64 {
    status(Path::new("/proc/self/status"), "VmRSS:")
}

/// How often any of its threads was taken off a core or left it by itself.
pub fn switches() -> f64 {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    tasks
        .map(|task| {
            let path = task.path().join("status");
            status(&path, "voluntary_ctxt_switches:") + status(&path, "nonvoluntary_ctxt_switches:")
        })
        .sum()
}

/// Seconds on a core, of all threads, in the program and in the kernel.
pub fn cpu_seconds() -> f64 {
    cpu_seconds_of(libc::RUSAGE_SELF)
}

/// The same, of all children that have ended.
pub fn cpu_seconds_of_children() -> f64 {
    cpu_seconds_of(libc::RUSAGE_CHILDREN)
}

fn cpu_seconds_of(whom: libc::c_int) -> f64 {
    let mut usage = MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: the pointer is to memory of the right size and for writing.
    let result = unsafe { libc::getrusage(whom, usage.as_mut_ptr()) };
    assert_eq!(result, 0, "the kernel tells the CPU time");
    // SAFETY: getrusage succeeded, so it has filled the structure.
    let usage = unsafe { usage.assume_init() };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 * 1e-6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

/// The number behind a key of a file like /proc/self/status; 0 where there is none.
fn status(path: &Path, key: &str) -> f64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix(key))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .unwrap_or(0.0)
}
