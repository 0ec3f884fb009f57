//! `dedup` and `sample_traces`: what a sink leaves out, that it is counted and told, and that the
//! accounts hold.

mod support;

use nexlog::{
    Batch, Builder, Console, Context, Format, Json, Level, Logger, Memory, Mode, Output, Record,
    Sink, Text, TraceSampling, WriteError, context, error, info, span, warn,
};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::sinks::Valve;
use support::{MODES, PATIENCE, assert_balanced, scaled};

const LONG: Duration = Duration::from_secs(3600);

fn local(memory: &Memory) -> Logger {
    nexlog::builder().sink(memory).build().unwrap()
}

fn values(memory: &Memory) -> Vec<Value> {
    memory.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Message and `repeated` of each line.
fn short(lines: &[Value]) -> Vec<String> {
    let short = |line: &Value| match line.get("repeated") {
        Some(count) => format!("{}: {count}", line["msg"].as_str().unwrap()),
        None => line["msg"].as_str().unwrap().to_owned(),
    };
    lines.iter().map(short).collect()
}

/// The records that lines stand for.
fn records(lines: &[Value]) -> u64 {
    let count = |line: &Value| line.get("repeated").map_or(1, |count| count.as_u64().unwrap());
    lines.iter().map(count).sum()
}

fn again(times: u64) -> String {
    format!("last message repeated {times} times: {times}")
}

#[test]
fn a_record_that_comes_again_is_counted_and_told_before_the_next_other_one() {
    for (name, mode) in MODES {
        let memory = Memory::new().dedup(LONG);
        let logger = nexlog::builder().sink(&memory).mode(mode).build().unwrap();
        for _ in 0..5 {
            warn!(logger(&logger), target("db"), "cannot connect", host = "a");
        }
        info!(logger(&logger), "connected");
        logger.flush(PATIENCE).unwrap();
        let lines = values(&memory);
        assert_eq!(short(&lines), ["cannot connect", &again(4), "connected"], "{name}");
        assert_eq!((&lines[1]["level"], &lines[1]["target"]), (&"WARN".into(), &"db".into()));
        assert!(lines[1]["ts"].as_str() <= lines[2]["ts"].as_str(), "in the order of time");
        let stats = logger.stats();
        assert_balanced(&stats);
        assert_eq!((stats.accepted, stats.written, stats.repeated, stats.own), (6, 6, 4, 1));
        assert_eq!((stats.sinks[0].written, stats.sinks[0].repeated), (3, 4));
    }
}

/// All of it is compared: not the time, not the thread.
#[test]
fn only_what_is_equal_is_collapsed() {
    let memory = Memory::new().dedup(LONG);
    let logger = local(&memory);
    let log = |number: u64, text: &str, level: Level, target: &str| {
        nexlog::log!(level, logger(&logger), target(target), "step {number}", text);
    };
    log(1, "a", Level::Info, "x");
    log(2, "a", Level::Info, "x");
    log(2, "b", Level::Info, "x");
    log(2, "b", Level::Warn, "x");
    log(2, "b", Level::Warn, "y");
    assert_eq!(memory.lines().len(), 5);
    for tenant in [1, 2, 2] {
        let _scope = context!(tenant);
        log(2, "b", Level::Warn, "y");
    }
    assert_eq!(memory.lines().len(), 7, "fields of the context count");
    for _ in 0..2 {
        info!(logger(&logger), "one");
        info!(logger(&logger), "two");
    }
    let with = logger.with([("component", "db")]);
    info!(logger(&with), "two");
    logger.flush(PATIENCE).unwrap();
    let lines = values(&memory);
    assert_eq!(short(&lines[7..]), [&again(1), "one", "two", "one", "two", "two"]);
}

#[test]
fn records_of_several_threads_are_equal() {
    let memory = Memory::new().dedup(LONG);
    let logger = local(&memory);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..100).for_each(|_| retry(&logger)));
        }
    });
    drop(logger);
    assert_eq!(short(&values(&memory)), ["retrying", &again(399)]);
}

