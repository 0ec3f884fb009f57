//! A record below the static level leaves no instruction, no string and no evaluated argument,
//! and still type-checks; a change of `NEXLOG_STATIC` rebuilds what it must and nothing else.
//!
//! The program is `tests/crates/eliminated`, built as `with` and as `without` the lines that
//! are removed. Its functions call nothing but the logger, so that their machine code can
//! be compared as text.

#[path = "support/assembly.rs"]
mod assembly;
#[path = "support/crates.rs"]
mod crates;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

use assembly::instructions;
use crates::stderr;

/// How a program is built.
#[derive(Clone, Copy, Default)]
struct Build<'a> {
    debug: bool,
    features: &'a [&'a str],
    rules: Option<&'a str>,
}

/// What came out.
struct Program {
    assembly: String,
    /// The messages, keys and targets in the binary.
    needles: BTreeSet<String>,
    /// `evaluated N noisy N dynamic N`: how often arguments were evaluated, here and in the library.
    printed: String,
}

fn target_dir() -> PathBuf {
    crates::target_dir("static_elimination")
}

fn cargo(arguments: &[&str], rules: Option<&str>) -> Output {
    crates::cargo(&target_dir(), arguments, rules)
}

impl Build<'_> {
    fn profile(&self) -> (&'static str, &'static str) {
        if self.debug { ("dev", "debug") } else { ("release", "release") }
    }

    /// Builds and runs the program `name`.
    fn program(&self, name: &str) -> Program {
        let (profile, folder) = self.profile();
        let listing = target_dir().join(self.listing(name));
        let emit = format!("--emit=asm={}", listing.display());
        let features = self.features.join(",");
        let arguments = ["rustc", "--package", "eliminated", "--profile", profile, "--bin", name];
        let options = ["--features", &features, "--", &emit, "-Ccodegen-units=1"];
        let output = cargo(&[&arguments[..], &options].concat(), self.rules);
        assert!(output.status.success(), "{}", stderr(&output));
        let path = target_dir().join(folder).join(format!("{name}{}", env::consts::EXE_SUFFIX));
        let run = Command::new(&path).env_remove("NEXLOG").output().expect("the program runs");
        assert!(run.status.success(), "{run:?}");
        Program {
            assembly: fs::read_to_string(listing).expect("a listing"),
            needles: needles(&fs::read(path).expect("a binary")),
            printed: String::from_utf8(run.stdout).expect("text").trim().to_owned(),
        }
    }

    /// A file of its own for each way to build: cargo does not write what is up to date.
    fn listing(&self, name: &str) -> String {
        let features = self.features.join("-").replace('/', "-");
        let rules = self.rules.unwrap_or("none").replace([',', ':', '='], "-");
        format!("{name}.{}.{features}.{rules}.s", self.profile().0)
    }

    /// What the compiler says of a removed line whose argument has no encoder.
    fn complaint(&self) -> String {
        let (profile, _) = self.profile();
        let features = [&["ill-typed"], self.features].concat().join(",");
        let arguments = ["build", "--package", "eliminated", "--bin", "with"];
        let options = ["--profile", profile, "--features", &features];
        let output = cargo(&[&arguments[..], &options].concat(), self.rules);
        assert!(!output.status.success(), "an ill-typed argument was accepted");
        stderr(&output)
    }
}

/// Which of the texts in the sources are in this binary.
fn needles(binary: &[u8]) -> BTreeSet<String> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crates");
    let sources = ["eliminated/src/program.rs", "noisy/src/lib.rs"]
        .map(|path| fs::read_to_string(crates.join(path)).expect("a source"));
    let is_part = |c: char| c == '_' || c.is_ascii_lowercase();
    let words = sources.iter().flat_map(|text| text.split(|c| !is_part(c)));
    let known: BTreeSet<&str> = words.filter(|word| word.starts_with("needle_")).collect();
    assert!(known.len() > 20, "{known:?}");
    let starts: Vec<&[u8]> = (0..binary.len())
        .filter(|&at| binary[at..].starts_with(b"needle_"))
        .map(|at| &binary[at..])
        .collect();
    let is_there = |word: &&str| starts.iter().any(|start| start.starts_with(word.as_bytes()));
    known.into_iter().filter(is_there).map(str::to_owned).collect()
}

/// The needles of these lines: message and key.
fn lines(names: &[&str]) -> BTreeSet<String> {
    let both = |name: &&str| [format!("needle_{name}"), format!("needle_key_of_{name}")];
    names.iter().flat_map(both).collect()
}

const FUNCTIONS: [&str; 3] = ["subject", "subject_of_result", "subject_of_module"];
const BUT_THE_MODULES: &[&str] = &["subject", "subject_of_result"];

/// Every line that is removed, in `subject` and in the module.
const ALL: [&str; 10] = [
    "info",
    "debug",
    "trace",
    "try",
    "log",
    "many",
    "limited",
    "module_info",
    "module_warn",
    "kept",
];

