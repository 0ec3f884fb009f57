//! Archives are compressed by a thread of their own.
//!
//! It reads an archive and writes a hidden file, which no rotation renames. Only when that is
//! whole and on the device it takes the lock, looks up what the archive is called by now, gives
//! the hidden file that name with its ending, and deletes the archive. A kill leaves the hidden
//! file, or both: a start deletes what is half done and what is there twice (`archives`). The
//! end of the process stops the thread between its steps and never between those two.

use core::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::archive::{Ending, Names};
use super::system::{Medium, Source, System};
use crate::sys;
use crate::sys::folder::Identity;

/// How archives of a [`File`](crate::File) are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// `app.log.1.gz`, for `zcat`.
    #[cfg(feature = "gzip")]
    Gzip,
    /// `app.log.1.zst`, for `zstdcat`.
    #[cfg(feature = "zstd")]
    Zstd,
}

impl Compression {
    fn ending(self) -> Ending {
        match self {
            #[cfg(feature = "gzip")]
            Compression::Gzip => Ending::Gzip,
            #[cfg(feature = "zstd")]
            Compression::Zstd => Ending::Zstd,
        }
    }

    /// Copies what `from` gives to `to`, compressed, until `must_stop`. How much was read; `None`
    /// when it was stopped.
    fn copy(
        self,
        from: &mut dyn Read,
        to: &mut dyn Write,
        must_stop: &dyn Fn() -> bool,
    ) -> io::Result<Option<u64>> {
        match self {
            #[cfg(feature = "gzip")]
            Compression::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(to, flate2::Compression::default());
                let copied = copy(from, &mut encoder, must_stop)?;
                encoder.finish()?;
                Ok(copied)
            }
            #[cfg(feature = "zstd")]
            Compression::Zstd => {
                let mut encoder = zstd::stream::write::Encoder::new(to, 0)?;
                encoder.include_checksum(true)?;
                let copied = copy(from, &mut encoder, must_stop)?;
                encoder.finish()?;
                Ok(copied)
            }
        }
    }
}

