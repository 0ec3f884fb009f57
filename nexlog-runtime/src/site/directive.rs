//! The text of filter directives: cut, read, and explained where it means nothing.
//!
//! One pass over the text gives one [`Parsed`] for each directive. Those with brackets are read
//! by [`brackets`]. The `/regex` of `env_logger` is recognised so that it can be refused by name,
//! as one problem, whatever commas and slashes it holds.

use core::fmt;

use super::brackets;
use super::filter::Directive;
use super::level::Level;
use super::spans::SpanDirective;

/// How much of a bad directive an error shows, in characters.
const SHOWN_CHARS: usize = 80;

/// The names that a typo is compared with.
const LEVELS: [&str; 9] =
    ["off", "trace", "debug", "info", "warn", "warning", "error", "critical", "crit"];

const LEVEL_LIST: &str = "write one of off, trace, debug, info, warn, error, critical";

/// A directive that means nothing, or probably not what was meant. `Display` says where, why
/// and what to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterProblem {
    column: usize,
    directive: String,
    reason: String,
}

impl FilterProblem {
    /// Where the directive begins in the filter text, in characters from 1.
    pub fn column(&self) -> usize {
        self.column
    }

    /// The directive as it was written.
    pub fn directive(&self) -> &str {
        &self.directive
    }

    /// What is wrong with it and what to write instead.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for FilterProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = shown(&self.directive);
        write!(f, "filter directive `{shown}` at column {}: {}", self.column, self.reason)
    }
}

/// What one piece of the text comes to.
pub(super) struct Parsed {
    /// Where it begins, in characters from 1.
    pub(super) column: usize,
    pub(super) directive: Option<Read>,
    pub(super) problem: Option<FilterProblem>,
    /// It applies as a target's name, but looks like a level with a typo.
    pub(super) may_be_level: bool,
}

/// A directive that means something.
pub(super) enum Read {
    Plain(Directive),
    Span(SpanDirective),
}

/// Reads all directives of a filter text. Empty ones are passed over.
pub(super) fn parse(text: &str) -> impl Iterator<Item = Parsed> + '_ {
    let mut start = 0;
    core::iter::from_fn(move || {
        while start < text.len() {
            let rest = &text[start..];
            let length = piece_bytes(rest);
            let piece = &rest[..length];
            let written = piece.trim();
            let column = text[..start + (length - piece.trim_start().len())].chars().count() + 1;
            start += length + usize::from(rest[length..].starts_with(','));
            if !written.is_empty() {
                return Some(read(written, column));
            }
        }
        None
    })
}

/// Where the first piece of `rest` ends: at a comma outside of brackets, or before a slash. A
/// piece that begins with a slash is everything, because a regex may hold any character. What is
/// quoted within brackets does not count. Brackets that never close do not, either, so that they
/// cost one directive and not the rest.
fn piece_bytes(rest: &str) -> usize {
    if rest.starts_with('/') {
        return rest.len();
    }
    let (mut depth, mut is_quoted) = (0_usize, false);
    let mut bytes = rest.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' if is_quoted => {
                bytes.next();
            }
            b'"' if depth > 0 => is_quoted = !is_quoted,
            _ if is_quoted => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' | b'/' if depth == 0 => return at,
            _ => {}
        }
    }
    if depth == 0 { rest.len() } else { rest.find(',').unwrap_or(rest.len()) }
}

/// Reads one directive, trimmed and not empty.
fn read(written: &str, column: usize) -> Parsed {
    let outcome = if written.starts_with('/') {
        Err("a regex on messages (`/…`) is not supported; write `name=level`, `name` or `level`"
            .to_owned())
    } else if brackets::are_in(written) {
        brackets::read(written).map(|directive| (Read::Span(directive), None))
    } else {
        read_plain(written).map(|(directive, doubt)| (Read::Plain(directive), doubt))
    };
    let (directive, reason, may_be_level) = match outcome {
        Ok((directive, None)) => (Some(directive), None, false),
        Ok((directive, doubt)) => (Some(directive), doubt, true),
        Err(reason) => (None, Some(reason), false),
    };
    let problem =
        reason.map(|reason| FilterProblem { column, directive: written.to_owned(), reason });
    Parsed { column, directive, problem, may_be_level }
}

