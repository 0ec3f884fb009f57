//! The tables of the page.

use rivals::{Format, Kind, Measure, Shape};

use crate::cases::{Group, THREADS};
use crate::results::{RIVALS, Results};

/// The group of a measurement that has one only.
pub fn group(measure: Measure) -> Group {
    let threads = if measure == Measure::Memory { 10_000 } else { 1 };
    Group { measure, shape: Shape::Request, format: Format::Json, threads }
}

pub fn throughput(shape: Shape, format: Format, threads: u64) -> Group {
    Group { measure: Measure::Throughput, shape, format, threads }
}

pub fn all(results: &Results) -> String {
    let mut page = String::new();
    for table in [caller, disabled, span, idle, memory] {
        page += &table(results);
    }
    page += &rates(results, Shape::Request, Format::Json);
    page += &rates(results, Shape::Request, Format::Text);
    for &shape in &Shape::ALL[1..] {
        page += &rates(results, shape, Format::Json);
    }
    page
}

fn caller(results: &Results) -> String {
    let (alone, work) = (group(Measure::Caller), group(Measure::CallerWork));
    let floor = results.floor(alone, "ns");
    let best = results.best(alone, "ns", true, &RIVALS);
    let mut table = Table::new(
        "What a call costs its caller: `caller`, `caller-work`",
        "Nanoseconds a call, in bursts of 512; percentiles of calls timed one by one; the least of \
         all rounds and how far they are apart; bursts after 2 ms of rest; and what a call adds to 32 ns of arithmetic.",
        &[
            "",
            "ns",
            "× floor",
            "× best rival",
            "p50",
            "p99",
            "least",
            "spread",
            "rested",
            "among work",
        ],
    );
    let mut rows = results.all(alone, "ns");
    if rows.is_empty() {
        rows = results.all(work, "ns");
    }
    for (entry, ns) in sorted(rows, true) {
        table.row(&[
            results.entries[entry].name.clone(),
            digits(results.of(entry, alone, "ns"), 1),
            ratio(Some(ns), floor),
            ratio(Some(ns), best),
            digits(results.of(entry, alone, "p50_ns"), 0),
            digits(results.of(entry, alone, "p99_ns"), 0),
            digits(results.least(entry, alone, "ns"), 1),
            percent(results.spread(entry, alone, "ns")),
            digits(results.of(entry, alone, "rested_ns"), 1),
            digits(results.of(entry, work, "ns"), 1),
        ]);
    }
    table.text()
}

fn disabled(results: &Results) -> String {
    let group = group(Measure::Disabled);
    let mut table = Table::new(
        "A call below the level: `disabled`",
        "Nanoseconds over an empty loop; below one they are mostly noise.",
        &["", "ns", "loop alone"],
    );
    for (entry, ns) in sorted(results.all(group, "ns"), true) {
        let name = results.entries[entry].name.clone();
        table.row(&[name, digits(Some(ns), 2), digits(results.of(entry, group, "loop_ns"), 2)]);
    }
    table.text()
}

fn span(results: &Results) -> String {
    let group = group(Measure::Span);
    let mut table = Table::new(
        "Instrumented functions: `span`",
        "Nanoseconds of a function with the library's attribute: with nothing inside, with one \
         record inside; and of the record alone.",
        &[
            "",
            "nothing inside",
            "× nexlog",
            "a record inside",
            "× nexlog",
            "record alone",
            "× alone",
        ],
    );
    let ours = |number| results.ours("background", group, number);
    for (entry, ns) in sorted(results.all(group, "empty_ns"), true) {
        let within = results.of(entry, group, "with_record_ns");
        let alone = results.of(entry, group, "record_ns");
        table.row(&[
            results.entries[entry].name.clone(),
            digits(Some(ns), 1),
            ratio(Some(ns), ours("empty_ns")),
            digits(within, 1),
            ratio(within, ours("with_record_ns")),
            digits(alone, 1),
            ratio(within, alone),
        ]);
    }
    table.text()
}

fn idle(results: &Results) -> String {
    let group = group(Measure::Idle);
    let mut table = Table::new(
        "While nothing is logged: `idle`",
        "Context switches of the process in 2 s, and how soon the next record is in the file; nothing \
         is said there of what keeps a record until there are more.",
        &["", "switches", "µs to the file"],
    );
    for (entry, switches) in sorted(results.all(group, "switches"), true) {
        let delay = results.of(entry, group, "delay_us");
        table.row(&[
            results.entries[entry].name.clone(),
            digits(Some(switches), 0),
            digits(delay, 0),
        ]);
    }
    table.text()
}

