//! Records of nexlog go out to the logger of `log` and the subscriber of `tracing`, typed, on the
//! thread that makes them, and never in a circle.

#[path = "bridge_support/receivers.rs"]
mod receivers;
mod support;

use nexlog::{Level, Memory, Mode};
use receivers::{Fields, Layered, Places, keep, seen, taken};
use std::fmt;
use std::sync::{Arc, Mutex};
use support::{MODES, assert_balanced, child, lines, mode};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

support::child::harness! {
    tests: [
        records_arrive_at_log_typed_and_placed,
        records_arrive_at_tracing_typed_and_placed,
        it_is_one_line_and_prints_nothing_itself,
        each_mode_forwards_before_the_call_returns,
        a_threads_own_subscriber_gets_its_records,
        what_waited_for_install_is_forwarded,
        the_receivers_maximum_and_our_filter_hold,
        a_local_logger_forwards_its_own,
        tracings_records_go_to_log_and_back_no_further,
        logs_records_go_to_tracing_and_back_no_further,
        both_ways_at_once_end,
        a_receiver_that_logs_or_panics_harms_nobody,
        secrets_stay_secret,
        what_is_redacted_is_so_on_its_way_out,
        what_is_redacted_is_so_on_its_way_in,
        keys_without_end_leak_nothing,
        all_fields_arrive_however_many,
    ],
    scenes: [
        log_typed, tracing_typed, one_line, before_return, own_subscriber, waited, maximum, local,
        circle_by_log_tracer, circle_by_tracing, both_ways, misbehaving, secret, redacted, redacted_in, endless, many,
    ],
}

macro_rules! in_children {
    ($($test:ident => $scene:ident;)*) => {$(
        fn $test() {
            child::run(stringify!($scene), &[]).expect_success();
        }
    )*};
}

in_children! {
    records_arrive_at_log_typed_and_placed => log_typed;
    records_arrive_at_tracing_typed_and_placed => tracing_typed;
    a_threads_own_subscriber_gets_its_records => own_subscriber;
    what_waited_for_install_is_forwarded => waited;
    the_receivers_maximum_and_our_filter_hold => maximum;
    a_local_logger_forwards_its_own => local;
    tracings_records_go_to_log_and_back_no_further => circle_by_log_tracer;
    logs_records_go_to_tracing_and_back_no_further => circle_by_tracing;
    both_ways_at_once_end => both_ways;
    a_receiver_that_logs_or_panics_harms_nobody => misbehaving;
    secrets_stay_secret => secret;
    what_is_redacted_is_so_on_its_way_out => redacted;
    what_is_redacted_is_so_on_its_way_in => redacted_in;
    keys_without_end_leak_nothing => endless;
    all_fields_arrive_however_many => many;
}

#[derive(Debug)]
struct Broken(bool);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0 { "outer" } else { "inner" })
    }
}

impl std::error::Error for Broken {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.then_some(&Broken(false) as _)
    }
}

/// One record of each kind.
fn say_typed() {
    nexlog::info!(
        "paid {n} of {}",
        9,
        n = 7_u32,
        minus = -7,
        wide = u128::MAX,
        float = 1.5,
        single = 0.1_f32,
        yes = true,
        letter = 'x',
        text = "a b",
        error = err(&Broken(true)),
        took = std::time::Duration::from_millis(1500),
        list = [1, 2],
        raw = bytes(&[0xc0_u8, 0xff]),
        none = None::<u8>,
        (format!("made{}", 1)) = 3
    );
}

fn log_typed() {
    keep(log::LevelFilter::Trace);
    let logger = nexlog::builder().forward_to_log().field("service", "shop").install().unwrap();
    let _scope = nexlog::context!(request_id = "r-1");
    nexlog::span!("pay", n = 1, order = 5).in_scope(say_typed);
    assert_eq!(
        taken(),
        [format!(
            "INFO {} paid 7 of 9 n=7:u64 minus=-7:i64 wide={}:u128 float=1.5:f64 single=0.1:f64 \
             yes=true:bool letter=x:char text=a b:str error=outer:error from inner took=1.5s:str \
             list=[1, 2]:str raw=c0ff:str made1=3:u64 request_id=r-1:str order=5:u64 \
             service=shop:str span=pay:str",
            module_path!(),
            u128::MAX
        )]
    );
    let levels =
        [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Critical];
    for level in levels {
        nexlog::log!(level, target("t"), "x");
    }
    let told: Vec<_> = taken().iter().map(|l| l.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(told, ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "ERROR"]);
    assert_balanced(&logger.stats());
}

