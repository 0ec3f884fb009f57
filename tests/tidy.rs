//! What documents say of the tree is true.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All files with this ending below a folder.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|e| e == ending) {
            found.push(path);
        }
    }
    found
}

#[test]
fn each_guarantee_names_a_test_that_exists() {
    let text = read("GUARANTEES.md");
    let named: Vec<_> =
        text.split('`').skip(1).step_by(2).filter_map(|code| code.split_once(": ")).collect();
    assert!(named.len() > 40, "{} tests are named", named.len());
    for (file, test) in named {
        if (file, test) == ("file", "test") {
            continue; // the page explains its own spelling
        }
        let has_ending = Path::new(file).extension().is_some();
        let path = if has_ending { file.to_owned() } else { format!("tests/{file}.rs") };
        let source = read(&path);
        let is_there =
            source.contains(&format!("fn {test}(")) || source.contains(&format!("{test} => "));
        assert!(is_there, "{path} has no test {test}");
    }
}

#[test]
fn unsafe_is_where_the_architecture_says() {
    let allowed = [
        "context/",
        "lane/",
        "value/mod.rs",
        "value/scalars.rs",
        "value/wire.rs",
        "value/writer.rs",
        "sys/",
        "registry.rs",
        "site/callsite.rs",
        "pipeline/state.rs",
        "pipeline/fork.rs",
        "pipeline/worker.rs",
        "record.rs", // its tests build records
    ];
    let source = root().join("nexlog-runtime/src");
    for file in files(&source, "rs") {
        let name = file.strip_prefix(&source).unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&file).unwrap();
        let has_unsafe = text.lines().any(|line| {
            let code = line.split("//").next().unwrap_or("");
            code.contains("unsafe ") || code.contains("unsafe{")
        });
        let is_allowed = allowed.iter().any(|place| name.starts_with(place));
        assert!(!has_unsafe || is_allowed, "unsafe code in {name}");
    }
}

#[test]
fn the_architecture_page_is_short_and_names_folders_that_exist() {
    let text = read("ARCHITECTURE.md");
    assert!(text.lines().count() <= 200);
    for folder in ["site", "value", "context", "lane", "pipeline", "format", "sink"] {
        assert!(text.contains(&format!("{folder}/")), "{folder} is not described");
        assert!(root().join("nexlog-runtime/src").join(folder).is_dir(), "{folder} is gone");
    }
}

/// What a test's harness captures is what `print!` says and nothing else; only tests ask for it.
const PRINTS_FOR_TESTS: &str = "nexlog-runtime/src/testing/print.rs";

#[test]
fn libraries_print_nothing() {
    for folder in ["nexlog/src", "nexlog-runtime/src", "nexlog-macros/src"] {
        for file in files(&root().join(folder), "rs") {
            let text = fs::read_to_string(&file).unwrap();
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            let prints = code.into_iter().any(|l| l.contains("println!(") || l.contains("print!("));
            let is_for_tests = file.ends_with(PRINTS_FOR_TESTS);
            assert_eq!(prints, is_for_tests, "{} prints", file.display());
        }
    }
}
