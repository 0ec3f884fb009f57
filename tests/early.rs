//! Records made before `install` wait for it, in bounds; without an install nothing is printed.

mod support;

use nexlog::{Error, File, Level, Memory, Mode, debug, error, info, log, try_log, warn};
use std::time::Duration;
use support::child::{self, told};
use support::{Folder, MODES, PATIENCE, assert_balanced, lines, mode, scaled};

support::child::harness! {
    tests: [
        early_records_are_kept_in_order_with_their_own_times,
        early_records_are_filtered_by_the_logger_that_comes,
        an_early_record_waits_whole,
        the_oldest_are_kept_and_the_rest_is_counted_and_told,
        a_context_that_is_too_large_costs_its_record_only,
        without_a_logger_nothing_is_printed,
        a_second_install_is_refused,
        a_failed_install_can_be_tried_again,
        no_filtered_record_slips_through_while_installing,
        what_finds_no_room_while_installing_is_counted,
        a_panicking_value_before_install_harms_nobody,
    ],
    scenes: [
        kept_in_order, filtered, whole, too_many, too_large, never_installed, installed_twice, failed_once,
        racing, crowding, panicking,
    ],
}

fn kept_in_order() {
    let mode = mode(&told("MODE"));
    info!("first");
    log!(Level::Warn, target("custom"), "second", number = 2);
    debug!("never");
    error!("third", text = display("shown"));
    std::thread::spawn(|| info!("fourth")).join().unwrap();
    std::thread::sleep(Duration::from_millis(60));
    let memory = Memory::new();
    let builder = nexlog::builder().filter("trace").sink(memory.clone()).mode(mode);
    let logger = builder.install().unwrap();
    info!("fifth");
    debug!("sixth");
    logger.flush(PATIENCE).unwrap();
    let records = lines::parse(&memory.lines());
    let messages = lines::messages(&records);
    assert_eq!(messages, ["first", "second", "third", "fourth", "fifth", "sixth"]);
    assert_eq!(records[1]["target"], "custom");
    assert_eq!(records[1]["number"], 2);
    assert_eq!(records[2]["text"], "shown");
    let ms = |index: usize| {
        let ts = records[index]["ts"].as_str().unwrap();
        let (minutes, seconds) = ts[14..].trim_end_matches('Z').split_once(':').unwrap();
        minutes.parse::<f64>().unwrap() * 60_000.0 + seconds.parse::<f64>().unwrap() * 1000.0
    };
    // Modulo an hour that begins in between.
    let waited = (ms(4) - ms(3) + 3_600_000.0) % 3_600_000.0;
    assert!((60.0..10_000.0).contains(&waited), "{waited} ms between the calls");
    let stats = logger.stats();
    assert_eq!((stats.accepted, stats.written, stats.own), (6, 6, 0));
}

fn early_records_are_kept_in_order_with_their_own_times() {
    for (name, _) in MODES {
        child::run("kept_in_order", &[("MODE", name)]).expect_success();
    }
}

fn filtered() {
    info!("low");
    warn!("high");
    info!(target("named"), "named");
    let memory = Memory::new();
    let logger =
        nexlog::builder().filter("warn,named=info").sink(memory.clone()).install().unwrap();
    info!("low");
    warn!("high");
    logger.flush(PATIENCE).unwrap();
    let records = lines::parse(&memory.lines());
    assert_eq!(lines::messages(&records), ["high", "named", "high"]);
    assert_eq!(logger.stats().accepted, 3);
    assert_balanced(&logger.stats());
}

fn early_records_are_filtered_by_the_logger_that_comes() {
    child::run("filtered", &[]).expect_success();
}

fn whole() {
    let text = "x".repeat(20_000);
    info!("large", text);
    info!("small");
    let memory = Memory::new();
    nexlog::builder().sink(memory.clone()).install().unwrap();
    let records = lines::parse(&memory.lines());
    assert_eq!(lines::messages(&records), ["large", "small"]);
    assert_eq!(records[0]["text"].as_str().unwrap().len(), 20_000);
    assert!(records[0].get("truncated").is_none());
}

