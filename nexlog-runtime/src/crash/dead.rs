//! A ring whose process is gone.
//!
//! Nothing in the file is trusted: it may be damaged, of another version, of another machine, or
//! made by somebody who wishes us ill. It is read piece by piece with plain reads, never mapped. What
//! is noted in it while it is replayed is written with plain writes.

use core::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::home::Orphan;
use super::layout::{
    CHUNK_BYTES, CLOCK_WORDS, ENTRIES, ENTRY_HEAD, EntryHead, HEAD_BYTES, HEAD_ENTRIES,
    INTENT_WORDS, INTENTS, IS_MAPPED, LANES, LANES_BYTES, LaneShape, MAGIC, MAX_PIECES, NAME_BYTES,
    ORDER_MARK, SAMPLE_BYTES, SEGMENTS, UNIT, VERSION, digest, entry, head, intent, intent_check,
    piece_parts,
};
use super::replay::settled_folder;
use crate::clock::{ClockState, WallClock};
use crate::lane::pool::SEGMENT_BYTES;
use crate::lane::read::Common;
use crate::lane::remains::{Left, Remains, owner};
use crate::pipeline::output::Outputs;
use crate::record::Record;
use crate::site::callsite::Site;
use crate::site::filter::Filter;
use crate::site::known;
use crate::sys::folder::{self, Identity};

/// A file that the process wrote to.
#[derive(Debug, Default)]
pub(super) struct DeadFile {
    pub(super) path: PathBuf,
    pub(super) format: String,
    filter: String,
    pub(super) mode: u32,
    pub(super) is_mapped: bool,
    pub(super) intent: Option<Intent>,
    /// Which of its entries were there.
    entries: u8,
}

/// The entries of a file.
const FILE_ENTRIES: [u64; 4] = [entry::PATH, entry::FORMAT, entry::FILTER, entry::MODE];

/// A batch that was being written.
#[derive(Debug)]
pub(super) struct Intent {
    /// What became of it is known: it is as if it was written.
    pub(super) is_settled: bool,
    /// Whether its check says so.
    is_sound: bool,
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

impl Intent {
    /// Whether somebody has noted it, and there can be such a batch.
    fn makes_sense(&self) -> bool {
        self.is_sound
            && self.offset.checked_add(self.bytes).is_some_and(|end| i64::try_from(end).is_ok())
    }
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
    known: Sites,
    clock: WallClock,
    common: Option<Common>,
    /// Damage that is no lane's own.
    pub(super) damaged: u64,
}

/// A part of the file that the table lists.
#[derive(Clone, Copy)]
struct Piece {
    kind: u64,
    number: u64,
    offset: u64,
    /// Up to the next one, or the end of the file.
    bytes: u64,
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
    pub(super) fn open(orphan: Orphan) -> Result<Dead, String> {
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
            known: Sites::new(),
            clock: read_clock(&words)
                .ok_or("its clock is damaged; if nobody needs its records, delete it")?,
            common: None,
            damaged: 0,
            file,
        };
        let pieces = dead.pieces(&words[head::TABLE..head::TABLE + MAX_PIECES], length);
        let of_kind = |kind: u64| pieces.iter().filter(move |piece| piece.kind == kind);
        dead.read_entries(&words, of_kind(ENTRIES)).map_err(fail)?;
        if dead.files.iter().any(|file| file.intent.as_ref().is_some_and(|i| !i.makes_sense())) {
            return Err("its intent is damaged; if nobody needs its records, delete it".into());
        }
        // Without them lines would be written that nobody has logged, or to another file.
        let are_whole =
            |file: &DeadFile| usize::from(file.entries) == (1 << FILE_ENTRIES.len()) - 1;
        if dead.common.is_none() || !dead.files.iter().all(are_whole) {
            return Err("its entries are damaged; if nobody needs its records, delete it".into());
        }
        let mut all = BTreeSet::new();
        for piece in of_kind(LANES) {
            dead.read_lanes(shape, *piece, &mut all).map_err(fail)?;
        }
        dead.lanes.sort_by_key(|lane| lane.number);
        dead.lanes.dedup_by_key(|lane| lane.number);
        let mut strange = BTreeSet::new();
        for piece in of_kind(SEGMENTS) {
            let owners = dead.find_segments(piece.offset, length).map_err(fail)?;
            strange.extend(owners.into_iter().filter(|number| !all.contains(number)));
        }
        dead.damaged += strange.len() as u64;
        // Of the others nothing can be written, and nothing must be noted where they seem to be.
        let count = dead.lanes.len();
        dead.lanes.retain(|lane| !lane.segments.is_empty());
        dead.damaged += (count - dead.lanes.len()) as u64;
        if dead.damaged > 0 && all.is_empty() {
            return Err("its lanes are damaged; if nobody needs its records, delete it".into());
        }
        Ok(dead)
    }

