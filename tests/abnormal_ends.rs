//! Ends of a process that run none of our code: what a call returned from is with the kernel,
//! whatever ends the process next, in the file or in the ring file.

mod support;

use nexlog::{File, Json, info};
use std::os::unix::process::CommandExt;
use std::process::Command;
use support::child::{self, told};
use support::{Folder, MODES, lines, mode};

support::child::harness! {
    tests: [nothing_that_a_call_returned_from_is_lost_however_the_process_ends],
    scenes: [end],
}

const RECORDS: u64 = 300;

/// How a process ends, and the signal or code that tells.
const ENDS: [(&str, Result<i32, i32>); 9] = [
    ("abort", Err(libc::SIGABRT)),
    ("segfault", Err(libc::SIGSEGV)),
    ("stack overflow", Err(libc::SIGABRT)),
    ("SIGTERM", Err(libc::SIGTERM)),
    ("SIGKILL", Err(libc::SIGKILL)),
    ("_exit", Ok(3)),
    ("quick_exit", Ok(4)),
    ("panic in a function that must not unwind", Err(libc::SIGABRT)),
    ("exec", Ok(0)),
];

/// Uses up the stack.
#[inline(never)]
fn deeper(depth: u64) -> u64 {
    let room = std::hint::black_box([depth; 64]);
    if depth == u64::MAX { 0 } else { deeper(depth + 1) + room[(depth % 64) as usize] }
}

extern "C" fn never_unwinds() {
    panic!("here");
}

unsafe extern "C" {
    fn quick_exit(code: i32) -> !;
}

fn end() {
    let file = File::at(told("FILE")).format(Json::new());
    let logger = nexlog::builder().file(file).mode(mode(&told("MODE"))).install().unwrap();
    std::thread::scope(|scope| {
        for thread in 0_u64..4 {
            scope.spawn(move || {
                (0..RECORDS).for_each(|number| info!("step", thread, number));
            });
        }
    });
    drop(logger);
    info!("step", thread = 4, number = 0);
    // SAFETY: each ends the process, in the way that is asked for.
    unsafe {
        match told("END").as_str() {
            "abort" => libc::abort(),
            "segfault" => std::ptr::without_provenance_mut::<u8>(64).write_volatile(1),
            "stack overflow" => assert_ne!(deeper(0), 1),
            "SIGTERM" => assert_eq!(libc::raise(libc::SIGTERM), 0),
            "SIGKILL" => assert_eq!(libc::raise(libc::SIGKILL), 0),
            "_exit" => libc::_exit(3),
            "quick_exit" => quick_exit(4),
            "exec" => panic!("{}", Command::new("true").exec()),
            _ => never_unwinds(),
        }
    }
}

fn nothing_that_a_call_returned_from_is_lost_however_the_process_ends() {
    for (way, outcome) in ENDS {
        for (mode, _) in MODES {
            let folder = Folder::new();
            let path = folder.file("app.log");
            let variables = [("FILE", path.to_str().unwrap()), ("END", way), ("MODE", mode)];
            let ended = child::run("end", &variables);
            match outcome {
                Ok(code) => ended.expect_code(code),
                Err(signal) => ended.expect_signal(signal),
            };
            let report = nexlog::recover(folder.path()).unwrap();
            assert!(report.problems.is_empty(), "{way}, {mode}: {report:?}");
            if mode != "background" {
                let is_left = mode == "buffered";
                assert_eq!(report.recovered > 0, is_left, "{way}, {mode}: {report:?}");
            }
            let counts = [RECORDS, RECORDS, RECORDS, RECORDS, 1];
            lines::assert_steps(&lines::of_file(&path), &counts);
        }
    }
}
