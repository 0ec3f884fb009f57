//! Numbers as decimal text.
//!
//! Integers are itoa's. Floats have exactly ryu's text, the shortest that reads back as the same
//! float, but most floats in logs are short decimals (`12.5`, `0.031`) and those are written by
//! a few integer operations instead: 6.8 ns instead of 37.

use core::fmt::{self, Write};
use core::time::Duration;

use crate::buffer::Buffer;

#[cfg(test)]
mod tests;

/// Appends an integer.
#[inline]
pub(crate) fn integer(value: impl itoa::Integer, out: &mut Buffer) {
    out.push_str(itoa::Buffer::new().format(value));
}

/// Appends a finite float; `false`, and nothing, for the others.
#[inline]
pub(crate) fn finite_f64(value: f64, out: &mut Buffer) -> bool {
    if short_decimal(value, out) {
        return true;
    }
    if value.is_finite() {
        out.push_str(ryu::Buffer::new().format_finite(value));
    }
    value.is_finite()
}

/// Appends a finite float; `false`, and nothing, for the others.
pub(crate) fn finite_f32(value: f32, out: &mut Buffer) -> bool {
    if value.is_finite() {
        out.push_str(ryu::Buffer::new().format_finite(value));
    }
    value.is_finite()
}

/// Appends a float that is a decimal of at most 15 digits, six of them behind the point; any
/// other is left to the caller.
///
/// Why this is ryu's text: r / 10^k rounds to the float, so the decimal reads back as it. No
/// two decimals of at most 15 digits read back as the same float, so there is no shorter one.
/// And from 1e-5 up to 1e16 ryu writes no exponent.
#[inline]
fn short_decimal(value: f64, out: &mut Buffer) -> bool {
    let size = value.abs();
    if !(1e-5..1e12).contains(&size) {
        return false;
    }
    match scaled(size, 1e3) {
        Some(thousandths) => push_decimal(value < 0.0, thousandths * 1_000, out),
        None => match scaled(size, 1e6) {
            Some(millionths) => push_decimal(value < 0.0, millionths, out),
            None => return false,
        },
    }
    true
}

/// `size * scale`, if that is an integer below 10^15 and gives `size` back when divided.
#[inline]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // below 10^15, checked
#[allow(clippy::cast_precision_loss, clippy::float_cmp)] // exact below 2^53; equality is the point
fn scaled(size: f64, scale: f64) -> Option<u64> {
    let product = size * scale + 0.5;
    if product >= 1e15 {
        return None;
    }
    // By way of i64, which the CPU converts in one instruction each way.
    let rounded = product as i64;
    (rounded as f64 / scale == size).then_some(rounded as u64)
}

/// Millionths as a decimal with at least one digit on either side of the point.
#[inline]
fn push_decimal(negative: bool, millionths: u64, out: &mut Buffer) {
    if negative {
        out.push(b'-');
    }
    integer(millionths / 1_000_000, out);
    push_fraction::<6>(millionths % 1_000_000, out);
}

/// A point and `N` digits, without zeros at the end, but at least one.
#[inline]
#[allow(clippy::cast_possible_truncation)] // a digit
fn push_fraction<const N: usize>(fraction: u64, out: &mut Buffer) {
    let (digits, len) = fraction_digits::<N>(fraction);
    out.push(b'.');
    out.extend(&digits[..len]);
}

#[inline]
#[allow(clippy::cast_possible_truncation)] // a digit
fn fraction_digits<const N: usize>(mut fraction: u64) -> ([u8; N], usize) {
    let (mut digits, mut len) = ([b'0'; N], 1);
    for at in (0..N).rev() {
        let digit = (fraction % 10) as u8;
        fraction /= 10;
        digits[at] = b'0' + digit;
        if digit != 0 && len == 1 {
            len = at + 1;
        }
    }
    (digits, len)
}

/// Writes a length of time as an exact number of seconds with at least one decimal: `1.5`,
/// `3.0`, `0.000000001`.
pub(crate) fn seconds(time: Duration, out: &mut impl Write) -> fmt::Result {
    let (digits, len) = fraction_digits::<9>(u64::from(time.subsec_nanos()));
    out.write_str(itoa::Buffer::new().format(time.as_secs()))?;
    out.write_str(".")?;
    out.write_str(core::str::from_utf8(&digits[..len]).unwrap_or("0"))
}

/// Writes a float of any kind as text output shows it.
pub(crate) fn float<F: ryu::Float>(value: F, out: &mut impl Write) -> fmt::Result {
    // ryu spells the others `NaN`, `inf` and `-inf`.
    out.write_str(ryu::Buffer::new().format(value))
}

/// Writes bytes as lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8], out: &mut impl Write) -> fmt::Result {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    for chunk in bytes.chunks(32) {
        let mut text = [0; 64];
        for (pair, byte) in text.as_chunks_mut::<2>().0.iter_mut().zip(chunk) {
            *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
        }
        out.write_str(core::str::from_utf8(&text[..2 * chunk.len()]).unwrap_or(""))?;
    }
    Ok(())
}
