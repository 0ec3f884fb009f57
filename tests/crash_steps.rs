//! Processes that are killed just before one of their steps: each write, cut, rename and deletion,
//! while they log and while they recover what others have left; alone, and beside others that write
//! to the same file.

mod support;

use nexlog::{Compression, File, Format, Json, Logger, Mode, Rotate, Text, info};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;
use support::child::{self, told};
use support::{Folder, lines, scaled, shim, wait_until};

support::child::harness! {
    tests: [
        a_kill_at_any_step_of_a_recovery_loses_and_doubles_nothing,
        what_a_neighbour_has_written_is_not_taken_for_ours,
        what_a_neighbour_without_a_ring_has_written_stays,
        what_a_neighbour_writes_behind_half_a_batch_is_whole_and_stays,
        half_a_batch_of_one_process_is_not_taken_for_that_of_another,
        loggers_that_come_and_go_do_not_take_each_others_rings_away,
        a_damaged_intent_cuts_nothing,
        what_was_being_written_is_known_when_a_neighbour_has_packed_its_file_away,
    ],
    scenes: [log_and_flush, recover, come_and_go],
}

/// Records of each thread.
const COUNTS: [u64; 2] = [700, 1_500];

fn build(path: &Path, format: impl Format, is_shared: bool) -> Logger {
    let file = File::at(path).format(format);
    // Under a lock that they share, or not.
    let shared = |file: File| file.rotate(Rotate::size(1 << 30)).compress(Compression::Gzip);
    let file = if is_shared { shared(file) } else { file };
    let hour = Duration::from_secs(3_600);
    let builder = nexlog::builder().file(file).mode(Mode::Buffered).flush_interval(hour);
    builder.crash_safe(told("CRASH_SAFE") == "true").build().unwrap()
}

/// Logs on one thread after the other, all of which live, then has all written.
fn log_and_flush() {
    let path = told("FILE");
    let is_shared = told("SHARED") == "true";
    let logger = match told("FORMAT").as_str() {
        "json" => build(Path::new(&path), Json::new(), is_shared),
        _ => build(Path::new(&path), Text::compact(), is_shared),
    };
    if let Ok(signal) = std::env::var("WAIT_FOR") {
        std::fs::write(format!("{signal}-ready"), "").unwrap();
        wait_until("our turn", || Path::new(&signal).exists());
    }
    let first: u64 = told("FIRST").parse().unwrap();
    let counts: Vec<u64> = told("COUNTS").split(',').map(|count| count.parse().unwrap()).collect();
    let turn = AtomicU64::new(first);
    std::thread::scope(|scope| {
        for (thread, count) in (first..).zip(counts.iter().copied()) {
            let (logger, turn, end) = (&logger, &turn, first + counts.len() as u64);
            scope.spawn(move || {
                wait_until("the thread before", || turn.load(SeqCst) >= thread);
                for number in 0..count {
                    info!(logger(logger), "step", thread, number);
                }
                turn.fetch_add(1, SeqCst);
                // A thread that has ended would leave its buffer to the next one.
                wait_until("the threads behind", || turn.load(SeqCst) == end);
            });
        }
    });
    println!("logged");
    logger.flush(Duration::from_secs(10)).unwrap();
    if std::env::var_os("ROTATES").is_some() {
        logger.rotate().unwrap();
    }
}

/// Writes what others have left, and nothing of its own.
fn recover() {
    drop(build(Path::new(&told("FILE")), Json::new(), told("SHARED") == "true"));
}

/// Loggers of one file, one after the other. Each has its ring.
fn come_and_go() {
    for number in 0..scaled(300, 3_000) {
        let troubles = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&troubles);
        let builder = nexlog::builder().file(File::at(told("FILE"))).on_error(move |error| {
            println!("{}", error.with_causes());
            count.fetch_add(1, SeqCst);
        });
        drop(builder.build().unwrap());
        assert_eq!(troubles.load(SeqCst), 0, "logger {number}");
    }
}

/// Before a step, or in the middle of it; and its number.
type Kill = (&'static str, u64);

struct Run<'a> {
    folder: &'a Folder,
    shim: &'a Path,
    is_shared: bool,
}

