//! A folder that is held open, and what is done with the files in it.
//!
//! Everything is relative to the open folder and never follows a link as the last part: whoever
//! swaps parts of the path while we work cannot lead us elsewhere. [`Folder::rename`] never
//! overwrites. Systems without these calls fall back to paths.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

#[cfg(unix)]
use std::ffi::CStr;
#[cfg(unix)]
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// What tells one file from another, whatever its name.
pub type Identity = (u64, u64);

/// What a folder says of one of its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    pub identity: Identity,
    pub bytes: u64,
    /// Seconds since 1970 of the last write.
    pub modified: i64,
    /// A plain file: no link, folder, pipe or device.
    pub is_file: bool,
}

/// An open folder.
#[derive(Debug)]
pub struct Folder {
    #[cfg(unix)]
    fd: OwnedFd,
    #[cfg(not(unix))]
    path: std::path::PathBuf,
}

/// Repeats a call that a signal interrupted.
#[cfg(unix)]
fn repeat(mut call: impl FnMut() -> i32) -> io::Result<i32> {
    loop {
        match call() {
            -1 => {
                let error = io::Error::last_os_error();
                if error.kind() != ErrorKind::Interrupted {
                    return Err(error);
                }
            }
            value => return Ok(value),
        }
    }
}

/// Gives `call` the name as the system wants it, without allocating: no name in a folder has
/// more than 255 bytes.
#[cfg(unix)]
fn with_name<T>(name: &OsStr, call: impl FnOnce(&CStr) -> io::Result<T>) -> io::Result<T> {
    let mut text = [0_u8; 256];
    let bytes = name.as_encoded_bytes();
    let space = text.get_mut(..bytes.len()).filter(|space| space.len() < 256);
    space.ok_or(ErrorKind::InvalidFilename)?.copy_from_slice(bytes);
    let name = CStr::from_bytes_until_nul(&text).map_err(|_| ErrorKind::InvalidFilename)?;
    if name.count_bytes() != bytes.len() {
        return Err(ErrorKind::InvalidFilename.into());
    }
    call(name)
}

#[cfg(unix)]
impl Folder {
    /// The same folder, open once more.
    #[cfg(any(feature = "gzip", feature = "zstd"))]
    pub fn another(&self) -> io::Result<Folder> {
        Ok(Folder { fd: self.fd.try_clone()? })
    }

    /// Opens the folder; its path may lead through links.
    pub fn open(path: &Path) -> io::Result<Folder> {
        use std::os::unix::fs::OpenOptionsExt;
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let mut options = fs::OpenOptions::new();
        let opened = options.read(true).custom_flags(libc::O_DIRECTORY).open(path)?;
        Ok(Folder { fd: opened.into() })
    }

    /// Opens a folder that is this user's own; the last part of its path is no link.
    pub fn open_own(path: &Path) -> io::Result<Folder> {
        use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
        let mut options = fs::OpenOptions::new();
        let flags = libc::O_DIRECTORY | libc::O_NOFOLLOW;
        let opened = options.read(true).custom_flags(flags).open(path)?;
        if opened.metadata()?.uid() != super::effective_user() {
            let why = "it belongs to another user";
            return Err(io::Error::new(ErrorKind::PermissionDenied, why));
        }
        Ok(Folder { fd: opened.into() })
    }

    /// Opens a file for reading and writing anywhere in it.
    pub fn open_write(&self, name: &OsStr) -> io::Result<fs::File> {
        self.open_at(name, libc::O_RDWR, 0)
    }

    fn open_at(&self, name: &OsStr, flags: i32, mode: u32) -> io::Result<fs::File> {
        let safe = libc::O_NOFOLLOW | libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_NOCTTY;
        with_name(name, |name| {
            // SAFETY: the descriptor is open as long as `self`, `name` ends with NUL and lives
            // during the call, which keeps neither.
            let open =
                || unsafe { libc::openat(self.fd.as_raw_fd(), name.as_ptr(), flags | safe, mode) };
            let number = repeat(open)?;
            // SAFETY: a new descriptor that nobody else has.
            Ok(unsafe { fs::File::from_raw_fd(number) })
        })
    }

    /// Opens a file for appending and reading. Made when it does not exist, with exactly `mode`
    /// whatever the umask is; then the second value is true. A link is an error, and opening a
    /// pipe does not wait for its reader.
    pub fn open_append(&self, name: &OsStr, mode: u32) -> io::Result<(fs::File, bool)> {
        // Between the two attempts the file may come and go; each round is one such event, and a
        // neighbour that keeps at it must not hold us for ever.
        for _ in 0..16 {
            match self.create(name, mode) {
                Ok(file) => return Ok((file, true)),
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                Err(_) => {}
            }
            match self.open_at(name, libc::O_RDWR | libc::O_APPEND, 0) {
                Ok(file) => return Ok((file, false)),
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                Err(_) => {}
            }
        }
        Err(io::Error::other("the file is made and deleted again and again by somebody else"))
    }

