//! From dead rings to log files.
//!
//! Two steps, because a file sink changes things as it opens (it rotates, it ends half lines).
//! First, before that, [`Finds::look`] settles what was being written when the process died; then
//! [`Finds::replay`] has each file write what it lacks, and notes in the dead ring what it did, so
//! that this may be killed as well.

use core::cell::RefCell;
use core::ops::Range;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::dead::{Dead, DeadLane, Intent};
use super::home::Home;
use super::layout::{format_digest, intent};
use super::ring::intent_words;
use crate::buffer::Buffer;
use crate::error::Error;
use crate::format::{Encoder, Format};
use crate::lane::remains::Left;
use crate::pipeline::contain::contain;
use crate::pipeline::output::{BATCH_BYTES, BATCH_RECORDS};
use crate::record::Record;
use crate::sink::file::File;
use crate::sink::output::{OpenOutput, Output};
use crate::sink::{Batch, Journal, Sink, Writing};
use crate::site::filter::Filter;
use crate::sys::folder::{self, Folder, Identity};
use crate::value::Seal;
use crate::{Json, Text};

/// How long another process may have a file's lock.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

/// What [`recover`] found and did.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// Records that were written to their files.
    pub recovered: u64,
    /// The dead processes, oldest first; those that left nothing are not listed.
    pub processes: Vec<Recovered>,
    /// What could not be recovered, and why. It is kept.
    pub problems: Vec<Error>,
}

/// What one dead process left.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovered {
    /// The process's number.
    pub process: u32,
    /// When its logger began.
    pub started: SystemTime,
    /// Records that were written to their files.
    pub records: u64,
    /// Places where something was damaged, and what lay behind in the same 16 KiB could not be read;
    /// and records that their format could not show.
    pub damaged: u64,
}

/// Writes what killed processes have left to the log files it was meant for: once, whole, with the
/// records' own times. `dir` is the folder of the logs (or the one given to
/// [`Builder::crash_dir`](crate::Builder::crash_dir)).
///
/// [`install`](crate::Builder::install) and [`build`](crate::Builder::build) do the same for the
/// files that they open; this is for programs that are not started again. Only files in the built-in
/// formats [`Json::new`](crate::Json::new) and [`Text::compact`](crate::Text::compact) without further
/// options can be written here, as the others are known to their programs only. Files are not
/// rotated. Processes that live are left alone.
///
/// # Errors
/// When the folder cannot be read. What is wrong with single files is in [`Report::problems`].
///
/// ```
/// # let dir = std::env::temp_dir();
/// let report = nexlog_runtime::recover(&dir)?;
/// for process in &report.processes {
///     println!("{} records of process {}", process.records, process.process);
/// }
/// # Ok::<(), nexlog_runtime::Error>(())
/// ```
pub fn recover(dir: impl AsRef<Path>) -> Result<Report, Error> {
    let dir = dir.as_ref();
    let fail = |source| Error::File {
        path: dir.to_owned(),
        attempted: "look for ring files in",
        source,
        remedy: "name the folder of the logs, and run this as the user that wrote them",
    };
    let mut report = Report::default();
    for entry in fs::read_dir(dir).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        if Home::is_home(&entry.file_name()) {
            let finds = Finds::look(&entry.path(), &[]);
            finds.replay(&mut [], &mut report);
        }
    }
    Ok(report)
}

/// A file of the logger that is being built, before it is opened.
pub(crate) struct Target<'a> {
    pub(crate) path: PathBuf,
    pub(crate) format: &'a dyn Format,
}

/// The dead rings of one folder.
#[derive(Default)]
pub(crate) struct Finds {
    home: Option<Home>,
    dead: Vec<Dead>,
    problems: Vec<Error>,
}

