//! The bytes of a ring file: the one place that knows where what lies.
//!
//! A file is a head of 64 KiB and pieces behind it, which a table in the head lists. All is words
//! of 64 bits in the byte order of its machine.
//!
//! | part | what |
//! | --- | --- |
//! | head | who made it, the clock, the table of pieces, one [intent](INTENTS) for each file, entries |
//! | [`LANES`] | for each lane: `published`, `consumed`, how far each file has it, whose it is |
//! | [`SEGMENTS`] | the lanes' segments; each says at its start whose it is |
//! | [`ENTRIES`] | more entries: call sites, files, fields of all records |
//!
//! A word that counts moves after what it counts is there, so that whoever reads the file of a
//! killed process finds everything before it whole. Damage that is no such end is found by checks.

use crate::lane::pool::{CHUNK_SEGMENTS, SEGMENT_BYTES};
use crate::lane::words::Words;

/// Pieces begin and end at multiples of this, which is a multiple of all systems' pages.
pub(super) const UNIT: u64 = crate::sys::mapping::OFFSET_UNIT;
pub(super) const HEAD_BYTES: usize = 64 << 10;
const _: () = assert!(HEAD_BYTES as u64 == UNIT);
pub(super) const CHUNK_BYTES: usize = CHUNK_SEGMENTS as usize * SEGMENT_BYTES;
/// As much as one piece of entries, if no entry needs more.
pub(super) const ENTRIES_BYTES: usize = HEAD_BYTES;
/// Enough for 256 lanes of a logger with one file.
pub(super) const LANES_BYTES: usize = 4 * HEAD_BYTES;

pub(super) const MAGIC: u64 = u64::from_ne_bytes(*b"nexlog\0R");
/// Another number where the bytes of a word lie in another order.
pub(super) const ORDER_MARK: u64 = 0x0102_0304_0506_0708;
pub(super) const VERSION: u64 = 2;

/// Places of words in the head.
pub(super) mod head {
    pub const MAGIC: usize = 0;
    pub const ORDER_MARK: usize = 1;
    pub const VERSION: usize = 2;
    pub const PROCESS: usize = 3;
    /// Nanoseconds since 1970.
    pub const STARTED: usize = 4;
    pub const LANE_BYTES: usize = 5;
    pub const FILES: usize = 6;
    pub const SEGMENT_BYTES: usize = 7;
    /// Of all the words before it.
    pub const CHECK: usize = 8;
    /// How many places of the table are taken.
    pub const PIECES: usize = 16;
    /// How many entries there are.
    pub const ENTRIES: usize = 17;
    /// Which of the two clocks is the newer one: its lowest bit.
    pub const CLOCK: usize = 18;
    /// Twice: ticks, wall time in nanoseconds (two words), nanoseconds a tick (`f64`).
    pub const CLOCKS: usize = 32;
    pub const TABLE: usize = 64;
}

/// Words of a clock.
pub(super) const CLOCK_WORDS: usize = 4;
/// Places in the table.
pub(super) const MAX_PIECES: usize = 2048;
/// Where the intents begin, one for each file.
pub(super) const INTENTS: usize = 2112;
/// Words of an intent.
pub(super) const INTENT_WORDS: usize = 24;
/// Where the entries begin that lie in the head.
pub(super) const HEAD_ENTRIES: usize = 4096;
const _: () = assert!(head::TABLE + MAX_PIECES <= INTENTS);
const _: () =
    assert!(INTENTS + crate::pipeline::output::Outputs::MAX * INTENT_WORDS <= HEAD_ENTRIES);

/// Places of words in an intent: a batch of this file that is being written.
pub(super) mod intent {
    /// Whether the rest counts.
    pub const STATE: usize = 0;
    pub const DEVICE: usize = 1;
    pub const INODE: usize = 2;
    /// Where in the file the batch begins.
    pub const OFFSET: usize = 3;
    pub const BYTES: usize = 4;
    /// The batch's first bytes, or all: [`SAMPLE_BYTES`](super::SAMPLE_BYTES).
    pub const HEAD: usize = 5;
    /// The last ones, as many.
    pub const TAIL: usize = HEAD + super::SAMPLE_BYTES / 8;
    /// Of the format's key the digest: a recovery may write in another one than the file was in.
    pub const FORMAT: usize = TAIL + super::SAMPLE_BYTES / 8;
    /// Of the words from `DEVICE` to here.
    pub const CHECK: usize = FORMAT + 1;

    /// Nothing is being written.
    pub const NONE: u64 = 0;
    /// It is being written.
    pub const OPEN: u64 = 1;
    /// What is to be done of it was done, and is about to be noted.
    pub const SETTLED: u64 = 2;
}

/// Of a batch's beginning and of its end, what is kept in an intent at most. A record begins with
/// its time, so that two that end alike are told from each other.
pub(super) const SAMPLE_BYTES: usize = 64;
const _: () = assert!(intent::CHECK < INTENT_WORDS);

/// Kinds of pieces.
pub(super) const LANES: u64 = 1;
pub(super) const SEGMENTS: u64 = 2;
pub(super) const ENTRIES: u64 = 3;

