//! Each sink gets what it wants in its own format; one that fails is counted, reported and tried
//! again, and the others do not notice.

mod support;

use nexlog::{
    Batch, Buffer, Console, Error, File, Format, Json, Level, Memory, Mode, Output, Record, Text,
    ValueRef, debug, error, info, warn,
};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::child::{self, told};
use support::sinks::{Each, Valve};
use support::{Folder, MODES, PATIENCE, assert_balanced, lines, mode};

support::child::harness! {
    tests: [
        each_sink_has_a_level_and_a_format_of_its_own,
        a_custom_format_is_asked_once_for_each_record_that_is_wanted,
        bytes_lines_and_typed_records_of_a_batch_agree,
        a_batch_that_tells_of_losses_agrees_too,
        a_failed_sink_is_tried_again_by_flush_and_tells_what_it_lost,
        a_failing_sink_is_reported_at_most_once_a_second,
        a_sink_that_fails_after_taking_all_does_not_fail_for_ever,
        a_file_is_made_with_its_folders_and_private_whatever_the_umask,
        what_is_no_plain_file_is_refused_with_a_reason,
        the_same_file_twice_is_refused_until_it_is_free,
        a_torn_tail_is_ended_before_the_first_record,
        a_full_device_costs_its_records_and_is_reported,
        a_reader_that_closes_costs_its_records_only,
        standard_error_that_is_closed_or_full_stops_nobody,
    ],
    scenes: [umask_zero, console_and_file, log_until_told],
}

fn each_sink_has_a_level_and_a_format_of_its_own() {
    for (_, mode) in MODES {
        let (all, plain, grave) = (Memory::new(), Memory::new(), Memory::new());
        let named = Memory::new();
        let logger = nexlog::builder()
            .filter("debug")
            .sink(all.clone())
            .sink(plain.clone().format(Text::compact().time(false)).level(Level::Warn))
            .sink(grave.clone().level(Level::Error))
            .sink(named.clone().filter("off,db=debug"))
            .mode(mode)
            .build()
            .unwrap();
        for _ in 0..3 {
            debug!(logger(&logger), target("db"), "query", n = 1);
            info!(logger(&logger), "paid", n = 2);
            warn!(logger(&logger), "slow", n = 3);
            error!(logger(&logger), target("db"), "broken", n = 4);
        }
        logger.flush(PATIENCE).unwrap();
        let of = |memory: &Memory| lines::parse(&memory.lines());
        let once = ["query", "paid", "slow", "broken"];
        assert_eq!(lines::messages(&of(&all)), [once, once, once].concat());
        assert_eq!(lines::messages(&of(&grave)), ["broken"; 3]);
        let named = of(&named);
        assert_eq!(lines::messages(&named), ["query", "broken"].repeat(3));
        let plain = plain.lines();
        assert_eq!(plain.len(), 6);
        assert!(plain[0].contains("slow") && plain[1].contains("broken"), "{plain:?}");
        let written: Vec<u64> = logger.stats().sinks.iter().map(|sink| sink.written).collect();
        assert_eq!(written, [12, 6, 3, 6]);
        assert_balanced(&logger.stats());
        let other = of(&all).into_iter().filter(|r| r["level"] == "ERROR").collect::<Vec<_>>();
        assert_eq!(other, of(&grave), "the same record is the same in both");
    }
}

struct Counted(Arc<AtomicU64>);

impl Format for Counted {
    fn encode(&self, record: &Record<'_>, out: &mut Buffer) {
        self.0.fetch_add(1, SeqCst);
        out.push_str(record.level().as_str());
        out.push(b'\n');
    }
}

