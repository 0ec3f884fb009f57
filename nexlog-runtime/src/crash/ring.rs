//! The ring of a process that lives.
//!
//! Everything here is words of mapped memory. Callers take chunks and lanes from it, at a thread's
//! first record or when a lane needs another segment; the drainer notes what it does. Where the
//! system gives no more space, lanes go on in memory that dies with the process, and that is told.

use core::ptr::NonNull;
use core::sync::atomic::Ordering::{AcqRel, Relaxed, Release};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64};
use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::home::Home;
use super::layout::{
    CHUNK_BYTES, ENTRIES, ENTRIES_BYTES, EntryHead, HEAD_BYTES, HEAD_ENTRIES, INTENT_WORDS,
    INTENTS, IS_MAPPED, LANES, LANES_BYTES, LEAVES_OUT, LaneShape, MAGIC, MAX_PIECES, NAME_BYTES,
    ORDER_MARK, SAMPLE_BYTES, SEGMENTS, UNIT, VERSION, digest, entry, format_digest, head, intent,
    intent_check, piece, text_words,
};
use crate::clock::ClockState;
use crate::error::Error;
use crate::lane::pool::SEGMENT_BYTES;
use crate::sink::Writing;
use crate::site::callsite::Site;
use crate::sys;
use crate::sys::folder::{self, Identity};
use crate::sys::mapping::Mapping;
use crate::value::redact::Redaction;

/// Lanes beyond these pieces are not in the file: 65,536 of a logger with one file.
const MAX_LANE_PIECES: usize = 256;
const MAX_ENTRY_PIECES: usize = 256;

/// What a ring says of a file that the logger writes to.
pub(crate) struct FilePlan {
    pub(crate) path: PathBuf,
    pub(crate) mode: u32,
    /// Whether it is written through memory.
    pub(crate) is_mapped: bool,
    /// Whether it may lack records that its filter wants.
    pub(crate) leaves_out: bool,
    /// What makes its format equal to another one; empty for a format of the program's own.
    pub(crate) format: String,
    pub(crate) filter: String,
}

/// A ring file at work.
pub(crate) struct Ring {
    home: Home,
    name: OsString,
    identity: Identity,
    head: Mapping,
    shape: LaneShape,
    /// By file.
    formats: Vec<u64>,
    /// Units of the file that are taken.
    units: AtomicU64,
    lanes: Box<[OnceLock<Mapping>]>,
    /// Kept mapped. With room for all there can be.
    chunks: Mutex<Vec<Mapping>>,
    /// A chunk that was taken and not needed.
    spare_chunk: AtomicPtr<u8>,
    entries: Mutex<Entries>,
    /// Why it is not what it should be, and whether that was told.
    trouble: OnceLock<(&'static str, io::Error)>,
    is_told: AtomicBool,
    /// In a forked child, or at the end: the file is not ours any more.
    is_left: AtomicBool,
    /// In which second the drainer has looked for the file last, by the clock on the wall.
    looked: AtomicU64,
}

/// Where entries go.
struct Entries {
    /// Behind those in the head. With room for all there can be.
    pieces: Vec<Mapping>,
    /// The word for the next one.
    at: usize,
}

impl Ring {
    /// Makes one. Nobody sees it before it is whole.
    pub(crate) fn create(
        home: Home,
        files: &[FilePlan],
        (common, redaction): (&[u8], &Redaction),
        clock: ClockState,
    ) -> io::Result<Ring> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let (seconds, nanos) = sys::realtime();
        let started = seconds.wrapping_mul(1_000_000_000).wrapping_add(i64::from(nanos));
        let (process, number) = (std::process::id(), NEXT.fetch_add(1, Relaxed));
        // Sorted by when they began.
        let id = format!("{started:020}-{process}-{number}");
        let file = home.create(&id)?;
        let made = Ring::map(home, &id, &file, files.len());
        let mut ring = made.map_err(|(home, error)| {
            home.give_up(&id);
            error
        })?;
        ring.set_clock(clock);
        ring.formats = files.iter().map(|file| format_digest(&file.format)).collect();
        ring.write_head(files.len(), started);
        for (number, file) in files.iter().enumerate() {
            let path = file.path.as_os_str().as_encoded_bytes();
            ring.add(entry::PATH, number, path);
            ring.add(entry::FORMAT, number, file.format.as_bytes());
            ring.add(entry::FILTER, number, file.filter.as_bytes());
            let mapped = if file.is_mapped { IS_MAPPED } else { 0 };
            let leaves_out = if file.leaves_out { LEAVES_OUT } else { 0 };
            ring.add(entry::MODE, number, &(file.mode | mapped | leaves_out).to_ne_bytes());
        }
        ring.add(entry::COMMON, 0, common);
        ring.add(entry::REDACTION, 0, redaction.to_text().as_bytes());
        ring.name = ring.home.publish(&id).inspect_err(|_| ring.home.give_up(&id))?;
        Ok(ring)
    }

