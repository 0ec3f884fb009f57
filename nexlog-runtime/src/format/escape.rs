//! Escaping: no byte of a user's text may end a line, close a string or steer a terminal.
//!
//! Three sets of [`Rules`] share one scanner. All of them replace control characters (C0, DEL,
//! C1), U+2028 and U+2029, and the bidirectional controls; the quoted ones replace `"` and `\`
//! too. Bare text keeps its backslashes, so that `C:\new` reads as it was written; who must tell
//! `\n` from a line feed reads a quoted value or JSON.
//!
//! Nearly all text is clean ASCII, so the fast path copies and checks 16 bytes at a time and
//! gives up at the first doubt. The slow path copies clean runs, found eight bytes at a time in
//! ASCII and by a table elsewhere: of the bytes from 0x80 on, only three can begin a character
//! that is replaced.

use core::fmt::{self, Write};
use core::marker::PhantomData;

use crate::buffer::Buffer;

#[cfg(test)]
mod tests;

/// Which characters are replaced, and by what.
pub(crate) trait Rules {
    /// Whether `"` and `\` are replaced.
    const QUOTED: bool;

    /// Writes what stands for `special`.
    fn replace(special: char, out: &mut impl Write) -> fmt::Result;
}

/// Inside a JSON string.
pub(crate) struct JsonString;

/// Text without quotes around it: messages, targets, names.
pub(crate) struct BareText;

/// Messages that may have several lines: each line feed begins a line that is indented.
pub(crate) struct SpreadText;

/// Text between double quotes in a text line.
pub(crate) struct QuotedText;

impl Rules for JsonString {
    const QUOTED: bool = true;

    fn replace(special: char, out: &mut impl Write) -> fmt::Result {
        match special {
            '\u{8}' => out.write_str("\\b"),
            '\u{c}' => out.write_str("\\f"),
            // No special character lies outside the basic plane: one unit is enough.
            _ => match short(special) {
                Some(text) => out.write_str(text),
                None => write!(out, "\\u{:04x}", u32::from(special)),
            },
        }
    }
}

impl Rules for BareText {
    const QUOTED: bool = false;

    fn replace(special: char, out: &mut impl Write) -> fmt::Result {
        match short(special) {
            Some(text) => out.write_str(text),
            None => write!(out, "{}", special.escape_unicode()),
        }
    }
}

impl Rules for SpreadText {
    const QUOTED: bool = false;

    fn replace(special: char, out: &mut impl Write) -> fmt::Result {
        match special {
            '\n' => out.write_str("\n    "),
            _ => BareText::replace(special, out),
        }
    }
}

impl Rules for QuotedText {
    const QUOTED: bool = true;

    fn replace(special: char, out: &mut impl Write) -> fmt::Result {
        BareText::replace(special, out)
    }
}

/// The spellings that all rules share.
fn short(special: char) -> Option<&'static str> {
    Some(match special {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        _ => return None,
    })
}

/// Appends `text` with the rules' replacements.
#[inline]
pub(crate) fn escape<R: Rules>(text: &str, out: &mut Buffer) {
    let before = out.len();
    let Some(space) = out.claim(text.len()) else { return };
    if !copy_clean::<R>(text.as_bytes(), space) {
        out.rewind(before);
        // A buffer takes everything; what it has no room for it counts itself.
        let _ = escape_runs::<R>(text, out);
    }
}

/// Appends `text` with the rules' replacements, between double quotes.
#[inline]
pub(crate) fn quote<R: Rules>(text: &str, out: &mut Buffer) {
    let before = out.len();
    let Some([first, space @ .., last]) = out.claim(text.len() + 2) else { return };
    (*first, *last) = (b'"', b'"');
    if !copy_clean::<R>(text.as_bytes(), space) {
        out.rewind(before + 1);
        // A buffer takes everything; what it has no room for it counts itself.
        let _ = escape_runs::<R>(text, out);
        out.push(b'"');
    }
}

/// Writes `text` with the rules' replacements, in runs that are as long as possible.
#[inline(never)]
pub(crate) fn escape_runs<R: Rules>(text: &str, out: &mut impl Write) -> fmt::Result {
    let mut rest = text;
    loop {
        let clean = clean_prefix::<R>(rest.as_bytes());
        let (run, behind) = rest.split_at(clean);
        out.write_str(run)?;
        let mut chars = behind.chars();
        let Some(special) = chars.next() else { return Ok(()) };
        R::replace(special, out)?;
        rest = chars.as_str();
    }
}

/// Text that need not be UTF-8, in valid pieces: each maximal invalid part is one U+FFFD.
pub(crate) fn lossy(bytes: &[u8]) -> impl Iterator<Item = &str> {
    bytes.utf8_chunks().flat_map(|chunk| {
        let replacement = if chunk.invalid().is_empty() { "" } else { "\u{fffd}" };
        [chunk.valid(), replacement]
    })
}

/// A `fmt::Write` that escapes on the way into a buffer.
pub(crate) struct Escaped<'a, R> {
    out: &'a mut Buffer,
    rules: PhantomData<R>,
}

impl<'a, R: Rules> Escaped<'a, R> {
    pub(crate) fn new(out: &'a mut Buffer) -> Self {
        Escaped { out, rules: PhantomData }
    }
}

