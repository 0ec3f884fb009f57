//! What is told of the machine, of the versions, and of how quiet it was.

use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, thread};

use rivals::clock;
use rivals::process::cpu_seconds_of_children;

use crate::options::Options;
use crate::results::Results;

/// What others did on the cores while a child ran.
#[derive(Default)]
pub struct Others {
    cores: Vec<f64>,
}

impl Others {
    pub fn watch<R>(&mut self, child: impl FnOnce() -> R) -> R {
        let (began, before, ours) = (Instant::now(), busy_seconds(), cpu_seconds_of_children());
        let result = child();
        let others = busy_seconds() - before - (cpu_seconds_of_children() - ours);
        let seconds = began.elapsed().as_secs_f64();
        // Shorter ones say nothing, as the kernel counts in hundredths.
        if seconds > 0.2 {
            self.cores.push((others / seconds).max(0.0));
        }
        result
    }
}

/// The head of the page.
pub fn describe(options: &Options, results: &Results, others: &Others, took: Duration) -> String {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let mut busy = others.cores.clone();
    let median = clock::median(&mut busy);
    let most = busy.last().copied().unwrap_or(0.0);
    let mut page = format!(
        "# nexlog beside its rivals\n\n\
         Written by `cargo rivals`; [README.md](README.md#beside-its-rivals-rivals) says how. Compare \
         within a table: its rows were measured in turn, and numbers are those of this machine.\n\n\
         - {}, {cores} cores, {}; log files in {}\n\
         - {}; {}\n\
         - {} rounds, medians; {:.0} s; other processes used {median:.2} cores meanwhile (median; at \
         most {most:.2})\n\n\
         | | versions | set up as |\n| --- | --- | --- |\n",
        cpu(),
        said("uname", &["-sr"]).split('-').next().unwrap_or_default(),
        options.folder.display(),
        said("rustc", &["--version"]),
        said("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
        options.rounds,
        took.as_secs_f64(),
    );
    let versions = versions();
    for entry in &results.entries {
        let of = |name: &String| {
            let version = versions.iter().find(|(known, _)| known == name);
            format!("{name} {}", version.map_or("?", |(_, version)| version))
        };
        let crates: Vec<String> = entry.crates.iter().map(of).collect();
        page += &format!("| {} | {} | {} |\n", entry.name, crates.join(", "), entry.setup);
    }
    let failures: Vec<String> = results
        .failures()
        .map(|(entry, group, problem)| {
            let what = format!("{}, {}", group.measure.name(), group.shape.name());
            format!("- {} ({what}, {} threads): {problem}\n", entry.name, group.threads)
        })
        .collect();
    if !failures.is_empty() {
        page += &format!("\nWhat did not go well:\n\n{}", failures.concat());
    }
    page
}

fn cpu() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    model.map_or_else(|| "a processor".to_owned(), |(_, name)| name.trim().to_owned())
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(
        |_| format!("{program}: unknown"),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

/// Names and versions of all crates that were built.
fn versions() -> Vec<(String, String)> {
    let lock = include_str!("../../../Cargo.lock");
    let value = |line: &str| line.split('"').nth(1).unwrap_or_default().to_owned();
    let lines: Vec<&str> = lock.lines().collect();
    lines
        .windows(2)
        .filter(|pair| pair[0].starts_with("name = ") && pair[1].starts_with("version = "))
        .map(|pair| (value(pair[0]), value(pair[1])))
        .collect()
}

/// Seconds that all cores spent on anything.
fn busy_seconds() -> f64 {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    let times: Vec<f64> = line.split_whitespace().filter_map(|time| time.parse().ok()).collect();
    // user nice system idle iowait irq softirq; what follows is in user already, or stolen.
    let busy = [0, 1, 2, 5, 6].iter().filter_map(|&column| times.get(column)).sum::<f64>();
    busy / 100.0
}
