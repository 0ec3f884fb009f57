//! [`Buffer`]: the growable byte buffer that formats write into and sinks read from.
//!
//! Two rules. It never panics and never aborts: when its allocator refuses, bytes are left out
//! and [`Buffer::is_short`] says so. It keeps its memory when cleared, so that a steady stream
//! of records allocates nothing.

use core::fmt;
use std::io;

use crate::lane::memory::{Allocator, Memory, PROGRAM};

/// Bytes on their way from a format to a sink.
///
/// ```
/// use nexlog_runtime::Buffer;
/// let mut out = Buffer::new();
/// out.push_str("level=");
/// out.push(b'3');
/// assert_eq!(out.as_bytes(), b"level=3");
/// ```
pub struct Buffer {
    memory: Memory,
    /// How much of `memory` is content; never more than its length.
    len: usize,
    short: bool,
}

impl Buffer {
    /// An empty buffer from the program's allocator. Allocates at the first push.
    pub const fn new() -> Buffer {
        Buffer::with_allocator(&PROGRAM)
    }

    /// An empty buffer from this allocator. Allocates at the first push.
    pub const fn with_allocator(allocator: Allocator) -> Buffer {
        Buffer { memory: Memory::empty(allocator), len: 0, short: false }
    }

    /// The content.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        self.memory.get(..self.len).unwrap_or(&[])
    }

    /// The content, to be overwritten.
    pub(crate) fn as_bytes_mut(&mut self) -> &mut [u8] {
        self.memory.get_mut(..self.len).unwrap_or(&mut [])
    }

    /// Its length in bytes.
    #[inline]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no content.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether bytes were left out because no memory was to be had. Reset by `clear` and
    /// `truncate`.
    pub const fn is_short(&self) -> bool {
        self.short
    }

    /// Says that bytes were left out for lack of memory elsewhere.
    pub(crate) fn fall_short(&mut self) {
        self.short = true;
    }

    /// Appends one byte.
    #[inline]
    pub fn push(&mut self, byte: u8) {
        if self.reserve(1) {
            self.memory[self.len] = byte;
            self.len += 1;
        }
    }

    /// Appends text.
    #[inline]
    pub fn push_str(&mut self, text: &str) {
        self.extend(text.as_bytes());
    }

    /// Appends bytes.
    #[inline]
    pub fn extend(&mut self, bytes: &[u8]) {
        if self.reserve(bytes.len()) {
            let end = self.len + bytes.len();
            self.memory[self.len..end].copy_from_slice(bytes);
            self.len = end;
        }
    }

    /// Appends bytes if there is memory for them and the content stays within `limit`.
    #[inline]
    pub(crate) fn put_within(&mut self, limit: usize, bytes: &[u8]) -> bool {
        let end = self.len.saturating_add(bytes.len());
        match self.memory.get_mut(self.len..end) {
            Some(space) if end <= limit => {
                space.copy_from_slice(bytes);
                self.len = end;
                true
            }
            _ => false,
        }
    }

    /// Appends this many bytes of any content and gives them out to be written; `None` (and
    /// short) when refused.
    #[inline]
    pub fn claim(&mut self, count: usize) -> Option<&mut [u8]> {
        if !self.reserve(count) {
            return None;
        }
        let start = self.len;
        self.len += count;
        self.memory.get_mut(start..start + count)
    }

    /// Room for a piece whose length is known only when it is written, [`advance`](Self::advance)
    /// tells it: what is written to a place of a fixed size needs no loop and no call.
    #[inline]
    pub(crate) fn window<const N: usize>(&mut self) -> Option<&mut [u8; N]> {
        // The same test as below, which the compiler sees: growing apart keeps the way straight.
        if self.memory.get(self.len..).is_none_or(|rest| rest.len() < N) {
            return self.grow_for_window();
        }
        self.memory.get_mut(self.len..)?.first_chunk_mut()
    }

    #[cold]
    fn grow_for_window<const N: usize>(&mut self) -> Option<&mut [u8; N]> {
        self.grow(N);
        self.memory.get_mut(self.len..)?.first_chunk_mut()
    }

    /// All memory behind the content, for [`advance`](Self::advance).
    #[inline]
    pub(crate) fn spare(&mut self) -> &mut [u8] {
        self.memory.get_mut(self.len..).unwrap_or(&mut [])
    }

    /// Makes the first `count` bytes of the window content.
    #[inline]
    pub(crate) fn advance(&mut self, count: usize) {
        self.len = (self.len + count).min(self.memory.len());
    }

    /// Forgets the content and keeps the memory.
    pub fn clear(&mut self) {
        self.truncate(0);
    }

    /// Forgets what lies behind `len`.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
        self.short = false;
    }

    /// Forgets what lies behind `len`, and unlike `truncate` not whether bytes were left out.
    #[inline]
    pub(crate) fn rewind(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Takes the bytes from `start` to `end` out; what lies behind moves up.
    pub(crate) fn cut(&mut self, start: usize, end: usize) {
        if start <= end && end <= self.len {
            self.memory.copy_within(end..self.len, start);
            self.len -= end - start;
        }
    }

    /// Gives memory back when a rare large record has left much more than `keep` bytes.
    pub fn shrink_to(&mut self, keep: usize, allocator: Allocator) {
        if self.is_empty() && self.memory.len() > keep {
            self.memory = Memory::empty(allocator);
        }
    }

    /// Overwrites the bytes at `at`, which must be content already (else nothing happens).
    pub fn patch(&mut self, at: usize, bytes: &[u8]) {
        if let Some(end) = at.checked_add(bytes.len()).filter(|end| *end <= self.len) {
            self.memory[at..end].copy_from_slice(bytes);
        }
    }

    /// Room for `more` bytes; `false` (and short) when refused.
    #[inline]
    pub fn reserve(&mut self, more: usize) -> bool {
        self.memory.len() - self.len >= more || self.grow(more)
    }

    /// How many bytes it can hold without growing.
    pub(crate) fn capacity(&self) -> usize {
        self.memory.len()
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, more: usize) -> bool {
        let wanted = self.len.saturating_add(more);
        let doubled = self.memory.len().saturating_mul(2).max(512);
        let grown = self.memory.grow(doubled.max(wanted)) || self.memory.grow(wanted);
        self.short |= !grown;
        grown
    }
}

impl Default for Buffer {
    fn default() -> Self {
        Buffer::new()
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer")
            .field("len", &self.len)
            .field("short", &self.short)
            .finish_non_exhaustive()
    }
}

impl fmt::Write for Buffer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push_str(text);
        Ok(())
    }
}

impl io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