fn tracing_typed() {
    struct Places;
    impl<S: tracing::Subscriber> Layer<S> for Places {
        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
            let metadata = event.metadata();
            let place = (metadata.module_path(), metadata.file(), metadata.line());
            seen().push(format!("{place:?} {}", metadata.is_event()));
        }
    }
    let registry = tracing_subscriber::registry().with(Layered);
    let guard = tracing::subscriber::set_default(registry);
    let builder = nexlog::builder().forward_to_tracing().log_bridge(false);
    let logger = builder.field("service", "shop").install().unwrap();
    let _scope = nexlog::context!(request_id = "r-1");
    let theirs = tracing::info_span!("theirs");
    theirs.in_scope(|| nexlog::span!("pay", n = 1, order = 5).in_scope(say_typed));
    assert_eq!(
        taken(),
        [format!(
            "INFO {} message=paid 7 of 9:debug n=7:u64 minus=-7:i64 wide={}:u128 float=1.5:f64 \
             single=0.1:f64 yes=true:bool letter=x:str text=a b:str error=outer:error from inner \
             took=1.5s:str list=[1, 2]:str raw=[192, 255]:bytes made1=3:i64 request_id=r-1:str \
             order=5:i64 service=shop:str span=pay:str in theirs",
            module_path!(),
            u128::MAX
        )]
    );
    for level in
        [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Critical]
    {
        nexlog::log!(level, target("t"), "x");
    }
    let told: Vec<_> = taken().iter().map(|l| l.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(told, ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "ERROR"]);
    drop(theirs);
    drop(guard);
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(Places));
    nexlog::info!("x");
    let line = line!() - 1;
    let place = (Some(module_path!()), Some(file!()), Some(line));
    assert_eq!(taken(), [format!("{place:?} true")]);
    assert_balanced(&logger.stats());
}

fn one_line() {
    log::set_logger(&Places).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    nexlog::builder().forward_to_log().install().unwrap();
    nexlog::trace!("x");
    let line = line!() - 1;
    let place = (Some(module_path!()), Some(file!()), Some(line));
    assert_eq!(taken(), [format!("{place:?}")]);
}

fn it_is_one_line_and_prints_nothing_itself() {
    let outcome = child::run("one_line", &[]).expect_success();
    assert_eq!((&*outcome.stdout, &*outcome.stderr), ("", ""));
}

fn before_return() {
    keep(log::LevelFilter::Trace);
    let memory = Memory::new();
    let builder = nexlog::builder().sink(&memory).mode(mode(&child::told("MODE")));
    let logger = builder.forward_to_log().install().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for n in 0..300 {
                    nexlog::info!("said {thread} {n}");
                    let mine = format!("said {thread} {n} thread=");
                    assert!(seen().iter().any(|line| line.contains(&mine)), "{mine} is missing");
                }
            });
        }
    });
    logger.flush(support::PATIENCE).unwrap();
    assert_eq!((taken().len(), memory.lines().len()), (1200, 1200));
    assert_balanced(&logger.stats());
}

fn each_mode_forwards_before_the_call_returns() {
    for (name, _) in MODES {
        child::run("before_return", &[("MODE", name)]).expect_success();
    }
}

fn own_subscriber() {
    /// Counts.
    struct Mine(Arc<Mutex<Vec<String>>>);
    impl<S: tracing::Subscriber> Layer<S> for Mine {
        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
            let mut text = String::new();
            event.record(&mut Fields(&mut text));
            self.0.lock().unwrap().push(text);
        }
    }
    let builder = nexlog::builder().forward_to_tracing().log_bridge(false);
    builder.mode(Mode::Background).install().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                let kept = Arc::default();
                let registry = tracing_subscriber::registry().with(Mine(Arc::clone(&kept)));
                tracing::subscriber::with_default(registry, || {
                    (0..100).for_each(|n| nexlog::info!("x", thread, n));
                });
                let kept = kept.lock().unwrap();
                let all =
                    (0..100).map(|n| format!(" message=x:debug thread={thread}:i64 n={n}:i64"));
                assert!(kept.iter().cloned().eq(all), "{kept:?}");
            });
        }
    });
}

