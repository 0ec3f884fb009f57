//! Ring files that were damaged after their process was killed: what is sound is recovered, and
//! nothing is made up.
//!
//! What is fair to ask for, of a file in which anything may have changed:
//!
//! - Recovery ends, soon, without a panic, and each line of the log is whole.
//! - **No record is invented.** What comes out is what some call has logged, in order, once. The
//!   bytes of values have no check, which each call would have to pay for: where these are
//!   damaged, a record may have other values, run-time keys and run-time target, and so may those
//!   in a scope whose values are damaged; its time, level, call site and place in the order are
//!   checked and stay. Who has made it stands in a lane's words and markers, and is nobody where
//!   what may have been a marker is damaged.
//! - **No record is lost that depends on sound bytes only.** A record depends on: the head; its
//!   call site's entry; its lane's words (`published`, `consumed`, how far the file has it); in its
//!   segment, on the headers before it, since sizes lead from one to the next; its values. Not on
//!   other lanes, on other entries, on other segments, nor on the values of what lies before it.
//!   Of the table of pieces, on the two words that list its lane and its segment.
//! - A ring whose head, or whose entry about files, their fields or what is hidden, is damaged is not touched, and
//!   is reported with its place, why, and what to do.
//! - What is lost is told, unless only a lane's words are damaged, which say how much there is.
//!
//! Without a check, and so without a promise, are: the clock (records may have other times) and the
//! intent (the batch that was being written may be missing or twice, where it is damaged).

mod recovery_support;
mod support;

use nexlog::{File, Json, Mode, Report, context, info, span, warn};
use recovery_support::damage::{self, Damaged};
use recovery_support::ring::{self, Entry, Ring};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::{Barrier, Mutex, atomic::AtomicU64, atomic::Ordering::Relaxed};
use std::time::{Duration, Instant};
use support::child::{self, told};
use support::random::Random;
use support::{Folder, lines, scaled};

support::child::harness! {
    tests: [
        whatever_is_damaged_nothing_is_invented_and_what_is_sound_is_kept,
        rings_that_cannot_be_read_are_reported_and_kept,
        a_table_that_lists_everything_again_and_again_holds_nobody,
        counts_are_not_asked_and_a_forgotten_lane_is_told,
        a_scope_that_is_damaged_in_one_segment_is_whole_in_the_next,
    ],
    scenes: [log_and_abort],
}

/// Records of each of the three threads: each fills two segments and begins a third one.
const RECORDS: u64 = 9;

/// Records that the log has already.
const WRITTEN: usize = 18;

static TURN: Mutex<()> = Mutex::new(());

/// Logs what there is to log, as this thread.
fn log_some(thread: u64, count: u64, length: usize) {
    let filler = "the quick brown fox jumps over the lazy dog; ".repeat(length);
    let _thread = context!(request = format!("r-{thread}"), tenant = thread * 7);
    for number in 0..count {
        let odd = number % 2 == 1;
        // No two have the same time, so that lines can be told apart.
        let turn = TURN.lock().unwrap();
        std::thread::sleep(Duration::from_micros(2));
        let _scope = (number % 3 == 0).then(|| context!(step = number / 3, note = "dös\u{1f980}"));
        let span = (number % 5 < 2).then(|| span!("work", order = number).entered());
        match number % 6 {
            0 => info!("plain", thread, number, half = 0.5, yes = true, letter = 'x', filler),
            1 => info!("text of {thread}: {number}", text = &filler[usize::from(odd)..], thread),
            2 => warn!("shown {number}", shown = %format_args!("<{number}>"), thread, filler),
            3 => {
                let map = BTreeMap::from([("a", vec![1, number]), ("b", vec![])]);
                let key = format!("key-{number}");
                info!("nested", thread, number, map, list = (1, "two", 3.0), (key) = 1, filler);
            }
            4 => {
                let target = format!("app::part{}", number % 3);
                info!(target: target.as_str(), "elsewhere", thread, number, filler);
            }
            _ => info!("bits", thread, number, took = Duration::from_nanos(1 + number), filler),
        }
        drop(span);
        drop(turn);
    }
}

