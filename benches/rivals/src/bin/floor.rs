//! Two floors, written by hand for these records alone: what no logger can be much faster than.
//!
//! - *values*: reads the time stamp counter and copies the values to a buffer of its own, over and
//!   over. No gate, no types, no publication; nothing comes out.
//! - *text*: formats lines where they are made, into 64 KiB of the thread's own, and writes each
//!   64 KiB at once. No levels, no lock, no order among threads.

use std::fmt::{Display, Write as _};
use std::fs::{File, OpenOptions};
use std::hint::black_box;
use std::io::Write as _;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rivals::record::MESSAGE;
use rivals::{
    About, Context, Displayed, Format, Integers, Kind, Measure, Request, Rival, Setup, Shape,
    Strings, clock, entry, serve,
};

const BUFFER_BYTES: usize = 64 << 10;

#[derive(Clone)]
struct Values {
    buffer: Box<[u8; BUFFER_BYTES]>,
    used: usize,
}

impl Values {
    #[inline(always)]
    fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        self.put_slice(&bytes);
    }

    #[inline(always)]
    fn put_slice(&mut self, bytes: &[u8]) {
        self.buffer[self.used..][..bytes.len()].copy_from_slice(bytes);
        self.used += bytes.len();
    }
}

impl Rival for Values {
    const ABOUT: About = About {
        name: "floor: values",
        kind: Kind::Floor,
        crates: &[],
        setup: "by hand: time stamp counter and values, copied to a buffer; nothing comes out",
        measures: &[Measure::Caller, Measure::CallerWork],
        shapes: &[],
        formats: Format::ALL,
    };

    fn open(_: &Setup) -> Self {
        Values { buffer: Box::new([0; BUFFER_BYTES]), used: 0 }
    }

    #[inline(always)]
    fn request(&mut self, r: &Request) {
        if self.used > BUFFER_BYTES - 128 {
            self.used = 0;
        }
        self.put(clock::ticks().to_ne_bytes());
        self.put(r.user_id.to_ne_bytes());
        self.put(r.status.to_ne_bytes());
        self.put(r.latency_ms.to_ne_bytes());
        self.put([r.path.len() as u8]);
        self.put_slice(r.path.as_bytes());
        self.put([r.cached.into()]);
        black_box(&mut self.buffer);
    }

    fn below_level(&mut self, _: &Request) {}

    fn flush(&mut self) {}
}

struct Lines {
    file: Arc<File>,
    format: Format,
    buffer: Vec<u8>,
    /// The second whose text is `date`.
    second: u64,
    date: String,
    /// The end of each line.
    context: Vec<u8>,
}

impl Clone for Lines {
    fn clone(&self) -> Self {
        Lines::new(Arc::clone(&self.file), self.format)
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.write();
    }
}

impl Lines {
    fn new(file: Arc<File>, format: Format) -> Lines {
        let (date, context) = (String::new(), Vec::new());
        Lines { file, format, buffer: Vec::with_capacity(BUFFER_BYTES), second: 0, date, context }
    }

    fn write(&mut self) {
        (&*self.file).write_all(&self.buffer).expect("the file takes all lines");
        self.buffer.clear();
    }

    #[inline(always)]
    fn line(&mut self, fields: impl FnOnce(&mut Self)) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970");
        if now.as_secs() != self.second {
            self.second = now.as_secs();
            self.date = date(self.second);
        }
        let is_json = self.format == Format::Json;
        self.put(if is_json { b"{\"ts\":\"" } else { b"" });
        self.buffer.extend_from_slice(self.date.as_bytes());
        let micros = now.subsec_micros();
        let digits =
            [100_000, 10_000, 1000, 100, 10, 1].map(|unit| b'0' + (micros / unit % 10) as u8);
        self.put(&digits);
        self.put(if is_json {
            b"Z\",\"level\":\"INFO\",\"target\":\"floor\",\"msg\":\"request served\""
        } else {
            b"Z INFO floor: request served"
        });
        fields(self);
        self.buffer.extend_from_slice(&self.context);
        self.put(if is_json { b"}\n" } else { b"\n" });
        if self.buffer.len() > BUFFER_BYTES - 1024 {
            self.write();
        }
    }

    #[inline(always)]
    fn put(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// `,"key":` or ` key=`: constants, once inlined.
    #[inline(always)]
    fn key(&mut self, key: &'static str) {
        let [before, after] = if self.format == Format::Json { [",\"", "\":"] } else { [" ", "="] };
        self.put(before.as_bytes());
        self.put(key.as_bytes());
        self.put(after.as_bytes());
    }

    #[inline(always)]
    fn integer(&mut self, key: &'static str, value: impl itoa::Integer) {
        self.key(key);
        self.put(itoa::Buffer::new().format(value).as_bytes());
    }

    #[inline(always)]
    fn boolean(&mut self, key: &'static str, value: bool) {
        self.key(key);
        self.put(if value { b"true" } else { b"false" });
    }

    #[inline(always)]
    fn text(&mut self, key: &'static str, value: &str) {
        self.key(key);
        self.put(b"\"");
        let must_escape = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
        // Without an early end, so that it is done many bytes at a time.
        if value.bytes().fold(false, |any, byte| any | must_escape(byte)) {
            value.bytes().for_each(|byte| match byte {
                b'"' => self.put(b"\\\""),
                b'\\' => self.put(b"\\\\"),
                b'\n' => self.put(b"\\n"),
                0..0x20 => _ = write!(self.buffer, "\\u{byte:04x}"),
                _ => self.buffer.push(byte),
            });
        } else {
            self.put(value.as_bytes());
        }
        self.put(b"\"");
    }

    /// What is shown here has nothing to escape.
    #[inline(always)]
    fn shown(&mut self, key: &'static str, value: impl Display) {
        self.key(key);
        write!(self.buffer, "\"{value}\"").expect("memory takes all");
    }
}

