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

/// The longest integer of 64 bits has 20 digits; they are written eight at a time.
pub(crate) const ROOM: usize = 24;

/// Appends an unsigned integer, its digits straight to where they go: by way of the stack they
/// would be read wider than they were written, for which the CPU waits.
#[inline]
pub(crate) fn unsigned(value: u64, out: &mut Buffer) {
    if let Some(space) = out.window::<ROOM>() {
        let count = write_integer(value, space);
        out.advance(count);
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

/// Writes `value`, and returns how many digits that are. What lies behind them is overwritten, too.
#[inline(never)] // as below
pub(crate) fn write_integer(value: u64, space: &mut [u8; ROOM]) -> usize {
    const BLOCK: u64 = 100_000_000;
    if value < BLOCK {
        return write_first(value, space, 0);
    }
    let (upper, lower) = (value / BLOCK, value % BLOCK);
    let at = if upper < BLOCK {
        write_first(upper, space, 0)
    } else {
        let at = write_first(upper / BLOCK, space, 0);
        write_block(upper % BLOCK, space, at);
        at + 8
    };
    write_block(lower, space, at);
    at + 8
}

/// Writes less than 10^8 without zeros in front.
#[inline]
fn write_first(value: u64, space: &mut [u8], at: usize) -> usize {
    let digits = eight_digits(value);
    // The last digit is there even when it is zero.
    let zeros = (digits | (1 << 56)).trailing_zeros() / 8;
    put(ASCII_ZEROS | (digits >> (8 * zeros)), space, at);
    8 - zeros as usize
}

/// Writes less than 10^8 as eight digits.
#[inline]
fn write_block(value: u64, space: &mut [u8], at: usize) {
    put(ascii_digits(value), space, at);
}

#[inline]
fn put(text: u64, space: &mut [u8], at: usize) {
    if let Some(space) = space.get_mut(at..at + 8) {
        space.copy_from_slice(&text.to_le_bytes());
    }
}

const ASCII_ZEROS: u64 = u64::from_ne_bytes([b'0'; 8]);

/// Less than 10^8 as eight ASCII digits, the first in the lowest byte.
#[inline]
pub(crate) fn ascii_digits(value: u64) -> u64 {
    ASCII_ZEROS | eight_digits(value)
}

/// The decimal digits of less than 10^8, one to a byte, the first in the lowest one. All at once: the
/// word is split into numbers of four digits, then of two, then of one, and each division is a
/// multiplication that is exact for numbers of this size.
#[inline]
fn eight_digits(value: u64) -> u64 {
    let fours = (value / 10_000) | ((value % 10_000) << 32);
    let hundreds = ((fours * 5_243) >> 19) & 0x0000_007f_0000_007f;
    let twos = hundreds | ((fours - hundreds * 100) << 16);
    let tens = ((twos * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | ((twos - tens * 10) << 8)
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
    let count = out.window().and_then(|space| write_short_decimal(value, space));
    count.inspect(|count| out.advance(*count)).is_some()
}

/// The same; returns how many bytes that are.
#[inline(never)] // its registers are better used around it
pub(crate) fn write_short_decimal(value: f64, space: &mut [u8; DECIMAL_ROOM]) -> Option<usize> {
    let size = value.abs();
    if !(1e-5..1e12).contains(&size) {
        return None;
    }
    match scaled(size, 1e3) {
        Some(thousandths) => write_decimal::<3>(value < 0.0, thousandths, space),
        None => write_decimal::<6>(value < 0.0, scaled(size, 1e6)?, space),
    }
}

const DECIMAL_ROOM: usize = 1 + ROOM + 1 + 8;

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

/// Writes `digits`, fewer than 16, with a point before the last `PLACES` of them, without zeros at the
/// end, but with at least one digit on either side of the point.
#[inline]
fn write_decimal<const PLACES: u32>(
    negative: bool,
    digits: u64,
    space: &mut [u8; DECIMAL_ROOM],
) -> Option<usize> {
    let scale = const { 10_u64.pow(PLACES) };
    let (whole, fraction) = (digits / scale, digits % scale);
    // Without a minus the first digit comes in its place.
    space[0] = b'-';
    let sign = usize::from(negative);
    let point = sign + write_integer(whole, space.get_mut(sign..)?.first_chunk_mut()?);
    let decimals = eight_digits(fraction * const { 10_u64.pow(8 - PLACES) });
    let count = 8 - ((decimals | 1).leading_zeros() / 8) as usize;
    let [place, space @ ..] = space.get_mut(point..)? else { return None };
    *place = b'.';
    put(ASCII_ZEROS | decimals, space, 0);
    Some(point + 1 + count)
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
