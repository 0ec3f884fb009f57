//! What was being written when a process died.
//!
//! Its ring says where a batch was to go and how it begins and ends; the file says what became of it.
//! Whoever starts next settles that before anything is opened; a process that lives, and shares the
//! file, does its part where it would else make that impossible: before it writes behind half a
//! record ([`make_good`]), and before the file becomes an archive ([`settle_all`]).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use super::dead::{Dead, DeadLane, Intent};
use super::gaps::Gaps;
use super::home::Home;
use super::layout::{format_digest, intent};
use super::replay::{Encoding, Target, format_key, known_format, last_of_each};
use crate::buffer::Buffer;
use crate::format::Format;
use crate::sys::folder::{self, Folder, Identity};

/// How long another process may have a file's lock.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

/// What became of a batch that was being written.
enum Outcome {
    /// The file has it.
    Whole,
    /// The file has these lanes up to there, and nothing more of it.
    UpTo(Vec<(usize, u64)>),
}

/// Finds out for each file what became of its last batch, and notes it, so that this may be killed
/// as well: first up to where the lanes have become its own, in place of what it was to be; that this
/// is settled; and then that it is done. What was about to be written counts no more then, as the
/// next intent says it of some lanes only.
pub(super) fn settle(
    dead: &mut Dead,
    targets: &[Target<'_>],
    has_living: bool,
) -> Result<(), String> {
    for number in 0..dead.files.len() {
        let intent = dead.files[number].intent.take();
        let outcome = match &intent {
            None => Outcome::UpTo(Vec::new()),
            Some(intent) if intent.is_settled => Outcome::Whole,
            Some(intent) => {
                outcome_of(dead, number, intent, targets, has_living).map_err(|error| {
                    let path = dead.files[number].path.display().to_string();
                    format!("`{path}` cannot be looked at ({error}); see to it and start again")
                })?
            }
        };
        note_outcome(dead, number, &outcome, intent.is_some())
            .map_err(|error| format!("it cannot be written ({error}); see to its disk"))?;
    }
    Ok(())
}

fn note_outcome(
    dead: &mut Dead,
    number: usize,
    outcome: &Outcome,
    is_open: bool,
) -> io::Result<()> {
    let before: Vec<_> = dead.lanes.iter().map(|lane| lane.files[number]).collect();
    let ends = match outcome {
        Outcome::UpTo(lanes) => last_of_each(lanes),
        Outcome::Whole => BTreeMap::new(),
    };
    for lane in &mut dead.lanes {
        let (done, pending) = lane.files[number];
        let position = match outcome {
            // Words of lanes that the batch had nothing of say what was done before.
            Outcome::Whole => done.max(pending),
            Outcome::UpTo(_) => ends.get(&lane.number).map_or(done, |end| done.max(*end)),
        };
        lane.files[number] = (position, position);
    }
    let note = |is_pending: bool| {
        dead.lanes.iter().zip(&before).try_for_each(|(lane, (done, pending))| {
            let (position, _) = lane.files[number];
            let is_noted = position == if is_pending { *pending } else { *done };
            if is_noted {
                return Ok(());
            }
            dead.note_lane(number, (lane.number, position), is_pending)
        })
    };
    note(true)?;
    if is_open {
        dead.note_intent_state(number, intent::SETTLED)?;
        note(false)?;
        dead.note_intent_state(number, intent::NONE)?;
    }
    Ok(())
}

fn outcome_of(
    dead: &Dead,
    number: usize,
    intent: &Intent,
    targets: &[Target<'_>],
    has_living: bool,
) -> io::Result<Outcome> {
    let described = &dead.files[number];
    let path = &described.path;
    let nothing = Outcome::UpTo(Vec::new());
    let Some(parent) = path.parent().filter(|folder| folder.exists()) else { return Ok(nothing) };
    let folder = Folder::open(parent)?;
    let turn = Turn::take(&folder, path)?;
    let Some(file) = find(&folder, path, intent)? else {
        // Deleted or, by another process, compressed: with what it had.
        return Ok(Outcome::Whole);
    };
    let length = file.metadata()?.len();
    if is_there(&file, length, intent, described.is_mapped)? {
        return Ok(Outcome::Whole);
    }
    if length <= intent.offset {
        return Ok(nothing);
    }
    // In the format that it was written in: the process's, or that of who was recovering it.
    let target = targets.iter().find(|target| target.path == *path).map(|target| target.format);
    let stated = known_format(&described.format);
    let known = target.into_iter().chain(stated.as_deref());
    let is_it = |format: &&dyn Format| format_digest(&format_key(*format)) == intent.format;
    let there = Region { file: &file, length, may_cut: turn.is_some() || !has_living };
    if let Some(format) = known.filter(|_| intent.format != 0).find(is_it) {
        let filter = described.filter();
        let mut encoding = Encoding::new(dead, number, format, filter.as_ref());
        return compare(dead, number, intent, &there, &mut encoding);
    }
    // What it would have been is not known: if nobody else was there, it is the batch's beginning, or
    // what somebody without a ring has written, which stays.
    let is_within = length <= intent.offset.saturating_add(intent.bytes);
    if !has_living && is_within && folder::begins_at(&file, intent.offset, &intent.head)? {
        there.cut_to(intent.offset)?;
    }
    Ok(nothing)
}

/// Where a batch was to be written.
struct Region<'a> {
    file: &'a fs::File,
    /// Of the file.
    length: u64,
    /// Whether nobody writes to it meanwhile.
    may_cut: bool,
}

impl Region<'_> {
    /// Takes away what lies behind, if the file is as it was when that was decided.
    fn cut_to(&self, end: u64) -> io::Result<()> {
        if self.file.metadata()?.len() == self.length { self.file.set_len(end) } else { Ok(()) }
    }
}

