//! The time of single calls, by the counter of the processor where there is one, and of
//! everything longer, by `Instant`.

use std::time::{Duration, Instant};

/// A reading of the counter.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub fn ticks() -> u64 {
    // SAFETY: every x86-64 has this instruction, and user code may run it.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// A reading of the counter: nanoseconds, where there is none.
#[cfg(not(target_arch = "x86_64"))]
pub fn ticks() -> u64 {
    use std::sync::LazyLock;
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    BEGAN.elapsed().as_nanos() as u64
}

/// How long a tick is, of a comparison over 20 ms.
pub fn ns_per_tick() -> f64 {
    let (began, first) = (Instant::now(), ticks());
    while began.elapsed() < Duration::from_millis(20) {
        std::hint::spin_loop();
    }
    began.elapsed().as_secs_f64() * 1e9 / (ticks() - first) as f64
}

/// Nanoseconds that `body` took for each of its `calls`.
#[inline(always)]
pub fn ns_a_call(calls: u64, body: impl FnOnce()) -> f64 {
    let began = Instant::now();
    body();
    began.elapsed().as_secs_f64() * 1e9 / calls as f64
}

/// The middle of some measurements; NaN of none.
pub fn median(values: &mut [f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value below which this part of the measurements lies; NaN of none.
pub fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1) as f64;
    values.get((last * part).round() as usize).copied().unwrap_or(f64::NAN)
}
