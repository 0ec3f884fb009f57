//! [`File`]: records appended to a file, and files that nobody has to look after.
//!
//! The parts are the steps of a file's life: `open` (from a path to an open file), `live` (what
//! is written to it), `mapped` (through memory), `follow` (noticing that it is not where it
//! was), `rotate` and `date` (when its time is over), `turn` (the steps then), `archive` (names),
//! `archives` (what there is), `keep` (what has to go), `compress`. `system` is the world they act on. When, which name and
//! which to delete are decided by pure code; here is what the user states.

mod archive;
mod archives;
#[cfg(any(feature = "gzip", feature = "zstd"))]
pub(crate) mod compress;
mod date;
#[cfg(test)]
mod fake;
mod follow;
mod keep;
mod live;
mod mapped;
mod open;
mod rotate;
mod system;
mod turn;

use core::sync::atomic::AtomicU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

pub use self::archive::Archive;
#[cfg(any(feature = "gzip", feature = "zstd"))]
pub use self::compress::Compression;
pub use self::keep::Keep;
use self::live::FileSink;
pub use self::rotate::{Period, Rotate};
use super::Sink;
use super::output::{Choice, choice_methods};
use crate::error::Error;
use crate::pipeline::fork;

/// A file that records are appended to. JSON lines by default.
///
/// It and its folders are made when they are missing. The path must lead to a regular file of
/// this user (or of root) with one name: links, pipes and devices are refused, because a log
/// file is often written with more rights than those who can place links beside it. For a
/// container's `/dev/stdout` use [`Console::stdout`](crate::Console::stdout).
///
/// ```
/// use nexlog_runtime::{File, Keep, Level, MIB, Period, Rotate};
///
/// let file = File::at("logs/app.log").level(Level::Info).mode(0o640);
/// let cared_for = File::at("logs/app.log")
///     .rotate(Rotate::size(10 * MIB).or_every(Period::Day))
///     .keep(Keep::files(5));
/// ```
///
/// # Rotation
///
/// `app.log` is live; when its time has come (see [`Rotate`]) it becomes an archive (see
/// [`Archive`]), and a new `app.log` begins. What is not to be kept is deleted (see [`Keep`]). No
/// record is split or lost, no archive is empty or overwritten. When a rotation fails, the
/// records go on into the file that is there, the failure is reported, and it is tried again a
/// second later.
///
/// Several processes may share a file that is rotated if all of them state the same: they take
/// turns under a lock on `.app.log.lock` beside it, one of them rotates, and the others follow. A
/// process that stops while it has the lock holds the others for a second at most; they then
/// write without it, and leave rotation to later. The lock is taken for files that are mapped or
/// have space set aside, too.
///
/// # logrotate
///
/// A file that was renamed or deleted is noticed by the next write, looked for at most once a
/// second, or at once by [`Logger::reopen`](crate::Logger::reopen) or
/// [`reopen_on_hangup`](File::reopen_on_hangup); until then records go on into the renamed file,
/// and those to a deleted one go with it. `copytruncate` works, too, but loses what is
/// written between its copy and its truncation.
///
/// # A full disk
///
/// Records that cannot be written are counted and reported, the program goes on, and the first
/// record that can be written again is preceded by one that tells how many were lost. Rotation
/// never deletes an archive to make an empty file. A limit on the size of files (`ulimit -f`)
/// acts like a full disk if the program ignores `SIGXFSZ`; else that signal ends the process, as
/// it does for every program.
#[derive(Clone, Debug)]
pub struct File {
    path: PathBuf,
    mode: u32,
    rotate: Option<Rotate>,
    keep: Option<Keep>,
    archive: Option<Archive>,
    preallocate: Option<u64>,
    mapped: bool,
    hangup: bool,
    takes_turns: bool,
    /// Where the rings of all who write to it are.
    rings: Option<PathBuf>,
    #[cfg(any(feature = "gzip", feature = "zstd"))]
    compress: Option<Compression>,
    pub(super) choice: Choice,
}