fn a_custom_format_is_asked_once_for_each_record_that_is_wanted() {
    let (calls, warnings) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let memory = Memory::new();
    let logger = nexlog::builder()
        .sink(memory.clone().format(Counted(Arc::clone(&calls))))
        .sink(Memory::new().format(Counted(Arc::clone(&warnings))).level(Level::Warn))
        .build()
        .unwrap();
    (0..10).for_each(|_| info!(logger(&logger), "x"));
    warn!(logger(&logger), "y");
    assert_eq!((calls.load(SeqCst), warnings.load(SeqCst)), (11, 1));
    assert_eq!(memory.lines().len(), 11);
}

/// What a sink saw of one record: its line, and its view as text.
type Seen = Arc<Mutex<Vec<(String, Option<String>)>>>;

/// Keeps lines and typed records side by side. Fails while `fails`.
fn watching(seen: &Seen, fails: &Arc<AtomicU64>) -> Output {
    let (seen, fails) = (Arc::clone(seen), Arc::clone(fails));
    Output::to(Each(move |batch: &Batch<'_>| {
        if fails.load(SeqCst) == 1 {
            return Err(std::io::Error::other("told to fail").into());
        }
        let lines: Vec<&[u8]> = batch.lines().collect();
        assert_eq!(lines.concat(), batch.bytes());
        assert_eq!(lines.len(), batch.len());
        assert!(!batch.is_empty());
        let mut bytes = 0;
        for (number, line) in lines.iter().enumerate() {
            assert_eq!(batch.records_within(bytes), number);
            bytes += line.len();
        }
        let mut records = batch.records();
        for line in lines {
            let text = String::from_utf8(line.to_vec()).unwrap();
            seen.lock().unwrap().push((text, records.next().map(|record| view(&record))));
        }
        assert!(records.next().is_none());
        Ok(())
    }))
}

/// Level, message and integer fields, which is what `line` reads from the JSON of the same.
fn view(record: &Record<'_>) -> String {
    let numbers = record.fields().filter_map(|(key, value)| match value {
        ValueRef::U64(value) => Some(format!(" {key}={value}")),
        _ => None,
    });
    let message = record.message().map_or(String::new(), |message| message.to_string());
    format!("{} {} {message}{}", record.level(), record.target(), numbers.collect::<String>())
}

fn line(json: &str) -> String {
    let record: serde_json::Value = serde_json::from_str(json).unwrap();
    let text = |key: &str| record[key].as_str().unwrap().to_owned();
    // An object of serde_json is sorted by key, and each record here has at most one number.
    let fields = record.as_object().unwrap().iter();
    let numbers = fields.filter(|(_, value)| value.is_u64()).map(|(key, v)| format!(" {key}={v}"));
    let numbers: String = numbers.collect();
    format!("{} {} {}{numbers}", text("level"), text("target"), text("msg"))
}

fn bytes_lines_and_typed_records_of_a_batch_agree() {
    for (_, mode) in MODES {
        let (seen, fails) = (Seen::default(), Arc::default());
        let logger = nexlog::builder().sink(watching(&seen, &fails)).mode(mode).build().unwrap();
        for number in 0..3_000_u64 {
            info!(logger(&logger), "short", number);
            if number.is_multiple_of(100) {
                warn!(
                    logger(&logger),
                    target("t"),
                    "long {number}",
                    z = display("x".repeat(9_000))
                );
            }
        }
        logger.flush(PATIENCE).unwrap();
        assert_eq!(logger.stats().errors, 0, "the sink's asserts failed");
        let seen = seen.lock().unwrap();
        assert_eq!(seen.len(), 3_030);
        for (json, view) in seen.iter() {
            assert_eq!(Some(line(json)), *view);
        }
    }
}

