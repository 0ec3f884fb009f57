//! The command line and the answer of a rival's program.
//!
//! ```text
//! slog describe                        its entries, one a line, in columns of `About`
//! slog run ENTRY MEASURE [KEY=VALUE]…  one measurement in this process: NAME<tab>NUMBER lines
//! ```
//!
//! Keys are `shape`, `format`, `threads`, `records` and `path`.

use std::env;
use std::path::PathBuf;

use crate::measure::{self, Job};
use crate::rival::{About, Format, Measure, Rival, Setup, Shape};

/// One configuration of a library.
pub struct Entry {
    about: About,
    run: fn(Job) -> Vec<(&'static str, f64)>,
}

/// The entry of a rival, for [`serve`].
pub fn entry<R: Rival>() -> Entry {
    Entry { about: R::ABOUT, run: measure::run::<R> }
}

/// A measurement that takes longer has come to a halt.
const PATIENCE_S: u32 = 120;

/// All that the `main` of a rival's program does.
pub fn serve(entries: &[Entry]) {
    // SAFETY: nothing handles the signal, so that it ends the process.
    unsafe { libc::alarm(PATIENCE_S) };
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["describe"] => entries.iter().for_each(|entry| println!("{}", describe(&entry.about))),
        ["run", name, measure, ref options @ ..] => {
            let entry = entries.iter().find(|entry| entry.about.name == name);
            let entry = entry.unwrap_or_else(|| panic!("there is no entry {name}"));
            let measure = Measure::named(measure);
            let measure =
                measure.unwrap_or_else(|| panic!("there is no measurement {arguments:?}"));
            for (name, number) in (entry.run)(job(&entry.about, measure, options)) {
                println!("{name}\t{number}");
            }
        }
        _ => panic!("started by `cargo rivals`, as: describe | run ENTRY MEASURE [KEY=VALUE]…"),
    }
}

fn describe(about: &About) -> String {
    let names = |names: Vec<&str>| names.join(",");
    [
        about.name,
        about.kind.name(),
        &names(about.crates.to_vec()),
        about.setup,
        &names(about.measures.iter().map(|m| m.name()).collect()),
        &names(about.shapes.iter().map(|s| s.name()).collect()),
        &names(about.formats.iter().map(|f| f.name()).collect()),
    ]
    .join("\t")
}

fn job(about: &About, measure: Measure, options: &[&str]) -> Job {
    let value =
        |key: &str| options.iter().find_map(|option| option.strip_prefix(key)?.strip_prefix('='));
    let number = |key, default| value(key).map_or(default, |n| n.parse().expect("a number"));
    let shape = value("shape").map(|name| Shape::named(name).expect("a shape"));
    let format = value("format").map(|name| Format::named(name).expect("a format"));
    let threads = number("threads", 1);
    Job {
        measure,
        shape: shape.unwrap_or(Shape::Request),
        threads,
        records: number("records", 100_000),
        setup: Setup {
            path: PathBuf::from(value("path").expect("path=FILE")),
            format: format.unwrap_or(about.formats[0]),
            threads,
        },
    }
}
