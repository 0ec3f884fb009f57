//! Ticks for the caller, wall time for the drainer.
//!
//! A call reads [`ticks`]: the invariant TSC where the CPU has one (10 ns, half of what
//! `clock_gettime` costs), else the monotonic clock in nanoseconds. A drain pairs ticks with the
//! system clock, once a millisecond at most, so the printed time follows its steps; the order of
//! records is decided by ticks and never by it.
//!
//! [`WallClock`] keeps an anchor (ticks, wall) and a rate. Small errors are taken out by the
//! rate over the next second, so the printed time of a thread does not step back; an error of
//! more than 20 ms means that the system clock was set, and the anchor jumps.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::OnceLock;

use crate::sys;
use crate::value::view::Timestamp;

/// Wall time further off than this was set by somebody.
const STEP_NS: i128 = 20_000_000;
/// Over how long a small error is taken out.
const SLEW_NS: f64 = 1e9;
/// How long a pair of clocks is good enough: reading one was an eighth of a call in `Immediate`.
const FRESH_NS: u128 = 1_000_000;
/// How long the first measure of the rate takes.
const MEASURE_NS: i128 = 200_000;

/// Whether ticks are the TSC. Decided once.
pub(crate) fn ticks_are_tsc() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(sys::has_invariant_tsc)
}

/// Now, on the clock that orders records. The short way of a call, where the TSC is known to be
/// usable, calls `sys::ticks` itself.
pub(crate) fn now() -> u64 {
    if ticks_are_tsc() { sys::ticks() } else { sys::monotonic_ns() }
}

/// Ticks in a second, good to a thousandth. The first call takes a fifth of a millisecond.
pub(crate) fn ticks_in_second() -> u64 {
    static MEASURED: AtomicU64 = AtomicU64::new(0);
    match MEASURED.load(Relaxed) {
        0 => {
            let ticks = WallClock::new().ticks_in(1_000_000_000).max(1);
            MEASURED.store(ticks, Relaxed);
            ticks
        }
        measured => measured,
    }
}

/// Ticks and wall time of one instant.
#[derive(Clone, Copy)]
struct Pair {
    ticks: u64,
    wall_ns: i128,
}

impl Pair {
    /// The tightest of three readings: an interrupt between the two clocks shows as a wide one.
    fn read() -> Pair {
        let reading = || {
            let before = now();
            let (seconds, nanos) = sys::realtime();
            let after = now();
            let middle = before.wrapping_add(after.wrapping_sub(before) / 2);
            let wall_ns = i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
            (after.wrapping_sub(before), Pair { ticks: middle, wall_ns })
        };
        let tightest = [reading(), reading(), reading()].into_iter().min_by_key(|r| r.0);
        tightest.map_or(Pair { ticks: 0, wall_ns: 0 }, |r| r.1)
    }
}

/// A clock at one instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ClockState {
    pub(crate) ticks: u64,
    pub(crate) wall_ns: i128,
    /// Nanoseconds a tick.
    pub(crate) rate: f64,
}

impl ClockState {
    /// As four words.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // taken apart
    pub(crate) fn words(self) -> [u64; 4] {
        [self.ticks, self.wall_ns as u64, (self.wall_ns >> 64) as u64, self.rate.to_bits()]
    }

    /// Out of four words; `None` when it makes no sense.
    #[allow(clippy::cast_possible_wrap)] // put together
    pub(crate) fn from_words(words: [u64; 4]) -> Option<ClockState> {
        let wall_ns = (u128::from(words[2]) << 64 | u128::from(words[1])) as i128;
        let rate = f64::from_bits(words[3]);
        // Some thousand years around now, and what a tick can be.
        let is_time = wall_ns.unsigned_abs() < 1 << 67;
        (is_time && (0.01..=100.0).contains(&rate)).then_some(ClockState {
            ticks: words[0],
            wall_ns,
            rate,
        })
    }
}

/// Turns ticks into wall time. Belongs to the drainer.
#[derive(Clone)]
pub(crate) struct WallClock {
    anchor: Pair,
    /// Its wall time.
    second: Timestamp,
    /// Nanoseconds of wall time a tick, with the correction in it.
    rate: f64,
    /// Where the measure of the plain rate began; moved when the system clock is set.
    start: Pair,
    /// The plain rate.
    measured: f64,
    /// From these ticks on a new pair is due, for this long.
    due: u64,
    fresh_ticks: u64,
}

