//! Built-in encoders of values that do not contain other values.
//!
//! Each is plain: the size is a constant or a constant plus a length, and writing is a few
//! stores. Nothing here has interior mutability, so size and bytes always agree.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use core::time::Duration;
use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::view::Timestamp;
use super::wire::{put, put_bytes, tag};
use super::{Seal, Value, ValueWriter};

/// A plain value of constant size: `|value| tag, payload bytes`.
macro_rules! fixed {
    ($($type:ty, $bytes:expr, |$value:ident| $tag:expr, $payload:expr;)*) => {$(
        impl Value for $type {
            #[inline]
            fn record(&self, out: ValueWriter<'_>) {
                out.plain(self);
            }

            #[inline(always)]
            fn is_plain(&self, _: Seal) -> bool {
                true
            }

            #[inline(always)]
            fn plain_bytes(&self, _: Seal) -> usize {
                1 + $bytes
            }

            #[inline(always)]
            unsafe fn write_plain(&self, at: *mut u8, _: Seal) -> *mut u8 {
                let $value = self;
                let payload: [u8; $bytes] = $payload;
                // SAFETY: the caller has `plain_bytes`, 1 + the payload's length, at `at`.
                unsafe { put(at, $tag, payload) }
            }
        }
    )*};
}

fixed! {
    bool, 0, |v| tag::FALSE + u8::from(*v), [];
    u8, 1, |v| tag::U8, v.to_ne_bytes();
    u16, 2, |v| tag::U16, v.to_ne_bytes();
    u32, 4, |v| tag::U32, v.to_ne_bytes();
    u64, 8, |v| tag::U64, v.to_ne_bytes();
    u128, 16, |v| tag::U128, v.to_ne_bytes();
    usize, 8, |v| tag::U64, (*v as u64).to_ne_bytes();
    i8, 1, |v| tag::I8, v.to_ne_bytes();
    i16, 2, |v| tag::I16, v.to_ne_bytes();
    i32, 4, |v| tag::I32, v.to_ne_bytes();
    i64, 8, |v| tag::I64, v.to_ne_bytes();
    i128, 16, |v| tag::I128, v.to_ne_bytes();
    isize, 8, |v| tag::I64, (*v as i64).to_ne_bytes();
    f32, 4, |v| tag::F32, v.to_ne_bytes();
    f64, 8, |v| tag::F64, v.to_ne_bytes();
    char, 4, |v| tag::CHAR, u32::from(*v).to_ne_bytes();
    Duration, 12, |v| tag::DURATION, join(v.as_secs().to_ne_bytes(), v.subsec_nanos().to_ne_bytes());
    Timestamp, 12, |v| tag::TIME, join(v.seconds.to_ne_bytes(), v.nanos.to_ne_bytes());
    SystemTime, 12, |v| tag::TIME, {
        let time = Timestamp::from(*v);
        join(time.seconds.to_ne_bytes(), time.nanos.to_ne_bytes())
    };
    Ipv4Addr, 4, |v| tag::IPV4, v.octets();
    Ipv6Addr, 16, |v| tag::IPV6, v.octets();
    SocketAddrV4, 6, |v| tag::SOCKET_V4, join(v.ip().octets(), v.port().to_ne_bytes());
    SocketAddrV6, 26, |v| tag::SOCKET_V6, {
        let address: [u8; 18] = join(v.ip().octets(), v.port().to_ne_bytes());
        let rest: [u8; 8] = join(v.flowinfo().to_ne_bytes(), v.scope_id().to_ne_bytes());
        join(address, rest)
    };
}

/// Two payloads as one; the sizes are checked where it is used, at compile time.
#[inline(always)]
fn join<const A: usize, const B: usize, const N: usize>(a: [u8; A], b: [u8; B]) -> [u8; N] {
    const { assert!(A + B == N) };
    let mut both = [0; N];
    both[..A].copy_from_slice(&a);
    both[A..].copy_from_slice(&b);
    both
}

macro_rules! nonzero {
    ($($type:ident)*) => {$(
        impl Value for core::num::$type {
            #[inline]
            fn record(&self, out: ValueWriter<'_>) {
                out.plain(&self.get());
            }

            #[inline(always)]
            fn is_plain(&self, _: Seal) -> bool {
                true
            }

            #[inline(always)]
            fn plain_bytes(&self, seal: Seal) -> usize {
                self.get().plain_bytes(seal)
            }

            #[inline(always)]
            unsafe fn write_plain(&self, at: *mut u8, seal: Seal) -> *mut u8 {
                // SAFETY: the caller's promise, for the integer inside.
                unsafe { self.get().write_plain(at, seal) }
            }
        }
    )*};
}