/// Each way to remove the lines of `subject`, in a release build: its code is then the code of
/// the program that never had them.
#[test]
fn a_release_build_is_left_with_nothing_of_a_removed_line() {
    let without = Build::default().program("without");
    assert_eq!(without.printed, "evaluated 0 noisy 1 dynamic 1");

    let all = Build::default().program("with");
    let found = &all.needles;
    assert!(lines(&ALL).is_subset(found) && lines(&["noisy"]).is_subset(found), "{found:?}");
    assert_ne!(all.printed, without.printed);
    for function in FUNCTIONS {
        assert_ne!(
            instructions(&all.assembly, function),
            instructions(&without.assembly, function)
        );
    }

    let by = |features, rules| Build { debug: false, features, rules };
    // (how, functions without a trace, lines that stay, what is evaluated)
    let ways: [(Build, &[&str], &[&str], &str); 6] = [
        (
            by(&[], Some("warn,noisy=off")),
            BUT_THE_MODULES,
            &["module_warn", "kept"],
            "evaluated 1 noisy 0 dynamic 0",
        ),
        (
            by(&[], Some("with=off,with::program::module=error")),
            &FUNCTIONS,
            &["noisy"],
            "evaluated 0 noisy 1 dynamic 0",
        ),
        (
            by(&[], Some("with=warn,with::program::module=info")),
            BUT_THE_MODULES,
            &["module_info", "module_warn", "kept", "noisy"],
            "evaluated 2 noisy 1 dynamic 0",
        ),
        (by(&[], Some("off")), &FUNCTIONS, &[], "evaluated 0 noisy 0 dynamic 0"),
        (
            by(&["nexlog/max_level_warn"], None),
            BUT_THE_MODULES,
            &["module_warn", "kept", "noisy"],
            "evaluated 1 noisy 1 dynamic 0",
        ),
        (
            by(&["nexlog/release_max_level_off"], None),
            &FUNCTIONS,
            &[],
            "evaluated 0 noisy 0 dynamic 0",
        ),
    ];
    for (build, functions, stay, printed) in ways {
        let name = build.listing("with");
        let program = build.program("with");
        for function in functions {
            assert_eq!(
                instructions(&program.assembly, function),
                instructions(&without.assembly, function),
                "{function} of {name}"
            );
        }
        assert_eq!(program.needles, lines(stay), "{name}");
        assert_eq!(program.printed, printed, "{name}");
    }
}

/// The same of strings and arguments without optimisation, and the mistakes that remain.
#[test]
fn a_debug_build_keeps_no_string_and_a_removed_line_still_type_checks() {
    let by = |features, rules| Build { debug: true, features, rules };
    // The ceiling of release builds is none of a debug build's, and the strictest wins.
    let ceilings =
        &["nexlog/release_max_level_off", "nexlog/max_level_error", "nexlog/max_level_trace"];
    let ways: [(Build, &[&str]); 3] = [
        (by(&[], Some("off")), &[]),
        (by(ceilings, None), &["kept", "noisy"]),
        (by(ceilings, Some("trace,noisy=off")), &["kept"]),
    ];
    for (build, stay) in ways {
        let name = build.listing("with");
        let program = build.program("with");
        assert_eq!(program.needles, lines(stay), "{name}");
        assert!(program.printed.starts_with("evaluated 0 "), "{name}: {}", program.printed);
        let complaint = build.complaint();
        let expected = "`Cell<{integer}>` cannot be logged as a typed value";
        assert!(complaint.contains(expected), "{complaint}");
    }

    a_change_of_the_variable_rebuilds_the_crates_with_call_sites();
    a_typo_is_one_error_in_each_crate();
}

/// Crates of ours that cargo called `Fresh` or `Dirty`.
fn told(output: &Output, word: &str) -> BTreeSet<String> {
    let text = stderr(output);
    let names = text.lines().filter_map(|line| line.trim_start().strip_prefix(word));
    names
        .filter(|rest| rest.contains("(/") || rest.contains(":\\"))
        .filter_map(|rest| rest.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

fn a_change_of_the_variable_rebuilds_the_crates_with_call_sites() {
    let build = |rules| {
        let output = cargo(&["build", "-v", "--package", "eliminated", "--bin", "with"], rules);
        assert!(output.status.success(), "{}", stderr(&output));
        output
    };
    let with_sites = BTreeSet::from(["noisy", "eliminated"].map(str::to_owned));
    let without_sites = BTreeSet::from(
        ["nexlog", "nexlog-macros", "nexlog-runtime", "siteless"].map(str::to_owned),
    );
    build(None);
    for rules in [Some("info"), Some("info,noisy=off"), None] {
        let changed = build(rules);
        assert_eq!(told(&changed, "Dirty "), with_sites, "{}", stderr(&changed));
        assert_eq!(told(&changed, "Fresh "), without_sites, "{}", stderr(&changed));
        let reason = "Dirty noisy v0.0.0";
        let line = stderr(&changed);
        let line = line.lines().find(|line| line.contains(reason)).expect(reason);
        assert!(line.ends_with("the environment variable NEXLOG_STATIC changed"), "{line}");
        assert_eq!(told(&build(rules), "Dirty "), BTreeSet::new());
    }
}

fn a_typo_is_one_error_in_each_crate() {
    let packages = ["build", "--keep-going", "--package", "noisy", "--package", "removed"];
    let typo = cargo(&packages, Some("inof"));
    let text = stderr(&typo);
    assert!(!typo.status.success());
    assert_eq!(text.matches("error: NEXLOG_STATIC: `inof` is not a level").count(), 2, "{text}");
    for name in ["noisy", "removed"] {
        let bare = format!("could not compile `{name}`");
        assert!(text.lines().any(|line| line.contains(&bare) && line.contains("1 previous error")));
    }
}

/// The face hands each ceiling on to the runtime and to the macros, by the same name.
#[test]
fn every_ceiling_is_handed_on() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("nexlog/Cargo.toml");
    let manifest = fs::read_to_string(manifest).expect("a manifest");
    let levels = ["off", "critical", "error", "warn", "info", "debug", "trace"];
    for level in levels {
        for prefix in ["max_level_", "release_max_level_"] {
            let name = format!("{prefix}{level}");
            let line = format!("{name} = [\"nexlog-runtime/{name}\", \"nexlog-macros/{name}\"]");
            assert!(manifest.lines().any(|known| known == line), "{line}");
        }
    }
}