impl Run<'_> {
    /// Runs the scene; whether it was killed before the step of this number.
    #[track_caller]
    fn scene(&self, scene: &str, variables: &[(&str, &str)], kill: Option<Kill>) -> bool {
        let outcome = child::finish(self.command(scene, variables, kill));
        let is_killed = outcome.status.signal() == Some(libc::SIGKILL);
        assert!(is_killed || outcome.status.success(), "{outcome:#?}");
        assert!(!is_killed || scene == "recover" || outcome.stdout == "logged\n", "too early");
        is_killed
    }

    fn command(&self, scene: &str, variables: &[(&str, &str)], kill: Option<Kill>) -> Command {
        let path = self.folder.file("app.log");
        let mut command = child::command(
            scene,
            &[
                ("FILE", path.to_str().unwrap()),
                ("SHARED", if self.is_shared { "true" } else { "false" }),
                ("CRASH_SAFE", "true"),
                ("FORMAT", "json"),
            ],
        );
        command.envs(variables.iter().copied());
        if let Some((how, step)) = kill {
            command.env("LD_PRELOAD", self.shim).env("FAULT", format!("{how}@{step}"));
        }
        command
    }

    /// The lines of the file, without the logger's own records.
    fn lines(&self) -> Vec<String> {
        let lines = lines::of_file(&self.folder.file("app.log"));
        lines.into_iter().filter(|line| !line.contains("\"target\":\"nexlog\"")).collect()
    }

    /// Each thread's steps are there, once and in order, and nothing else. Of a batch in another
    /// format, whole records may have stayed as they were.
    #[track_caller]
    fn check(&self, counts: &[u64]) {
        let text = |line: &str| {
            let (head, number) = line.rsplit_once(" number=")?;
            let (_, thread) = head.rsplit_once(" step thread=")?;
            Some((thread.parse().ok()?, number.parse().ok()?))
        };
        let mut next = vec![0; counts.len()];
        for line in self.lines() {
            let (thread, number): (usize, u64) = text(&line).unwrap_or_else(|| {
                let step = lines::step(&line);
                (usize::try_from(step.thread).unwrap(), step.number)
            });
            assert_eq!(number, next[thread], "thread {thread} is out of order");
            next[thread] += 1;
        }
        assert_eq!(next, counts, "records of each thread");
    }
}

/// The step before the first write to the log: behind the one that gives a ring its name, and one
/// that looks for what a rotation has left.
const fn first_write(is_shared: bool) -> u64 {
    if is_shared { 3 } else { 2 }
}

/// How the process that leaves its records ends, and its format; and how the one that recovers them.
const ENDS: [(&str, &str, &str); 5] = [
    ("stop", "text", "stop"),
    ("stop", "text", "split"),
    ("split", "text", "stop"),
    ("split", "json", "stop"),
    ("split", "json", "split"),
];

fn a_kill_at_any_step_of_a_recovery_loses_and_doubles_nothing() {
    let tools = Folder::new();
    let shim = shim::compile(&tools);
    let counts = COUNTS.map(|count| count.to_string()).join(",");
    let mut steps = 0;
    for (first, format, second) in ENDS {
        let mut kills = 0;
        for step in 1.. {
            let folder = Folder::new();
            let run = Run { folder: &folder, shim: &shim, is_shared: false };
            // Another format, and with it other batches, than those of the recovery.
            let fill = [("FORMAT", format), ("FIRST", "0"), ("COUNTS", &counts)];
            assert!(run.scene("log_and_flush", &fill, Some((first, first_write(false)))));
            let is_killed = run.scene("recover", &[], Some((second, step)));
            assert!(!run.scene("recover", &[], None));
            run.check(&COUNTS);
            kills += u64::from(is_killed);
            // Of those that are no writes there is no middle.
            if !is_killed && (second == "stop" || step > steps) {
                break;
            }
            steps = steps.max(step);
        }
        assert!(kills > 10, "killed at {kills} steps only");
    }
}