    /// Makes a file that is not there, with exactly `mode`, for appending and reading.
    pub fn create(&self, name: &OsStr, mode: u32) -> io::Result<fs::File> {
        use std::os::unix::fs::PermissionsExt;
        let flags = libc::O_RDWR | libc::O_APPEND | libc::O_CREAT | libc::O_EXCL;
        let file = self.open_at(name, flags, mode)?;
        file.set_permissions(fs::Permissions::from_mode(mode)).map(|()| file)
    }

    /// Opens a file for reading.
    #[cfg(any(feature = "gzip", feature = "zstd"))]
    pub fn open_read(&self, name: &OsStr) -> io::Result<fs::File> {
        self.open_at(name, libc::O_RDONLY, 0)
    }

    /// Which file the name is of now, and how many bytes that has; `None` when there is no such
    /// name. Not the time of the last write: since Linux 6.13 asking for that makes the next write
    /// dearer, by 0.3 to 0.9 µs.
    pub fn glance(&self, name: &OsStr) -> io::Result<Option<(Identity, u64)>> {
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        {
            let glanced = with_name(name, |name| {
                let mut stat = core::mem::MaybeUninit::<libc::statx>::uninit();
                let (flags, mask) = (libc::AT_SYMLINK_NOFOLLOW, libc::STATX_INO | libc::STATX_SIZE);
                // SAFETY: as in `open_at`; the call fills `stat` when it returns 0.
                repeat(|| unsafe {
                    let fd = self.fd.as_raw_fd();
                    libc::statx(fd, name.as_ptr(), flags, mask, stat.as_mut_ptr())
                })?;
                // SAFETY: filled.
                let stat = unsafe { stat.assume_init_ref() };
                let device = libc::makedev(stat.stx_dev_major, stat.stx_dev_minor);
                Ok(((device, stat.stx_ino), stat.stx_size))
            });
            match glanced {
                Err(error) if is_unknown(&error) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                outcome => return outcome.map(Some),
            }
        }
        Ok(self.look(name)?.map(|look| (look.identity, look.bytes)))
    }

