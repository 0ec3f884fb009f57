//! The archives there are, and the steps that bring one more to them.
//!
//! What the folder holds is remembered, because reading it at each rotation costs as much as it
//! has files; it is read again once a second, and whenever something is not as remembered. The
//! steps are taken under the lock, in an order in which a kill between any two leaves a gap in
//! the numbers and never a loss: what has to go is deleted, numbered archives move up from the
//! highest below the first gap, and the live file moves last.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use super::archive::{Ending, Names, Place};
use super::keep::{Archived, Keep};
use super::system::System;

/// How long the folder is remembered.
const REMEMBERED_NS: u64 = 1_000_000_000;
/// So often somebody else may take the next name before it is an error.
const ATTEMPTS: u32 = 8;

/// An archive: one place, and its file, or two when it was killed while being compressed.
#[derive(Debug)]
struct Entry {
    place: Place,
    files: Vec<(OsString, Ending)>,
    archived: Archived,
}

/// The archives of one live file.
#[derive(Debug)]
pub(super) struct Archives {
    names: Names,
    keep: Keep,
    /// Oldest first.
    entries: Vec<Entry>,
    /// When the folder was read.
    read_ns: Option<u64>,
    /// Set by the thread that compresses when it has changed something.
    changed: Arc<AtomicBool>,
}

/// The live file on its way to the archives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Incoming {
    pub(super) bytes: u64,
    /// When it began, for names with a date.
    pub(super) date: i64,
}

fn unless_gone(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

impl Archives {
    pub(super) fn new(names: Names, keep: Keep) -> Archives {
        let changed = Arc::default();
        Archives { names, keep, entries: Vec::new(), read_ns: None, changed }
    }

    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    /// Set to have the folder read before the next rotation.
    #[cfg(any(feature = "gzip", feature = "zstd"))]
    pub(super) fn changed(&self) -> &Arc<AtomicBool> {
        &self.changed
    }

    /// Somebody else rotates, too.
    pub(super) fn forget(&mut self) {
        self.read_ns = None;
    }

    /// Reads the folder, unless that was done just now.
    fn remember(&mut self, system: &impl System) -> io::Result<()> {
        let now_ns = system.now_ns();
        let is_fresh = self.read_ns.is_some_and(|read| now_ns.wrapping_sub(read) < REMEMBERED_NS);
        if is_fresh && !self.changed.load(Relaxed) {
            return Ok(());
        }
        self.changed.store(false, Relaxed);
        let mut entries: Vec<Entry> = Vec::new();
        for name in system.list()? {
            let Some((place, ending)) = self.names.read(&name) else { continue };
            let Some(look) = system.look(&name)?.filter(|look| look.is_file) else { continue };
            let archived = Archived { bytes: look.bytes, modified: look.modified };
            entries.push(Entry { place, files: vec![(name, ending)], archived });
        }
        entries.sort_by_key(|entry| self.names.age(entry.place));
        entries.dedup_by(|next, entry| {
            let is_same = next.place == entry.place;
            if is_same {
                entry.files.append(&mut next.files);
                entry.archived.bytes += next.archived.bytes;
                entry.archived.modified = entry.archived.modified.max(next.archived.modified);
            }
            is_same
        });
        self.entries = entries;
        self.read_ns = Some(now_ns);
        Ok(())
    }

    /// An archive that is there twice lost its process while that deleted the longer one.
    fn part_pairs(&mut self, system: &impl System) -> io::Result<()> {
        for entry in self.entries.iter_mut().filter(|entry| entry.files.len() > 1) {
            let is_packed = entry.files.iter().any(|(_, ending)| *ending != Ending::Plain);
            if let Some(plain) = entry.files.iter().position(|(_, e)| *e == Ending::Plain)
                && is_packed
            {
                unless_gone(system.remove(&entry.files[plain].0))?;
                entry.files.remove(plain);
                self.read_ns = None; // its size is another now
            }
        }
        Ok(())
    }

    /// Puts in order what a dead process has left, then deletes what is not to be kept.
    pub(super) fn enforce(&mut self, system: &impl System) -> io::Result<()> {
        self.forget();
        self.remember(system)?;
        self.part_pairs(system)?;
        self.remember(system)?;
        self.delete(system, None)
    }

    fn delete(&mut self, system: &impl System, incoming: Option<u64>) -> io::Result<()> {
        if self.keep.is_all() {
            return Ok(());
        }
        let known: Vec<Archived> = self.entries.iter().map(|entry| entry.archived).collect();
        for number in self.keep.condemned(&known, incoming, system.wall()) {
            for (name, _) in &self.entries[number].files {
                unless_gone(system.remove(name))?;
            }
            self.entries[number].files.clear();
        }
        self.entries.retain(|entry| !entry.files.is_empty());
        Ok(())
    }

    /// Moves the live file to the archives.
    pub(super) fn take_in(&mut self, system: &impl System, incoming: Incoming) -> io::Result<()> {
        let mut attempts = 1;
        loop {
            match self.try_take_in(system, incoming) {
                Err(error) if attempts < ATTEMPTS && error.kind() == ErrorKind::AlreadyExists => {
                    attempts += 1;
                    self.forget();
                }
                outcome => {
                    if outcome.is_err() {
                        self.forget();
                    }
                    return outcome;
                }
            }
        }
    }

    fn try_take_in(&mut self, system: &impl System, incoming: Incoming) -> io::Result<()> {
        self.remember(system)?;
        self.part_pairs(system)?;
        self.delete(system, Some(incoming.bytes))?;
        if self.names.are_numbered() {
            self.move_up(system)?;
        }
        let taken = self.entries.iter().rev().map(|entry| entry.place);
        let (place, name) = self.names.next(taken, incoming.date);
        system.rename(self.names.live(), &name)?;
        let archived = Archived { bytes: incoming.bytes, modified: system.wall() };
        let entry = Entry { place, files: vec![(name, Ending::Plain)], archived };
        // The newest, unless the clock went back: then the folder is read before it matters.
        if self.entries.last().is_some_and(|l| self.names.age(l.place) > self.names.age(place)) {
            self.forget();
        }
        self.entries.push(entry);
        Ok(())
    }

    /// Makes number 1 free.
    fn move_up(&mut self, system: &impl System) -> io::Result<()> {
        // Newest last, so the numbers from 1 up are at the end.
        let mut gap = 1;
        while self.place_from_end(gap).is_some_and(|place| place.number == gap) {
            gap += 1;
        }
        for number in (1..gap).rev() {
            let Some(index) = self.index_from_end(number) else { continue };
            let entry = &mut self.entries[index];
            for (name, ending) in &mut entry.files {
                let next = self.names.of_number(number + 1, *ending);
                unless_gone(system.rename(name, &next))?;
                *name = next;
            }
            entry.place = Place::numbered(number + 1);
        }
        Ok(())
    }

    fn index_from_end(&self, count: u64) -> Option<usize> {
        self.entries.len().checked_sub(usize::try_from(count).ok()?)
    }

    fn place_from_end(&self, count: u64) -> Option<Place> {
        self.index_from_end(count).map(|index| self.entries[index].place)
    }
}

#[cfg(test)]
#[path = "archives_tests.rs"]
mod tests;
