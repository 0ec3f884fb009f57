//! The short way for floats against ryu, and exact durations.

use super::*;

fn ours(value: f64, out: &mut Buffer) -> &str {
    out.clear();
    assert!(finite_f64(value, out));
    std::str::from_utf8(out.as_bytes()).unwrap()
}

/// Compares with ryu's text; says whether the short way was taken.
fn check(value: f64, out: &mut Buffer) -> bool {
    if value.is_finite() {
        assert_eq!(ours(value, out), ryu::Buffer::new().format(value), "{:#x}", value.to_bits());
    }
    out.clear();
    short_decimal(value, out)
}

#[test]
fn integers_are_written_as_std_writes_them() {
    let (mut random, mut out) = (Random(3), Buffer::new());
    let powers = (0..20).map(|power| 10_u64.pow(power));
    let borders = powers.flat_map(|power| (0..3).map(move |step| (power - 1).wrapping_add(step)));
    let all_short = 0..200_000;
    let long = core::iter::repeat_with(|| random.next());
    let long = long.take(200_000).enumerate().map(|(place, bits)| bits >> (place % 64));
    let wide = (0..64).flat_map(|bit| [1_u64 << bit, (1 << bit) - 1]);
    for value in all_short.chain(borders).chain(wide).chain([u64::MAX]).chain(long) {
        out.clear();
        unsigned(value, &mut out);
        assert_eq!(out.as_bytes(), value.to_string().as_bytes());
        for value in [value.cast_signed(), value.cast_signed().wrapping_neg()] {
            out.clear();
            signed(value, &mut out);
            assert_eq!(out.as_bytes(), value.to_string().as_bytes());
        }
    }
}

#[test]
fn all_numbers_of_eight_digits_have_their_digits() {
    // Every pair of halves would be 10^8; each half with some others is all there is to see.
    for half in 0..10_000_u64 {
        for other in [0, 1, 42, 9_999, half] {
            for value in [half * 10_000 + other, other * 10_000 + half] {
                let text = (ASCII_ZEROS | eight_digits(value)).to_le_bytes();
                assert_eq!(text, format!("{value:08}").as_bytes());
            }
        }
    }
}

struct Random(u64);

impl Random {
    /// splitmix64
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// The value itself, its negative, and all within two steps.
fn with_neighbours(value: f64) -> impl Iterator<Item = f64> {
    let bits = value.to_bits();
    (-2..=2).flat_map(move |step| {
        let near = f64::from_bits(bits.wrapping_add_signed(step));
        [near, -near]
    })
}

#[test]
#[allow(clippy::cast_precision_loss)] // any float will do
fn floats_are_written_as_ryu_writes_them() {
    let (mut random, mut out) = (Random(7), Buffer::new());
    let (mut short, mut decimals) = (0, 0);
    for round in 0..60_000_u64 {
        let bits = random.next();
        check(f64::from_bits(bits), &mut out);
        check((bits >> (bits % 64)) as f64, &mut out);
        // Short decimals of every size, which are what the short way is for.
        let (digits, scale) = (10_u64.pow((bits % 16) as u32), 10_i32.pow((round % 8) as u32));
        let decimal = (random.next() % digits) as f64 / f64::from(scale);
        for near in with_neighbours(decimal) {
            short += u32::from(check(near, &mut out));
        }
        // Decimals that come out of a computation.
        let computed = decimal * 1.1 + 0.1;
        for near in with_neighbours(computed) {
            check(near, &mut out);
        }
        decimals += 1;
    }
    assert!(short > decimals, "the short way was taken {short} times in {decimals} decimals");
}

#[test]
fn floats_at_every_border_are_written_as_ryu_writes_them() {
    let mut out = Buffer::new();
    let powers = (-330..309).map(|power| format!("1e{power}").parse::<f64>().unwrap());
    let odd =
        [0.0, -0.0, f64::MIN_POSITIVE, f64::MAX, 9_007_199_254_740_993.0, 0.000_01, 0.000_001];
    for value in powers.chain(odd) {
        for factor in [1.0, 0.999_999_999, 9.999_999, 1.5, 5.0, 0.5] {
            for near in with_neighbours(value * factor) {
                check(near, &mut out);
            }
        }
    }
}

#[test]
fn typical_floats() {
    let mut out = Buffer::new();
    for (value, text) in [
        (42.0, "42.0"),
        (-0.0, "-0.0"),
        (0.1, "0.1"),
        (1e20, "1e20"),
        (0.000_01, "0.00001"),
        (0.000_001, "1e-6"),
        (1e15, "1000000000000000.0"),
        (1e16, "1e16"),
        (-12.345, "-12.345"),
        (0.1 + 0.2, "0.30000000000000004"),
    ] {
        assert_eq!(ours(value, &mut out), text);
    }
    out.clear();
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(!finite_f64(value, &mut out));
    }
    assert!(finite_f32(0.1, &mut out));
    assert_eq!(out.as_bytes(), b"0.1");
}

#[test]
fn integers_have_all_their_digits() {
    let mut out = Buffer::new();
    let powers = (0..20).map(|power| 10_u64.pow(power));
    for value in powers.flat_map(|power| [power - 1, power, power + 1]).chain([0, u64::MAX]) {
        out.clear();
        unsigned(value, &mut out);
        assert_eq!(out.as_bytes(), value.to_string().as_bytes());
        out.clear();
        signed(value.cast_signed(), &mut out);
        assert_eq!(out.as_bytes(), value.cast_signed().to_string().as_bytes());
    }
}

#[test]
fn durations_are_exact() {
    let text = |seconds_, nanos| {
        let mut text = String::new();
        seconds(Duration::new(seconds_, nanos), &mut text).unwrap();
        text
    };
    assert_eq!(text(1, 500_000_000), "1.5");
    assert_eq!(text(3, 0), "3.0");
    assert_eq!(text(0, 1), "0.000000001");
    assert_eq!(text(0, 10), "0.00000001");
    assert_eq!(text(u64::MAX, 999_999_999), "18446744073709551615.999999999");
    for nanos in (0..1_000_000_000).step_by(99_991) {
        let naive = format!("0.{nanos:09}");
        let cut = naive.trim_end_matches('0');
        assert_eq!(text(0, nanos), if nanos == 0 { "0.0" } else { cut });
    }
}

#[test]
fn bytes_are_hexadecimal() {
    let bytes: Vec<u8> = (0..=255).collect();
    let mut text = String::new();
    hex(&bytes, &mut text).unwrap();
    let naive: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(text, naive.concat());
}
