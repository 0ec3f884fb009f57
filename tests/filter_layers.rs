//! Filters that come and go: pushed, set, from a watched file; and which directive decides.

mod support;

use nexlog::{
    Console, Error, FilterSource, Json, Level, Logger, Memory, Mode, debug, explain, info, trace,
    warn,
};
use std::time::Duration;
use support::child::{self, told};
use support::{Folder, MODES, PATIENCE, lines, mode, wait_until};

support::child::harness! {
    tests: [
        a_pushed_filter_adds_until_it_is_dropped_in_any_order,
        a_pushed_filter_leaves_everything_else_as_it_is,
        setting_a_filter_leaves_what_is_pushed,
        call_sites_follow_what_is_pushed,
        a_bad_directive_pushes_and_sets_nothing,
        a_watched_file_is_followed_in_every_mode,
        a_file_with_a_mistake_changes_nothing_and_is_told_once,
        whichever_of_file_and_set_filter_comes_last_counts,
        an_explanation_names_directive_source_and_column,
        an_explanation_names_the_environment,
        an_explanation_looks_at_spans_and_sinks,
        without_a_logger_there_is_nothing_to_push_to,
    ],
    scenes: [followed, mistaken, environment, sites, without],
}

fn logger(filter: &str) -> Logger {
    nexlog::builder().filter(filter).sink(Memory::new()).build().unwrap()
}

fn passes(logger: &Logger, target: &str, level: Level) -> bool {
    nexlog::enabled!(level, target(target), logger(logger))
}

fn a_pushed_filter_adds_until_it_is_dropped_in_any_order() {
    let logger = logger("info");
    let answers = |expected: [bool; 3]| {
        let answer = ["a::x", "b", "c"].map(|target| passes(&logger, target, Level::Debug));
        assert_eq!(answer, expected);
    };
    answers([false, false, false]);
    let first = logger.push_filter("a=debug,b=debug").unwrap();
    answers([true, true, false]);
    let second = logger.push_filter("b=warn,c=trace").unwrap();
    answers([true, false, true]);
    drop(first);
    answers([false, false, true]);
    assert!(!passes(&logger, "b", Level::Info));
    drop(second);
    answers([false, false, false]);
    assert!(passes(&logger, "b", Level::Info));
}

fn a_pushed_filter_leaves_everything_else_as_it_is() {
    let logger = logger("");
    let _pushed = logger.push_filter("db=trace").unwrap();
    assert!(passes(&logger, "db", Level::Trace));
    assert!(passes(&logger, "shop", Level::Info) && !passes(&logger, "shop", Level::Debug));
}

fn setting_a_filter_leaves_what_is_pushed() {
    let logger = logger("info");
    let pushed = logger.push_filter("db=trace").unwrap();
    logger.set_filter("error").unwrap();
    assert!(passes(&logger, "db", Level::Trace) && !passes(&logger, "shop", Level::Warn));
    drop(pushed);
    assert!(!passes(&logger, "db", Level::Warn) && passes(&logger, "db", Level::Error));
}

fn sites() {
    let memory = Memory::new();
    let logger = nexlog::builder().filter("info").sink(memory.clone()).install().unwrap();
    let call = |number: u32| {
        debug!("low", number);
        info!("high", number);
    };
    call(0);
    let pushed = nexlog::push_filter("filter_layers=debug").unwrap();
    call(1);
    drop(pushed);
    call(2);
    logger.flush(PATIENCE).unwrap();
    let records = lines::parse(&memory.lines());
    assert_eq!(lines::messages(&records), ["high", "low", "high", "high"]);
    assert_eq!(records[1]["number"], 1);
}

fn call_sites_follow_what_is_pushed() {
    child::run("sites", &[]).expect_success();
}

fn a_bad_directive_pushes_and_sets_nothing() {
    let logger = logger("info");
    for text in ["db=debg", "a=trace,[pay"] {
        let error = logger.push_filter(text).unwrap_err();
        assert!(matches!(error, Error::Filter { .. }), "{error}");
        assert!(matches!(logger.set_filter(text), Err(Error::Filter { .. })));
        assert!(matches!(nexlog::push_filter(text), Err(Error::Filter { .. })));
    }
    assert!(!passes(&logger, "a", Level::Trace) && passes(&logger, "a", Level::Info));
}