impl WallClock {
    /// Measures the rate for a fifth of a millisecond where it is not known.
    pub(crate) fn new() -> WallClock {
        let start = Pair::read();
        let mut clock = WallClock::at(start, 1.0);
        if ticks_are_tsc() {
            let mut end = Pair::read();
            let give_up = 10_000_000_000;
            while (0..MEASURE_NS).contains(&(end.wall_ns - start.wall_ns))
                && end.ticks.wrapping_sub(start.ticks) < give_up
            {
                end = Pair::read();
            }
            clock.measured = rate(start, end).unwrap_or(1.0);
            clock.rate = clock.measured;
        }
        clock.fresh_ticks = clock.ticks_in(FRESH_NS);
        clock
    }

    fn at(start: Pair, rate: f64) -> WallClock {
        WallClock {
            anchor: start,
            second: Timestamp::from_unix_nanos(start.wall_ns),
            rate,
            start,
            measured: rate,
            due: start.ticks,
            fresh_ticks: 0,
        }
    }

    /// What is to be known to turn this clock's ticks into time elsewhere.
    pub(crate) fn state(&self) -> ClockState {
        ClockState { ticks: self.anchor.ticks, wall_ns: self.anchor.wall_ns, rate: self.rate }
    }

    /// A clock as it was in another process.
    pub(crate) fn of(state: ClockState) -> WallClock {
        WallClock::at(Pair { ticks: state.ticks, wall_ns: state.wall_ns }, state.rate)
    }

    /// Takes a new pair when one is due; whether it did. Called at the start of each drain.
    pub(crate) fn update(&mut self) -> bool {
        let now = now();
        let is_due = self.is_due(now);
        if is_due {
            self.follow(Pair::read());
            self.due = now.wrapping_add(self.fresh_ticks);
        }
        is_due
    }

    fn is_due(&self, now: u64) -> bool {
        // As ticks may go around. A counter that went back far makes it due, too.
        self.due.wrapping_sub(now).wrapping_sub(1) >= self.fresh_ticks
    }

    fn follow(&mut self, now: Pair) {
        let expected = self.wall_ns(now.ticks);
        let error = now.wall_ns - expected;
        if error.abs() > STEP_NS {
            // The clock was set (or the machine slept): the measure starts anew from here.
            (self.start, self.rate) = (now, self.measured);
            return self.set_anchor(now);
        }
        if ticks_are_tsc()
            && now.wall_ns - self.start.wall_ns > 100 * MEASURE_NS
            && let Some(rate) = rate(self.start, now)
        {
            self.measured = rate;
        }
        self.set_anchor(Pair { ticks: now.ticks, wall_ns: expected });
        #[allow(clippy::cast_precision_loss)] // below 20 ms
        let correction = error as f64 / SLEW_NS;
        self.rate = self.measured * (1.0 + correction);
    }

    /// The wall time of an instant.
    #[inline]
    pub(crate) fn timestamp(&self, ticks: u64) -> Timestamp {
        // Most instants lie in the anchor's second, and need no division for that.
        let nanos = i64::from(self.second.nanos).checked_add(self.passed_ns(ticks));
        match nanos.and_then(|nanos| u32::try_from(nanos).ok()) {
            Some(nanos) if nanos < 1_000_000_000 => Timestamp { nanos, ..self.second },
            _ => Timestamp::from_unix_nanos(self.wall_ns(ticks)),
        }
    }

    fn wall_ns(&self, ticks: u64) -> i128 {
        self.anchor.wall_ns + i128::from(self.passed_ns(ticks))
    }

    /// Since the anchor, the last drain: an f64 is exact to the nanosecond for 100 days, and for as
    /// far as its `i64` reaches, 292 years, good enough.
    #[inline]
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // `as` saturates
    fn passed_ns(&self, ticks: u64) -> i64 {
        let passed = ticks.wrapping_sub(self.anchor.ticks).cast_signed();
        (passed as f64 * self.rate) as i64
    }

    fn set_anchor(&mut self, anchor: Pair) {
        self.anchor = anchor;
        self.second = Timestamp::from_unix_nanos(anchor.wall_ns);
    }

    /// Ticks in this many nanoseconds.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(crate) fn ticks_in(&self, ns: u128) -> u64 {
        (ns as f64 / self.measured) as u64 // `as` saturates
    }
}

