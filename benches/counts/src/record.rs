//! `counts.txt`: a line that names the compiler, then one for each measure. And how a run is
//! compared with it.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

/// By how much a count may grow.
const TOLERANCE_PERCENT: f64 = 3.0;

/// Instructions a record, by the measure's name.
pub type Counts = BTreeMap<String, f64>;

pub struct Record {
    pub compiler: String,
    pub counts: Counts,
}

pub struct Comparison {
    /// All measures, a line each.
    pub table: String,
    /// What the run fails for.
    pub faults: Vec<String>,
}

impl Record {
    pub fn parse(text: &str) -> Result<Record, String> {
        let mut lines = text.lines().filter(|line| !line.starts_with('#'));
        let compiler = lines.next().filter(|line| line.starts_with("rustc "));
        let compiler = compiler.ok_or("its first line names no compiler")?.to_owned();
        let counts = lines.map(|line| {
            let (name, count) = line.split_once(' ')?;
            let count = count.trim().parse().ok().filter(|&count: &f64| count > 0.0)?;
            Some((name.to_owned(), count))
        });
        let counts: Option<Counts> = counts.collect();
        Ok(Record { compiler, counts: counts.ok_or("a line is no name and count")? })
    }

    /// What has become of the recorded counts.
    pub fn compare(&self, counted: &Record) -> Comparison {
        let (mut table, mut faults) = (String::new(), Vec::new());
        for (name, &now) in &counted.counts {
            let Some(&before) = self.counts.get(name) else {
                faults.push(format!("not recorded: {name}, {now:.1} instructions"));
                continue;
            };
            let percent = (now - before) / before * 100.0;
            let change = format!("{name:<22} {before:>8.1} -> {now:>8.1} {percent:>+7.1} %");
            let fell = if percent < -TOLERANCE_PERCENT { "  fell: worth recording" } else { "" };
            let _ = writeln!(table, "{change}{fell}");
            if percent > TOLERANCE_PERCENT {
                faults.push(format!("grew by over {TOLERANCE_PERCENT} %: {change}"));
            }
        }
        let gone = self.counts.keys().filter(|name| !counted.counts.contains_key(*name));
        faults.extend(gone.map(|name| format!("recorded, but not measured: {name}")));
        Comparison { table, faults }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "# Instructions a record, call or scope: written by `cargo counts -- --record`."
        )?;
        writeln!(f, "{}", self.compiler)?;
        self.counts.iter().try_for_each(|(name, count)| writeln!(f, "{name:<22} {count:>8.1}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(counts: &[(&str, f64)]) -> Record {
        let counts = counts.iter().map(|&(name, count)| (name.to_owned(), count)).collect();
        Record { compiler: "rustc 1.95.0 here".to_owned(), counts }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let text = record(&[("call", 125.8), ("drain", 1008.8)]).to_string();
        let read = Record::parse(&text).expect("a record");
        assert_eq!((&*read.compiler, read.to_string()), ("rustc 1.95.0 here", text));
        for text in ["", "call 3", "rustc 1\ncall", "rustc 1\ncall x", "rustc 1\ncall 0.0"] {
            assert!(Record::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn only_growth_over_three_percent_fails() {
        let recorded = record(&[("a", 100.0), ("b", 100.0), ("c", 100.0)]);
        let Comparison { table, faults } =
            recorded.compare(&record(&[("a", 103.0), ("b", 103.1), ("c", 90.0)]));
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].contains("b ") && faults[0].contains("+3.1 %"), "{faults:?}");
        let fell: Vec<_> = table.lines().filter(|line| line.contains("fell")).collect();
        assert!(fell.len() == 1 && fell[0].starts_with('c'), "{table}");
    }

    #[test]
    fn measures_without_a_counterpart_fail() {
        let faults = record(&[("a", 1.0)]).compare(&record(&[("b", 1.0)])).faults;
        assert_eq!(faults.len(), 2, "{faults:?}");
    }
}