    /// Its first parts.
    fn map(home: Home, id: &str, file: &fs::File, files: usize) -> Result<Ring, (Home, io::Error)> {
        let shape = LaneShape::of(files);
        let chunk_at = UNIT + LANES_BYTES as u64;
        let made = (|| {
            let identity = folder::look_at_file(file, &home.path.join(id))?.identity;
            let head = Mapping::new_part(file, 0, HEAD_BYTES)?;
            let lanes = Mapping::new_part(file, UNIT, LANES_BYTES)?;
            let chunk = Mapping::new_part(file, chunk_at, CHUNK_BYTES)?;
            Ok((identity, head, lanes, chunk))
        })();
        let (identity, head, first_lanes, chunk) = match made {
            Ok(made) => made,
            Err(error) => return Err((home, error)),
        };
        let lanes: Box<[OnceLock<Mapping>]> =
            (0..MAX_LANE_PIECES).map(|_| OnceLock::new()).collect();
        let mut chunks = Vec::with_capacity(MAX_PIECES);
        let spare_chunk = AtomicPtr::new(chunk.start());
        chunks.push(chunk);
        let _ = lanes[0].set(first_lanes);
        let ring = Ring {
            home,
            name: OsString::new(),
            identity,
            head,
            shape,
            formats: Vec::new(),
            units: AtomicU64::new(chunk_at / UNIT + CHUNK_BYTES as u64 / UNIT),
            lanes,
            chunks: Mutex::new(chunks),
            spare_chunk,
            entries: Mutex::new(Entries {
                pieces: Vec::with_capacity(MAX_ENTRY_PIECES),
                at: HEAD_ENTRIES,
            }),
            trouble: OnceLock::new(),
            is_told: AtomicBool::new(false),
            is_left: AtomicBool::new(false),
            looked: AtomicU64::new(0),
        };
        ring.list(piece(LANES, 0, 1));
        ring.list(piece(SEGMENTS, 0, chunk_at / UNIT));
        Ok(ring)
    }

    fn write_head(&self, files: usize, started: i64) {
        let words = [
            (head::MAGIC, MAGIC),
            (head::ORDER_MARK, ORDER_MARK),
            (head::VERSION, VERSION),
            (head::PROCESS, u64::from(std::process::id())),
            (head::STARTED, started.cast_unsigned()),
            (head::LANE_BYTES, self.shape.bytes as u64),
            (head::FILES, files as u64),
            (head::SEGMENT_BYTES, SEGMENT_BYTES as u64),
        ];
        words.iter().for_each(|(place, word)| self.set(*place, *word));
        self.set(head::CHECK, digest(words.map(|(_, word)| word)));
    }

    fn set(&self, place: usize, word: u64) {
        if let Some(place) = self.head.words().get(place) {
            place.store(word, Release);
        }
    }

    /// Writes down that there is a piece.
    fn list(&self, piece: u64) -> bool {
        let Some(count) = self.head.words().get(head::PIECES) else { return false };
        let place = count.fetch_add(1, AcqRel);
        let place = usize::try_from(place).ok().filter(|place| *place < MAX_PIECES);
        place.map(|place| self.set(head::TABLE + place, piece)).is_some()
    }

