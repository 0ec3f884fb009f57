//! From a path to an open log file, or to an error that says what to do.
//!
//! A logger often runs with more rights than those who can write to its folder, so what is
//! opened is checked on the open file and not on the path: a regular file, one name, our own
//! user or root. A file that this process logs to already is refused too: two batches would
//! interleave, and two rotations would overwrite each other.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::error::Error;
use crate::sys;

/// Opens the log file at `path` for appending; makes it with `mode`, and its folders, when they
/// are missing.
pub(super) fn open(path: &Path, mode: u32) -> Result<(fs::File, Claim), Error> {
    check_mode(mode)?;
    let fail = |(source, remedy)| Error::File {
        path: path.to_owned(),
        attempted: "open the log file",
        source,
        remedy,
    };
    if path.as_os_str().is_empty() {
        return Err(fail(refusal("the path is empty", "name a file: `File::at(\"app.log\")`")));
    }
    make_folders(path)?;
    let (file, _made) = sys::open_append(path, mode).map_err(|error| fail(explain(path, error)))?;
    let metadata = file.metadata().map_err(|error| fail((error, OTHER_PATH)))?;
    check(&metadata).map_err(fail)?;
    let claim = Claim::stake(identity(&metadata, path)).ok_or_else(|| {
        fail(refusal(
            "this process logs to it already",
            "give each file sink a file of its own, or share one logger",
        ))
    })?;
    Ok((file, claim))
}

type Failure = (io::Error, &'static str);

const OTHER_PATH: &str = "choose another path";

fn refusal(why: &str, remedy: &'static str) -> Failure {
    (io::Error::new(ErrorKind::InvalidInput, why), remedy)
}

fn check_mode(mode: u32) -> Result<(), Error> {
    let problem = if mode & !0o777 != 0 {
        "it has bits beyond the permissions; write one like 0o640"
    } else if mode & 0o600 != 0o600 {
        "its owner must be able to read and write it; write one like 0o640"
    } else {
        return Ok(());
    };
    Err(Error::Option { option: "mode", problem: format!("0o{mode:o}: {problem}") })
}

fn make_folders(path: &Path) -> Result<(), Error> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    fs::create_dir_all(folder).map_err(|source| Error::File {
        path: folder.to_owned(),
        attempted: "make the folder of the log file",
        remedy: remedy(&source),
        source,
    })
}

/// Why the file could not be opened, in words where the system's own would puzzle.
fn explain(path: &Path, error: io::Error) -> Failure {
    let kind = fs::symlink_metadata(path).ok().map(|metadata| metadata.file_type());
    match kind {
        Some(kind) if kind.is_symlink() && sys::is_link_error(&error) => refusal(
            "it is a symbolic link",
            "name the file it leads to; for a link like /dev/stdout use `Console::stdout()`",
        ),
        Some(kind) if !kind.is_file() && !kind.is_symlink() => not_regular(kind),
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

fn not_regular(kind: fs::FileType) -> Failure {
    if kind.is_dir() {
        return refusal("it is a folder", "name a file in it");
    }
    refusal(
        "it is a pipe, socket or device",
        "name a regular file; for a terminal or a pipe use `Console`, else a sink of your own",
    )
}

/// What an open file must be.
fn check(metadata: &fs::Metadata) -> Result<(), Failure> {
    if !metadata.is_file() {
        return Err(not_regular(metadata.file_type()));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if metadata.nlink() != 1 {
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

/// What tells one file from another, whatever the path.
type Identity = (u64, u64);

fn identity(metadata: &fs::Metadata, path: &Path) -> Identity {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let _ = path;
        (metadata.dev(), metadata.ino())
    }
    #[cfg(not(unix))]
    {
        use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
        let _ = metadata;
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        (0, BuildHasherDefault::<DefaultHasher>::default().hash_one(path))
    }
}

/// The files that this process logs to.
static CLAIMED: Mutex<Vec<Identity>> = Mutex::new(Vec::new());

/// The right to log to a file, given back on drop.
#[derive(Debug)]
pub(super) struct Claim(Identity);

impl Claim {
    /// `None` when it is claimed already.
    fn stake(identity: Identity) -> Option<Claim> {
        let mut claimed = CLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
        if claimed.contains(&identity) {
            return None;
        }
        claimed.push(identity);
        Some(Claim(identity))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut claimed = CLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
        claimed.retain(|identity| *identity != self.0);
    }
}
