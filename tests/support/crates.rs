//! Cargo on the crates of `tests/crates`, a workspace of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Where a test that calls itself `name` builds.
pub fn target_dir(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Runs cargo, without the network when that is enough, with `NEXLOG_STATIC` as given.
pub fn cargo(target_dir: &Path, arguments: &[&str], rules: Option<&str>) -> Output {
    let run = |offline: bool| {
        let mut command = Command::new(env!("CARGO"));
        command.args(&arguments[..1]);
        if offline {
            command.arg("--offline");
        }
        command
            .args(&arguments[1..])
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crates"))
            .env("CARGO_TARGET_DIR", target_dir)
            .env("CARGO_TERM_COLOR", "never")
            .env_remove("NEXLOG_STATIC");
        if let Some(rules) = rules {
            command.env("NEXLOG_STATIC", rules);
        }
        command.output().expect("cargo runs")
    };
    let offline = run(true);
    if offline.status.success() || !stderr(&offline).contains("offline") {
        return offline;
    }
    run(false)
}

/// What the command said.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
