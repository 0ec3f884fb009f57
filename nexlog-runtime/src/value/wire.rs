//! How a value and a record lie in memory: the only file that knows their bytes.
//!
//! A value is a tag byte and its payload, unaligned, native endianness. Text and bytes have a
//! u32 length before them; a list or map has the u32 length in bytes of what it holds. A record
//! is a [`Header`] of 24 bytes, then one value for each slot of its call site, padded to 8.
//! Tag before payload costs one more store a field than all tags in one word, which hides
//! behind the clock's read, and lets nested and top-level values share one reader.
//!
//! Readers never trust lengths: every step is bounds-checked and ends in `None`. What they do
//! trust ([`Trusted`]) is that text is UTF-8 and scalars are valid, because only this module's
//! writers made the bytes.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use core::time::Duration;

use super::view::{ErrorRef, List, Map, Timestamp, ValueRef};
use crate::site::callsite::Site;

mod doubtful;
mod hide;

pub use doubtful::Doubtful;
pub(crate) use hide::{Inside, hide, inside, split_value, text_of};

/// Tags. A value of tag `t` never changes its number: mapped lanes outlive their process.
pub mod tag {
    pub const NULL: u8 = 0;
    pub const FALSE: u8 = 1;
    pub const TRUE: u8 = 2;
    pub const U8: u8 = 3;
    pub const U16: u8 = 4;
    pub const U32: u8 = 5;
    pub const U64: u8 = 6;
    pub const U128: u8 = 7;
    pub const I8: u8 = 8;
    pub const I16: u8 = 9;
    pub const I32: u8 = 10;
    pub const I64: u8 = 11;
    pub const I128: u8 = 12;
    pub const F32: u8 = 13;
    pub const F64: u8 = 14;
    pub const CHAR: u8 = 15;
    pub const STR: u8 = 16;
    pub const OS: u8 = 17;
    pub const BYTES: u8 = 18;
    pub const DURATION: u8 = 19;
    pub const TIME: u8 = 20;
    pub const IPV4: u8 = 21;
    pub const IPV6: u8 = 22;
    pub const SOCKET_V4: u8 = 23;
    pub const SOCKET_V6: u8 = 24;
    pub const SECRET: u8 = 25;
    pub const ERROR: u8 = 26;
    pub const LIST: u8 = 27;
    pub const MAP: u8 = 28;
    /// Was text, bytes, a list, map or error: a length, and so many zeros. A secret.
    pub const HIDDEN: u8 = 29;
    /// Was a scalar: this tag plus how many zeros follow. A secret.
    pub const HIDDEN_FIXED: u8 = 0x80;
}

/// Bytes of a [`Header`].
pub const HEADER_BYTES: usize = 24;

/// Bytes between the header of a [`Kind::Frame`] and its values: the frame's number, a native
/// u64, and the span's W3C id.
pub const FRAME_ID_BYTES: usize = 16;

/// What a record's bytes are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A user's record.
    Record = 1,
    /// Ends a segment: the lane goes on in the next one.
    Pad = 2,
    /// Says which thread writes from here on: id (u64) and name (str).
    Thread = 3,
    /// The logger's own record.
    Own = 4,
    /// A scope or span that records behind it were made in: ids, then its values.
    Frame = 5,
    /// A record about a span: the logger's own, but for those who want it only.
    Span = 6,
    /// Begins a segment: which lane's it is (in place of the site), and the how-manieth of it (in
    /// place of the ticks).
    Segment = 7,
}

/// The start of a record: three words. The third has `bytes` in its lower half, then `frame`,
/// `level` and `kind`. Written as one word, and not field by field, a call takes 11.6 instead of
/// 14.3 ns. The upper 16 bits of the first one, which addresses leave free, are a check of all
/// three and of the place in the lane, for whoever reads what a dead process left.
#[derive(Clone, Copy)]
pub struct Header {
    /// The call site; null for `Pad` and `Thread`.
    pub site: *const Site,
    /// When, in clock ticks.
    pub ticks: u64,
    /// All bytes with this header, a multiple of 8.
    pub bytes: u32,
    /// How far back the frame of its context lies, in units of 8 bytes; 0 for none.
    pub frame: u16,
    /// The level's number, or [`Header::SITE_LEVEL`].
    pub level: u8,
    /// A [`Kind`], plus [`Header::HAS_TARGET`] and [`Header::HAS_EXTRA`].
    pub kind: u8,
}

const _: () = assert!(size_of::<[u64; 3]>() == HEADER_BYTES && size_of::<*const Site>() == 8);