fn memory(results: &Results) -> String {
    let group = group(Measure::Memory);
    let mut table = Table::new(
        "An idle thread: `memory`",
        "KiB for each of 10,000 threads that logged once and wait, after a flush.",
        &["", "KiB a thread"],
    );
    for (entry, kib) in sorted(results.all(group, "kib_a_thread"), true) {
        table.row(&[results.entries[entry].name.clone(), digits(Some(kib), 1)]);
    }
    table.text()
}

/// Records a second, for each number of threads there is.
fn rates(results: &Results, shape: Shape, format: Format) -> String {
    let one = throughput(shape, format, 1);
    let several: Vec<u64> = THREADS
        .into_iter()
        .filter(|&threads| {
            threads > 1 && !results.all(throughput(shape, format, threads), "rate").is_empty()
        })
        .collect();
    let mut columns = vec!["".to_owned(), "M/s".to_owned()];
    columns.extend(["× floor", "× best rival", "spread"].map(str::to_owned));
    columns.extend(several.iter().map(|threads| format!("{threads} threads")));
    columns.extend(["bytes a line", "CPU µs", "peak MiB"].map(str::to_owned));
    columns.extend(several.last().map(|threads| format!("of {threads}")));
    let mut table = Table::new(
        &format!("To the file, {}: `throughput`, {}", format.name(), shape.name()),
        "Millions of records a second with one thread, from the first call to all flushed, and with \
         several; CPU time a record and peak memory over an empty program, with one thread. Runs take \
         as long, so a queue without a bound is as long as it grew by then.",
        &columns.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    let (floor, best) = (results.floor(one, "rate"), results.best(one, "rate", false, &RIVALS));
    for (entry, rate) in sorted(results.all(one, "rate"), false) {
        let of = |threads, number| results.of(entry, throughput(shape, format, threads), number);
        let mut row = vec![
            results.entries[entry].name.clone(),
            digits(Some(rate / 1e6), 2),
            ratio(Some(rate), floor),
            ratio(Some(rate), best),
            percent(results.spread(entry, one, "rate")),
        ];
        row.extend(several.iter().map(|&threads| digits(of(threads, "rate").map(|r| r / 1e6), 2)));
        row.extend([digits(of(1, "line_bytes"), 0), digits(of(1, "cpu_us"), 2)]);
        row.push(digits(of(1, "over_mib"), 1));
        row.extend(several.last().map(|&threads| digits(of(threads, "over_mib"), 1)));
        table.row(&row);
    }
    table.text()
}

fn sorted(mut rows: Vec<(usize, f64)>, ascending: bool) -> Vec<(usize, f64)> {
    rows.sort_by(|a, b| if ascending { a.1.total_cmp(&b.1) } else { b.1.total_cmp(&a.1) });
    rows
}

pub fn digits(number: Option<f64>, decimals: usize) -> String {
    number.filter(|n| n.is_finite()).map_or_else(String::new, |n| format!("{n:.decimals$}"))
}

fn ratio(number: Option<f64>, to: Option<f64>) -> String {
    digits(number.zip(to).map(|(number, to)| number / to), 2)
}

fn percent(part: Option<f64>) -> String {
    part.map_or_else(String::new, |part| format!("{:.0} %", part * 100.0))
}

/// A table in Markdown; nothing, when it has no rows.
pub struct Table {
    head: String,
    rows: String,
}

impl Table {
    pub fn new(title: &str, note: &str, columns: &[&str]) -> Table {
        let marks: Vec<&str> =
            columns.iter().enumerate().map(|(n, _)| if n == 0 { "---" } else { "--:" }).collect();
        let (columns, marks) = (columns.join(" | "), marks.join(" | "));
        Table {
            head: format!("\n## {title}\n\n{note}\n\n| {columns} |\n| {marks} |\n"),
            rows: String::new(),
        }
    }

    pub fn row(&mut self, cells: &[String]) {
        self.rows += &format!("| {} |\n", cells.join(" | "));
    }

    pub fn text(self) -> String {
        if self.rows.is_empty() { String::new() } else { self.head + &self.rows }
    }
}

/// Rivals with a thread of their own.
pub const ASYNC: [Kind; 1] = [Kind::Async];
