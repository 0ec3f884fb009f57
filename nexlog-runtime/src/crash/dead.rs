//! A ring whose process is gone.
//!
//! Nothing in the file is trusted: it may be damaged, of another version, of another machine, or
//! made by somebody who wishes us ill. It is read piece by piece with plain reads, never mapped. What
//! is noted in it while it is replayed is written with plain writes.

use core::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::PathBuf;

use super::home::{Home, Orphan};
use super::layout::{
    CHUNK_BYTES, CLOCK_WORDS, ENTRIES, ENTRY_HEAD, EntryHead, HEAD_BYTES, HEAD_ENTRIES,
    INTENT_WORDS, INTENTS, IS_MAPPED, LANES, LANES_BYTES, LaneShape, MAGIC, MAX_PIECES, NAME_BYTES,
    ORDER_MARK, SAMPLE_BYTES, SEGMENTS, UNIT, VERSION, digest, entry, head, intent, piece_parts,
};
use crate::clock::{ClockState, WallClock};
use crate::lane::pool::SEGMENT_BYTES;
use crate::lane::read::Common;
use crate::lane::remains::{Left, Remains, owner};
use crate::pipeline::output::Outputs;
use crate::record::Record;
use crate::site::callsite::Site;
use crate::site::known;
use crate::sys::folder::{self, Identity};

/// A file that the process wrote to.
#[derive(Debug, Default)]
pub(super) struct DeadFile {
    pub(super) path: PathBuf,
    pub(super) format: String,
    pub(super) filter: String,
    pub(super) mode: u32,
    pub(super) is_mapped: bool,
    pub(super) intent: Option<Intent>,
}

/// A batch that was being written.
#[derive(Debug)]
pub(super) struct Intent {
    /// What became of it is known: it is as if it was written.
    pub(super) is_settled: bool,
    pub(super) identity: Identity,
    pub(super) offset: u64,
    pub(super) bytes: u64,
    /// Of its format's key the digest.
    pub(super) format: u64,
    /// Its first bytes, and as many last ones.
    pub(super) head: Vec<u8>,
    pub(super) tail: Vec<u8>,
}

/// A lane with something in it.
#[derive(Debug)]
pub(super) struct DeadLane {
    pub(super) number: usize,
    /// Where in the file its words are.
    at: u64,
    published: u64,
    consumed: u64,
    /// For each file: up to where it has the lane, and up to where it was about to.
    pub(super) files: Vec<(u64, u64)>,
    thread: (u64, String),
    /// Its segments: the how-manieth, and where in the file.
    segments: BTreeMap<u64, u64>,
}

impl DeadLane {
    /// From where on the file lacks it.
    pub(super) fn start(&self, file: usize) -> u64 {
        self.files.get(file).map_or(self.consumed, |(done, _)| self.consumed.max(*done))
    }
}

/// A ring that was read.
pub(super) struct Dead {
    pub(super) name: OsString,
    /// Locked.
    file: fs::File,
    pub(super) process: u32,
    /// Nanoseconds since 1970.
    pub(super) started: i64,
    pub(super) files: Vec<DeadFile>,
    pub(super) lanes: Vec<DeadLane>,
    sites: HashMap<u64, &'static Site>,
    clock: WallClock,
    common: Common,
}

/// Lanes that a file of this size may tell of.
const MAX_LANES: usize = 1 << 19;

fn words_of(bytes: &[u8]) -> Vec<u64> {
    bytes.as_chunks::<8>().0.iter().map(|word| u64::from_ne_bytes(*word)).collect()
}

/// So many bytes from there on; zeros where the file has none.
fn read(file: &fs::File, offset: u64, bytes: usize) -> io::Result<Vec<u8>> {
    let mut content = vec![0; bytes];
    folder::read_at(file, offset, &mut content)?;
    Ok(content)
}

impl Dead {
    /// Reads what the ring says of itself. The error says why it cannot be read.
    pub(super) fn open(home: &Home, orphan: Orphan) -> Result<Dead, String> {
        let Orphan { name, file } = orphan;
        let fail = |error: io::Error| format!("it cannot be read ({error}); see to its disk");
        let length = file.metadata().map_err(fail)?.len();
        let words = words_of(&read(&file, 0, HEAD_BYTES).map_err(fail)?);
        let files = check_head(&words)?;
        let shape = LaneShape::of(files);
        let mut dead = Dead {
            name,
            process: u32::try_from(words[head::PROCESS]).unwrap_or(0),
            started: words[head::STARTED].cast_signed(),
            files: (0..files).map(|number| DeadFile::new(&words, number)).collect(),
            lanes: Vec::new(),
            sites: HashMap::new(),
            clock: read_clock(&words)
                .ok_or("its clock is damaged; if nobody needs its records, delete it")?,
            common: Common::new(),
            file,
        };
        let count = usize::try_from(words[head::PIECES]).unwrap_or(MAX_PIECES).min(MAX_PIECES);
        let pieces = words[head::TABLE..head::TABLE + count].iter().map(|word| piece_parts(*word));
        let pieces: Vec<_> =
            pieces.filter(|(_, _, offset)| (UNIT..length).contains(offset)).collect();
        dead.read_entries(&words, &pieces).map_err(fail)?;
        for (_, number, offset) in pieces.iter().filter(|piece| piece.0 == LANES) {
            dead.read_lanes(shape, *number, *offset).map_err(fail)?;
        }
        dead.lanes.sort_by_key(|lane| lane.number);
        dead.lanes.dedup_by_key(|lane| lane.number);
        for (_, _, offset) in pieces.iter().filter(|piece| piece.0 == SEGMENTS) {
            dead.find_segments(*offset, length).map_err(fail)?;
        }
        let _ = home;
        Ok(dead)
    }