/// Two batches that are written, and then what stays in the buffers of three threads.
fn log_and_abort() {
    let file = File::at(told("FILE"));
    let format = if told("KIND") == "thread" { Json::new().thread() } else { Json::new() };
    let logger = nexlog::builder()
        .file(file.format(format))
        .mode(Mode::Buffered)
        .lane_bytes(4 << 20)
        .flush_interval(Duration::from_secs(3600))
        .field("service", "shop")
        .install()
        .unwrap();
    let all = Barrier::new(3);
    let (began, begins) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        for thread in 1..4 {
            let (all, logger, began) = (&all, &logger, began.clone());
            let run = move || {
                for _ in 0..2 {
                    log_some(thread, 3, 4);
                    let _ = began.send(());
                    if all.wait().is_leader() {
                        logger.flush(Duration::MAX).unwrap();
                    }
                    all.wait();
                }
                log_some(thread, RECORDS, 82);
                all.wait();
            };
            std::thread::Builder::new()
                .name(format!("t{thread}"))
                .spawn_scoped(scope, run)
                .unwrap();
            begins.recv().unwrap(); // each has the same lane in every run
        }
    });
    // One of their lanes goes on with another thread.
    let last = std::thread::Builder::new().name("late".into());
    last.spawn(|| log_some(9, RECORDS, 82)).unwrap().join().unwrap();
    std::process::abort();
}

/// What a killed process has left, to be put back again and again.
struct Case {
    folder: Folder,
    home: PathBuf,
    ring_path: PathBuf,
    sound: Vec<u8>,
    /// What the log has already.
    log: Vec<u8>,
    ring: Ring,
    /// The line of each record of the ring.
    lines: Vec<String>,
    kind: &'static str,
}

impl Case {
    fn new(kind: &'static str) -> Case {
        let folder = Folder::new();
        let path = folder.file("app.log");
        let variables = [("FILE", path.to_str().unwrap()), ("KIND", kind)];
        child::run("log_and_abort", &variables).expect_signal(libc::SIGABRT);
        let home = folder.file(".app.log.lanes");
        let ring_path = fs::read_dir(&home).unwrap().next().unwrap().unwrap().path();
        let mut sound = fs::read(&ring_path).unwrap();
        let ring = Ring::read(&sound);
        sound.truncate(ring.end); // what follows is zeros, and reads as such
        let log = fs::read(&path).unwrap();
        let mut case = Case { folder, home, ring_path, sound, log, ring, lines: Vec::new(), kind };
        let sound = case.sound.clone();
        case.put(&sound);
        let report = case.recover();
        assert!(report.is_none_or(|report| report.problems.is_empty()));
        let lines = case.lines();
        assert_eq!(lines.len(), case.ring.records.len(), "the reader of the test is wrong");
        assert_eq!(lines.len() as u64, 4 * RECORDS + 18);
        let written = case.ring.records.iter().filter(|record| record.is_written).count();
        assert_eq!(written, WRITTEN);
        case.lines = lines;
        case
    }

    /// All users' lines of the log.
    fn lines(&self) -> Vec<String> {
        let mut lines = lines::of_file(&self.folder.file("app.log"));
        if self.kind == "thread" {
            lines.retain(|line| !line.contains("\"target\":\"nexlog\""));
        }
        lines
    }