impl Rival for Lines {
    const ABOUT: About = About {
        name: "floor: text",
        kind: Kind::Floor,
        crates: &["itoa", "zmij"],
        setup: "by hand: itoa, zmij, the date once a second, 64 KiB a thread, one `write` each",
        measures: &[Measure::Throughput],
        shapes: Shape::ALL,
        formats: Format::ALL,
    };

    fn open(setup: &Setup) -> Self {
        assert_eq!(MESSAGE, "request served");
        let file = OpenOptions::new().append(true).create_new(true).open(&setup.path);
        Lines::new(Arc::new(file.expect("a new file")), setup.format)
    }

    #[inline(always)]
    fn request(&mut self, r: &Request) {
        self.line(|line| {
            line.integer("user_id", r.user_id);
            line.integer("status", r.status);
            line.key("latency_ms");
            line.put(zmij::Buffer::new().format_finite(r.latency_ms).as_bytes());
            line.text("path", r.path);
            line.boolean("cached", r.cached);
        });
    }

    fn below_level(&mut self, _: &Request) {}

    fn flush(&mut self) {
        self.write();
    }

    #[inline(always)]
    fn strings(&mut self, r: &Strings) {
        self.line(|line| {
            line.text("session", &r.session);
            line.text("host", r.host);
            line.text("query", &r.query);
            line.text("agent", &r.agent);
            line.text("note", &r.note);
        });
    }

    #[inline(always)]
    fn integers(&mut self, r: &Integers) {
        self.line(|line| {
            line.integer("a", r.a);
            line.integer("b", r.b);
            line.integer("c", r.c);
            line.integer("d", r.d);
            line.integer("e", r.e);
            line.integer("f", r.f);
            line.integer("g", r.g);
            line.integer("h", r.h);
            line.integer("i", r.i);
            line.integer("j", r.j);
            line.integer("k", r.k);
            line.integer("l", r.l);
            line.integer("m", r.m);
            line.integer("n", r.n);
            line.integer("o", r.o);
            line.integer("p", r.p);
            line.integer("q", r.q);
            line.integer("r", r.r);
            line.integer("s", r.s);
            line.integer("t", r.t);
        });
    }

    #[inline(always)]
    fn displayed(&mut self, r: &Displayed) {
        self.line(|line| {
            line.shown("client", r.client);
            line.shown("peer", r.peer);
            line.shown("amount", r.amount);
            line.shown("version", r.version);
        });
    }

    fn in_context(&mut self, c: &Context, body: impl FnOnce(&mut Self)) {
        let mut fields = Lines::new(Arc::clone(&self.file), self.format);
        fields.text("request_id", c.request_id);
        fields.integer("tenant", c.tenant);
        fields.text("region", c.region);
        fields.boolean("retry", c.retry);
        self.context = std::mem::take(&mut fields.buffer);
        body(self);
        self.context.clear();
    }
}

/// `2026-11-22T13:50:00.`
fn date(second: u64) -> String {
    let (days, of_day) = (second / 86_400, second % 86_400);
    // Years begin in March, so that a leap day is their last; 719,468 days lie before 1970.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    let mut text = String::new();
    write!(text, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.")
        .expect("memory takes all");
    text
}

fn main() {
    serve(&[entry::<Values>(), entry::<Lines>()]);
}
