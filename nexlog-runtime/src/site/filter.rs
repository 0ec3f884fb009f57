//! [`Filter`]: which records are wanted, in `env_logger`'s grammar and with tracing's brackets.
//!
//! ```text
//! filter    := directive ( ',' directive )*
//! directive := level                        everything else
//!            | target? '=' level            targets that start with `target`: all, without one
//!            | target '='?                  the same at `trace`
//!            | target? span ( '=' level )?  the same inside of such a span
//! level     := off | trace | debug | info | warn | error | critical    (any case)
//! span      := '[' name ']' | '[' name? '{' field ( ',' field )* '}' ']'
//! field     := key ( '=' value )?
//! name, key, value := a bare word without any of  [ ] { } , = "  or a "quoted text"
//! ```
//!
//! Of the plain directives the longest name that starts the target decides; without one nothing
//! passes. A filter in which no directive is left passes `info`: a typo must not silence a
//! program. Parsing takes any text: what means nothing becomes a [`FilterProblem`], and the rest
//! applies.
//!
//! A directive with brackets matches when the record's target starts with its target and one
//! span or scope around the record has the name and all the fields. Of those that match, the one
//! with the longest target decides, then the one with the most fields, the most values, a name,
//! the later one. It lets pass what is at its level, *besides* what passes without it; `off`
//! lets nothing pass. How values are compared is in `wanted`.

use core::fmt;
use core::str::FromStr;

use super::callsite::SiteInfo;
use super::directive::{self, Read};
use super::level::Level;
use super::spans::{SpanDirective, Surroundings};
use crate::error::Error;

pub use super::directive::FilterProblem;

/// What passes when nothing else was asked for.
const DEFAULT: Level = Level::Info;

/// Which records pass: by target and level, and by the spans and scopes around them.
///
/// | directive | says |
/// | --- | --- |
/// | `warn` | everything that no other directive names, from `warn` on |
/// | `my_app::db=debug` | targets that start with this; the longest one decides |
/// | `my_app::db`, `my_app::db=` | the same from `trace` on |
/// | `=warn` | as `warn`: every target starts with an empty name |
/// | `noisy=off` | nothing of these targets |
/// | `[pay]=debug` | besides, inside of a span called `pay`, all from `debug` on |
/// | `[pay{tenant=acme}]=debug` | only where that span has this field with this value |
/// | `[{tenant}]` | inside of any span or scope that has this field, from `trace` on |
/// | `my_app[{request_id=7}]=off` | none of these targets while that request is served |
///
/// Nothing between two commas is no directive, and a filter without any passes `info`. What has
/// neither a name nor a level (`=`, `[]`, `[{}]`) or two `=` (`a==b`) is a [`FilterProblem`].
///
/// A directive with brackets looks at each span and scope around the record, the innermost and
/// all further out; name and fields must be those of one of them. Of several that match, the one
/// with the longest target decides, then the one with the most fields. It only adds to what the
/// others let pass, except for `off`, which takes away.
///
/// Values are compared by type: `7` equals every integer 7, the float 7.0 and the text `7`;
/// `true` equals a `bool` and the text. `"7"` in quotes equals only the text. Durations, times,
/// addresses and bytes are compared with their form in text output (`1.5s`, `10.0.0.1`). A
/// secret equals nothing. A name, key or value with one of `[]{},="` in it stands in quotes, with
/// `\"` and `\\` for these marks themselves. There are no patterns.
///
/// A span with a level of its own is made only where the global logger's filter lets that level
/// pass or has a directive that looks for such a span; other filters, of sinks and of local
/// loggers, find the spans that are there. A filter that has nothing but directives with brackets
/// lets nothing pass outside: write `info,[pay]=debug` for both.
///
/// ```
/// use nexlog_runtime::{Filter, Level};
///
/// let (filter, problems) = Filter::parse("warn, my_app::db=debug, noisy=off");
/// assert!(problems.is_empty());
/// assert!(filter.enabled("my_app::db::pool", Level::Debug));
/// assert!(!filter.enabled("my_app::web", Level::Info));
/// assert!(!filter.enabled("noisy", Level::Critical));
///
/// let (filter, problems) = Filter::parse("info,[pay{tenant=acme}]=debug,[pay");
/// assert_eq!(filter.to_string(), "info,[pay{tenant=acme}]=debug");
/// assert_eq!(
///     problems[0].to_string(),
///     "filter directive `[pay` at column 31: `[` is never closed; \
///      write `name[span{key=value}]=level`",
/// );
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Each name once, in alphabetical order: of several names that start the same target the
    /// longest is then the last. The empty name is the directive for everything else.
    directives: Vec<Directive>,
    /// Those with brackets, from the least to the most specific: of several that match the last
    /// decides.
    spans: Vec<SpanDirective>,
    /// Some directive may have been meant as a level for everything else, so that everything
    /// else must not fall silent.
    doubtful: bool,
}

/// Targets that start with `name` pass from `level` on; `None` is `off`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Directive {
    pub(super) name: String,
    pub(super) level: Option<Level>,
}

/// What decides about a record.
pub(crate) enum Deciding<'a> {
    Plain(&'a Directive),
    Span(&'a SpanDirective),
    /// That nothing is said about anything.
    Default,
}

impl Deciding<'_> {
    /// Where a text says this, if it does: in characters from 1.
    pub(crate) fn column_in(&self, text: &str) -> Option<usize> {
        let is_this = |parsed: &directive::Parsed| match (&parsed.directive, self) {
            (Some(Read::Plain(read)), Deciding::Plain(plain)) => read == *plain,
            (Some(Read::Span(read)), Deciding::Span(span)) => read == *span,
            _ => false,
        };
        directive::parse(text).filter(is_this).last().map(|parsed| parsed.column)
    }
}