    /// Puts the ring back, and the log as it was: the same file.
    fn put(&self, ring: &[u8]) {
        let path = self.folder.file("app.log");
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(self.log.len() as u64).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, &self.log, 0).unwrap();
        if let Err(error) = fs::DirBuilder::new().mode(0o700).create(&self.home) {
            assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
        }
        let mut options = fs::OpenOptions::new();
        let options = options.write(true).create(true).truncate(true).mode(0o600);
        std::io::Write::write_all(&mut options.open(&self.ring_path).unwrap(), ring).unwrap();
    }

    /// As a tool does it or, where threads are shown, as the program does. `None`: that had a
    /// problem.
    fn recover(&self) -> Option<Report> {
        if self.kind == "plain" {
            return Some(nexlog::recover(self.folder.path()).unwrap());
        }
        let file = File::at(self.folder.file("app.log")).format(Json::new().thread());
        let logger = nexlog::builder().file(file).mode(Mode::Immediate).on_error(|_| {});
        drop(logger.crash_safe(false).build().unwrap());
        None
    }

    /// One damaged copy.
    fn check(&self, damaged: &Damaged) {
        self.put(&damaged.bytes);
        let started = Instant::now();
        let report = self.recover();
        let took = started.elapsed();
        assert!(took < Duration::from_secs(1) || is_busy(), "it took {took:?}");
        SLOWEST_US.fetch_max(u64::try_from(took.as_micros()).unwrap(), Relaxed);
        if self.must_refuse(damaged) {
            self.assert_refused(report.as_ref(), &damaged.bytes);
            return;
        }
        let is_there = self.ring_path.exists();
        let problems = report.iter().flat_map(|report| &report.problems);
        let problems: Vec<String> = problems.map(ToString::to_string).collect();
        assert!(self.kind != "plain" || is_there != problems.is_empty(), "{problems:?}");
        if is_there && self.may_refuse(damaged) {
            self.assert_refused(report.as_ref(), &damaged.bytes);
            return;
        }
        assert!(!is_there, "it was refused: {problems:?}");
        let lost = self.compare(damaged, &self.lines());
        if let Some(report) = report {
            let told: u64 = report.processes.iter().map(|process| process.damaged).sum();
            assert!(lost == 0 || told > 0, "{lost} records are lost, and nobody is told");
        }
    }

    /// Damage of the head, of what is said of files: nothing can be written then.
    fn must_refuse(&self, damaged: &Damaged) -> bool {
        damaged.hits(&ring::bytes_of(ring::HEAD))
            || self.ring.entries_of(2..8).any(|entry| damaged.hits(&entry.at))
    }

    /// Nothing has to be written.
    fn may_refuse(&self, damaged: &Damaged) -> bool {
        let mut lanes = self.ring.lanes.values();
        damaged.hits_any(&Ring::clocks())
            || damaged.hits(&self.ring.intents())
            || damaged.hits(&Ring::table())
            || lanes.all(|lane| damaged.hits_any(&lane.words()))
    }

    fn assert_refused(&self, report: Option<&Report>, bytes: &[u8]) {
        if let Some(report) = report {
            assert!(report.processes.is_empty(), "{report:?}");
            let [problem] = &report.problems[..] else { panic!("{report:?}") };
            let problem = problem.to_string();
            let place = self.ring_path.to_str().unwrap();
            assert!(problem.contains(place), "no place: {problem}");
            let has_cause = problem.contains(": it") || problem.contains("cannot be looked at");
            assert!(has_cause, "no cause: {problem}");
            let has_remedy = ["start the program", "delete it", "move it", "start again"];
            assert!(has_remedy.iter().any(|remedy| problem.contains(remedy)), "{problem}");
        }
        assert!(fs::read(&self.ring_path).unwrap() == bytes, "the ring was changed");
        assert!(fs::read(self.folder.file("app.log")).unwrap().starts_with(&self.log));
        assert_eq!(self.lines().len(), WRITTEN, "something was written");
    }

    /// Goes along the records and the lines. How many records are lost that had to be told of.
    fn compare(&self, damaged: &Damaged, lines: &[String]) -> usize {
        let is_timeless = damaged.hits_any(&Ring::clocks());
        let is_open = damaged.hits(&self.ring.intents());
        // Where both numbers are damaged that say what is written, it is written once more.
        let words = |lane: &ring::Lane| lane.words().iter().filter(|w| damaged.hits(w)).count();
        let may_double = is_open || self.ring.lanes.values().any(|lane| words(lane) > 1);
        let (written, new) = lines.split_at(WRITTEN.min(lines.len()));
        let is_double = |line: &&String| may_double && written.contains(line);
        let new = new.iter().filter(|line| !is_double(line));
        let mut lines = written.iter().chain(new).peekable();
        let mut lost = 0;
        for (number, record) in self.ring.records.iter().enumerate() {
            let sound = &self.lines[number];
            if lines.next_if(|line| same(line, sound, is_timeless)).is_some() {
                continue;
            }
            let deps = Dependence::of(record, &self.ring, damaged);
            let later = &self.lines[number + 1..];
            let is_later = |line: &str| later.iter().any(|known| same(line, known, is_timeless));
            let is_it = |line: &&String| deps.explains(line, sound, is_timeless) && !is_later(line);
            if lines.next_if(is_it).is_some() {
                continue;
            }
            assert!(
                deps.may_go || is_open,
                "record {number} of lane {} is lost, though all it depends on is sound: {sound}\n\
                 instead: {:?}",
                record.lane,
                lines.peek()
            );
            lost += usize::from(deps.must_be_told && !is_open);
        }
        if let Some(line) = lines.next() {
            panic!("an invented line: {line}");
        }
        lost
    }
}