fn retry(logger: &Logger) {
    info!(logger(logger), "retrying");
}

#[test]
fn a_flush_and_the_end_tell_and_go_on_counting() {
    let memory = Memory::new().dedup(LONG);
    let logger = local(&memory);
    (0..3).for_each(|_| retry(&logger));
    assert_eq!(short(&values(&memory)), ["retrying"], "the first at once, the others are counted");
    logger.flush(PATIENCE).unwrap();
    logger.flush(PATIENCE).unwrap();
    assert_eq!(short(&values(&memory)), ["retrying", &again(2)], "once");
    (0..4).for_each(|_| retry(&logger));
    drop(logger);
    assert_eq!(short(&values(&memory)), ["retrying", &again(2), &again(4)]);
}

#[test]
fn what_comes_after_the_interval_is_written_in_full() {
    let interval = Duration::from_millis(60);
    let memory = Memory::new().dedup(interval);
    let logger = local(&memory);
    (0..3).for_each(|_| retry(&logger));
    std::thread::sleep(interval);
    (0..2).for_each(|_| retry(&logger));
    assert_eq!(short(&values(&memory)), ["retrying", &again(2), "retrying"]);
}

/// With a sink that does not take what comes next.
#[test]
fn an_interval_that_has_passed_is_told_at_the_next_drain() {
    let interval = Duration::from_millis(40);
    let (memory, all) = (Memory::new().dedup(interval).level(Level::Warn), Memory::new());
    let logger = nexlog::builder().sink(&memory).sink(&all).build().unwrap();
    (0..3).for_each(|_| warn!(logger(&logger), "retrying"));
    std::thread::sleep(interval);
    info!(logger(&logger), "something else");
    assert_eq!(short(&values(&memory)), ["retrying", &again(2)]);
    assert_eq!(all.lines().len(), 4, "the other sink has all, and no line about them");
}

#[test]
fn what_one_sink_does_not_want_is_not_between_its_records() {
    let memory = Memory::new().dedup(LONG).level(Level::Warn);
    let logger = local(&memory);
    for _ in 0..3 {
        warn!(logger(&logger), "hot");
        info!(logger(&logger), "step");
    }
    drop(logger);
    assert_eq!(short(&values(&memory)), ["hot", &again(2)]);
}