fn what_a_neighbour_has_written_is_not_taken_for_ours() {
    let tools = Folder::new();
    let shim = shim::compile(&tools);
    for is_shared in [true, false] {
        let folder = Folder::new();
        let run = Run { folder: &folder, shim: &shim, is_shared };
        let fill = [("FIRST", "0"), ("COUNTS", "1")];
        assert!(run.scene("log_and_flush", &fill, Some(("stop", first_write(run.is_shared)))));
        // The same record, but for its time, at the very place where the other would be.
        let neighbour = [("FIRST", "0"), ("COUNTS", "1"), ("CRASH_SAFE", "false")];
        let moved = folder.file("moved");
        std::fs::rename(folder.file(".app.log.lanes"), &moved).unwrap();
        assert!(!run.scene("log_and_flush", &neighbour, None));
        std::fs::rename(&moved, folder.file(".app.log.lanes")).unwrap();
        assert!(!run.scene("recover", &[], None));
        assert_eq!(run.lines().len(), 2, "{:#?}", run.lines());
    }
}

fn what_a_neighbour_without_a_ring_has_written_stays() {
    let tools = Folder::new();
    let shim = shim::compile(&tools);
    for is_shared in [true, false] {
        let folder = Folder::new();
        let run = Run { folder: &folder, shim: &shim, is_shared };
        let fill = [("FIRST", "0"), ("COUNTS", "20")];
        assert!(run.scene("log_and_flush", &fill, Some(("stop", first_write(run.is_shared)))));
        let neighbour = [("FIRST", "1"), ("COUNTS", "3"), ("CRASH_SAFE", "false")];
        let moved = folder.file("moved");
        std::fs::rename(folder.file(".app.log.lanes"), &moved).unwrap();
        assert!(!run.scene("log_and_flush", &neighbour, None));
        std::fs::rename(&moved, folder.file(".app.log.lanes")).unwrap();
        assert!(!run.scene("recover", &[], None));
        run.check(&[20, 3]);
    }
}

fn what_a_neighbour_writes_behind_half_a_batch_is_whole_and_stays() {
    let tools = Folder::new();
    let shim = shim::compile(&tools);
    let folder = Folder::new();
    let run = Run { folder: &folder, shim: &shim, is_shared: true };
    let signal = tools.file("signal");
    let signal_path = signal.to_str().unwrap();
    let neighbour = [("FIRST", "1"), ("COUNTS", "3"), ("WAIT_FOR", signal_path)];
    let mut neighbour = run
        .command("log_and_flush", &neighbour, None)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    wait_until("the neighbour", || tools.file(&format!("{signal_path}-ready")).exists());
    let fill = [("FIRST", "0"), ("COUNTS", "20")];
    assert!(run.scene("log_and_flush", &fill, Some(("split", first_write(true)))));
    std::fs::write(&signal, "").unwrap();
    assert!(neighbour.wait().unwrap().success());
    assert!(!run.scene("recover", &[], None));
    let lines = run.lines();
    let (whole, half): (Vec<_>, Vec<_>) =
        lines.into_iter().partition(|line| line.ends_with('}') && line.matches("ts").count() == 1);
    assert_eq!(half.len(), 0, "{half:?}");
    lines::assert_steps(&whole, &[20, 3]);
}

/// Four processes that all live at first: one is killed before it has written, the next one writes
/// where that would have, the third one is killed amid its write, and the last one finds that.
fn half_a_batch_of_one_process_is_not_taken_for_that_of_another() {
    let tools = Folder::new();
    let shim = shim::compile(&tools);
    let folder = Folder::new();
    let run = Run { folder: &folder, shim: &shim, is_shared: true };
    let kills = [Some("stop"), None, Some("split"), None];
    let counts = [20, 3, 3, 2];
    let processes = (0..).zip(counts.iter().zip(kills)).map(|(number, (count, kill))| {
        let signal = tools.file(&number.to_string());
        let variables = [
            ("FIRST", &*number.to_string()),
            ("COUNTS", &*count.to_string()),
            ("WAIT_FOR", signal.to_str().unwrap()),
        ];
        let kill = kill.map(|how| (how, first_write(true)));
        let mut command = run.command("log_and_flush", &variables, kill);
        let process = command.stdout(std::process::Stdio::null()).spawn().unwrap();
        wait_until("its ring", || tools.file(&format!("{number}-ready")).exists());
        (signal, process, kill.is_some())
    });
    let processes: Vec<_> = processes.collect();
    for (signal, mut process, is_killed) in processes {
        std::fs::write(signal, "").unwrap();
        assert_eq!(process.wait().unwrap().success(), !is_killed);
    }
    assert!(!run.scene("recover", &[], None));
    run.check(&counts);
}