    /// What the name is now; `None` when there is no such name.
    pub fn look(&self, name: &OsStr) -> io::Result<Option<Look>> {
        let looked = with_name(name, |name| {
            let mut stat = core::mem::MaybeUninit::<libc::stat>::uninit();
            // SAFETY: as in `open_at`; the call fills `stat` when it returns 0.
            repeat(|| unsafe {
                let no_link = libc::AT_SYMLINK_NOFOLLOW;
                libc::fstatat(self.fd.as_raw_fd(), name.as_ptr(), stat.as_mut_ptr(), no_link)
            })?;
            // SAFETY: filled.
            Ok(look_of(unsafe { stat.assume_init_ref() }))
        });
        match looked {
            Ok(look) => Ok(Some(look)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All names but `.` and `..`, in no order.
    pub fn list(&self) -> io::Result<Vec<OsString>> {
        use std::os::unix::ffi::OsStrExt;
        // A description of its own: reading moves its position.
        let here = self.open_at(OsStr::new("."), libc::O_RDONLY | libc::O_DIRECTORY, 0)?;
        // SAFETY: an open folder's descriptor, which the stream owns from here on.
        let stream = unsafe { libc::fdopendir(here.as_raw_fd()) };
        if stream.is_null() {
            return Err(io::Error::last_os_error());
        }
        core::mem::forget(here);
        let mut names = Vec::new();
        loop {
            // SAFETY: the stream is open, and this thread alone has it.
            let entry = unsafe { libc::readdir(stream) };
            if entry.is_null() {
                break; // the end, or a folder that cannot be read any more: what was seen counts
            }
            // SAFETY: the entry is valid until the next call; its name ends with NUL.
            let name = unsafe { CStr::from_ptr((&raw const (*entry).d_name).cast()) };
            if ![b".".as_slice(), b".."].contains(&name.to_bytes()) {
                names.push(OsStr::from_bytes(name.to_bytes()).to_owned());
            }
        }
        // SAFETY: open, and not used after this.
        unsafe { libc::closedir(stream) };
        Ok(names)
    }

    /// Gives a file another name, if that name is free.
    pub fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        with_name(from, |from| {
            with_name(to, |to| {
                match rename_exclusive(&self.fd, from, to) {
                    Err(error) if is_unknown(&error) => {}
                    outcome => return outcome,
                }
                // The link is what fails when the name is taken; in between the file has both.
                let fd = self.fd.as_raw_fd();
                // SAFETY: as in `open_at`.
                repeat(|| unsafe { libc::linkat(fd, from.as_ptr(), fd, to.as_ptr(), 0) })?;
                // SAFETY: as in `open_at`.
                repeat(|| unsafe { libc::unlinkat(fd, from.as_ptr(), 0) }).map(|_| ())
            })
        })
    }

    /// Takes a file away.
    pub fn remove(&self, name: &OsStr) -> io::Result<()> {
        with_name(name, |name| {
            // SAFETY: as in `open_at`.
            repeat(|| unsafe { libc::unlinkat(self.fd.as_raw_fd(), name.as_ptr(), 0) }).map(|_| ())
        })
    }

    /// Puts the folder's names on the device.
    pub fn sync(&self) -> io::Result<()> {
        // SAFETY: an open descriptor.
        repeat(|| unsafe { libc::fsync(self.fd.as_raw_fd()) }).map(|_| ())
    }

    /// Puts everything of the folder's file system on its device.
    pub fn sync_all(&self) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        {
            // SAFETY: an open descriptor.
            repeat(|| unsafe { libc::syncfs(self.fd.as_raw_fd()) }).map(|_| ())
        }
        #[cfg(not(target_os = "linux"))]
        {
            // SAFETY: takes nothing.
            unsafe { libc::sync() };
            Ok(())
        }
    }
}

#[cfg(unix)]
#[allow(clippy::cast_sign_loss, clippy::unnecessary_cast, clippy::useless_conversion)]
fn look_of(stat: &libc::stat) -> Look {
    Look {
        identity: (stat.st_dev as u64, stat.st_ino as u64),
        bytes: u64::try_from(stat.st_size).unwrap_or(0),
        modified: i64::from(stat.st_mtime),
        is_file: stat.st_mode & libc::S_IFMT == libc::S_IFREG,
    }
}

#[cfg(target_os = "linux")]
fn rename_exclusive(folder: &OwnedFd, from: &CStr, to: &CStr) -> io::Result<()> {
    let fd = folder.as_raw_fd();
    // SAFETY: an open descriptor and two names that live during the call. Not through libc's
    // wrapper, which old C libraries do not have; an unknown call is an error value.
    repeat(|| unsafe {
        let no_replace = 1_u32;
        let call = libc::SYS_renameat2;
        i32::from(libc::syscall(call, fd, from.as_ptr(), fd, to.as_ptr(), no_replace) == 0) - 1
    })
    .map(|_| ())
}

#[cfg(all(unix, not(target_os = "linux")))]
fn rename_exclusive(_: &OwnedFd, _: &CStr, _: &CStr) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}

/// The kernel or the file system does not know the call.
#[cfg(unix)]
fn is_unknown(error: &io::Error) -> bool {
    error.kind() == ErrorKind::Unsupported
        || matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EINVAL))
}

#[cfg(not(unix))]
impl Folder {
    #[cfg(any(feature = "gzip", feature = "zstd"))]
    pub fn another(&self) -> io::Result<Folder> {
        Ok(Folder { path: self.path.clone() })
    }

    pub fn glance(&self, name: &OsStr) -> io::Result<Option<(Identity, u64)>> {
        Ok(self.look(name)?.map(|look| (look.identity, look.bytes)))
    }

