//! Noticing that the live file is no longer the file of that name.
//!
//! Another process has rotated it, or logrotate has renamed it, or somebody has deleted it. With
//! the lock one look at the name tells that, and how long the file is; without, it is looked for
//! once a second. A file that is gone is made again only after a moment in which it stays gone:
//! logrotate makes the new one itself, just after it has renamed the old one, and gives up when
//! there is one already.

use std::io;
use std::time::Duration;

use super::live::FileSink;
use super::system::{Medium, System};
use crate::crash::{self, Found};
use crate::error::Error;
use crate::sys::signal;

const LOOK_NS: u64 = 1_000_000_000;
/// For which a name that is gone must stay gone.
const MOMENT: Duration = Duration::from_millis(10);

/// So often a neighbour's half record is waited for.
const PATIENCE_STEPS: u32 = 50;

/// What is known of the file's whereabouts.
#[derive(Debug)]
pub(super) struct Follow {
    /// When to look next without the lock, or again after a failure.
    look_ns: u64,
    /// Whether what stands under the name could not be opened.
    has_failed: bool,
    /// Whether the signal is watched, and how often it had come when the file was opened.
    hangups: Option<u64>,
    pub(super) is_locked: bool,
    /// What `System::forks` said last.
    pub(super) forks: u64,
    /// Whether what is open is the parent's, too.
    is_inherited: bool,
    /// When a rotation may be tried again.
    pub(super) rotate_again_ns: u64,
}

impl Follow {
    pub(super) fn new(now_ns: u64, forks: u64) -> Follow {
        let look_ns = now_ns.saturating_add(LOOK_NS);
        Follow {
            look_ns,
            has_failed: false,
            hangups: None,
            is_locked: false,
            forks,
            is_inherited: false,
            rotate_again_ns: 0,
        }
    }

    /// Has the signal that asks for reopening counted.
    pub(super) fn watch_hangups(&mut self, wanted: bool) -> Result<(), Error> {
        if wanted {
            let counted = signal::count_hangups().map_err(|error| Error::Option {
                option: "reopen_on_hangup",
                problem: format!("{error}; use `Logger::reopen` from code of your own"),
            });
            self.hangups = Some(counted?);
        }
        Ok(())
    }

    fn got_hangup(&mut self) -> bool {
        let Some(seen) = &mut self.hangups else { return false };
        let now = signal::hangups();
        core::mem::replace(seen, now) != now
    }
}

impl<S: System> FileSink<S> {
    /// Before a batch: takes the lock where there is one, and sees to it that what is open is the
    /// live file. After an error the old file goes on being written.
    pub(super) fn follow_file(&mut self) -> io::Result<()> {
        self.know_forks();
        if self.follow.got_hangup() {
            self.reopen_file()?;
        }
        let was_locked = self.follow.is_locked;
        if self.rules.is_managed && !was_locked {
            self.lock()?;
        }
        if self.follow.is_inherited {
            self.leave_parent()?;
        }
        let now_ns = self.system.now_ns();
        let is_due = now_ns >= self.follow.look_ns;
        if is_due {
            self.follow.look_ns = now_ns.saturating_add(LOOK_NS);
        }
        let may_look = self.follow.is_locked && !self.follow.has_failed;
        if is_due || may_look { self.look_for_file(is_due) } else { Ok(()) }
    }

    /// In a forked child: the lock is one that the parent has, too.
    pub(super) fn know_forks(&mut self) {
        if self.follow.forks != self.system.forks() {
            self.follow.forks = self.system.forks();
            self.follow.is_locked = false;
            self.follow.is_inherited = true;
            self.system.forget_lock();
        }
    }

    /// In a forked child: opens everything anew. What was open has one position for both.
    fn leave_parent(&mut self) -> io::Result<()> {
        self.change_file()?;
        self.follow.is_inherited = false;
        #[cfg(any(feature = "gzip", feature = "zstd"))]
        self.start_compressor()?;
        Ok(())
    }

    /// `is_due`: a missing file is made.
    fn look_for_file(&mut self, is_due: bool) -> io::Result<()> {
        let live = self.archives.names().live();
        let mut look = self.system.glance(live)?;
        if look.is_none() && is_due {
            self.system.pause(MOMENT);
            look = self.system.glance(live)?;
        }
        match look {
            Some((identity, bytes)) if identity == self.live.identity() => {
                self.follow.has_failed = false;
                let is_news = core::mem::replace(&mut self.size, bytes) != bytes;
                if is_news && self.follow.is_locked { self.meet_neighbours() } else { Ok(()) }
            }
            None if !is_due => Ok(()),
            _ => self.change_file(),
        }
    }

    /// Others have written: one of them may have been killed in the middle of it.
    pub(super) fn meet_neighbours(&mut self) -> io::Result<()> {
        for _ in 0..PATIENCE_STEPS {
            // Zeros are what a mapped file ends with then, and its own business.
            let last = self.live.last_byte()?;
            self.torn = last.is_some_and(|last| last != b'\n' && last != 0);
            let Some(rings) = self.rules.rings.as_deref().filter(|_| self.torn) else { break };
            let (identity, size) = (self.live.identity(), self.size);
            let (live, mut end) = (&mut self.live, size);
            let mut cut = |to, beginning: &[u8]| {
                let is_cut = live.cut_to(to, beginning)?;
                end = if is_cut { to } else { end };
                Ok(is_cut)
            };
            match crash::make_good(rings, identity, size, &mut cut)? {
                Found::Settled => (self.size, self.torn) = (end, false),
                // It waits for the lock that we have.
                Found::Busy => {
                    self.unlock();
                    self.system.pause(MOMENT);
                    if self.lock()? {
                        self.size = self.live.look()?.bytes;
                        continue;
                    }
                }
                Found::Nothing => {}
            }
            break;
        }
        Ok(())
    }

    /// Opens what stands under the live name, or makes it.
    fn change_file(&mut self) -> io::Result<()> {
        let opened = self.system.open().or_else(|error| {
            // The folder itself may be gone.
            self.system.look_for_folder().map_err(|_| error)?;
            self.system.open()
        });
        self.follow.has_failed = opened.is_err();
        let live = opened?;
        self.trim();
        let is_other = live.identity() != self.live.identity();
        self.replace(live);
        let was_torn = self.torn;
        self.meet()?;
        if is_other && self.torn && self.follow.is_locked {
            self.meet_neighbours()?;
        }
        if is_other {
            self.has_rotated = true; // what the old one has is to be synced all the same
            self.archives.forget();
            self.begin_period();
        } else {
            self.torn = was_torn; // others may be in the middle of a line just now
        }
        Ok(())
    }

    /// Opens the file again, by its whole path.
    pub(super) fn reopen_file(&mut self) -> io::Result<()> {
        let now_ns = self.system.now_ns();
        self.follow.look_ns = now_ns.saturating_add(LOOK_NS);
        self.unlock(); // the lock of another folder
        self.system.look_for_folder()?;
        self.change_file()
    }
}

#[cfg(all(test, unix))]
#[path = "follow_tests.rs"]
mod tests;
