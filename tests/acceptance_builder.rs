//! What a builder promises: filters and their precedence, sinks each in its own way, the modes,
//! metadata, limits, statistics, and errors that say what to do.

// Written as users write, not as this project does.
#![allow(clippy::pedantic, clippy::style, clippy::complexity)]

mod acceptance_support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::process::Output;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use acceptance_support::{Folder, Record, child, stderr};
use nexlog::{
    Batch, Console, Error, File, Json, Level, Logger, Mode, Overflow, Sink, Text, WriteError,
    debug, enabled, error, info, log, trace, warn,
};

const SECOND: Duration = Duration::from_secs(1);

fn json(folder: &Folder) -> File {
    File::at(folder.path("a.json")).format(Json::new())
}

fn filtered(filter: &str) -> (Logger, Folder) {
    let folder = Folder::new();
    let logger = nexlog::builder().filter(filter).file(json(&folder)).build().unwrap();
    (logger, folder)
}

/// Which of the six levels pass for a target.
fn passing(logger: &Logger, target: &str) -> String {
    let levels =
        [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Critical];
    let passing = levels.into_iter().filter(|&l| enabled!(l, logger(logger), target(target)));
    passing.map(|level| level.to_string()[..1].to_owned()).collect()
}

#[test]
fn the_filter_speaks_the_grammar_of_env_logger() {
    for (filter, target, expected) in [
        ("", "a", "IWEC"),
        ("info", "a", "IWEC"),
        ("INFO", "a", "IWEC"),
        ("Warn", "a", "WEC"),
        ("warning", "a", "WEC"),
        ("err", "a", "EC"),
        ("crit", "a", "C"),
        ("critical", "a", "C"),
        ("trace", "a", "TDIWEC"),
        ("off", "a", ""),
        ("debug,a=off", "a", ""),
        ("debug,a=off", "a::b", ""),
        ("debug,a=off", "b", "DIWEC"),
        ("warn,a::b=debug", "a::b", "DIWEC"),
        ("warn,a::b=debug", "a::b::c", "DIWEC"),
        ("warn,a::b=debug", "a", "WEC"),
        ("a::b=debug,a=error", "a::b::c", "DIWEC"),
        ("a=error,a::b=debug", "a::b::c", "DIWEC"),
        ("a", "a", "TDIWEC"),
        ("a", "b", ""),
        ("a=info", "b", ""),
        (" info , a = debug ", "a", "DIWEC"),
        ("info,,a=debug,", "a", "DIWEC"),
        ("a=info,a=debug", "a", "DIWEC"),
        ("info,debug", "a", "DIWEC"),
    ] {
        let (logger, _folder) = filtered(filter);
        assert_eq!(passing(&logger, target), expected, "filter {filter:?}, target {target:?}");
    }
}

#[test]
fn a_call_sites_module_is_its_target() {
    mod db {
        pub fn work(l: &nexlog::Logger) {
            nexlog::debug!(logger(l), "db");
        }
    }
    mod web {
        pub fn work(l: &nexlog::Logger) {
            nexlog::debug!(logger(l), "web");
        }
    }
    let filter = "info,acceptance_builder::db=debug";
    let (logger, folder) = filtered(filter);
    db::work(&logger);
    web::work(&logger);
    debug!(logger(&logger), "here");
    info!(logger(&logger), "here too");
    let all: Vec<String> = folder.records("a.json").iter().map(|r| r.msg().to_owned()).collect();
    assert_eq!(all, ["db", "here too"]);
    let target = folder.records("a.json")[0].raw("target");
    assert_eq!(target, r#""acceptance_builder::db""#);
}

#[test]
fn later_filters_add_to_earlier_ones() {
    let folder = Folder::new();
    let builder = nexlog::builder().filter("warn,a=debug").filter("b=trace").filter("a=error");
    let logger = builder.file(json(&folder)).build().unwrap();
    assert_eq!(passing(&logger, "a"), "EC");
    assert_eq!(passing(&logger, "b"), "TDIWEC");
    assert_eq!(passing(&logger, "c"), "WEC");
}

#[test]
fn without_a_filter_info_passes() {
    let folder = Folder::new();
    let logger = nexlog::builder().file(json(&folder)).build().unwrap();
    assert_eq!(passing(&logger, "x"), "IWEC");
}

#[test]
fn a_bad_directive_is_one_line_and_the_rest_applies() {
    let output = child("bad_directive").output().unwrap();
    let text = stderr(&output);
    assert!(output.status.success(), "{text}");
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("loud")).collect();
    assert_eq!(lines.len(), 1, "{text}");
    assert!(text.contains("db debug"), "{text}");
    assert!(!text.contains("other debug"), "{text}");
}