fn followed() {
    let file = told("FILE");
    let builder = nexlog::builder().filter("warn").filter_file(&file).mode(mode(&told("MODE")));
    let logger = builder.sink(Memory::new()).install().unwrap();
    let is = |level: Level| explain("db::pool", level).is_enabled();
    assert!(!is(Level::Info), "nothing said yet");
    // Nothing is logged meanwhile: who looks must not wait for records.
    std::fs::write(&file, "# while we look\nshop=info\ndb=debug # the pool\n\n").unwrap();
    wait_until("the file to be read", || is(Level::Debug));
    assert!(!is(Level::Trace) && explain("shop", Level::Info).is_enabled());
    assert!(!explain("web", Level::Info).is_enabled(), "the builder's filter still holds");
    // As long as before, and within the same second.
    std::fs::write(&file, "# while we look\nshop=info\ndb=trace # the pool\n\n").unwrap();
    wait_until("the change to be read", || is(Level::Trace));
    let text = explain("db", Level::Trace).to_string();
    assert!(text.contains("`db=trace` at column 11 of the file `"), "{text}");
    std::fs::remove_file(&file).unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    assert!(is(Level::Trace), "what it said last stays");
    drop(logger);
}

fn a_watched_file_is_followed_in_every_mode() {
    for (name, _) in MODES {
        let folder = Folder::new();
        let file = folder.file("filter");
        let variables = [("FILE", file.to_str().unwrap()), ("MODE", name)];
        let outcome = child::run("followed", &variables).expect_success();
        assert_eq!(outcome.stderr, "", "{name}");
    }
}

fn mistaken() {
    let file = told("FILE");
    std::fs::write(&file, "db=debug,shop=debg").unwrap();
    let _logger = nexlog::builder().filter("warn").filter_file(&file).sink(Memory::new()).install();
    let is = |target: &str| explain(target, Level::Debug).is_enabled();
    assert!(is("db") && !is("shop"), "at the start, the rest applies");
    std::fs::write(&file, "db=info,web=debug,shop=dbug").unwrap();
    std::thread::sleep(Duration::from_millis(3500));
    assert!(is("db") && !is("web"), "a mistake changes nothing");
    std::fs::write(&file, "web=debug").unwrap();
    wait_until("the mended file to be read", || is("web"));
    assert!(!is("db"));
}

fn a_file_with_a_mistake_changes_nothing_and_is_told_once() {
    let folder = Folder::new();
    let file = folder.file("filter");
    let outcome = child::run("mistaken", &[("FILE", file.to_str().unwrap())]).expect_success();
    let told: Vec<_> = outcome.stderr.lines().collect();
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(
        told[0].contains("`shop=debg` at column 10") && told[0].contains("`debug`"),
        "{told:#?}"
    );
    assert!(told[1].contains("`shop=dbug` at column 19"), "{told:#?}");
    assert!(told.iter().all(|line| line.contains(file.to_str().unwrap())), "{told:#?}");
}

fn whichever_of_file_and_set_filter_comes_last_counts() {
    let folder = Folder::new();
    let file = folder.file("filter");
    std::fs::write(&file, "a=debug").unwrap();
    let builder = nexlog::builder().filter("warn").filter_file(&file);
    let logger = builder.sink(Memory::new()).build().unwrap();
    let is = |target: &str| passes(&logger, target, Level::Debug);
    assert!(is("a") && !is("b"));
    logger.set_filter("b=debug").unwrap();
    assert!(!is("a") && is("b"));
    std::thread::sleep(Duration::from_millis(1300));
    assert!(!is("a") && is("b"), "a file that has not changed says nothing new");
    std::fs::write(&file, "a=trace").unwrap();
    wait_until("the file to be read", || is("a"));
    assert!(!is("b") && passes(&logger, "b", Level::Warn));
}

