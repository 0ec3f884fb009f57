//! Filters mean what they mean to `env_logger`: the same answers as the crate `env_filter` gives.

use nexlog::{Filter, Level};
use proptest::prelude::*;

const LEVELS: [(log::Level, Level); 5] = [
    (log::Level::Trace, Level::Trace),
    (log::Level::Debug, Level::Debug),
    (log::Level::Info, Level::Info),
    (log::Level::Warn, Level::Warn),
    (log::Level::Error, Level::Error),
];

fn level() -> impl Strategy<Value = String> {
    const WORDS: [&str; 9] =
        ["off", "trace", "debug", "info", "warn", "error", "OFF", "Info", "wArN"];
    prop::sample::select(&WORDS[..]).prop_map(str::to_owned)
}

/// Names that begin like one another, and such that hold what might be taken for something else.
fn name() -> impl Strategy<Value = String> {
    let part = prop::sample::select(&["a", "ab", "app", "app-x", "日本", "v1", "b_", "A"][..]);
    prop::collection::vec(part, 1..4).prop_map(|parts| parts.join("::"))
}

fn space() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&["", "", "", " ", "\t ", "\n"][..])
}

/// A directive, or nothing between two commas. `everything` is in front of a level that is about
/// all targets: both spellings in one text are two directives to `env_logger`, and one to us.
fn directive(everything: &'static str) -> impl Strategy<Value = String> {
    let everything = Just(everything);
    let stated = prop_oneof![
        4 => (name(), level()).prop_map(|(name, level)| format!("{name}={level}")),
        2 => (everything, level()).prop_map(|(equals, level)| format!("{equals}{level}")),
        1 => name(),
        1 => name().prop_map(|name| format!("{name}=")),
        1 => (name(), level()).prop_map(|(name, level)| format!("{name}= {level}")),
        1 => Just(String::new()),
    ];
    (space(), stated, space()).prop_map(|(before, text, behind)| format!("{before}{text}{behind}"))
}

fn answers(text: &str, targets: &[String]) -> (Vec<bool>, Vec<bool>) {
    let theirs = env_filter::Builder::new().try_parse(text).unwrap().build();
    let (ours, problems) = Filter::parse(text);
    assert_eq!(problems, [], "{text}");
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for target in targets {
        for (log, level) in LEVELS {
            let metadata = log::Metadata::builder().level(log).target(target).build();
            left.push(theirs.enabled(&metadata));
            right.push(ours.enabled(target, level));
        }
    }
    (left, right)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6_000))]

    #[test]
    fn every_text_gets_the_answers_of_env_logger(
        directives in prop_oneof![
            prop::collection::vec(directive(""), 1..7),
            prop::collection::vec(directive("="), 1..7),
        ],
        targets in prop::collection::vec(name(), 1..5),
    ) {
        let text = directives.join(",");
        // Without a directive env_logger is at `error`, we are at `info`.
        prop_assume!(directives.iter().any(|directive| !directive.trim().is_empty()));
        let (theirs, ours) = answers(&text, &targets);
        prop_assert_eq!(theirs, ours, "{:?} for {:?}", text, targets);
    }

    /// Whatever the text: no panic, and a problem points to where its directive is.
    #[test]
    fn a_problem_points_to_its_directive(text in r#"[a-z\[\]{}=,/"\\ *;é0-9\n]{0,40}"#) {
        let (filter, problems) = Filter::parse(&text);
        for problem in &problems {
            let behind: String = text.chars().skip(problem.column() - 1).collect();
            prop_assert!(behind.starts_with(problem.directive()), "{problem:?} in {text:?}");
            prop_assert!(!problem.to_string().contains('\n'));
        }
        let again = Filter::parse(&filter.to_string());
        prop_assert_eq!(again.1, [], "{}", filter);
        prop_assert_eq!(again.0.to_string(), filter.to_string());
    }
}

#[test]
fn where_we_differ_from_env_logger() {
    // Nothing said: `info` instead of `error`.
    assert!(Filter::parse("").0.enabled("a", Level::Info));
    // A typo does not silence the rest.
    let (filter, problems) = Filter::parse("inof,db=debug");
    assert!(filter.enabled("shop", Level::Info) && filter.enabled("db", Level::Debug));
    assert!(problems[0].to_string().contains("column 1"), "{}", problems[0]);
    assert!(problems[0].to_string().contains("did you mean the level `info`"), "{}", problems[0]);
    // A pattern on messages is refused by name, as are patterns of names.
    assert!(Filter::parse("info/a.*b").1[0].reason().contains("regex"));
    let (filter, problems) = Filter::parse("warn,db*=debug,*=trace");
    assert_eq!((filter.to_string().as_str(), problems.len()), ("warn", 2));
    assert!(problems[1].reason().contains("a level alone for all of them"), "{}", problems[1]);
    // More names of levels.
    assert_eq!(
        "warning,a=err,b=crit".parse::<Filter>().unwrap().to_string(),
        "warn,a=error,b=critical"
    );
}
