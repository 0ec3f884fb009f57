//! What the macros leave in a user's crate: nothing that warns, in any edition and under any
//! name of the dependency; and nothing at all below the level of `NEXLOG_STATIC`.
//!
//! The crates are in `tests/crates`, a workspace of its own that denies every warning.

#[path = "support/crates.rs"]
mod crates;

use std::path::PathBuf;
use std::process::{Command, Output};

use crates::stderr;

fn target_dir() -> PathBuf {
    crates::target_dir("expansion")
}

fn cargo(arguments: &[&str], rules: Option<&str>) -> Output {
    crates::cargo(&target_dir(), arguments, rules)
}

#[test]
fn no_edition_no_other_name_and_no_re_export_warns() {
    let clippy = cargo(&["clippy", "--version"], None);
    let tool: &[&str] = if clippy.status.success() { &["clippy", "--no-deps"] } else { &["check"] };
    let checked = cargo(&[tool, &["--workspace", "--keep-going"]].concat(), None);
    assert!(checked.status.success(), "{}", stderr(&checked));
    // Also where everything is off: what only a log line uses is used.
    let off = cargo(&[tool, &["--workspace", "--keep-going"]].concat(), Some("off"));
    assert!(off.status.success(), "{}", stderr(&off));
    let off = ["--package", "strict-2024", "--features", "nexlog/max_level_off"];
    let off = cargo(&[tool, &off].concat(), None);
    assert!(off.status.success(), "{}", stderr(&off));
}

/// The messages in the binary, and how many arguments were evaluated.
fn built(rules: Option<&str>) -> (Vec<&'static str>, i32) {
    let output = cargo(&["build", "--package", "removed"], rules);
    assert!(output.status.success(), "{}", stderr(&output));
    let program = target_dir().join("debug/removed");
    let binary = std::fs::read(&program).unwrap();
    let contains = |text: &&str| binary.windows(text.len()).any(|part| part == text.as_bytes());
    let needles = [
        "needle_db_debug",
        "needle_db_info",
        "needle_root_debug",
        "needle_root_info",
        "needle_root_critical",
        "needle_root_dynamic",
    ];
    let run = Command::new(&program).env_remove("NEXLOG").env_remove("RUST_LOG").output().unwrap();
    (needles.into_iter().filter(contains).collect(), run.status.code().unwrap())
}

/// One build directory throughout: only the variable changes, so this is also the test that a
/// change rebuilds.
#[test]
fn nexlog_static_leaves_no_string_and_evaluates_nothing() {
    let (all, evaluated) = built(None);
    assert_eq!(all.len(), 6);
    assert!(evaluated > 0, "arguments of wanted records are evaluated");

    let (some, evaluated) = built(Some("info,removed::db=off"));
    assert_eq!(some, ["needle_root_info", "needle_root_critical", "needle_root_dynamic"]);
    assert_eq!(evaluated, 0);

    let (none, _) = built(Some("off,removed::other=trace"));
    assert_eq!(none, [""; 0]);

    let (of_module, _) = built(Some("removed=off,removed::db=info"));
    assert_eq!(of_module, ["needle_db_info"]);

    let (of_crate, _) = built(Some("trace,removed=critical"));
    assert_eq!(of_crate, ["needle_root_critical", "needle_root_dynamic"]);

    let (all_again, _) = built(None);
    assert_eq!(all_again.len(), 6);

    let typo = cargo(&["build", "--package", "removed"], Some("inof,removed::db=trace"));
    let stderr = stderr(&typo);
    assert!(!typo.status.success());
    assert_eq!(
        stderr.matches("error: NEXLOG_STATIC: `inof` is not a level").count(),
        1,
        "{stderr}"
    );
    assert_eq!(stderr.matches("\nerror: ").count(), 2, "one error, and cargo's own: {stderr}");
}

#[test]
fn a_marker_without_its_feature_names_the_feature() {
    let output = cargo(&["check", "--package", "renamed", "--features", "needs_serde"], None);
    let stderr = stderr(&output);
    assert!(!output.status.success());
    assert!(stderr.contains("`serde(…)` needs the feature `serde` of nexlog"), "{stderr}");
    assert!(stderr.contains("info!(\"paid\", id = serde(&id));"), "{stderr}");
}