fn loggers_that_come_and_go_do_not_take_each_others_rings_away() {
    let folder = Folder::new();
    let path = folder.file("app.log");
    let variables = [("FILE", path.to_str().unwrap())];
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| child::run("come_and_go", &variables).expect_success());
        }
    });
    assert!(!folder.file(".app.log.lanes").exists(), "something is left over");
}

/// Where the first intent lies in a ring (`crash/layout`), and how many of its words count.
const INTENT: usize = 8 * 2112;
const INTENT_BYTES: usize = 8 * 23;

/// Each bit of an intent that is open, once. The word that says so is not covered by its check: there
/// another number is as good as none, or says that it is settled.
fn a_damaged_intent_cuts_nothing() {
    let tools = Folder::new();
    let shim = shim::compile(&tools);
    let folder = Folder::new();
    let run = Run { folder: &folder, shim: &shim, is_shared: false };
    // A record that is there already, and half a batch.
    let path = folder.file("app.log");
    std::fs::write(&path, "before\n").unwrap();
    let fill = [("FORMAT", "json"), ("FIRST", "0"), ("COUNTS", "40")];
    assert!(run.scene("log_and_flush", &fill, Some(("split", first_write(false)))));
    let home = folder.file(".app.log.lanes");
    let ring = std::fs::read_dir(&home).unwrap().next().unwrap().unwrap().path();
    let (log, sound) = (std::fs::read(&path).unwrap(), std::fs::read(&ring).unwrap());
    assert_eq!(sound[INTENT], 1, "no intent is open");
    for bit in (0..8 * (INTENT_BYTES - 8)).step_by(3) {
        let mut damaged = sound.clone();
        damaged[INTENT + 8 + bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&ring, &damaged).unwrap();
        std::fs::write(&path, &log).unwrap();
        let report = nexlog::recover(folder.path()).unwrap();
        assert_eq!(report.recovered, 0, "bit {bit}: {report:?}");
        assert!(report.problems[0].to_string().contains("its intent is damaged"), "{report:?}");
        assert!(std::fs::read(&path).unwrap() == log, "bit {bit}");
    }
    std::fs::write(&ring, &sound).unwrap();
    let report = nexlog::recover(folder.path()).unwrap();
    assert!(report.problems.is_empty() && report.recovered > 0, "{report:?}");
    let lines = lines::of_file(&path);
    lines::assert_steps(&lines[1..], &[40]);
}

/// The file that a batch went to, or was to go to, is compressed by a neighbour before anybody looks.
fn what_was_being_written_is_known_when_a_neighbour_has_packed_its_file_away() {
    let tools = Folder::new();
    let shim = shim::compile(&tools);
    // Before the write, and at the one change behind it: there the batch is written, and noted.
    for behind in [0, 1] {
        let folder = Folder::new();
        let run = Run { folder: &folder, shim: &shim, is_shared: true };
        let signal = tools.file(&format!("packed-{behind}"));
        let signal_path = signal.to_str().unwrap();
        let neighbour =
            [("FIRST", "1"), ("COUNTS", "3"), ("WAIT_FOR", signal_path), ("ROTATES", "once")];
        let mut neighbour = run
            .command("log_and_flush", &neighbour, None)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        wait_until("the neighbour", || tools.file(&format!("{signal_path}-ready")).exists());
        let fill = [("FIRST", "0"), ("COUNTS", "20")];
        match behind {
            0 => assert!(run.scene("log_and_flush", &fill, Some(("stop", first_write(true))))),
            _ => assert!(run.scene("log_and_flush", &fill, Some(("after", first_write(true))))),
        }
        std::fs::write(&signal, "").unwrap();
        assert!(neighbour.wait().unwrap().success());
        assert!(folder.file("app.log.1.gz").exists(), "it was not packed away");
        assert!(!run.scene("recover", &[], None));
        let archived = lines::of_archive(&folder.file("app.log.1.gz"));
        let all = archived.into_iter().chain(lines::of_file(&folder.file("app.log")));
        let all: Vec<_> = all.filter(|line| !line.contains("\"target\":\"nexlog\"")).collect();
        let (ours, theirs): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|line| line.contains("\"thread\":0,"));
        assert_eq!((ours.len(), theirs.len()), (20, 3), "{behind}: {ours:?}");
        lines::assert_steps(&ours, &[20]);
    }
}