impl Header {
    /// The level is the call site's.
    pub const SITE_LEVEL: u8 = 0xff;
    /// The first value is a text: the target, made at run time.
    pub const HAS_TARGET: u8 = 0x80;
    /// The last value is a map of fields that the call site does not know of.
    pub const HAS_EXTRA: u8 = 0x40;
    /// Both of them.
    pub const FLAGS: u8 = Self::HAS_TARGET | Self::HAS_EXTRA;
    /// Of the first word, what is the address.
    const SITE: u64 = (1 << 48) - 1;
    /// The place of records that lie in no lane.
    pub const NOWHERE: u64 = 0;

    /// What the record is for; `None` for a number nobody writes.
    pub fn kind(&self) -> Option<Kind> {
        match self.kind & !Self::FLAGS {
            1 => Some(Kind::Record),
            2 => Some(Kind::Pad),
            3 => Some(Kind::Thread),
            4 => Some(Kind::Own),
            5 => Some(Kind::Frame),
            6 => Some(Kind::Span),
            7 => Some(Kind::Segment),
            _ => None,
        }
    }

    /// Writes it at this place in a lane ([`Producer::place`](crate::lane::ring::Producer::place)).
    ///
    /// # Safety
    /// `at` is valid for writes of [`HEADER_BYTES`] and aligned to 8.
    #[inline]
    #[allow(clippy::cast_ptr_alignment)] // the caller's promise
    pub unsafe fn write(self, at: *mut u8, place: u64) {
        let parts = u64::from(self.bytes)
            | u64::from(self.frame) << 32
            | u64::from(self.level) << 48
            | u64::from(self.kind) << 56;
        let site = self.site.expose_provenance() as u64;
        // SAFETY: by the caller's promise; the sizes are asserted above.
        unsafe {
            at.cast::<u64>().write(site | check([site, self.ticks, parts, place]));
            at.add(8).cast::<u64>().write(self.ticks);
            at.add(16).cast::<u64>().write(parts);
        }
    }

    /// Reads one.
    ///
    /// # Safety
    /// `at` is valid for reads of [`HEADER_BYTES`], aligned to 8, and was written by
    /// [`Header::write`] or copied from such bytes.
    #[inline]
    #[allow(clippy::cast_ptr_alignment)] // aligned
    pub unsafe fn read(at: *const u8) -> Header {
        // SAFETY: by the caller's promise.
        Header::from_words(unsafe { at.cast::<[u64; 3]>().read() })
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)] // taken apart
    fn from_words([site, ticks, parts]: [u64; 3]) -> Header {
        Header {
            site: core::ptr::with_exposed_provenance((site & Self::SITE) as usize),
            ticks,
            bytes: parts as u32,
            frame: (parts >> 32) as u16,
            level: (parts >> 48) as u8,
            kind: (parts >> 56) as u8,
        }
    }

    /// The header that these words are, if it was written at this place. The site is that of the
    /// process that wrote it: an address, and nothing behind it.
    pub fn checked(words: [u64; 3], place: u64) -> Option<Header> {
        let [site, ticks, parts] = words;
        let address = site & Self::SITE;
        (address | check([address, ticks, parts, place]) == site).then(|| Header::from_words(words))
    }

    /// Writes it at the start of `bytes`, if there is space for it at an address that suits.
    pub fn put(self, bytes: &mut [u8]) {
        let at = bytes.as_mut_ptr();
        if bytes.len() >= HEADER_BYTES && at.addr().is_multiple_of(align_of::<Header>()) {
            // SAFETY: just checked.
            unsafe { self.write(at, Self::NOWHERE) }
        }
    }
}

/// In the upper 16 bits, something that every flipped bit of these words changes: whatever 16 bits
/// of the factor a bit is multiplied by are neither all 0 nor all 1.
#[inline(always)]
fn check([site, ticks, parts, place]: [u64; 4]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    (site ^ ticks ^ parts ^ place).wrapping_mul(FACTOR) & !Header::SITE
}

/// Rounds a record's size up to the alignment of headers.
#[inline]
pub const fn padded(bytes: usize) -> usize {
    (bytes + 7) & !7
}

/// Writes a tag and a fixed payload; returns the address behind them.
///
/// # Safety
/// `at` is valid for writes of `1 + N` bytes.
#[inline]
pub unsafe fn put<const N: usize>(at: *mut u8, tag: u8, payload: [u8; N]) -> *mut u8 {
    // SAFETY: by the caller's promise, `[at, at + 1 + N)` is writable; `[u8; N]` has alignment 1.
    unsafe {
        at.write(tag);
        at.add(1).cast::<[u8; N]>().write(payload);
        at.add(1 + N)
    }
}

