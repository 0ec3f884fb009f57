//! The read side of a value: what formats, sinks and tests see of a field.
//!
//! A [`ValueRef`] borrows from the record's bytes. Nested values are walked lazily; only
//! `wire` knows how they are laid out.

use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use super::wire;

/// One typed value of a record.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum ValueRef<'a> {
    /// A `None` inside a list or a map. (A field that is `None` is left out.)
    Null,
    /// A `bool`.
    Bool(bool),
    /// A signed integer of up to 64 bits.
    I64(i64),
    /// An unsigned integer of up to 64 bits.
    U64(u64),
    /// A signed integer of 128 bits.
    I128(i128),
    /// An unsigned integer of 128 bits.
    U128(u128),
    /// An `f32`, kept as such: its shortest form is not that of the `f64` it converts to.
    F32(f32),
    /// An `f64`.
    F64(f64),
    /// A `char`.
    Char(char),
    /// Text.
    Str(&'a str),
    /// Text that need not be UTF-8: a path.
    Os(&'a [u8]),
    /// Bytes, shown as hex.
    Bytes(&'a [u8]),
    /// A length of time.
    Duration(Duration),
    /// A point in time.
    Time(Timestamp),
    /// An IP address.
    Ip(IpAddr),
    /// An IP address and port.
    Socket(SocketAddr),
    /// A value that must not be shown.
    Secret,
    /// An error and its source chain.
    Error(ErrorRef<'a>),
    /// A sequence of values.
    List(List<'a>),
    /// Keys and values.
    Map(Map<'a>),
}

/// A point in time: seconds since 1970-01-01T00:00:00Z (negative before) and nanoseconds into
/// that second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// Whole seconds, rounded towards the past.
    pub seconds: i64,
    /// 0 to 999,999,999.
    pub nanos: u32,
}

impl Timestamp {
    /// From nanoseconds since 1970.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // rem_euclid is 0..10^9
    pub const fn from_unix_nanos(nanos: i128) -> Self {
        Timestamp {
            seconds: nanos.div_euclid(1_000_000_000) as i64,
            nanos: nanos.rem_euclid(1_000_000_000) as u32,
        }
    }

    /// Nanoseconds since 1970.
    #[allow(clippy::cast_lossless)] // `From` is not const
    pub const fn unix_nanos(self) -> i128 {
        self.seconds as i128 * 1_000_000_000 + self.nanos as i128
    }
}

impl From<std::time::SystemTime> for Timestamp {
    fn from(time: std::time::SystemTime) -> Self {
        match time.duration_since(std::time::UNIX_EPOCH) {
            Ok(after) => Timestamp {
                seconds: i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
                nanos: after.subsec_nanos(),
            },
            Err(before) => {
                let before = before.duration();
                let nanos = -i128::from(before.as_secs()) * 1_000_000_000
                    - i128::from(before.subsec_nanos());
                Timestamp::from_unix_nanos(nanos)
            }
        }
    }
}

/// A logged error: its message and those of its sources, outermost first.
#[derive(Clone, Copy)]
pub struct ErrorRef<'a> {
    pub(crate) list: List<'a>,
}

impl<'a> ErrorRef<'a> {
    /// The error's own `Display` text.
    pub fn message(&self) -> &'a str {
        self.texts().next().unwrap_or("")
    }

    /// The texts of its sources, nearest first; empty when it has none.
    pub fn chain(&self) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        self.texts().skip(1)
    }

    fn texts(&self) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        self.list.iter().map(|value| if let ValueRef::Str(text) = value { text } else { "" })
    }
}

impl PartialEq for ErrorRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.texts().eq(other.texts())
    }
}

impl fmt::Debug for ErrorRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.texts()).finish()
    }
}

/// A sequence of values.
#[derive(Clone, Copy)]
pub struct List<'a> {
    pub(crate) bytes: wire::Trusted<'a>,
}

impl<'a> List<'a> {
    /// Its values in order.
    pub fn iter(&self) -> ListIter<'a> {
        ListIter { rest: self.bytes }
    }
}

impl<'a> IntoIterator for List<'a> {
    type Item = ValueRef<'a>;
    type IntoIter = ListIter<'a>;

    fn into_iter(self) -> ListIter<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &List<'a> {
    type Item = ValueRef<'a>;
    type IntoIter = ListIter<'a>;

    fn into_iter(self) -> ListIter<'a> {
        self.iter()
    }
}

impl PartialEq for List<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// The values of a [`List`].
#[derive(Clone)]
pub struct ListIter<'a> {
    rest: wire::Trusted<'a>,
}

impl<'a> Iterator for ListIter<'a> {
    type Item = ValueRef<'a>;

    fn next(&mut self) -> Option<ValueRef<'a>> {
        self.rest.next_value()
    }
}

/// Keys and values, in the order they were written.
#[derive(Clone, Copy)]
pub struct Map<'a> {
    pub(crate) bytes: wire::Trusted<'a>,
}

impl<'a> Map<'a> {
    /// Its entries in order. Keys need not be unique.
    pub fn iter(&self) -> MapIter<'a> {
        MapIter { rest: self.bytes }
    }
}

impl<'a> IntoIterator for Map<'a> {
    type Item = (&'a str, ValueRef<'a>);
    type IntoIter = MapIter<'a>;

    fn into_iter(self) -> MapIter<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &Map<'a> {
    type Item = (&'a str, ValueRef<'a>);
    type IntoIter = MapIter<'a>;

    fn into_iter(self) -> MapIter<'a> {
        self.iter()
    }
}

impl PartialEq for Map<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Map<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// The entries of a [`Map`].
#[derive(Clone)]
pub struct MapIter<'a> {
    rest: wire::Trusted<'a>,
}

impl<'a> Iterator for MapIter<'a> {
    type Item = (&'a str, ValueRef<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        match (self.rest.next_value()?, self.rest.next_value()?) {
            (ValueRef::Str(key), value) => Some((key, value)),
            // The writer puts a string first in each entry.
            _ => None,
        }
    }
}