/// The line, and the same but for the time where the clock is damaged.
fn same(line: &str, sound: &str, is_timeless: bool) -> bool {
    let behind = |line: &str| line.find(",\"level\"").map_or(0, |at| at);
    line == sound || (is_timeless && line[behind(line)..] == sound[behind(sound)..])
}

/// What the damage can have done to a record.
#[allow(clippy::struct_excessive_bools)] // each asked by itself
struct Dependence {
    may_go: bool,
    must_be_told: bool,
    /// Its own values, or those of a scope around it, or what says which scope that is.
    values: bool,
    scopes: bool,
    /// What says who wrote it; and what may have said it.
    thread: bool,
    nobody: bool,
    has_target: bool,
}

impl Dependence {
    fn of(record: &ring::Record, ring: &Ring, damaged: &Damaged) -> Dependence {
        let lane = &ring.lanes[&record.lane];
        let is_damaged = |entry: &Entry| damaged.hits(&entry.at);
        // Headers cannot tell a segment from the first page of its copy that a record ends behind.
        let page = record.headers[0].start + 4096;
        let is_at_edge = record.own.header.start < page && page < record.own.body.end;
        let values = damaged.hits(&record.own.body)
            || (is_at_edge && damaged.is_copied(&record.headers[0], &ring.segments));
        let words = damaged.hits_any(&lane.words());
        let headers = damaged.hits_any(&record.headers);
        let site = is_damaged(ring.site(record.own.site));
        let table = damaged.hits(&Ring::table());
        let frames = || record.frames.iter();
        let scopes = headers
            || frames().any(|frame| damaged.hits(&frame.body))
            || frames().any(|frame| is_damaged(ring.site(frame.site)));
        let mut pads = lane.pads.iter().filter(|(at, _)| *at < record.position.start);
        let of_lane = ring.records.iter().filter(|other| other.lane == record.lane);
        let mut before = of_lane.filter(|other| other.position.start <= record.position.start);
        let thread = damaged.hits(&lane.thread) || words || damaged.hits_any(&record.markers);
        let nobody = headers
            || pads.any(|(_, pad)| damaged.hits(pad))
            || before.any(|other| damaged.hits_any(&other.headers));
        Dependence {
            may_go: values || words || headers || site || table || record.is_written,
            must_be_told: !record.is_written && (values || headers || site || table) && !words,
            values,
            scopes,
            thread,
            nobody,
            has_target: record.has_target,
        }
    }

    /// Whether the damage can have made this line out of that one.
    fn explains(&self, line: &str, sound: &str, is_timeless: bool) -> bool {
        if !self.values && !self.scopes && !self.thread && !self.nobody {
            return false;
        }
        let [line, sound] = &lines::parse(&[line, sound])[..] else { unreachable!() };
        let (line, sound) = (line.as_object().unwrap(), sound.as_object().unwrap());
        // Better nobody than somebody else.
        let is_nobodys = line.get("thread_id").is_some_and(|id| *id == 0);
        let is_free_thread =
            self.thread || (self.nobody && is_nobodys && !line.contains_key("thread"));
        // Those of the call site stay, whatever the values are.
        let of_head = ["ts", "level", "target", "msg"];
        let is_free = |key: &str| match key {
            "ts" => is_timeless,
            "level" => false,
            "target" => self.values && self.has_target,
            "msg" => self.values,
            "thread_id" => is_free_thread || self.values,
            _ if IN_SCOPES.contains(&key) => self.scopes || self.values,
            "service" => false,
            "thread" => is_free_thread || self.values,
            _ => self.values,
        };
        let has_head = of_head.iter().all(|key| line.contains_key(*key));
        let differs = |key: &String, value: &Value, other: Option<&Value>| {
            other != Some(value) && !is_free(key) && !(self.scopes && is_key_of_damage(key))
        };
        has_head
            && !line.iter().any(|(key, value)| differs(key, value, sound.get(key)))
            && !sound.iter().any(|(key, value)| differs(key, value, line.get(key)))
    }
}

