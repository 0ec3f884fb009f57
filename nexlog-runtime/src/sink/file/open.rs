//! From a path to an open log file, or to an error that says what to do.
//!
//! A logger often runs with more rights than those who can write to its folder, so what is
//! opened is checked on the open file and not on the path: a regular file, one name, our own
//! user or root. A file that this process logs to already is refused too: two batches would
//! interleave, and two rotations would overwrite each other.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::system::LiveFile;
use crate::error::Error;
use crate::sys;
use crate::sys::folder::{Folder, Identity, look_at_file};

fn file_error(path: &Path, (source, remedy): Failure) -> Error {
    Error::File { path: path.to_owned(), attempted: "open the log file", source, remedy }
}

/// The folder of the log file at `path`, which is made when it is missing.
pub(super) fn folder(path: &Path) -> Result<Folder, Error> {
    if path.file_name().is_none() {
        let failure = if fs::metadata(path).is_ok_and(|metadata| metadata.is_dir()) {
            not_regular(fs::metadata(path).map(|metadata| metadata.file_type()).ok())
        } else {
            refusal("the path names no file", "name a file: `File::at(\"app.log\")`")
        };
        return Err(file_error(path, failure));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let fail = |source| Error::File {
        path: folder.to_owned(),
        attempted: "make the folder of the log file",
        remedy: remedy(&source),
        source,
    };
    if !folder.as_os_str().is_empty() {
        fs::create_dir_all(folder).map_err(fail)?;
    }
    Folder::open(folder).map_err(fail)
}

/// Opens the log file at `path`, which is in `folder`, for appending; makes it with `mode` when
/// it is missing.
pub(super) fn open(
    folder: &Folder,
    path: &Path,
    mode: u32,
    owner: Owner,
) -> Result<LiveFile, Error> {
    let fail = |failure| file_error(path, failure);
    let name = path.file_name().unwrap_or_default();
    let (file, _made) =
        folder.open_append(name, mode).map_err(|error| fail(explain(path, error)))?;
    let metadata = file.metadata().map_err(|error| fail((error, OTHER_PATH)))?;
    check(&metadata, true).map_err(fail)?;
    let identity = look_at_file(&file, path).map_err(|error| fail((error, OTHER_PATH)))?.identity;
    let claim = Claim::stake(identity, owner).ok_or_else(|| {
        fail(refusal(
            "this process logs to it already",
            "give each file sink a file of its own, or share one logger",
        ))
    })?;
    Ok(LiveFile::new(claim, file))
}

type Failure = (io::Error, &'static str);

const OTHER_PATH: &str = "choose another path";

fn refusal(why: &str, remedy: &'static str) -> Failure {
    (io::Error::new(ErrorKind::InvalidInput, why), remedy)
}

pub(super) fn check_mode(mode: u32) -> Result<(), Error> {
    let problem = if mode & !0o777 != 0 {
        "it has bits beyond the permissions; write one like 0o640"
    } else if mode & 0o600 != 0o600 {
        "its owner must be able to read and write it; write one like 0o640"
    } else {
        return Ok(());
    };
    Err(Error::Option { option: "mode", problem: format!("0o{mode:o}: {problem}") })
}

/// Why the file could not be opened, in words where the system's own would puzzle.
fn explain(path: &Path, error: io::Error) -> Failure {
    let kind = fs::symlink_metadata(path).ok().map(|metadata| metadata.file_type());
    match kind {
        Some(kind) if kind.is_symlink() && sys::is_link_error(&error) => refusal(
            "it is a symbolic link",
            "name the file it leads to; for a link like /dev/stdout use `Console::stdout()`",
        ),
        Some(kind) if !kind.is_file() && !kind.is_symlink() => not_regular(Some(kind)),
        _ => {
            let remedy = remedy(&error);
            (error, remedy)
        }
    }
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::PermissionDenied => {
            "give this user the right to read and write there, or choose another path"
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "free some space, or choose another path"
        }
        ErrorKind::ReadOnlyFilesystem => "choose a path on a file system that can be written",
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "a part of the path is a file; choose another path"
        }
        _ => OTHER_PATH,
    }
}

fn not_regular(kind: Option<fs::FileType>) -> Failure {
    if kind.is_none_or(|kind| kind.is_dir()) {
        return refusal("it is a folder", "name a file in it");
    }
    refusal(
        "it is a pipe, socket or device",
        "name a regular file; for a terminal or a pipe use `Console`, else a sink of your own",
    )
}

/// What an open file must be; with `one_name`, one that nobody can find elsewhere.
pub(super) fn check(metadata: &fs::Metadata, one_name: bool) -> Result<(), Failure> {
    if !metadata.is_file() {
        return Err(not_regular(Some(metadata.file_type())));
    }
    #[cfg(not(unix))]
    let _ = one_name;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if one_name && metadata.nlink() != 1 {
            return Err(refusal(
                "it has more than one name (a hard link), or was deleted just now",
                "remove the other name, or choose another path",
            ));
        }
        if metadata.uid() != 0 && metadata.uid() != sys::effective_user() {
            return Err(refusal(
                "it belongs to another user",
                "give it to the user that runs this program (chown), or choose another path",
            ));
        }
    }
    Ok(())
}

/// A sink, as far as claims go: it may open its file again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner(u64);

impl Owner {
    /// Not any other.
    pub(super) fn new() -> Owner {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Owner(NEXT.fetch_add(1, Relaxed))
    }
}

/// The files that this process logs to, one entry for each time that one is open.
static CLAIMED: Mutex<Vec<(Identity, Owner)>> = Mutex::new(Vec::new());

/// Their lock.
pub(super) fn claimed() -> &'static Mutex<impl Sized> {
    &CLAIMED
}

/// The right to log to a file, given back on drop.
#[derive(Debug)]
pub(super) struct Claim(Identity, Owner);

impl Claim {
    /// `None` when somebody else has claimed it already.
    pub(super) fn stake(identity: Identity, owner: Owner) -> Option<Claim> {
        let mut claimed = CLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
        if claimed.iter().any(|(known, by)| *known == identity && *by != owner) {
            return None;
        }
        claimed.push((identity, owner));
        Some(Claim(identity, owner))
    }

    /// Which file it is.
    pub(super) fn identity(&self) -> Identity {
        self.0
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut claimed = CLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
        let place = claimed.iter().position(|entry| *entry == (self.0, self.1));
        place.map(|place| claimed.swap_remove(place));
    }
}
