//! A world for tests: a folder in memory, clocks that go where they are told, a disk that fills
//! up, and a death after any step.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::archive::{Archive, Names};
use super::keep::Keep;
use super::live::{FileSink, Rules};
use super::rotate::Rotate;
#[cfg(any(feature = "gzip", feature = "zstd"))]
use super::system::Source;
use super::system::{Medium, System};
use crate::sink::whole::testing::{Step, with_batch};
use crate::sink::{Sink, WriteError};
use crate::sys::folder::{Identity, Look};

/// What is in a file, whatever its names.
#[derive(Debug, Default)]
struct Inode {
    number: u64,
    content: Vec<u8>,
    modified: i64,
    is_link: bool,
}

type Shared = Arc<Mutex<Inode>>;

#[derive(Debug, Default)]
struct World {
    files: BTreeMap<OsString, Shared>,
    inodes: u64,
    wall: i64,
    now_ns: u64,
    /// How many bytes the disk still takes.
    room: Option<usize>,
    /// What the next writes do.
    script: VecDeque<Step>,
    /// What the next syncs do.
    syncs: VecDeque<ErrorKind>,
    can_cut: bool,
    can_rename: bool,
    /// After how many changes nothing happens any more.
    dies_after: Option<usize>,
    lock: Option<u64>,
    handles: u64,
    opened: u64,
}

/// A handle to the world; clones are of the same, with a lock of their own.
#[derive(Debug)]
pub(super) struct Fake {
    world: Arc<Mutex<World>>,
    number: u64,
}

impl Clone for Fake {
    fn clone(&self) -> Fake {
        let mut world = self.world.lock().unwrap();
        world.handles += 1;
        let number = world.handles;
        drop(world);
        Fake { world: Arc::clone(&self.world), number }
    }
}

