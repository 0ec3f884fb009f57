//! A ring whose process is gone.
//!
//! Nothing in the file is trusted: it may be damaged, of another version, of another machine, or
//! made by somebody who wishes us ill. It is read piece by piece with plain reads, never mapped. What
//! is noted in it while it is replayed is written with plain writes.

mod entries;
mod intent;
mod records;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use self::entries::Sites;
pub(super) use self::intent::Intent;
use super::home::Orphan;
use super::layout::{
    CHUNK_BYTES, CLOCK_WORDS, ENTRIES, HEAD_BYTES, INTENT_WORDS, INTENTS, LANES, LANES_BYTES,
    LaneShape, MAGIC, MAX_PIECES, NAME_BYTES, ORDER_MARK, SEGMENTS, UNIT, VERSION, digest, entry,
    head, piece_parts,
};
use super::replay::settled_folder;
use crate::clock::{ClockState, WallClock};
use crate::lane::pool::SEGMENT_BYTES;
use crate::lane::remains::{Remains, owner};
use crate::lane::view::Common;
use crate::pipeline::output::Outputs;
use crate::site::callsite::Site;
use crate::site::filter::Filter;
use crate::sys::folder;
use crate::value::redact::Redaction;

/// A file that the process wrote to.
#[derive(Debug, Default)]
pub(super) struct DeadFile {
    pub(super) path: PathBuf,
    pub(super) format: String,
    filter: String,
    pub(super) mode: u32,
    pub(super) is_mapped: bool,
    /// Whether it may lack records that its filter wants.
    pub(super) leaves_out: bool,
    pub(super) intent: Option<Intent>,
    /// Which of its entries were there.
    entries: u8,
}

/// The entries of a file.
const FILE_ENTRIES: [u64; 4] = [entry::PATH, entry::FORMAT, entry::FILTER, entry::MODE];

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
    known: Sites,
    clock: WallClock,
    common: Option<Common>,
    /// What is hidden by its key.
    redaction: Option<Redaction>,
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
            redaction: None,
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
        // And without that one, what was to be hidden.
        let is_missing = dead.common.is_none() || dead.redaction.is_none();
        if is_missing || !dead.files.iter().all(are_whole) {
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

    /// Hides this as well, once it is settled what was being written: that had to be made as it was.
    pub(super) fn redact(&mut self, redaction: &Redaction) {
        if let (Some(all), Some(common)) = (&mut self.redaction, &mut self.common) {
            all.add(redaction);
            common.redact(all);
        }
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
        intent::note_state(&self.file, file, state)
    }
}

impl DeadFile {
    /// Its own filter.
    pub(super) fn filter(&self) -> Option<Filter> {
        (!self.filter.is_empty()).then(|| Filter::parse(&self.filter).0)
    }

    fn new(head: &[u64], number: usize) -> DeadFile {
        let words = head[INTENTS + number * INTENT_WORDS..].first_chunk();
        let intent = words.and_then(Intent::read);
        DeadFile { intent, mode: 0o600, ..DeadFile::default() }
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::super::home::Home;
    use super::super::ring::Ring;
    use super::*;

    /// A batch that is found in a file is compared with what it would have been by the clock that
    /// was noted last.
    #[test]
    fn the_clock_that_was_noted_last_counts() {
        let folder = std::env::temp_dir().join(format!("nexlog-clock-{}", std::process::id()));
        let home = || Home::make(&folder.join(".app.log.lanes")).unwrap();
        let clock = |wall_ns| ClockState { ticks: 1_000, wall_ns, rate: 1.0 };
        let ring = Ring::create(home(), &[], (&[], &Redaction::default()), clock(7_000)).unwrap();
        for wall_ns in [9_000, 11_000, 20_000] {
            ring.set_clock(clock(wall_ns));
            let orphan = home().all().unwrap().next().unwrap();
            let dead = Dead::open(orphan).unwrap();
            let shown = dead.clock.timestamp(1_500).unix_nanos();
            assert_eq!(shown, wall_ns + 500);
        }
        ring.finish();
        drop(ring);
        std::fs::remove_dir(folder).unwrap();
    }
}
