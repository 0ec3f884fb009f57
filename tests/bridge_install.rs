//! `install` becomes what `log` and `tracing` log to, or says why it cannot, and can be tried again.

mod support;

use nexlog::{Error, Memory};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use support::{Folder, PATIENCE, assert_balanced, lines};

support::child::alone![
    both_facades_are_bridged_by_default,
    another_logger_of_log_is_told_and_nothing_is_installed,
    another_global_subscriber_is_told_and_nothing_is_installed,
    a_subscriber_of_this_thread_is_in_nobodys_way,
    what_was_claimed_in_vain_serves_the_next_install,
    what_was_claimed_in_vain_takes_nothing_when_switched_off,
    a_failed_install_leaves_its_file_to_the_next,
    contradictions_are_refused,
    a_local_logger_is_no_bridge,
    init_bridges_too,
    records_of_the_facades_wait_for_nobody,
];

static COUNT: AtomicU32 = AtomicU32::new(0);

struct Other;

impl log::Log for Other {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, _: &log::Record<'_>) {
        COUNT.fetch_add(1, Relaxed);
    }
    fn flush(&self) {}
}

fn take_log() {
    log::set_logger(&Other).unwrap();
    log::set_max_level(log::LevelFilter::Warn);
}

fn take_tracing() {
    tracing::subscriber::set_global_default(tracing_subscriber::registry()).unwrap();
}

fn both_facades_are_bridged_by_default() {
    let memory = Memory::new();
    let logger = nexlog::builder().sink(&memory).install().unwrap();
    log::info!("one");
    tracing::info!("two");
    nexlog::info!("three");
    assert_eq!(lines::messages(&lines::parse(&memory.lines())), ["one", "two", "three"]);
    assert_balanced(&logger.stats());
}

#[track_caller]
fn refused(builder: nexlog::Builder) -> String {
    let error = builder.install().unwrap_err();
    assert!(matches!(error, Error::BridgeTaken { .. }), "{error}");
    error.to_string()
}

fn another_logger_of_log_is_told_and_nothing_is_installed() {
    take_log();
    let memory = Memory::new();
    let text = refused(nexlog::builder().sink(&memory));
    assert_eq!(
        text,
        "the crate `log` has another logger already, set by `log::set_logger`, as \
         `env_logger::init()` calls it; call `install()` before that, or leave `log` to it with \
         `.log_bridge(false)`"
    );
    assert_eq!(log::max_level(), log::LevelFilter::Warn, "it is another's");
    nexlog::info!("waits");
    tracing::info!("is nobody's");
    assert_eq!(memory.lines().len(), 0);
    let logger = nexlog::builder().sink(&memory).log_bridge(false).install().unwrap();
    log::warn!("is another's");
    tracing::info!("arrives");
    assert_eq!(lines::messages(&lines::parse(&memory.lines())), ["waits", "arrives"]);
    assert_eq!(COUNT.load(Relaxed), 1);
    assert_balanced(&logger.stats());
}

fn another_global_subscriber_is_told_and_nothing_is_installed() {
    take_tracing();
    let memory = Memory::new();
    let text = refused(nexlog::builder().sink(&memory));
    assert!(text.contains("`tracing` has another global subscriber already"), "{text}");
    assert!(text.contains("`.tracing_bridge(false)`"), "{text}");
    assert!(text.contains("nexlog::bridge::tracing_layer()"), "{text}");
    take_log(); // nothing was claimed
    let builder = nexlog::builder().sink(&memory).log_bridge(false);
    let logger = builder.tracing_bridge(false).install().unwrap();
    nexlog::info!("arrives");
    assert_eq!(memory.lines().len(), 1);
    assert_balanced(&logger.stats());
}

fn a_subscriber_of_this_thread_is_in_nobodys_way() {
    let memory = Memory::new();
    let guard = tracing::subscriber::set_default(tracing_subscriber::registry());
    let logger = nexlog::builder().sink(&memory).install().unwrap();
    tracing::info!("is another's");
    std::thread::spawn(|| tracing::info!("arrives")).join().unwrap();
    drop(guard);
    tracing::info!("arrives");
    assert_eq!(memory.lines().len(), 2);
    assert_balanced(&logger.stats());
}

