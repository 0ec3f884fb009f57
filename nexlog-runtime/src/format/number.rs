//! Numbers as decimal text.
//!
//! Integers of 64 bits are written straight into the buffer, longer ones by itoa. Floats have
//! exactly ryu's text, the shortest that reads back as the same float, but most floats in logs
//! are short decimals (`12.5`, `0.031`) and those are written by a few integer operations
//! instead: 6.8 ns instead of 37.

use core::fmt::{self, Write};
use core::time::Duration;

use crate::buffer::Buffer;

#[cfg(test)]
mod tests;

/// Appends an unsigned integer, its digits straight to where they go: by way of the stack they
/// would be read wider than they were written, for which the CPU waits.
#[inline]
pub(crate) fn unsigned(value: u64, out: &mut Buffer) {
    if let Some(space) = out.claim(digit_count(value)) {
        write_digits(value, space);
    }
}

/// Appends a signed integer.
#[inline]
pub(crate) fn signed(value: i64, out: &mut Buffer) {
    if value < 0 {
        out.push(b'-');
    }
    unsigned(value.unsigned_abs(), out);
}

/// Appends an integer of any size.
pub(crate) fn integer(value: impl itoa::Integer, out: &mut Buffer) {
    out.push_str(itoa::Buffer::new().format(value));
}

#[inline]
fn digit_count(value: u64) -> usize {
    value.checked_ilog10().unwrap_or(0) as usize + 1
}

/// Fills `space` with the last digits of `value`.
#[inline]
#[allow(clippy::cast_possible_truncation)] // two digits, or one
fn write_digits(mut value: u64, space: &mut [u8]) {
    let (first, pairs) = space.as_rchunks_mut::<2>();
    for pair in pairs.iter_mut().rev() {
        let two = (value % 100) as u8;
        value /= 100;
        *pair = [b'0' + two / 10, b'0' + two % 10];
    }
    if let [first] = first {
        *first = b'0' + (value % 10) as u8;
    }
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
        Some(thousandths) => push_decimal::<3>(value < 0.0, thousandths, out),
        None => match scaled(size, 1e6) {
            Some(millionths) => push_decimal::<6>(value < 0.0, millionths, out),
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

/// Appends `digits` with a point before the last `PLACES` of them, without zeros at the end, but
/// with at least one digit on either side of the point.
#[inline]
fn push_decimal<const PLACES: u32>(negative: bool, digits: u64, out: &mut Buffer) {
    let scale = const { 10_u64.pow(PLACES) };
    let (whole, mut fraction, mut places) = (digits / scale, digits % scale, PLACES as usize);
    while places > 1 && fraction.is_multiple_of(10) {
        (fraction, places) = (fraction / 10, places - 1);
    }
    let (sign, length) = (usize::from(negative), digit_count(whole));
    let Some(space) = out.claim(sign + length + 1 + places) else { return };
    if let Some(minus) = space.first_mut() {
        *minus = b'-'; // without one, the first digit comes here
    }
    write_digits(whole, &mut space[sign..sign + length]);
    space[sign + length] = b'.';
    write_digits(fraction, &mut space[sign + length + 1..]);
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