/// The record about losses is one of the batch, in every view.
fn a_batch_that_tells_of_losses_agrees_too() {
    let (seen, fails) = (Seen::default(), Arc::new(AtomicU64::new(1)));
    let builder = nexlog::builder().sink(watching(&seen, &fails)).on_error(|_| {});
    let logger = builder.mode(Mode::Buffered).build().unwrap();
    (0..5).for_each(|_| info!(logger(&logger), "lost"));
    assert!(logger.flush(PATIENCE).is_err());
    fails.store(0, SeqCst);
    info!(logger(&logger), "kept", n = 7_u64);
    logger.flush(PATIENCE).unwrap();
    assert_eq!(logger.stats().errors, 1, "the sink's asserts failed");
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 2, "{seen:?}");
    for (json, view) in seen.iter() {
        assert_eq!(Some(line(json)), *view);
    }
    assert_eq!(line(&seen[0].0), "WARN nexlog records lost by sink dropped=5");
}

fn a_failed_sink_is_tried_again_by_flush_and_tells_what_it_lost() {
    for (_, mode) in MODES {
        let (valve, other) = (Valve::new(), Memory::new());
        let builder = nexlog::builder().sink(valve.clone()).sink(other.clone()).mode(mode);
        let logger = builder.on_error(|_| {}).build().unwrap();
        valve.fail(true);
        (0..10).for_each(|_| info!(logger(&logger), "lost"));
        for _ in 0..3 {
            let failed = logger.flush(PATIENCE).unwrap_err();
            assert!(matches!(&failed, Error::Sink { name, .. } if name == "valve"), "{failed}");
        }
        valve.fail(false);
        // Without a new record: the flush itself is the trial.
        logger.flush(PATIENCE).unwrap();
        logger.flush(PATIENCE).unwrap();
        let records = lines::parse(&valve.lines());
        assert_eq!(lines::messages(&records), ["records lost by sink"]);
        assert_eq!(records[0]["dropped"], 10);
        assert_eq!(records[0]["sink"], "valve");
        assert_eq!(other.lines().len(), 10);
        let stats = logger.stats();
        assert_eq!((stats.dropped_by.sink, stats.written, stats.own), (10, 0, 1));
        assert_balanced(&stats);
    }
}

fn a_failing_sink_is_reported_at_most_once_a_second() {
    let (valve, told) = (Valve::new(), Arc::new(Mutex::new(Vec::new())));
    let kept = Arc::clone(&told);
    let on_error = move |error: &Error| kept.lock().unwrap().push(error.with_causes().to_string());
    let logger = nexlog::builder().sink(valve.clone()).on_error(on_error).build().unwrap();
    valve.fail(true);
    let started = std::time::Instant::now();
    (0..200).for_each(|_| info!(logger(&logger), "lost"));
    let seconds = usize::try_from(started.elapsed().as_secs()).unwrap();
    let told = told.lock().unwrap();
    assert_eq!(told[0], "the sink valve failed: told to fail");
    assert!(told.len() <= seconds + 1, "{told:?}");
    assert_eq!(logger.stats().errors, 200);
}

/// A sink may say that it took all and failed afterwards: nothing is lost, and a later flush,
/// with nothing to write, has no failure to speak of.
fn a_sink_that_fails_after_taking_all_does_not_fail_for_ever() {
    let valve = Valve::new();
    let builder = nexlog::builder().sink(valve.clone()).on_error(|_| {});
    let logger = builder.mode(Mode::Buffered).build().unwrap();
    valve.take_before_failing(u64::MAX);
    valve.fail(true);
    info!(logger(&logger), "taken");
    let _ = logger.flush(PATIENCE);
    valve.fail(false);
    logger.flush(PATIENCE).unwrap();
    let stats = logger.stats();
    assert_eq!((stats.written, stats.dropped, stats.errors), (1, 0, 1));
}

fn umask_zero() {
    // SAFETY: sets a number of this process.
    unsafe { libc::umask(0) };
    let folder = told("FOLDER");
    let file = Path::new(&folder).join("a/b/c/app.log");
    let private = nexlog::builder().file(File::at(&file)).build().unwrap();
    let shared = file.with_file_name("shared.log");
    let shared_logger = nexlog::builder().file(File::at(&shared).mode(0o640)).build().unwrap();
    info!(logger(&private), "x");
    info!(logger(&shared_logger), "x");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(&file), mode(&shared)), (0o600, 0o640));
    // SAFETY: as above.
    unsafe { libc::umask(0o777) };
    let strict = file.with_file_name("strict.log");
    let _logger = nexlog::builder().file(File::at(&strict)).build().unwrap();
    assert_eq!(mode(&strict), 0o600);
}