#[test]
fn set_filter_reaches_every_call_site() {
    let (logger, folder) = filtered("error");
    let site = |n: i32| debug!(logger(&logger), "site", n);
    site(1);
    logger.set_filter("debug").unwrap();
    site(2);
    logger.set_filter("acceptance_builder=warn").unwrap();
    site(3);
    logger.set_filter("off").unwrap();
    error!(logger(&logger), "off");
    logger.clone().set_filter("acceptance_builder=trace").unwrap();
    site(4);
    let all: Vec<String> = folder.records("a.json").iter().map(|r| r.raw("n")).collect();
    assert_eq!(all, ["2", "4"]);
    let e = logger.set_filter("acceptance_builder=loud").unwrap_err();
    let text = e.to_string();
    assert!(
        text.contains("loud") && text.contains("trace"),
        "names what it is and what may be: {text}"
    );
}

#[test]
fn levels_compare_print_and_parse() {
    assert!(Level::Trace < Level::Debug && Level::Debug < Level::Info && Level::Info < Level::Warn);
    assert!(Level::Warn < Level::Error && Level::Error < Level::Critical);
    assert_eq!(Level::Info.to_string(), "INFO");
    assert_eq!(format!("{:>8}|{:<6}|", Level::Info, Level::Warn), "    INFO|WARN  |");
    for (text, level) in [
        ("trace", Level::Trace),
        ("DEBUG", Level::Debug),
        ("Info", Level::Info),
        ("WARN", Level::Warn),
        ("warning", Level::Warn),
        ("Warning", Level::Warn),
        ("err", Level::Error),
        ("ERR", Level::Error),
        ("error", Level::Error),
        ("crit", Level::Critical),
        ("CRITICAL", Level::Critical),
    ] {
        assert_eq!(text.parse::<Level>().unwrap(), level, "{text}");
    }
    let e = "loud".parse::<Level>().unwrap_err().to_string();
    assert!(e.contains("loud") && e.contains("info"), "{e}");
    assert!("".parse::<Level>().is_err() && "inf".parse::<Level>().is_err());
    let mut all = vec![Level::Error, Level::Trace, Level::Critical];
    all.sort();
    assert_eq!(format!("{all:?}"), "[Trace, Error, Critical]");
    let as_key = std::collections::HashMap::from([(Level::Info, 1)]);
    assert_eq!(as_key[&Level::Info], 1);
}

#[test]
fn each_sink_has_its_own_level_and_format() {
    let folder = Folder::new();
    let logger = nexlog::builder()
        .filter("debug")
        .file(File::at(folder.path("all.json")).format(Json::new()))
        .file(File::at(folder.path("warn.json")).level(Level::Warn))
        .file(File::at(folder.path("all.txt")).format(Text::compact()))
        .file(File::at(folder.path("error.txt")).format(Text::compact()).level(Level::Error))
        .build()
        .unwrap();
    trace!(logger(&logger), "t");
    debug!(logger(&logger), "d");
    warn!(logger(&logger), "w");
    error!(logger(&logger), "e", n = 1);
    logger.flush(SECOND).unwrap();
    let count = |name: &str| folder.lines(name).len();
    assert_eq!(
        [count("all.json"), count("warn.json"), count("all.txt"), count("error.txt")],
        [3, 2, 3, 1]
    );
    assert_eq!(
        folder.records("warn.json")[1].fields(),
        "n=1",
        "files are JSON unless said otherwise"
    );
    let stats = logger.stats();
    assert_eq!((stats.accepted, stats.written, stats.dropped), (3, 3, 0));
    assert_eq!(stats.sinks.len(), 4);
}

#[test]
fn all_modes_write_the_same_records() {
    let mut outputs = Vec::new();
    for mode in [Mode::Immediate, Mode::Buffered, Mode::Background] {
        let folder = Folder::new();
        let builder = nexlog::builder().mode(mode).lane_bytes(1 << 16);
        let logger = builder.file(json(&folder)).build().unwrap();
        for n in 0..5_000 {
            info!(logger(&logger), "record {n}", text = "some text that takes its place");
        }
        logger.flush(10 * SECOND).unwrap();
        let lines = folder.lines("a.json");
        let stats = logger.stats();
        assert_eq!((stats.accepted, stats.written, stats.dropped), (5_000, 5_000, 0), "{mode:?}");
        assert_eq!(stats.accepted + stats.recovered, stats.written + stats.dropped);
        let parsed: Vec<String> =
            lines.iter().map(|line| line[line.find("\"level\"").unwrap()..].to_owned()).collect();
        outputs.push(parsed);
    }
    assert_eq!(outputs[0].len(), 5_000);
    assert_eq!(outputs[0], outputs[1]);
    assert_eq!(outputs[0], outputs[2]);
}