    /// Another part of the file, with space that is set aside; and where in the file, in units.
    fn extend(&self, bytes: usize) -> Option<(Mapping, u64)> {
        if self.is_left.load(Relaxed) || self.trouble.get().is_some() {
            return None;
        }
        let made = (|| {
            let file = self.home.folder.open_write(&self.name)?;
            if folder::look_at_file(&file, &self.home.path)?.identity != self.identity {
                return Err(io::Error::new(ErrorKind::NotFound, "another file is in its place"));
            }
            let unit = self.units.fetch_add((bytes as u64).div_ceil(UNIT), Relaxed);
            Ok((Mapping::new_part(&file, unit * UNIT, bytes)?, unit))
        })();
        match made {
            Ok((mapping, unit)) => Some((mapping, unit)),
            Err(error) => {
                let _ = self.trouble.set(("grow", error));
                None
            }
        }
    }

    /// Memory for a chunk of segments: `CHUNK_BYTES` zeros that are nobody else's.
    pub(crate) fn take_chunk(&self, bytes: usize) -> Option<*mut u8> {
        if bytes != CHUNK_BYTES {
            return None;
        }
        let spare = self.spare_chunk.swap(core::ptr::null_mut(), AcqRel);
        if !spare.is_null() {
            return Some(spare);
        }
        let (chunk, unit) = self.extend(bytes)?;
        let start = chunk.start();
        let mut chunks = self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
        // Within the capacity: under a lock nothing is allocated.
        let has_room = chunks.len() < chunks.capacity() && self.list(piece(SEGMENTS, 0, unit));
        has_room.then(|| {
            chunks.push(chunk);
            start
        })
    }

    /// Takes back one that nobody has used. (A second one is left alone.)
    pub(crate) fn give_chunk(&self, start: *mut u8) {
        self.spare_chunk.store(start, Release);
    }

    /// The words of a new lane: zeros that are nobody else's.
    pub(crate) fn take_lane(&self, number: usize) -> Option<NonNull<u8>> {
        let (piece_number, place) = self.shape.place(number);
        let slot = self.lanes.get(piece_number)?;
        if slot.get().is_none() {
            let (mapping, unit) = self.extend(LANES_BYTES)?;
            let piece = piece(LANES, piece_number as u64, unit);
            // Of two that come at the same time, one piece stays unused.
            if slot.set(mapping).is_ok() && !self.list(piece) {
                return None;
            }
        }
        NonNull::new(slot.get()?.start().wrapping_add(place * self.shape.bytes))
    }

    /// The words of a lane.
    fn lane(&self, number: usize) -> Option<&[AtomicU64]> {
        let (piece_number, place) = self.shape.place(number);
        let (mapping, words) = (self.lanes.get(piece_number)?.get()?, self.shape.bytes / 8);
        mapping.words().get(place * words..(place + 1) * words)
    }

    /// Notes whose records the lane has from the first one on that is not drained yet.
    pub(crate) fn name_lane(&self, number: usize, thread: u64, name: &str) {
        let end = (0..=NAME_BYTES.min(name.len())).rev().find(|end| name.is_char_boundary(*end));
        let name = name.get(..end.unwrap_or(0)).unwrap_or("").as_bytes();
        let words = [thread, name.len() as u64].into_iter().chain(text_words(name));
        let places = self.lane(number).and_then(|lane| lane.get(self.shape.thread()..));
        for (place, word) in places.unwrap_or(&[]).iter().zip(words) {
            place.store(word, Relaxed);
        }
    }

    /// Notes how ticks become time.
    pub(crate) fn set_clock(&self, clock: ClockState) {
        let words = self.head.words();
        let Some(index) = words.get(head::CLOCK) else { return };
        let next = index.load(Relaxed).wrapping_add(1);
        let start = head::CLOCKS + (next & 1) as usize * 4;
        for (place, word) in words.get(start..start + 4).unwrap_or(&[]).iter().zip(clock.words()) {
            place.store(word, Relaxed);
        }
        index.store(next, Release);
    }

