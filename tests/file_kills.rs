//! Processes that are killed while they rotate and compress: whatever their calls returned from
//! is in the files, once and in order, and the next start clears up behind them.

mod support;

use nexlog::{Archive, Builder, Compression, File, Json, Keep, Mode, Rotate, info};
use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use support::child::{self, told};
use support::random::Random;
use support::witness::Witness;
use support::{Folder, PATIENCE, lines, scaled, shim, wait_until};

support::child::harness! {
    tests: [
        a_kill_in_numbered_rotation_loses_and_doubles_nothing,
        a_kill_in_sequential_rotation_loses_and_doubles_nothing,
        a_kill_while_archives_become_gzip_loses_and_doubles_nothing,
        a_kill_while_archives_become_zstd_loses_and_doubles_nothing,
    ],
    scenes: [log_until_killed],
}

const THREADS: usize = 4;
/// Processes that are killed one after the other in one folder.
const RUNS: usize = 10;
/// What a write leaves that was killed in the middle.
const HALF: &str = "{\"ts\":\"2025-11-24T16:00:00.";

/// The file of this kind: how archives are called, and what they are compressed with.
fn file(path: &Path, kind: &str) -> File {
    let (archive, packing) = kind.split_once(' ').unwrap();
    let file = File::at(path).format(Json::new()).rotate(Rotate::size(2_000)).keep(Keep::all());
    let file = file.archive(match archive {
        "numbered" => Archive::numbered(),
        _ => Archive::sequence(),
    });
    match packing {
        "gzip" => file.compress(Compression::Gzip),
        "zstd" => file.compress(Compression::Zstd),
        _ => file,
    }
}

/// The file by itself: what a ring file adds is another test's.
fn builder(file: File) -> Builder {
    nexlog::builder().file(file).crash_safe(false)
}

fn log_until_killed() {
    let run: usize = told("RUN").parse().unwrap();
    let witness = Witness::at(Path::new(&told("WITNESS")));
    let file = file(Path::new(&told("FILE")), &told("KIND"));
    let logger = builder(file).mode(Mode::Immediate).build().unwrap();
    // Nobody kills us if the test has failed.
    let end = Instant::now() + PATIENCE;
    std::thread::scope(|scope| {
        for slot in run * THREADS..(run + 1) * THREADS {
            let logger = &logger;
            scope.spawn(move || {
                for number in 0.. {
                    info!(logger(logger), "step", thread = slot, number);
                    witness.saw(slot, number + 1);
                    assert!(Instant::now() < end, "nobody killed us");
                }
            });
        }
    });
}

/// Runs the scene and kills it at some instant.
fn run_and_kill(folder: &Folder, shim: &Path, kind: &str, run: usize, random: &mut Random) {
    let (path, page, run_text) = (folder.file("app.log"), folder.file("witness"), run.to_string());
    let variables = [
        ("FILE", path.to_str().unwrap()),
        ("WITNESS", page.to_str().unwrap()),
        ("KIND", kind),
        ("RUN", &run_text),
    ];
    let witness = Witness::at(&page);
    let mut command = child::command("log_until_killed", &variables);
    if random.chance(2) {
        // Else most kills meet a write or an `fdatasync`.
        command.env("LD_PRELOAD", shim).env("FAULT", "slow");
    }
    let mut child = command.spawn().unwrap();
    // One in five is killed at its start, while it clears up behind the one before.
    if !random.chance(5) {
        wait_until("the first record", || witness.last(run * THREADS) > 0);
    }
    std::thread::sleep(Duration::from_micros(random.below(30_000)));
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL), "it ended by itself");
    let torn = random.chance(2) && std::fs::read(&path).is_ok_and(|bytes| bytes.ends_with(b"\n"));
    if torn {
        // Rare by itself: most file systems finish a short write first.
        let mut live = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
        std::io::Write::write_all(&mut live, HALF.as_bytes()).unwrap();
    }
}

/// The archives, oldest first, as `(name without the compression's ending, name)`. Nothing else
/// is there but the live file, the lock and the witness, and none is there twice.
fn archives(folder: &Folder, kind: &str) -> Vec<(String, String)> {
    let mut archives = Vec::new();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if ["app.log", ".app.log.lock", "witness"].contains(&name.as_str()) {
            continue;
        }
        let stem = name.trim_end_matches(".gz").trim_end_matches(".zst").to_owned();
        assert!(stem.starts_with("app.log."), "{name} is left over");
        archives.push((stem, name));
    }
    archives
        .sort_by_key(|(stem, _)| stem.strip_prefix("app.log.").unwrap().parse::<u64>().unwrap());
    let stems: BTreeSet<_> = archives.iter().map(|(stem, _)| stem).collect();
    assert_eq!(stems.len(), archives.len(), "plain and compressed: {archives:?}");
    if kind.starts_with("numbered") {
        assert!(archives.len() < 1_000, "the oldest went by themselves");
        archives.reverse();
    }
    archives
}