/// Writes a tag, a u32 length and the bytes; returns the address behind them.
///
/// # Safety
/// `at` is valid for writes of `5 + bytes.len()` bytes that do not overlap `bytes`, and
/// `bytes.len()` fits in a u32.
#[inline]
#[allow(clippy::cast_possible_truncation)] // the caller's promise
pub unsafe fn put_bytes(at: *mut u8, tag: u8, bytes: &[u8]) -> *mut u8 {
    // SAFETY: by the caller's promise.
    unsafe {
        let body = put(at, tag, (bytes.len() as u32).to_ne_bytes());
        core::ptr::copy_nonoverlapping(bytes.as_ptr(), body, bytes.len());
        body.add(bytes.len())
    }
}

/// What [`Trusted::visit`] gives a value to; each may decline by `false`. Nulls are not shown.
pub(crate) trait Visitor<'a> {
    fn unsigned(self, value: u64) -> bool;
    fn signed(self, value: i64) -> bool;
    fn float(self, value: f64) -> bool;
    fn bool(self, value: bool) -> bool;
    fn text(self, value: &'a str) -> bool;
}

/// What became of a value.
pub(crate) enum Visited {
    Done,
    /// It is still the next one.
    Declined,
    /// There is none.
    End,
}

/// Values that this module's writers made, read one after the other.
#[derive(Clone, Copy, Default)]
pub struct Trusted<'a> {
    bytes: &'a [u8],
}

impl<'a> Trusted<'a> {
    /// # Safety
    /// `bytes` were written by the writers of this crate: text is UTF-8 and chars are chars.
    #[inline]
    pub const unsafe fn new(bytes: &'a [u8]) -> Self {
        Trusted { bytes }
    }

    /// Of a test, which made them.
    #[cfg(test)]
    pub(super) const fn of_test(bytes: &'a [u8]) -> Self {
        // SAFETY: by an image.
        unsafe { Trusted::new(bytes) }
    }

