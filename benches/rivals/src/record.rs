//! What is logged. Every number `n` names one record of each shape, so that whoever reads a line
//! can tell what all of it must be.
//!
//! The parts that would take time to make are made before ([`Pool`]) and used in turn; the
//! number itself is in the record, as its first field.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// How many different records there are besides their numbers. Few enough for the first cache.
pub const POOL: u64 = 256;

/// Numbers of a thread begin at its multiple of this.
pub const THREAD: u64 = 1 << 32;

/// The message of every record.
pub const MESSAGE: &str = "request served";

/// The usual record: five fields of five types.
#[derive(Clone, Copy)]
pub struct Request {
    pub user_id: u64,
    pub status: u16,
    /// Three decimals.
    pub latency_ms: f64,
    /// 19 bytes.
    pub path: &'static str,
    pub cached: bool,
}

/// Five strings of 10, 14, 7 to 38, 40 to 71 and 0 to 15 bytes. Every second record has one, the
/// last, with something to escape.
pub struct Strings {
    pub session: String,
    pub host: &'static str,
    pub query: String,
    pub agent: String,
    pub note: String,
}

/// Twenty integers of all the usual types.
#[derive(Clone, Copy)]
pub struct Integers {
    pub a: u64,
    pub b: i64,
    pub c: u32,
    pub d: i32,
    pub e: u16,
    pub f: i16,
    pub g: u8,
    pub h: i8,
    pub i: u64,
    pub j: i64,
    pub k: u32,
    pub l: i32,
    pub m: u16,
    pub n: i16,
    pub o: u8,
    pub p: i8,
    pub q: u64,
    pub r: i64,
    pub s: u32,
    pub t: i32,
}

/// Four values that know their text only.
#[derive(Clone, Copy)]
pub struct Displayed {
    pub client: IpAddr,
    pub peer: SocketAddr,
    pub amount: Amount,
    pub version: Version,
}

/// Money, shown with its currency.
#[derive(Clone, Copy)]
pub struct Amount {
    pub cents: u64,
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02} EUR", self.cents / 100, self.cents % 100)
    }
}

/// A version of something, shown as `1.2.3`.
#[derive(Clone, Copy)]
pub struct Version {
    pub parts: [u16; 3],
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.parts;
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// What is said once for many records.
#[derive(Clone, Copy)]
pub struct Context {
    pub request_id: &'static str,
    pub tenant: u64,
    pub region: &'static str,
    pub retry: bool,
}

/// The one context there is.
pub const CONTEXT: Context =
    Context { request_id: "r-8f3a21c4", tenant: 4711, region: "eu-central-1", retry: false };

/// The parts of records, made before anything is measured.
pub struct Pool {
    requests: Vec<Request>,
    strings: Vec<Strings>,
    integers: Vec<Integers>,
    displayed: Vec<Displayed>,
}

impl Default for Pool {
    fn default() -> Pool {
        Pool {
            requests: (0..POOL).map(request).collect(),
            strings: (0..POOL).map(strings).collect(),
            integers: (0..POOL).map(integers).collect(),
            displayed: (0..POOL).map(displayed).collect(),
        }
    }
}

impl Pool {
    #[inline(always)]
    pub fn request(&self, n: u64) -> Request {
        Request { user_id: n, ..self.requests[(n % POOL) as usize] }
    }

    #[inline(always)]
    pub fn integers(&self, n: u64) -> Integers {
        Integers { a: n, ..self.integers[(n % POOL) as usize] }
    }

    #[inline(always)]
    pub fn strings(&self, n: u64) -> &Strings {
        &self.strings[(n % POOL) as usize]
    }

    #[inline(always)]
    pub fn displayed(&self, n: u64) -> &Displayed {
        &self.displayed[(n % POOL) as usize]
    }
}

const PATHS: [&str; 8] = [
    "/api/v1/orders/4711",
    "/api/v1/orders/8150",
    "/api/v2/basket/item",
    "/static/js/app.main",
    "/health/readiness/0",
    "/login/oauth/google",
    "/search/q/red-shoes",
    "/users/1234/profile",
];

fn request(n: u64) -> Request {
    Request {
        user_id: n,
        status: [200, 200, 200, 404, 200, 304, 200, 500][(n % 8) as usize],
        latency_ms: (n * 7919 % 100_000) as f64 / 1000.0,
        path: PATHS[(n / 8 % 8) as usize],
        cached: n.is_multiple_of(3),
    }
}

fn strings(n: u64) -> Strings {
    let filler = "Gecko like the others of its kind in version";
    Strings {
        session: format!("session{n:03}"),
        host: ["web-17.example", "web-18.example"][(n % 2) as usize],
        query: format!("q=shoes{}", &"&size=42&colour=red&sort=price"[..(n % 31) as usize]),
        agent: format!("Mozilla/5.0 (X11; Linux) AppleWebKit/537{}", &filler[..(n % 32) as usize]),
        note: match n % 4 {
            0 => String::new(),
            1 => "said \"no\" twice".to_owned(),
            2 => "all is well".to_owned(),
            _ => "one\ntwo\nthree".to_owned(),
        },
    }
}

fn integers(n: u64) -> Integers {
    let signed = n as i64;
    Integers {
        a: n,
        b: -signed,
        c: n as u32 * 77,
        d: -(n as i32) * 1001,
        e: n as u16 * 13,
        f: -(n as i16),
        g: n as u8,
        h: (n % 128) as i8,
        i: n << 40,
        j: i64::MIN + signed,
        k: u32::MAX - n as u32,
        l: 0,
        m: 443,
        n: -1,
        o: 7,
        p: -128,
        q: u64::MAX - n,
        r: 1_700_000_000_000 + signed,
        s: 1024,
        t: i32::MAX,
    }
}

fn displayed(n: u64) -> Displayed {
    let byte = n as u8;
    Displayed {
        client: if n.is_multiple_of(4) {
            IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0x17, n as u16))
        } else {
            IpAddr::V4(Ipv4Addr::new(192, 168, byte, 200))
        },
        peer: SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 17, byte)), 40_000 + n as u16),
        amount: Amount { cents: n * 1237 },
        version: Version { parts: [1, n as u16, 17] },
    }
}