fn an_explanation_names_directive_source_and_column() {
    let logger = logger("warn, a::b = debug ,a=info");
    let is = |target: &str, level: Level| {
        let it = logger.explain(target, level);
        let directive = it.directive().map(str::to_owned);
        (it.is_enabled(), directive, it.source().cloned(), it.column())
    };
    let builder = |directive: &str, column: usize| {
        (Some(directive.to_owned()), Some(FilterSource::Builder), Some(column))
    };
    let with =
        |is_enabled: bool, (directive, source, column)| (is_enabled, directive, source, column);
    assert_eq!(is("x", Level::Warn), with(true, builder("warn", 1)));
    assert_eq!(is("x", Level::Info), with(false, builder("warn", 1)));
    assert_eq!(is("a::b::c", Level::Debug), with(true, builder("a::b=debug", 7)));
    assert_eq!(is("a", Level::Info), with(true, builder("a=info", 21)));
    let pushed = logger.push_filter("b=trace").unwrap();
    assert_eq!(is("b", Level::Trace).2, Some(FilterSource::Pushed));
    drop(pushed);
    logger.set_filter("b=trace").unwrap();
    assert_eq!(is("b", Level::Trace).2, Some(FilterSource::Set));
    assert_eq!(is("a", Level::Critical), (false, None, None, None));
    let text = logger.explain("a", Level::Critical).to_string();
    assert_eq!(text, "CRITICAL of `a` does not pass: no directive is about it");
    let text = self::logger("").explain("a", Level::Info).to_string();
    assert_eq!(text, "INFO of `a` passes: nothing else is said, so all from INFO on passes");
}

fn environment() {
    let builder = nexlog::builder().filter("warn").filter_env("SHOP_LOG").filter("b=debug");
    let _logger = builder.sink(Memory::new()).install().unwrap();
    eprintln!("{}", explain("a", Level::Debug));
    eprintln!("{}", explain("b", Level::Debug));
    eprintln!("{}", explain("c", Level::Error));
}

fn an_explanation_names_the_environment() {
    let outcome = child::run("environment", &[("SHOP_LOG", "info,a=debug")]).expect_success();
    let expected = "DEBUG of `a` passes: `a=debug` at column 6 of the variable `SHOP_LOG`\n\
                    DEBUG of `b` passes: `b=debug` at column 1 of the builder's filter\n\
                    ERROR of `c` passes: `info` at column 1 of the variable `SHOP_LOG`\n";
    assert_eq!(outcome.stderr, expected);
    let outcome = child::run("environment", &[("RUST_LOG", "off")]).expect_success();
    assert!(
        outcome.stderr.contains(
            "ERROR of `c` does not pass: `off` at column 1 of the variable \
                                     `RUST_LOG`"
        ),
        "{outcome:?}"
    );
}

fn an_explanation_looks_at_spans_and_sinks() {
    let quiet = Console::stderr().filter("off,db=error").format(Json::new());
    let builder = nexlog::builder().filter("info,[pay{tenant=acme}]=trace").console(quiet);
    let logger = builder.mode(Mode::Buffered).build().unwrap();
    assert!(!logger.explain("db", Level::Trace).is_enabled());
    let span = nexlog::span!("pay", tenant = "acme");
    span.in_scope(|| {
        let explanation = logger.explain("db", Level::Trace);
        assert_eq!(explanation.directive(), Some("[pay{tenant=acme}]=trace"));
        assert_eq!(explanation.column(), Some(6));
        assert_eq!(explanation.refusing_sinks().collect::<Vec<_>>(), ["stderr"]);
        assert!(
            explanation.to_string().ends_with(
                "the sink `stderr` refuses it by its filter \
                                                   `off,db=error`"
            ),
            "{explanation}"
        );
        // What passes without the span is not the span's doing.
        assert_eq!(logger.explain("db", Level::Info).directive(), Some("info"));
    });
    assert_eq!(logger.explain("db", Level::Error).refusing_sinks().count(), 0);
}

fn without() {
    let pushed = nexlog::push_filter("db=trace").unwrap();
    assert_eq!(
        explain("db", Level::Error).to_string(),
        "ERROR of `db` does not pass: no logger is installed"
    );
    drop(pushed);
    trace!("nobody");
    warn!("nobody");
}

fn without_a_logger_there_is_nothing_to_push_to() {
    assert_eq!(child::run("without", &[]).expect_success().stderr, "");
}