    /// A file without a folder lies beside the folder of rings, wherever that is now.
    pub(super) fn resolve_paths(&mut self, folder: &Path) {
        for file in self.files.iter_mut().filter(|file| !file.path.is_absolute()) {
            let name = file.path.file_name().unwrap_or_default();
            file.path = settled_folder(folder).join(name);
        }
    }

    /// What the table lists, in the order of the file. How many there are is not asked: places that
    /// are not taken are zeros.
    fn pieces(&mut self, table: &[u64], length: u64) -> Vec<Piece> {
        // The first two are the same in all rings.
        let first = |kind, offset| Piece { kind, number: 0, offset, bytes: 0 };
        let chunk_at = UNIT + LANES_BYTES as u64;
        let mut pieces = vec![first(LANES, UNIT), first(SEGMENTS, chunk_at)];
        pieces.retain(|piece| piece.offset < length);
        for word in table.iter().filter(|word| **word != 0) {
            let (kind, number, offset) = piece_parts(*word);
            if (LANES..=ENTRIES).contains(&kind) && (UNIT..length).contains(&offset) {
                pieces.push(Piece { kind, number, offset, bytes: 0 });
            } else {
                self.damaged += 1;
            }
        }
        pieces.sort_by_key(|piece| (piece.offset, piece.kind));
        pieces.dedup_by_key(|piece| (piece.offset, piece.kind));
        // What is recovered is noted in lanes: they must not lie where records do, nor in each other.
        let chunks = pieces.iter().filter(|piece| piece.kind == SEGMENTS);
        let chunks: Vec<u64> = chunks.map(|piece| piece.offset).collect();
        let mut free = UNIT;
        pieces.retain(|piece| {
            let (start, end) = (piece.offset, piece.offset + LANES_BYTES as u64);
            let meets = |chunk: &u64| start < chunk + CHUNK_BYTES as u64 && *chunk < end;
            if piece.kind != LANES || start == UNIT {
                free = free.max(if piece.kind == LANES { end } else { UNIT });
                return true;
            }
            let is_free = start >= free && !chunks.iter().any(meets);
            self.damaged += u64::from(!is_free);
            free = if is_free { end } else { free };
            is_free
        });
        let mut end = length;
        for number in (0..pieces.len()).rev() {
            let offset = pieces[number].offset;
            let next = pieces.get(number + 1).filter(|next| next.offset == offset);
            pieces[number].bytes = next.map_or(end - offset, |next| next.bytes);
            end = offset;
        }
        pieces
    }

