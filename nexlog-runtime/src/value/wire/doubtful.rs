//! Values that somebody else may have made or damaged.

use super::tag;

/// How deep values may lie in each other where they come from a file.
const MAX_DEPTH: u32 = 200;

/// Values that somebody else may have made or damaged, gone over without being trusted.
#[derive(Clone, Copy)]
pub struct Doubtful<'a> {
    rest: &'a [u8],
}

impl<'a> Doubtful<'a> {
    pub const fn new(bytes: &'a [u8]) -> Doubtful<'a> {
        Doubtful { rest: bytes }
    }

    /// How many bytes were not gone over.
    pub const fn left(&self) -> usize {
        self.rest.len()
    }

    /// Goes over the next value. Its tag, if it is one that this module's writers make.
    pub fn next_value(&mut self) -> Option<u8> {
        self.value(0)
    }

    fn value(&mut self, depth: u32) -> Option<u8> {
        let [tag] = self.fixed()?;
        let is_sound = match tag {
            tag::NULL | tag::FALSE | tag::TRUE | tag::SECRET => true,
            tag::U8 | tag::I8 => self.skip(1),
            tag::U16 | tag::I16 => self.skip(2),
            tag::U32 | tag::I32 | tag::F32 | tag::IPV4 => self.skip(4),
            tag::U64 | tag::I64 | tag::F64 => self.skip(8),
            tag::U128 | tag::I128 | tag::IPV6 => self.skip(16),
            tag::SOCKET_V4 => self.skip(6),
            tag::SOCKET_V6 => self.skip(26),
            tag::CHAR => char::from_u32(u32::from_ne_bytes(self.fixed()?)).is_some(),
            tag::STR => core::str::from_utf8(self.sized()?).is_ok(),
            tag::OS | tag::BYTES | tag::HIDDEN => self.sized().is_some(),
            tag::HIDDEN_FIXED.. => self.skip(usize::from(tag - tag::HIDDEN_FIXED)),
            tag::DURATION | tag::TIME => {
                self.skip(8) && u32::from_ne_bytes(self.fixed()?) < 1_000_000_000
            }
            tag::ERROR | tag::LIST | tag::MAP if depth < MAX_DEPTH => {
                let mut inside = Doubtful { rest: self.sized()? };
                inside.all(tag, depth + 1)
            }
            _ => false,
        };
        is_sound.then_some(tag)
    }

    /// Whether the rest is values as a list, map or error has them.
    fn all(&mut self, of: u8, depth: u32) -> bool {
        let mut number = 0_usize;
        while !self.rest.is_empty() {
            let is_text = of == tag::ERROR || (of == tag::MAP && number.is_multiple_of(2));
            match self.value(depth) {
                Some(tag) if !is_text || tag == tag::STR => number += 1,
                _ => return false,
            }
        }
        of != tag::MAP || number.is_multiple_of(2)
    }

    fn skip(&mut self, count: usize) -> bool {
        let rest = self.rest.get(count..);
        self.rest = rest.unwrap_or(&[]);
        rest.is_some()
    }

    fn fixed<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*head)
    }

    fn sized(&mut self) -> Option<&'a [u8]> {
        let len = u32::from_ne_bytes(self.fixed()?) as usize;
        let (head, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(head)
    }
}
