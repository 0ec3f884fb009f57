//! The system calls against a real system: pipes, a temporary folder, the clocks.

use super::folder::{Folder, reserve, try_lock, unlock};
use super::*;
use crate::Timestamp;
use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

#[test]
fn clocks_go_forward_and_agree_with_std() {
    let (ticks_before, before) = (ticks(), monotonic_ns());
    std::thread::sleep(Duration::from_millis(5));
    assert!(monotonic_ns() - before >= 5_000_000);
    assert!(ticks() > ticks_before);
    let (seconds, nanos) = realtime();
    let apart = Timestamp { seconds, nanos }.unix_nanos()
        - Timestamp::from(std::time::SystemTime::now()).unix_nanos();
    assert!(apart.abs() < 1_000_000_000, "{apart} ns apart");
}

#[test]
fn a_barrier_works_once_registered() {
    if membarrier_register() {
        assert!(membarrier());
    }
}

#[test]
fn a_full_stream_that_does_not_block_is_waited_for_and_then_given_up() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let number = ours.as_raw_fd();
    let block = vec![b'x'; 65536];
    let mut sent = 0;
    let error = loop {
        match write_patiently(number, &block, Duration::from_millis(40)) {
            Ok(written) => sent += written,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);

    let reader = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30));
        let mut all = Vec::new();
        theirs.read_to_end(&mut all).map(|_| all.len())
    });
    let began = monotonic_ns();
    sent += write_patiently(number, b"end", Duration::from_secs(5)).unwrap();
    assert!(monotonic_ns() - began >= 5_000_000, "it waited for the reader");
    drop(ours);
    assert_eq!(reader.join().unwrap().unwrap(), sent);
}

#[test]
fn a_write_that_a_signal_interrupts_is_repeated() {
    extern "C" fn nothing(_: i32) {}
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let block = vec![b'x'; 65536];
    let mut sent = 0;
    while let Ok(written) = write_once(ours.as_raw_fd(), &block) {
        sent += written;
    }
    ours.set_nonblocking(false).unwrap();
    // SAFETY: the handler touches nothing; without SA_RESTART a signal ends a write that waits.
    unsafe {
        let mut action: libc::sigaction = core::mem::zeroed();
        action.sa_sigaction = nothing as *const () as usize;
        libc::sigaction(libc::SIGUSR1, &raw const action, core::ptr::null_mut());
    }
    // SAFETY: a thread's own number is always to be had.
    let writer = unsafe { libc::pthread_self() };
    let reader = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        // SAFETY: the writer waits for this thread's end below, so it lives.
        unsafe { libc::pthread_kill(writer, libc::SIGUSR1) };
        std::thread::sleep(Duration::from_millis(50));
        let mut all = Vec::new();
        theirs.read_to_end(&mut all).map(|_| all.len())
    });
    sent += write_patiently(ours.as_raw_fd(), b"end", Duration::ZERO).unwrap();
    drop(ours);
    assert_eq!(reader.join().unwrap().unwrap(), sent);
}

#[test]
fn a_closed_stream_is_an_error_value() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    drop(theirs);
    let error = write_patiently(ours.as_raw_fd(), b"x", Duration::ZERO).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    let closed = ours.into_raw_fd() + 10_000;
    assert!(write_patiently(closed, b"x", Duration::ZERO).is_err());
}

/// A folder that is gone after the test, and its path.
fn folder(name: &str) -> (Folder, std::path::PathBuf) {
    let path = std::env::temp_dir().join(format!("nexlog-sys-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    (Folder::open(&path).unwrap(), path)
}

#[test]
fn a_new_file_has_exactly_the_mode_asked_for_and_an_old_one_keeps_its_own() {
    let (folder, path) = folder("mode");
    let mode_of = |file: &fs::File| file.metadata().unwrap().permissions().mode() & 0o7777;
    let name = OsStr::new("a.log");
    // The usual umask takes 0o022 away.
    let (file, made) = folder.open_append(name, 0o666).unwrap();
    assert!(made && mode_of(&file) == 0o666, "{:o}", mode_of(&file));
    let (file, made) = folder.open_append(name, 0o600).unwrap();
    assert!(!made && mode_of(&file) == 0o666, "{:o}", mode_of(&file));
    std::fs::remove_dir_all(&path).unwrap();
}

#[test]
fn a_rename_never_overwrites() {
    let (folder, path) = folder("rename");
    for name in ["a", "b"] {
        std::fs::write(path.join(name), name).unwrap();
    }
    let names = [OsStr::new("a"), OsStr::new("b"), OsStr::new("c")];
    let taken = folder.rename(names[0], names[1]).unwrap_err();
    assert_eq!(taken.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read(path.join("b")).unwrap(), b"b");
    folder.rename(names[0], names[2]).unwrap();
    let missing = folder.rename(names[0], OsStr::new("d")).unwrap_err();
    assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    let mut listed = folder.list().unwrap();
    listed.sort();
    assert_eq!(listed, ["b", "c"]);
    std::fs::remove_dir_all(&path).unwrap();
}

#[test]
fn names_with_nothing_in_them_and_names_too_long_are_errors() {
    let (folder, path) = folder("names");
    for name in ["", "a\0b", &"x".repeat(256), &"x".repeat(100_000)] {
        assert!(folder.create(OsStr::new(name), 0o600).is_err(), "{name:?}");
    }
    folder.create(OsStr::new(&"x".repeat(255)), 0o600).unwrap();
    std::fs::remove_dir_all(&path).unwrap();
}

#[test]
fn a_lock_is_had_once_and_space_can_be_set_aside() {
    let (folder, path) = folder("lock");
    let name = OsStr::new("lock");
    let (one, _) = folder.open_append(name, 0o600).unwrap();
    let (two, _) = folder.open_append(name, 0o600).unwrap();
    assert!(try_lock(&one).unwrap() && try_lock(&one).unwrap() && !try_lock(&two).unwrap());
    unlock(&one);
    assert!(try_lock(&two).unwrap());
    match reserve(&one, 0, 1 << 20) {
        Ok(()) => assert_eq!(one.metadata().unwrap().len(), 0),
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::Unsupported),
    }
    std::fs::remove_dir_all(&path).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_missing_page_ends_no_process_even_where_the_signal_is_blocked() {
    let (folder, path) = folder("page");
    let file = folder.create(OsStr::new("file"), 0o600).unwrap();
    file.set_len(100_000).unwrap();
    let mut mapping = super::mapping::Mapping::new(&file, 0, 128 << 10).unwrap();
    file.set_len(0).unwrap();
    std::thread::spawn(move || {
        // SAFETY: a valid set, of this thread.
        unsafe {
            let mut all = core::mem::zeroed();
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_BLOCK, &raw const all, core::ptr::null_mut());
        }
        let _heard = super::mapping::Heard::new();
        assert_eq!(mapping.read(90_000), 0);
        mapping.write(90_000, b"gone");
        assert!(mapping.has_failed());
    })
    .join()
    .unwrap();
    fs::remove_dir_all(&path).unwrap();
}