#[test]
fn immediate_has_written_when_the_call_returns() {
    let (logger, folder) = filtered("info");
    for n in 1..=10 {
        info!(logger(&logger), "m");
        assert_eq!(folder.lines("a.json").len(), n);
    }
}

#[test]
fn buffered_drains_at_the_flush_level_and_on_drop() {
    let folder = Folder::new();
    let logger = nexlog::builder()
        .file(json(&folder))
        .mode(Mode::Buffered)
        .flush_level(Level::Error)
        .flush_interval(Duration::from_secs(3600))
        .build()
        .unwrap();
    info!(logger(&logger), "a");
    assert_eq!(folder.lines("a.json").len(), 0);
    error!(logger(&logger), "b");
    assert_eq!(folder.lines("a.json").len(), 2);
    info!(logger(&logger), "c");
    let other = logger.clone();
    drop(logger);
    info!(logger(&other), "d");
    drop(other);
    assert_eq!(folder.lines("a.json").len(), 4);
}

#[test]
fn buffered_flushes_when_the_interval_has_passed_at_the_next_call() {
    let folder = Folder::new();
    let logger = nexlog::builder()
        .file(json(&folder))
        .mode(Mode::Buffered)
        .flush_interval(Duration::from_millis(20))
        .build()
        .unwrap();
    info!(logger(&logger), "a");
    std::thread::sleep(Duration::from_millis(40));
    info!(logger(&logger), "b");
    assert!(!folder.lines("a.json").is_empty());
}

#[test]
fn background_writes_by_itself() {
    let folder = Folder::new();
    let logger = nexlog::builder()
        .file(json(&folder))
        .mode(Mode::Background)
        .flush_interval(Duration::from_millis(10))
        .build()
        .unwrap();
    info!(logger(&logger), "a");
    let began = Instant::now();
    while folder.lines("a.json").is_empty() {
        assert!(began.elapsed() < 5 * SECOND);
        std::thread::sleep(Duration::from_millis(5));
    }
}

struct Slow(Arc<AtomicU64>);

impl Sink for Slow {
    fn write(&mut self, batch: &Batch<'_>) -> Result<(), WriteError> {
        std::thread::sleep(Duration::from_millis(20));
        self.0.fetch_add(batch.records().count() as u64, Ordering::Relaxed);
        Ok(())
    }
}

#[test]
fn an_overflow_drops_as_asked_and_counts_what_it_drops() {
    for overflow in [Overflow::Block, Overflow::DropNewest, Overflow::DropOldest] {
        let seen = Arc::new(AtomicU64::new(0));
        let logger = nexlog::builder()
            .sink(Slow(seen.clone()))
            .mode(Mode::Background)
            .overflow(overflow)
            .lane_bytes(1 << 16)
            .build()
            .unwrap();
        let count = 4_000;
        for n in 0..count {
            info!(logger(&logger), "a record of some length, so that the lane is full soon", n);
        }
        logger.flush(30 * SECOND).unwrap();
        let stats = logger.stats();
        assert_eq!(stats.accepted, count, "{overflow:?}");
        assert_eq!(stats.accepted, stats.written + stats.dropped, "{overflow:?}: {stats:?}");
        assert_eq!(
            seen.load(Ordering::Relaxed),
            stats.written + stats.own,
            "{overflow:?}: {stats:?}"
        );
        let by = stats.dropped_by;
        assert_eq!(stats.dropped > 0, overflow != Overflow::Block, "{overflow:?}: {stats:?}");
        assert!(stats.dropped == 0 || by.full + by.oldest + by.busy == stats.dropped, "{stats:?}");
    }
}

