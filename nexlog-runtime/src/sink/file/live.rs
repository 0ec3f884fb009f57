//! The live file: whole records are appended to it, with one write for a batch where the limit
//! allows.
//!
//! When a disk is full in the middle of a batch, the half record is cut off again, or, where that
//! fails, ended by a newline before the next batch: a line reader never sees two records in one
//! line. A batch is cut at the ends of records where the file reaches its limit. After a failed
//! `fdatasync` nobody knows what is on the device: the file is opened again, and `sync` fails from
//! then on. That something is renamed is `turn`'s and `follow`'s business.

use core::sync::atomic::AtomicU64;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::archive::{MOST_NUMBERED, Names};
use super::archives::Archives;
#[cfg(any(feature = "gzip", feature = "zstd"))]
use super::compress::{Compression, Compressor, Packer};
use super::date::Schedule;
use super::follow::Follow;
use super::keep::Keep;
use super::rotate::Calendar;
use super::system::{Disk, Medium, System};
use super::{File, Rotate};
use crate::error::Error;
use crate::sink::whole::{Stopped, cut, write_whole};
use crate::sink::{Batch, Sink, WriteError, Writing};

/// What the user states, as far as writing needs it.
#[derive(Debug, Default)]
pub(super) struct Rules {
    pub(super) limit: Option<u64>,
    pub(super) reserve: Option<u64>,
    /// Whether the live file may have space that is not used yet.
    pub(super) sets_aside: bool,
    /// Whether writes take the lock that the processes share.
    pub(super) is_managed: bool,
    /// Where the rings of those processes are.
    pub(super) rings: Option<PathBuf>,
}

/// A file sink at work.
pub(super) struct FileSink<S: System = Disk> {
    name: String,
    pub(super) system: S,
    pub(super) live: S::File,
    /// How long the live file is, as far as is known.
    pub(super) size: u64,
    /// When it began, by the clock on the wall.
    pub(super) begun: i64,
    /// Whether the file's last line has no end, so that ours must not follow it directly.
    pub(super) torn: bool,
    pub(super) rules: Rules,
    pub(super) calendar: Option<Calendar>,
    pub(super) archives: Archives,
    pub(super) follow: Follow,
    /// Whether files were rotated since the last sync.
    pub(super) has_rotated: bool,
    pub(super) rotations: Arc<AtomicU64>,
    #[cfg(any(feature = "gzip", feature = "zstd"))]
    pub(super) compressor: Option<Compressor>,
    #[cfg(any(feature = "gzip", feature = "zstd"))]
    compression: Option<Compression>,
    /// Why the first failed sync failed: afterwards the system may have thrown unwritten data
    /// away and would call the next sync a success.
    sync_failure: Option<(io::ErrorKind, String)>,
}

impl FileSink {
    pub(super) fn open(file: &File) -> Result<FileSink, Error> {
        let option = |option, problem| Error::Option { option, problem };
        let rotate = file.rotate.clone().unwrap_or_default();
        let archive = file.archive.clone().unwrap_or_default();
        let keep = file.keep.unwrap_or_default();
        rotate.problem().map_or(Ok(()), |problem| Err(option("rotate", problem)))?;
        let most = archive.is_numbered().then_some(MOST_NUMBERED);
        keep.problem(most).map_or(Ok(()), |problem| Err(option("keep", problem)))?;
        let live_name = file.path.file_name().unwrap_or_default();
        let names = Names::new(live_name, &archive, rotate.zone());
        let names = names.map_err(|problem| option("archive", problem))?;
        let mut disk = Disk::new(&file.path, file.mode, names.hidden("lock"))?;
        if file.mapped {
            disk.map(rotate.bytes);
        }
        let live = disk.open_first()?;
        let rules = Rules {
            limit: rotate.bytes,
            reserve: file.preallocate,
            sets_aside: file.mapped || file.preallocate.is_some(),
            is_managed: file.is_managed(),
            rings: file.rings.clone(),
        };
        let mut sink = FileSink::new(&file.path, disk, live, rules, names, keep);
        sink.follow.watch_hangups(file.hangup)?;
        sink.begin(&rotate).map_err(|source| Error::File {
            path: file.path.clone(),
            attempted: "take care of the archives of",
            source,
            remedy: "give this user the right to make, rename and delete files in its folder",
        })?;
        #[cfg(any(feature = "gzip", feature = "zstd"))]
        {
            sink.compression = file.compress;
            sink.start_compressor().map_err(|source| Error::Option {
                option: "compress",
                problem: format!(
                    "its thread cannot be started: {source}; raise the limit on threads"
                ),
            })?;
        }
        Ok(sink)
    }
}