    /// Before a batch is written to a file: up to where it will have each lane then.
    pub(crate) fn begin(&self, file: usize, lanes: &[(usize, u64)], writing: &Writing<'_>) {
        for (lane, position) in lanes {
            if let Some(pending) = self.lane(*lane).and_then(|l| l.get(LaneShape::done(file) + 1)) {
                pending.store(*position, Relaxed);
            }
        }
        let start = INTENTS + file * INTENT_WORDS;
        let words = self.head.words().get(start..start + INTENT_WORDS).unwrap_or(&[]);
        let [state, rest @ ..] = words else { return };
        let intent = intent_words(writing, self.formats.get(file).copied().unwrap_or(0));
        rest.iter().zip(intent).for_each(|(place, word)| place.store(word, Relaxed));
        state.store(intent::OPEN, Release);
    }

    /// Afterwards: the file has them.
    pub(crate) fn end(&self, file: usize, lanes: &[(usize, u64)]) {
        for (lane, position) in lanes {
            if let Some(done) = self.lane(*lane).and_then(|l| l.get(LaneShape::done(file))) {
                done.store(*position, Relaxed);
            }
        }
        self.set(INTENTS + file * INTENT_WORDS + intent::STATE, intent::NONE);
    }

    fn add(&self, kind: u64, number: usize, text: &[u8]) {
        let head = EntryHead { kind, level: 0, bytes: text.len(), number: number as u64, line: 0 };
        if self.make_room(head.all_words()) {
            self.write_entry(head, text);
        }
    }

    /// Room for a call site's description. Not under a lock: it may allocate.
    pub(crate) fn make_room_for(&self, site: &Site) -> bool {
        self.make_room(site_head(site).all_words())
    }

    /// Writes a call site down, for which there is room: before its first record. `false`: there is
    /// none any more.
    pub(crate) fn add_site(&self, site: &Site) -> bool {
        self.write_entry(site_head(site), site.description().as_bytes())
    }

    fn make_room(&self, words: usize) -> bool {
        if self.lock_entries().room(&self.head).len() >= words {
            return true;
        }
        let bytes = (8 * words).next_multiple_of(ENTRIES_BYTES);
        let Some((mapping, unit)) = self.extend(bytes) else { return false };
        let units = bytes as u64 / UNIT;
        let mut entries = self.lock_entries();
        // Within the capacity: under the lock nothing is allocated. In the table in this order.
        let has_place = entries.pieces.len() < entries.pieces.capacity();
        if has_place && self.list(piece(ENTRIES, units, unit)) {
            entries.pieces.push(mapping);
            entries.at = 0;
        }
        entries.room(&self.head).len() >= words
    }

    fn write_entry(&self, head: EntryHead, text: &[u8]) -> bool {
        let mut entries = self.lock_entries();
        let Some(room) = entries.room(&self.head).get(..head.all_words()) else { return false };
        let words = head.words();
        let check = digest(words.into_iter().chain(text_words(text)));
        let all = words.into_iter().chain([check]).chain(text_words(text));
        room.iter().zip(all).for_each(|(place, word)| place.store(word, Relaxed));
        entries.at += head.all_words();
        if let Some(count) = self.head.words().get(head::ENTRIES) {
            count.fetch_add(1, Release);
        }
        true
    }

    fn lock_entries(&self) -> std::sync::MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// About once a second: whether the file is still there and whole. What has to be told, once.
    pub(crate) fn look(&self, wall_ns: i128) -> Option<Error> {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // the lower bits
        let second = (wall_ns >> 30) as u64;
        if self.looked.load(Relaxed) == second {
            return None;
        }
        self.looked.store(second, Relaxed);
        self.look_closely()
    }

    /// Whether what it is for cannot be relied on any more.
    pub(crate) fn has_trouble(&self) -> bool {
        self.trouble.get().is_some()
    }

    #[cold]
    fn look_closely(&self) -> Option<Error> {
        if self.is_left.load(Relaxed) || self.is_told.load(Relaxed) {
            return None;
        }
        if self.trouble.get().is_none() {
            self.find_trouble();
        }
        let (attempted, error) = self.trouble.get()?;
        self.is_told.store(true, Relaxed);
        Some(crash_error(&self.home.path.join(&self.name), attempted, copy_of(error)))
    }