#[test]
fn metadata_is_on_every_record_and_a_records_own_field_wins() {
    let folder = Folder::new();
    let logger = nexlog::builder()
        .file(json(&folder))
        .field("service", "shop")
        .field("shard", 7)
        .field("ratio", 0.5)
        .hostname()
        .pid()
        .build()
        .unwrap();
    info!(logger(&logger), "a", own = 1);
    info!(logger(&logger), "b", service = "mine", ("shard") = 8);
    let records = folder.records("a.json");
    assert_eq!(records[0].raw("service"), "\"shop\"");
    assert_eq!(records[0].raw("shard"), "7");
    assert_eq!(records[0].raw("ratio"), "0.5");
    assert_eq!(records[0].raw("pid"), std::process::id().to_string());
    let hostname = records[0].get("hostname").as_str().unwrap();
    let kernel =
        std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or(hostname.to_owned());
    assert_eq!(hostname, kernel.trim());
    assert_eq!(records[1].raw("service"), "\"mine\"");
    assert_eq!(records[1].raw("shard"), "8");
    let (own, service) = (records[0].line.find("own"), records[0].line.find("service"));
    assert!(own < service, "{}", records[0].line);
}

struct Counting(AtomicUsize);

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.0.fetch_add(1, Ordering::Relaxed);
        // SAFETY: passed on as it came.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: passed on as it came.
        unsafe { System.dealloc(pointer, layout) }
    }
}

static COUNTING: Counting = Counting(AtomicUsize::new(0));

#[test]
fn an_allocator_of_ones_own_is_used() {
    let folder = Folder::new();
    let builder = nexlog::builder().mode(Mode::Background).allocator(&COUNTING);
    let logger = builder.file(json(&folder)).build().unwrap();
    let long = "x".repeat(100_000);
    for n in 0..100 {
        info!(logger(&logger), "long {n}", long);
    }
    logger.flush(5 * SECOND).unwrap();
    assert_eq!(folder.lines("a.json").len(), 100);
    assert!(COUNTING.0.load(Ordering::Relaxed) > 0);
}

struct Failing;

impl Sink for Failing {
    fn write(&mut self, _: &Batch<'_>) -> Result<(), WriteError> {
        Err(std::io::Error::other("the cable is out").into())
    }
}

#[test]
fn a_sinks_trouble_reaches_on_error_and_the_counters() {
    let folder = Folder::new();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let note = heard.clone();
    let logger = nexlog::builder()
        .sink(Failing)
        .file(json(&folder))
        .on_error(move |e: &Error| note.lock().unwrap().push(format!("{e:?}")))
        .build()
        .unwrap();
    info!(logger(&logger), "m");
    info!(logger(&logger), "n");
    let _ = logger.flush(SECOND);
    let heard = heard.lock().unwrap();
    assert!(heard.first().is_some_and(|e| e.contains("the cable is out")), "{heard:?}");
    assert_eq!(
        folder
            .lines("a.json")
            .iter()
            .filter(|l| l.contains("builder\",\"msg\":\"m\"") || l.contains("\"msg\":\"n\""))
            .count(),
        2
    );
    let stats = logger.stats();
    assert!(stats.errors >= 1, "{stats:?}");
    assert_eq!(stats.accepted, stats.written + stats.dropped, "{stats:?}");
}

struct Typed(Arc<Mutex<Vec<String>>>);

impl Sink for Typed {
    fn write(&mut self, batch: &Batch<'_>) -> Result<(), WriteError> {
        for record in batch.records() {
            let fields: Vec<String> =
                record.fields().map(|(key, value)| format!("{key}={value:?}")).collect();
            self.0.lock().unwrap().push(format!(
                "{} {} {}",
                record.level(),
                record.target(),
                fields.join(" ")
            ));
        }
        Ok(())
    }
}

#[test]
fn a_sink_of_ones_own_sees_typed_records() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let logger = nexlog::builder().sink(Typed(seen.clone())).build().unwrap();
    info!(logger(&logger), target("t"), "m", a = 1, b = "x", c = 1.5f32);
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 1);
    assert!(seen[0].starts_with("INFO t a="), "{seen:?}");
}

#[test]
fn local_loggers_live_side_by_side() {
    let (a, folder_a) = filtered("debug");
    let (b, folder_b) = filtered("error");
    for n in 0..3 {
        debug!(logger(&a), "a", n);
        debug!(logger(&b), "b", n);
        error!(logger(&b), "b", n);
    }
    info!("nobody's");
    assert_eq!(folder_a.lines("a.json").len(), 3);
    assert_eq!(folder_b.lines("a.json").len(), 3);
    drop(a);
    error!(logger(&b), "still");
    assert_eq!(folder_b.lines("a.json").len(), 4);
}

