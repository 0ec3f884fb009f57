//! `cargo rivals`: measures nexlog beside other loggers, each in processes of its own, and writes
//! benches/RESULTS.md.
//!
//! ```text
//! cargo rivals                                          everything, and the page
//! cargo rivals -- caller throughput --only nexlog,slog  a part, to the terminal
//!     --rounds 5          how often everything is measured; medians are told
//!     --seconds 0.4       how long a run of `throughput` is to take, about
//!     --folder /dev/shm   where log files lie
//! ```
//!
//! Rounds are interleaved: all rivals are measured in turn, in an order that rotates, so that
//! whatever else the machine does meets all alike. Each process is new and has a folder of its
//! own; what `throughput` wrote is read back and checked.
//!
//! - `options`: the command line. `programs`: builds and asks the programs of the rivals.
//! - `cases`: what is to be measured. `trial`: one process. `verify`: what it wrote.
//! - `results`: numbers by case. `tables`, `targets`: what is told of them. `machine`: of what.

mod cases;
mod machine;
mod options;
mod programs;
mod results;
mod tables;
mod targets;
mod trial;
mod verify;

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use machine::Others;
use options::Options;
use results::Results;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let options = Options::parse(std::env::args().skip(1))?;
    let entries = programs::build_and_describe(&options)?;
    let cases = cases::all(&entries, &options);
    let began = Instant::now();
    let (mut results, mut others) = (Results::new(entries), Others::default());
    for round in 0..=options.rounds {
        for case in cases::in_turn(&cases, round) {
            trial::run(&case, round, &options, &mut results, &mut others);
        }
        let name = if round == 0 { "warmed up".to_owned() } else { format!("round {round}") };
        eprintln!("{name}: {:.0} s", began.elapsed().as_secs_f64());
    }
    let page = format!(
        "{}\n{}\n{}",
        machine::describe(&options, &results, &others, began.elapsed()),
        targets::table(&results),
        tables::all(&results)
    );
    println!("{page}");
    if options.is_everything() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../RESULTS.md");
        fs::write(&path, page).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
    }
    Ok(())
}
