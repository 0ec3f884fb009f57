//! Several processes that log to one file, and rotate it: whole lines, each once, in each
//! process's order, and one rotator at a time.

mod support;

use nexlog::{Archive, Compression, File, Json, KIB, Keep, Rotate, info};
use support::child::{self, told};
use support::{Folder, PATIENCE, assert_balanced, lines, mode, scaled};

support::child::harness! {
    tests: [
        four_processes_share_a_file_without_rotation,
        four_processes_share_a_file_and_rotate_it_one_at_a_time,
        four_processes_rotate_and_compress,
        four_processes_map_a_file_and_rotate_it,
    ],
    scenes: [log_steps],
}

const PROCESSES: [(&str, &str); 4] =
    [("0", "immediate"), ("1", "buffered"), ("2", "background"), ("3", "immediate")];

fn log_steps() {
    let path = told("FILE");
    let mut file = File::at(&path).format(Json::new());
    if told("KIND") != "plain" {
        file = file.rotate(Rotate::size(64 * KIB)).archive(Archive::sequence());
    }
    if told("KIND") == "mapped" {
        file = file.mapped(true);
    }
    if told("KIND") == "compressed" {
        file = file.keep(Keep::all()).compress(Compression::Gzip);
    }
    let logger = nexlog::builder().file(file).mode(mode(&told("MODE"))).install().unwrap();
    let (thread, records): (u64, u64) =
        (told("PROCESS").parse().unwrap(), told("RECORDS").parse().unwrap());
    for number in 0..records {
        info!("step", thread, number);
    }
    logger.flush(PATIENCE).unwrap();
    let stats = logger.stats();
    assert_balanced(&stats);
    assert_eq!((stats.written, stats.errors), (records, 0));
    println!("rotations={}", stats.rotations);
}

/// Runs the processes. How many rotations they say they made.
fn run(folder: &Folder, kind: &str, records: u64) -> u64 {
    let (path, records) = (folder.file("app.log"), records.to_string());
    let children = PROCESSES.map(|(process, mode)| {
        let variables = [
            ("FILE", path.to_str().unwrap()),
            ("KIND", kind),
            ("MODE", mode),
            ("PROCESS", process),
            ("RECORDS", &records),
        ];
        let command = child::command("log_steps", &variables);
        std::thread::spawn(move || child::finish(command).expect_success())
    });
    let outcomes = children.map(|child| child.join().unwrap());
    let rotations = outcomes.iter().map(|outcome| {
        let number = outcome.stdout.lines().find_map(|line| line.strip_prefix("rotations="));
        number.expect("the child says it").parse::<u64>().unwrap()
    });
    rotations.sum()
}

fn check(folder: &Folder, kind: &str) {
    let records = scaled(25_000, 250_000);
    let rotations = run(folder, kind, records);
    let names = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let names = names.map(|name| name.into_string().unwrap());
    let mut archives: Vec<_> = names.filter(|name| name.starts_with("app.log.")).collect();
    archives.sort();
    assert_eq!(archives.len() as u64, rotations, "one archive for each rotation");
    for (place, archive) in archives.iter().enumerate() {
        assert!(archive.starts_with(&format!("app.log.{:06}", place + 1)), "{archive}");
    }
    archives.push("app.log".to_owned());
    let all: Vec<String> =
        archives.iter().flat_map(|name| lines::of_archive(&folder.path().join(name))).collect();
    lines::assert_steps(&all, &[records; 4]);
    if kind != "compressed" && kind != "plain" {
        for archive in archives {
            let bytes = std::fs::metadata(folder.path().join(&archive)).unwrap().len();
            assert!(bytes <= 64 * KIB, "{archive} has {bytes} bytes");
        }
    }
}

fn four_processes_share_a_file_without_rotation() {
    check(&Folder::new(), "plain");
}

fn four_processes_share_a_file_and_rotate_it_one_at_a_time() {
    check(&Folder::new(), "rotated");
}

fn four_processes_rotate_and_compress() {
    check(&Folder::new(), "compressed");
}

fn four_processes_map_a_file_and_rotate_it() {
    check(&Folder::new(), "mapped");
}