impl File {
    /// The file at this path.
    pub fn at(path: impl Into<PathBuf>) -> File {
        File {
            path: path.into(),
            mode: 0o600,
            rotate: None,
            keep: None,
            archive: None,
            preallocate: None,
            mapped: false,
            hangup: false,
            takes_turns: false,
            rings: None,
            #[cfg(any(feature = "gzip", feature = "zstd"))]
            compress: None,
            choice: Choice::default(),
        }
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

    /// When it is rotated. Default: only by [`Logger::rotate`](crate::Logger::rotate).
    #[must_use]
    pub fn rotate(mut self, rotate: Rotate) -> File {
        self.rotate = Some(rotate);
        self
    }

    /// Which archives are kept. Default: all; of numbered ones the 1,000 newest.
    #[must_use]
    pub fn keep(mut self, keep: Keep) -> File {
        self.keep = Some(keep);
        self
    }

    /// What archives are called. Default: [`Archive::numbered`].
    #[must_use]
    pub fn archive(mut self, archive: Archive) -> File {
        self.archive = Some(archive);
        self
    }

    /// Compresses archives, on a thread of its own, which also does those that an earlier run has
    /// left. Needs the feature `gzip` or `zstd`. Default: they stay as they are.
    #[cfg(any(feature = "gzip", feature = "zstd"))]
    #[must_use]
    pub fn compress(mut self, compression: Compression) -> File {
        self.compress = Some(compression);
        self
    }

    /// Has the file system set this many bytes aside when the file begins, so that it lies in
    /// one piece and a full disk is met then. Its length does not change, and what is
    /// not used is given back when the file is rotated or closed. Where a file system cannot do
    /// that, nothing happens.
    #[must_use]
    pub fn preallocate(mut self, bytes: u64) -> File {
        self.preallocate = Some(bytes);
        self
    }

    /// Has records written through memory that is mapped to the file, instead of with `write`. That
    /// was measured to be slower, 1.2 to 1.7 times for batches and 3.1 to 3.9 times for single records
    /// (`benches/README.md`). It is here for those who want it.
    ///
    /// Space for 4 MiB is set aside at a time (or for what [`Rotate::size`] allows, if that is
    /// less), and given back when the file is rotated or closed, or at the next start after a
    /// kill. Nothing else changes for readers, except that one who looks in the middle of a write
    /// sees zeros where a record is about to be. The copies that `copytruncate` makes may have
    /// some, so let logrotate rename (`create`), or rotate here.
    ///
    /// Linux only, and only on file systems that can do it; elsewhere the logger is not built. The
    /// process gets a handler for `SIGBUS`, which ends it when somebody truncates a mapped file
    /// otherwise; faults that are not those of a log are passed on to the handler that was there
    /// before. Formats whose records end with a zero byte cannot be written this way.
    #[must_use]
    pub fn mapped(mut self, mapped: bool) -> File {
        self.mapped = mapped;
        self
    }

    /// Opens the file again, with the next write, after the process got the signal `SIGHUP`:
    /// what `kill -HUP` in logrotate's `postrotate` asks for. The signal then no longer
    /// ends the process; a handler that is there already is called, too.
    #[must_use]
    pub fn reopen_on_hangup(mut self) -> File {
        self.hangup = true;
        self
    }

    /// Has it written under the lock, as another process may do.
    pub(crate) fn taking_turns(mut self) -> File {
        self.takes_turns = true;
        self
    }

    /// Says where the rings of all who write to it are.
    pub(crate) fn set_rings(&mut self, home: PathBuf) {
        self.rings = Some(home);
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is written through memory.
    pub(crate) fn is_mapped(&self) -> bool {
        self.mapped
    }

    /// Its permissions.
    pub(crate) fn permissions(&self) -> u32 {
        self.mode
    }

    /// Whether it is written under the lock: something is said about its archives, or space is set
    /// aside behind its end, which a process must not give back while another one writes there.
    fn is_managed(&self) -> bool {
        #[cfg(any(feature = "gzip", feature = "zstd"))]
        let is_compressed = self.compress.is_some();
        #[cfg(not(any(feature = "gzip", feature = "zstd")))]
        let is_compressed = false;
        let sets_aside = self.mapped || self.preallocate.is_some();
        is_compressed
            || sets_aside
            || self.takes_turns
            || self.rotate.is_some()
            || self.keep.is_some()
            || self.archive.is_some()
    }
}

/// For a fork: the lock of the files that this process logs to.
pub(crate) fn hold_claims(end: Instant) -> Option<Box<dyn core::any::Any>> {
    fork::hold(open::claimed(), end)
}

/// For a fork: the lock that is held while an archive has two names.
pub(crate) fn hold_archives(end: Instant) -> Option<Box<dyn core::any::Any>> {
    #[cfg(any(feature = "gzip", feature = "zstd"))]
    {
        fork::hold(compress::ending_lock(), end)
    }
    #[cfg(not(any(feature = "gzip", feature = "zstd")))]
    {
        let _ = end;
        None
    }
}

/// Opens the file, and puts in order what an earlier run has left. The number says how often it
/// was rotated.
pub(super) fn open(file: &File) -> Result<(Box<dyn Sink>, Arc<AtomicU64>), Error> {
    let sink = FileSink::open(file)?;
    let rotations = Arc::clone(&sink.rotations);
    Ok((Box::new(sink), rotations))
}