/// Many, on many threads, in small and in large batches; and with sinks that share a format.
#[test]
fn no_record_is_lost_in_between() {
    for (name, mode) in MODES {
        let memories = [Memory::new().dedup(LONG), Memory::new().dedup(LONG), Memory::new()];
        let builder = nexlog::builder().mode(mode);
        let builder = memories.iter().fold(builder, nexlog::Builder::sink);
        let logger = builder.build().unwrap();
        let each = scaled(3_000, 100_000);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for number in 0..each {
                        info!(logger(&logger), "step", number = number / 7 % 3);
                    }
                });
            }
        });
        logger.flush(PATIENCE).unwrap();
        let stats = logger.stats();
        assert_balanced(&stats);
        assert_eq!((stats.accepted, stats.dropped), (4 * each, 0), "{name}");
        let [first, second, all] = memories.map(|memory| values(&memory));
        assert_eq!((records(&first), records(&second)), (4 * each, 4 * each), "{name}");
        assert_eq!(short(&first), short(&second), "{name}");
        assert_eq!(all.len() as u64, 4 * each, "{name}");
        assert!(first.len() < all.len(), "{name}");
        // Unfolded, it is what the other sink has.
        let mut unfolded: Vec<&Value> = Vec::new();
        for line in &first {
            let times = line.get("repeated").map(|times| times.as_u64().unwrap());
            let last = unfolded.last().copied();
            (0..times.unwrap_or(1))
                .for_each(|_| unfolded.push(if times.is_some() { last.unwrap() } else { line }));
        }
        let number = |line: &Value| line["number"].as_u64();
        let unfolded: Vec<_> = unfolded.into_iter().map(number).collect();
        assert_eq!(unfolded, all.iter().map(number).collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn text_says_it_as_syslog_does() {
    let memory = Memory::new().format(Text::compact()).dedup(LONG);
    let logger = local(&memory);
    (0..3).for_each(|_| error!(logger(&logger), target("db"), "down"));
    drop(logger);
    let last = memory.lines().pop().unwrap();
    assert!(last.contains("last message repeated 2 times") && last.contains("ERROR"), "{last}");
    assert!(last.contains("db"), "{last}");
}

/// Keeps what the typed records say.
#[derive(Clone, Default)]
struct Typed(Arc<Mutex<Vec<String>>>);

impl Sink for Typed {
    fn write(&mut self, batch: &Batch<'_>) -> Result<(), WriteError> {
        assert_eq!(batch.records().count(), batch.len());
        let mut kept = self.0.lock().unwrap();
        for (record, line) in batch.records().zip(batch.lines()) {
            let line: Value = serde_json::from_slice(line).unwrap();
            let message = record.message().map(|message| message.to_string()).unwrap();
            assert_eq!(line["msg"].as_str(), Some(message.as_str()), "bytes and record are one");
            kept.push(format!("{} {} {message}", record.level(), record.target()));
        }
        Ok(())
    }
}

#[test]
fn sinks_of_typed_records_see_the_same() {
    let typed = Typed::default();
    let logger = nexlog::builder().sink(Output::to(typed.clone()).dedup(LONG)).build().unwrap();
    (0..3).for_each(|_| warn!(logger(&logger), target("db"), "down"));
    info!(logger(&logger), target("db"), "up");
    drop(logger);
    let kept = typed.0.lock().unwrap().clone();
    assert_eq!(kept, ["WARN db down", "WARN db last message repeated 2 times", "INFO db up"]);
}

/// A format that counts what it is asked for.
struct Counting(Arc<Mutex<u64>>);

impl Format for Counting {
    fn encode(&self, _: &Record<'_>, out: &mut nexlog::Buffer) {
        *self.0.lock().unwrap() += 1;
        out.extend(b"x\n");
    }
}

#[test]
fn what_is_left_out_is_not_encoded() {
    let count = Arc::new(Mutex::new(0));
    let memory = Memory::new().format(Counting(Arc::clone(&count))).dedup(LONG);
    let logger = local(&memory);
    (0..50).for_each(|_| retry(&logger));
    assert_eq!(*count.lock().unwrap(), 1);
}

#[test]
fn accounts_hold_when_the_sink_fails() {
    for mode in [Mode::Immediate, Mode::Background] {
        let valve = Valve::new();
        valve.fail_every(3);
        valve.take_before_failing(1);
        let output = Output::to(valve.clone()).dedup(LONG);
        let builder = nexlog::builder().sink(output).mode(mode).on_error(|_| {});
        let logger = builder.build().unwrap();
        for number in 0..2_000_u64 {
            info!(logger(&logger), "step", number = number / 5);
        }
        valve.fail_every(0);
        let _ = logger.flush(PATIENCE);
        let _ = logger.flush(PATIENCE);
        let stats = logger.stats();
        assert_balanced(&stats);
        assert_eq!(stats.accepted, 2_000);
        assert!(mode != Mode::Immediate || stats.dropped > 0, "{stats:?}");
        assert!((1_000..=1_600).contains(&stats.repeated), "{stats:?}");
    }
}

/// Nothing repeats what is not there.
#[test]
fn what_comes_again_after_a_loss_is_written_in_full() {
    let valve = Valve::new();
    let builder = nexlog::builder().sink(Output::to(valve.clone()).dedup(LONG)).on_error(|_| {});
    let logger = builder.build().unwrap();
    valve.fail(true);
    retry(&logger);
    valve.fail(false);
    (0..3).for_each(|_| retry(&logger));
    drop(logger);
    let lines: Vec<Value> =
        valve.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(short(&lines), ["records lost by sink", "retrying", &again(2)]);
}

#[test]
fn what_was_counted_behind_a_lost_record_is_lost_with_it() {
    let valve = Valve::new();
    let output = Output::to(valve.clone()).dedup(LONG);
    let builder = nexlog::builder().sink(output).on_error(|_| {}).mode(Mode::Buffered);
    let logger = builder.flush_interval(LONG).build().unwrap();
    valve.fail(true);
    info!(logger(&logger), "before");
    (0..5).for_each(|_| retry(&logger));
    let _ = logger.flush(PATIENCE);
    valve.fail(false);
    (0..2).for_each(|_| retry(&logger));
    drop(logger);
    let lines: Vec<Value> =
        valve.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["dropped"], 6, "all of them, in the line that was lost or not");
    assert_eq!(short(&lines[1..]), ["retrying", &again(1)], "{lines:#?}");
}

