//! Runs `benches/measures.rs` under gungraun and reads what it prints.
//!
//! gungraun starts a program of its own, `gungraun-runner`, whose version must be the library's. It
//! is installed beside the build, in a folder named after that version, so that nobody's own is
//! replaced; without optimisation, as it only waits for valgrind. `GUNGRAUN_RUNNER` names another.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::record::Counts;

/// As in `benches/measures.rs`.
const BATCH: f64 = 1000.0;
const LOCK: &str = include_str!("../Cargo.lock");

/// Builds the measures and counts each.
pub fn count() -> Result<Counts, String> {
    if Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_err() {
        return Err("valgrind is needed and not there: apt-get install valgrind".to_owned());
    }
    let runner = env::var_os("GUNGRAUN_RUNNER").map(PathBuf::from);
    let runner = runner.map_or_else(install_runner, Ok)?;
    let output = cargo()
        .args(["bench", "--quiet", "--locked", "--bench", "measures"])
        .args(["--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")])
        .args(["--", "--output-format=json"])
        .env("GUNGRAUN_RUNNER", runner)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("running cargo bench: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Err(format!("the measures did not run, {}:\n{text}", output.status));
    }
    let lines = text.lines().filter(|line| line.starts_with('{'));
    let counts: Counts = lines.map(read).collect::<Result<_, _>>()?;
    if counts.is_empty() { Err(format!("no measure has run:\n{text}")) } else { Ok(counts) }
}

/// One measure out of its line of JSON.
fn read(line: &str) -> Result<(String, f64), String> {
    let summary: Value = serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))?;
    let name = summary["function_name"].as_str();
    let instructions =
        summary.pointer("/profiles/0/data/total/metrics/Ir/values/new").and_then(Value::as_f64);
    match (name, instructions) {
        (Some(name), Some(instructions)) => Ok((name.to_owned(), instructions / BATCH)),
        _ => Err(format!("a measure without its name or its instructions: {line}")),
    }
}

fn install_runner() -> Result<PathBuf, String> {
    let version = library_version().ok_or("Cargo.lock has no gungraun")?;
    let own = env::current_exe().map_err(|error| format!("looking for the build: {error}"))?;
    let target = own.ancestors().nth(2).ok_or("the program lies in no target folder")?;
    let root = target.join(format!("gungraun-{version}"));
    let runner = root.join("bin/gungraun-runner");
    if runner.is_file() {
        return Ok(runner);
    }
    let status = cargo()
        .args([
            "install",
            "--quiet",
            "--locked",
            "--debug",
            "gungraun-runner",
            "--version",
            version,
        ])
        .arg("--root")
        .arg(&root)
        .env("CARGO_PROFILE_DEV_DEBUG", "false")
        .status()
        .map_err(|error| format!("installing gungraun-runner {version}: {error}"))?;
    if status.success() {
        Ok(runner)
    } else {
        Err(format!("gungraun-runner {version} cannot be installed: see above"))
    }
}

fn library_version() -> Option<&'static str> {
    let (_, package) = LOCK.split_once("name = \"gungraun\"\nversion = \"")?;
    package.split('"').next()
}

fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}