#[test]
fn flush_and_sync_return_when_all_is_there() {
    let folder = Folder::new();
    let logger = nexlog::builder().mode(Mode::Background).file(json(&folder)).build().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let logger = &logger;
            scope.spawn(move || {
                for n in 0..500 {
                    info!(logger(logger), "m", thread, n);
                }
            });
        }
    });
    logger.sync(5 * SECOND).unwrap();
    let records = folder.records("a.json");
    assert_eq!(records.len(), 2_000);
    for thread in 0..4 {
        let of_thread = records.iter().filter(|r| r.raw("thread") == thread.to_string());
        let numbers: Vec<String> = of_thread.map(|r| r.raw("n")).collect();
        let expected: Vec<String> = (0..500).map(|n| n.to_string()).collect();
        assert_eq!(numbers, expected, "in the order of the thread's calls");
    }
    nexlog::flush(SECOND).unwrap();
    nexlog::sync(SECOND).unwrap();
    let stats = logger.stats();
    assert!(
        stats.bytes > 0
            && stats.lanes >= 1
            && stats.rotations == 0
            && stats.recovered == 0
            && stats.own == 0,
        "{stats:?}"
    );
}

#[test]
fn a_file_is_appended_to_private_and_its_folders_are_made() {
    let folder = Folder::new();
    let path = folder.path("deep/er/app.log");
    for n in 0..2 {
        let logger = nexlog::builder().file(File::at(&path)).build().unwrap();
        info!(logger(&logger), "start", n);
    }
    assert_eq!(folder.lines("deep/er/app.log").len(), 2);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, symlink};
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let shared = folder.path("shared.log");
        let logger = nexlog::builder().file(File::at(&shared).mode(0o640)).build().unwrap();
        info!(logger(&logger), "m");
        assert_eq!(std::fs::metadata(&shared).unwrap().mode() & 0o777, 0o640);
        let link = folder.path("link.log");
        symlink(&shared, &link).unwrap();
        let e = nexlog::builder().file(File::at(&link)).build().unwrap_err().to_string();
        assert!(e.contains("link.log") && e.contains("link"), "{e}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_to_standard_output_is_told_about_the_console() {
    let folder = Folder::new();
    let link = folder.path("app.log");
    std::os::unix::fs::symlink("/dev/stdout", &link).unwrap();
    let e = nexlog::builder().file(File::at(&link)).build().unwrap_err().to_string();
    assert!(e.contains("Console::stdout()"), "{e}");
}

#[test]
fn an_error_of_the_builder_names_the_option_the_path_and_the_remedy() {
    let folder = Folder::new();
    std::fs::write(folder.path("taken"), "").unwrap();
    let below_a_file = nexlog::builder().file(File::at(folder.path("taken/app.log"))).build();
    let text = below_a_file.unwrap_err().to_string();
    assert!(text.contains(folder.path("taken").to_str().unwrap()), "{text}");
    let a_folder = nexlog::builder().file(File::at(folder.root())).build().unwrap_err();
    assert!(a_folder.to_string().contains(folder.root().to_str().unwrap()), "{a_folder}");
    let twice = nexlog::builder().file(json(&folder)).file(json(&folder)).build().unwrap_err();
    assert!(twice.to_string().contains("a.json"), "{twice}");
    let first = nexlog::builder().file(json(&folder)).build().unwrap();
    let second = nexlog::builder().file(json(&folder)).build().unwrap_err();
    assert!(second.to_string().contains("a.json"), "{second}");
    drop(first);
    nexlog::builder().file(json(&folder)).build().unwrap();
    let tiny = nexlog::builder().file(json(&folder)).lane_bytes(0).build().unwrap_err();
    assert!(tiny.to_string().contains("lane_bytes"), "{tiny}");
    let none = nexlog::builder().file(json(&folder)).max_record_bytes(0).build().unwrap_err();
    assert!(none.to_string().contains("max_record_bytes"), "{none}");
    let debug = format!("{a_folder:?}");
    assert!(debug.contains(&a_folder.to_string()), "{debug}");
    assert!(!debug.contains(" { "), "Debug reads as a sentence: {debug}");
}

#[test]
fn colours_are_never_in_files() {
    let folder = Folder::new();
    let text = File::at(folder.path("a.txt")).format(Text::compact());
    let logger = nexlog::builder().file(text).file(json(&folder)).build().unwrap();
    error!(logger(&logger), "m", k = "v");
    assert!(!folder.text("a.txt").contains('\u{1b}') && !folder.text("a.json").contains('\u{1b}'));
}

