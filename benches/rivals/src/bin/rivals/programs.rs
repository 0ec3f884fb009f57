//! The programs of the rivals: each file in src/bin, found, built and asked what it offers.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use rivals::{Format, Kind, Measure, Shape};

use crate::options::Options;

/// What a program said of one of its entries: the columns of `rivals::About`.
pub struct Entry {
    pub program: PathBuf,
    pub name: String,
    pub kind: Kind,
    pub crates: Vec<String>,
    pub setup: String,
    pub measures: Vec<Measure>,
    pub shapes: Vec<Shape>,
    pub formats: Vec<Format>,
}

pub fn build_and_describe(options: &Options) -> Result<Vec<Entry>, String> {
    build()?;
    // This program lies where cargo puts the others.
    let folder = env::current_exe().map_err(|e| format!("where is this program? {e}"))?;
    let folder = folder.parent().unwrap_or(Path::new("."));
    let mut entries = Vec::new();
    for name in names()? {
        entries.extend(describe(&folder.join(&name))?.into_iter().filter(|entry| {
            // Without the floor there is nothing to compare with.
            let is_wanted = options.wants_rival(&entry.name) || options.wants_rival(&name);
            is_wanted || entry.kind == Kind::Floor
        }));
    }
    Ok(entries)
}

fn manifest_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn names() -> Result<Vec<String>, String> {
    let folder = manifest_folder().join("src/bin");
    let files = fs::read_dir(&folder).map_err(|e| format!("no {}: {e}", folder.display()))?;
    let mut names: Vec<String> = files
        .flatten()
        .filter_map(|file| Some(file.file_name().to_str()?.strip_suffix(".rs")?.to_owned()))
        .collect();
    names.sort();
    Ok(names)
}

fn build() -> Result<(), String> {
    eprintln!("building the rivals: minutes, the first time");
    let cargo = env::var_os("CARGO").unwrap_or("cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--release", "--bins", "--manifest-path"])
        .arg(manifest_folder().join("Cargo.toml"))
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err("a rival does not build; see above".to_owned()),
        Err(error) => Err(format!("cannot run cargo: {error}")),
    }
}

fn describe(program: &Path) -> Result<Vec<Entry>, String> {
    let failed = |what: String| format!("{} does not describe itself: {what}", program.display());
    let output =
        Command::new(program).arg("describe").output().map_err(|e| failed(e.to_string()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| parse(program, line).ok_or_else(|| failed(line.to_owned()))).collect()
}

fn parse(program: &Path, line: &str) -> Option<Entry> {
    let columns: Vec<&str> = line.split('\t').collect();
    let &[name, kind, crates, setup, measures, shapes, formats] = columns.as_slice() else {
        return None;
    };
    fn list<T>(names: &str, named: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
        names.split(',').filter(|name| !name.is_empty()).map(named).collect()
    }
    Some(Entry {
        program: program.to_owned(),
        name: name.to_owned(),
        kind: Kind::named(kind)?,
        crates: list(crates, |name| Some(name.to_owned()))?,
        setup: setup.to_owned(),
        measures: list(measures, Measure::named)?,
        shapes: list(shapes, Shape::named)?,
        formats: list(formats, Format::named)?,
    })
}
