//! `cargo counts`: instructions a record, compared with those that are recorded in `counts.txt`.
//!
//! ```text
//! cargo counts                from the repository's root
//! cargo counts -- --record    writes counts.txt anew
//! ```
//!
//! Exits with 1 when a count has grown by more than 3 %, when a measure has no recorded count or a
//! recorded count no measure, and when nothing could be counted. A count that has fallen is told
//! only. With a compiler other than the recorded one nothing is counted, as its code is another.
//!
//! - `record`: the file and the comparison; it knows nothing of where counts come from.
//! - `harness`: gungraun, its runner and what it prints. What is counted is `benches/measures.rs`.

mod harness;
mod record;

use std::path::Path;
use std::process::{Command, ExitCode};
use std::{env, fs};

use record::Record;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/counts.txt");
const HOW_TO_RECORD: &str = "to record the new counts: cargo counts -- --record";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => compare(),
        ["--record"] => write(),
        _ => Err("there is one option, --record".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn compare() -> Result<(), String> {
    let text = fs::read_to_string(PATH)
        .map_err(|error| format!("reading {PATH}: {error}; {HOW_TO_RECORD}"))?;
    let recorded = Record::parse(&text).map_err(|problem| format!("{PATH}: {problem}"))?;
    let compiler = compiler()?;
    if recorded.compiler != compiler {
        println!("!! NOTHING WAS COMPARED: the counts are those of {}", recorded.compiler);
        println!("!! and this is {compiler}");
        println!("!! {HOW_TO_RECORD}");
        return Ok(());
    }
    let counted = Record { compiler, counts: harness::count()? };
    let comparison = recorded.compare(&counted);
    print!("{}", comparison.table);
    if comparison.faults.is_empty() {
        return Ok(());
    }
    Err(format!("{}\nif that is as it should be, {HOW_TO_RECORD}", comparison.faults.join("\n")))
}

fn write() -> Result<(), String> {
    let record = Record { compiler: compiler()?, counts: harness::count()? };
    fs::write(Path::new(PATH), record.to_string())
        .map_err(|error| format!("writing {PATH}: {error}"))?;
    print!("{record}");
    Ok(())
}

/// Version and target: both are in the counts.
fn compiler() -> Result<String, String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output();
    let output = output.map_err(|error| format!("asking rustc for its version: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = |key| text.lines().find_map(|line| line.strip_prefix(key));
    match (line("release: "), line("host: ")) {
        (Some(release), Some(host)) => Ok(format!("rustc {release} {host}")),
        _ => Err(format!("rustc -vV names no release and host: {text}")),
    }
}
