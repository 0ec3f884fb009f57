//! With `panic = "abort"` nothing runs after the panic hook: the logger's own hook, chained at
//! install, has written everything by then.
//!
//! The strategy belongs to a whole program, so this builds one, in a folder of its own.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use support::{Folder, MODES, child, lines};

const MANIFEST: &str = r#"
[package]
name = "aborts"
version = "0.0.0"
edition = "2024"

[dependencies]
nexlog = { path = "NEXLOG" }

[profile.dev]
panic = "abort"
debug = false

[workspace]
"#;

const PROGRAM: &str = r#"
use nexlog::{Console, File, Json, Mode, info};

struct Panics;

impl std::fmt::Display for Panics {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("in a value")
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, scene, mode, path] = &arguments[..] else { panic!("scene, mode, path") };
    let mode = match mode.as_str() {
        "immediate" => Mode::Immediate,
        "buffered" => Mode::Buffered,
        _ => Mode::Background,
    };
    if scene == "hook" {
        std::panic::set_hook(Box::new(|panic| info!("panicked", what = display(panic))));
    }
    let builder = nexlog::builder().file(File::at(path)).mode(mode);
    let _ = if scene == "local" {
        let local = builder.flush_interval(nexlog::HOUR).build().unwrap();
        let _ = nexlog::builder().console(Console::stdout().format(Json::new())).install();
        let local: &'static nexlog::Logger = Box::leak(Box::new(local));
        (0..500_u64).for_each(|number| info!(logger(local), "step", thread = 0, number));
        panic!("with a local logger")
    } else {
        builder.flush_interval(nexlog::HOUR).install().unwrap()
    };
    (0..500_u64).for_each(|number| info!("step", thread = 0, number));
    match scene.as_str() {
        "value" => info!("never seen", value = display(Panics)),
        "thread" => std::thread::spawn(|| {
            (0..500_u64).for_each(|number| info!("step", thread = 1, number));
            panic!("in a thread")
        })
        .join()
        .unwrap(),
        _ => panic!("in main"),
    }
}
"#;

/// The program, built once.
fn program() -> &'static Path {
    static PROGRAM_PATH: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM_PATH.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        // The same folder every time: what was built stays built.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("aborts");
        std::fs::create_dir_all(folder.join("src")).unwrap();
        let manifest = MANIFEST.replace("NEXLOG", root.join("nexlog").to_str().unwrap());
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
        write("Cargo.toml", &manifest);
        write("src/main.rs", PROGRAM);
        std::fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(&folder).args([
            "build",
            "--offline",
            "--quiet",
            "--target-dir",
            "target",
        ]);
        cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
        let output = cargo.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        folder.join("target/debug/aborts")
    })
}

/// The lines of the file that a scene leaves when it aborts.
#[track_caller]
fn abort(scene: &str, mode: &str) -> Vec<String> {
    let folder = Folder::new();
    let file = folder.file("app.log");
    let mut command = Command::new(program());
    child::clean(&mut command).args([scene, mode]).arg(&file);
    child::finish(command).expect_signal(libc::SIGABRT);
    lines::of_file(&file)
}

#[test]
fn records_before_an_aborting_panic_in_main_are_written() {
    for (mode, _) in MODES {
        lines::assert_steps(&abort("main", mode), &[500]);
    }
}

#[test]
fn records_before_an_aborting_panic_in_a_thread_are_written() {
    for (mode, _) in MODES {
        lines::assert_steps(&abort("thread", mode), &[500, 500]);
    }
}

#[test]
fn records_before_a_value_aborts_are_written() {
    for (mode, _) in MODES {
        lines::assert_steps(&abort("value", mode), &[500]);
    }
}

#[test]
fn a_record_of_the_hook_that_was_there_is_written_too() {
    for (mode, _) in MODES {
        let mut written = abort("hook", mode);
        let last = written.pop().unwrap();
        lines::assert_steps(&written, &[500]);
        assert!(last.contains("\"panicked\"") && last.contains("in main"), "{last}");
    }
}

#[test]
fn records_of_local_loggers_before_an_aborting_panic_are_written() {
    for (mode, _) in MODES {
        lines::assert_steps(&abort("local", mode), &[500]);
    }
}
