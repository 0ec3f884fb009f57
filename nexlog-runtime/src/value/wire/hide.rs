//! Values overwritten where they lie, so that nothing behind them moves: what is hidden says with
//! its tag how many bytes are to be passed over, and they are zeros.
//!
//! The tag is one byte and is written first: whoever reads what a killed process has left finds
//! the value, or finds it hidden, and never something between.

use super::tag;

/// How much lies behind a tag.
enum Payload {
    Fixed(usize),
    /// A u32 length, and so many bytes.
    Sized,
}

fn payload(tag: u8) -> Option<Payload> {
    Some(Payload::Fixed(match tag {
        tag::NULL | tag::FALSE | tag::TRUE | tag::SECRET => 0,
        tag::U8 | tag::I8 => 1,
        tag::U16 | tag::I16 => 2,
        tag::U32 | tag::I32 | tag::F32 | tag::CHAR | tag::IPV4 => 4,
        tag::SOCKET_V4 => 6,
        tag::U64 | tag::I64 | tag::F64 => 8,
        tag::DURATION | tag::TIME => 12,
        tag::U128 | tag::I128 | tag::IPV6 => 16,
        tag::SOCKET_V6 => 26,
        tag::HIDDEN_FIXED.. => usize::from(tag - tag::HIDDEN_FIXED),
        tag::STR..=tag::BYTES | tag::ERROR..=tag::HIDDEN => return Some(Payload::Sized),
        _ => return None,
    }))
}

/// What a value holds that may be gone into.
pub(crate) enum Inside<'a> {
    /// Values one behind the other.
    List(&'a mut [u8]),
    /// Keys and values in turn.
    Map(&'a mut [u8]),
    Nothing,
}

/// The first of these values, and what lies behind it; `None` at the end, and where there is no
/// value.
pub(crate) fn split_value(bytes: &mut [u8]) -> Option<(&mut [u8], &mut [u8])> {
    let length = match payload(*bytes.first()?)? {
        Payload::Fixed(length) => 1 + length,
        Payload::Sized => {
            let length = u32::from_ne_bytes(*bytes.get(1..)?.first_chunk()?);
            usize::try_from(length).ok()?.checked_add(5)?
        }
    };
    bytes.split_at_mut_checked(length)
}

/// The text that a value is; empty for every other value.
pub(crate) fn text_of(value: &[u8]) -> &str {
    match value {
        [tag::STR, _, _, _, _, text @ ..] => core::str::from_utf8(text).unwrap_or(""),
        _ => "",
    }
}

/// What lies in a value.
pub(crate) fn inside(value: &mut [u8]) -> Inside<'_> {
    match value {
        [tag::LIST, _, _, _, _, items @ ..] => Inside::List(items),
        [tag::MAP, _, _, _, _, entries @ ..] => Inside::Map(entries),
        _ => Inside::Nothing,
    }
}

/// Makes one value a secret. What is left out, or hidden already, stays as it is.
pub(crate) fn hide(value: &mut [u8]) {
    let Some((tag, rest)) = value.split_first_mut() else { return };
    match *tag {
        tag::NULL | tag::SECRET | tag::HIDDEN | tag::HIDDEN_FIXED.. => {}
        tag::FALSE | tag::TRUE => *tag = tag::SECRET,
        _ => match payload(*tag) {
            Some(Payload::Sized) => {
                *tag = tag::HIDDEN;
                rest.get_mut(4..).unwrap_or(&mut []).fill(0);
            }
            Some(Payload::Fixed(length)) => {
                // At most 26.
                *tag = tag::HIDDEN_FIXED + u8::try_from(length).unwrap_or(0);
                rest.fill(0);
            }
            None => {}
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buffer::Buffer;
    use crate::value::view::ValueRef;
    use crate::value::wire::{Doubtful, Trusted};
    use crate::value::{Image, Value};
    use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
    use std::collections::BTreeMap;
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    fn image(values: &[&dyn Value]) -> Vec<u8> {
        let mut image = Image::new(Buffer::new(), 1 << 20);
        values.iter().for_each(|value| image.push(*value));
        image.buffer.as_bytes().to_vec()
    }

    struct Raw<'a>(&'a [u8]);

    impl Value for Raw<'_> {
        fn record(&self, out: crate::value::ValueWriter<'_>) {
            out.bytes(self.0);
        }
    }

    #[test]
    fn a_hidden_value_of_each_type_is_a_secret_and_what_is_behind_it_stays() {
        let (v4, v6) = (Ipv4Addr::new(10, 1, 2, 3), Ipv6Addr::new(0xfd00, 1, 2, 3, 4, 5, 6, 7));
        let map = BTreeMap::from([("key", 77_u64)]);
        let socket = SocketAddr::V4(SocketAddrV4::new(v4, 80));
        let values: [&dyn Value; 26] = [
            &true,
            &0x77_u8,
            &0x77_u16,
            &0x77_u32,
            &0x77_u64,
            &0x77_u128,
            &0x77_i8,
            &0x77_i16,
            &0x77_i32,
            &0x77_i64,
            &0x77_i128,
            &7.7_f32,
            &7.7_f64,
            &'w',
            &"wwww",
            &Path::new("wwww"),
            &Raw(b"wwww"),
            &Duration::from_secs(77),
            &SystemTime::UNIX_EPOCH,
            &IpAddr::V4(v4),
            &IpAddr::V6(v6),
            &socket,
            &SocketAddr::V6(SocketAddrV6::new(v6, 80, 1, 2)),
            &["wwww", "w"],
            &map,
            &"",
        ];
        for value in values {
            let mut bytes = image(&[value, &"behind"]);
            let length = bytes.len();
            let (first, _) = split_value(&mut bytes).unwrap();
            hide(first);
            assert!(first.iter().skip(5).all(|byte| *byte == 0), "{first:?}");
            hide(first); // twice is as good as once
            assert_eq!(bytes.len(), length);
            let mut read = Trusted::of_test(&bytes);
            assert_eq!(read.next_value(), Some(ValueRef::Secret), "{bytes:?}");
            assert_eq!(read.next_value(), Some(ValueRef::Str("behind")));
            let mut doubtful = Doubtful::new(&bytes);
            assert!(doubtful.next_value().is_some() && doubtful.next_value() == Some(tag::STR));
            assert_eq!(doubtful.left(), 0);
        }
    }

    #[test]
    fn what_is_no_value_is_not_touched() {
        let mut none = image(&[&None::<u8>]);
        hide(&mut none);
        assert_eq!(none, [tag::NULL], "left out is left out");
        for bytes in [&mut [][..], &mut [tag::STR, 9, 0, 0, 0, 1], &mut [60], &mut [tag::U64, 1]] {
            assert!(split_value(bytes).is_none());
        }
    }
}
