//! What a recovered record still has, who gets it, and what the builder's options say about it.

mod support;

use nexlog::{Console, File, Json, Level, Memory, Mode, Text, context, error, info, span, warn};
use serde_json::Value;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};
use support::child::{self, told};
use support::{Folder, lines};

support::child::harness! {
    tests: [
        a_recovered_record_has_all_that_it_had,
        each_file_gets_what_it_wants_once,
        what_dead_processes_left_is_recovered_in_their_order,
        recovery_without_a_logger_writes_what_a_start_would,
        a_format_of_the_programs_own_waits_for_the_program,
        the_ring_lies_where_the_builder_says_and_is_private,
        without_crash_safety_there_is_no_ring,
        an_orderly_end_leaves_nothing,
        a_ring_that_lives_is_left_alone,
        names_of_threads_survive_what_was_drained,
        a_folder_that_was_moved_or_copied_is_recovered_where_it_is,
        what_the_logger_says_of_itself_goes_where_it_is_wanted,
        a_record_that_its_format_cannot_show_is_told,
    ],
    scenes: [log_a_panic, log_what_cannot_be_shown, log_everything, log_to_two, log_in_turn, log_in_own_format, log_and_live, log_drained],
}

/// Ends the process at once: what is in the buffers stays there.
fn die() -> ! {
    // SAFETY: ends the process.
    unsafe { libc::_exit(7) }
}

/// Ends it, or, for comparison, as it should be.
fn end(logger: nexlog::Logger) {
    if told("END") == "dies" {
        std::mem::forget(logger);
        die();
    }
    drop(logger);
}

fn builder(file: File) -> nexlog::Builder {
    nexlog::builder().filter("trace").file(file).mode(Mode::Buffered)
}

struct Point {
    x: i32,
}

impl std::fmt::Display for Point {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "({}, …)", self.x)
    }
}

fn log_everything() {
    let file = File::at(told("FILE")).format(Json::new().source().thread());
    let logger = builder(file).field("service", "shop").field("shard", 7).install().unwrap();
    std::thread::Builder::new()
        .name("büro".to_owned())
        .spawn(|| {
            let _scope = context!(order = 17, who = "ä\"\n");
            let span = span!("pay", amount = 1.5);
            let _entered = span.enter();
            for number in 0..400_u64 {
                let point = Point { x: -3 };
                info!(
                    "{number} is at {point}",
                    tags = ["a", "b"],
                    nothing = None::<u8>,
                    big = u128::MAX
                );
                if number % 100 == 0 {
                    let _deeper = span!("deeper", number).entered();
                    warn!(target: "elsewhere", "in both", bytes = bytes(b"\x00\xff"), ok = true);
                    let target = format!("made::{number}");
                    nexlog::log!(Level::Error, target: &target, "at run time");
                }
            }
        })
        .unwrap()
        .join()
        .unwrap();
    std::thread::spawn(|| error!("from a thread without a name", took = Duration::from_millis(5)))
        .join()
        .unwrap();
    end(logger);
}

fn run(scene: &str, path: &Path, how: &str) {
    let outcome = child::run(scene, &[("FILE", path.to_str().unwrap()), ("END", how)]);
    match how {
        "dies" => outcome.expect_code(7),
        _ => outcome.expect_success(),
    };
}

/// The records, without what differs from run to run.
fn comparable(path: &Path) -> (Vec<Value>, Vec<String>) {
    let records = lines::parse(&lines::of_file(path));
    let mut times = Vec::new();
    let records =
        records.into_iter().filter(|record| record["target"] != "nexlog").map(|mut record| {
            let object = record.as_object_mut().unwrap();
            times.push(object.remove("ts").unwrap().as_str().unwrap().to_owned());
            record
        });
    (records.collect(), times)
}