    fn read_entries<'a>(
        &mut self,
        head: &[u64],
        pieces: impl Iterator<Item = &'a Piece>,
    ) -> io::Result<()> {
        let mut count = self.take_entries(&head[HEAD_ENTRIES..]);
        for piece in pieces {
            // As many as an entry can need: a description is a text of a program.
            let bytes = (piece.number.min(256) * UNIT).min(piece.bytes);
            let words =
                words_of(&read(&self.file, piece.offset, usize::try_from(bytes).unwrap_or(0))?);
            count += self.take_entries(&words);
        }
        // There may be one more that was not counted yet.
        self.damaged += u64::from(count < head[head::ENTRIES]);
        Ok(())
    }

    /// Takes the entries of one piece that are sound; how many. Behind a damaged one each word is
    /// tried, as nothing says where the next one begins.
    fn take_entries(&mut self, words: &[u64]) -> u64 {
        let (mut at, mut count) = (0, 0);
        // That is tried with so many words, or a file made for it would take hours.
        let mut patience = 8 * words.len();
        let next = |at: usize| Some(at + words.get(at..)?.iter().position(|word| *word != 0)?);
        while let Some(place) = next(at)
            && let Some((start, rest)) = words[place..].split_at_checked(ENTRY_HEAD)
        {
            at = place + 1;
            let head = EntryHead::from_words([start[0], start[1], start[2]]);
            let is_kind = (entry::SITE..=entry::MODE).contains(&head.kind);
            let text = rest.get(..head.bytes.div_ceil(8)).filter(|_| is_kind);
            let Some(text) = text.filter(|text| text.len() <= patience) else { continue };
            if digest(start[..3].iter().chain(text).copied()) != start[3] {
                patience -= text.len();
                continue;
            }
            let bytes: Vec<u8> = text.iter().flat_map(|word| word.to_ne_bytes()).collect();
            self.take_entry(head, bytes.get(..head.bytes).unwrap_or(&[]));
            at += head.all_words() - 1;
            count += 1;
        }
        count
    }

    fn take_entry(&mut self, head: EntryHead, bytes: &[u8]) {
        let text = || String::from_utf8_lossy(bytes).into_owned();
        let number = usize::try_from(head.number).unwrap_or(usize::MAX);
        match head.kind {
            entry::SITE => {
                let Ok(description) = core::str::from_utf8(bytes) else { return };
                let site = self.known.get(head.level, head.line, description);
                self.sites.insert(head.number, site);
            }
            entry::COMMON => self.common = Common::read(bytes),
            _ => {
                let Some(file) = self.files.get_mut(number) else { return };
                let place = FILE_ENTRIES.iter().position(|kind| *kind == head.kind);
                file.entries |= place.map_or(0, |place| 1 << place);
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

    /// Reads the words of the lanes in this piece; `used` gets the numbers of those in use, also
    /// where nothing is in them any more.
    fn read_lanes(
        &mut self,
        shape: LaneShape,
        piece: Piece,
        used: &mut BTreeSet<usize>,
    ) -> io::Result<()> {
        let Piece { number, offset, .. } = piece;
        let content = read(&self.file, offset, LANES_BYTES)?;
        let first = usize::try_from(number).unwrap_or(usize::MAX).saturating_mul(shape.in_piece());
        let all = content.chunks_exact(shape.bytes).take(shape.in_piece()).enumerate();
        for (place, bytes) in all {
            let (number, words) = (first.saturating_add(place), words_of(bytes));
            let (published, consumed) = (words[LaneShape::PUBLISHED], words[LaneShape::CONSUMED]);
            if published > 0 && consumed > 0 && number < MAX_LANES {
                used.insert(number);
            }
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

    /// Finds out whose the segments of this chunk are: the numbers of the lanes.
    fn find_segments(&mut self, offset: u64, length: u64) -> io::Result<BTreeSet<usize>> {
        let mut owners = BTreeSet::new();
        for place in (offset..offset + CHUNK_BYTES as u64).step_by(SEGMENT_BYTES) {
            if place >= length {
                break;
            }
            let words = words_of(&read(&self.file, place, 24)?);
            let Some((number, index)) = owner([words[0], words[1], words[2]]) else { continue };
            owners.insert(number);
            if let Ok(lane) = self.lanes.binary_search_by_key(&number, |lane| lane.number) {
                let known = self.lanes[lane].segments.get(&index).copied();
                // Of two that say the same, one was copied there: the one that soon makes no sense.
                let is_better = match known {
                    Some(known) => {
                        self.reach(place, (number, index))? > self.reach(known, (number, index))?
                    }
                    None => true,
                };
                if is_better {
                    self.lanes[lane].segments.insert(index, place);
                }
            }
        }
        Ok(owners)
    }

    /// Up to where what lies there is of this segment of this lane.
    fn reach(&self, place: u64, (lane, index): (usize, u64)) -> io::Result<usize> {
        let bytes = read(&self.file, place, SEGMENT_BYTES)?;
        Ok(Remains::reach(&bytes, (lane, index)))
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
            if let Some((record, left)) = reader.record(&self.clock, self.common.as_ref())
                && !each(&record, &left, reader.lane.number)
            {
                break;
            }
            if let Some(left) = reader.next(&site_at)? {
                heap.push(Reverse((left.ticks(), number)));
            }
        }
        Ok(self.damaged + readers.iter().map(|reader| reader.damaged).sum::<u64>())
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
    /// Its own filter.
    pub(super) fn filter(&self) -> Option<Filter> {
        (!self.filter.is_empty()).then(|| Filter::parse(&self.filter).0)
    }

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
            is_sound: intent_check(&words[1..intent::CHECK]) == words[intent::CHECK],
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
    if words[head::VERSION] != VERSION {
        return Err(format!(
            "it is of version {} and this program reads version {VERSION}; start the program that \
             made it once more, and it is recovered",
            words[head::VERSION]
        ));
    }
    let files = usize::try_from(words[head::FILES]).unwrap_or(usize::MAX);
    let is_sound = digest(words[..head::CHECK].iter().copied()) == words[head::CHECK]
        && words[head::SEGMENT_BYTES] == SEGMENT_BYTES as u64
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

/// The call sites that this program knows, by what they say: most rings are of the same program.
struct Sites(HashMap<(u8, u32, &'static str), &'static Site>);

impl Sites {
    fn new() -> Sites {
        let key = |site: &'static Site| (site.level_number(), site.line(), site.description());
        Sites(known::all().map(|site| (key(site), site)).collect())
    }

    /// The one that says this: ours, if this program has it, or a new one that stays.
    fn get(&mut self, level: u8, line: u32, description: &str) -> &'static Site {
        if let Some(site) = self.0.get(&(level, line, description)) {
            return site;
        }
        let description = String::from(description).leak();
        let site: &'static Site = Box::leak(Box::new(Site::new(level, line, description)));
        site.info(); // known to the next ring
        self.0.insert((level, line, description), site);
        site
    }
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
    /// The segment that has to come next, and how many there are.
    next_segment: u64,
    end_segment: u64,
    damaged: u64,
}

impl<'a> LaneReader<'a> {
    fn new(lane: &'a DeadLane, between: (u64, u64), file: &'a fs::File) -> LaneReader<'a> {
        let next_segment = between.0 / SEGMENT_BYTES as u64;
        let end = between.1.div_ceil(SEGMENT_BYTES as u64);
        let end_segment = if between.1 > between.0 { end } else { next_segment };
        let segments = lane.segments.range(next_segment..end_segment);
        LaneReader {
            lane,
            file,
            between,
            segments,
            current: None,
            left: None,
            next_segment,
            end_segment,
            damaged: 0,
        }
    }

    fn next(&mut self, site_at: &dyn Fn(u64) -> Option<&'static Site>) -> io::Result<Option<Left>> {
        loop {
            self.left = self.current.as_mut().and_then(|current| current.next(site_at));
            if self.left.is_some() {
                return Ok(self.left);
            }
            let before = self.current.take();
            self.damaged += before.as_ref().map_or(0, |remains| remains.damaged);
            let mut thread = before.map_or_else(|| self.lane.thread.clone(), Remains::into_thread);
            let next = self.segments.next();
            let index = next.map_or(self.end_segment, |(index, _)| *index);
            if index > self.next_segment {
                // Who has the lane next may have said so there.
                thread = (0, String::new());
                self.damaged += 1;
            }
            self.next_segment = index.saturating_add(1).min(self.end_segment);
            let Some((index, offset)) = next else { return Ok(None) };
            let bytes = read(self.file, *offset, SEGMENT_BYTES)?;
            self.current = Remains::new(&bytes, (self.lane.number, *index), self.between, thread);
        }
    }

    /// The record that `next` has found.
    fn record<'b>(
        &'b self,
        clock: &WallClock,
        common: Option<&'b Common>,
    ) -> Option<(Record<'b>, Left)> {
        let left = self.left?;
        Some((self.current.as_ref()?.record(&left, clock, common?)?, left))
    }
}