fn a_file_is_made_with_its_folders_and_private_whatever_the_umask() {
    let folder = Folder::new();
    child::run("umask_zero", &[("FOLDER", folder.path().to_str().unwrap())]).expect_success();
}

#[track_caller]
fn refusal(path: &Path) -> String {
    match nexlog::builder().file(File::at(path)).build() {
        Err(error @ Error::File { .. }) => {
            let text = error.with_causes().to_string();
            let named = [Some(path), path.parent()].map(|path| path.and_then(Path::to_str));
            let is_named = named.into_iter().flatten().any(|path| text.contains(path));
            assert!(is_named, "no path in {text}");
            text
        }
        other => panic!("not refused: {other:?}"),
    }
}

fn what_is_no_plain_file_is_refused_with_a_reason() {
    let folder = Folder::new();
    let (plain, link, pipe) = (folder.file("plain"), folder.file("link"), folder.file("pipe"));
    std::fs::write(&plain, "before\n").unwrap();
    symlink(&plain, &link).unwrap();
    assert!(refusal(&link).contains("symbolic link"));
    symlink("/dev/stdout", folder.file("stdout")).unwrap();
    assert!(refusal(&folder.file("stdout")).contains("Console::stdout()"));
    symlink(folder.file("nowhere"), folder.file("dangling")).unwrap();
    assert!(refusal(&folder.file("dangling")).contains("symbolic link"));
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    assert!(refusal(&pipe).contains("pipe"));
    assert!(refusal(folder.path()).contains("folder"));
    assert!(refusal(Path::new("/dev/full")).contains("device"));
    std::fs::hard_link(&plain, folder.file("hard")).unwrap();
    assert!(refusal(&plain).contains("hard link"));
    assert!(refusal(&plain.join("below")).contains("a part of the path is a file"));
    let _ = refusal(Path::new(""));
    assert_eq!(std::fs::read(&plain).unwrap(), b"before\n");
    assert!(!folder.file("nowhere").exists());
}

fn the_same_file_twice_is_refused_until_it_is_free() {
    let folder = Folder::new();
    let path = folder.file("app.log");
    let roundabout = folder.path().join(".").join("x").join("..").join("app.log");
    std::fs::create_dir(folder.file("x")).unwrap();
    let one = nexlog::builder().file(File::at(&path)).mode(Mode::Background).build().unwrap();
    assert!(refusal(&path).contains("this process logs to it already"));
    assert!(refusal(&roundabout).contains("this process logs to it already"));
    let both = nexlog::builder().file(File::at(folder.file("b"))).file(File::at(folder.file("b")));
    assert!(matches!(both.build(), Err(Error::File { .. })));
    info!(logger(&one), "one");
    drop(one);
    let two = nexlog::builder().file(File::at(&roundabout)).build().unwrap();
    info!(logger(&two), "two");
    let records = lines::parse(&lines::of_file(&path));
    assert_eq!(lines::messages(&records), ["one", "two"]);
    // The failed one has given its claim back.
    nexlog::builder().file(File::at(folder.file("b"))).build().unwrap();
}

fn a_torn_tail_is_ended_before_the_first_record() {
    let folder = Folder::new();
    let path = folder.file("app.log");
    std::fs::write(&path, "{\"msg\":\"whole\"}\n{\"msg\":\"to").unwrap();
    let logger = nexlog::builder().file(File::at(&path)).build().unwrap();
    info!(logger(&logger), "new");
    let lines = lines::of_file(&path);
    assert_eq!(lines[..2], ["{\"msg\":\"whole\"}", "{\"msg\":\"to"]);
    assert_eq!(lines::messages(&lines::parse(&lines[2..])), ["new"]);
}

