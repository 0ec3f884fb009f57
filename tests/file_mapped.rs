//! A file that is written through memory: kills, faults of others, what it leaves on the disk.

mod support;

use nexlog::{File, Json, Mode, info};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use support::child::{self, told};
use support::{Folder, PATIENCE, lines};

support::child::harness! {
    tests: [
        a_killed_process_leaves_whole_records_and_the_next_start_trims_the_file,
        a_fault_elsewhere_ends_the_process_as_before,
        a_handler_that_was_there_before_is_called,
        space_that_is_not_used_is_given_back,
    ],
    scenes: [log_until_killed, fault, fault_with_a_handler],
}

fn logger(path: &Path, mode: Mode) -> nexlog::Logger {
    let file = File::at(path).format(Json::new()).mapped(true);
    nexlog::builder().file(file).crash_safe(false).mode(mode).build().unwrap()
}

/// Says after each record that its call has returned.
fn log_until_killed() {
    use std::io::Write;
    let logger = logger(Path::new(&told("FILE")), Mode::Immediate);
    let mut out = std::io::stdout().lock();
    for number in 0_u64.. {
        info!(logger(&logger), "step", thread = 0, number);
        writeln!(out, "{number}").unwrap();
    }
}

fn a_killed_process_leaves_whole_records_and_the_next_start_trims_the_file() {
    use std::io::{BufRead, BufReader};
    for round in 0..20_u64 {
        let folder = Folder::new();
        let path = folder.file("app.log");
        let variables = [("FILE", path.to_str().unwrap())];
        let mut command = child::command("log_until_killed", &variables);
        let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
        let told = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut returned = 0;
        for line in told.map_while(Result::ok) {
            returned = line.parse::<u64>().unwrap() + 1;
            if returned == 100 + 37 * round {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        drop(logger(&path, Mode::Immediate));
        let mut all = lines::of_file(&path);
        // The record that the process was at may have been recovered, which is told.
        all.retain(|line| !line.contains("\"target\":\"nexlog\""));
        let (count, bytes) = (all.len() as u64, std::fs::metadata(&path).unwrap().len());
        assert!(count == returned || count == returned + 1, "{count} of {returned}");
        lines::assert_steps(&all, &[count]);
        assert_used(&path, bytes);
    }
}

/// The file has no more space than its bytes need.
fn assert_used(path: &Path, bytes: u64) {
    let metadata = std::fs::metadata(path).unwrap();
    assert_eq!(metadata.len(), bytes);
    assert!(metadata.blocks() * 512 < bytes + (16 << 10), "{} blocks", metadata.blocks());
}

/// Reads behind the end of a mapped file that is not a log.
fn read_a_page_that_is_not_there(path: &str) {
    let file = std::fs::File::create_new(path).unwrap();
    let number = std::os::fd::AsRawFd::as_raw_fd(&file);
    // SAFETY: a new mapping, in which one byte is read; there is none, which is the point.
    unsafe {
        let rights = libc::PROT_READ;
        let start = libc::mmap(std::ptr::null_mut(), 4096, rights, libc::MAP_PRIVATE, number, 0);
        assert_ne!(start, libc::MAP_FAILED);
        println!("{}", start.cast::<u8>().read_volatile());
    }
}

fn fault() {
    let _logger = logger(Path::new(&told("FILE")), Mode::Immediate);
    read_a_page_that_is_not_there(&format!("{}.other", told("FILE")));
}

extern "C" fn end(_: i32) {
    // SAFETY: ends the process at once; allowed in a handler.
    unsafe { libc::_exit(7) };
}

fn fault_with_a_handler() {
    // SAFETY: a handler that does what one may.
    unsafe { libc::signal(libc::SIGBUS, end as *const () as usize) };
    fault();
}

fn a_fault_elsewhere_ends_the_process_as_before() {
    let folder = Folder::new();
    let path = folder.file("app.log");
    let outcome = child::run("fault", &[("FILE", path.to_str().unwrap())]);
    outcome.expect_signal(libc::SIGBUS);
}

fn a_handler_that_was_there_before_is_called() {
    let folder = Folder::new();
    let path = folder.file("app.log");
    child::run("fault_with_a_handler", &[("FILE", path.to_str().unwrap())]).expect_code(7);
}

fn space_that_is_not_used_is_given_back() {
    let folder = Folder::new();
    let path = folder.file("app.log");
    let logger = logger(&path, Mode::Buffered);
    info!(logger(&logger), "step", thread = 0, number = 0);
    logger.flush(PATIENCE).unwrap();
    let (bytes, blocks) = std::fs::metadata(&path).map(|m| (m.len(), m.blocks())).unwrap();
    assert!(blocks * 512 >= 1 << 20, "nothing is set aside: {blocks} blocks");
    drop(logger);
    assert_used(&path, bytes);
}
