//! Faults in front of the system's calls, for children that have it in `LD_PRELOAD`.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Folder;

/// `faults.c`, compiled into this folder by the compiler that links Rust programs.
pub fn compile(folder: &Folder) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/faults.c");
    let library = folder.file("faults.so");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl");
    assert!(compiler.status().expect("a C compiler").success());
    library
}