fn say() {
    trace!("said trace");
    debug!("said debug", n = 1);
    info!("said info", n = 1);
    warn!("said warn", n = 1);
    error!("said error");
}

mod plays {
    use super::*;

    pub fn run(play: &str) -> Result<(), Error> {
        let folder = || std::env::var("FOLDER").unwrap();
        match play {
            "init" => {
                nexlog::init()?;
                say();
            }
            "bad_directive" => {
                nexlog::builder()
                    .filter("info,db=debug,x=loud")
                    .console(Console::stderr())
                    .install()?;
                debug!(target("db"), "db debug");
                debug!(target("other"), "other debug");
            }
            "environment" => {
                let file = File::at(folder() + "/a.json");
                let _ =
                    nexlog::builder().filter("error").filter_env("NEXLOG").file(file).install()?;
                say();
            }
            "own_variable" => {
                let file = File::at(folder() + "/a.json");
                nexlog::builder().filter("error").filter_env("SHOP_LOG").file(file).install()?;
                say();
            }
            "after_environment" => {
                let file = File::at(folder() + "/a.json");
                nexlog::builder()
                    .filter_env("NEXLOG")
                    .filter("acceptance_builder=debug")
                    .file(file)
                    .install()?;
                say();
            }
            "install_twice" => {
                let console = || nexlog::builder().console(Console::stderr().format(Json::new()));
                let _ = console().install()?;
                let e = console().install().unwrap_err();
                assert!(matches!(e, Error::AlreadyInstalled), "{e:?}");
                info!("once", text = e.to_string());
                assert!(matches!(nexlog::init(), Err(Error::AlreadyInstalled)));
            }
            "early" => {
                debug!("early debug");
                info!("early info", n = 1);
                warn!("early warn", n = 2);
                let _ = nexlog::builder()
                    .filter("warn")
                    .file(File::at(folder() + "/a.json"))
                    .install()?;
                info!("late info");
                warn!("late warn", n = 3);
            }
            "never" => say(),
            "exit" => {
                let mode = if std::env::var_os("BUFFERED").is_some() {
                    Mode::Buffered
                } else {
                    Mode::Background
                };
                let _ =
                    nexlog::builder().mode(mode).file(File::at(folder() + "/a.json")).install()?;
                for n in 0..1000 {
                    info!("m", n);
                }
                std::process::exit(7);
            }
            "panic" => {
                let _ = nexlog::builder()
                    .mode(Mode::Background)
                    .file(File::at(folder() + "/a.json"))
                    .install()?;
                for n in 0..1000 {
                    info!("m", n);
                }
                panic!("on purpose");
            }
            "detached" => {
                let _ = nexlog::builder()
                    .mode(Mode::Background)
                    .file(File::at(folder() + "/a.json"))
                    .install()?;
                std::thread::spawn(|| {
                    for n in 0..1000 {
                        info!("m", n);
                    }
                })
                .join()
                .unwrap();
                std::process::exit(0);
            }
            "global" => {
                let handle =
                    nexlog::builder().console(Console::stderr().format(Json::new())).install()?;
                info!("a");
                handle.set_filter("debug")?;
                debug!("b");
                handle.flush(SECOND)?;
                nexlog::flush(SECOND)?;
                nexlog::sync(SECOND)?;
                assert_eq!(handle.stats().accepted, 2);
                assert!(enabled!(Level::Debug) && !enabled!(Level::Trace));
                let level = Level::Warn;
                log!(level, "c");
            }
            "unwritable" => {
                nexlog::builder().file(File::at("/proc/nowhere/app.log")).install()?;
            }
            "stdout" => {
                nexlog::builder()
                    .filter("debug")
                    .console(Console::stdout().format(Json::new()))
                    .console(Console::stderr().format(Text::compact()).level(Level::Warn))
                    .install()?;
                say();
            }
            other => panic!("no play {other}"),
        }
        Ok(())
    }
}

/// What the other tests run as a process of its own; alone it does nothing.
#[test]
fn part() -> Result<(), Error> {
    std::env::var("PLAY").map_or(Ok(()), |play| plays::run(&play))
}

fn play(name: &str, folder: &Folder, environment: &[(&str, &str)]) -> Output {
    let mut command = child(name);
    command.env("FOLDER", folder.root()).envs(environment.iter().copied());
    command.output().unwrap()
}

fn messages(folder: &Folder) -> String {
    let records = folder.records("a.json");
    records.iter().map(|record| record.msg()).collect::<Vec<_>>().join(", ")
}