const IN_SCOPES: [&str; 6] = ["request", "tenant", "step", "note", "order", "span"];

/// A key that is nobody's: in a scope's values there may be one that was made at run time.
fn is_key_of_damage(key: &str) -> bool {
    !["ts", "level", "target", "msg", "service", "thread", "number"].contains(&key)
}

static SLOWEST_US: AtomicU64 = AtomicU64::new(0);

/// Whether the machine is too busy for times to mean something.
fn is_busy() -> bool {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: f64 = load.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0);
    load > 4.0
}

fn whatever_is_damaged_nothing_is_invented_and_what_is_sound_is_kept() {
    let rounds = scaled(10_000, 100_000);
    let first: u64 = std::env::var("NEXLOG_SEED").map_or(1, |seed| seed.parse().unwrap());
    let count = if std::env::var_os("NEXLOG_SEED").is_some() { 1 } else { rounds };
    let (started, failed) = (Instant::now(), &AtomicU64::new(0));
    std::thread::scope(|scope| {
        for part in 0..2 {
            scope.spawn(move || {
                // Threads are shown by what a program writes itself: that one in sixteen times.
                let cases = [Case::new("plain"), Case::new("thread")];
                for seed in (first..first + count).filter(|seed| seed % 2 == part) {
                    let case = &cases[usize::from(seed % 32 >= 30)];
                    let damaged = damage::damage(&case.ring, &case.sound, &mut Random::new(seed));
                    let check = std::panic::AssertUnwindSafe(|| case.check(&damaged));
                    if std::panic::catch_unwind(check).is_err() {
                        eprintln!("NEXLOG_SEED={seed}: {} ({})", damaged.what, case.kind);
                        failed.fetch_add(1, Relaxed);
                    }
                }
            });
        }
    });
    let each = started.elapsed() / u32::try_from(count).unwrap();
    assert_eq!(failed.load(Relaxed), 0, "again with one of these seeds");
    println!("{count} damaged rings, {each:?} each, at most {SLOWEST_US:?} us of recovery");
}

fn rings_that_cannot_be_read_are_reported_and_kept() {
    let case = Case::new("plain");
    let refuse = |what: &str, reason: &str, damage: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = case.sound.clone();
        damage(&mut bytes);
        case.put(&bytes);
        let report = case.recover().unwrap();
        assert!(report.problems.iter().all(|p| p.to_string().contains(reason)), "{report:?}");
        case.assert_refused(Some(&report), &bytes);
        println!("{what}: {}", report.problems[0]);
    };
    let with_check = |bytes: &mut Vec<u8>, place: usize, word: u64| {
        ring::set_word(bytes, place, word);
        let check = ring::digest((0..ring::CHECK).map(|place| ring::word(bytes, place)));
        ring::set_word(bytes, ring::CHECK, check);
    };
    refuse("another version", "version 3", &|bytes| with_check(bytes, ring::VERSION, 3));
    refuse("another segment", "damaged", &|bytes| with_check(bytes, 7, 32 << 10));
    refuse("another order", "the other order", &|bytes| {
        for word in bytes[..64 << 10].chunks_exact_mut(8) {
            word.reverse();
        }
        ring::set_word(bytes, ring::MAGIC, u64::from_ne_bytes(*b"nexlog\0R"));
    });
    refuse("its words swapped", "the other order", &|bytes| {
        with_check(bytes, ring::ORDER_MARK, 0x0807_0605_0403_0201);
    });
    refuse("no magic", "no ring file", &|bytes| ring::set_word(bytes, ring::MAGIC, 0));
    refuse("empty", "no ring file", &Vec::clear);
    refuse("zeros", "no ring file", &|bytes| bytes.fill(0));
    refuse("too many files", "damaged", &|bytes| with_check(bytes, 6, 65));
    refuse("another head", "damaged", &|bytes| bytes[24] ^= 1);
    // A sound one beside it is recovered all the same.
    let mut bytes = case.sound.clone();
    bytes[24] ^= 1;
    case.put(&case.sound);
    let other = case.home.join("ring-00000000000000000001-1-0");
    fs::write(&other, &bytes).unwrap();
    let report = case.recover().unwrap();
    assert_eq!((report.problems.len(), report.recovered), (1, 4 * RECORDS), "{report:?}");
    assert!(other.exists() && !case.ring_path.exists());
    assert_eq!(case.lines(), case.lines);
}