impl<R: Rules> Write for Escaped<'_, R> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        escape::<R>(text, self.out);
        Ok(())
    }
}

/// Copies `text` into `space`, which is as long; `false` at the first byte that is not plain
/// ASCII, with the rest of `space` unspecified.
#[inline]
pub(crate) fn copy_clean<R: Rules>(text: &[u8], space: &mut [u8]) -> bool {
    if text.len() < 16 {
        return copy_clean_short::<R>(text, space);
    }
    let (chunks, _) = text.as_chunks::<16>();
    let (spaces, _) = space.as_chunks_mut::<16>();
    for (chunk, space) in chunks.iter().zip(spaces) {
        if !is_clean::<R, 16>(chunk) {
            return false;
        }
        *space = *chunk;
    }
    // The tail, together with bytes before it that were found clean already.
    let (Some(tail), Some(space)) = (text.last_chunk::<16>(), space.last_chunk_mut::<16>()) else {
        return false;
    };
    *space = *tail;
    is_clean::<R, 16>(tail)
}

/// `copy_clean` for less than 16 bytes: two overlapping words.
#[inline]
fn copy_clean_short<R: Rules>(text: &[u8], space: &mut [u8]) -> bool {
    fn both<const N: usize>(text: &[u8], space: &mut [u8]) -> Option<[[u8; N]; 2]> {
        let (head, tail) = (text.first_chunk::<N>()?, text.last_chunk::<N>()?);
        *space.first_chunk_mut()? = *head;
        *space.last_chunk_mut()? = *tail;
        Some([*head, *tail])
    }
    let hits = if let Some([head, tail]) = both::<8>(text, space) {
        hits::<R>(u64::from_le_bytes(head)) | hits::<R>(u64::from_le_bytes(tail))
    } else if let Some([head, tail]) = both::<4>(text, space) {
        let halves = [head, tail].map(|half| u64::from(u32::from_le_bytes(half)));
        hits::<R>(halves[0] | (halves[1] << 32))
    } else {
        let is_clean = text.iter().zip(space).all(|(byte, space)| {
            *space = *byte;
            is_clean::<R, 1>(&[*byte])
        });
        u64::from(!is_clean)
    };
    hits == 0
}

/// Whether all bytes are ASCII that is copied as it is. Without early exit, so that the
/// compiler makes vector compares of it.
#[inline(always)]
#[allow(clippy::inline_always)] // as a call it takes longer than the copy
#[allow(clippy::needless_bitwise_bool)] // branches would keep it from being vectors
fn is_clean<R: Rules, const N: usize>(chunk: &[u8; N]) -> bool {
    let mut hits = false;
    for &byte in chunk {
        // One comparison for everything below 0x20 and from 0x7f on.
        hits |= byte.wrapping_sub(0x20) >= 0x5f;
        hits |= R::QUOTED & ((byte == b'"') | (byte == b'\\'));
    }
    !hits
}

/// The length of the longest prefix without a special character.
fn clean_prefix<R: Rules>(text: &[u8]) -> usize {
    let mut at = 0;
    loop {
        at += plain_ascii_prefix::<R>(&text[at..]);
        // Here is a special byte, a byte from 0x80 on, or one of the last seven bytes.
        match text[at..].first() {
            None => return at,
            Some(&byte) if byte.is_ascii() => {
                if !is_clean::<R, 1>(&[byte]) {
                    return at;
                }
                at += 1;
            }
            Some(_) => match foreign_prefix(&text[at..]) {
                0 => return at,
                length => at += length,
            },
        }
    }
}

/// How many bytes in front are surely clean ASCII, looking at whole words only.
fn plain_ascii_prefix<R: Rules>(text: &[u8]) -> usize {
    let (words, _) = text.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        let hits = hits::<R>(u64::from_le_bytes(*word));
        if hits != 0 {
            return number * 8 + hits.trailing_zeros() as usize / 8;
        }
    }
    words.len() * 8
}

/// The high bit of each byte of `word` that is not clean ASCII. A borrow may set bits above the
/// first hit; the lowest is always right.
#[inline]
fn hits<R: Rules>(word: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let zero_bytes = |word: u64| word.wrapping_sub(ONES) & !word;
    let same = |byte: u8| zero_bytes(word ^ (ONES * u64::from(byte)));
    let mut hits = word | (word.wrapping_sub(ONES * 0x20) & !word) | same(0x7f);
    if R::QUOTED {
        hits |= same(b'"') | same(b'\\');
    }
    hits & HIGH
}

/// How many bytes in front belong to clean characters outside ASCII.
fn foreign_prefix(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            0..=0x7f => break,
            0xc2 | 0xd8 | 0xe2 if begins_special(&text[at..]) => break,
            _ => at += 1,
        }
    }
    at
}

/// Whether the text begins with a special character outside ASCII: U+0080 to U+009F are C2 80
/// to C2 9F, U+061C is D8 9C, the others are E2 80 xx and E2 81 xx.
fn begins_special(text: &[u8]) -> bool {
    matches!(
        text,
        [0xc2, 0x80..=0x9f, ..]
            | [0xd8, 0x9c, ..]
            | [0xe2, 0x80, 0x8e | 0x8f | 0xa8..=0xae, ..]
            | [0xe2, 0x81, 0xa6..=0xa9, ..]
    )
}