impl World {
    fn change(&mut self) -> io::Result<()> {
        match &mut self.dies_after {
            None => Ok(()),
            Some(0) => Err(io::Error::other("dead")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }

    fn make(&mut self) -> Shared {
        self.inodes += 1;
        let inode = Inode { number: self.inodes, modified: self.wall, ..Inode::default() };
        Arc::new(Mutex::new(inode))
    }
}

impl Fake {
    pub(super) fn new() -> Fake {
        let world = World {
            wall: 1_764_000_000,
            now_ns: 1,
            can_cut: true,
            can_rename: true,
            ..World::default()
        };
        Fake { world: Arc::new(Mutex::new(world)), number: 0 }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub(super) fn set_wall(&self, wall: i64) {
        self.world().wall = wall;
    }

    /// Both clocks.
    pub(super) fn pass(&self, seconds: u32) {
        let mut world = self.world();
        world.wall = world.wall.saturating_add(i64::from(seconds));
        world.now_ns += u64::from(seconds) * 1_000_000_000;
    }

    pub(super) fn set_room(&self, bytes: Option<usize>) {
        self.world().room = bytes;
    }

    pub(super) fn script(&self, steps: impl IntoIterator<Item = Step>) {
        self.world().script.extend(steps);
    }

    pub(super) fn fail_sync(&self, kind: ErrorKind) {
        self.world().syncs.push_back(kind);
    }

    pub(super) fn let_cut(&self, can: bool) {
        self.world().can_cut = can;
    }

    pub(super) fn let_rename(&self, can: bool) {
        self.world().can_rename = can;
    }

    pub(super) fn die_after(&self, changes: Option<usize>) {
        self.world().dies_after = changes;
    }

    /// A dead process gives its lock back.
    pub(super) fn break_lock(&self) {
        self.world().lock = None;
    }

    pub(super) fn is_dead(&self) -> bool {
        self.world().dies_after == Some(0)
    }

    /// How often the live file was opened.
    pub(super) fn opened(&self) -> u64 {
        self.world().opened
    }

    pub(super) fn put(&self, name: &str, content: &str) {
        let mut world = self.world();
        let inode = world.make();
        inode.lock().unwrap().content = content.into();
        world.files.insert(name.into(), inode);
    }

    pub(super) fn put_link(&self, name: &str) {
        self.put(name, "");
        self.world().files[OsStr::new(name)].lock().unwrap().is_link = true;
    }

    #[cfg(any(feature = "gzip", feature = "zstd"))]
    pub(super) fn append(&self, name: &str, text: &str) {
        let world = self.world();
        world.files[OsStr::new(name)].lock().unwrap().content.extend_from_slice(text.as_bytes());
    }

    #[cfg(any(feature = "gzip", feature = "zstd"))]
    pub(super) fn bytes(&self, name: &str) -> Vec<u8> {
        self.world().files[OsStr::new(name)].lock().unwrap().content.clone()
    }

    pub(super) fn truncate(&self, name: &str) {
        self.world().files[OsStr::new(name)].lock().unwrap().content.clear();
    }

    pub(super) fn names(&self) -> Vec<String> {
        let world = self.world();
        world.files.keys().map(|name| name.to_str().unwrap().to_owned()).collect()
    }

    pub(super) fn text(&self, name: &str) -> String {
        let world = self.world();
        let file = world.files.get(OsStr::new(name)).unwrap_or_else(|| panic!("no {name}"));
        String::from_utf8(file.lock().unwrap().content.clone()).unwrap()
    }

    /// A sink for `app.log` in this world.
    pub(super) fn sink(&self, rotate: &Rotate, archive: &Archive, keep: Keep) -> FileSink<Fake> {
        self.try_sink(rotate, archive, keep).unwrap()
    }

    pub(super) fn try_sink(
        &self,
        rotate: &Rotate,
        archive: &Archive,
        keep: Keep,
    ) -> io::Result<FileSink<Fake>> {
        let names = Names::new(OsStr::new("app.log"), archive, rotate.zone()).unwrap();
        let rules = Rules { limit: rotate.bytes, is_managed: true, ..Rules::default() };
        let mut system = self.clone();
        let live = system.open()?;
        let mut sink = FileSink::new(Path::new("app.log"), system, live, rules, names, keep);
        sink.begin(rotate).map(|()| sink)
    }
}

/// Gives the sink these records as one batch.
pub(super) fn write(sink: &mut impl Sink, records: &[&str]) -> Result<(), WriteError> {
    with_batch(records, |batch| sink.write(batch))
}

impl System for Fake {
    type File = FakeFile;

    fn wall(&self) -> i64 {
        self.world().wall
    }

    fn now_ns(&self) -> u64 {
        self.world().now_ns
    }

    fn pause(&self, time: Duration) {
        self.world().now_ns += u64::try_from(time.as_nanos()).unwrap();
    }

    fn open(&mut self) -> io::Result<FakeFile> {
        let name = OsString::from("app.log");
        let known = self.world().files.get(&name).cloned();
        let inode = match known {
            Some(inode) if inode.lock().unwrap().is_link => {
                return Err(io::Error::other("it is a symbolic link"));
            }
            Some(inode) => inode,
            None => return self.create(&name),
        };
        self.world().opened += 1;
        Ok(FakeFile { world: self.clone(), inode })
    }

    fn look_for_folder(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn create(&self, name: &OsStr) -> io::Result<FakeFile> {
        let mut world = self.world();
        world.change()?;
        if world.files.contains_key(name) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let inode = world.make();
        world.files.insert(name.to_owned(), Arc::clone(&inode));
        drop(world);
        Ok(FakeFile { world: self.clone(), inode })
    }

    fn look(&self, name: &OsStr) -> io::Result<Option<Look>> {
        Ok(self.world().files.get(name).map(|inode| look(&inode.lock().unwrap())))
    }

    #[cfg(any(feature = "gzip", feature = "zstd"))]
    fn another(&self) -> io::Result<Fake> {
        Ok(self.clone())
    }

    fn forks(&self) -> u64 {
        0
    }

    fn forget_lock(&mut self) {}

    fn glance(&self, name: &OsStr) -> io::Result<Option<(Identity, u64)>> {
        Ok(self.look(name)?.map(|look| (look.identity, look.bytes)))
    }

    fn list(&self) -> io::Result<Vec<OsString>> {
        Ok(self.world().files.keys().cloned().collect())
    }

    fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        let mut world = self.world();
        if !world.can_rename {
            return Err(ErrorKind::PermissionDenied.into());
        }
        world.change()?;
        if world.files.contains_key(to) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let inode = world.files.remove(from).ok_or(ErrorKind::NotFound)?;
        world.files.insert(to.to_owned(), inode);
        Ok(())
    }

    fn remove(&self, name: &OsStr) -> io::Result<()> {
        let mut world = self.world();
        if !world.files.contains_key(name) {
            return Err(ErrorKind::NotFound.into());
        }
        world.change()?;
        world.files.remove(name);
        Ok(())
    }

    #[cfg(any(feature = "gzip", feature = "zstd"))]
    fn open_read(&self, name: &OsStr) -> io::Result<Source> {
        let world = self.world();
        let inode = world.files.get(name).ok_or(ErrorKind::NotFound)?.lock().unwrap();
        let reader = Box::new(io::Cursor::new(inode.content.clone()));
        Ok(Source { _closed: None, reader, look: look(&inode) })
    }

    #[cfg(any(feature = "gzip", feature = "zstd"))]
    fn open_alone(&self, name: &OsStr) -> io::Result<Option<FakeFile>> {
        let known = self.world().files.get(name).cloned();
        let Some(inode) = known else { return self.create(name).map(Some) };
        self.world().change()?;
        inode.lock().unwrap().content.clear();
        Ok(Some(FakeFile { world: self.clone(), inode }))
    }

    fn sync_all(&self) -> io::Result<()> {
        Ok(())
    }

    fn try_lock(&mut self) -> io::Result<bool> {
        let mut world = self.world.lock().unwrap();
        Ok(*world.lock.get_or_insert(self.number) == self.number)
    }

    fn unlock(&mut self) {
        let mut world = self.world.lock().unwrap();
        assert_eq!(world.lock.take(), Some(self.number), "unlocked by another than locked");
    }
}

fn look(inode: &Inode) -> Look {
    Look {
        identity: (0, inode.number),
        bytes: inode.content.len() as u64,
        modified: inode.modified,
        is_file: !inode.is_link,
    }
}

#[derive(Debug)]
pub(super) struct FakeFile {
    world: Fake,
    inode: Shared,
}

impl Medium for FakeFile {
    fn append(&mut self, bytes: &[u8], _: bool) -> io::Result<usize> {
        let mut world = self.world.world();
        world.change()?;
        let mut most = bytes.len();
        match world.script.pop_front() {
            None => {}
            Some(Step::Take(count)) => most = most.min(count),
            Some(Step::Fail(kind)) => return Err(kind.into()),
        }
        if let Some(room) = &mut world.room {
            most = most.min(*room);
            *room -= most;
            if most == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
        }
        let mut inode = self.inode.lock().unwrap();
        inode.content.extend_from_slice(&bytes[..most]);
        inode.modified = world.wall;
        Ok(most)
    }

    fn cut_to(&mut self, length: u64, beginning: &[u8]) -> io::Result<bool> {
        let length = usize::try_from(length).unwrap();
        let content = &mut self.inode.lock().unwrap().content;
        let there = content.get(length..).unwrap_or(&[]);
        let is_it = there.iter().zip(beginning).all(|(there, wanted)| there == wanted);
        if is_it {
            content.truncate(length);
        }
        Ok(is_it)
    }

    fn cut_back(&mut self, bytes: usize) -> bool {
        let mut world = self.world.world();
        if !world.can_cut || world.change().is_err() {
            return false;
        }
        world.room = world.room.map(|room| room + bytes);
        let mut inode = self.inode.lock().unwrap();
        let end = inode.content.len() - bytes;
        inode.content.truncate(end);
        true
    }

    fn sync(&mut self) -> io::Result<()> {
        self.world.world().syncs.pop_front().map_or(Ok(()), |kind| Err(kind.into()))
    }

    fn look(&self) -> io::Result<Look> {
        Ok(look(&self.inode.lock().unwrap()))
    }

    fn identity(&self) -> Identity {
        (0, self.inode.lock().unwrap().number)
    }

    fn last_byte(&mut self) -> io::Result<Option<u8>> {
        Ok(self.inode.lock().unwrap().content.last().copied())
    }

    fn reserve(&mut self, bytes: u64) -> io::Result<()> {
        let room = self.world.world().room;
        match room {
            Some(room) if (room as u64) < bytes => Err(ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    }

    #[cfg(any(feature = "gzip", feature = "zstd"))]
    fn set_modified(&mut self, seconds: i64) -> io::Result<()> {
        self.inode.lock().unwrap().modified = seconds;
        Ok(())
    }

    fn mend(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn trim(&mut self) -> io::Result<()> {
        Ok(())
    }
}
