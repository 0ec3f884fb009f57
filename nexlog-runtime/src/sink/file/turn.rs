//! The steps of a rotation.
//!
//! Under the lock: the next live file is made under a name of its own, which proves that there
//! can be one; then the archives make room and take the live file in; then the new one gets the
//! live name. A kill leaves the old file under one of its two names, and a hidden empty file that
//! the next rotation deletes. Whatever fails, the sink goes on with a file that it has open.

use core::sync::atomic::Ordering::Relaxed;
use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::time::Duration;

use super::archives::Incoming;
#[cfg(any(feature = "gzip", feature = "zstd"))]
use super::compress::Compressor;
use super::live::FileSink;
use super::rotate::Calendar;
use super::system::{Medium, System};
use crate::crash::{self, Found};

/// After a rotation that failed, or a lock that was not to be had.
const TRY_AGAIN_NS: u64 = 1_000_000_000;
/// How long another process may have the lock.
const LOCK_PATIENCE_NS: u64 = 1_000_000_000;
/// What a new file has to have room for.
const ROOM_BYTES: u64 = 4096;

impl<S: System> FileSink<S> {
    /// Takes the lock. `false` when somebody else does not give it back.
    pub(super) fn lock(&mut self) -> io::Result<bool> {
        self.know_forks();
        let begun_ns = self.system.now_ns();
        let mut pause = Duration::from_micros(20);
        while !self.system.try_lock()? {
            if self.system.now_ns().wrapping_sub(begun_ns) > LOCK_PATIENCE_NS {
                return Ok(false);
            }
            self.system.pause(pause);
            pause = (pause * 2).min(Duration::from_millis(1));
        }
        self.follow.is_locked = true;
        Ok(true)
    }

    pub(super) fn unlock(&mut self) {
        if core::mem::take(&mut self.follow.is_locked) {
            self.system.unlock();
        }
    }

    /// Whether a rotation may be tried: under the lock, and not again at once after a failure.
    pub(super) fn may_rotate(&self) -> bool {
        self.follow.is_locked && self.system.now_ns() >= self.follow.rotate_again_ns
    }

    /// Rotates when the period of the live file is over.
    pub(super) fn rotate_if_due(&mut self) -> Option<io::Error> {
        let (wall, now_ns) = (self.system.wall(), self.system.now_ns());
        let is_due = self.calendar.as_ref()?.is_due(wall, now_ns);
        if !is_due || (self.size > 0 && !self.may_rotate()) {
            return None;
        }
        self.rotate_now(now_ns).err()
    }

    /// Rotates for the user.
    pub(super) fn rotate_on_demand(&mut self) -> io::Result<()> {
        if !self.lock()? {
            let why = "another process has had its lock for a second; see which one has stopped";
            return Err(io::Error::new(ErrorKind::WouldBlock, why));
        }
        let outcome = self.follow_file().and_then(|()| self.rotate_now(self.system.now_ns()));
        self.unlock();
        outcome.map(|_| ())
    }

    /// Rotates, unless the live file is empty. Whether it did.
    pub(super) fn rotate_now(&mut self, now_ns: u64) -> io::Result<bool> {
        let outcome = if self.size > 0 { self.exchange().map(|()| true) } else { Ok(false) };
        if outcome.is_err() {
            self.follow.rotate_again_ns = now_ns.saturating_add(TRY_AGAIN_NS);
        } else {
            self.begin_period();
        }
        outcome
    }

    /// A new live file has begun.
    pub(super) fn begin_period(&mut self) {
        let (wall, now_ns) = (self.system.wall(), self.system.now_ns());
        self.begun = wall;
        if let Some(calendar) = &mut self.calendar {
            calendar.begin(wall, now_ns);
        }
    }

    /// Deletes the hidden file that a killed rotation has left. Its name.
    pub(super) fn remove_next(&self) -> io::Result<OsString> {
        let hidden = self.archives.names().hidden("next");
        match self.system.remove(&hidden) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(hidden),
        }
    }

    /// Before the live file becomes an archive: what killed neighbours were writing to it.
    fn settle_neighbours(&self) -> io::Result<()> {
        let (Some(rings), Some(file)) = (self.rules.rings.as_deref(), self.live.file()) else {
            return Ok(());
        };
        let (identity, is_mapped) = (self.live.identity(), self.live.is_mapped());
        match crash::settle_all(rings, identity, file, is_mapped)? {
            Found::Busy => {
                let why = "what a killed process was writing to it is being recovered just now";
                Err(io::Error::new(ErrorKind::WouldBlock, why))
            }
            _ => Ok(()),
        }
    }

    fn exchange(&mut self) -> io::Result<()> {
        self.settle_neighbours()?;
        let hidden = self.remove_next()?;
        let mut next = self.system.create(&hidden)?;
        let date = self.calendar.as_ref().map_or(self.begun, Calendar::start);
        let incoming = Incoming { bytes: self.size, date };
        // Before anything is deleted: what is made must be able to hold something.
        let is_possible = match next.reserve(ROOM_BYTES) {
            Err(error) if error.kind() == ErrorKind::Unsupported => Ok(()),
            outcome => outcome,
        };
        self.trim();
        let taken = is_possible.and_then(|()| self.archives.take_in(&self.system, incoming));
        if let Err(error) = taken {
            let _ = self.system.remove(&hidden);
            return Err(error);
        }
        self.rotations.fetch_add(1, Relaxed);
        self.has_rotated = true;
        #[cfg(any(feature = "gzip", feature = "zstd"))]
        self.compressor.iter().for_each(Compressor::wake);
        let live = self.archives.names().live();
        if let Err(error) = self.system.rename(&hidden, live) {
            let _ = self.system.remove(&hidden);
            if error.kind() != ErrorKind::AlreadyExists {
                return Err(error); // the next look makes one
            }
            // Somebody who knows nothing of the lock has made one.
            let other = self.system.open()?;
            self.replace(other);
            return self.meet().map(|_| ());
        }
        self.replace(next);
        self.start_empty();
        Ok(())
    }
}

#[cfg(test)]
#[path = "turn_tests.rs"]
mod tests;