/// A place of the table: the kind, a number (of lanes, which; of entries, how many units), and
/// where, in units.
pub(super) const fn piece(kind: u64, number: u64, unit: u64) -> u64 {
    kind << 56 | number << 32 | unit
}

/// The kind, the number, and where in the file.
pub(super) const fn piece_parts(word: u64) -> (u64, u64, u64) {
    (word >> 56, word >> 32 & 0xff_ffff, (word & 0xffff_ffff) * UNIT)
}

/// How a lane's words lie, where there are so many files.
#[derive(Clone, Copy, Debug)]
pub(super) struct LaneShape {
    /// Bytes of one: a power of two, as a division would cost more than all else that is noted.
    pub bytes: usize,
    /// Of the number of those in a piece, the logarithm.
    pub piece_bits: u32,
}

/// Bytes of the name of a lane's thread.
pub(super) const NAME_BYTES: usize = 240;
const THREAD_BYTES: usize = 16 + NAME_BYTES;

impl LaneShape {
    pub(super) const PUBLISHED: usize = 0;
    pub(super) const CONSUMED: usize = Words::CONSUMED_AT / 8;

    pub(super) const fn of(files: usize) -> LaneShape {
        let bytes = Words::BYTES + (16 * files).next_multiple_of(128) + THREAD_BYTES;
        let bytes = bytes.next_power_of_two();
        LaneShape { bytes, piece_bits: (LANES_BYTES / bytes).ilog2() }
    }

    /// How many there are in a piece.
    pub(super) const fn in_piece(self) -> usize {
        1 << self.piece_bits
    }

    /// The piece that a lane is in, and its place there.
    pub(super) const fn place(self, lane: usize) -> (usize, usize) {
        (lane >> self.piece_bits, lane & (self.in_piece() - 1))
    }

    /// Up to where this file has the lane, and behind it up to where it will have it once its
    /// intent is done.
    pub(super) const fn done(file: usize) -> usize {
        Words::BYTES / 8 + 2 * file
    }

    /// The thread's number, the length of its name, and the name.
    pub(super) const fn thread(self) -> usize {
        (self.bytes - THREAD_BYTES) / 8
    }
}

/// Kinds of entries.
pub(super) mod entry {
    /// A call site: its address, level and line; the text is its description.
    pub const SITE: u64 = 1;
    /// The path of the file of this number.
    pub const PATH: u64 = 2;
    /// What makes its format equal to another one.
    pub const FORMAT: u64 = 3;
    /// Its own filter.
    pub const FILTER: u64 = 4;
    /// The fields that all records have.
    pub const COMMON: u64 = 5;
    /// The permissions of the file of this number.
    pub const MODE: u64 = 6;
    /// Which fields are hidden by their keys.
    pub const REDACTION: u64 = 7;
}

/// Words before an entry's text: kind, level and length; number; line; check.
pub(super) const ENTRY_HEAD: usize = 4;

/// An entry without its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EntryHead {
    pub kind: u64,
    pub level: u8,
    pub bytes: usize,
    pub number: u64,
    pub line: u32,
}

impl EntryHead {
    /// Its words, but for the check.
    pub(super) const fn words(self) -> [u64; 3] {
        [
            self.kind << 56 | (self.level as u64) << 48 | self.bytes as u64,
            self.number,
            self.line as u64,
        ]
    }

    #[allow(clippy::cast_possible_truncation)] // taken apart
    pub(super) const fn from_words(words: [u64; 3]) -> EntryHead {
        EntryHead {
            kind: words[0] >> 56,
            level: (words[0] >> 48) as u8,
            bytes: (words[0] & 0xffff_ffff_ffff) as usize,
            number: words[1],
            line: words[2] as u32,
        }
    }

    /// Words with its text.
    pub(super) const fn all_words(self) -> usize {
        ENTRY_HEAD + self.bytes.div_ceil(8)
    }
}

/// Another number for other words, mostly. The product alone would not do: its top bit is that of the
/// word, so that one flipped bit there and one in the next word would cancel each other.
pub(super) fn digest(words: impl IntoIterator<Item = u64>) -> u64 {
    words.into_iter().fold(0x6e65_786c_6f67, |sum: u64, word| {
        let product = (sum.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        product ^ (product >> 29)
    })
}

/// The check of an intent: each batch has one, so it is less than `digest`. Every flipped bit
/// changes it.
pub(super) fn intent_check(words: &[u64]) -> u64 {
    words.iter().fold(0, |sum: u64, word| sum.rotate_left(7) ^ word)
}

/// What tells a format's key from others; 0 for a format of the program's own.
pub(super) fn format_digest(key: &str) -> u64 {
    if key.is_empty() { 0 } else { digest(text_words(key.as_bytes())).max(1) }
}

/// In the entry of a file's permissions: it is written through memory.
pub(super) const IS_MAPPED: u32 = 1 << 31;
/// There, too: it may lack records that its filter wants, as they came again or were not sampled.
pub(super) const LEAVES_OUT: u32 = 1 << 30;

/// The words of a text, the last one filled up with zeros.
pub(super) fn text_words(text: &[u8]) -> impl Iterator<Item = u64> + '_ {
    text.chunks(8).map(|chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_ne_bytes(word)
    })
}
