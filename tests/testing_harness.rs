//! `cargo test` on a crate whose tests log: what is shown of those that pass and fail.

#[path = "support/crates.rs"]
mod crates;

use std::process::Output;

const FAILING: [&str; 10] = [
    "sync_fails",
    "filter_fails",
    "result_fails",
    "async_alone_fails",
    "above_tokio_fails",
    "below_tokio_fails",
    "threads_of_tokio_fail",
    "above_test_fails",
    "captures_fail",
    "init_fails",
];

fn cargo_test(more: &[&str]) -> String {
    let target = crates::target_dir("harness");
    let mut arguments = vec!["test", "-p", "harness", "--tests", "--no-fail-fast"];
    arguments.extend(more);
    let output: Output = crates::cargo(&target, &arguments, None);
    assert_eq!(output.status.code(), Some(101), "{}", crates::stderr(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What is shown of one test's output.
fn section<'a>(shown: &'a str, test: &str) -> &'a str {
    let start = shown.split("---- ").find(|part| {
        part.lines().next().is_some_and(|head| head.ends_with(&format!("{test} stdout ----")))
    });
    start.unwrap_or_else(|| panic!("nothing is shown of {test}:\n{shown}"))
}

#[test]
fn records_of_failing_tests_are_shown_and_those_of_passing_ones_are_not() {
    let shown = cargo_test(&[]);
    for test in FAILING {
        let name = format!("by {test}");
        let of_thread = format!("of {test}");
        let section = section(&shown, test);
        assert!(section.contains(&name) || section.contains(&of_thread), "{section}");
        let runs = shown.matches(&format!("{test} ... FAILED")).count();
        assert_eq!(runs, 1, "{test} runs once:\n{shown}");
    }
    for test in ["sync_passes", "result_passes", "should_panic_passes", "init_passes"] {
        assert!(shown.contains(test), "{test} runs");
        assert!(!shown.contains(&format!("said by {test}")), "{test} is shown:\n{shown}");
    }
    for text in ["not wanted", "too low by default", "said in vain"] {
        assert!(!shown.contains(text), "{text}: {shown}");
    }
    assert!(shown.contains("wanted by filter_fails") && shown.contains("1 ignored"), "{shown}");
    let sync = section(&shown, "sync_fails");
    assert!(sync.contains("order_id=7") && sync.contains("said by a thread of sync_fails"));
    assert_eq!(sync.matches("said by sync_fails").count(), 1, "once: {sync}");
    let init = section(&shown, "init_fails");
    assert!(init.contains("said by init_fails") && init.contains("a thread of init_fails"));
    let others =
        init.lines().filter(|line| line.contains("said by") && !line.contains("init_fails"));
    assert_eq!(others.count(), 0, "records of other tests: {init}");
}

#[test]
fn without_capture_all_is_shown_as_it_is_made() {
    let shown = cargo_test(&["--", "--nocapture"]);
    for test in ["sync_passes", "init_passes", "sync_fails", "should_panic_passes"] {
        assert!(shown.contains(&format!("said by {test}")), "{test}:\n{shown}");
    }
}