#[test]
fn an_environment_that_is_set_replaces_the_filter() {
    for (name, environment, expected) in [
        ("environment", &[][..], "said error"),
        ("environment", &[("NEXLOG", "warn")], "said warn, said error"),
        ("environment", &[("RUST_LOG", "debug")], "said debug, said info, said warn, said error"),
        ("environment", &[("NEXLOG", ""), ("RUST_LOG", "warn")], "said warn, said error"),
        ("environment", &[("NEXLOG", "warn"), ("RUST_LOG", "trace")], "said warn, said error"),
        (
            "environment",
            &[("NEXLOG", "acceptance_builder=info")],
            "said info, said warn, said error",
        ),
        ("environment", &[("NEXLOG", "off,other=trace")], ""),
        ("own_variable", &[("SHOP_LOG", "warn")], "said warn, said error"),
        ("own_variable", &[("RUST_LOG", "warn")], "said warn, said error"),
        ("own_variable", &[("NEXLOG", "trace")], "said error"),
        ("after_environment", &[("NEXLOG", "off")], "said debug, said info, said warn, said error"),
    ] {
        let folder = Folder::new();
        let output = play(name, &folder, environment);
        assert!(output.status.success(), "{}", stderr(&output));
        assert_eq!(messages(&folder), expected, "{name} {environment:?}");
    }
}

/// The lines of standard error that a test harness did not write.
fn console(output: &Output) -> Vec<String> {
    stderr(output).lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn init_writes_text_of_level_info_to_standard_error() {
    let folder = Folder::new();
    let output = play("init", &folder, &[]);
    let lines = console(&output);
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].contains("INFO") && lines[0].contains("said info n=1"), "{lines:?}");
    assert!(lines[0].contains("acceptance_builder"), "{lines:?}");
    assert!(!stderr(&output).contains('\u{1b}'), "a pipe is not coloured");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("said"));
}

#[test]
fn init_heeds_its_environment() {
    let folder = Folder::new();
    let count = |environment: &[(&str, &str)]| console(&play("init", &folder, environment)).len();
    assert_eq!(count(&[("NEXLOG", "trace")]), 5);
    assert_eq!(count(&[("RUST_LOG", "debug")]), 4);
    assert_eq!(count(&[("NEXLOG", "off")]), 0);
    assert_eq!(count(&[("NEXLOG_LEVEL", "debug")]), 4);
    assert_eq!(count(&[("NEXLOG_LEVEL", "ERROR")]), 1);
    assert_eq!(count(&[("NEXLOG_LEVEL", "off")]), 0);
    assert_eq!(count(&[("NEXLOG", "")]), 3, "empty is as if unset");

    let coloured = |environment: &[(&str, &str)]| {
        let output = play("init", &folder, environment);
        assert_eq!(console(&output).len(), 3, "{}", stderr(&output));
        stderr(&output).contains('\u{1b}')
    };
    assert!(coloured(&[("NEXLOG_COLOR", "always")]));
    assert!(!coloured(&[("NEXLOG_COLOR", "never")]));
    assert!(!coloured(&[("NEXLOG_COLOR", "auto")]));
    assert!(coloured(&[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "0")]));
    assert!(!coloured(&[("NO_COLOR", "1")]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "1"), ("NEXLOG_COLOR", "never")]));
    assert!(coloured(&[("NO_COLOR", "1"), ("NEXLOG_COLOR", "always")]));
    assert!(!coloured(&[("NO_COLOR", ""), ("TERM", "dumb")]));

    let output = play("init", &folder, &[("NEXLOG_FORMAT", "json")]);
    let records: Vec<Record> = console(&output).iter().map(|line| Record::parse(line)).collect();
    assert_eq!(records[0].fields(), "n=1");
    let output = play("init", &folder, &[("NEXLOG_FORMAT", "json"), ("NEXLOG_COLOR", "always")]);
    assert!(!stderr(&output).contains('\u{1b}'));
    let output = play("init", &folder, &[("NEXLOG_FORMAT", "text")]);
    assert!(console(&output)[0].contains("said info n=1"));
}