/// Logs to standard output, which the parent has spoiled, and to a file.
fn console_and_file() {
    let logger = nexlog::builder()
        .console(Console::stdout().format(Json::new()))
        .file(File::at(told("FILE")))
        .mode(mode(&told("MODE")))
        .install()
        .unwrap();
    (0..100_u64).for_each(|number| info!("step", thread = 0, number));
    let failed = logger.flush(PATIENCE).unwrap_err();
    assert!(matches!(&failed, Error::Sink { name, .. } if name == "stdout"), "{failed}");
    let stats = logger.stats();
    assert_eq!((stats.accepted, stats.written, stats.dropped_by.sink), (100, 0, 100));
    assert_eq!((stats.sinks[0].lost, stats.sinks[1].written), (100, 100));
    assert_balanced(&stats);
}

fn with_stdout(stdout: impl Fn() -> Stdio) {
    for (name, _) in MODES {
        let folder = Folder::new();
        let file = folder.file("app.log");
        let variables = [("FILE", file.to_str().unwrap()), ("MODE", name)];
        let output = child::command("console_and_file", &variables).stdout(stdout()).output();
        let output = output.unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{stderr}");
        let steps: Vec<_> =
            lines::of_file(&file).into_iter().filter(|line| line.contains("\"step\"")).collect();
        lines::assert_steps(&steps, &[100]);
        let reports = stderr.lines().filter(|line| line.contains("the sink stdout failed"));
        // In `Background` and `Buffered` the first failure may be the one that flush returns.
        assert!(reports.count() <= 2, "{stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
    }
}

fn a_full_device_costs_its_records_and_is_reported() {
    with_stdout(|| std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap().into());
}

fn a_reader_that_closes_costs_its_records_only() {
    with_stdout(|| std::io::pipe().unwrap().1.into());
    // And in the midst of it: the child logs until its file is there.
    let folder = Folder::new();
    let (file, stop) = (folder.file("app.log"), folder.file("stop"));
    let variables = [
        ("FILE", file.to_str().unwrap()),
        ("MODE", "background"),
        ("STOP", stop.to_str().unwrap()),
    ];
    let mut command = child::command("log_until_told", &variables);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut some = [0; 10_000];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut some).unwrap();
    drop(child.stdout.take());
    std::thread::sleep(Duration::from_millis(20));
    std::fs::write(&stop, "").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(some.starts_with(b"{\"ts\":"));
    let steps: Vec<_> =
        lines::of_file(&file).into_iter().filter(|line| line.contains("\"step\"")).collect();
    lines::assert_steps(&steps, &[steps.len() as u64]);
}

fn log_until_told() {
    let logger = nexlog::builder()
        .console(Console::stdout().format(Json::new()))
        .file(File::at(told("FILE")))
        .mode(mode(&told("MODE")))
        .install()
        .unwrap();
    let stop = told("STOP");
    let mut calls = 0_u64;
    while !Path::new(&stop).exists() {
        (0..20).for_each(|more| info!("step", thread = 0, number = calls + more));
        calls += 20;
        std::thread::yield_now();
    }
    let _ = logger.flush(PATIENCE);
    let stats = logger.stats();
    assert_eq!((stats.accepted, stats.sinks[1].written), (calls, calls));
    assert_balanced(&stats);
}

fn standard_error_that_is_closed_or_full_stops_nobody() {
    for (name, _) in MODES {
        let folder = Folder::new();
        let file = folder.file("app.log");
        let variables = [("FILE", file.to_str().unwrap()), ("MODE", name)];
        let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = child::command("console_and_file", &variables);
        let status = command.stdout(full()).stderr(full()).status().unwrap();
        assert!(status.success());
        let written = lines::of_file(&file);
        assert_eq!(written.iter().filter(|line| line.contains("\"step\"")).count(), 100);
    }
}