/// The directive, and the doubt about it if there is one; or why it means nothing.
fn read_plain(written: &str) -> Result<(Directive, Option<String>), String> {
    let (name, level) = match written.split_once('=') {
        Some((name, level)) => (name.trim(), Some(level.trim())),
        None => (written, None),
    };
    check_name(name)?;
    if name.is_empty() && level == Some("") {
        return Err("it has neither a name nor a level; write `name=level`, or a level alone for \
                    everything"
            .to_owned());
    }
    if level.is_none() && name.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("a number is not a level; {LEVEL_LIST}"));
    }
    let directive = |name: &str, level| Directive { name: name.to_owned(), level };
    match level {
        None => Ok(match parse_level(name) {
            Some(level) => (directive("", level), None),
            None => (directive(name, Some(Level::Trace)), doubt(name)),
        }),
        Some(level) => Ok((directive(name, read_level(level)?), None)),
    }
}

/// Why this cannot be the name of a target.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    if name.contains('*') {
        Err("there are no patterns: a name stands for all targets that start with it, and a level \
             alone for all of them"
            .to_owned())
    } else if name.contains(char::is_whitespace) {
        Err("a name has no spaces; put commas between directives".to_owned())
    } else if name.contains(';') {
        Err("directives are separated by commas, not by `;`".to_owned())
    } else {
        Ok(())
    }
}

/// The level behind `=`: `trace` when there is none, as `env_logger` reads `name=`.
pub(super) fn read_level(level: &str) -> Result<Option<Level>, String> {
    match parse_level(level) {
        _ if level.is_empty() => Ok(Some(Level::Trace)),
        Some(level) => Ok(level),
        None if level.contains('=') => Err("it has two `=`; write `name=level`".to_owned()),
        None => Err(not_a_level(level)),
    }
}

/// Why a name alone may not be what was meant.
fn doubt(name: &str) -> Option<String> {
    // Two edits turn too many short names into each other: `crate` is two from `trace`, `init`
    // two from `info`. Those long enough keep the tolerance.
    let tolerance = if name.len() > 5 { 2 } else { 1 };
    let level = nearest_level(name, tolerance)?;
    Some(format!("it names a target; did you mean the level `{level}`? else write `{name}=trace`"))
}

fn not_a_level(level: &str) -> String {
    let hint = match nearest_level(level, 2) {
        Some(near) => format!("did you mean `{near}`?"),
        None => LEVEL_LIST.to_owned(),
    };
    format!("`{}` is not a level; {hint}", shown(level))
}

/// `Some(None)` is `off`.
#[allow(clippy::option_option)] // "no level at all" and "not a level" are two things
fn parse_level(text: &str) -> Option<Option<Level>> {
    if text.eq_ignore_ascii_case("off") { Some(None) } else { text.parse().ok().map(Some) }
}

/// The level's name in a directive.
pub(super) fn level_name(level: Option<Level>) -> &'static str {
    match level {
        None => "off",
        Some(Level::Trace) => "trace",
        Some(Level::Debug) => "debug",
        Some(Level::Info) => "info",
        Some(Level::Warn) => "warn",
        Some(Level::Error) => "error",
        Some(Level::Critical) => "critical",
    }
}

/// The level whose name is nearest to `text`, at most `tolerance` edits away.
fn nearest_level(text: &str, tolerance: usize) -> Option<&'static str> {
    let text = text.to_ascii_lowercase();
    let near = LEVELS.iter().map(|name| (edits(&text, name), name)).min()?;
    let level = parse_level(near.1)?;
    (near.0 <= tolerance).then(|| level_name(level))
}

/// How many edits (a letter more, less, other, or two neighbours swapped) lie between two
/// words; more than any tolerance when the lengths alone say so.
fn edits(left: &str, right: &str) -> usize {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    if left.len().abs_diff(right.len()) > 2 {
        return usize::MAX;
    }
    let mut rows: Vec<Vec<usize>> = vec![(0..=right.len()).collect()];
    for i in 1..=left.len() {
        let mut row = vec![i];
        for j in 1..=right.len() {
            let other = usize::from(left[i - 1] != right[j - 1]);
            let mut best = (rows[i - 1][j - 1] + other).min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            let swapped =
                i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
            if swapped {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
}

/// Foreign text in an error: cut, and nothing in it can act on a terminal.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_CHARS).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN_CHARS).is_some() {
        shown.push('…');
    }
    shown
}
