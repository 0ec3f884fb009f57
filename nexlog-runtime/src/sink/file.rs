//! [`File`]: records appended to a file.
//!
//! One `write` for each batch; the file is opened with append, so that several processes can
//! share it. When a disk is full in the middle of a batch, the half record is cut off again, or,
//! where that fails, ended by a newline before the next batch: a line reader never sees two
//! records in one line. How a path becomes an open file is `open`'s business, where and when to
//! rotate is not known here.

use std::fs;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::open::{self, Claim};
use super::output::{Choice, choice_methods};
use super::whole::{Stopped, cut, write_whole};
use super::{Batch, Sink, WriteError};
use crate::error::Error;

/// A file that records are appended to. JSON lines by default.
///
/// It and its folders are made when they are missing. The path must lead to a regular file of
/// this user (or of root) with one name: links, pipes and devices are refused, because a log
/// file is often written with more rights than those who can place links beside it. For a
/// container's `/dev/stdout` use [`Console::stdout`](crate::Console::stdout).
///
/// ```
/// use nexlog_runtime::{File, Level};
///
/// let file = File::at("logs/app.log").level(Level::Info).mode(0o640);
/// ```
#[derive(Clone, Debug)]
pub struct File {
    pub(super) path: PathBuf,
    pub(super) mode: u32,
    pub(super) choice: Choice,
}

impl File {
    /// The file at this path.
    pub fn at(path: impl Into<PathBuf>) -> File {
        File { path: path.into(), mode: 0o600, choice: Choice::default() }
    }

    choice_methods!();

    /// The permissions of a file that is made here, exactly these whatever the umask is.
    /// Default `0o600`; a log shipper that runs as another user of the same group needs
    /// `0o640`. A file that exists keeps its own.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> File {
        self.mode = mode;
        self
    }
}

/// What the sink needs of a file; tests put faults in its place.
pub(super) trait Medium: Send + 'static {
    /// Appends some of the bytes with one call to the system.
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// Takes the last `bytes` bytes away, if they are still the last. Whether it did.
    fn cut_back(&mut self, bytes: usize) -> bool;
    /// Puts the data on the device.
    fn sync(&mut self) -> io::Result<()>;
}

impl Medium for fs::File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write(bytes)
    }

    fn cut_back(&mut self, bytes: usize) -> bool {
        // After an append the position is behind what was written. Another process that has
        // appended since keeps its records: then the end is elsewhere, and nothing is cut.
        let ours = self.stream_position().ok();
        let end = self.metadata().ok().map(|metadata| metadata.len());
        match end.filter(|_| ours == end).and_then(|end| end.checked_sub(bytes as u64)) {
            Some(end) => self.set_len(end).is_ok(),
            None => false,
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// A file sink at work.
pub(super) struct FileSink<M = fs::File> {
    name: String,
    /// Declared before the file: an inode that is free again must not be claimed any more.
    _claim: Option<Claim>,
    medium: M,
    /// Whether the file's last line has no end, so that ours must not follow it directly.
    torn: bool,
    /// Why the first failed sync failed: afterwards the system may have thrown unwritten data
    /// away and would call the next sync a success.
    sync_failure: Option<(io::ErrorKind, String)>,
}

impl FileSink {
    pub(super) fn open(file: &File) -> Result<FileSink, Error> {
        let (mut medium, claim) = open::open(&file.path, file.mode)?;
        // A tail that cannot be read is taken for torn: an empty line harms nobody.
        let torn = last_byte(&mut medium).map_or(true, |last| last.is_some_and(|b| b != b'\n'));
        Ok(FileSink { torn, ..FileSink::new(&file.path, medium, Some(claim)) })
    }
}

impl<M: Medium> FileSink<M> {
    fn new(path: &Path, medium: M, claim: Option<Claim>) -> FileSink<M> {
        let name = format!("file {}", path.display());
        FileSink { name, medium, torn: false, sync_failure: None, _claim: claim }
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Stopped> {
        write_whole(bytes, |bytes| self.medium.append(bytes))
    }
}

impl<M: Medium> Sink for FileSink<M> {
    fn write(&mut self, batch: &Batch<'_>) -> Result<(), WriteError> {
        // A format that does not end its records with newlines is no text, and a newline in it
        // would be damage.
        if self.torn && batch.bytes().ends_with(b"\n") {
            self.append(b"\n").map_err(|stopped| stopped.source)?;
        }
        self.torn = false;
        let Err(Stopped { done, source }) = self.append(batch.bytes()) else { return Ok(()) };
        let (written, torn_bytes) = cut(batch, done);
        self.torn = torn_bytes > 0 && !self.medium.cut_back(torn_bytes);
        Err(WriteError { written, source })
    }

    fn sync(&mut self) -> io::Result<()> {
        if let Some((kind, text)) = &self.sync_failure {
            let text = format!("an earlier sync failed ({text}), what was written may be lost");
            return Err(io::Error::new(*kind, text));
        }
        let outcome = self.medium.sync();
        self.sync_failure = outcome.as_ref().err().map(|error| (error.kind(), error.to_string()));
        outcome
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

fn last_byte(file: &mut fs::File) -> io::Result<Option<u8>> {
    if file.metadata()?.len() == 0 {
        return Ok(None);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(Some(last[0]))
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
