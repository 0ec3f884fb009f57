//! A live file that is written through memory.
//!
//! Space is set aside, and memory mapped, an extent at a time; the file's length grows by what is
//! written, so that readers never meet an unused rest. That takes two steps, length and bytes,
//! since a store behind the end is a fault; and between them others may do something:
//!
//! - The process is killed. The file ends with zeros, which the next writer cuts off: no record
//!   ends with one.
//! - Somebody truncates the file before its length is set: then zeros lie before our place. They
//!   are seen and cut off before anything is written there.
//! - Somebody truncates it afterwards: the record goes with all others, as it would with `write`.
//! - Somebody reads: zeros, where the record is about to be.
//! - The disk has no room, or cannot be read, although space was set aside: an error.

use std::fs;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};

use crate::sys::folder;
use crate::sys::mapping::{Heard, Mapping, OFFSET_UNIT};

/// Mapped and set aside at once.
const EXTENT_BYTES: u64 = 4 << 20;
/// So often somebody else may cut the file while one batch is written.
const ATTEMPTS: u32 = 8;

/// What is mapped at a time in a file that grows to `limit`.
pub(super) fn extent(limit: Option<u64>) -> u64 {
    let wanted = limit.unwrap_or(EXTENT_BYTES).clamp(OFFSET_UNIT, EXTENT_BYTES);
    wanted.next_multiple_of(OFFSET_UNIT)
}

/// How a file is written through memory.
#[derive(Debug)]
pub(super) struct Mapped {
    extent: u64,
    window: Option<Window>,
    /// Space is set aside up to here, unless the file was cut since.
    reserved_to: u64,
    /// Where the last record ends.
    end: u64,
}

#[derive(Debug)]
struct Window {
    mapping: Mapping,
    start: u64,
}

impl Window {
    /// The place in the mapping, if the bytes from there to `end` are in it.
    fn place(&self, from: u64, end: u64) -> Option<usize> {
        let bytes = end.checked_sub(self.start)?;
        let from = usize::try_from(from.checked_sub(self.start)?).ok()?;
        (bytes <= self.mapping.bytes() as u64).then_some(from)
    }
}

impl Mapped {
    pub(super) fn new(extent: u64) -> Mapped {
        Mapped { extent, window: None, reserved_to: 0, end: 0 }
    }

    /// Whether the file can be mapped at all.
    pub(super) fn check(&mut self, file: &fs::File) -> io::Result<()> {
        let end = file.metadata()?.len();
        self.place(file, end, end + 1).map(|_| ())
    }

    /// Appends all of `bytes`, or nothing.
    pub(super) fn append(&mut self, file: &fs::File, bytes: &[u8]) -> io::Result<usize> {
        if bytes.last() == Some(&0) {
            let why = "a record that ends with a zero byte cannot be told from an unused rest; \
                       leave `mapped(true)` out for this format";
            return Err(io::Error::new(ErrorKind::InvalidInput, why));
        }
        let _heard = Heard::new();
        for _ in 0..ATTEMPTS {
            let start = file.metadata()?.len();
            let end = start + bytes.len() as u64;
            self.reserve(file, start, end)?;
            let place = self.place(file, start, end)?;
            folder::grow(file, start, end)?;
            let Some(Window { mapping, .. }) = &mut self.window else { continue };
            let before = place.checked_sub(1).map_or(b'\n', |before| mapping.read(before));
            if before == 0 {
                cut_rest(file)?;
                end_line(file, bytes)?;
                continue;
            }
            if mapping.read(place) != 0 {
                continue; // somebody who has no lock was faster
            }
            mapping.write(place, bytes);
            self.end = end;
            if !mapping.has_failed() {
                return Ok(bytes.len());
            }
            self.window = None;
            // Cut by somebody else, and with it what was just written.
            if file.metadata()?.len() < end {
                return Ok(bytes.len());
            }
            file.set_len(start)?;
            let why =
                "the disk has no room for a part of the file that it had before, or cannot read it";
            return Err(io::Error::new(ErrorKind::StorageFull, why));
        }
        Err(io::Error::other("the file is cut again and again by somebody else"))
    }

    /// Sees to it that the byte before `start`, if there is one, and those up to `end` are in the
    /// window. The place of `start` in it.
    fn place(&mut self, file: &fs::File, start: u64, end: u64) -> io::Result<usize> {
        let before = start.saturating_sub(1);
        let known = self.window.as_ref().filter(|window| !window.mapping.has_failed());
        if let Some(place) = known.and_then(|window| window.place(before, end)) {
            return Ok(place + usize::from(start > 0));
        }
        let first = before - before % OFFSET_UNIT;
        let bytes = (end - first).next_multiple_of(OFFSET_UNIT).max(self.extent);
        let bytes = usize::try_from(bytes).map_err(|_| ErrorKind::FileTooLarge)?;
        self.window = None; // before the next, so that there is one at a time
        let mapping = Mapping::new(file, first, bytes)?;
        self.window = Some(Window { mapping, start: first });
        Ok(usize::try_from(start - first).unwrap_or(0))
    }

    /// Has the file system set space aside, so that a full disk is an error here and not a store
    /// that goes nowhere.
    fn reserve(&mut self, file: &fs::File, start: u64, end: u64) -> io::Result<()> {
        if start != self.end {
            self.reserved_to = 0; // cut, or written by others
        }
        if end <= self.reserved_to {
            return Ok(());
        }
        let wanted = end.max(start + self.extent);
        // Without room for an extent there may be room for this.
        let reserved = folder::reserve(file, start, wanted - start).map(|()| wanted);
        let reserved =
            reserved.or_else(|_| folder::reserve(file, start, end - start).map(|()| end));
        match reserved {
            Ok(to) => self.reserved_to = to,
            Err(error) if error.kind() == ErrorKind::Unsupported => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// As [`Medium::cut_back`](super::system::Medium::cut_back).
    pub(super) fn cut_back(&mut self, file: &fs::File, bytes: usize) -> bool {
        let end = file.metadata().ok().map(|metadata| metadata.len());
        let is_ours = end == Some(self.end);
        let end = end.filter(|_| is_ours).and_then(|end| end.checked_sub(bytes as u64));
        end.is_some_and(|end| file.set_len(end).is_ok())
    }
}

/// Cuts the zeros off with which the file ends.
pub(super) fn cut_rest(mut file: &fs::File) -> io::Result<()> {
    let length = file.metadata()?.len();
    let (mut end, mut block) = (length, [0; 4096]);
    while end > 0 {
        let count = usize::try_from(end).unwrap_or(usize::MAX).min(block.len());
        let start = end - count as u64;
        file.seek(SeekFrom::Start(start))?;
        if file.read(&mut block[..count])? < count {
            return Ok(()); // cut by somebody else meanwhile
        }
        let Some(last) = block[..count].iter().rposition(|byte| *byte != 0) else {
            end = start;
            continue;
        };
        end = start + last as u64 + 1;
        break;
    }
    if end < length { file.set_len(end) } else { Ok(()) }
}

/// Ends a half line, where what follows is lines.
fn end_line(mut file: &fs::File, bytes: &[u8]) -> io::Result<()> {
    let Some(before) = file.metadata()?.len().checked_sub(1) else { return Ok(()) };
    let mut last = [b'\n']; // as it is when somebody cuts the file meanwhile
    file.seek(SeekFrom::Start(before))?;
    let _ = file.read(&mut last)?;
    if !bytes.ends_with(b"\n") || last == *b"\n" { Ok(()) } else { file.write_all(b"\n") }
}

#[cfg(all(test, target_os = "linux"))]
#[path = "mapped_tests.rs"]
mod tests;
