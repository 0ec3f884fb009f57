//! The filter against a naive reading of `env_logger`'s rule, and its error texts.

use proptest::prelude::*;

use super::{Filter, FilterProblem};
use crate::error::Error;
use crate::site::level::Level;

fn clean(text: &str) -> Filter {
    let (filter, problems) = Filter::parse(text);
    assert_eq!(problems, [], "{text}");
    filter
}

fn problem(text: &str) -> String {
    let (_, problems) = Filter::parse(text);
    assert_eq!(problems.len(), 1, "{text}: {problems:?}");
    problems[0].to_string()
}

#[test]
fn the_longest_name_that_starts_the_target_decides() {
    let filter = clean("warn,app=info,app::db=off,app::db::pool=trace");
    for (target, level, passes) in [
        ("other", Level::Warn, true),
        ("other", Level::Info, false),
        ("app::web", Level::Info, true),
        ("app::web", Level::Debug, false),
        ("app::db", Level::Critical, false),
        ("app::db::pool", Level::Trace, true),
        ("application", Level::Info, true), // a prefix of the text, as in env_logger
        ("ap", Level::Info, false),
    ] {
        assert_eq!(filter.enabled(target, level), passes, "{target} {level}");
    }
}

#[test]
fn directives_are_read_as_env_logger_reads_them() {
    for (text, canonical) in [
        ("", "info"),
        (" , ,", "info"),
        ("DEBUG", "debug"),
        ("my_app", "my_app=trace"),
        ("my_app=", "my_app=trace"),
        ("=debug", "debug"),
        (" info , my_app :: db = Warning ", "info"),
        ("off,a=crit,b=err", "off,a=critical,b=error"),
        ("a=debug,a=off", "a=off"),
        ("debug,error", "error"),
        ("b=info,a=info,warn", "warn,a=info,b=info"),
        ("info=debug", "info=debug"),
    ] {
        assert_eq!(Filter::parse(text).0.to_string(), canonical, "{text}");
    }
    assert_eq!(clean(" a = debug ,\tb\n").to_string(), "a=debug,b=trace");
}

#[test]
fn what_says_enough_is_no_problem() {
    for (text, canonical) in [
        (",,", "info"),
        (",warn,", "warn"),
        ("=debug", "debug"),
        (" = off", "off"),
        ("my_app=", "my_app=trace"),
        ("[pay]=", "[pay]=trace"),
    ] {
        assert_eq!(clean(text).to_string(), canonical, "{text}");
    }
}

#[test]
fn without_a_directive_for_it_a_target_is_off() {
    assert!(!clean("app=debug").enabled("other", Level::Critical));
}

#[test]
fn a_filter_with_nothing_left_in_it_passes_info() {
    for text in ["", ",,", "=", "app=debg", "/x", "[span]=debg"] {
        let filter = Filter::parse(text).0;
        assert!(filter.enabled("app", Level::Info), "{text}");
        assert!(!filter.enabled("app", Level::Debug), "{text}");
        assert_eq!(filter.floor(), Some(Level::Info), "{text}");
    }
}

#[test]
fn a_bad_directive_says_where_and_what_to_write() {
    for (text, says) in [
        (
            "info,db=debg",
            "filter directive `db=debg` at column 6: `debg` is not a level; did you mean `debug`?",
        ),
        (
            "ä, b=inof",
            "filter directive `b=inof` at column 4: `inof` is not a level; did you mean `info`?",
        ),
        (
            "a=5",
            "filter directive `a=5` at column 1: `5` is not a level; write one of off, trace, debug, info, warn, error, critical",
        ),
        (
            "=",
            "filter directive `=` at column 1: it has neither a name nor a level; write `name=level`, or a level alone for everything",
        ),
        (
            "warn,\t= ,a=debug",
            "filter directive `=` at column 7: it has neither a name nor a level; write `name=level`, or a level alone for everything",
        ),
        ("a==b", "filter directive `a==b` at column 1: it has two `=`; write `name=level`"),
        ("==", "filter directive `==` at column 1: it has two `=`; write `name=level`"),
        (
            "[]",
            "filter directive `[]` at column 1: the brackets are empty; write `[span]`, `[{key}]` or both",
        ),
        (
            "[{}]",
            "filter directive `[{}]` at column 1: the braces are empty; write `{key}` or `{key=value}`",
        ),
        (
            "[{=}]",
            "filter directive `[{=}]` at column 1: a field has no name; write `{key}` or `{key=value}`",
        ),
        ("a=b=info", "filter directive `a=b=info` at column 1: it has two `=`; write `name=level`"),
        (
            "info app=debug",
            "filter directive `info app=debug` at column 1: a name has no spaces; put commas between directives",
        ),
        (
            "info/paid",
            "filter directive `/paid` at column 5: a regex on messages (`/…`) is not supported; write `name=level`, `name` or `level`",
        ),
        (
            "warn,a[s{x=1",
            "filter directive `a[s{x=1` at column 6: `{` is never closed; write `name[span{key=value}]=level`",
        ),
        (
            "{user=7}",
            "filter directive `{user=7}` at column 1: fields stand inside brackets; write `[{key=value}]`",
        ),
        (
            "debg",
            "filter directive `debg` at column 1: it names a target; did you mean the level `debug`? else write `debg=trace`",
        ),
        (
            "WARNIN",
            "filter directive `WARNIN` at column 1: it names a target; did you mean the level `warn`? else write `WARNIN=trace`",
        ),
    ] {
        assert_eq!(problem(text), says);
    }
}

