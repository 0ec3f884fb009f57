//! [`FromField`]: from a record's typed value to the type that a test compares with.

use core::net::{IpAddr, SocketAddr};
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::format::plain;
use crate::value::view::ValueRef;

/// A type that [`Captured::field`](super::Captured::field) gives. Implement it for your own to
/// compare with what your [`Value`](crate::Value) has written.
///
/// ```
/// use nexlog_runtime::{ValueRef, testing::FromField};
///
/// struct OrderId(u64);
///
/// impl<'a> FromField<'a> for OrderId {
///     fn from_field(value: Option<ValueRef<'a>>) -> Option<OrderId> {
///         u64::from_field(value).map(OrderId)
///     }
/// }
/// ```
pub trait FromField<'a>: Sized {
    /// From the value of a field; `None` for no such field. `None` when that is none of these.
    fn from_field(value: Option<ValueRef<'a>>) -> Option<Self>;
}

impl<'a, T: FromField<'a>> FromField<'a> for Option<T> {
    fn from_field(value: Option<ValueRef<'a>>) -> Option<Option<T>> {
        match value {
            None | Some(ValueRef::Null) => Some(None),
            value => T::from_field(value).map(Some),
        }
    }
}

impl<'a> FromField<'a> for ValueRef<'a> {
    fn from_field(value: Option<ValueRef<'a>>) -> Option<ValueRef<'a>> {
        value
    }
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl FromField<'_> for $integer {
            fn from_field(value: Option<ValueRef<'_>>) -> Option<$integer> {
                match value? {
                    ValueRef::I64(v) => v.try_into().ok(),
                    ValueRef::U64(v) => v.try_into().ok(),
                    ValueRef::I128(v) => v.try_into().ok(),
                    ValueRef::U128(v) => v.try_into().ok(),
                    _ => None,
                }
            }
        }
    )*};
}

integers!(i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize);

macro_rules! others {
    ($($type:ty: $pattern:pat => $value:expr,)*) => {$(
        impl<'a> FromField<'a> for $type {
            fn from_field(value: Option<ValueRef<'a>>) -> Option<$type> {
                match value? {
                    $pattern => Some($value),
                    _ => None,
                }
            }
        }
    )*};
}

others! {
    bool: ValueRef::Bool(v) => v,
    char: ValueRef::Char(v) => v,
    f32: ValueRef::F32(v) => v,
    Duration: ValueRef::Duration(v) => v,
    IpAddr: ValueRef::Ip(v) => v,
    SocketAddr: ValueRef::Socket(v) => v,
}

impl FromField<'_> for f64 {
    fn from_field(value: Option<ValueRef<'_>>) -> Option<f64> {
        match value? {
            ValueRef::F64(v) => Some(v),
            ValueRef::F32(v) => Some(v.into()),
            _ => None,
        }
    }
}

impl FromField<'_> for SystemTime {
    fn from_field(value: Option<ValueRef<'_>>) -> Option<SystemTime> {
        let ValueRef::Time(time) = value? else { return None };
        let seconds = Duration::from_secs(time.seconds.unsigned_abs());
        let start = match time.seconds {
            0.. => UNIX_EPOCH.checked_add(seconds),
            _ => UNIX_EPOCH.checked_sub(seconds),
        };
        start?.checked_add(Duration::from_nanos(time.nanos.into()))
    }
}

impl<'a> FromField<'a> for &'a str {
    fn from_field(value: Option<ValueRef<'a>>) -> Option<&'a str> {
        match value? {
            ValueRef::Str(text) => Some(text),
            ValueRef::Error(error) => Some(error.message()),
            _ => None,
        }
    }
}

impl FromField<'_> for String {
    fn from_field(value: Option<ValueRef<'_>>) -> Option<String> {
        let value = value?;
        let is_text = matches!(value, ValueRef::Str(_) | ValueRef::Error(_) | ValueRef::Os(_));
        let mut text = String::new();
        (is_text && plain::display(value, &mut text).is_ok()).then_some(text)
    }
}

impl<'a, T: FromField<'a>> FromField<'a> for Vec<T> {
    fn from_field(value: Option<ValueRef<'a>>) -> Option<Vec<T>> {
        match value? {
            ValueRef::List(list) => list.iter().map(|item| T::from_field(Some(item))).collect(),
            ValueRef::Bytes(bytes) => {
                let numbers = bytes.iter().map(|byte| ValueRef::U64((*byte).into()));
                numbers.map(|number| T::from_field(Some(number))).collect()
            }
            _ => None,
        }
    }
}

fn entries<'a, T: FromField<'a>, M: FromIterator<(String, T)>>(
    value: Option<ValueRef<'a>>,
) -> Option<M> {
    let ValueRef::Map(map) = value? else { return None };
    let entry =
        |(key, value): (&str, _)| T::from_field(Some(value)).map(|value| (key.to_owned(), value));
    map.iter().map(entry).collect()
}

impl<'a, T: FromField<'a>> FromField<'a> for BTreeMap<String, T> {
    fn from_field(value: Option<ValueRef<'a>>) -> Option<Self> {
        entries(value)
    }
}

impl<'a, T: FromField<'a>, S: BuildHasher + Default> FromField<'a> for HashMap<String, T, S>
where
    String: Hash + Eq,
{
    fn from_field(value: Option<ValueRef<'a>>) -> Option<Self> {
        entries(value)
    }
}