impl<S: System> FileSink<S> {
    /// Starts the thread that compresses archives, if they are to be.
    #[cfg(any(feature = "gzip", feature = "zstd"))]
    pub(super) fn start_compressor(&mut self) -> io::Result<()> {
        let Some(compression) = self.compression else { return Ok(()) };
        let (system, names) = (self.system.another()?, self.archives.names().clone());
        let changed = Arc::clone(self.archives.changed());
        let packer = Packer { system, names, compression, changed };
        self.compressor = Some(Compressor::start(packer)?);
        Ok(())
    }

    pub(super) fn new(
        path: &Path,
        system: S,
        live: S::File,
        rules: Rules,
        names: Names,
        keep: Keep,
    ) -> FileSink<S> {
        let most = names.are_numbered().then_some(MOST_NUMBERED);
        FileSink {
            name: format!("file {}", path.display()),
            follow: Follow::new(system.now_ns(), system.forks()),
            begun: system.wall(),
            system,
            live,
            size: 0,
            torn: false,
            rules,
            calendar: None,
            archives: Archives::new(names, keep.within(most)),
            has_rotated: false,
            rotations: Arc::default(),
            #[cfg(any(feature = "gzip", feature = "zstd"))]
            compressor: None,
            #[cfg(any(feature = "gzip", feature = "zstd"))]
            compression: None,
            sync_failure: None,
        }
    }

    /// Before the first batch: what the file is, and what a start asks for.
    pub(super) fn begin(&mut self, rotate: &Rotate) -> io::Result<()> {
        let now_ns = self.system.now_ns();
        let last_write = self.meet()?;
        self.calendar = rotate.period.map(|period| {
            let schedule = Schedule { period, zone: rotate.zone() };
            Calendar::new(schedule, last_write, now_ns)
        });
        if !self.rules.is_managed {
            return Ok(());
        }
        // Where another process has stopped with the lock, that is for the next start.
        let outcome = if self.lock()? { self.put_in_order(rotate) } else { Ok(()) };
        self.unlock();
        outcome
    }

    /// Under the lock: what a dead process has left, what a start asks for, what is too much.
    fn put_in_order(&mut self, rotate: &Rotate) -> io::Result<()> {
        self.remove_next()?;
        if self.torn {
            self.meet_neighbours()?;
        }
        if self.rules.sets_aside {
            self.mend()?;
        }
        #[cfg(any(feature = "gzip", feature = "zstd"))]
        {
            let hidden = self.archives.names().hidden("packing");
            // Unless a process that lives has it.
            if self.system.look(&hidden)?.is_some() && self.system.open_alone(&hidden)?.is_some() {
                self.system.remove(&hidden)?;
            }
        }
        if rotate.at_start {
            self.rotate_now(self.system.now_ns())?;
        }
        self.archives.enforce(&self.system)
    }

    /// What an earlier run has left behind the last record.
    fn mend(&mut self) -> io::Result<()> {
        self.live.mend()?;
        self.trim();
        let begun = self.begun;
        self.meet()?;
        self.begun = begun.min(self.begun);
        Ok(())
    }

    /// Sees what the live file is like that was just opened. When it was written last; now, if it
    /// is empty.
    pub(super) fn meet(&mut self) -> io::Result<i64> {
        let look = self.live.look()?;
        self.size = look.bytes;
        // A tail that cannot be read is taken for torn: an empty line harms nobody.
        self.torn = self.live.last_byte().map_or(true, |last| last.is_some_and(|b| b != b'\n'));
        self.reserve();
        let now = self.system.wall();
        self.begun = if look.bytes == 0 { now } else { look.modified.min(now) };
        Ok(self.begun)
    }

    /// The live file is new.
    pub(super) fn start_empty(&mut self) {
        (self.size, self.torn) = (0, false);
        self.reserve();
    }

    /// Sets space aside for the live file; that there is none is for its writes to find.
    fn reserve(&mut self) {
        if let Some(bytes) = self.rules.reserve {
            let _ = self.live.reserve(bytes);
        }
    }

    /// Gives back what the live file does not use.
    pub(super) fn trim(&mut self) {
        if self.rules.sets_aside && self.follow.is_locked {
            let _ = self.live.trim();
        }
    }

    /// Writes the batch, file by file. The first value is trouble that cost no record.
    fn write_all(&mut self, batch: &Batch<'_>) -> (Option<io::Error>, Result<(), WriteError>) {
        self.end_half_line(batch);
        let mut trouble = self.rotate_if_due();
        let mut first = 0;
        while first < batch.len() {
            let mut next = self.fitting(batch, first);
            if next == first {
                // The file is full, or the record is longer than a file may be.
                match self.size > 0 && trouble.is_none() && self.may_rotate() {
                    true => match self.rotate_now(self.system.now_ns()) {
                        Ok(_) => continue,
                        Err(error) => trouble = Some(error),
                    },
                    false if self.size == 0 => next = first + 1,
                    false => {}
                }
                next = if next == first { batch.len() } else { next };
            }
            if let Err(error) = self.put(batch, first, next) {
                return (trouble, Err(error));
            }
            first = next;
        }
        (trouble, Ok(()))
    }