fn an_early_record_waits_whole() {
    child::run("whole", &[]).expect_success();
}

fn too_many() {
    const MADE: u64 = 5_000;
    for number in 0..MADE {
        let outcome = try_log!(Level::Info, "step", thread = 0, number);
        assert!(outcome.is_ok() || number > 500, "{number} was refused: {outcome:?}");
    }
    let refused = try_log!(Level::Info, "refused");
    assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
    debug!("not even counted");
    let memory = Memory::new();
    let logger = nexlog::builder().sink(memory.clone()).install().unwrap();
    logger.flush(PATIENCE).unwrap();
    let all = memory.lines();
    let steps: Vec<&String> = all.iter().filter(|line| line.contains("\"step\"")).collect();
    let kept = steps.len() as u64;
    lines::assert_steps(&steps, &[kept]);
    assert!((500..MADE).contains(&kept), "{kept} kept in 64 KiB");
    let stats = logger.stats();
    assert_eq!(stats.dropped_by.early, MADE + 1 - kept);
    assert_eq!((stats.accepted, stats.written), (MADE + 1, kept));
    assert_eq!(stats.own, 1);
    assert_balanced(&stats);
    let told = lines::parse(&all);
    assert_eq!(lines::sum(&told, "records dropped", "early"), MADE + 1 - kept);
    assert_eq!(lines::sum(&told, "records dropped", "dropped"), MADE + 1 - kept);
}

fn the_oldest_are_kept_and_the_rest_is_counted_and_told() {
    child::run("too_many", &[]).expect_success();
}

fn too_large() {
    {
        let text = "x".repeat(4_000);
        let mut scopes: Vec<_> = (0..30).map(|_| nexlog::context!(text)).collect();
        let refused = try_log!(Level::Info, "large");
        assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
        while scopes.pop().is_some() {}
    }
    info!("small");
    let memory = Memory::new();
    let logger = nexlog::builder().sink(memory.clone()).install().unwrap();
    logger.flush(PATIENCE).unwrap();
    let records = lines::parse(&memory.lines());
    assert_eq!(lines::with_message(&records, "small").len(), 1);
    assert_eq!(logger.stats().dropped_by.early, 1);
    assert_balanced(&logger.stats());
}

fn a_context_that_is_too_large_costs_its_record_only() {
    child::run("too_large", &[]).expect_success();
}

fn never_installed() {
    for number in 0..5_000 {
        error!("unheard", number, text = display(number));
    }
    assert!(!nexlog::enabled!(Level::Debug));
    nexlog::flush(PATIENCE).unwrap();
    nexlog::sync(PATIENCE).unwrap();
    assert_eq!(nexlog::stats(), nexlog::Stats::default());
    std::thread::spawn(|| error!("unheard")).join().unwrap();
}

fn without_a_logger_nothing_is_printed() {
    let outcome = child::run("never_installed", &[]).expect_success();
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
}

fn installed_twice() {
    let memory = Memory::new();
    let logger = nexlog::builder().sink(memory.clone()).install().unwrap();
    let other = Memory::new();
    let second = nexlog::builder().sink(other.clone()).install();
    assert!(matches!(second, Err(Error::AlreadyInstalled)), "{second:?}");
    assert!(matches!(nexlog::init(), Err(Error::AlreadyInstalled)));
    info!("heard");
    logger.flush(PATIENCE).unwrap();
    assert_eq!((memory.lines().len(), other.lines().len()), (1, 0));
}

fn a_second_install_is_refused() {
    let outcome = child::run("installed_twice", &[]).expect_success();
    assert_eq!(outcome.stderr, "");
}