impl Finds {
    /// Looks for them, and settles what was being written.
    pub(crate) fn look(path: &Path, targets: &[Target<'_>]) -> Finds {
        let mut finds = Finds::default();
        let outcome = Home::find(path).and_then(|home| {
            let Some(home) = home else { return Ok(()) };
            let (orphans, has_living) = home.dead()?;
            for orphan in orphans {
                let path = home.path.join(&orphan.name);
                let opened = Dead::open(orphan).and_then(|mut dead| {
                    dead.resolve_paths(home.path.parent().unwrap_or(&home.path));
                    settle(&mut dead, targets, has_living).map(|()| dead)
                });
                match opened {
                    Ok(dead) => finds.dead.push(dead),
                    Err(problem) => finds.problems.push(Error::Recovery { path, problem }),
                }
            }
            finds.home = Some(home);
            Ok(())
        });
        if let Err(source) = outcome {
            let problem = format!("its folder cannot be read: {source}");
            finds.problems.push(Error::Recovery { path: path.to_owned(), problem });
        }
        finds
    }

    /// Whether there is nothing to be done.
    pub(crate) fn is_empty(&self) -> bool {
        self.dead.is_empty() && self.problems.is_empty()
    }

    /// Writes what the files lack. Those of `outputs` are open; others are opened as the ring says.
    pub(crate) fn replay(self, outputs: &mut [(PathBuf, &mut OpenOutput)], report: &mut Report) {
        report.problems.extend(self.problems);
        let Some(home) = self.home else { return };
        for dead in self.dead {
            let mut done = Done { records: 0, damaged: dead.damaged };
            let mut is_complete = true;
            for number in 0..dead.files.len() {
                let path = &dead.files[number].path;
                let open = outputs.iter_mut().find(|(known, _)| known == path);
                let outcome = match open {
                    Some((_, output)) => write_file(&dead, number, output, &mut done),
                    None => write_elsewhere(&dead, number, &mut done),
                };
                if let Err(problem) = outcome {
                    is_complete = false;
                    let path = home.path.join(&dead.name);
                    report.problems.push(Error::Recovery { path, problem });
                }
            }
            if is_complete && let Err(error) = home.remove(&dead.name) {
                let path = home.path.join(&dead.name);
                let problem = format!("all is recovered, but it cannot be deleted: {error}");
                report.problems.push(Error::Recovery { path, problem });
            }
            report.recovered += done.records;
            if done.records + done.damaged > 0 {
                let since = Duration::from_nanos(dead.started.unsigned_abs());
                report.processes.push(Recovered {
                    process: dead.process,
                    started: SystemTime::UNIX_EPOCH + since,
                    records: done.records,
                    damaged: done.damaged,
                });
            }
        }
    }
}

/// What was written of a ring.
struct Done {
    /// Users' records that some file had not got before.
    records: u64,
    damaged: u64,
}

/// The file has an absolute path; two that look different may be the same.
pub(crate) fn settled_path(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    match (absolute.parent(), absolute.file_name()) {
        (Some(folder), Some(name)) => settled_folder(folder).join(name),
        _ => absolute,
    }
}

/// The same of a folder.
pub(crate) fn settled_folder(folder: &Path) -> PathBuf {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())
}

/// The format that has this key, of those that need nothing but a name.
fn known_format(key: &str) -> Option<Box<dyn Format>> {
    let all: [Box<dyn Format>; 2] = [Box::new(Json::new()), Box::new(Text::compact())];
    all.into_iter().find(|format| format_key(&**format) == key)
}

/// What makes a format equal to another one; empty for a format of the program's own.
pub(crate) fn format_key(format: &dyn Format) -> String {
    format.encoder(false, Seal::HERE).map_or_else(String::new, |shared| shared.key)
}

/// Writes what a file lacks that nobody has open here.
fn write_elsewhere(dead: &Dead, number: usize, done: &mut Done) -> Result<(), String> {
    let file = &dead.files[number];
    if !lacks(dead, number) {
        return Ok(());
    }
    let shown = file.path.display();
    let format = known_format(&file.format).ok_or_else(|| {
        format!(
            "the format of `{shown}` is known to its program only; start that with this file, and it \
             is recovered"
        )
    })?;
    let described = File::at(&file.path).mode(file.mode).taking_turns();
    let mut output = Output::from(described).open().map_err(|error| error.to_string())?;
    output.format = format.into();
    output.filter = file.filter();
    write_file(dead, number, &mut output, done)
}