fn a_recovered_record_has_all_that_it_had() {
    let folder = Folder::new();
    let (whole, dead) = (folder.file("whole.log"), folder.file("dead.log"));
    run("log_everything", &whole, "ends");
    let begun = SystemTime::now();
    run("log_everything", &dead, "dies");
    let ended = SystemTime::now();
    assert_eq!(lines::of_file(&dead).len(), 0, "it was all in buffers");
    std::thread::sleep(Duration::from_millis(30)); // their own times, not those of the recovery
    let file = File::at(&dead).format(Json::new().source().thread());
    let logger = builder(file).build().unwrap();
    let stats = logger.stats();
    assert_eq!((stats.recovered, stats.accepted), (409, 0), "{stats:#?}");
    support::assert_balanced(&stats);
    drop(logger);
    let ((expected, _), (recovered, times)) = (comparable(&whole), comparable(&dead));
    assert_eq!(recovered, expected);
    let mut last = String::new();
    for time in times {
        let at = humantime(&time);
        assert!(begun <= at && at <= ended, "{time}");
        assert!(last <= time, "{last} {time}");
        last = time;
    }
}

/// A time as JSON has it.
fn humantime(text: &str) -> SystemTime {
    let digits = |from: usize, to: usize| text[from..to].parse::<u64>().unwrap();
    // Days since 1970 of a date of this century.
    let (year, month, day) = (digits(0, 4), digits(5, 7), digits(8, 10));
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    let seconds = days * 86_400 + digits(11, 13) * 3600 + digits(14, 16) * 60 + digits(17, 19);
    let fraction = text[20..].trim_end_matches('Z');
    let nanos: u64 = format!("{fraction:0<9}").parse().unwrap();
    SystemTime::UNIX_EPOCH + Duration::new(seconds, u32::try_from(nanos).unwrap())
}

/// All records to one file, errors to another as text, and all to a console.
fn two_files(path: &Path) -> nexlog::Builder {
    let errors = File::at(path.with_extension("err")).format(Text::compact()).level(Level::Error);
    builder(File::at(path)).file(errors)
}

fn log_to_two() {
    let logger = two_files(Path::new(&told("FILE"))).install().unwrap();
    for number in 0..100 {
        info!("fine", number);
        if number % 10 == 0 {
            error!("bad", number);
        }
    }
    end(logger);
}

fn each_file_gets_what_it_wants_once() {
    let folder = Folder::new();
    let path = folder.file("app.log");
    run("log_to_two", &path, "dies");
    // The file of errors cannot be opened at first: nothing is lost, and nothing is written twice.
    let errors = path.with_extension("err");
    let memory = Memory::new();
    std::fs::remove_file(&errors).unwrap();
    std::fs::create_dir(&errors).unwrap();
    let logger = builder(File::at(&path)).sink(&memory).build().unwrap();
    assert_eq!(logger.stats().recovered, 110);
    drop(logger);
    assert_eq!(lines::of_file(&path).len(), 111, "with the one that says so");
    assert_eq!(memory.lines().len(), 1, "sinks of one's own get that one only");
    std::fs::remove_dir(&errors).unwrap();
    let logger = two_files(&path).build().unwrap();
    assert_eq!(logger.stats().recovered, 10);
    drop(logger);
    let all = lines::parse(&lines::of_file(&path));
    assert_eq!(lines::with_message(&all, "fine").len(), 100);
    assert_eq!(lines::with_message(&all, "bad").len(), 10);
    let text = std::fs::read_to_string(&errors).unwrap();
    assert_eq!(text.lines().count(), 10, "{text}");
    assert!(text.lines().all(|line| line.contains("ERROR") && line.contains("bad")), "{text}");
    assert!(!folder.file(".app.log.lanes").exists());
}

fn log_in_turn() {
    let logger = nexlog::builder().file(File::at(told("FILE"))).mode(Mode::Buffered);
    // A killed process that does not look for what others have left would be another program.
    let logger = logger.install().unwrap();
    info!("turn", number = told("NUMBER").parse::<u64>().unwrap());
    end(logger);
}