/// A format that panics now and then.
struct Moody(Arc<Mutex<u64>>);

impl Format for Moody {
    fn encode(&self, record: &Record<'_>, out: &mut nexlog::Buffer) {
        let mut calls = self.0.lock().unwrap();
        *calls += 1;
        if *calls == 1 {
            drop(calls);
            panic!("as the test wants it");
        }
        out.extend(format!("{}\n", record.message().unwrap()).as_bytes());
    }
}

#[test]
fn what_a_format_has_lost_repeats_nothing_either() {
    let memory = Memory::new().format(Moody(Arc::default())).dedup(LONG);
    let logger = local(&memory);
    (0..3).for_each(|_| retry(&logger));
    drop(logger);
    let lines = memory.lines();
    assert_eq!(lines, ["retrying", "records lost by sink", "retrying"]);
}

#[test]
fn an_interval_of_zero_is_an_error() {
    let error = nexlog::builder().console(Console::stderr().dedup(Duration::ZERO)).build();
    let error = error.unwrap_err().to_string();
    assert!(error.contains("`dedup`"), "{error}");
}

// Traces.

const KEPT: u128 = 0x0000_0000_0000_0001_0000_0000_0000_0001;
const LEFT_OUT: u128 = 0x0000_0000_0000_0001_ffff_ffff_ffff_fff0;

fn sampled(builder: Builder) -> (Logger, Memory) {
    let memory = Memory::new();
    (builder.sink(&memory).build().unwrap(), memory)
}

#[test]
fn a_trace_is_kept_or_left_out_as_a_whole() {
    let (logger, memory) = sampled(nexlog::builder().sample_traces(0.5));
    for id in [KEPT, LEFT_OUT] {
        let _trace = Context::current().trace_id(id).attach();
        info!(logger(&logger), "in it", kept = id == KEPT);
        span!("pay").in_scope(|| error!(logger(&logger), "deep in it", kept = id == KEPT));
    }
    info!(logger(&logger), "outside", kept = true);
    let lines = values(&memory);
    assert_eq!(lines.len(), 3);
    assert!(lines.iter().all(|line| line["kept"] == true));
    let stats = logger.stats();
    assert_balanced(&stats);
    assert_eq!((stats.accepted, stats.written, stats.sampled_out), (5, 5, 2));
    assert_eq!((stats.sinks[0].written, stats.sinks[0].sampled_out), (3, 2));
    drop(logger);
    let last = values(&memory).pop().unwrap();
    assert_eq!((&last["msg"], &last["sampled_out"]), (&"records sampled out".into(), &2.into()));
    assert_eq!(last["sink"], "memory");
}

#[test]
fn the_id_may_come_in_any_way() {
    let (logger, memory) = sampled(nexlog::builder().sample_traces(0.5));
    let text = format!("{LEFT_OUT:032x}");
    let header = format!("00-{text}-00f067aa0ba902b7-01");
    info!(logger(&logger), "own field", trace_id = text);
    info!(logger(&logger), "own number", trace_id = LEFT_OUT);
    info!(logger(&logger), "own bytes", trace_id = bytes(&LEFT_OUT.to_be_bytes()));
    info!(logger(&logger), "run-time key", ("trace_id") = &text);
    {
        let _scope = context!(trace_id = text);
        info!(logger(&logger), "scope");
    }
    {
        let _remote = Context::from_traceparent(&header).unwrap().attach();
        info!(logger(&logger), "traceparent");
        info!(logger(&logger), "own one wins", trace_id = format!("{KEPT:032x}"));
    }
    info!(logger(&logger.with([("trace_id", &text)])), "child logger");
    assert_eq!(short(&values(&memory)), ["own one wins"]);
}