/// Whether some lane may have something that the file has not.
fn lacks(dead: &Dead, number: usize) -> bool {
    dead.lanes.iter().any(|lane| lane.start(number) < Dead::end_of(lane))
}

/// One file's encoder, and what it wants.
struct Encoding<'a> {
    encoder: Option<Box<dyn Encoder>>,
    format: &'a dyn Format,
    /// Of this file and of the others.
    filter: Option<&'a Filter>,
    others: Vec<Option<Filter>>,
}

impl<'a> Encoding<'a> {
    /// For the file of this number.
    fn new(
        dead: &Dead,
        number: usize,
        format: &'a dyn Format,
        filter: Option<&'a Filter>,
    ) -> Encoding<'a> {
        // Its own: what encoders keep goes by numbers of one process.
        let encoder = format.encoder(false, Seal::HERE).map(|shared| shared.encoder);
        let others = dead.files.iter().enumerate().filter(|(other, _)| *other != number);
        Encoding {
            encoder,
            format,
            filter,
            others: others.map(|(_, file)| file.filter()).collect(),
        }
    }

    /// As `Outputs::encode`: one of the logger's own that no file wants goes to all.
    fn wants(&self, record: &Record<'_>, left: &Left) -> bool {
        let is_wanted =
            |filter: &Filter| filter.enabled_within(record.target(), record.level(), record);
        let others = || self.others.iter().any(|other| other.as_ref().is_none_or(is_wanted));
        self.filter.is_none_or(is_wanted) || (left.must_be_told() && !others())
    }

    /// Appends the record; `false`, and nothing appended, when the format fails.
    fn encode(&mut self, record: &Record<'_>, out: &mut Buffer) -> bool {
        let start = out.len();
        let is_done = contain(|| match &mut self.encoder {
            Some(encoder) => encoder.encode(record, out),
            None => self.format.encode(record, out),
        });
        if is_done.is_none() || out.is_short() {
            out.truncate(start);
            return false;
        }
        true
    }
}

/// Writes what the file lacks.
fn write_file(
    dead: &Dead,
    number: usize,
    output: &mut OpenOutput,
    done: &mut Done,
) -> Result<(), String> {
    let mut writer = Writer {
        dead,
        number,
        sink: &mut *output.sink,
        format: format_digest(&format_key(&*output.format)),
        buffer: Buffer::new(),
        ends: Vec::new(),
        places: Vec::new(),
        users: 0,
        written: 0,
        problem: None,
    };
    let mut encoding = Encoding::new(dead, number, &*output.format, output.filter.as_ref());
    let mut lost = 0;
    let damaged = dead.read_records(
        |lane| (lane.start(number), Dead::end_of(lane)),
        |record, left, lane| {
            if encoding.wants(record, left) {
                if encoding.encode(record, &mut writer.buffer) {
                    writer.took((lane, left.end), left.is_users());
                } else {
                    lost += 1;
                }
            }
            writer.problem.is_none()
        },
    );
    writer.write();
    let (written, problem) = (writer.written, writer.problem);
    // Of several files, most have all records, or one has those that another has not.
    done.records = done.records.max(written);
    if let Some(problem) = problem {
        return Err(problem);
    }
    let damaged =
        damaged.map_err(|error| format!("it cannot be read ({error}); see to its disk"))?;
    done.damaged = done.damaged.max(damaged) + lost;
    Ok(())
}

/// Batches on their way to a file.
struct Writer<'a> {
    dead: &'a Dead,
    number: usize,
    sink: &'a mut dyn Sink,
    /// Of its format's key the digest.
    format: u64,
    buffer: Buffer,
    ends: Vec<usize>,
    /// Of each record: its lane, and where in that it ends.
    places: Vec<(usize, u64)>,
    /// Users' records in this batch.
    users: u64,
    written: u64,
    problem: Option<String>,
}