#[test]
fn the_rest_applies_beside_a_bad_directive() {
    for text in
        ["warn,x=levl,a=debug", "a=debug,warn,[s,", "a=debug,warn/re,a=off", "{,a=debug,warn"]
    {
        let (filter, problems) = Filter::parse(text);
        assert_eq!(problems.len(), 1, "{text}: {problems:?}");
        assert_eq!(filter.to_string(), "warn,a=debug", "{text}");
    }
}

#[test]
fn a_level_with_a_typo_neither_silences_the_program_nor_a_target_of_that_name() {
    let (filter, problems) = Filter::parse("warp,noisy=off");
    assert_eq!(problems.len(), 1);
    assert!(filter.enabled("warp::server", Level::Trace));
    assert!(filter.enabled("app", Level::Info));
    assert!(!filter.enabled("noisy", Level::Critical));
    assert_eq!(Filter::parse("inof,error").0.to_string(), "error,inof=trace");
    let mut earlier = clean("error");
    earlier.extend(Filter::parse("warp").0);
    assert_eq!(earlier.to_string(), "error,warp=trace");
    let mut earlier = clean("a=debug");
    earlier.extend(Filter::parse("warp").0);
    assert_eq!(earlier.to_string(), "info,a=debug,warp=trace");
}

#[test]
fn ordinary_names_raise_no_doubt() {
    for name in ["app", "io", "init", "crate", "main", "net", "db", "core", "my_app::debug"] {
        assert_eq!(clean(name).to_string(), format!("{name}=trace"));
    }
}

#[test]
fn hostile_text_cannot_act_on_the_terminal_that_shows_the_problem() {
    let text = problem(&format!("a=\u{1b}[2J\n{}", "x".repeat(5000)));
    assert!(!text.contains(char::is_control) && text.len() < 500, "{text}");
}

#[test]
fn later_directives_replace_those_of_the_same_name() {
    let mut filter = clean("info,a=off");
    filter.extend(clean("a=debug,b=trace"));
    filter.extend(Filter::default());
    assert_eq!(filter.to_string(), "info,a=debug,b=trace");
    filter.extend(Filter::from(Level::Error));
    assert_eq!(filter.to_string(), "error,a=debug,b=trace");
}

#[test]
fn the_floor_is_the_lowest_level_that_some_target_passes() {
    assert_eq!(clean("error,a=debug,b=off").floor(), Some(Level::Debug));
    assert_eq!(clean("off,b=off").floor(), None);
}

#[test]
fn strict_reading_refuses_a_filter_with_problems() {
    let error = "info,a=debg,b=wran".parse::<Filter>().unwrap_err();
    assert!(matches!(&error, Error::Filter { problems } if problems.len() == 2));
    assert!(error.to_string().contains("column 6") && error.to_string().contains("column 13"));
    assert_eq!("info".parse::<Filter>().unwrap(), Filter::from(Level::Info));
}

#[test]
fn a_problem_gives_its_parts() {
    let problems: Vec<FilterProblem> = Filter::parse("info, a=x").1;
    assert_eq!((problems[0].column(), problems[0].directive()), (7, "a=x"));
    assert!(problems[0].reason().starts_with("`x` is not a level"));
}

/// `env_logger`'s rule in the order of its words: of the directives whose name starts the
/// target the longest, of equal names the last.
fn naive(directives: &[(String, Option<Level>)], target: &str, level: Level) -> bool {
    let mut best: Option<&(String, Option<Level>)> = None;
    for directive in directives {
        let longer = best.is_none_or(|best| directive.0.len() >= best.0.len());
        if target.starts_with(&directive.0) && longer {
            best = Some(directive);
        }
    }
    best.is_some_and(|best| best.1.is_some_and(|lowest| level >= lowest))
}

fn name() -> impl Strategy<Value = String> {
    "(a|b|ab|a::b|a::b::c|app|xyz)?"
}

fn level() -> impl Strategy<Value = Option<Level>> {
    proptest::option::of(proptest::sample::select(Level::ALL.to_vec()))
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in "\\PC*|[a-z=,/\\[\\]{} ]{0,40}|.{0,40}") {
        let (filter, problems) = Filter::parse(&text);
        filter.enabled(&text, Level::Info);
        for problem in problems {
            prop_assert!(problem.column() >= 1);
            prop_assert!(text.chars().skip(problem.column() - 1).collect::<String>()
                .starts_with(problem.directive()));
        }
    }

    #[test]
    fn the_canonical_text_means_the_same(text in "[ab:=,ofdinet ]{0,40}", target in "[ab:]{0,6}") {
        let (filter, _) = Filter::parse(&text);
        let (again, problems) = Filter::parse(&filter.to_string());
        prop_assert!(problems.is_empty(), "{}: {:?}", filter, problems);
        for level in Level::ALL {
            prop_assert_eq!(filter.enabled(&target, level), again.enabled(&target, level));
        }
    }

    #[test]
    fn answers_are_those_of_the_naive_rule(
        directives in proptest::collection::vec((name(), level()), 1..8),
        target in "(a|b|ab|a::b|a::b::c::d|app::x|xyz|q)",
    ) {
        let text: Vec<String> = directives.iter().map(|(name, level)| {
            let level = level.map_or("off".to_owned(), |level| level.to_string());
            if name.is_empty() { level } else { format!("{name}={level}") }
        }).collect();
        let filter = clean(&text.join(","));
        for level in Level::ALL {
            prop_assert_eq!(filter.enabled(&target, level), naive(&directives, &target, level));
            if filter.enabled(&target, level) {
                prop_assert!(filter.floor().is_some_and(|floor| floor <= level));
            }
        }
    }
}