/// What calls a service is told of the trace, and what that decides, is one thing.
#[test]
fn a_trace_that_began_here_goes_by_the_id_that_others_are_told() {
    let (logger, memory) = sampled(nexlog::builder().sample_traces(0.5));
    let (mut kept, mut expected) = (0, 0);
    for _ in 0..400 {
        let before = memory.lines().len();
        let header = span!("root").in_scope(|| {
            info!(logger(&logger), "first");
            span!("inner").in_scope(|| info!(logger(&logger), "second"));
            Context::current().traceparent().unwrap()
        });
        let id = u128::from_str_radix(&header[3..35], 16).unwrap();
        let is_kept = id & u128::from(u64::MAX) < 1 << 63;
        let lines = memory.lines().len() - before;
        assert_eq!(lines, if is_kept { 2 } else { 0 }, "{header}");
        kept += u64::from(lines > 0);
        expected += u64::from(is_kept);
    }
    assert_eq!(kept, expected);
    assert!((100..300).contains(&kept), "{kept} of 400");
}

#[test]
fn grave_records_may_be_kept_whatever_the_trace() {
    let sampling = TraceSampling::ratio(0.0).keep_level(Level::Warn);
    let (logger, memory) = sampled(nexlog::builder().sample_traces(sampling));
    let _trace = Context::current().trace_id(LEFT_OUT).attach();
    info!(logger(&logger), "info");
    warn!(logger(&logger), "warn");
    error!(logger(&logger), "error");
    assert_eq!(short(&values(&memory)), ["warn", "error"]);
}

#[test]
fn a_sink_of_its_own_mind_is_not_overruled() {
    let (all, none, some) = (Memory::new(), Memory::new(), Memory::new());
    let logger = nexlog::builder()
        .sample_traces(0.5)
        .sink(all.clone().sample_traces(1.0))
        .sink(none.clone().sample_traces(0.0))
        .sink(&some)
        .build()
        .unwrap();
    for id in [KEPT, LEFT_OUT] {
        let _trace = Context::current().trace_id(id).attach();
        info!(logger(&logger), "step");
    }
    let lines = [&all, &none, &some].map(|memory| memory.lines().len());
    assert_eq!(lines, [2, 0, 1]);
    assert_eq!(logger.stats().sampled_out, 3);
}

#[test]
fn what_was_sampled_out_is_told_now_and_then() {
    let interval = Duration::from_millis(30);
    let builder = nexlog::builder().sample_traces(0.0).report_suppressed(interval);
    let (logger, memory) = sampled(builder.mode(Mode::Background));
    let _trace = Context::current().trace_id(LEFT_OUT).attach();
    info!(logger(&logger), "step");
    support::wait_until("a report", || {
        std::thread::sleep(Duration::from_millis(5));
        info!(logger(&logger), "step");
        !memory.is_empty()
    });
    let line = &values(&memory)[0];
    assert_eq!(line["msg"], "records sampled out");
    assert!(line["sampled_out"].as_u64().unwrap() >= 1);
}

#[test]
fn a_ratio_that_is_none_is_an_error() {
    for ratio in [f64::NAN, 1.5, -1.0] {
        let error = nexlog::builder().sample_traces(ratio).build().unwrap_err().to_string();
        assert!(error.contains("`sample_traces`"), "{error}");
        let output = Output::from(&Memory::new().format(Json::new())).sample_traces(ratio);
        assert!(nexlog::builder().sink(output).build().is_err());
    }
}
