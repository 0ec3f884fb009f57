//! What the file sink needs of the world: a folder, an open file, two clocks and a lock.
//!
//! [`Disk`] is the real one. Tests put a world of their own in its place, whose disk fills up and
//! whose clock jumps. Neither decides anything.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::mapped::{self, Mapped};
use super::open::{self, Claim, Owner};
use crate::error::Error;
use crate::sys;
use crate::sys::folder::{self, Folder, Identity, Look};
use crate::sys::fork::ClosedInChild;

/// The world. Names are those of files in the live file's folder.
pub(super) trait System: Send + Sized + 'static {
    type File: Medium;

    /// The same folder with a lock of its own, for another thread.
    #[cfg(any(feature = "gzip", feature = "zstd"))]
    fn another(&self) -> io::Result<Self>;

    /// Seconds since 1970 by the clock on the wall.
    fn wall(&self) -> i64;
    /// Nanoseconds by the clock that only goes forward.
    fn now_ns(&self) -> u64;
    fn pause(&self, time: Duration);

    /// Opens the live file, which is made when it is missing.
    fn open(&mut self) -> io::Result<Self::File>;
    /// Looks for the live file's folder again, by its path.
    fn look_for_folder(&mut self) -> io::Result<()>;
    /// Makes a file that is not there.
    fn create(&self, name: &OsStr) -> io::Result<Self::File>;
    fn look(&self, name: &OsStr) -> io::Result<Option<Look>>;
    /// As `look`, for less: which file it is and how long.
    fn glance(&self, name: &OsStr) -> io::Result<Option<(Identity, u64)>>;
    fn list(&self) -> io::Result<Vec<OsString>>;
    /// Never overwrites.
    fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()>;
    fn remove(&self, name: &OsStr) -> io::Result<()>;
    /// Opens a file for reading.
    #[cfg(any(feature = "gzip", feature = "zstd"))]
    fn open_read(&self, name: &OsStr) -> io::Result<Source>;
    /// Makes a file, or opens and empties it; `None` when somebody else has it.
    #[cfg(any(feature = "gzip", feature = "zstd"))]
    fn open_alone(&self, name: &OsStr) -> io::Result<Option<Self::File>>;
    /// Puts all that was written to files of this folder, and their names, on the device.
    fn sync_all(&self) -> io::Result<()>;

    /// Takes the lock that all processes share which log to the live file; never waits.
    fn try_lock(&mut self) -> io::Result<bool>;
    fn unlock(&mut self);
    /// Another number in a forked child than in its parent.
    fn forks(&self) -> u64;
    /// In a forked child: the lock is one that the parent has, too.
    fn forget_lock(&mut self);
}

/// A file that is read.
#[cfg(any(feature = "gzip", feature = "zstd"))]
pub(super) struct Source {
    /// Declared before the reader: its number must not be closed when it is another's.
    pub(super) _closed: Option<ClosedInChild>,
    pub(super) reader: Box<dyn Read>,
    pub(super) look: Look,
}

/// A file that is written: the live one, mostly.
pub(super) trait Medium: Send + 'static {
    /// Appends some of the bytes with one call to the system. `is_alone`: no other process does so
    /// meanwhile.
    fn append(&mut self, bytes: &[u8], is_alone: bool) -> io::Result<usize>;
    /// Takes the last `bytes` bytes away, if they are still the last. Whether it did.
    fn cut_back(&mut self, bytes: usize) -> bool;
    /// The file itself, where there is one.
    fn file(&self) -> Option<&fs::File> {
        None
    }
    /// Whether it is written through memory.
    fn is_mapped(&self) -> bool {
        false
    }
    /// Takes away what lies behind this length, if it begins like this. Whether it did.
    fn cut_to(&mut self, length: u64, beginning: &[u8]) -> io::Result<bool>;
    /// Puts the data on the device.
    fn sync(&mut self) -> io::Result<()>;
    fn look(&self) -> io::Result<Look>;
    /// What tells it from another file; asks nobody.
    fn identity(&self) -> Identity;
    fn last_byte(&mut self) -> io::Result<Option<u8>>;
    /// Sets space aside for the file's first `bytes` bytes.
    fn reserve(&mut self, bytes: u64) -> io::Result<()>;
    /// Has it look as if it was last written then, in seconds since 1970.
    #[cfg(any(feature = "gzip", feature = "zstd"))]
    fn set_modified(&mut self, seconds: i64) -> io::Result<()>;
    /// Gives back what was set aside and not used. Only under the lock: what others append
    /// meanwhile would be cut off.
    fn trim(&mut self) -> io::Result<()>;
    /// Takes away what a process that was killed has left behind the last record. Only under the
    /// lock, too.
    fn mend(&mut self) -> io::Result<()>;
}

