//! From dead rings to log files.
//!
//! Two steps, because a file sink changes things as it opens (it rotates, it ends half lines).
//! First, before that, [`Finds::look`] has [`settle`](super::settle) find out what was being written
//! when the process died; then [`Finds::replay`] has each file write what it lacks, and notes in the
//! dead ring what it did, so that this may be killed as well.

use core::cell::RefCell;
use core::ops::Range;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::dead::Dead;
use super::home::Home;
use super::layout::{format_digest, intent};
use super::ring::intent_words;
use super::settle::settle;
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
use crate::value::Seal;
use crate::value::redact::Redaction;
use crate::{Json, Logfmt, Text};

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
/// formats [`Json::new`](crate::Json::new), [`Logfmt::new`](crate::Logfmt::new) and [`Text::compact`](crate::Text::compact) without further
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
            finds.replay(&mut [], &Redaction::default(), &mut report);
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
    /// `redaction` is added to what the dead processes have hidden.
    pub(crate) fn replay(
        self,
        outputs: &mut [(PathBuf, &mut OpenOutput)],
        redaction: &Redaction,
        report: &mut Report,
    ) {
        report.problems.extend(self.problems);
        let Some(home) = self.home else { return };
        for mut dead in self.dead {
            dead.redact(redaction);
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
pub(super) fn known_format(key: &str) -> Option<Box<dyn Format>> {
    let all: [Box<dyn Format>; 3] =
        [Box::new(Json::new()), Box::new(Logfmt::new()), Box::new(Text::compact())];
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
pub(super) struct Encoding<'a> {
    encoder: Option<Box<dyn Encoder>>,
    format: &'a dyn Format,
    /// Of this file and of the others.
    filter: Option<&'a Filter>,
    others: Vec<Option<Filter>>,
}

impl<'a> Encoding<'a> {
    /// For the file of this number.
    pub(super) fn new(
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
    pub(super) fn wants(&self, record: &Record<'_>, left: &Left) -> bool {
        let is_wanted =
            |filter: &Filter| filter.enabled_within(record.target(), record.level(), record);
        let others = || self.others.iter().any(|other| other.as_ref().is_none_or(is_wanted));
        self.filter.is_none_or(is_wanted) || (left.must_be_told() && !others())
    }

    /// Appends the record; `false`, and nothing appended, when the format fails.
    pub(super) fn encode(&mut self, record: &Record<'_>, out: &mut Buffer) -> bool {
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

/// Of each lane's positions the last.
pub(super) fn last_of_each(places: &[(usize, u64)]) -> BTreeMap<usize, u64> {
    let mut lanes = BTreeMap::new();
    lanes.extend(places.iter().copied());
    lanes
}
