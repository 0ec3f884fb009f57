//! [`Explanation`]: which directive decided about a record, and where it was said.

use core::fmt;
use std::path::PathBuf;

use super::filter::Filter;
use super::level::Level;
use crate::error::OneLine;

/// Where a directive comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FilterSource {
    /// [`Builder::filter`](crate::Builder::filter).
    Builder,
    /// This environment variable, by [`Builder::filter_env`](crate::Builder::filter_env).
    Environment(String),
    /// This file, by [`Builder::filter_file`](crate::Builder::filter_file).
    File(PathBuf),
    /// [`set_filter`](crate::set_filter).
    Set,
    /// [`push_filter`](crate::push_filter).
    Pushed,
}

impl fmt::Display for FilterSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FilterSource::Builder => f.write_str("the builder's filter"),
            FilterSource::Environment(name) => write!(f, "the variable `{}`", OneLine(name)),
            FilterSource::File(path) => write!(f, "the file `{}`", OneLine(path.display())),
            FilterSource::Set => f.write_str("the filter that was set"),
            FilterSource::Pushed => f.write_str("a filter that was pushed"),
        }
    }
}

/// What decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decided {
    NoLogger,
    Ceiling,
    Directive(String, FilterSource, usize),
    /// Nothing was said about anything.
    Default,
    /// Something was said, but not about this.
    Nothing,
}

/// Why a record of some target and level passes, or does not. `Display` says it in one line.
///
/// Made by [`explain`](crate::explain).
#[derive(Clone, Debug)]
pub struct Explanation {
    target: String,
    level: Level,
    is_enabled: bool,
    decided: Decided,
    refusing: Vec<(String, Filter)>,
}

impl Explanation {
    pub(crate) fn new(
        target: &str,
        level: Level,
        is_enabled: bool,
        decided: Decided,
        refusing: Vec<(String, Filter)>,
    ) -> Explanation {
        let target = target.to_owned();
        Explanation { target, level, is_enabled, decided, refusing }
    }

    /// Whether the logger takes it.
    pub fn is_enabled(&self) -> bool {
        self.is_enabled
    }

    /// The directive that decided, in canonical form: `my_app::db=debug`. `None` where none did:
    /// without a logger, below the level that was fixed while compiling, or when nothing is said
    /// about this target.
    pub fn directive(&self) -> Option<&str> {
        match &self.decided {
            Decided::Directive(text, ..) => Some(text),
            _ => None,
        }
    }

    /// Where that directive was said.
    pub fn source(&self) -> Option<&FilterSource> {
        match &self.decided {
            Decided::Directive(_, source, _) => Some(source),
            _ => None,
        }
    }

    /// Where in that text it begins, in characters from 1.
    pub fn column(&self) -> Option<usize> {
        match &self.decided {
            Decided::Directive(.., column) => Some(*column),
            _ => None,
        }
    }

    /// The sinks whose own filter refuses it.
    pub fn refusing_sinks(&self) -> impl Iterator<Item = &str> {
        self.refusing.iter().map(|(name, _)| &**name)
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.is_enabled { "passes" } else { "does not pass" };
        write!(f, "{} of `{}` {verdict}: ", self.level, OneLine(&self.target))?;
        match &self.decided {
            Decided::NoLogger => f.write_str("no logger is installed")?,
            Decided::Ceiling => {
                f.write_str("a feature `max_level_…` has removed this level while compiling")?;
            }
            Decided::Directive(text, source, column) => {
                write!(f, "`{}` at column {column} of {source}", OneLine(text))?;
            }
            Decided::Default => f.write_str("nothing else is said, so all from INFO on passes")?,
            Decided::Nothing => f.write_str("no directive is about it")?,
        }
        for (name, filter) in self.refusing.iter().filter(|_| self.is_enabled) {
            write!(f, "; the sink `{}` refuses it by its filter `{filter}`", OneLine(name))?;
        }
        Ok(())
    }
}