fn waited() {
    keep(log::LevelFilter::Info);
    nexlog::span!("early").in_scope(|| nexlog::info!("first"));
    nexlog::warn!(target("noise"), "no");
    let memory = Memory::new();
    let builder = nexlog::builder().filter("info,noise=off").sink(&memory).forward_to_log();
    let logger = builder.install().unwrap();
    nexlog::info!("second");
    let here = module_path!();
    assert_eq!(
        taken(),
        [format!("INFO {here} first span=early:str"), format!("INFO {here} second")]
    );
    assert_eq!(memory.lines().len(), 2);
    assert_balanced(&logger.stats());
}

fn maximum() {
    keep(log::LevelFilter::Warn);
    let memory = Memory::new();
    let logger = nexlog::builder().sink(&memory).forward_to_log().install().unwrap();
    nexlog::info!("x");
    nexlog::warn!("x");
    nexlog::debug!("x");
    assert_eq!((taken().len(), memory.lines().len()), (1, 2));
    logger.set_filter("error").unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    nexlog::warn!("x");
    nexlog::error!("x");
    assert_eq!((taken().len(), memory.lines().len()), (1, 3));
    assert_eq!(log::max_level(), log::LevelFilter::Trace, "it is another's");
    assert_balanced(&logger.stats());
}

fn local() {
    keep(log::LevelFilter::Trace);
    let local = nexlog::builder().forward_to_log().build().unwrap();
    let other = nexlog::builder().sink(Memory::new()).build().unwrap();
    nexlog::info!(logger(&local), "one");
    let child = local.with(nexlog::fields! { component = "db" });
    nexlog::info!(logger(&child), "two");
    nexlog::info!(logger(&other), "no");
    nexlog::info!("no");
    let here = module_path!();
    assert_eq!(taken(), [format!("INFO {here} one"), format!("INFO {here} two component=db:str")]);
    assert_balanced(&local.stats());
}

fn circle_by_log_tracer() {
    // tracing → nexlog → log → tracing.
    tracing_log::LogTracer::init().unwrap();
    let memory = Memory::new();
    let logger = nexlog::builder().sink(&memory).forward_to_log().install().unwrap();
    tracing::info!("one");
    nexlog::info!("two");
    log::info!("three"); // by way of tracing
    let said = lines::parse(&memory.lines());
    assert_eq!(lines::messages(&said), ["one", "two", "three"]);
    assert_balanced(&logger.stats());
}

/// A layer that says by `log` what it is given.
struct ToLog;

impl<S: tracing::Subscriber> Layer<S> for ToLog {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut text = String::new();
        event.record(&mut Fields(&mut text));
        seen().push(text.clone());
        log::info!("{text}");
    }
}

fn circle_by_tracing() {
    // log → nexlog → tracing → log.
    let registry = tracing_subscriber::registry().with(ToLog);
    tracing::subscriber::set_global_default(registry).unwrap();
    let memory = Memory::new();
    let logger = nexlog::builder().sink(&memory).forward_to_tracing().install().unwrap();
    log::info!("one");
    nexlog::info!("two");
    assert_eq!(lines::messages(&lines::parse(&memory.lines())), ["one", "two"]);
    assert_eq!(taken(), [" message=one:debug", " message=two:debug"]);
    assert_balanced(&logger.stats());
}

fn both_ways() {
    // A local logger to log, which is the global logger, which forwards to tracing, which says by
    // log what it is given.
    let registry = tracing_subscriber::registry().with(ToLog);
    tracing::subscriber::set_global_default(registry).unwrap();
    let memory = Memory::new();
    let global = nexlog::builder().sink(&memory).forward_to_tracing().install().unwrap();
    let local = nexlog::builder().forward_to_log().build().unwrap();
    nexlog::info!(logger(&local), "one", n = 1);
    assert_eq!(taken(), [" message=one:debug n=1:i64"]);
    let said = lines::parse(&memory.lines());
    assert_eq!((said.len(), &said[0]["n"]), (1, &serde_json::json!(1)));
    assert_balanced(&global.stats());
    assert_balanced(&local.stats());
}

/// A logger that logs and panics.
struct Misbehaves;