/// The canonical text.
impl fmt::Display for Deciding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Deciding::Plain(plain) if plain.name.is_empty() => {
                f.write_str(directive::level_name(plain.level))
            }
            Deciding::Plain(plain) => {
                write!(f, "{}={}", plain.name, directive::level_name(plain.level))
            }
            Deciding::Span(span) => write!(f, "{span}"),
            Deciding::Default => f.write_str(directive::level_name(Some(DEFAULT))),
        }
    }
}

/// What target and level say about a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// This, whatever is around it.
    Fixed(bool),
    /// It depends on what is around it; this with nothing around.
    Depends(bool),
}

fn passes(lowest: Option<Level>, level: Level) -> bool {
    lowest.is_some_and(|lowest| level >= lowest)
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
            match parsed.directive {
                Some(Read::Plain(directive)) => filter.add(directive),
                Some(Read::Span(directive)) => filter.add_span(directive),
                None => {}
            }
            problems.extend(parsed.problem);
        }
        (filter, problems)
    }

    /// Whether a record of this target and level passes that no span or scope is around.
    pub fn enabled(&self, target: &str, level: Level) -> bool {
        match self.directives.iter().rev().find(|d| target.starts_with(&d.name)) {
            Some(longest) => passes(longest.level, level),
            None => passes(self.stand_in(), level),
        }
    }

    /// Whether a record of this target and level passes with this around it.
    pub(crate) fn enabled_within(
        &self,
        target: &str,
        level: Level,
        around: &dyn Surroundings,
    ) -> bool {
        let plain = match self.answer(target, level) {
            Answer::Fixed(answer) => return answer,
            Answer::Depends(plain) => plain,
        };
        let fits = |span: &&SpanDirective| target.starts_with(&span.target) && span.matches(around);
        match self.spans.iter().rev().find(fits) {
            Some(deciding) => deciding.level.is_some_and(|lowest| plain || level >= lowest),
            None => plain,
        }
    }

    /// What can be said before anybody looks around.
    pub(crate) fn answer(&self, target: &str, level: Level) -> Answer {
        let plain = self.enabled(target, level);
        if self.spans.iter().any(|span| span.matters(target, level, plain)) {
            Answer::Depends(plain)
        } else {
            Answer::Fixed(plain)
        }
    }

    /// The directive that decides about a record with this around it; `None` when none does.
    pub(crate) fn deciding(
        &self,
        target: &str,
        level: Level,
        around: &dyn Surroundings,
    ) -> Option<Deciding<'_>> {
        let plain = self.directives.iter().rev().find(|d| target.starts_with(&d.name));
        let passes_plain = self.enabled(target, level);
        let fits = |span: &&SpanDirective| target.starts_with(&span.target) && span.matches(around);
        let span = self.spans.iter().rev().find(fits);
        // One with brackets takes away, or adds what does not pass without it.
        let span = span.filter(|span| {
            let adds = span.level.is_some_and(|lowest| level >= lowest);
            if passes_plain { span.level.is_none() } else { adds }
        });
        match (span, plain) {
            (Some(span), _) => Some(Deciding::Span(span)),
            (None, Some(plain)) => Some(Deciding::Plain(plain)),
            (None, None) if passes_plain => Some(Deciding::Default),
            (None, None) => None,
        }
    }

    /// Says what passes for targets of which nothing is said, so that a further directive about
    /// something else leaves it as it is.
    pub(crate) fn state_default(&mut self) {
        if let Some(level) = self.stand_in() {
            self.add(Directive { name: String::new(), level: Some(level) });
        }
    }

    /// Whether some directive looks for what this site makes. A span or scope that is not made
    /// cannot be found, so this one has to be, whatever its own level.
    pub(crate) fn looks_for(&self, site: &SiteInfo) -> bool {
        site.is_frame && self.spans.iter().any(|span| span.looks_for(site))
    }

    /// Whether some directive looks at what is around a record.
    #[cfg(feature = "tracing")]
    pub(crate) fn looks_at_spans(&self) -> bool {
        !self.spans.is_empty()
    }

    /// Adds the directives of `later`; they replace those that name the same.
    pub fn extend(&mut self, later: Filter) {
        self.doubtful |= later.doubtful;
        later.directives.into_iter().for_each(|directive| self.add(directive));
        later.spans.into_iter().for_each(|directive| self.add_span(directive));
    }

    /// The lowest level that passes for some target, whatever is around; `None` when nothing
    /// passes at all.
    pub fn floor(&self) -> Option<Level> {
        let stated = self.directives.iter().filter_map(|directive| directive.level);
        let inside = self.spans.iter().filter_map(|directive| directive.level);
        stated.chain(inside).chain(self.stand_in()).min()
    }

    /// What passes for targets of which no directive says anything. A name that may be a typo
    /// of a level still names a target, as in `env_logger`; both readings must work.
    fn stand_in(&self) -> Option<Level> {
        let stated = self.directives.first().is_some_and(|directive| directive.name.is_empty());
        let is_empty = self.directives.is_empty() && self.spans.is_empty();
        (!stated && (self.doubtful || is_empty)).then_some(DEFAULT)
    }

    fn add_span(&mut self, directive: SpanDirective) {
        self.spans.retain(|other| !other.is_about_the_same(&directive));
        let place = self.spans.partition_point(|other| other.rank() <= directive.rank());
        self.spans.insert(place, directive);
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
        Filter { directives: vec![everything], ..Filter::default() }
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
        let is_first = self.directives.is_empty() && self.stand_in().is_none();
        for (number, span) in self.spans.iter().enumerate() {
            let comma = if is_first && number == 0 { "" } else { "," };
            write!(f, "{comma}{span}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