    fn read_entries(&mut self, head: &[u64], pieces: &[(u64, u64, u64)]) -> io::Result<()> {
        let mut left = head[head::ENTRIES];
        self.take_entries(&head[HEAD_ENTRIES..], &mut left);
        for (_, units, offset) in pieces.iter().filter(|piece| piece.0 == ENTRIES) {
            if left == 0 {
                break;
            }
            // As many as an entry can need: a description is a text of a program.
            let bytes = usize::try_from((*units).min(256) * UNIT).unwrap_or(0);
            let words = words_of(&read(&self.file, *offset, bytes)?);
            self.take_entries(&words, &mut left);
        }
        Ok(())
    }

    /// Takes the entries of one piece, as many as are sound.
    fn take_entries(&mut self, mut words: &[u64], left: &mut u64) {
        while *left > 0
            && let Some((start, rest)) = words.split_at_checked(ENTRY_HEAD)
        {
            let head = EntryHead::from_words([start[0], start[1], start[2]]);
            let Some(text) = rest.get(..head.bytes.div_ceil(8)).filter(|_| head.kind != 0) else {
                return; // the next one is in the next piece
            };
            if digest(start[..3].iter().chain(text).copied()) != start[3] {
                return; // what follows cannot be found
            }
            let bytes: Vec<u8> = text.iter().flat_map(|word| word.to_ne_bytes()).collect();
            self.take_entry(head, bytes.get(..head.bytes).unwrap_or(&[]));
            words = rest.get(text.len()..).unwrap_or(&[]);
            *left -= 1;
        }
    }

    fn take_entry(&mut self, head: EntryHead, bytes: &[u8]) {
        let text = || String::from_utf8_lossy(bytes).into_owned();
        let number = usize::try_from(head.number).unwrap_or(usize::MAX);
        match head.kind {
            entry::SITE => {
                let Ok(description) = core::str::from_utf8(bytes) else { return };
                self.sites.insert(head.number, site_of(head.level, head.line, description));
            }
            entry::COMMON => self.common = Common::read(bytes).unwrap_or_else(Common::new),
            _ => {
                let Some(file) = self.files.get_mut(number) else { return };
                match head.kind {
                    entry::PATH => file.path = folder::path_from(bytes),
                    entry::FORMAT => file.format = text(),
                    entry::FILTER => file.filter = text(),
                    entry::MODE => {
                        let mode = bytes.first_chunk().map(|mode| u32::from_ne_bytes(*mode));
                        file.mode = mode.unwrap_or(0o600) & 0o666 | 0o600;
                        file.is_mapped = mode.is_some_and(|mode| mode & IS_MAPPED != 0);
                    }
                    _ => {}
                }
            }
        }
    }

    fn read_lanes(&mut self, shape: LaneShape, piece: u64, offset: u64) -> io::Result<()> {
        let content = read(&self.file, offset, LANES_BYTES)?;
        let first = usize::try_from(piece).unwrap_or(usize::MAX).saturating_mul(shape.in_piece());
        let all = content.chunks_exact(shape.bytes).take(shape.in_piece()).enumerate();
        for (place, bytes) in all {
            let (number, words) = (first.saturating_add(place), words_of(bytes));
            let (published, consumed) = (words[LaneShape::PUBLISHED], words[LaneShape::CONSUMED]);
            if published <= consumed || number >= MAX_LANES {
                continue;
            }
            let files = (0..self.files.len()).map(|file| {
                let at = LaneShape::done(file);
                (words[at], words[at + 1])
            });
            let thread = shape.thread();
            let length = usize::try_from(words[thread + 1]).unwrap_or(0).min(NAME_BYTES);
            let name = bytes.get(8 * (thread + 2)..).and_then(|name| name.get(..length));
            let name = String::from_utf8_lossy(name.unwrap_or(&[])).into_owned();
            self.lanes.push(DeadLane {
                number,
                at: offset + (place * shape.bytes) as u64,
                published,
                consumed,
                files: files.collect(),
                thread: (words[thread], name),
                segments: BTreeMap::new(),
            });
        }
        Ok(())
    }

