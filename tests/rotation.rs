//! Files that rotate themselves: every record once and in order over all archives, limits and
//! retention exact, in every mode.

mod support;

use nexlog::{Archive, File, Json, Rotate, info};
use std::ffi::OsString;
use std::path::Path;
use support::{Folder, MODES, PATIENCE, assert_balanced, lines, scaled};

const THREADS: u64 = 8;

/// The files beside the live one whose names do not begin with a dot, sorted.
fn archives(folder: &Path, live: &str) -> Vec<OsString> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> =
        names.filter(|name| name != live && !name.as_encoded_bytes().starts_with(b".")).collect();
    names.sort();
    names
}

/// All records of 8 threads over `rotations` rotations.
fn log_on_all_threads(logger: &nexlog::Logger, records: u64) {
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                for number in 0..records {
                    info!(logger(logger), "step", thread, number);
                }
            });
        }
    });
    logger.flush(PATIENCE).unwrap();
}

#[test]
fn ten_thousand_rotations_lose_and_split_nothing() {
    // A line has about 100 bytes, so each file takes one or two.
    let limit = 230;
    let rotations = scaled(10_000, 100_000);
    for (name, mode) in MODES {
        let folder = Folder::new();
        let file = File::at(folder.file("app.log"))
            .format(Json::new())
            .rotate(Rotate::size(limit))
            .archive(Archive::sequence());
        let logger = nexlog::builder().file(file).mode(mode).build().unwrap();
        let started = std::time::Instant::now();
        log_on_all_threads(&logger, 2 * rotations / THREADS + 10);
        eprintln!("{name}: {:?}", started.elapsed());
        let stats = logger.stats();
        assert_balanced(&stats);
        let names = archives(folder.path(), "app.log");
        assert!(stats.rotations >= rotations, "{name}: {}", stats.rotations);
        assert_eq!(names.len() as u64, stats.rotations, "{name}: an archive was overwritten");
        let mut all = Vec::new();
        for (place, archive) in names.iter().enumerate() {
            assert_eq!(archive, format!("app.log.{:06}", place + 1).as_str());
            let path = folder.path().join(archive);
            let bytes = std::fs::metadata(&path).unwrap().len();
            assert!(0 < bytes && bytes <= limit, "{name}: {archive:?} has {bytes} bytes");
            all.extend(lines::of_file(&path));
        }
        all.extend(lines::of_file(&folder.file("app.log")));
        lines::assert_steps(&all, &[2 * rotations / THREADS + 10; 8]);
    }
}
