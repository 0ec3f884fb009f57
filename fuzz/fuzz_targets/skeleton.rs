//! A ring file as a process leaves it, to be changed and recovered.

use nexlog::{File, Json, Mode, context, info, span, warn};
use std::collections::BTreeMap;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;
use std::time::Duration;
use std::{fs, io::Write};

#[allow(dead_code)]
#[path = "../../tests/recovery_support/ring.rs"]
pub mod ring;

use ring::{Ring, digest, set_word, word};

/// What is put back for each run.
pub struct Skeleton {
    folder: PathBuf,
    home: PathBuf,
    ring_path: PathBuf,
    pub bytes: Vec<u8>,
    pub ring: Ring,
}

impl Skeleton {
    /// Logs into a buffer and takes a copy of the ring before anything is written.
    pub fn new() -> Skeleton {
        let folder = std::env::temp_dir().join(format!("nexlog-fuzz-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        let file = File::at(folder.join("app.log")).format(Json::new());
        let builder = nexlog::builder().file(file).mode(Mode::Buffered).lane_bytes(1 << 20);
        let builder = builder.field("service", "shop").flush_interval(Duration::from_secs(3600));
        let logger = builder.build().expect("a logger");
        let _request = context!(request = "r-1", tenant = 7);
        for number in 0..3 {
            let _span = span!("work", order = number).entered();
            let map = BTreeMap::from([("a", vec![1, number]), ("b", vec![])]);
            let key = format!("key-{number}");
            info!(logger(&logger), "plain", number, half = 0.5, yes = true, letter = 'x');
            info!(logger(&logger), "text of {number}", list = (1, "two", 3.0), map, (key) = 1);
            warn!(logger(&logger), "times", took = Duration::from_nanos(5), shown = %number);
            info!(logger: &logger, target: key.as_str(), "elsewhere", a = 1, b = "c", c = -1, d = 2.5);
            info!(logger(&logger), "long", filler = "x".repeat(4000), number);
        }
        let home = folder.join(".app.log.lanes");
        let ring_path =
            fs::read_dir(&home).expect("rings").next().expect("a ring").expect("it").path();
        let bytes = fs::read(&ring_path).expect("its content");
        drop(logger);
        let ring = Ring::read(&bytes);
        let bytes = bytes[..ring.end].to_vec();
        Skeleton { folder, home, ring_path, bytes, ring }
    }

    /// Recovers this ring. All lines have to be JSON.
    pub fn recover(&self, bytes: &[u8]) {
        let log = self.folder.join("app.log");
        let _ = fs::File::options().write(true).open(&log).and_then(|file| file.set_len(0));
        let _ = fs::DirBuilder::new().mode(0o700).create(&self.home);
        let mut options = fs::OpenOptions::new();
        let options = options.write(true).create(true).truncate(true).mode(0o600);
        options.open(&self.ring_path).and_then(|mut f| f.write_all(bytes)).expect("the ring");
        let report = nexlog::recover(&self.folder).expect("the folder");
        report.problems.iter().for_each(|problem| _ = problem.to_string());
        let lines = fs::read(&log).expect("the log");
        let lines = str::from_utf8(&lines).expect("UTF-8");
        assert!(lines.is_empty() || lines.ends_with('\n'));
        for line in lines.lines() {
            let parsed = serde_json::from_str::<&serde_json::value::RawValue>(line);
            parsed.unwrap_or_else(|error| panic!("{error} in {line:?}"));
        }
    }
}

/// A header that was written at this place.
pub fn write_header(bytes: &mut [u8], at: usize, [site, ticks, parts]: [u64; 3], place: u64) {
    const SITE: u64 = (1 << 48) - 1;
    let site = site & SITE;
    let check = (site ^ ticks ^ parts ^ place).wrapping_mul(0x9e37_79b9_7f4a_7c15) & !SITE;
    set_word(bytes, at / 8, site | check);
    set_word(bytes, at / 8 + 1, ticks);
    set_word(bytes, at / 8 + 2, parts);
}

/// What headers at this position of this lane are checked with.
pub fn place(lane: usize, position: u64) -> u64 {
    position.wrapping_add((lane as u64 + 1) << 44)
}

/// Makes the check of the head right.
#[allow(dead_code)]
pub fn settle_head(bytes: &mut [u8]) {
    let check = digest((0..ring::CHECK).map(|place| word(bytes, place)));
    set_word(bytes, ring::CHECK, check);
}

/// Makes the check of an entry right.
#[allow(dead_code)]
pub fn settle_entry(bytes: &mut [u8], at: &std::ops::Range<usize>) {
    let words = (at.start / 8..at.end / 8).map(|place| word(bytes, place));
    let check = digest(words.enumerate().filter(|(n, _)| *n != 3).map(|(_, word)| word));
    set_word(bytes, at.start / 8 + 3, check);
}