#[test]
fn nexlog_file_names_a_file_without_colours() {
    let folder = Folder::new();
    let path = folder.path("made/a.log");
    let path = path.to_str().unwrap();
    let output = play("init", &folder, &[("NEXLOG_FILE", path), ("CLICOLOR_FORCE", "1")]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = folder.text("made/a.log");
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(!text.contains('\u{1b}'));
    let json = folder.path("a.json");
    let environment = [("NEXLOG_FILE", json.to_str().unwrap()), ("NEXLOG_FORMAT", "json")];
    play("init", &folder, &environment);
    assert_eq!(messages(&folder), "said info, said warn, said error");
}

#[test]
fn an_environment_that_means_nothing_is_told_and_logging_goes_on() {
    let folder = Folder::new();
    for (name, value) in
        [("NEXLOG_LEVEL", "loud"), ("NEXLOG_COLOR", "purple"), ("NEXLOG_FORMAT", "xml")]
    {
        let output = play("init", &folder, &[(name, value)]);
        let text = stderr(&output);
        assert!(text.contains(name), "names the variable {name}: {text}");
        assert!(text.contains(value), "names the value: {text}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_environment_that_is_not_utf_8_is_heeded_or_told() {
    use std::ffi::{OsStr, OsString};
    use std::os::unix::ffi::{OsStrExt, OsStringExt};

    let folder = Folder::new();
    let with = |name: &str, value: &OsStr| {
        let mut command = child("init");
        command.env("FOLDER", folder.root()).env(name, value);
        command.output().unwrap()
    };
    let mut path = folder.root().as_os_str().as_bytes().to_vec();
    path.extend(b"/\xff.log");
    let path = OsString::from_vec(path);
    assert_eq!(console(&with("NEXLOG_FILE", &path)), [""; 0], "a path need not be text");
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 3);

    let nonsense = OsStr::from_bytes(b"tra\xffce");
    for name in ["NEXLOG", "RUST_LOG"] {
        let lines = console(&with(name, nonsense));
        assert_eq!(lines.len(), 4, "told in a line, and as if unset: {lines:?}");
        assert!(lines[0].contains(name) && lines[0].contains(r"tra\xffce"), "{lines:?}");
    }
    for name in ["NEXLOG_LEVEL", "NEXLOG_COLOR", "NEXLOG_FORMAT"] {
        let text = stderr(&with(name, nonsense));
        assert!(text.contains(name) && text.contains(r"tra\xffce"), "{text}");
    }
}

#[test]
fn a_second_install_is_refused() {
    let folder = Folder::new();
    let output = play("install_twice", &folder, &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    let lines = console(&output);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        Record::parse(&lines[0]).get("text").as_str().unwrap().contains("install"),
        "{lines:?}"
    );
}

#[test]
fn records_before_install_wait_and_are_filtered_then() {
    let folder = Folder::new();
    let output = play("early", &folder, &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(messages(&folder), "early warn, late warn");
    assert_eq!(folder.records("a.json")[0].raw("n"), "2");
}

#[test]
fn a_library_that_nobody_listens_to_is_silent() {
    let folder = Folder::new();
    let output = play("never", &folder, &[]);
    assert!(output.status.success());
    assert_eq!(stderr(&output), "");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("said"));
}

#[test]
fn nothing_is_lost_at_exit_or_a_panic() {
    for (name, environment, code) in [
        ("exit", &[][..], 7),
        ("exit", &[("BUFFERED", "1")], 7),
        ("panic", &[], 101),
        ("detached", &[], 0),
    ] {
        let folder = Folder::new();
        let output = play(name, &folder, environment);
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        let records = folder.records("a.json");
        let numbers = records.iter().filter(|r| r.has("n")).map(|r| r.raw("n"));
        let expected: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
        assert_eq!(numbers.collect::<Vec<_>>(), expected, "{name} {environment:?}");
    }
}

#[test]
fn the_global_logger_has_the_same_handle() {
    let output = play("global", &Folder::new(), &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    let records: Vec<String> =
        console(&output).iter().map(|line| Record::parse(line).msg().to_owned()).collect();
    assert_eq!(records, ["a", "b", "c"]);
}

#[test]
fn consoles_take_standard_output_and_error_apart() {
    let output = play("stdout", &Folder::new(), &[]);
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let records =
        out.lines().filter_map(|line| line.find('{').map(|at| Record::parse(&line[at..])));
    assert_eq!(records.count(), 4, "{out}");
    assert_eq!(console(&output).len(), 2, "{}", stderr(&output));
}

#[test]
fn a_failed_start_reads_well() {
    let output = play("unwritable", &Folder::new(), &[]);
    assert!(!output.status.success());
    let text = stderr(&output);
    assert!(text.contains("/proc/nowhere"), "{text}");
    assert!(!text.contains("Os {") && !text.contains("kind:"), "{text}");
}
