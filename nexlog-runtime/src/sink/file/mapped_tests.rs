//! Files that others cut or leave half written, on a real file system.

use super::*;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// A file that is gone after the test.
struct Temporary {
    path: PathBuf,
    file: fs::File,
}

impl Temporary {
    fn new(name: &str) -> Temporary {
        let path =
            std::env::temp_dir().join(format!("nexlog-mapped-{}-{name}", std::process::id()));
        let _ = fs::remove_file(&path);
        let file = fs::OpenOptions::new().read(true).append(true).create(true).open(&path);
        Temporary { file: file.unwrap(), path }
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.path).unwrap()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[test]
fn records_are_where_the_length_says_in_every_window() {
    let here = Temporary::new("windows");
    let mut mapped = Mapped::new(extent(Some(1))); // the smallest extent
    let mut expected = String::new();
    for number in 0..3_000 {
        let record = format!("{number} {}\n", "x".repeat(number % 300));
        assert_eq!(mapped.append(&here.file, record.as_bytes()).unwrap(), record.len());
        expected.push_str(&record);
        assert_eq!(here.file.metadata().unwrap().len(), expected.len() as u64);
    }
    // Longer than an extent.
    let record = format!("{}\n", "y".repeat(200_000));
    mapped.append(&here.file, record.as_bytes()).unwrap();
    assert_eq!(here.text(), expected + &record);
}

#[test]
fn what_is_not_ours_before_our_place_is_cut_off() {
    let here = Temporary::new("rest");
    let mut mapped = Mapped::new(extent(None));
    mapped.append(&here.file, b"one\n").unwrap();
    // A kill between length and bytes, far away and in the middle of a record.
    here.file.set_len(40_000).unwrap();
    mapped.append(&here.file, b"two\n").unwrap();
    (&here.file).write_all(b"hal").unwrap();
    here.file.set_len(9_000).unwrap();
    mapped.append(&here.file, b"three\n").unwrap();
    assert_eq!(here.text(), "one\ntwo\nhal\nthree\n");
    // Truncated before the length was set: nothing but zeros.
    here.file.set_len(0).unwrap();
    here.file.set_len(70_000).unwrap();
    mapped.append(&here.file, b"four\n").unwrap();
    assert_eq!(here.text(), "four\n");
    here.file.set_len(8_192).unwrap();
    cut_rest(&here.file).unwrap();
    assert_eq!(here.text(), "four\n");
}

#[test]
fn a_half_record_can_be_taken_back_and_a_zero_at_the_end_is_refused() {
    let here = Temporary::new("back");
    let mut mapped = Mapped::new(extent(None));
    mapped.append(&here.file, b"one\ntw").unwrap();
    assert!(mapped.cut_back(&here.file, 2));
    assert_eq!(here.text(), "one\n");
    mapped.append(&here.file, b"two\nth").unwrap();
    (&here.file).write_all(b"another's\n").unwrap();
    assert!(!mapped.cut_back(&here.file, 2), "another's record would go");
    let error = mapped.append(&here.file, b"three\0").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(here.text(), "one\ntwo\nthanother's\n");
}

#[test]
fn a_page_that_is_gone_ends_no_process() {
    let here = Temporary::new("gone");
    here.file.set_len(100_000).unwrap();
    let mut mapping = Mapping::new(&here.file, 0, 128 << 10).unwrap();
    mapping.write(90_000, b"there");
    assert!(!mapping.has_failed());
    here.file.set_len(0).unwrap();
    mapping.write(90_000, b"gone");
    assert!(mapping.has_failed());
    assert_eq!(here.text(), "");
    // Another one is not touched by that, and a new one starts well.
    here.file.set_len(100_000).unwrap();
    drop(mapping);
    let mut mapping = Mapping::new(&here.file, 0, 128 << 10).unwrap();
    assert!(!mapping.has_failed() && mapping.read(90_000) == 0 && !mapping.has_failed());
}

#[test]
fn a_file_that_is_cut_all_the_time_has_no_zero_and_no_half_line() {
    let here = Temporary::new("cut");
    let mut mapped = Mapped::new(extent(Some(1)));
    let (stop, other) = (AtomicBool::new(false), here.file.try_clone().unwrap());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(SeqCst) {
                other.set_len(0).unwrap();
                std::hint::spin_loop();
            }
        });
        let mut failures = Vec::new();
        for number in 0..5_000 {
            let record = format!("{number} {}\n", "x".repeat(number % 5_000));
            failures.extend(mapped.append(&here.file, record.as_bytes()).err());
        }
        stop.store(true, SeqCst);
        let is_expected = |error: &io::Error| error.to_string().contains("again and again");
        assert!(failures.iter().all(is_expected), "{failures:?}");
    });
    // What stands now may be what the last cut has left; what follows is whole.
    mapped.append(&here.file, b"\n").unwrap();
    mapped.append(&here.file, b"last\n").unwrap();
    let text = fs::read(&here.path).unwrap();
    assert!(!text.contains(&0), "a hole");
    assert!(text.ends_with(b"\nlast\n"));
}
