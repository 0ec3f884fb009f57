//! [`Filter`]: which targets are wanted from which level on, in `env_logger`'s grammar.
//!
//! ```text
//! filter    := directive ( ',' directive )*
//! directive := level              everything else
//!            | name '=' level     targets that start with `name`
//!            | name               the same at `trace`
//! level     := off | trace | debug | info | warn | error | critical    (any case)
//! ```
//!
//! The longest name that starts the target decides; without one nothing passes. A filter in
//! which no directive is left passes `info`: a typo must not silence a program. Parsing takes
//! any text: what means nothing becomes a [`FilterProblem`], and the rest applies.

use core::fmt;
use core::str::FromStr;

use super::directive;
use super::level::Level;
use crate::error::Error;

pub use super::directive::FilterProblem;

/// What passes when nothing else was asked for.
const DEFAULT: Level = Level::Info;

/// Which records pass, by target and level.
///
/// ```
/// use nexlog_runtime::{Filter, Level};
///
/// let (filter, problems) = Filter::parse("warn, my_app::db=debug, noisy=off");
/// assert!(problems.is_empty());
/// assert!(filter.enabled("my_app::db::pool", Level::Debug));
/// assert!(!filter.enabled("my_app::web", Level::Info));
/// assert!(!filter.enabled("noisy", Level::Critical));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Each name once, in alphabetical order: of several names that start the same target the
    /// longest is then the last. The empty name is the directive for everything else.
    directives: Vec<Directive>,
    /// Some directive may have been meant as a level for everything else, so that everything
    /// else must not fall silent.
    doubtful: bool,
}

/// Targets that start with `name` pass from `level` on; `None` is `off`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Directive {
    pub(super) name: String,
    pub(super) level: Option<Level>,
}

impl Directive {
    fn passes(&self, level: Level) -> bool {
        self.level.is_some_and(|lowest| level >= lowest)
    }
}

impl Filter {
    /// Reads a filter text. Each directive that means nothing is one problem; the others
    /// apply.
    ///
    /// ```
    /// use nexlog_runtime::{Filter, Level};
    ///
    /// let (filter, problems) = Filter::parse("info,db=debg");
    /// assert!(filter.enabled("shop", Level::Info));
    /// assert_eq!(
    ///     problems[0].to_string(),
    ///     "filter directive `db=debg` at column 6: `debg` is not a level; did you mean `debug`?",
    /// );
    /// ```
    pub fn parse(text: &str) -> (Filter, Vec<FilterProblem>) {
        let mut filter = Filter::default();
        let mut problems = Vec::new();
        for parsed in directive::parse(text) {
            filter.doubtful |= parsed.may_be_level;
            parsed.directive.into_iter().for_each(|directive| filter.add(directive));
            problems.extend(parsed.problem);
        }
        (filter, problems)
    }

    /// Whether a record of this target and level passes.
    pub fn enabled(&self, target: &str, level: Level) -> bool {
        match self.directives.iter().rev().find(|d| target.starts_with(&d.name)) {
            Some(longest) => longest.passes(level),
            None => self.stand_in().is_some_and(|lowest| level >= lowest),
        }
    }

    /// Adds the directives of `later`; they replace those of the same name.
    pub fn extend(&mut self, later: Filter) {
        self.doubtful |= later.doubtful;
        later.directives.into_iter().for_each(|directive| self.add(directive));
    }

    /// The lowest level that passes for some target; `None` when nothing passes at all.
    pub fn floor(&self) -> Option<Level> {
        let stated = self.directives.iter().filter_map(|directive| directive.level);
        stated.chain(self.stand_in()).min()
    }

    /// What passes for targets of which no directive says anything. A name that may be a typo
    /// of a level still names a target, as in `env_logger`; both readings must work.
    fn stand_in(&self) -> Option<Level> {
        let stated = self.directives.first().is_some_and(|directive| directive.name.is_empty());
        (!stated && (self.doubtful || self.directives.is_empty())).then_some(DEFAULT)
    }

    fn add(&mut self, directive: Directive) {
        match self.directives.binary_search_by(|other| other.name.cmp(&directive.name)) {
            Ok(same) => self.directives[same] = directive,
            Err(place) => self.directives.insert(place, directive),
        }
    }
}

/// Everything from this level on.
impl From<Level> for Filter {
    fn from(level: Level) -> Filter {
        let everything = Directive { name: String::new(), level: Some(level) };
        Filter { directives: vec![everything], doubtful: false }
    }
}

/// Strict: any problem is an error, and nothing applies.
impl FromStr for Filter {
    type Err = Error;

    fn from_str(text: &str) -> Result<Filter, Error> {
        let (filter, problems) = Filter::parse(text);
        if problems.is_empty() { Ok(filter) } else { Err(Error::Filter { problems }) }
    }
}

/// The canonical text, which parses to a filter that answers the same.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stand_in = self.stand_in().map(|level| ("", Some(level)));
        let stated = self.directives.iter().map(|directive| (&*directive.name, directive.level));
        for (number, (name, level)) in stand_in.into_iter().chain(stated).enumerate() {
            let comma = if number == 0 { "" } else { "," };
            let equals = if name.is_empty() { "" } else { "=" };
            write!(f, "{comma}{name}{equals}{}", directive::level_name(level))?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