/// The real world.
#[derive(Debug)]
pub(super) struct Disk {
    path: PathBuf,
    lock_name: OsString,
    mode: u32,
    /// If files are written through memory, how much is mapped at a time.
    mapped: Option<u64>,
    owner: Owner,
    folder: Folder,
    lock: Option<(Option<ClosedInChild>, fs::File)>,
    /// Whether it belongs to a thread that no forked child has.
    of_a_thread: bool,
}

impl Disk {
    /// Makes and opens the folder of the live file at `path`.
    pub(super) fn new(path: &Path, mode: u32, lock_name: OsString) -> Result<Disk, Error> {
        open::check_mode(mode)?;
        let folder = open::folder(path)?;
        let (path, owner) = (path.to_owned(), Owner::new());
        Ok(Disk {
            path,
            lock_name,
            mode,
            mapped: None,
            owner,
            folder,
            lock: None,
            of_a_thread: false,
        })
    }

    /// As [`System::open`], with the error that the builder returns.
    pub(super) fn open_first(&mut self) -> Result<LiveFile, Error> {
        let mut live = open::open(&self.folder, &self.path, self.mode, self.owner)?;
        live.map(self.mapped);
        let checked = live.mapped.as_mut().map_or(Ok(()), |mapped| mapped.check(&live.file));
        checked.map_err(|source| Error::File {
            path: self.path.clone(),
            attempted: "map the log file",
            source,
            remedy: "leave `mapped(true)` out: this system, or its file system, cannot do that",
        })?;
        Ok(live)
    }

    /// Has files written through memory; `limit` is what they grow to.
    pub(super) fn map(&mut self, limit: Option<u64>) {
        self.mapped = Some(mapped::extent(limit));
    }
}

impl System for Disk {
    type File = LiveFile;

    #[cfg(any(feature = "gzip", feature = "zstd"))]
    fn another(&self) -> io::Result<Disk> {
        Ok(Disk {
            path: self.path.clone(),
            lock_name: self.lock_name.clone(),
            mode: self.mode,
            mapped: None,
            owner: self.owner,
            folder: self.folder.another()?,
            lock: None,
            of_a_thread: true,
        })
    }

    fn wall(&self) -> i64 {
        sys::realtime().0
    }

    fn now_ns(&self) -> u64 {
        sys::monotonic_ns()
    }

    fn pause(&self, time: Duration) {
        std::thread::sleep(time);
    }

    fn open(&mut self) -> io::Result<LiveFile> {
        let opened = open::open(&self.folder, &self.path, self.mode, self.owner);
        let mut live = opened.map_err(io::Error::other)?;
        live.map(self.mapped);
        Ok(live)
    }

    fn look_for_folder(&mut self) -> io::Result<()> {
        self.folder = open::folder(&self.path).map_err(io::Error::other)?;
        self.lock = None;
        Ok(())
    }

    fn create(&self, name: &OsStr) -> io::Result<LiveFile> {
        let file = self.folder.create(name, self.mode)?;
        let identity = folder::look_at_file(&file, &self.path.with_file_name(name))?.identity;
        let claim = Claim::stake(identity, self.owner);
        let claim = claim.ok_or_else(|| {
            io::Error::other("the new log file is one that this process logs to already")
        })?;
        let mut live = LiveFile::new(claim, file);
        live.map(self.mapped);
        Ok(live)
    }

    fn look(&self, name: &OsStr) -> io::Result<Option<Look>> {
        self.folder.look(name)
    }

    fn glance(&self, name: &OsStr) -> io::Result<Option<(Identity, u64)>> {
        self.folder.glance(name)
    }

    fn list(&self) -> io::Result<Vec<OsString>> {
        self.folder.list()
    }

    fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        self.folder.rename(from, to)
    }

    fn remove(&self, name: &OsStr) -> io::Result<()> {
        self.folder.remove(name)
    }

    #[cfg(any(feature = "gzip", feature = "zstd"))]
    fn open_read(&self, name: &OsStr) -> io::Result<Source> {
        let file = self.folder.open_read(name)?;
        open::check(&file.metadata()?, false).map_err(|(why, _)| why)?;
        let look = folder::look_at_file(&file, &self.path.with_file_name(name))?;
        let closed = ClosedInChild::new(&file);
        Ok(Source { _closed: closed, reader: Box::new(file), look })
    }

    #[cfg(any(feature = "gzip", feature = "zstd"))]
    fn open_alone(&self, name: &OsStr) -> io::Result<Option<LiveFile>> {
        let (file, _) = self.folder.open_append(name, self.mode)?;
        if !folder::try_lock(&file)? {
            return Ok(None);
        }
        let identity = folder::look_at_file(&file, &self.path.with_file_name(name))?.identity;
        // Whoever had it may have given it another name just before.
        if self.look(name)?.is_none_or(|look| look.identity != identity) {
            return Ok(None);
        }
        open::check(&file.metadata()?, true).map_err(|(why, _)| why)?;
        file.set_len(0)?;
        Ok(Claim::stake(identity, self.owner).map(|claim| {
            let closed = ClosedInChild::new(&file);
            LiveFile { _closed: closed, ..LiveFile::new(claim, file) }
        }))
    }

    fn sync_all(&self) -> io::Result<()> {
        self.folder.sync_all()?;
        self.folder.sync()
    }

    fn try_lock(&mut self) -> io::Result<bool> {
        if self.lock.is_none() {
            let (lock, _) = self.folder.open_append(&self.lock_name, 0o600)?;
            let path = self.path.with_file_name(&self.lock_name);
            open::check(&lock.metadata()?, false)
                .map_err(|(why, _)| io::Error::other(format!("{}: {why}", path.display())))?;
            let closed = if self.of_a_thread { ClosedInChild::new(&lock) } else { None };
            self.lock = Some((closed, lock));
        }
        self.lock.as_ref().map_or(Ok(false), |(_, lock)| folder::try_lock(lock))
    }

    fn forks(&self) -> u64 {
        sys::fork::count()
    }

    fn forget_lock(&mut self) {
        self.lock = None;
    }

    fn unlock(&mut self) {
        if let Some((_, lock)) = &self.lock {
            folder::unlock(lock);
        }
    }
}

/// An open log file.
#[derive(Debug)]
pub(super) struct LiveFile {
    /// Declared before the file: an inode that is free again must not be claimed any more.
    pub(super) claim: Claim,
    /// Declared before the file, too.
    _closed: Option<ClosedInChild>,
    pub(super) file: fs::File,
    mapped: Option<Mapped>,
}

impl LiveFile {
    pub(super) fn new(claim: Claim, file: fs::File) -> LiveFile {
        LiveFile { claim, _closed: None, file, mapped: None }
    }

    fn map(&mut self, extent: Option<u64>) {
        self.mapped = extent.map(Mapped::new);
    }
}

impl Medium for LiveFile {
    fn file(&self) -> Option<&fs::File> {
        Some(&self.file)
    }

    fn is_mapped(&self) -> bool {
        self.mapped.is_some()
    }

    fn append(&mut self, bytes: &[u8], is_alone: bool) -> io::Result<usize> {
        match &mut self.mapped {
            Some(mapped) if is_alone => mapped.append(&self.file, bytes),
            _ => self.file.write(bytes),
        }
    }

    fn cut_back(&mut self, bytes: usize) -> bool {
        if let Some(mapped) = &mut self.mapped {
            return mapped.cut_back(&self.file, bytes);
        }
        // After an append the position is behind what was written. Another process that has
        // appended since keeps its records: then the end is elsewhere, and nothing is cut.
        let ours = self.file.stream_position().ok();
        let end = self.file.metadata().ok().map(|metadata| metadata.len());
        match end.filter(|_| ours == end).and_then(|end| end.checked_sub(bytes as u64)) {
            Some(end) => self.file.set_len(end).is_ok(),
            None => false,
        }
    }

    fn cut_to(&mut self, length: u64, beginning: &[u8]) -> io::Result<bool> {
        let is_it = folder::begins_at(&self.file, length, beginning)?;
        if is_it { self.file.set_len(length).map(|()| true) } else { Ok(false) }
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn look(&self) -> io::Result<Look> {
        let look = folder::look_at_file(&self.file, Path::new(""))?;
        Ok(Look { identity: self.identity(), ..look })
    }

    fn identity(&self) -> Identity {
        self.claim.identity()
    }

    fn last_byte(&mut self) -> io::Result<Option<u8>> {
        if self.file.metadata()?.len() == 0 {
            return Ok(None);
        }
        self.file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        self.file.read_exact(&mut last)?;
        Ok(Some(last[0]))
    }

    fn reserve(&mut self, bytes: u64) -> io::Result<()> {
        folder::reserve(&self.file, 0, bytes)
    }

    #[cfg(any(feature = "gzip", feature = "zstd"))]
    fn set_modified(&mut self, seconds: i64) -> io::Result<()> {
        let since = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        self.file.set_modified(std::time::UNIX_EPOCH + since)
    }

    fn trim(&mut self) -> io::Result<()> {
        // The same length again: what lies behind it is given back. That is no write, and must
        // not look like one.
        let metadata = self.file.metadata()?;
        self.file.set_len(metadata.len())?;
        self.file.set_modified(metadata.modified()?)
    }

    fn mend(&mut self) -> io::Result<()> {
        if self.mapped.is_some() { mapped::cut_rest(&self.file) } else { Ok(()) }
    }
}