    /// The bytes that the values not yet read lie in.
    #[inline]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The next value, or `None` at the end. Always inlined, so that an encoder gets the value
    /// in registers: put together in memory and read again at once, wider than it was written,
    /// each costs 7 ns more.
    #[inline(always)]
    #[allow(clippy::inline_always)]
    pub fn next_value(&mut self) -> Option<ValueRef<'a>> {
        let tag = self.fixed::<1>()?[0];
        Some(match tag {
            tag::FALSE => ValueRef::Bool(false),
            tag::TRUE => ValueRef::Bool(true),
            tag::U8 => ValueRef::U64(u64::from(self.fixed::<1>()?[0])),
            tag::U16 => ValueRef::U64(u64::from(u16::from_ne_bytes(self.fixed()?))),
            tag::U32 => ValueRef::U64(u64::from(u32::from_ne_bytes(self.fixed()?))),
            tag::U64 => ValueRef::U64(u64::from_ne_bytes(self.fixed()?)),
            tag::I8 => ValueRef::I64(i64::from(i8::from_ne_bytes(self.fixed()?))),
            tag::I16 => ValueRef::I64(i64::from(i16::from_ne_bytes(self.fixed()?))),
            tag::I32 => ValueRef::I64(i64::from(i32::from_ne_bytes(self.fixed()?))),
            tag::I64 => ValueRef::I64(i64::from_ne_bytes(self.fixed()?)),
            tag::F64 => ValueRef::F64(f64::from_ne_bytes(self.fixed()?)),
            tag::STR => ValueRef::Str(self.text()?),
            tag::NULL => ValueRef::Null,
            _ => return self.rare_value(tag),
        })
    }

    /// Hands the next value to a visitor. Faster than `next_value` and a `match`, as a value of the
    /// usual types is never put together in memory. What was declined is still the next one.
    #[inline(always)] // that is the point
    pub(crate) fn visit(&mut self, visitor: impl Visitor<'a>) -> Visited {
        let before = *self;
        let visited = match self.try_visit(visitor) {
            None => return Visited::End,
            Some(true) => return Visited::Done,
            Some(false) => Visited::Declined,
        };
        *self = before;
        visited
    }

    #[inline(always)]
    #[allow(clippy::diverging_sub_expression)] // arms that leave the `match` for a block around it
    fn try_visit(&mut self, visitor: impl Visitor<'a>) -> Option<bool> {
        let tag = self.fixed::<1>()?[0];
        // One arm for each width, and the visitor's code once.
        let unsigned = 'unsigned: {
            let signed = 'signed: {
                return Some(match tag {
                    tag::U8 => break 'unsigned u64::from(self.fixed::<1>()?[0]),
                    tag::U16 => break 'unsigned u64::from(u16::from_ne_bytes(self.fixed()?)),
                    tag::U32 => break 'unsigned u64::from(u32::from_ne_bytes(self.fixed()?)),
                    tag::U64 => break 'unsigned u64::from_ne_bytes(self.fixed()?),
                    tag::I8 => break 'signed i64::from(i8::from_ne_bytes(self.fixed()?)),
                    tag::I16 => break 'signed i64::from(i16::from_ne_bytes(self.fixed()?)),
                    tag::I32 => break 'signed i64::from(i32::from_ne_bytes(self.fixed()?)),
                    tag::I64 => break 'signed i64::from_ne_bytes(self.fixed()?),
                    tag::F64 => visitor.float(f64::from_ne_bytes(self.fixed()?)),
                    tag::STR => visitor.text(self.text()?),
                    tag::FALSE | tag::TRUE => visitor.bool(tag == tag::TRUE),
                    tag::NULL => true,
                    _ => false,
                });
            };
            return Some(visitor.signed(signed));
        };
        Some(visitor.unsigned(unsigned))
    }

    fn rare_value(&mut self, tag: u8) -> Option<ValueRef<'a>> {
        Some(match tag {
            tag::U128 => ValueRef::U128(u128::from_ne_bytes(self.fixed()?)),
            tag::I128 => ValueRef::I128(i128::from_ne_bytes(self.fixed()?)),
            tag::F32 => ValueRef::F32(f32::from_ne_bytes(self.fixed()?)),
            tag::CHAR => ValueRef::Char(char::from_u32(u32::from_ne_bytes(self.fixed()?))?),
            tag::OS => ValueRef::Os(self.bytes()?),
            tag::BYTES => ValueRef::Bytes(self.bytes()?),
            tag::DURATION => {
                let (seconds, nanos) =
                    (u64::from_ne_bytes(self.fixed()?), u32::from_ne_bytes(self.fixed()?));
                ValueRef::Duration(Duration::new(seconds, nanos.min(999_999_999)))
            }
            tag::TIME => ValueRef::Time(Timestamp {
                seconds: i64::from_ne_bytes(self.fixed()?),
                nanos: u32::from_ne_bytes(self.fixed()?),
            }),
            tag::IPV4 => ValueRef::Ip(IpAddr::V4(Ipv4Addr::from(self.fixed::<4>()?))),
            tag::IPV6 => ValueRef::Ip(IpAddr::V6(Ipv6Addr::from(self.fixed::<16>()?))),
            tag::SOCKET_V4 => ValueRef::Socket(SocketAddr::V4(SocketAddrV4::new(
                Ipv4Addr::from(self.fixed::<4>()?),
                u16::from_ne_bytes(self.fixed()?),
            ))),
            tag::SOCKET_V6 => ValueRef::Socket(SocketAddr::V6(SocketAddrV6::new(
                Ipv6Addr::from(self.fixed::<16>()?),
                u16::from_ne_bytes(self.fixed()?),
                u32::from_ne_bytes(self.fixed()?),
                u32::from_ne_bytes(self.fixed()?),
            ))),
            tag::SECRET => ValueRef::Secret,
            tag::ERROR => ValueRef::Error(ErrorRef { list: List { bytes: self.nested()? } }),
            tag::LIST => ValueRef::List(List { bytes: self.nested()? }),
            tag::MAP => ValueRef::Map(Map { bytes: self.nested()? }),
            tag::HIDDEN => {
                self.bytes()?;
                ValueRef::Secret
            }
            tag::HIDDEN_FIXED.. => {
                self.bytes = self.bytes.get(usize::from(tag - tag::HIDDEN_FIXED)..)?;
                ValueRef::Secret
            }
            _ => return None,
        })
    }

    #[inline]
    fn fixed<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.bytes.split_first_chunk::<N>()?;
        self.bytes = rest;
        Some(*head)
    }

    #[inline]
    fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = u32::from_ne_bytes(self.fixed()?) as usize;
        let (head, rest) = self.bytes.split_at_checked(len)?;
        self.bytes = rest;
        Some(head)
    }

    #[inline]
    fn text(&mut self) -> Option<&'a str> {
        let bytes = self.bytes()?;
        // SAFETY: `Trusted::new`'s caller promised that a text's bytes came from a `str`.
        Some(unsafe { core::str::from_utf8_unchecked(bytes) })
    }

    fn nested(&mut self) -> Option<Trusted<'a>> {
        self.bytes().map(|bytes| Trusted { bytes })
    }
}