nonzero! {
    NonZeroU8 NonZeroU16 NonZeroU32 NonZeroU64 NonZeroU128 NonZeroUsize
    NonZeroI8 NonZeroI16 NonZeroI32 NonZeroI64 NonZeroI128 NonZeroIsize
}

/// A plain value of varying size: `|value| tag, bytes`.
macro_rules! sized_by_length {
    ($($type:ty, |$value:ident| $tag:expr, $bytes:expr;)*) => {$(
        impl Value for $type {
            #[inline]
            fn record(&self, out: ValueWriter<'_>) {
                let $value = self;
                out.tagged_bytes($tag, $bytes);
            }

            #[inline(always)]
            fn is_plain(&self, _: Seal) -> bool {
                true
            }

            #[inline(always)]
            fn plain_bytes(&self, _: Seal) -> usize {
                let $value = self;
                5 + $bytes.len()
            }

            #[inline(always)]
            unsafe fn write_plain(&self, at: *mut u8, _: Seal) -> *mut u8 {
                let $value = self;
                // SAFETY: the caller has `plain_bytes` at `at`, in memory of its own; space for
                // 4 GiB is never reserved, so the length fits.
                unsafe { put_bytes(at, $tag, $bytes) }
            }
        }
    )*};
}

sized_by_length! {
    str, |v| tag::STR, v.as_bytes();
    String, |v| tag::STR, v.as_bytes();
    Cow<'_, str>, |v| tag::STR, v.as_bytes();
    OsStr, |v| tag::OS, v.as_encoded_bytes();
    OsString, |v| tag::OS, v.as_encoded_bytes();
    Path, |v| tag::OS, v.as_os_str().as_encoded_bytes();
    PathBuf, |v| tag::OS, v.as_os_str().as_encoded_bytes();
    Cow<'_, Path>, |v| tag::OS, v.as_os_str().as_encoded_bytes();
}

/// A plain value that is one of two.
macro_rules! either {
    ($($type:ty { $a:pat => $x:ident, $b:pat => $y:ident })*) => {$(
        impl Value for $type {
            #[inline]
            fn record(&self, out: ValueWriter<'_>) {
                match self {
                    $a => $x.record(out),
                    $b => $y.record(out),
                }
            }

            #[inline(always)]
            fn is_plain(&self, _: Seal) -> bool {
                true
            }

            #[inline(always)]
            fn plain_bytes(&self, seal: Seal) -> usize {
                match self {
                    $a => $x.plain_bytes(seal),
                    $b => $y.plain_bytes(seal),
                }
            }

            #[inline(always)]
            unsafe fn write_plain(&self, at: *mut u8, seal: Seal) -> *mut u8 {
                match self {
                    // SAFETY: the caller's promise, for the one that is there.
                    $a => unsafe { $x.write_plain(at, seal) },
                    // SAFETY: as above.
                    $b => unsafe { $y.write_plain(at, seal) },
                }
            }
        }
    )*};
}

either! {
    IpAddr { IpAddr::V4(v4) => v4, IpAddr::V6(v6) => v6 }
    SocketAddr { SocketAddr::V4(v4) => v4, SocketAddr::V6(v6) => v6 }
}

/// `None` is a null, which formats leave out.
impl<T: Value> Value for Option<T> {
    #[inline]
    fn record(&self, out: ValueWriter<'_>) {
        if let Some(value) = self {
            value.record(out);
        }
    }

    #[inline(always)]
    fn is_plain(&self, seal: Seal) -> bool {
        self.as_ref().is_none_or(|value| value.is_plain(seal))
    }

    #[inline(always)]
    fn plain_bytes(&self, seal: Seal) -> usize {
        self.as_ref().map_or(1, |value| value.plain_bytes(seal))
    }

    #[inline(always)]
    unsafe fn write_plain(&self, at: *mut u8, seal: Seal) -> *mut u8 {
        match self {
            // SAFETY: the caller's promise, for the value inside.
            Some(value) => unsafe { value.write_plain(at, seal) },
            // SAFETY: `plain_bytes` was 1.
            None => unsafe { put(at, tag::NULL, []) },
        }
    }
}

/// As `Display` prints it: `INFO`.
impl Value for crate::site::level::Level {
    fn record(&self, out: ValueWriter<'_>) {
        out.str(self.as_str());
    }
}

/// Rendered where it is called: `format_args!` may hold anything.
impl Value for core::fmt::Arguments<'_> {
    fn record(&self, out: ValueWriter<'_>) {
        out.display(self);
    }
}

/// Writes the value that a span or a re-logged record holds already.
impl Value for super::view::ValueRef<'_> {
    fn record(&self, out: ValueWriter<'_>) {
        out.copy(*self);
    }
}
