//! Which parts of an instrumented function does a build keep?
//!
//! Cargo features and `NEXLOG_STATIC` are known while expanding, all but its rules about
//! modules; those are left to a constant in the expansion, and the part is kept.

use super::model::{Function, Options, Report, Returns};
use crate::record::check::{Faults, static_typo};
use crate::record::model::Level;
use crate::static_filter::{self, Verdict};

/// What a build keeps.
#[derive(Clone, Copy, PartialEq)]
pub struct Parts {
    pub span: bool,
    pub err: bool,
    pub ret: bool,
}

/// One part's level, and what `NEXLOG_STATIC` says of it.
pub struct Asked {
    pub level: Level,
    pub verdict: Verdict,
}

/// The levels of all parts.
pub struct Levels {
    pub span: Asked,
    pub time: Option<Asked>,
    pub err: Option<Asked>,
    pub ret: Option<Asked>,
    /// Whether this expansion is to name the variable.
    pub names_variable: bool,
}

impl Levels {
    pub fn ask(options: &Options, function: &Function, faults: &mut Faults) -> Levels {
        let mut names_variable = false;
        let mut ask = |level: Level| {
            let answer = static_filter::ask(level.0);
            names_variable |= answer.names_variable;
            if let Some(text) = answer.typo {
                faults.add(static_typo(&text));
            }
            Asked { level, verdict: answer.verdict }
        };
        let stated = options.level.as_ref().map(|(level, _)| *level);
        let quiet = stated.unwrap_or(Level::INFO);
        let level_of =
            |report: &Report, default| report.level.as_ref().map_or(default, |(level, _)| *level);
        // Of a function that never returns there is nothing to tell.
        let ret = options.ret.as_ref().filter(|_| !matches!(function.returns, Returns::Never));
        Levels {
            span: ask(stated.unwrap_or(Level::CRITICAL)),
            time: options.elapsed.is_some().then(|| ask(quiet)),
            err: options.err.as_ref().map(|report| ask(level_of(report, Level::ERROR))),
            ret: ret.map(|report| ask(level_of(report, quiet))),
            names_variable,
        }
    }

    /// What a build with or without debug assertions keeps.
    pub fn parts(&self, debug: bool) -> Parts {
        let is_kept = |asked: &Asked| {
            asked.level.0 >= static_filter::floor(debug) && asked.verdict != Verdict::Remove
        };
        Parts {
            span: is_kept(&self.span),
            err: self.err.as_ref().is_some_and(is_kept),
            ret: self.ret.as_ref().is_some_and(is_kept),
        }
    }
}
