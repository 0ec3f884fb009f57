//! A function whose span is removed while compiling is its own body: the same machine code, the
//! same future, nothing of nexlog; and what its attribute says still type-checks.
//!
//! The program is `tests/crates/instrumented`, built as `with` and as `without` the attributes.

#[path = "support/assembly.rs"]
mod assembly;
#[path = "support/crates.rs"]
mod crates;

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};
use std::{env, fs};

use assembly::instructions;
use crates::stderr;

const FUNCTIONS: [&str; 8] =
    ["sum", "total", "checked", "tree", "of_await", "of_return", "of_box", "of_module"];

/// How a program is built.
#[derive(Clone, Copy)]
struct Build {
    debug: bool,
    features: &'static str,
    rules: Option<&'static str>,
}

/// What came out.
struct Program {
    assembly: String,
    binary: Vec<u8>,
    /// The sizes of the futures.
    sizes: Vec<usize>,
}

/// All builds are in one folder, where the next one replaces the program.
static BUILDING: Mutex<()> = Mutex::new(());

fn target_dir() -> PathBuf {
    crates::target_dir("instrument_static")
}

fn cargo(arguments: &[&str], rules: Option<&str>) -> Output {
    crates::cargo(&target_dir(), arguments, rules)
}

impl Build {
    fn program(&self, name: &str) -> Program {
        let _alone = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
        let (profile, folder) = if self.debug { ("dev", "debug") } else { ("release", "release") };
        let (features, rules) = (self.features.replace('/', "-"), self.rules.unwrap_or("none"));
        let rules = rules.replace([',', ':', '='], "-");
        let listing = target_dir().join(format!("{name}.{profile}.{features}.{rules}.s"));
        let emit = format!("--emit=asm={}", listing.display());
        let start = ["rustc", "--package", "instrumented", "--profile", profile, "--bin", name];
        let end = ["--features", self.features, "--", &emit, "-Ccodegen-units=1"];
        let output = cargo(&[&start[..], &end].concat(), self.rules);
        assert!(output.status.success(), "{}", stderr(&output));
        let path = target_dir().join(folder).join(format!("{name}{}", env::consts::EXE_SUFFIX));
        let run = Command::new(&path).env_remove("NEXLOG").output().expect("the program runs");
        assert!(run.status.success(), "{run:?}");
        let printed = String::from_utf8(run.stdout).expect("text");
        let sizes = printed.trim().trim_matches(['[', ']']).split(", ");
        Program {
            assembly: fs::read_to_string(listing).expect("a listing"),
            binary: fs::read(path).expect("a binary"),
            sizes: sizes.map(|size| size.parse().expect("a size")).collect(),
        }
    }
}

impl Program {
    fn has(&self, text: &str) -> bool {
        self.binary.windows(text.len()).any(|part| part == text.as_bytes())
    }

    /// The functions whose code is not that of `other`.
    fn differing(&self, other: &Program) -> Vec<&'static str> {
        let code = |program: &Program, name| instructions(&program.assembly, name);
        FUNCTIONS.into_iter().filter(|name| code(self, name) != code(other, name)).collect()
    }
}

const NEEDLES: [&str; 4] = ["needle_sum", "needle_target", "needle_key", "needle_of_total"];

#[test]
fn a_release_build_is_left_with_the_bodies_alone() {
    let by = |features, rules| Build { debug: false, features, rules };
    let without = by("", None).program("without");
    let all = by("", None).program("with");
    assert_eq!(all.differing(&without), FUNCTIONS, "every attribute does something");
    assert!(NEEDLES.iter().all(|needle| all.has(needle)));
    for build in [
        by("nexlog/release_max_level_info", None),
        by("nexlog/max_level_warn", None),
        by("nexlog/release_max_level_off", None),
        by("", Some("info")),
        by("", Some("trace,with=off")),
    ] {
        let (features, rules) = (build.features, build.rules);
        let with = build.program("with");
        assert_eq!(with.differing(&without), [""; 0], "{features} {rules:?}");
        assert_eq!(with.sizes, without.sizes, "{features} {rules:?}");
        assert!(!with.assembly.contains("nexlog"), "{features} {rules:?}");
        assert!(!NEEDLES.iter().any(|needle| with.has(needle)), "{features} {rules:?}");
    }
}

/// A rule about modules is a constant: the code of plain functions is still that of their
/// bodies.
#[test]
fn a_rule_about_a_module_removes_its_spans() {
    let build = |rules| Build { debug: false, features: "", rules };
    let without = build(None).program("without");
    let with = build(Some("info,with::other=trace")).program("with");
    let awaits = ["of_await", "of_return", "of_box"];
    assert_eq!(with.differing(&without), awaits, "futures keep an empty span");
    assert!(!NEEDLES.iter().any(|needle| with.has(needle)));
    let with = build(Some("trace,with::program::module=info")).program("with");
    assert!(!with.differing(&without).contains(&"of_module"));
    assert!(with.differing(&without).contains(&"sum"));
}

#[test]
fn a_debug_build_goes_by_its_own_ceiling_and_fields_still_type_check() {
    let by = |features, rules| Build { debug: true, features, rules };
    let without = by("", None).program("without");
    let on = by("nexlog/release_max_level_off", None).program("with");
    assert!(NEEDLES.iter().all(|needle| on.has(needle)), "this build has debug assertions");
    assert_ne!(on.sizes, without.sizes);
    for build in [by("nexlog/max_level_info", None), by("", Some("info"))] {
        let off = build.program("with");
        assert_eq!(off.sizes, without.sizes);
        assert!(!NEEDLES.iter().any(|needle| off.has(needle)));
        let features = format!("ill-typed,{}", build.features);
        let ill = ["build", "--package", "instrumented", "--bin", "with", "--features", &features];
        let ill = cargo(&ill, build.rules);
        assert!(!ill.status.success(), "an ill-typed field was accepted");
        let expected = "`Cell<{integer}>` cannot be logged as a typed value";
        assert!(stderr(&ill).contains(expected), "{}", stderr(&ill));
    }
}

/// The variable is named also where nothing is left of the attributes.
#[test]
fn a_change_of_the_variable_rebuilds_what_has_attributes_only() {
    let build = |rules| {
        let arguments = ["build", "--package", "instrumented", "--bin", "with"];
        let output = cargo(&arguments, Some(rules));
        assert!(output.status.success(), "{}", stderr(&output));
        stderr(&output).contains("Compiling instrumented")
    };
    let _alone = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    build("off");
    assert!(!build("off"));
    assert!(build("trace"));
    assert!(build("off"));
}
