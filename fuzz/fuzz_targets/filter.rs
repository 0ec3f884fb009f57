//! Any text as a filter: what is understood of it is said again in words that mean the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nexlog::{Filter, Level};

const LEVELS: [Level; 6] =
    [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Critical];

fuzz_target!(|text: &str| {
    let (filter, problems) = Filter::parse(text);
    problems.iter().for_each(|problem| _ = problem.to_string());
    let shown = filter.to_string();
    let (again, more_problems) = Filter::parse(&shown);
    assert!(more_problems.is_empty(), "{shown:?}: {}", more_problems[0]);
    assert_eq!(again.to_string(), shown);
    assert_eq!(again, Filter::parse(&again.to_string()).0, "{shown:?}");
    let parts = text.split([',', '=', '[', '/']).map(str::trim);
    for target in parts.take(20).chain(["", "app::db"]) {
        for level in LEVELS {
            let (first, second) = (filter.enabled(target, level), again.enabled(target, level));
            assert_eq!(first, second, "{text:?} and {shown:?} of {target:?} at {level}");
        }
    }
});