/// Has an `install` fail after it has claimed `log`: a global subscriber that looks like none.
fn fail_late() {
    let none = tracing::subscriber::NoSubscriber::default();
    tracing::subscriber::set_global_default(none).unwrap();
    let memory = Memory::new();
    refused(nexlog::builder().filter("trace").sink(&memory));
    assert_eq!(log::max_level(), log::LevelFilter::Off);
    log::error!("is nobody's");
    log::logger().log(&log::Record::builder().level(log::Level::Error).build());
    assert!(!log::logger().enabled(&log::Metadata::builder().level(log::Level::Error).build()));
    assert_eq!(memory.lines().len(), 0);
}

fn what_was_claimed_in_vain_serves_the_next_install() {
    fail_late();
    let memory = Memory::new();
    let logger = nexlog::builder().sink(&memory).tracing_bridge(false).install().unwrap();
    log::info!("arrives");
    assert_eq!(log::max_level(), log::LevelFilter::Info);
    assert_eq!(lines::messages(&lines::parse(&memory.lines())), ["arrives"]);
    assert_balanced(&logger.stats());
}

fn what_was_claimed_in_vain_takes_nothing_when_switched_off() {
    fail_late();
    let memory = Memory::new();
    let builder = nexlog::builder().sink(&memory).tracing_bridge(false).log_bridge(false);
    let logger = builder.install().unwrap();
    logger.set_filter("trace").unwrap();
    assert_eq!(log::max_level(), log::LevelFilter::Off);
    log::set_max_level(log::LevelFilter::Trace);
    log::error!("is nobody's");
    nexlog::info!("arrives");
    assert_eq!(lines::messages(&lines::parse(&memory.lines())), ["arrives"]);
}

fn a_failed_install_leaves_its_file_to_the_next() {
    take_log();
    let folder = Folder::new();
    let path = folder.path().join("app.log");
    let build = || {
        let file = nexlog::File::at(&path).format(nexlog::Json::new());
        nexlog::builder().file(file).mode(nexlog::Mode::Background)
    };
    let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
    let before = threads();
    for _ in 0..5 {
        refused(build());
    }
    assert_eq!(threads(), before, "a worker was left");
    let local = build().build().unwrap();
    drop(local);
    let logger = build().log_bridge(false).install().unwrap();
    tracing::info!("arrives");
    logger.flush(PATIENCE).unwrap();
    assert_eq!(lines::messages(&lines::parse(&lines::of_file(&path))), ["arrives"]);
}

#[track_caller]
fn contradicts(built: Result<nexlog::Logger, Error>) -> String {
    let error = built.unwrap_err();
    assert!(matches!(error, Error::Option { .. }), "{error}");
    error.to_string()
}

fn contradictions_are_refused() {
    let build = || nexlog::builder().sink(Memory::new());
    let text = contradicts(build().log_bridge(true).forward_to_log().install());
    assert_eq!(
        text,
        "option `log_bridge(true)`: with `forward_to_log()` the crate `log` would give every \
         record back for ever; leave one of them out"
    );
    let text = contradicts(build().forward_to_tracing().tracing_bridge(true).install());
    assert!(text.contains("`tracing_bridge(true)`: with `forward_to_tracing()`"), "{text}");
    // Crosswise is no contradiction.
    build().forward_to_log().forward_to_tracing().install().unwrap();
    take_log();
    take_tracing();
}

fn a_local_logger_is_no_bridge() {
    let memory = Memory::new();
    let local = nexlog::builder().sink(&memory).build().unwrap();
    log::error!("is nobody's");
    tracing::error!("is nobody's");
    assert_eq!(memory.lines().len(), 0);
    drop(local);
    let build = nexlog::builder;
    for builder in [build().log_bridge(true), build().tracing_bridge(true)] {
        let text = contradicts(builder.build());
        assert!(text.contains("use `install()`"), "{text}");
    }
    take_log();
    take_tracing();
}

fn init_bridges_too() {
    let logger = nexlog::init().unwrap();
    log::info!("a line");
    tracing::info!("a line");
    assert_eq!(logger.stats().written, 2);
}

fn records_of_the_facades_wait_for_nobody() {
    log::error!("before");
    tracing::error!("before");
    let memory = Memory::new();
    let logger = nexlog::builder().sink(&memory).install().unwrap();
    assert_eq!(memory.lines().len(), 0, "nobody was there to take them");
    assert!(matches!(nexlog::builder().install(), Err(Error::AlreadyInstalled)));
    log::info!("after");
    tracing::info!("after");
    assert_eq!(memory.lines().len(), 2);
    assert_balanced(&logger.stats());
}
