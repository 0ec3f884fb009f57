//! One JSON line as many, indented by two spaces.
//!
//! Works on the finished line instead of being a second way to write one: what is valid stays
//! valid, and the fast way stays free of branches for people's sake.

use crate::buffer::Buffer;

/// Spreads the line that begins at `start` and ends with a line feed at the end of `out`.
pub(super) fn spread(start: usize, out: &mut Buffer) {
    let end = out.len();
    let mut state = State { depth: 0, in_string: false, escaped: false };
    for at in start..end {
        let next = out.as_bytes().get(at + 1).copied().unwrap_or(b'\n');
        if let Some(&byte) = out.as_bytes().get(at) {
            state.push(byte, next, out);
        }
    }
    out.cut(start, end);
}

struct State {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl State {
    /// Writes `byte`, which `next` follows, with the white space around it.
    fn push(&mut self, byte: u8, next: u8, out: &mut Buffer) {
        if self.in_string {
            out.push(byte);
            self.in_string = byte != b'"' || self.escaped;
            self.escaped = byte == b'\\' && !self.escaped;
            return;
        }
        match byte {
            b'{' | b'[' => {
                out.push(byte);
                self.depth += 1;
                if !matches!(next, b'}' | b']') {
                    self.new_line(out);
                }
            }
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                if !matches!(out.as_bytes().last(), Some(b'{' | b'[')) {
                    self.new_line(out);
                }
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                self.new_line(out);
            }
            b':' => out.push_str(": "),
            _ => {
                self.in_string = byte == b'"';
                out.push(byte);
            }
        }
    }

    fn new_line(&self, out: &mut Buffer) {
        out.push(b'\n');
        (0..self.depth).for_each(|_| out.push_str("  "));
    }
}
