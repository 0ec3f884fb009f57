//! The last resort: a line on standard error when there is no other way to tell somebody.
//!
//! Used where a record or an error value cannot go: a typo in the filter at start, a sink that
//! fails and no `on_error`. It must work out of memory, at exit and inside a panic: no
//! allocation, no lock, no thread-local, one raw write that waits for nobody. A text's own code
//! (`Display` of somebody's error) may panic; that is caught.

use core::fmt::{self, Write};
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::sys::{self, Stdio};

const PREFIX: &str = "nexlog: ";
const SECOND_NS: u64 = 1_000_000_000;

/// What a line is about. Each kind is limited on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A sink failed and there is no `on_error`.
    Sink,
    /// A forked child cannot log.
    Fork,
    /// What takes forwarded records panicked.
    Forward,
}

/// One limit for each [`Kind`].
static LIMITS: [Limit; 3] = [const { Limit::new() }; 3];

/// At most one a second.
struct Limit {
    /// When the next line may go out, in [`sys::monotonic_ns`]; 0 before the first.
    next_ns: AtomicU64,
    /// How many were held back since the last that went out.
    held_back: AtomicU64,
}

impl Limit {
    const fn new() -> Limit {
        Limit { next_ns: AtomicU64::new(0), held_back: AtomicU64::new(0) }
    }

    /// Whether a line may go out now, and how many were held back before it.
    fn pass(&self, now_ns: u64) -> Option<u64> {
        let next = self.next_ns.load(Relaxed);
        // Of two threads at the same time one wins the exchange; the loser is held back.
        let won = now_ns >= next
            && self
                .next_ns
                .compare_exchange(next, now_ns.saturating_add(SECOND_NS), Relaxed, Relaxed)
                .is_ok();
        if won {
            return Some(self.held_back.swap(0, Relaxed));
        }
        self.held_back.fetch_add(1, Relaxed);
        None
    }
}

/// Writes `nexlog: {text}` to standard error: the first of a kind at once, then at most one a
/// second, which says how many like it were held back.
pub(crate) fn limited(kind: Kind, text: fmt::Arguments<'_>) {
    if let Some(held_back) = LIMITS[kind as usize].pass(sys::monotonic_ns()) {
        put(&compose(text, held_back));
    }
}

/// Writes `nexlog: {text}` to standard error, always. For what is said once, at start.
pub(crate) fn always(text: fmt::Arguments<'_>) {
    put(&compose(text, 0));
}

/// A reader that does not read gets no line; it must not stop the program.
fn put(line: &Line) {
    let _ = Stdio::Err.write(line.as_bytes(), Duration::ZERO);
}

fn compose(text: fmt::Arguments<'_>, held_back: u64) -> Line {
    let mut line = Line::new();
    let _ = line.write_str(PREFIX);
    let written = catch_unwind(AssertUnwindSafe(|| line.write_fmt(text)));
    if !matches!(written, Ok(Ok(()))) {
        let _ = line.write_str("(the text of an error failed)");
    }
    if held_back > 0 {
        let _ = write!(line, " ({held_back} more like it)");
    }
    line.end();
    line
}

/// One line in fixed memory: longer text is cut, control characters are shown as escapes.
struct Line {
    bytes: [u8; Line::BYTES],
    /// At most `BYTES - 1`: there is always room for the line's end.
    len: usize,
}

impl Line {
    const BYTES: usize = 1024;

    const fn new() -> Line {
        Line { bytes: [0; Line::BYTES], len: 0 }
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&[])
    }

    fn push(&mut self, character: char) {
        let mut utf8 = [0; 4];
        let utf8 = character.encode_utf8(&mut utf8).as_bytes();
        let end = self.len + utf8.len();
        if end < Line::BYTES {
            self.bytes[self.len..end].copy_from_slice(utf8);
            self.len = end;
        }
    }

    fn end(&mut self) {
        self.bytes[self.len] = b'\n';
        self.len += 1;
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if acts_on_terminal(character) {
                character.escape_default().for_each(|escaped| self.push(escaped));
            } else {
                self.push(character);
            }
        }
        Ok(())
    }
}

/// Control characters, and those that turn the direction of text.
fn acts_on_terminal(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{2028}' | '\u{2029}'
            | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: &Line) -> &str {
        core::str::from_utf8(line.as_bytes()).unwrap()
    }

    #[test]
    fn the_first_goes_out_at_once_then_one_a_second_with_the_count_of_the_others() {
        let limit = Limit::new();
        assert_eq!(limit.pass(5), Some(0));
        assert_eq!(limit.pass(6), None);
        assert_eq!(limit.pass(5 + SECOND_NS - 1), None);
        assert_eq!(limit.pass(5 + SECOND_NS), Some(2));
        assert_eq!(limit.pass(6 + SECOND_NS), None);
        assert_eq!(text(&compose(format_args!("x"), 2)), "nexlog: x (2 more like it)\n");
    }

    #[test]
    fn a_clock_and_a_count_at_their_ends_are_no_panic() {
        let limit = Limit::new();
        limit.held_back.store(u64::MAX, Relaxed);
        assert_eq!(limit.pass(u64::MAX - 1), Some(u64::MAX));
        assert_eq!(limit.pass(u64::MAX - 1), None);
        assert_eq!(limit.pass(u64::MAX), Some(1));
        limit.held_back.store(u64::MAX, Relaxed);
        assert_eq!(limit.pass(0), None);
    }

    #[test]
    fn one_report_is_one_line_that_cannot_act_on_the_terminal() {
        let line = compose(format_args!("a\nb\u{1b}[2J\u{202e}ü"), 0);
        assert_eq!(text(&line), "nexlog: a\\nb\\u{1b}[2J\\u{202e}ü\n");
    }

    #[test]
    fn a_long_text_is_cut_and_still_ends_its_line() {
        let line = compose(format_args!("{}", "ü".repeat(5000)), 7);
        assert!(text(&line).ends_with('\n') && line.as_bytes().len() <= Line::BYTES);
    }

    #[test]
    fn a_text_whose_code_panics_or_fails_is_replaced() {
        struct Panics;
        impl fmt::Display for Panics {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                std::panic::resume_unwind(Box::new(()))
            }
        }
        struct Fails;
        impl fmt::Display for Fails {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                Err(fmt::Error)
            }
        }
        let instead = "nexlog: x (the text of an error failed)\n";
        assert_eq!(text(&compose(format_args!("x {Panics}"), 0)), instead);
        assert_eq!(text(&compose(format_args!("x {Fails}"), 0)), instead);
    }
}