/// All lines, oldest first.
fn all_lines(folder: &Folder, kind: &str) -> Vec<String> {
    let archives = archives(folder, kind).into_iter();
    let names: Vec<String> = archives.map(|(_, name)| name).chain(["app.log".into()]).collect();
    let groups = names.chunk_by(|a, b| program(a) == program(b));
    groups.flat_map(|names| lines_of(folder, names)).collect()
}

fn program(name: &str) -> &'static str {
    match Path::new(name).extension().and_then(|ending| ending.to_str()) {
        Some("gz") => "gzip",
        Some("zst") => "zstd",
        _ => "cat",
    }
}

/// The lines of files that one program reads, with one call of it where that is possible: where a
/// file ends with half a line, it has to end a call, too.
fn lines_of(folder: &Folder, names: &[String]) -> Vec<String> {
    let mut command = Command::new(program(&names[0]));
    if program(&names[0]) != "cat" {
        command.arg("-dcq");
    }
    let output = command.args(names).current_dir(folder.path()).output().unwrap();
    assert!(output.status.success(), "{names:?}: {output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let (first, second) = names.split_at(names.len() / 2);
    if !first.is_empty() && text.lines().any(is_run_into) {
        return [lines_of(folder, first), lines_of(folder, second)].concat();
    }
    text.lines().map(str::to_owned).collect()
}

/// Whether a record begins in the middle of this line.
fn is_run_into(line: &str) -> bool {
    line.rfind("{\"ts\"").is_some_and(|begin| begin > 0)
}

/// Each thread of each run has what returned, and at most the one record more that it was at;
/// half a line is the last of its run, alone in its line.
fn check(folder: &Folder, kind: &str, runs: usize) {
    let witness = Witness::at(&folder.file("witness"));
    let mut next = vec![0; runs * THREADS];
    let (mut run, mut is_over, mut halves) = (0, false, 0);
    for line in all_lines(folder, kind) {
        assert!(!is_run_into(&line), "{kind}: half a record and another: {line:?}");
        if !line.ends_with('}') {
            assert!(line.starts_with('{'), "{kind}: not the first half: {line:?}");
            halves += 1;
            is_over = true;
            continue;
        }
        let step = lines::step(&line);
        let slot = usize::try_from(step.thread).unwrap();
        assert!(slot / THREADS >= run, "{kind}: {line} comes behind run {run}");
        assert!(!is_over || slot / THREADS > run, "{kind}: half a line amid run {run}");
        (run, is_over) = (slot / THREADS, false);
        assert_eq!(step.number, next[slot], "{kind}: thread {slot} of {runs} runs");
        next[slot] += 1;
    }
    assert!(halves <= runs, "{kind}: {halves} half lines of {runs} runs");
    for (slot, written) in next.into_iter().enumerate() {
        let returned = witness.last(slot);
        assert!(
            written == returned || written == returned + 1,
            "{kind}: {written} written, {returned} returned of thread {slot} of {runs} runs"
        );
    }
}

fn kill_again_and_again(kind: &str, chains: u64) {
    let tools = Folder::new();
    let shim = shim::compile(&tools);
    for chain in 0..chains {
        let folder = Folder::new();
        let mut random = Random::new(chain + 1);
        for run in 0..RUNS {
            run_and_kill(&folder, &shim, kind, run, &mut random);
            let logger = builder(file(&folder.file("app.log"), kind));
            drop(logger.build().unwrap());
            check(&folder, kind, run + 1);
        }
        let witness = Witness::at(&folder.file("witness"));
        let records: u64 = (0..RUNS * THREADS).map(|slot| witness.last(slot)).sum();
        assert!(archives(&folder, kind).len() > 5, "it hardly rotated: {records} records");
    }
}

fn a_kill_in_numbered_rotation_loses_and_doubles_nothing() {
    kill_again_and_again("numbered plain", scaled(1, 10));
}

fn a_kill_in_sequential_rotation_loses_and_doubles_nothing() {
    kill_again_and_again("sequence plain", scaled(1, 10));
}

fn a_kill_while_archives_become_gzip_loses_and_doubles_nothing() {
    kill_again_and_again("numbered gzip", scaled(1, 10));
    kill_again_and_again("sequence gzip", scaled(1, 10));
}

fn a_kill_while_archives_become_zstd_loses_and_doubles_nothing() {
    if !support::is_there(&mut Command::new("zstd"), "zstd") {
        return;
    }
    kill_again_and_again("numbered zstd", scaled(1, 10));
    kill_again_and_again("sequence zstd", scaled(1, 10));
}
