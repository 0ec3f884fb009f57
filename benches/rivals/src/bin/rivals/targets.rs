//! What nexlog is to reach, and whether it did in this run.

use rivals::{Format, Measure, Shape};

use crate::cases::THREADS;
use crate::results::{RIVALS, Results};
use crate::tables::{ASYNC, Table, digits, group, throughput};

const OURS: &str = "background";

pub fn table(results: &Results) -> String {
    let mut targets = Targets::default();
    caller(results, &mut targets);
    for mode in ["background", "buffered"] {
        rates(results, mode, &mut targets);
    }
    others(results, &mut targets);
    let mut table = Table::new(
        "Targets",
        "Of this run; nexlog in `Background` where nothing else is said.",
        &["", "at most / at least", "measured", "reached"],
    );
    targets.rows.iter().for_each(|row| table.row(row));
    table.text()
}

#[derive(Default)]
struct Targets {
    rows: Vec<[String; 4]>,
}

impl Targets {
    /// Nothing is said of what was not measured.
    fn at_most(&mut self, what: &str, limit: &str, measured: Option<f64>, most: Option<f64>) {
        let Some((measured, most)) = measured.zip(most) else { return };
        self.row(what, limit, measured, measured <= most, measured / most);
    }

    fn at_least(&mut self, what: &str, limit: &str, measured: Option<f64>, least: f64) {
        let Some(measured) = measured else { return };
        self.row(what, limit, measured, measured >= least, measured / least);
    }

    fn row(&mut self, what: &str, limit: &str, measured: f64, is_reached: bool, of_limit: f64) {
        let verdict = if is_reached {
            "yes".to_owned()
        } else {
            format!("not reached: {of_limit:.2} × the limit")
        };
        self.rows.push([what.to_owned(), limit.to_owned(), digits(Some(measured), 2), verdict]);
    }
}

fn over(number: Option<f64>, to: Option<f64>) -> Option<f64> {
    number.zip(to).map(|(number, to)| number / to)
}

fn caller(results: &Results, targets: &mut Targets) {
    let alone = group(Measure::Caller);
    let (ns, floor) = (results.ours(OURS, alone, "ns"), results.floor(alone, "ns"));
    targets.at_most("a call, × floor", "≤ 1.15", over(ns, floor), Some(1.15));
    targets.at_most("a call, ns", "≤ floor + 3", ns, floor.map(|floor| floor + 3.0));
    let fastest = results.best(alone, "ns", true, &ASYNC);
    targets.at_least("best asynchronous rival's call, × ours", "≥ 15", over(fastest, ns), 15.0);
    let (p99, floor) = (results.ours(OURS, alone, "p99_ns"), results.floor(alone, "p99_ns"));
    targets.at_most("p99 of single calls, ns", "≤ 3 × floor's", p99, floor.map(|p99| p99 * 3.0));
    let work = group(Measure::CallerWork);
    let (ns, floor) = (results.ours(OURS, work, "ns"), results.floor(work, "ns"));
    targets.at_most("a call among work, ns", "≤ floor + 7", ns, floor.map(|floor| floor + 7.0));
}

fn rates(results: &Results, mode: &str, targets: &mut Targets) {
    let say = |what: &str| if mode == OURS { what.to_owned() } else { format!("{what} ({mode})") };
    let rate =
        |shape, format, threads| results.ours(mode, throughput(shape, format, threads), "rate");
    let one = throughput(Shape::Request, Format::Json, 1);
    let ours = rate(Shape::Request, Format::Json, 1);
    let what = say("records a second, × floor");
    targets.at_least(&what, "≥ 0.85", over(ours, results.floor(one, "rate")), 0.85);
    for &shape in Shape::ALL {
        let best = results.best(throughput(shape, Format::Json, 1), "rate", false, &RIVALS);
        let what = say(&format!("records a second, {}, × best rival", shape.name()));
        targets.at_least(&what, "≥ 2", over(rate(shape, Format::Json, 1), best), 2.0);
    }
    for threads in &THREADS[1..] {
        let several = rate(Shape::Request, Format::Json, *threads);
        let what = say(&format!("{threads} threads, × one"));
        targets.at_least(&what, "≥ 1.4", over(several, ours), 1.4);
    }
    let text = rate(Shape::Request, Format::Text, 1);
    targets.at_least(&say("text, × JSON"), "≥ 1", over(text, ours), 1.0);
    for threads in THREADS {
        let group = throughput(Shape::Request, Format::Json, threads);
        let peak = results.ours(mode, group, "over_mib");
        let what = say(&format!("peak MiB over an empty program, {threads} threads"));
        targets.at_most(&what, "≤ 8", peak, Some(8.0));
    }
}

fn others(results: &Results, targets: &mut Targets) {
    let off = group(Measure::Disabled);
    // Of two differences near nothing a ratio says nothing.
    let with_loop = |number: &dyn Fn(&str) -> Option<f64>| Some(number("ns")? + number("loop_ns")?);
    let ns = with_loop(&|number| results.ours(OURS, off, number));
    let log = with_loop(&|number| results.rival("log", off, number));
    targets.at_most("a disabled call with the loop around, ns", "≤ log's", ns, log);
    let span = group(Measure::Span);
    let within = results.ours(OURS, span, "with_record_ns");
    let alone = results.ours(OURS, span, "record_ns");
    let what = "an instrumented function with a record, × the record";
    targets.at_most(what, "≤ 3", over(within, alone), Some(3.0));
    let empty = results.ours(OURS, span, "empty_ns");
    let fastrace = results.rival("fastrace", span, "empty_ns");
    targets.at_most("an empty one, × fastrace's", "≤ 0.5", over(empty, fastrace), Some(0.5));
    let kib = results.ours(OURS, group(Measure::Memory), "kib_a_thread");
    targets.at_most("an idle thread that logged once, KiB", "≤ 16", kib, Some(16.0));
}
