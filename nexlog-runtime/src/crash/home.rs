//! The folder of rings: `.app.log.lanes` beside `app.log`.
//!
//! Who owns a ring has its lock, which the kernel gives back when the last mapping of the file
//! that was locked is gone: with the process, or earlier. No descriptor is kept, as a forked child
//! would have a copy of it and with it the lock; nor do children get the mapping.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::sys::folder::{self, Folder, Identity};

/// A folder of rings that is open.
#[derive(Debug)]
pub(crate) struct Home {
    pub(super) folder: Folder,
    pub(super) path: PathBuf,
}

/// What the names of rings that are not finished begin with.
const UNFINISHED: &str = "new-";
/// What the names of rings begin with.
const RING: &str = "ring-";

impl Home {
    /// Where the rings of the log at this path are: in `dir` if that is stated.
    pub(crate) fn path_for(log: &Path, dir: Option<&Path>) -> PathBuf {
        let mut name = OsString::from(".");
        name.push(log.file_name().unwrap_or_default());
        name.push(".lanes");
        dir.unwrap_or_else(|| log.parent().unwrap_or(Path::new(""))).join(name)
    }

    /// Whether a name is that of a folder of rings.
    pub(super) fn is_home(name: &OsStr) -> bool {
        let name = name.as_encoded_bytes();
        name.starts_with(b".") && name.ends_with(b".lanes")
    }

    /// The folder at this path, if there is one.
    pub(crate) fn find(path: &Path) -> io::Result<Option<Home>> {
        match Folder::open_own(path) {
            Ok(folder) => Ok(Some(Home { folder, path: path.to_owned() })),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The folder at this path, which is made when it is missing.
    pub(crate) fn make(path: &Path) -> io::Result<Home> {
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::create_dir_all(parent)?;
        }
        for _ in 0..8 {
            match folder::make_own(path) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
            // Somebody may take it away as it is empty.
            if let Some(home) = Home::find(path)? {
                return Ok(home);
            }
        }
        Err(io::Error::other("it is made and deleted again and again by somebody else"))
    }

    /// Makes a ring file that is ours alone, under a name that nobody looks for yet.
    pub(super) fn create(&self, id: &str) -> io::Result<fs::File> {
        let file = self.folder.create(OsStr::new(&format!("{UNFINISHED}{id}")), 0o600)?;
        if folder::try_lock(&file)? {
            return Ok(file);
        }
        Err(io::Error::new(ErrorKind::WouldBlock, "somebody else has locked it"))
    }

    /// Gives the ring its name.
    pub(super) fn publish(&self, id: &str) -> io::Result<OsString> {
        let name = OsString::from(format!("{RING}{id}"));
        self.folder.rename(OsStr::new(&format!("{UNFINISHED}{id}")), &name)?;
        Ok(name)
    }

    /// Takes an unfinished one away.
    pub(super) fn give_up(&self, id: &str) {
        let _ = self.folder.remove(OsStr::new(&format!("{UNFINISHED}{id}")));
    }

    /// Takes a ring away, and the folder if it was the last one.
    pub(super) fn remove(&self, name: &OsStr) -> io::Result<()> {
        self.folder.remove(name)?;
        let _ = fs::remove_dir(&self.path); // refused while there are others
        Ok(())
    }

    /// The rings whose processes are dead, oldest first, each locked for us; and whether some live.
    pub(super) fn dead(&self) -> io::Result<(Vec<Orphan>, bool)> {
        for name in self.names(UNFINISHED)? {
            // One that somebody is about to make is locked, or gone before it is.
            let is_dead = |file: &fs::File| folder::try_lock(file).unwrap_or(false);
            if self.folder.open_write(&name).is_ok_and(|file| is_dead(&file)) {
                let _ = self.folder.remove(&name);
            }
        }
        let (mut dead, mut has_living) = (Vec::new(), false);
        for ring in self.all()? {
            if !ring.lock()? {
                has_living = true;
                continue;
            }
            let identity = folder::look_at_file(&ring.file, &self.path.join(&ring.name))?.identity;
            // Somebody else may have replayed it just now.
            if self.folder.look(&ring.name)?.is_some_and(|look| look.identity == identity) {
                dead.push(ring);
            }
        }
        Ok((dead, has_living))
    }

    /// All rings of this user, oldest first.
    pub(super) fn all(&self) -> io::Result<impl Iterator<Item = Orphan> + use<'_>> {
        Ok(self.names(RING)?.into_iter().filter_map(|name| {
            let file = self.folder.open_write(&name).ok()?;
            let metadata = file.metadata().ok()?;
            (metadata.is_file() && is_own(&metadata)).then_some(Orphan { name, file })
        }))
    }

    fn names(&self, start: &str) -> io::Result<Vec<OsString>> {
        let mut names = self.folder.list()?;
        names.retain(|name| name.as_encoded_bytes().starts_with(start.as_bytes()));
        names.sort();
        Ok(names)
    }

    /// Which file this ring is now.
    pub(super) fn identity(&self, name: &OsStr) -> io::Result<Option<Identity>> {
        Ok(self.folder.glance(name)?.map(|(identity, _)| identity))
    }
}

/// A ring of another process; once it is locked, of a dead one, and ours as long as the file is open.
#[derive(Debug)]
pub(super) struct Orphan {
    pub(super) name: OsString,
    pub(super) file: fs::File,
}

impl Orphan {
    /// Takes it, if its process is dead.
    pub(super) fn lock(&self) -> io::Result<bool> {
        folder::try_lock(&self.file)
    }
}

fn is_own(metadata: &fs::Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        metadata.nlink() == 1 && metadata.uid() == crate::sys::effective_user()
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        true
    }
}