    /// Finds out whose the segments of this chunk are.
    fn find_segments(&mut self, offset: u64, length: u64) -> io::Result<()> {
        for place in (offset..offset + CHUNK_BYTES as u64).step_by(SEGMENT_BYTES) {
            if place >= length {
                break;
            }
            let words = words_of(&read(&self.file, place, 24)?);
            let Some((number, index)) = owner([words[0], words[1], words[2]]) else { continue };
            if let Ok(lane) = self.lanes.binary_search_by_key(&number, |lane| lane.number) {
                self.lanes[lane].segments.insert(index, place);
            }
        }
        Ok(())
    }

    /// Gives `each` the records that lie between these positions of each lane, in the order of
    /// their times, until it says that it wants no more.
    pub(super) fn read_records(
        &self,
        between: impl Fn(&DeadLane) -> (u64, u64),
        mut each: impl FnMut(&Record<'_>, &Left, usize) -> bool,
    ) -> io::Result<u64> {
        let mut readers: Vec<_> = self
            .lanes
            .iter()
            .map(|lane| LaneReader::new(lane, between(lane), &self.file))
            .collect();
        let site_at = |address: u64| self.sites.get(&address).copied();
        let mut heap = BinaryHeap::new();
        for (number, reader) in readers.iter_mut().enumerate() {
            if let Some(left) = reader.next(&site_at)? {
                heap.push(Reverse((left.ticks(), number)));
            }
        }
        while let Some(Reverse((_, number))) = heap.pop() {
            let reader = &mut readers[number];
            if let Some((record, left)) = reader.record(&self.clock, &self.common)
                && !each(&record, &left, reader.lane.number)
            {
                break;
            }
            if let Some(left) = reader.next(&site_at)? {
                heap.push(Reverse((left.ticks(), number)));
            }
        }
        Ok(readers.iter().map(|reader| reader.damaged).sum())
    }

    /// The end of what a lane has.
    pub(super) fn end_of(lane: &DeadLane) -> u64 {
        lane.published
    }

    /// Notes words at a place of the file.
    fn note(&self, offset: u64, words: &[u64]) -> io::Result<()> {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        folder::write_at(&self.file, offset, &bytes)
    }

    fn lane(&self, number: usize) -> Option<&DeadLane> {
        let place = self.lanes.binary_search_by_key(&number, |lane| lane.number).ok()?;
        self.lanes.get(place)
    }

    /// Notes up to where the file has a lane, or, with `is_pending`, will have it.
    pub(super) fn note_lane(
        &self,
        file: usize,
        (lane, position): (usize, u64),
        is_pending: bool,
    ) -> io::Result<()> {
        let Some(lane) = self.lane(lane) else { return Ok(()) };
        let word = LaneShape::done(file) + usize::from(is_pending);
        self.note(lane.at + 8 * word as u64, &[position])
    }

    /// Notes an intent, all words but the first.
    pub(super) fn note_intent(&self, file: usize, words: &[u64]) -> io::Result<()> {
        self.note(8 * (INTENTS + file * INTENT_WORDS + 1) as u64, words)
    }

    /// Notes whether the intent counts.
    pub(super) fn note_intent_state(&self, file: usize, state: u64) -> io::Result<()> {
        let place = INTENTS + file * INTENT_WORDS + intent::STATE;
        self.note(8 * place as u64, &[state])
    }
}

impl DeadFile {
    fn new(head: &[u64], number: usize) -> DeadFile {
        let words = &head[INTENTS + number * INTENT_WORDS..][..INTENT_WORDS];
        let length = usize::try_from(words[intent::BYTES]).unwrap_or(usize::MAX).min(SAMPLE_BYTES);
        let sample = |at: usize| {
            let words = words[at..][..SAMPLE_BYTES / 8].iter();
            words.flat_map(|word| word.to_ne_bytes()).take(length).collect()
        };
        let state = words[intent::STATE];
        let intent = [intent::OPEN, intent::SETTLED].contains(&state).then(|| Intent {
            is_settled: state == intent::SETTLED,
            identity: (words[intent::DEVICE], words[intent::INODE]),
            offset: words[intent::OFFSET],
            bytes: words[intent::BYTES],
            format: words[intent::FORMAT],
            head: sample(intent::HEAD),
            tail: sample(intent::TAIL),
        });
        DeadFile { intent, mode: 0o600, ..DeadFile::default() }
    }
}

impl Orphan {
    /// Which of its files is this one, if it was writing there, and where that began. Read without
    /// its lock: the words of a process that lives may change meanwhile.
    pub(super) fn intent_within(
        &self,
        identity: Identity,
        length: u64,
    ) -> io::Result<Option<(usize, Intent)>> {
        let words = words_of(&read(&self.file, 0, HEAD_BYTES)?);
        let Ok(files) = check_head(&words) else { return Ok(None) };
        let found = (0..files).find_map(|number| {
            let intent = DeadFile::new(&words, number).intent.filter(|i| !i.is_settled)?;
            let end = intent.offset.saturating_add(intent.bytes);
            let is_within = intent.offset < length && length <= end;
            (intent.identity == identity && is_within).then_some((number, intent))
        });
        Ok(found)
    }