/// Several at once, as their starts would else recover one another.
fn what_dead_processes_left_is_recovered_in_their_order() {
    let folder = Folder::new();
    let path = folder.file("app.log");
    let mut living = Vec::new();
    for number in 0..5_u64 {
        let variables = [("FILE", path.to_str().unwrap()), ("NUMBER", &number.to_string())];
        let mut child = child::command("log_and_live", &variables);
        let mut child = child.stdout(std::process::Stdio::piped()).spawn().unwrap();
        support::child::read_line(&mut child);
        living.push(child);
    }
    assert_eq!(lines::of_file(&path).len(), 0);
    for mut child in living {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let logger = builder(File::at(&path)).build().unwrap();
    assert_eq!(logger.stats().recovered, 5);
    drop(logger);
    let records = lines::parse(&lines::of_file(&path));
    let turns = lines::with_message(&records, "turn");
    let numbers: Vec<u64> = turns.iter().map(|turn| turn["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4]);
    let told = lines::with_message(&records, "records of a killed process are recovered");
    assert_eq!(told.len(), 5);
    assert!(told.iter().all(|told| told["recovered"] == 1 && told["level"] == "WARN"), "{told:#?}");
}

/// Logs one record and says so, then waits to be killed.
fn log_and_live() {
    let logger = builder(File::at(told("FILE"))).install().unwrap();
    info!("turn", number = told("NUMBER").parse::<u64>().unwrap());
    println!("logged");
    std::thread::sleep(support::PATIENCE);
    drop(logger);
}

fn recovery_without_a_logger_writes_what_a_start_would() {
    let folder = Folder::new();
    let path = folder.file("app.log");
    run("log_to_two", &path, "dies");
    let report = nexlog::recover(folder.path()).unwrap();
    assert!(report.problems.is_empty(), "{report:?}");
    assert_eq!((report.recovered, report.processes.len()), (110, 1));
    assert_eq!(report.processes[0].records, 110);
    assert!(report.processes[0].started <= SystemTime::now());
    assert_eq!(lines::of_file(&path).len(), 110);
    let errors = std::fs::read_to_string(path.with_extension("err")).unwrap();
    assert_eq!(errors.lines().count(), 10);
    assert!(!folder.file(".app.log.lanes").exists());
    let again = nexlog::recover(folder.path()).unwrap();
    assert_eq!((again.recovered, again.problems.len()), (0, 0));
    let error = nexlog::recover(folder.file("nowhere")).unwrap_err().to_string();
    assert!(error.contains("nowhere") && error.contains("name the folder of the logs"), "{error}");
}

fn log_in_own_format() {
    let logger = builder(File::at(told("FILE")).format(Json::new().ts_key("time"))).install();
    info!("mine");
    end(logger.unwrap());
}

fn a_format_of_the_programs_own_waits_for_the_program() {
    let folder = Folder::new();
    let path = folder.file("app.log");
    run("log_in_own_format", &path, "dies");
    let report = nexlog::recover(folder.path()).unwrap();
    assert_eq!((report.recovered, report.problems.len()), (0, 1));
    let problem = report.problems[0].to_string();
    assert!(
        problem.contains("app.log") && problem.contains("start that with this file"),
        "{problem}"
    );
    run("log_in_own_format", &path, "ends");
    let lines = lines::of_file(&path);
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].starts_with("{\"time\":") && lines[0].contains("mine"), "{lines:?}");
}

fn the_ring_lies_where_the_builder_says_and_is_private() {
    let folder = Folder::new();
    let path = folder.file("logs/app.log");
    for dir in [None, Some(folder.file("elsewhere/rings"))] {
        let mut builder = builder(File::at(&path));
        if let Some(dir) = &dir {
            builder = builder.crash_dir(dir);
        }
        let logger = builder.build().unwrap();
        let home = dir.unwrap_or(folder.file("logs")).join(".app.log.lanes");
        assert_eq!(home.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        let rings: Vec<_> = std::fs::read_dir(&home).unwrap().map(Result::unwrap).collect();
        assert_eq!(rings.len(), 1, "{rings:?}");
        let ring = rings[0].metadata().unwrap();
        assert_eq!(ring.permissions().mode() & 0o777, 0o600);
        assert!(ring.blocks() * 512 >= ring.len(), "its space is not set aside");
        assert!(ring.len() < 2 << 20, "{} bytes", ring.len());
        drop(logger);
        assert!(!home.exists());
    }
}

fn without_crash_safety_there_is_no_ring() {
    let folder = Folder::new();
    let file = || File::at(folder.file("app.log"));
    let logger = builder(file()).crash_safe(false).build().unwrap();
    assert!(!folder.file(".app.log.lanes").exists());
    drop(logger);
    // What others have left is recovered all the same.
    run("log_to_two", &folder.file("app.log"), "dies");
    let logger = two_files(&folder.file("app.log")).crash_safe(false).build().unwrap();
    assert_eq!(logger.stats().recovered, 110);
    // Without a file there is none.
    let console = nexlog::builder().console(Console::stderr()).build().unwrap();
    drop((console, logger));
    assert!(!folder.file(".app.log.lanes").exists());
}

fn an_orderly_end_leaves_nothing() {
    let folder = Folder::new();
    let path = folder.file("app.log");
    for scene in ["log_everything", "log_to_two"] {
        run(scene, &path, "ends");
        assert!(!folder.file(".app.log.lanes").exists(), "{scene}");
    }
    let logger = builder(File::at(&path)).build().unwrap();
    assert_eq!(logger.stats().recovered, 0);
    assert_eq!(lines::of_file(&path).iter().filter(|line| line.contains("killed")).count(), 0);
}

fn a_ring_that_lives_is_left_alone() {
    let folder = Folder::new();
    let path = folder.file("app.log");
    let variables = [("FILE", path.to_str().unwrap()), ("NUMBER", "1")];
    let mut child = child::command("log_and_live", &variables);
    let mut child = child.stdout(std::process::Stdio::piped()).spawn().unwrap();
    support::child::read_line(&mut child);
    let logger = builder(File::at(&path)).build().unwrap();
    assert_eq!((logger.stats().recovered, lines::of_file(&path).len()), (0, 0));
    assert_eq!(nexlog::recover(folder.path()).unwrap().recovered, 0);
    assert_eq!(std::fs::read_dir(folder.file(".app.log.lanes")).unwrap().count(), 2);
    child.kill().unwrap();
    child.wait().unwrap();
    // This process has the file open, and would get in its own way.
    let report = nexlog::recover(folder.path()).unwrap();
    assert!(report.problems[0].to_string().contains("logs to it already"), "{report:?}");
    drop(logger);
    assert_eq!(nexlog::recover(folder.path()).unwrap().recovered, 1);
    assert!(!folder.file(".app.log.lanes").exists());
}

/// Records that were drained, and some that were not.
fn log_drained() {
    let file = File::at(told("FILE")).format(Json::new().thread());
    let logger = builder(file).install().unwrap();
    let log = |count: u64| (0..count).for_each(|number| info!("step", number));
    let thread = std::thread::Builder::new().name("early riser".to_owned());
    let flushed = logger.clone();
    let thread = thread.spawn(move || {
        // More than 16 KiB, so that what says whose they are has been given back.
        let filler = "x".repeat(400);
        (0..100_u64).for_each(|number| info!("step", number, filler));
        flushed.flush(support::PATIENCE).unwrap();
        log(10);
    });
    thread.unwrap().join().unwrap();
    // The next thread takes the lane over; its name is still to be read there.
    std::thread::Builder::new()
        .name("heir".to_owned())
        .spawn(move || log(5))
        .unwrap()
        .join()
        .unwrap();
    end(logger);
}

fn names_of_threads_survive_what_was_drained() {
    let folder = Folder::new();
    let path = folder.file("app.log");
    run("log_drained", &path, "dies");
    assert_eq!(lines::of_file(&path).len(), 100);
    let logger = builder(File::at(&path).format(Json::new().thread())).build().unwrap();
    assert_eq!(logger.stats().recovered, 15);
    drop(logger);
    let records = lines::parse(&lines::of_file(&path));
    let steps = lines::with_message(&records, "step");
    let of = |name: &str| steps.iter().filter(|step| step["thread"] == name).count();
    assert_eq!((of("early riser"), of("heir"), steps.len()), (110, 5, 115));
}

fn a_folder_that_was_moved_or_copied_is_recovered_where_it_is() {
    let folder = Folder::new();
    let (first, second) = (folder.file("first"), folder.file("second"));
    run("log_to_two", &first.join("app.log"), "dies");
    let copy = std::process::Command::new("cp").arg("-a").args([&first, &second]).status();
    assert!(copy.unwrap().success());
    assert_eq!(nexlog::recover(&second).unwrap().recovered, 110);
    let count = |folder: &Path| lines::of_file(&folder.join("app.log")).len();
    assert_eq!((count(&first), count(&second)), (0, 110), "what is a copy's is the copy's");
    let third = folder.file("third");
    std::fs::rename(&first, &third).unwrap();
    let logger = two_files(&third.join("app.log")).build().unwrap();
    assert_eq!(logger.stats().recovered, 110);
    drop(logger);
    assert_eq!(count(&third), 111);
    assert!(!first.exists(), "it is not made again");
}

fn critical_beside_all(path: &Path) -> nexlog::Builder {
    let critical = File::at(path.with_extension("critical")).level(Level::Critical);
    builder(File::at(path)).file(critical)
}

fn log_a_panic() {
    struct Panics;
    impl std::fmt::Display for Panics {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("in a value")
        }
    }
    std::panic::set_hook(Box::new(|_| ()));
    let logger = critical_beside_all(Path::new(&told("FILE"))).install().unwrap();
    let panicked = std::panic::catch_unwind(|| info!("never there", value = %Panics));
    assert!(panicked.is_err());
    info!("behind it");
    end(logger);
}

fn what_the_logger_says_of_itself_goes_where_it_is_wanted() {
    let folder = Folder::new();
    let path = folder.file("app.log");
    run("log_a_panic", &path, "dies");
    let report = nexlog::recover(folder.path()).unwrap();
    assert_eq!((report.recovered, report.problems.len()), (1, 0), "{report:?}");
    let all = lines::parse(&lines::of_file(&path));
    let messages = lines::messages(&all);
    assert_eq!(messages, ["a value panicked while it was being logged", "behind it"]);
    assert_eq!(lines::of_file(&path.with_extension("critical")).len(), 0);
}

/// Shows all records but one.
struct Picky;

impl nexlog::Format for Picky {
    fn encode(&self, record: &nexlog::Record<'_>, out: &mut nexlog::Buffer) {
        let message = record.message().map(|message| message.to_string()).unwrap_or_default();
        assert_ne!(message, "not this");
        out.push_str(&message);
        out.push(b'\n');
    }
}

fn log_what_cannot_be_shown() {
    let logger = builder(File::at(told("FILE")).format(Picky)).install().unwrap();
    info!("first");
    info!("not this");
    info!("last");
    end(logger);
}

fn a_record_that_its_format_cannot_show_is_told() {
    let folder = Folder::new();
    let path = folder.file("app.log");
    run("log_what_cannot_be_shown", &path, "dies");
    std::panic::set_hook(Box::new(|_| ()));
    let memory = Memory::new();
    let file = File::at(&path).format(Picky);
    let logger = builder(file).sink(&memory).build().unwrap();
    drop(std::panic::take_hook());
    assert_eq!(logger.stats().recovered, 2);
    drop(logger);
    let told = "records of a killed process are recovered";
    assert_eq!(lines::of_file(&path), ["first", "last", told]);
    let told = lines::parse(&memory.lines());
    assert_eq!((&told[0]["recovered"], &told[0]["damaged"]), (&2.into(), &1.into()), "{told:?}");
}
