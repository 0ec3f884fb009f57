//! What must not get out, and the search for it.

use nexlog::{Buffer, Format, Record};
use std::fmt::Write as _;

/// What must not be found. Nothing else that is written has six of its characters in a row.
pub const CANARY: &str = "xQ7zKw~9vJp#4mTg";
pub const NUMBER: u64 = 9_182_736_455_463_728_190;

/// A record with its typed values, as a sink or format of a user's would show it.
pub struct Shows;

impl Format for Shows {
    fn encode(&self, record: &Record<'_>, out: &mut Buffer) {
        let _ = writeln!(out, "{record:?}");
        for (key, value) in record.fields() {
            let _ = writeln!(out, "{key}: {value:?}");
        }
    }
}

/// Where in these bytes some of the canary is.
pub fn find(bytes: &[u8]) -> Option<String> {
    let windows = CANARY.as_bytes().windows(6);
    let hex =
        |part: &[u8]| part.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    let list = |part: &[u8]| format!("{part:?}").trim_matches(['[', ']']).to_owned();
    let texts = windows.flat_map(|part| {
        [String::from_utf8(part.to_vec()).unwrap(), hex(part), hex(part).to_uppercase(), list(part)]
    });
    let texts = texts.chain([NUMBER.to_string(), format!("{NUMBER:x}")]);
    let raw = [NUMBER.to_ne_bytes(), NUMBER.swap_bytes().to_ne_bytes()];
    let needles = texts.map(String::into_bytes).chain(raw.map(Vec::from));
    for needle in needles {
        if let Some(at) = bytes.windows(needle.len()).position(|window| window == needle) {
            let around = &bytes[at.saturating_sub(100)..bytes.len().min(at + 100)];
            return Some(String::from_utf8_lossy(around).into_owned());
        }
    }
    None
}