fn copy(
    from: &mut dyn Read,
    to: &mut dyn Write,
    must_stop: &dyn Fn() -> bool,
) -> io::Result<Option<u64>> {
    let mut block = vec![0; 64 << 10];
    let mut copied = 0;
    loop {
        if must_stop() {
            return Ok(None);
        }
        match from.read(&mut block) {
            Ok(0) => return Ok(Some(copied)),
            Ok(count) => {
                to.write_all(block.get(..count).unwrap_or(&[]))?;
                copied += count as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// A [`Medium`] as a writer.
struct Appended<'a, M>(&'a mut M);

impl<M: Medium> Write for Appended<'_, M> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.append(bytes, true)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether the process ends: held while an archive has two names.
static ENDING: Mutex<bool> = Mutex::new(false);

/// Its lock.
pub(super) fn ending_lock() -> &'static Mutex<bool> {
    &ENDING
}

fn ending() -> MutexGuard<'static, bool> {
    ENDING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on no archive gets a second name; returns when none has one.
pub(crate) fn end() {
    *ending() = true;
}

/// What the sink and the thread share.
#[derive(Default)]
struct Shared {
    is_asked: Mutex<bool>,
    moved: Condvar,
    must_stop: AtomicBool,
    trouble: Mutex<Option<io::Error>>,
}

/// The sink's side. Dropped, it stops the thread between its steps.
pub(super) struct Compressor {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// As [`sys::fork::count`] said when it was started: with another number it stayed in the
    /// parent, and so may have its locks.
    forks: u64,
}

impl Compressor {
    /// Starts the thread, which first compresses what an earlier run has left.
    pub(super) fn start<S: System>(packer: Packer<S>) -> io::Result<Compressor> {
        let shared = Arc::new(Shared { is_asked: Mutex::new(true), ..Shared::default() });
        let for_thread = Arc::clone(&shared);
        let thread = thread::Builder::new().name(String::from("nexlog-compress"));
        let thread = thread.spawn(move || run(&for_thread, packer))?;
        Ok(Compressor { shared, thread: Some(thread), forks: sys::fork::count() })
    }

    fn is_here(&self) -> bool {
        self.forks == sys::fork::count()
    }

    /// There is another archive.
    pub(super) fn wake(&self) {
        if !self.is_here() {
            return;
        }
        *self.shared.is_asked.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.moved.notify_one();
    }

    /// What has gone wrong since the last time.
    pub(super) fn trouble(&self) -> Option<io::Error> {
        if !self.is_here() {
            return None;
        }
        self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Compressor {
    fn drop(&mut self) {
        self.shared.must_stop.store(true, SeqCst);
        self.wake();
        if let Some(thread) = self.thread.take() {
            if !self.is_here() {
                return core::mem::forget(thread); // nobody ends it here
            }
            let _ = thread.join();
        }
    }
}

fn run<S: System>(shared: &Shared, mut packer: Packer<S>) {
    let must_stop = || shared.must_stop.load(SeqCst);
    while !must_stop() {
        if let Err(error) = packer.pack_all(&must_stop) {
            let error =
                io::Error::new(error.kind(), format!("cannot compress an archive: {error}"));
            *shared.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
        let mut is_asked = shared.is_asked.lock().unwrap_or_else(PoisonError::into_inner);
        while !*is_asked && !must_stop() {
            is_asked = shared.moved.wait(is_asked).unwrap_or_else(PoisonError::into_inner);
        }
        *is_asked = false;
    }
}

/// Compresses the archives of one live file.
pub(super) struct Packer<S> {
    pub(super) system: S,
    pub(super) names: Names,
    pub(super) compression: Compression,
    /// Tells the sink that the folder has to be read again.
    pub(super) changed: Arc<AtomicBool>,
}

/// How long rotation may have the lock.
const PATIENCE_NS: u64 = 10_000_000_000;

impl<S: System> Packer<S> {
    /// Compresses every archive that is not, the oldest first.
    pub(super) fn pack_all(&mut self, must_stop: &dyn Fn() -> bool) -> io::Result<()> {
        loop {
            let mut plain = self.plain()?;
            plain.sort_by_key(|(name, _)| {
                self.names.read(name).map(|(place, _)| self.names.age(place))
            });
            let mut has_moved = false;
            for (name, _) in plain {
                if must_stop() {
                    return Ok(());
                }
                match self.pack(&name, must_stop)? {
                    Packed::Done => {}
                    Packed::Moved => has_moved = true,
                    Packed::Stopped => return Ok(()),
                }
            }
            if !has_moved {
                return Ok(());
            }
        }
    }

    /// The archives that are not compressed.
    fn plain(&self) -> io::Result<Vec<(OsString, Identity)>> {
        let names = self.system.list()?.into_iter();
        let names = names.filter(|name| {
            self.names.read(name).is_some_and(|(_, ending)| ending == Ending::Plain)
        });
        let mut plain = Vec::new();
        for name in names {
            if let Some(look) = self.system.look(&name)?.filter(|look| look.is_file) {
                plain.push((name, look.identity));
            }
        }
        Ok(plain)
    }

    fn pack(&mut self, name: &OsStr, must_stop: &dyn Fn() -> bool) -> io::Result<Packed> {
        let Source { mut reader, look, _closed } = match self.system.open_read(name) {
            Ok(source) => source,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Packed::Moved),
            Err(error) => return Err(error),
        };
        let hidden = self.names.hidden("packing");
        // Another process is at it.
        let Some(mut packed) = self.system.open_alone(&hidden)? else { return Ok(Packed::Stopped) };
        let written = self.compression.copy(&mut reader, &mut Appended(&mut packed), must_stop);
        let outcome = match written {
            Ok(None) => Ok(Packed::Stopped),
            Ok(Some(bytes)) => packed
                .set_modified(look.modified)
                .and_then(|()| packed.sync())
                .and_then(|()| self.replace(&hidden, look.identity, bytes)),
            Err(error) => Err(error),
        };
        if !matches!(outcome, Ok(Packed::Done)) {
            let _ = self.system.remove(&hidden);
        }
        outcome
    }

    /// Puts the hidden file in the place of the archive that is this file, of so many bytes.
    fn replace(&mut self, hidden: &OsStr, identity: Identity, bytes: u64) -> io::Result<Packed> {
        let begun_ns = self.system.now_ns();
        while !self.system.try_lock()? {
            if self.system.now_ns().wrapping_sub(begun_ns) > PATIENCE_NS {
                return Ok(Packed::Stopped);
            }
            self.system.pause(Duration::from_micros(200));
        }
        let outcome = self.replace_locked(hidden, identity, bytes);
        self.system.unlock();
        outcome
    }

    fn replace_locked(&self, hidden: &OsStr, identity: Identity, bytes: u64) -> io::Result<Packed> {
        let plain = self.plain()?.into_iter().find(|(_, known)| *known == identity);
        let Some((name, _)) = plain else { return Ok(Packed::Moved) }; // it was deleted
        if self.system.look(&name)?.is_none_or(|look| look.bytes != bytes) {
            return Ok(Packed::Moved); // somebody who knows nothing of the lock still wrote to it
        }
        let mut to = name.clone();
        to.push(self.compression.ending().text());
        let is_ending = ending();
        if *is_ending {
            return Ok(Packed::Stopped);
        }
        self.system.rename(hidden, &to)?;
        self.changed.store(true, SeqCst);
        self.system.remove(&name)?;
        drop(is_ending);
        Ok(Packed::Done)
    }
}

/// What became of an archive.
enum Packed {
    Done,
    /// It has another name by now, or is gone.
    Moved,
    /// Not now.
    Stopped,
}

#[cfg(test)]
#[path = "compress_tests.rs"]
mod tests;
