//! The system calls against a real system: pipes, a temporary folder, the clocks.

use super::*;
use crate::Timestamp;
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

#[test]
fn a_new_file_has_exactly_the_mode_asked_for_and_an_old_one_keeps_its_own() {
    let folder = std::env::temp_dir().join(format!("nexlog-sys-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("a.log");
    let mode_of = |file: &fs::File| file.metadata().unwrap().permissions().mode() & 0o7777;
    // The usual umask takes 0o022 away.
    let (file, made) = open_append(&path, 0o666).unwrap();
    assert!(made && mode_of(&file) == 0o666, "{:o}", mode_of(&file));
    let (file, made) = open_append(&path, 0o600).unwrap();
    assert!(!made && mode_of(&file) == 0o666, "{:o}", mode_of(&file));
    std::fs::remove_dir_all(&folder).unwrap();
}