fn failed_once() {
    info!("early");
    let folder = told("FOLDER");
    let failed = nexlog::builder().file(File::at(&folder)).install();
    assert!(matches!(failed, Err(Error::File { .. })), "{failed:?}");
    assert!(nexlog::builder().lane_bytes(1).install().is_err());
    info!("between");
    let file = format!("{folder}/app.log");
    nexlog::builder().file(File::at(&file)).install().unwrap();
    info!("late");
    let records = lines::parse(&lines::of_file(file.as_ref()));
    assert_eq!(lines::messages(&records), ["early", "between", "late"]);
}

fn a_failed_install_can_be_tried_again() {
    let folder = Folder::new();
    child::run("failed_once", &[("FOLDER", folder.path().to_str().unwrap())]).expect_success();
}

/// Threads log all the time at a level that the new logger does not want.
fn racing() {
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
    static STOP: AtomicBool = AtomicBool::new(false);
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let threads: Vec<_> = (0..3)
        .map(|_| {
            std::thread::spawn(|| {
                while !STOP.load(SeqCst) {
                    info!("unwanted", text = "x");
                    CALLS.fetch_add(1, SeqCst);
                }
            })
        })
        .collect();
    support::wait_until("calls", || CALLS.load(SeqCst) > 100);
    let memory = Memory::new();
    let builder = nexlog::builder().filter("error").sink(memory.clone()).mode(Mode::Background);
    let logger = builder.install().unwrap();
    error!("wanted");
    STOP.store(true, SeqCst);
    for thread in threads {
        thread.join().unwrap();
    }
    logger.flush(PATIENCE).unwrap();
    let records = lines::parse(&memory.lines());
    assert_eq!(lines::with_message(&records, "unwanted").len(), 0);
    assert_eq!(lines::with_message(&records, "wanted").len(), 1);
    assert_balanced(&logger.stats());
}

fn no_filtered_record_slips_through_while_installing() {
    for _ in 0..20 {
        child::run("racing", &[]).expect_success();
    }
}

/// Threads whose records do not fit any more, up to the moment there is a logger and on.
fn crowding() {
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
    static STOP: AtomicBool = AtomicBool::new(false);
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let call = || {
        info!("crowd", text = "x");
        CALLS.fetch_add(1, SeqCst);
    };
    let threads: Vec<_> = (0..4)
        .map(|_| {
            std::thread::spawn(move || {
                while !STOP.load(SeqCst) {
                    call();
                }
            })
        })
        .collect();
    support::wait_until("calls", || CALLS.load(SeqCst) > 3000);
    let logger = nexlog::builder().sink(Memory::new()).mode(Mode::Background).install().unwrap();
    STOP.store(true, SeqCst);
    for thread in threads {
        thread.join().unwrap();
    }
    logger.flush(PATIENCE).unwrap();
    assert_balanced(&logger.stats());
    assert_eq!(logger.stats().accepted, CALLS.load(SeqCst), "{:#?}", logger.stats());
}

fn what_finds_no_room_while_installing_is_counted() {
    for _ in 0..scaled(40, 1000) {
        child::run("crowding", &[]).expect_success();
    }
}

fn panicking() {
    struct Panics;
    impl std::fmt::Display for Panics {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            std::panic::resume_unwind(Box::new(()))
        }
    }
    info!("first");
    let outcome = std::panic::catch_unwind(|| info!("lost", value = display(Panics)));
    assert!(outcome.is_err());
    info!("second");
    let memory = Memory::new();
    let logger = nexlog::builder().sink(memory.clone()).install().unwrap();
    logger.flush(PATIENCE).unwrap();
    let records = lines::parse(&memory.lines());
    assert_eq!(lines::with_message(&records, "first").len(), 1);
    assert_eq!(lines::with_message(&records, "second").len(), 1);
    let stats = logger.stats();
    assert_eq!((stats.accepted, stats.written, stats.dropped), (3, 2, 1), "{stats:#?}");
}

fn a_panicking_value_before_install_harms_nobody() {
    child::run("panicking", &[]).expect_success();
}