    pub fn open(path: &Path) -> io::Result<Folder> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        fs::read_dir(path).map(|_| Folder { path: path.to_owned() })
    }

    pub fn open_own(path: &Path) -> io::Result<Folder> {
        Folder::open(path)
    }

    pub fn open_write(&self, name: &OsStr) -> io::Result<fs::File> {
        fs::OpenOptions::new().read(true).write(true).open(self.path.join(name))
    }

    pub fn open_append(&self, name: &OsStr, _mode: u32) -> io::Result<(fs::File, bool)> {
        let path = self.path.join(name);
        let is_new = !path.exists();
        let mut options = fs::OpenOptions::new();
        options.read(true).append(true).create(true).open(path).map(|file| (file, is_new))
    }

    pub fn create(&self, name: &OsStr, _mode: u32) -> io::Result<fs::File> {
        let mut options = fs::OpenOptions::new();
        options.read(true).append(true).create_new(true).open(self.path.join(name))
    }

    #[cfg(any(feature = "gzip", feature = "zstd"))]
    pub fn open_read(&self, name: &OsStr) -> io::Result<fs::File> {
        fs::File::open(self.path.join(name))
    }

    pub fn look(&self, name: &OsStr) -> io::Result<Option<Look>> {
        let path = self.path.join(name);
        match fs::symlink_metadata(&path) {
            Ok(metadata) => Ok(Some(look_at(&metadata, &path))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub fn list(&self) -> io::Result<Vec<OsString>> {
        fs::read_dir(&self.path)?.map(|entry| entry.map(|entry| entry.file_name())).collect()
    }

    pub fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        if self.look(to)?.is_some() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        fs::rename(self.path.join(from), self.path.join(to))
    }

    pub fn remove(&self, name: &OsStr) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    pub fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    pub fn sync_all(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Without numbers for files the name has to do.
#[cfg(not(unix))]
fn look_at(metadata: &fs::Metadata, path: &Path) -> Look {
    use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let modified = metadata.modified().map(crate::Timestamp::from);
    Look {
        identity: (0, BuildHasherDefault::<DefaultHasher>::default().hash_one(path)),
        bytes: metadata.len(),
        modified: modified.map_or(0, |time| time.seconds),
        is_file: metadata.is_file(),
    }
}

/// What an open file is; `path` is asked only where files have no numbers.
pub fn look_at_file(file: &fs::File, path: &Path) -> io::Result<Look> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let _ = path;
        let metadata = file.metadata()?;
        Ok(Look {
            identity: (metadata.dev(), metadata.ino()),
            bytes: metadata.len(),
            modified: metadata.mtime(),
            is_file: metadata.is_file(),
        })
    }
    #[cfg(not(unix))]
    {
        file.metadata().map(|metadata| look_at(&metadata, path))
    }
}

/// Fills `bytes` with what the file has from `offset` on; what it does not have stays as it is.
pub fn read_at(mut file: &fs::File, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
    use std::io::{Read, Seek};
    file.seek(io::SeekFrom::Start(offset))?;
    let mut done = 0;
    while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether what the file has from `offset` on, as far as it goes, begins like this. Where it was
/// written through memory, some of it may be zeros.
pub fn begins_at(file: &fs::File, offset: u64, beginning: &[u8]) -> io::Result<bool> {
    let mut there = vec![0; beginning.len()];
    read_at(file, offset, &mut there)?;
    Ok(there.iter().zip(beginning).all(|(there, wanted)| there == wanted || *there == 0))
}

/// Writes all of `bytes` at `offset`. Not for files that are open for appending.
pub fn write_at(mut file: &fs::File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    use std::io::{Seek, Write};
    file.seek(io::SeekFrom::Start(offset))?;
    file.write_all(bytes)
}

/// The path with these bytes.
pub fn path_from(bytes: &[u8]) -> std::path::PathBuf {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        OsStr::from_bytes(bytes).into()
    }
    #[cfg(not(unix))]
    {
        String::from_utf8_lossy(bytes).into_owned().into()
    }
}

/// Makes a folder that nobody else may look into.
pub fn make_own(path: &Path) -> io::Result<()> {
    #[allow(unused_mut)]
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Takes the lock that goes with this open file, against every other open of it in any process;
/// never waits. `false`: somebody else has it. Where there are no such locks it is always had.
pub fn try_lock(file: &fs::File) -> io::Result<bool> {
    #[cfg(unix)]
    {
        // SAFETY: an open descriptor.
        let lock = || unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) };
        match repeat(lock) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        Ok(true)
    }
}

/// Gives the lock back.
pub fn unlock(file: &fs::File) {
    #[cfg(unix)]
    {
        // SAFETY: an open descriptor.
        let _ = repeat(|| unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_UN) });
    }
    #[cfg(not(unix))]
    let _ = file;
}

/// Makes the file `end` bytes long if it is shorter; what is new, from `start` on, is zeros.
pub fn grow(file: &fs::File, start: u64, end: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        let number = |value| i64::try_from(value).map_err(|_| ErrorKind::InvalidInput);
        let (offset, bytes) = (number(start)?, number(end - start)?);
        // Unlike setting the length, it never cuts off what others have appended.
        // SAFETY: an open descriptor.
        let grown = repeat(|| unsafe { libc::fallocate64(file.as_raw_fd(), 0, offset, bytes) });
        match grown {
            Err(error) if is_unknown(&error) => {}
            outcome => return outcome.map(|_| ()),
        }
    }
    let _ = start;
    file.set_len(end)
}

/// Has the file system set this much space aside for the file, from `offset` on, without changing
/// its length. `Unsupported` where that is not to be had.
pub fn reserve(file: &fs::File, offset: u64, bytes: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        let number = |value| i64::try_from(value).map_err(|_| ErrorKind::InvalidInput);
        let (offset, bytes) = (number(offset)?, number(bytes)?);
        let (fd, keep_size) = (file.as_raw_fd(), libc::FALLOC_FL_KEEP_SIZE);
        // SAFETY: an open descriptor.
        repeat(|| unsafe { libc::fallocate64(fd, keep_size, offset, bytes) }).map(|_| ())
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (file, offset, bytes);
        Err(ErrorKind::Unsupported.into())
    }
}