    /// Notes that nothing is being written.
    pub(super) fn close_intent(&self, number: usize) -> io::Result<()> {
        let place = INTENTS + number * INTENT_WORDS + intent::STATE;
        folder::write_at(&self.file, 8 * place as u64, &0_u64.to_ne_bytes())
    }
}

/// How many files it writes to, if this is the head of a ring that this program can read.
fn check_head(words: &[u64]) -> Result<usize, String> {
    if words[head::MAGIC] != MAGIC {
        return Err("it is no ring file; move it elsewhere".to_owned());
    }
    if words[head::ORDER_MARK] == ORDER_MARK.swap_bytes() {
        return Err("it is from a machine whose bytes lie in the other order; start the program \
                    there, and it is recovered"
            .to_owned());
    }
    if words[head::VERSION] != VERSION || words[head::SEGMENT_BYTES] != SEGMENT_BYTES as u64 {
        return Err(format!(
            "it is of version {} and this program reads version {VERSION}; start the program that \
             made it once more, and it is recovered",
            words[head::VERSION]
        ));
    }
    let files = usize::try_from(words[head::FILES]).unwrap_or(usize::MAX);
    let is_sound = digest(words[..head::CHECK].iter().copied()) == words[head::CHECK]
        && files <= Outputs::MAX
        && words[head::LANE_BYTES] == LaneShape::of(files).bytes as u64;
    if !is_sound {
        return Err("its head is damaged; if nobody needs its records, delete it".to_owned());
    }
    Ok(files)
}

/// The newer one of the two clocks that is sound.
fn read_clock(words: &[u64]) -> Option<WallClock> {
    let newer = (words[head::CLOCK] & 1) as usize;
    let at = |which: usize| {
        let words = &words[head::CLOCKS + which * CLOCK_WORDS..][..CLOCK_WORDS];
        ClockState::from_words([words[0], words[1], words[2], words[3]])
    };
    at(newer).or_else(|| at(1 - newer)).map(WallClock::of)
}

/// The call site that says this: ours, if this program has it, or a new one that stays.
fn site_of(level: u8, line: u32, description: &str) -> &'static Site {
    known::find(level, line, description).unwrap_or_else(|| {
        let description = String::from(description).leak();
        let site: &'static Site = Box::leak(Box::new(Site::new(level, line, description)));
        site.info(); // found by the next one that says the same
        site
    })
}

/// One lane, segment by segment.
struct LaneReader<'a> {
    lane: &'a DeadLane,
    file: &'a fs::File,
    between: (u64, u64),
    /// Segments still to be read.
    segments: std::collections::btree_map::Range<'a, u64, u64>,
    current: Option<Remains>,
    left: Option<Left>,
    damaged: u64,
}

impl<'a> LaneReader<'a> {
    fn new(lane: &'a DeadLane, between: (u64, u64), file: &'a fs::File) -> LaneReader<'a> {
        let segment = |position: u64| position / SEGMENT_BYTES as u64;
        let (from, to) = (segment(between.0), segment(between.1.max(between.0)));
        let segments = lane.segments.range(from..=to);
        LaneReader { lane, file, between, segments, current: None, left: None, damaged: 0 }
    }

    fn next(&mut self, site_at: &dyn Fn(u64) -> Option<&'static Site>) -> io::Result<Option<Left>> {
        loop {
            self.left = self.current.as_mut().and_then(|current| current.next(site_at));
            if self.left.is_some() {
                return Ok(self.left);
            }
            let before = self.current.take();
            self.damaged += before.as_ref().map_or(0, |remains| remains.damaged);
            let thread = before.map_or_else(|| self.lane.thread.clone(), Remains::into_thread);
            let Some((index, offset)) = self.segments.next() else { return Ok(None) };
            let bytes = read(self.file, *offset, SEGMENT_BYTES)?;
            self.current = Remains::new(&bytes, (self.lane.number, *index), self.between, thread);
        }
    }

    /// The record that `next` has found.
    fn record<'b>(&'b self, clock: &WallClock, common: &'b Common) -> Option<(Record<'b>, Left)> {
        let left = self.left?;
        Some((self.current.as_ref()?.record(&left, clock, common)?, left))
    }
}