impl log::Log for Misbehaves {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        seen().push(record.args().to_string());
        nexlog::warn!("of the receiver's own");
        assert_ne!(record.args().to_string(), "panic", "on purpose");
    }

    fn flush(&self) {}
}

fn misbehaving() {
    log::set_logger(&Misbehaves).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let memory = Memory::new();
    let logger = nexlog::builder().sink(&memory).forward_to_log().install().unwrap();
    for text in ["one", "panic", "two"] {
        nexlog::info!("{text}");
    }
    // What the receiver says while it has a record is not given to it again.
    assert_eq!(taken(), ["one", "panic", "two"]);
    let said = lines::parse(&memory.lines());
    let own = "of the receiver's own";
    assert_eq!(lines::messages(&said), [own, "one", own, "panic", own, "two"]);
    assert_balanced(&logger.stats());
}

fn secret() {
    keep(log::LevelFilter::Trace);
    let registry = tracing_subscriber::registry().with(Layered);
    tracing::subscriber::set_global_default(registry).unwrap();
    nexlog::builder().forward_to_log().forward_to_tracing().install().unwrap();
    nexlog::info!("x", password = secret("hunter2"));
    let all = taken();
    assert_eq!(all.len(), 2);
    assert!(all.iter().all(|line| line.contains("password=***") && !line.contains("hunter2")));
}

fn redacted() {
    let memory = Memory::new();
    let builder = nexlog::builder().sink(&memory).redact(["password"]);
    builder.forward_to_tracing().install().unwrap();
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(Layered));
    log::info!(password = "hunter2"; "x");
    let _scope = nexlog::context!(password = "hunter2");
    nexlog::info!("x");
    nexlog::info!("x", password = "hunter2");
    let all: Vec<_> = taken().into_iter().chain(memory.lines()).collect();
    assert_eq!(all.len(), 6);
    assert!(all.iter().all(|line| line.contains("***") && !line.contains("hunter2")), "{all:#?}");
}

fn redacted_in() {
    let memory = Memory::new();
    nexlog::builder().sink(&memory).redact(["password"]).install().unwrap();
    log::info!(password = "hunter2"; "x");
    tracing::info!(password = "hunter2", "x");
    let span = tracing::info_span!("login", password = "hunter2");
    span.in_scope(|| tracing::info!("x"));
    span.record("password", "hunter22");
    span.in_scope(|| nexlog::info!("x"));
    let all = memory.lines();
    assert_eq!(all.len(), 4);
    assert!(all.iter().all(|line| line.contains("***") && !line.contains("hunter2")), "{all:#?}");
}

fn endless() {
    let registry = tracing_subscriber::registry().with(Layered);
    tracing::subscriber::set_global_default(registry).unwrap();
    let logger = nexlog::builder().forward_to_tracing().log_bridge(false).install().unwrap();
    let say = |n: u32| {
        let (key, target) = (format!("key_{n}"), format!("target_{n}"));
        nexlog::info!(target(&target), "x", (&key) = n);
        let line = taken().pop().unwrap();
        assert!(
            line.contains(&key) && line.contains(&target) && line.contains("message=x"),
            "{line}"
        );
        line.starts_with(&format!("INFO {target} "))
    };
    // Beyond a number of shapes the target is a field.
    assert_eq!((0..5_000).filter(|n| say(*n)).count(), 4096);
    let resident = || {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
    };
    let before = resident();
    assert_eq!((5_000..20_000).filter(|n| say(*n)).count(), 0);
    let grown = resident().saturating_sub(before);
    assert!(grown < 1 << 20, "{grown} bytes more"); // metadata for each would be 5 MB
    assert!(say(3), "what is known stays known");
    assert_balanced(&logger.stats());
}

fn many() {
    keep(log::LevelFilter::Trace);
    let registry = tracing_subscriber::registry().with(Layered);
    tracing::subscriber::set_global_default(registry).unwrap();
    nexlog::builder().forward_to_log().forward_to_tracing().install().unwrap();
    for count in [30, 31, 32, 33, 60] {
        let fields: Vec<_> = (0..count).map(|n| (format!("k{n}"), n)).collect();
        nexlog::info!("x", ..&fields);
        let all = taken();
        assert_eq!(all.len(), 2);
        for (key, value) in &fields {
            let told = format!(" {key}={value}");
            assert!(all.iter().all(|line| line.replace("fields=", "").contains(&told)), "{all:?}");
        }
    }
}