/// A table is small and can ask for a lot: thousands of times what the file has.
fn a_table_that_lists_everything_again_and_again_holds_nobody() {
    let case = Case::new("plain");
    for kind in 1..4_u64 {
        let mut bytes = case.sound.clone();
        bytes.resize(4 << 20, 0);
        for place in 2..2048 {
            // As many units as can be, or other lanes each time.
            let number = if kind == 3 { 0xff_ffff } else { place };
            let unit = if kind == 3 { 1 + place % 63 } else { 1 + place % 2 };
            let word = kind << 56 | number << 32 | unit;
            ring::set_word(&mut bytes, usize::try_from(64 + place).unwrap(), word);
        }
        case.put(&bytes);
        let started = Instant::now();
        let report = case.recover().unwrap();
        let took = started.elapsed();
        assert!(took < Duration::from_secs(1) || is_busy(), "kind {kind} took {took:?}");
        assert!(report.problems.is_empty(), "{report:?}");
        assert_eq!(case.lines(), case.lines, "kind {kind}");
    }
}

/// Numbers of pieces and entries are not needed; and where a lane's words are gone, its segments
/// say that there was one.
fn counts_are_not_asked_and_a_forgotten_lane_is_told() {
    let case = Case::new("plain");
    let mut bytes = case.sound.clone();
    bytes[Ring::counts()].fill(0);
    // One segment lies in a second chunk.
    let (from, to) = (*case.ring.segments.last().unwrap(), 0x15 * (64 << 10));
    bytes.resize(to + (16 << 10), 0);
    bytes.copy_within(from..from + (16 << 10), to);
    bytes[from..from + (16 << 10)].fill(0);
    ring::set_word(&mut bytes, Ring::table().start / 8 + 2, 2 << 56 | 0x15);
    case.put(&bytes);
    let report = case.recover().unwrap();
    assert_eq!((report.recovered, report.processes[0].damaged), (4 * RECORDS, 0), "{report:?}");
    assert_eq!(case.lines(), case.lines);

    let mut bytes = case.sound.clone();
    case.ring.lanes[&1].words().into_iter().for_each(|word| bytes[word].fill(0));
    case.put(&bytes);
    let report = case.recover().unwrap();
    assert_eq!((report.recovered, report.processes[0].damaged), (3 * RECORDS, 1), "{report:?}");
}

/// A scope is written anew in each segment, and formats keep its text as long as it is the same.
fn a_scope_that_is_damaged_in_one_segment_is_whole_in_the_next() {
    let case = Case::new("plain");
    let mut seen = 0;
    for record in case.ring.records.iter().filter(|record| !record.is_written) {
        // The value of `tenant`, a number behind its tag at the end of the outermost one's values.
        let Some(outermost) = record.frames.last() else { continue };
        let body = &case.sound[outermost.body.clone()];
        let Some(tag) = body.windows(2).rposition(|pair| pair[0] == 6 && pair[1] % 7 == 0) else {
            continue;
        };
        case.check(&damage::flip(&case.sound, outermost.body.start + tag + 1, 3));
        seen += 1;
    }
    assert!(seen > 20, "{seen}");
}