    fn find_trouble(&self) {
        let chunks = self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
        let lanes = self.lanes.iter().filter_map(OnceLock::get);
        let has_failed = lanes.chain([&self.head]).chain(chunks.iter()).any(Mapping::has_failed);
        drop(chunks); // an error takes memory, and the allocator may log
        if has_failed {
            let why = "it was cut by somebody, or its disk cannot be read";
            let _ = self.trouble.set(("use", io::Error::other(why)));
        }
        if self.home.identity(&self.name).is_ok_and(|found| found != Some(self.identity)) {
            let why = io::Error::new(ErrorKind::NotFound, "it was removed by somebody");
            let _ = self.trouble.set(("find", why));
        }
    }

    /// Whether children of this process get it, until they leave it: only where they go on with what
    /// this thread is in the middle of.
    pub(crate) fn set_inherited(&self, is_inherited: bool) {
        self.each_mapping(|mapping| mapping.set_inherited(is_inherited));
    }

    /// In a forked child: the file is the parent's. Memory that is the child's own takes its place,
    /// with what was there, if that is inherited, and else zeros. No other thread is there, nor are
    /// the locks taken.
    pub(crate) fn leave(&self, with_content: bool) {
        self.is_left.store(true, Relaxed);
        self.each_mapping(|mapping| _ = mapping.leave_file(with_content));
    }

    fn each_mapping(&self, each: impl Fn(&Mapping)) {
        // Not to be had: somebody is about to add one, which is in use nowhere.
        let chunks = self.chunks.try_lock();
        let entries = self.entries.try_lock();
        let mapped = chunks.iter().flat_map(|chunks| chunks.iter());
        let mapped = mapped.chain(entries.iter().flat_map(|entries| entries.pieces.iter()));
        let lanes = self.lanes.iter().filter_map(OnceLock::get);
        mapped.chain(lanes).chain([&self.head]).for_each(each);
    }

    /// At the end: nothing in it is missing anywhere.
    pub(crate) fn finish(&self) {
        if !self.is_left.swap(true, Relaxed) {
            let _ = self.home.remove(&self.name);
        }
    }

    /// For a fork: the locks under which it changes.
    pub(crate) fn hold(
        &'static self,
        end: std::time::Instant,
    ) -> [Option<Box<dyn core::any::Any>>; 2] {
        use crate::pipeline::fork::hold;
        [hold(&self.chunks, end), hold(&self.entries, end)]
    }
}

impl Entries {
    /// The words that are free in the newest piece.
    fn room<'a>(&'a self, head: &'a Mapping) -> &'a [AtomicU64] {
        self.pieces.last().unwrap_or(head).words().get(self.at..).unwrap_or(&[])
    }
}

fn site_head(site: &Site) -> EntryHead {
    EntryHead {
        kind: entry::SITE,
        level: site.level_number(),
        bytes: site.description().len(),
        number: core::ptr::from_ref(site).addr() as u64,
        line: site.line(),
    }
}

/// An intent, but for its first word.
pub(super) fn intent_words(writing: &Writing<'_>, format: u64) -> [u64; INTENT_WORDS - 1] {
    let (device, inode) = writing.identity;
    let bytes = writing.bytes;
    let count = bytes.len().min(SAMPLE_BYTES);
    let mut samples = [0; 2 * SAMPLE_BYTES];
    let (head, tail) = samples.split_at_mut(SAMPLE_BYTES);
    head[..count].copy_from_slice(&bytes[..count]);
    tail[..count].copy_from_slice(&bytes[bytes.len() - count..]);
    let mut words = [0; INTENT_WORDS - 1];
    words[..4].copy_from_slice(&[device, inode, writing.offset, bytes.len() as u64]);
    for (word, part) in words[intent::HEAD - 1..].iter_mut().zip(samples.as_chunks::<8>().0) {
        *word = u64::from_ne_bytes(*part);
    }
    words[intent::FORMAT - 1] = format;
    words[intent::CHECK - 1] = intent_check(&words[..intent::CHECK - 1]);
    words
}

/// The same error once more, as far as that goes.
fn copy_of(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(number) => io::Error::from_raw_os_error(number),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

/// That lanes do not survive the process.
pub(super) fn crash_error(
    path: &std::path::Path,
    attempted: &'static str,
    source: io::Error,
) -> Error {
    Error::Crash { path: path.to_owned(), attempted, source }
}