    /// Before the file may become an archive: archives are often read as one stream, and the next
    /// one would go on in the middle of the line. Where that does not work, `put` has to.
    fn end_half_line(&mut self, batch: &Batch<'_>) {
        let has_room = self.rules.limit.is_none_or(|limit| self.size < limit);
        if self.torn && has_room && batch.bytes().ends_with(b"\n") {
            self.torn = self.append(b"\n").is_err();
        }
    }

    /// The number behind the last record that fits in the live file, from `first` on.
    fn fitting(&self, batch: &Batch<'_>, first: usize) -> usize {
        let Some(limit) = self.rules.limit else { return batch.len() };
        let room = limit.saturating_sub(self.size + u64::from(self.torn));
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        batch.records_within(batch.start_of(first).saturating_add(room)).max(first)
    }

    /// Appends the records from `first` to before `next`.
    fn put(&mut self, batch: &Batch<'_>, first: usize, next: usize) -> Result<(), WriteError> {
        let start = batch.start_of(first);
        let bytes = batch.bytes().get(start..batch.start_of(next)).unwrap_or(&[]);
        // A format that does not end its records with newlines is no text, and a newline in it
        // would be damage.
        if self.torn && bytes.ends_with(b"\n") {
            let ended = self.append(b"\n");
            ended.map_err(|stopped| WriteError { written: first, source: stopped.source })?;
        }
        self.torn = false;
        let writing = Writing { identity: self.live.identity(), offset: self.size, bytes };
        let journal = batch.journal();
        journal.inspect(|journal| journal.begin(first..next, &writing));
        let outcome = self.append_records(batch, start, bytes);
        let written = outcome.as_ref().map_or_else(|error| error.written, |()| next);
        journal.inspect(|journal| journal.end(first..written));
        outcome
    }

    /// Appends the part of the batch that begins at `start`.
    fn append_records(
        &mut self,
        batch: &Batch<'_>,
        start: usize,
        bytes: &[u8],
    ) -> Result<(), WriteError> {
        let Err(Stopped { done, source }) = self.append(bytes) else { return Ok(()) };
        let (written, torn_bytes) = cut(batch, start + done);
        if torn_bytes > 0 {
            self.torn = !self.live.cut_back(torn_bytes);
            self.size -= if self.torn { 0 } else { torn_bytes as u64 };
        }
        Err(WriteError { written, source })
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Stopped> {
        let outcome = write_whole(bytes, |bytes| self.live.append(bytes, self.follow.is_locked));
        let done = outcome.as_ref().map_or_else(|stopped| stopped.done, |()| bytes.len());
        self.size += done as u64;
        outcome
    }

    /// Another file in place of the live one. The old one is closed.
    pub(super) fn replace(&mut self, live: S::File) -> S::File {
        core::mem::replace(&mut self.live, live)
    }

    fn sync_files(&mut self) -> io::Result<()> {
        self.live.sync()?;
        if core::mem::take(&mut self.has_rotated) {
            // Archives are closed; the whole file system has them.
            self.system.sync_all()?;
        }
        Ok(())
    }
}

impl<S: System> Sink for FileSink<S> {
    fn write(&mut self, batch: &Batch<'_>) -> Result<(), WriteError> {
        let followed = self.follow_file();
        let (trouble, outcome) = self.write_all(batch);
        self.unlock();
        outcome?;
        let trouble = followed.err().or(trouble);
        #[cfg(any(feature = "gzip", feature = "zstd"))]
        let trouble = trouble.or_else(|| self.compressor.as_ref()?.trouble());
        trouble.map_or(Ok(()), |source| Err(WriteError { written: batch.len(), source }))
    }

    fn sync(&mut self) -> io::Result<()> {
        if let Some((kind, text)) = &self.sync_failure {
            let text = format!("an earlier sync failed ({text}), what was written may be lost");
            return Err(io::Error::new(*kind, text));
        }
        let outcome = self.sync_files();
        if let Err(error) = &outcome {
            self.sync_failure = Some((error.kind(), error.to_string()));
            // What follows goes through a description that has not failed.
            if let Ok(live) = self.system.open() {
                self.replace(live);
            }
        }
        outcome
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.rotate_on_demand()
    }

    fn reopen(&mut self) -> io::Result<()> {
        self.reopen_file()
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

impl<S: System> Drop for FileSink<S> {
    fn drop(&mut self) {
        // Without the lock the others do that when they close it, or the next start. In a forked
        // child it is the parent's to do.
        let is_here = self.follow.forks == self.system.forks();
        if is_here && self.rules.sets_aside && self.lock().is_ok() {
            self.trim();
            self.unlock();
        }
    }
}

#[cfg(test)]
#[path = "live_tests.rs"]
mod tests;