/// Nanoseconds a tick between two pairs; `None` when they make no sense together.
#[allow(clippy::cast_precision_loss)] // the quotient needs 53 bits at most
fn rate(from: Pair, to: Pair) -> Option<f64> {
    let ticks = to.ticks.wrapping_sub(from.ticks).cast_signed();
    let ns = to.wall_ns - from.wall_ns;
    (ticks > 0 && ns > 0).then(|| ns as f64 / ticks as f64).filter(|r| (0.01..=100.0).contains(r))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(rate: f64) -> WallClock {
        let start = Pair { ticks: 1_000, wall_ns: 1_000_000_000 };
        WallClock::at(start, rate)
    }

    #[test]
    fn a_pair_of_clocks_is_good_for_a_millisecond() {
        for edge in [0_u64, 1 << 32, 1 << 63, now()] {
            let mut clock = WallClock::new();
            assert!(clock.update(), "the first");
            (clock.due, clock.fresh_ticks) = (edge.wrapping_add(10), 1_000);
            let is_due = |now: u64| clock.is_due(now);
            assert!(!is_due(edge) && !is_due(edge.wrapping_add(9)), "{edge}");
            assert!(is_due(edge.wrapping_add(10)) && is_due(edge.wrapping_add(1 << 40)), "{edge}");
            assert!(!is_due(edge.wrapping_sub(990)), "{edge}");
            assert!(is_due(edge.wrapping_sub(991)), "{edge}: back, further than it can be fresh");
        }
    }

    #[test]
    fn wall_time_never_steps_back_while_small_errors_are_taken_out() {
        let mut clock = clock(1.0);
        let mut last = 0;
        for pass in 1..2_000u64 {
            let ticks = 1_000 + pass * 1_000_000;
            // The system clock wobbles by up to 50 µs around the truth.
            let wobble = i128::from(pass * 7_919 % 100_000) - 50_000;
            let wall_ns = 1_000_000_000 + i128::from(pass) * 1_000_000 + wobble;
            clock.follow(Pair { ticks, wall_ns });
            for step in 0..10 {
                let shown = clock.wall_ns(ticks + step * 100_000);
                assert!(shown >= last, "stepped back by {} ns in pass {pass}", last - shown);
                last = shown;
            }
        }
    }

    #[test]
    fn wall_time_goes_on_where_ticks_go_around() {
        for edge in [0_u64, 1 << 32, 1 << 63] {
            let mut clock = clock(0.5);
            let begin = edge.wrapping_sub(50_000_000);
            clock.anchor.ticks = begin;
            clock.start.ticks = begin;
            let mut last = clock.wall_ns(begin);
            for pass in 1..100_u64 {
                let ticks = begin.wrapping_add(pass * 1_000_000);
                let wall_ns = 1_000_000_000 + i128::from(pass) * 500_000;
                clock.follow(Pair { ticks, wall_ns });
                // Records of a little before and after, too.
                for ticks in [ticks.wrapping_sub(400_000), ticks, ticks.wrapping_add(400_000)] {
                    let shown = clock.wall_ns(ticks);
                    assert!((shown - last - 200_000).abs() < 110_000, "{edge}: {last}, {shown}");
                    last = shown;
                }
            }
            assert!((clock.rate - 0.5).abs() < 1e-6, "{edge}: {}", clock.rate);
        }
    }

    #[test]
    fn times_are_the_same_in_and_beside_the_anchors_second() {
        for begin in [999_999_990, 1_000_000_000, 1_795_355_400_500_000_000, -7, -1_000_000_000] {
            let clock = WallClock::at(Pair { ticks: 5_000_000_000, wall_ns: begin }, 0.37);
            for step in [0, 1, 27, 1 << 20, 1 << 30, 5_000_000_000, 1 << 63] {
                for ticks in
                    [5_000_000_000_u64.wrapping_add(step), 5_000_000_000 - step.min(1 << 32)]
                {
                    let shown = clock.timestamp(ticks);
                    assert_eq!(shown.unix_nanos(), clock.wall_ns(ticks), "{begin} {step}");
                    assert!(shown.nanos < 1_000_000_000);
                }
            }
        }
    }

    #[test]
    fn intervals_without_end_are_no_ticks_that_ever_come() {
        let clock = clock(0.3);
        assert_eq!(clock.ticks_in(0), 0);
        assert_eq!(clock.ticks_in(u128::from(u64::MAX)), u64::MAX);
        assert_eq!(clock.ticks_in(std::time::Duration::MAX.as_nanos()), u64::MAX);
        assert_eq!(now().saturating_add(u64::MAX), u64::MAX);
    }

    #[test]
    fn wall_time_follows_when_the_system_clock_is_set() {
        let mut clock = clock(1.0);
        let year = 31_536_000_000_000_000;
        clock.follow(Pair { ticks: 2_000, wall_ns: 1_000_001_000 - year });
        assert_eq!(clock.wall_ns(2_000), 1_000_001_000 - year);
        clock.follow(Pair { ticks: 3_000, wall_ns: 1_000_002_000 });
        assert_eq!(clock.wall_ns(3_000), 1_000_002_000);
    }

    #[test]
    fn the_clock_shows_what_the_system_shows() {
        let clock = WallClock::new();
        let shown = clock.timestamp(now()).unix_nanos();
        let real = Timestamp::from(std::time::SystemTime::now()).unix_nanos();
        assert!((real - shown).abs() < 50_000_000, "{shown} is not {real}");
    }
}