/// The lock that processes share which write to the same file, if there is one.
struct Turn(fs::File);

impl Turn {
    fn take(folder: &Folder, path: &Path) -> io::Result<Option<Turn>> {
        let mut name = OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(".lock");
        let lock = match folder.open_write(&name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let end = Instant::now() + LOCK_PATIENCE;
        while !folder::try_lock(&lock)? {
            if Instant::now() >= end {
                return Err(io::Error::new(
                    io::ErrorKind::WouldBlock,
                    "another process has had its lock for a second",
                ));
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        Ok(Some(Turn(lock)))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        folder::unlock(&self.0);
    }
}

/// The file that the batch went to, under whatever name.
fn find(folder: &Folder, path: &Path, intent: &Intent) -> io::Result<Option<fs::File>> {
    let live = path.file_name().unwrap_or_default().to_owned();
    for name in std::iter::once(live).chain(folder.list()?) {
        let Some(look) = folder.look(&name)? else { continue };
        if look.is_file && look.identity == intent.identity {
            let file = folder.open_write(&name)?;
            let identity = folder::look_at_file(&file, path)?.identity;
            return Ok((identity == intent.identity).then_some(file));
        }
    }
    Ok(None)
}

/// As far as others can have written while a batch was; and more than a batch has of lanes.
const WINDOW_BYTES: u64 = 4 << 20;

/// Whether the batch's first and last bytes are where they should be; or, where others write without
/// taking turns, or have cut the file meanwhile, somewhere else.
fn is_there(file: &fs::File, length: u64, intent: &Intent, is_mapped: bool) -> io::Result<bool> {
    let (bytes, sample) = (intent.bytes, intent.tail.len() as u64);
    if bytes == 0 {
        return Ok(true);
    }
    let ends_at = |end: u64| -> io::Result<bool> {
        let Some(start) = end.checked_sub(bytes).filter(|_| end <= length) else {
            return Ok(false);
        };
        let is_tail = part(file, end - sample, sample)? == intent.tail;
        if !is_tail || part(file, start, sample)? != intent.head {
            return Ok(false);
        }
        // A copy into memory need not go from the front to the back.
        Ok(!is_mapped || !part(file, start, bytes.min(WINDOW_BYTES))?.contains(&0))
    };
    if ends_at(intent.offset.saturating_add(bytes))? {
        return Ok(true);
    }
    if length < intent.offset {
        return ends_at(length);
    }
    let there = part(file, intent.offset, (length - intent.offset).min(WINDOW_BYTES))?;
    let places = there.windows(intent.tail.len()).enumerate();
    for (place, _) in places.filter(|(_, bytes)| *bytes == intent.tail) {
        if ends_at(intent.offset + place as u64 + sample)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// So many bytes of the file.
fn part(file: &fs::File, offset: u64, count: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(count).unwrap_or(0)];
    folder::read_at(file, offset, &mut bytes)?;
    Ok(bytes)
}

/// Looks for the batch's records in the lines that follow the place, as others may have written behind
/// it. What is there of it stays; half a line at the end of the file goes.
fn compare(
    dead: &Dead,
    number: usize,
    intent: &Intent,
    region: &Region<'_>,
    encoding: &mut Encoding<'_>,
) -> io::Result<Outcome> {
    let window = (region.length - intent.offset).min(intent.bytes).min(WINDOW_BYTES);
    let there = part(region.file, intent.offset, window)?;
    // Of a mapped file, what is not written yet is zeros, wherever it lies.
    let used = there.iter().position(|byte| *byte == 0).unwrap_or(there.len());
    let whole = there[..used].iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    if dead.files[number].leaves_out {
        let is_torn = whole < used && region.length == intent.offset + window;
        let there = (&there[..whole], is_torn);
        return compare_with_gaps(dead, number, intent, region, there, encoding);
    }
    let mut lines: HashMap<&[u8], u32> = HashMap::new();
    for line in there[..whole].split_inclusive(|byte| *byte == b'\n') {
        *lines.entry(line).or_default() += 1;
    }
    let pending = |lane: &DeadLane| {
        let (_, pending) = lane.files[number];
        (lane.start(number), pending.max(lane.start(number)))
    };
    let (mut written, mut text) = (BTreeMap::new(), Buffer::new());
    let mut missing = BTreeSet::new();
    dead.read_records(pending, |record, left, lane| {
        text.clear();
        // What follows a record that is not there is not there either.
        if missing.contains(&lane)
            || !encoding.wants(record, left)
            || !encoding.encode(record, &mut text)
        {
            return true;
        }
        match lines.get_mut(text.as_bytes()).filter(|count| **count > 0) {
            Some(count) => {
                *count -= 1;
                written.insert(lane, left.end);
            }
            None => _ = missing.insert(lane),
        }
        true
    })?;
    // Nobody has written behind it, and nobody does before the half line is gone.
    if region.may_cut && region.length == intent.offset + window {
        region.cut_to(intent.offset + whole as u64)?;
    }
    Ok(Outcome::UpTo(written.into_iter().collect()))
}

/// The same for a file that may lack records that it wants.
fn compare_with_gaps(
    dead: &Dead,
    number: usize,
    intent: &Intent,
    region: &Region<'_>,
    (lines, is_torn): (&[u8], bool),
    encoding: &mut Encoding<'_>,
) -> io::Result<Outcome> {
    let (mut gaps, mut text) = (Gaps::new(lines), Buffer::new());
    let pending = |lane: &DeadLane| {
        let (_, pending) = lane.files[number];
        (lane.start(number), pending.max(lane.start(number)))
    };
    dead.read_records(pending, |record, left, lane| {
        text.clear();
        if encoding.wants(record, left) && encoding.encode(record, &mut text) {
            gaps.take(record, text.as_bytes(), lane, (left.end, left.ticks()));
        }
        true
    })?;
    if is_torn && region.may_cut {
        // Nobody has written behind half a line. Lines in front of the first record tell of what the
        // batch has as well, and go with it.
        let is_begun =
            !gaps.has_none() || !folder::begins_at(region.file, intent.offset, &intent.head)?;
        let kept = if is_begun { lines.len() as u64 } else { 0 };
        region.cut_to(intent.offset + kept)?;
    }
    Ok(Outcome::UpTo(gaps.written()))
}

/// What a process that lives has found of what its neighbours were writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// It is settled.
    Settled,
    /// Somebody else is about to see to it.
    Busy,
    /// There is nothing that anybody knows of.
    Nothing,
}

/// For a process that lives, and has the file's turn: the file ends with half a record. If a
/// neighbour was killed while it wrote that, its batch's beginning is taken away by `cut`, as if it
/// had not begun, if it is that what stands there; whoever recovers the neighbour's ring writes it then.
pub(crate) fn make_good(
    rings: &Path,
    identity: Identity,
    length: u64,
    cut: &mut dyn FnMut(u64, &[u8]) -> io::Result<bool>,
) -> io::Result<Found> {
    let Some(home) = Home::find(rings)? else { return Ok(Found::Nothing) };
    for orphan in home.all()? {
        let Some((number, intent)) = orphan.intent_for(identity)? else { continue };
        if intent.offset >= length || length > intent.offset.saturating_add(intent.bytes) {
            continue;
        }
        if !orphan.lock()? {
            return Ok(Found::Busy);
        }
        if !cut(intent.offset, &intent.head)? {
            continue; // it was killed before it wrote, and others have written there
        }
        orphan.note_intent_state(number, intent::NONE)?;
        return Ok(Found::Settled);
    }
    Ok(Found::Nothing)
}

/// For a process that lives, and has the file's turn: the file is about to become an archive, and may
/// be compressed before the rings of killed neighbours are recovered. So it is noted now whether it has
/// what they were writing.
pub(crate) fn settle_all(
    rings: &Path,
    identity: Identity,
    file: &fs::File,
    is_mapped: bool,
) -> io::Result<Found> {
    let Some(home) = Home::find(rings)? else { return Ok(Found::Nothing) };
    let mut found = Found::Nothing;
    for orphan in home.all()? {
        let Some((number, intent)) = orphan.intent_for(identity)? else { continue };
        if !orphan.lock()? {
            return Ok(Found::Busy);
        }
        let length = file.metadata()?.len();
        let state = if is_there(file, length, &intent, is_mapped)? {
            intent::SETTLED
        } else if length <= intent.offset || !folder::begins_at(file, intent.offset, &intent.head)?
        {
            intent::NONE
        } else {
            continue; // a part of it: which, only its recovery can tell, and has to find the file
        };
        orphan.note_intent_state(number, state)?;
        found = Found::Settled;
    }
    Ok(found)
}