impl Writer<'_> {
    fn took(&mut self, place: (usize, u64), is_users: bool) {
        self.ends.push(self.buffer.len());
        self.places.push(place);
        self.users += u64::from(is_users);
        if self.buffer.len() >= BATCH_BYTES || self.ends.len() >= BATCH_RECORDS {
            self.write();
        }
    }

    fn write(&mut self) {
        if self.ends.is_empty() || self.problem.is_some() {
            return;
        }
        let noting = Noting {
            dead: self.dead,
            file: self.number,
            places: &self.places,
            format: self.format,
            problem: RefCell::new(None),
        };
        let batch = Batch::new(self.buffer.as_bytes(), &self.ends, &|_| None).noted(Some(&noting));
        let result = self.sink.write(&batch);
        let noted = noting.problem.into_inner();
        self.problem = match (result, noted) {
            (Err(error), _) if error.written < self.ends.len() => Some(format!(
                "{} failed: {}; what is left is tried again at the next start",
                self.sink.name(),
                error.source
            )),
            (_, Some(error)) => Some(format!("it cannot be written ({error}); see to its disk")),
            _ => {
                self.written += self.users;
                None
            }
        };
        self.users = 0;
        self.ends.clear();
        self.places.clear();
        self.buffer.clear();
    }
}

/// Notes in the dead ring what becomes of a batch.
struct Noting<'a> {
    dead: &'a Dead,
    file: usize,
    places: &'a [(usize, u64)],
    format: u64,
    problem: RefCell<Option<io::Error>>,
}

impl Noting<'_> {
    fn note(&self, note: impl FnOnce() -> io::Result<()>) {
        if let Err(error) = note() {
            self.problem.borrow_mut().get_or_insert(error);
        }
    }

    /// How far each lane is with these records.
    fn lanes(&self, records: Range<usize>) -> BTreeMap<usize, u64> {
        last_of_each(self.places.get(records).unwrap_or(&[]))
    }
}

impl Journal for Noting<'_> {
    fn begin(&self, records: Range<usize>, writing: &Writing<'_>) {
        self.note(|| {
            for lane in self.lanes(records) {
                self.dead.note_lane(self.file, lane, true)?;
            }
            self.dead.note_intent(self.file, &intent_words(writing, self.format))?;
            self.dead.note_intent_state(self.file, intent::OPEN)
        });
    }

    fn end(&self, records: Range<usize>) {
        self.note(|| {
            for lane in self.lanes(records) {
                self.dead.note_lane(self.file, lane, false)?;
            }
            self.dead.note_intent_state(self.file, intent::NONE)
        });
    }
}

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
fn settle(dead: &mut Dead, targets: &[Target<'_>], has_living: bool) -> Result<(), String> {
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

/// Of each lane's positions the last.
fn last_of_each(places: &[(usize, u64)]) -> BTreeMap<usize, u64> {
    let mut lanes = BTreeMap::new();
    lanes.extend(places.iter().copied());
    lanes
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

/// What [`make_good`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HalfLine {
    /// It is gone.
    Gone,
    /// Somebody else is about to see to it.
    Busy,
    /// Nobody knows whose it is.
    Unknown,
}

/// For a process that lives, and has the file's turn: the file ends with half a record. If a
/// neighbour was killed while it wrote that, its batch's beginning is taken away by `cut`, as if it
/// had not begun, if it is that what stands there; whoever recovers the neighbour's ring writes it then.
pub(crate) fn make_good(
    rings: &Path,
    identity: Identity,
    length: u64,
    cut: &mut dyn FnMut(u64, &[u8]) -> io::Result<bool>,
) -> io::Result<HalfLine> {
    let Some(home) = Home::find(rings)? else { return Ok(HalfLine::Unknown) };
    for orphan in home.all()? {
        let Some((number, intent)) = orphan.intent_within(identity, length)? else { continue };
        if !orphan.lock()? {
            return Ok(HalfLine::Busy);
        }
        if !cut(intent.offset, &intent.head)? {
            continue; // it was killed before it wrote, and others have written there
        }
        orphan.close_intent(number)?;
        return Ok(HalfLine::Gone);
    }
    Ok(HalfLine::Unknown)
}
