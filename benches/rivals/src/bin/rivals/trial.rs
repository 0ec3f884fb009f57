//! One process: started in a folder of its own, its answer and its file taken.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};

use rivals::Measure;

use crate::cases::{Case, Group};
use crate::machine::Others;
use crate::options::Options;
use crate::results::Results;
use crate::verify;

/// Records of the run that tells how fast the rival is.
const FIRST_RECORDS: u64 = 80_000;
const MOST_RECORDS: u64 = 4_000_000;
/// What all numbers of threads divide.
const STEP: u64 = 8_000;

pub fn run(
    case: &Case,
    round: usize,
    options: &Options,
    results: &mut Results,
    others: &mut Others,
) {
    let name = results.entries[case.entry].name.clone();
    let made = match case.group.measure {
        Measure::Throughput => throughput(case, round, options, results, others),
        _ => child(case, 0, options, results, others).map(|(numbers, _)| numbers),
    };
    match made {
        Ok(numbers) if round > 0 => results.add(*case, numbers),
        Ok(_) => {}
        Err(problem) => {
            eprintln!("{name}, {:?}: {problem}", case.group);
            results.fail(*case, problem);
        }
    }
}

type Numbers = Vec<(String, f64)>;

fn throughput(
    case: &Case,
    round: usize,
    options: &Options,
    results: &mut Results,
    others: &mut Others,
) -> Result<Numbers, String> {
    let records = match results.rate(case) {
        Some(rate) => {
            let wanted = (rate * options.seconds) as u64 / STEP * STEP;
            wanted.clamp(FIRST_RECORDS, MOST_RECORDS)
        }
        None => FIRST_RECORDS,
    };
    let (empty, _) = child(case, 0, options, results, others)?;
    let (mut numbers, folder) = child(case, records, options, results, others)?;
    let Group { shape, format, threads, .. } = case.group;
    let file = verify::file(folder.written()?, shape, format, threads, records)?;
    let seconds = number(&numbers, "seconds")?;
    if round == 0 {
        results.set_rate(*case, records as f64 / seconds);
    }
    let over_kib = number(&numbers, "peak_kib")? - number(&empty, "peak_kib")?;
    let cpu_us = number(&numbers, "cpu_seconds")? * 1e6 / records as f64;
    numbers.extend([
        ("rate".to_owned(), records as f64 / seconds),
        ("line_bytes".to_owned(), file.bytes as f64 / records as f64),
        ("cpu_us".to_owned(), cpu_us),
        ("over_mib".to_owned(), over_kib / 1024.0),
        ("records".to_owned(), records as f64),
    ]);
    Ok(numbers)
}

fn number(numbers: &Numbers, name: &str) -> Result<f64, String> {
    let found = numbers.iter().find(|(other, _)| other == name);
    found.map(|(_, number)| *number).ok_or_else(|| format!("it does not tell {name}"))
}

/// Starts the program of a rival and reads its answer.
fn child(
    case: &Case,
    records: u64,
    options: &Options,
    results: &Results,
    others: &mut Others,
) -> Result<(Numbers, Folder), String> {
    let entry = &results.entries[case.entry];
    let folder = Folder::new(&options.folder)?;
    let Group { measure, shape, format, threads } = case.group;
    let format = if entry.formats.contains(&format) { format } else { entry.formats[0] };
    let mut command = Command::new(&entry.program);
    command.args(["run", &entry.name, measure.name()]);
    command.arg(format!("shape={}", shape.name())).arg(format!("format={}", format.name()));
    command.arg(format!("threads={threads}")).arg(format!("records={records}"));
    command.arg(format!("path={}", folder.log().display())).current_dir(&folder.0);
    let output = others.watch(|| command.output());
    let output = output.map_err(|e| format!("cannot start {}: {e}", entry.program.display()))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        let last = errors.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("");
        return Err(format!("{}: {last}", output.status));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers = text.lines().filter_map(|line| {
        let (name, number) = line.split_once('\t')?;
        Some((name.to_owned(), number.parse().ok()?))
    });
    Ok((numbers.collect(), folder))
}

/// A folder for one process, deleted when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(inside: &Path) -> Result<Folder, String> {
        let path = inside.join(format!("rivals-{}", process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).map_err(|e| format!("cannot make {}: {e}", path.display()))?;
        Ok(Folder(path))
    }

    fn log(&self) -> PathBuf {
        self.0.join("rival.log")
    }

    /// The only file in it, as some rivals have names of their own.
    fn written(&self) -> Result<PathBuf, String> {
        let inside = fs::read_dir(&self.0).map_err(|e| format!("cannot list files: {e}"))?;
        let files: Vec<PathBuf> =
            inside.flatten().map(|file| file.path()).filter(|path| path.is_file()).collect();
        match files.as_slice() {
            [file] => Ok(file.clone()),
            _ => Err(format!("{} log files", files.len())),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
