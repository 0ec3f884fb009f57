//! Text for people: one record, one line (but for `pretty`).
//!
//! This file is the options. `text/encoder` makes the lines of the fixed layouts, `text/pattern`
//! those by a pattern, whose grammar is `text/grammar` and whose times `text/when`; `text/parts` is
//! what both share. The form of values is in `plain`, shared with messages.

mod encoder;
mod grammar;
mod parts;
mod pattern;
mod when;

#[cfg(test)]
mod layout_tests;
#[cfg(test)]
mod tests;

use core::fmt;
use std::sync::Arc;

use self::encoder::TextEncoder;
use self::grammar::{Flaw, Item};
use self::pattern::{Known, PatternEncoder};
use super::origin::Origin;
use super::theme::Theme;
use super::time::Precision;
use super::{Format, SharedEncoder};
use crate::buffer::Buffer;
use crate::record::Record;
use crate::value::Seal;

/// Text, one line a record.
///
/// ```text
/// 2026-11-22T13:50:00.123456Z INFO  shop::pay: paid 3 items order_id=42 who="a b" took=1.5s
/// ```
///
/// A string is bare when it is one simple word (letters, digits and `_./:@+-~%#` in ASCII), else
/// quoted, with `"`, `\` and all that is not to be seen escaped; keys likewise. Errors are quoted
/// with their causes: `err="cannot pay: connection reset"`. Lists are `[a, b]`, maps `{k: v}`,
/// bytes hexadecimal, durations exact seconds with an `s`. Lists and maps show all they hold, down
/// to 100 levels.
///
/// Control characters, line feeds, line separators and bidirectional controls are escaped
/// everywhere, messages included, so that no record can forge a second line or steer a terminal.
/// A message keeps its backslashes: `\n` in one may be a line feed or these two characters.
///
/// On a terminal, level, time and keys are coloured when the sink is; see [`Theme`]. What goes to a
/// file or a sink of yours never is.
///
/// # Layouts
///
/// [`compact`](Text::compact) is the default, [`full`](Text::full) says all there is to say on one
/// line, [`pretty`](Text::pretty) takes many, and [`pattern`](Text::pattern) is what you make of it.
///
/// ```
/// use nexlog_runtime::{Precision, Text};
///
/// let format = Text::compact().precision(Precision::Millis).target(false);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // each is a part of the line
pub struct Text {
    kind: Kind,
    precision: Precision,
    local: bool,
    time: bool,
    target: bool,
    source: bool,
    thread: bool,
    span_path: bool,
    field_separator: String,
    key_separator: String,
    theme: Theme,
    customs: Vec<Arc<Custom>>,
}

/// How a line is laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Line,
    Pretty,
    Pattern(Arc<Result<Vec<Item>, Flaw>>),
}

/// What a line of `pretty` behind the first begins with.
const INDENT: &str = "\n    ";

type Write = dyn Fn(&Record<'_>, &mut dyn fmt::Write) -> fmt::Result + Send + Sync;

/// A placeholder of the user's. Equal to itself only.
struct Custom {
    name: String,
    write: Box<Write>,
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{:p}", self.name, &raw const *self)
    }
}

impl PartialEq for Custom {
    fn eq(&self, other: &Custom) -> bool {
        core::ptr::eq(self, other)
    }
}

impl Eq for Custom {}

impl Text {
    /// Time, level, target, message and fields, on one line.
    pub fn compact() -> Text {
        Text {
            kind: Kind::Line,
            precision: Precision::default(),
            local: false,
            time: true,
            target: true,
            source: false,
            thread: false,
            span_path: false,
            field_separator: String::from(" "),
            key_separator: String::from("="),
            theme: Theme::new(),
            customs: Vec::new(),
        }
    }

    /// The same with thread, source, and the names of all spans, on one line.
    ///
    /// ```text
    /// 2026-11-22T13:50:00.123456Z INFO  [main#1] shop::pay src/pay.rs:7: paid 3 items order_id=42 span=serve:pay
    /// ```
    pub fn full() -> Text {
        Text::compact().thread().source().span_path()
    }

    /// Many lines a record, for reading one at a time. All but the first are indented by four
    /// spaces.
    ///
    /// ```text
    /// 2026-11-22T13:50:00.123456Z ERROR shop::pay: cannot pay
    ///     order_id=42
    ///     err="card refused"
    ///       caused by: "connection reset"
    ///     at src/pay.rs:7
    /// ```
    ///
    /// A line feed in a message begins such a line; in values it is escaped, as everywhere. With
    /// [`thread`](Text::thread) the last line is `on [main#1]`.
    pub fn pretty() -> Text {
        Text {
            kind: Kind::Pretty,
            field_separator: String::from(INDENT),
            ..Text::compact().source()
        }
    }

    /// One line a record, by a pattern of text and placeholders.
    ///
    /// ```
    /// use nexlog_runtime::Text;
    ///
    /// let format = Text::pattern("{ts:%H:%M:%S.3} {level:>5} {target} {msg} {fields}");
    /// // 13:50:00.123  INFO shop::pay paid 3 items order_id=42
    /// ```
    ///
    /// | placeholder | is |
    /// | --- | --- |
    /// | `{ts}` | the time as RFC 3339, or by a spec: `{ts:%H:%M:%S.3}` |
    /// | `{level}`, `{target}`, `{msg}` | as in the other layouts |
    /// | `{thread}`, `{thread_id}` | the thread's name, or `#` and its number, and its number |
    /// | `{pid}`, `{hostname}` | the field of that name ([`Builder::pid`](crate::Builder::pid)), else those of this process |
    /// | `{file}`, `{line}`, `{module}` | where the call is |
    /// | `{function}` | the field of that name: a call does not know its function, see [`Json::source`](crate::Json::source) |
    /// | `{span}` | the innermost span, or with [`span_path`](Text::span_path) all of them |
    /// | `{fields}` | all fields that the pattern does not name, as `key=value` |
    /// | any other | the field of that name, of the record or around it, or what [`placeholder`](Text::placeholder) has registered |
    ///
    /// Where a record has no such thing, `-` is written, or nothing where the placeholder says so:
    /// `{user_id?}`; then a space before it is left out, too. `{msg}` and `{fields}` need no `?`.
    /// No line ends in spaces of the pattern. `{{` and `}}` are braces.
    ///
    /// Behind a `:` comes the room, as in `format!`: fill, alignment (`<`, `^`, `>`), width and the
    /// most characters, `{target:.<20.20}`. Text that is longer than the width is not cut without
    /// the latter. With a width, something optional that is not there leaves its room blank.
    ///
    /// For `ts` comes a time: `%Y %m %d %H %M %S`, `%y %e %j %I %p`, `%a %A %b %B` (English),
    /// `%F` (`%Y-%m-%d`), `%T` (`%H:%M:%S`), `%D %R`, `%z` (`+0200`), `%:z`, `%Z` (`CEST`), `%s` (seconds
    /// since 1970), `%f` (nanoseconds; `%3f` three digits of them, `%.3f` behind a point), `%L`
    /// (milliseconds), `%%`. `%S.3` are seconds with three digits more, also `%T.6` and `%s.9`. Digits are cut off, not
    /// rounded. Times are in UTC, or with [`local`](Text::local) in the system's zone.
    ///
    /// # Errors
    /// What is wrong with a pattern is told when the logger is built, with its place:
    /// [`Error::Option`](crate::Error::Option). `pattern!` does so while compiling;
    /// what it gives is taken here, too. Used without
    /// a logger, such a format writes as [`compact`](Text::compact) does.
    pub fn pattern(pattern: impl Into<Text>) -> Text {
        pattern.into()
    }

    /// Registers a placeholder for [`pattern`](Text::pattern). `write` is called for each record,
    /// by whoever drains; what it writes is escaped as all text is.
    ///
    /// ```
    /// use nexlog_runtime::Text;
    ///
    /// let format = Text::pattern("{build} {short:<8} {msg}")
    ///     .placeholder("build", |_, out| out.write_str("a1b2c3"))
    ///     .placeholder("short", |record, out| {
    ///         out.write_str(record.target().rsplit("::").next().unwrap_or(""))
    ///     });
    /// ```
    ///
    /// The name of one that there is, and one that the pattern does not use, are told when the
    /// logger is built.
    #[must_use]
    pub fn placeholder(
        mut self,
        name: impl Into<String>,
        write: impl Fn(&Record<'_>, &mut dyn fmt::Write) -> fmt::Result + Send + Sync + 'static,
    ) -> Text {
        self.customs.push(Arc::new(Custom { name: name.into(), write: Box::new(write) }));
        self
    }

    /// What stands between two fields, a space by default: `", "`. In `pretty` each has a line of
    /// its own.
    #[must_use]
    pub fn field_separator(mut self, separator: impl Into<String>) -> Text {
        self.field_separator = separator.into();
        self
    }

    /// What stands between a key and its value, `=` by default: `": "`.
    #[must_use]
    pub fn key_separator(mut self, separator: impl Into<String>) -> Text {
        self.key_separator = separator.into();
        self
    }

    /// The colours, where there are any.
    #[must_use]
    pub fn theme(mut self, theme: Theme) -> Text {
        self.theme = theme;
        self
    }

    /// Writes the time of records in the system's time zone, with its offset, instead of in UTC. The
    /// zone is that of when the logger is built.
    #[must_use]
    pub fn local(mut self) -> Text {
        self.local = true;
        self
    }

    /// How finely the time is written; microseconds by default.
    #[must_use]
    pub fn precision(mut self, precision: Precision) -> Text {
        self.precision = precision;
        self
    }

    /// Adds where the call is, behind the target: `src/pay.rs:7`.
    #[must_use]
    pub fn source(mut self) -> Text {
        self.source = true;
        self
    }

    /// Adds which thread called, behind the level: its name and number, `[main#1]`.
    #[must_use]
    pub fn thread(mut self) -> Text {
        self.thread = true;
        self
    }

    /// Writes `span` as the names of all spans around the record, from the outermost:
    /// `span=serve:pay`, instead of the innermost one alone.
    #[must_use]
    pub fn span_path(mut self) -> Text {
        self.span_path = true;
        self
    }

    /// Whether the target is written; it is by default.
    #[must_use]
    pub fn target(mut self, written: bool) -> Text {
        self.target = written;
        self
    }

    /// Whether the time is written; it is by default. Without it a service manager that adds
    /// its own does not show two.
    #[must_use]
    pub fn time(mut self, written: bool) -> Text {
        self.time = written;
        self
    }
}

/// By a pattern, as [`Text::pattern`] makes it.
impl From<&str> for Text {
    fn from(pattern: &str) -> Text {
        Text { kind: Kind::Pattern(Arc::new(grammar::parse(pattern))), ..Text::compact() }
    }
}

/// By a pattern, as [`Text::pattern`] makes it.
impl From<String> for Text {
    fn from(pattern: String) -> Text {
        Text::from(pattern.as_str())
    }
}

/// By a pattern, as [`Text::pattern`] makes it.
impl From<&String> for Text {
    fn from(pattern: &String) -> Text {
        Text::from(pattern.as_str())
    }
}

impl Default for Text {
    fn default() -> Self {
        Text::compact()
    }
}

impl Text {
    fn items(&self) -> Option<&[Item]> {
        match &self.kind {
            Kind::Pattern(pattern) => pattern.as_ref().as_deref().ok(),
            Kind::Line | Kind::Pretty => None,
        }
    }

    fn origin(&self) -> Origin {
        let is_of_process = |item: &Item| matches!(item, Item::Placeholder(it) if it.name == "pid" || it.name == "hostname");
        Origin {
            zone: self.local,
            process: self.items().is_some_and(|items| items.iter().any(is_of_process)),
            code: !self.customs.is_empty(),
        }
    }

    /// What is wrong with the pattern, and the options that it has no place for.
    fn pattern_problem(&self) -> Option<(&'static str, String)> {
        let items = match &self.kind {
            Kind::Pattern(pattern) => match &**pattern {
                Ok(items) => items,
                Err(flaw) => return Some(("pattern", flaw.to_string())),
            },
            Kind::Line | Kind::Pretty => {
                let custom = self.customs.first()?;
                let problem = "placeholders are those of a pattern; use `Text::pattern`";
                return Some(("placeholder", format!("`{}`: {problem}", custom.name)));
            }
        };
        for (option, is_changed, instead) in [
            ("time", !self.time, "leave `{ts}` out"),
            ("target", !self.target, "leave `{target}` out"),
            ("source", self.source, "write `{file}:{line}`"),
            ("thread", self.thread, "write `{thread}`"),
        ] {
            if is_changed {
                return Some((option, format!("the pattern says what is written; {instead}")));
            }
        }
        let is_used = |name: &str| {
            items.iter().any(|item| matches!(item, Item::Placeholder(it) if it.name == name))
        };
        let is_twice = |name: &str| self.customs.iter().filter(|it| it.name == name).count() > 1;
        self.customs.iter().find_map(|custom| {
            let name = custom.name.as_str();
            let problem = if Known::named(name).is_some() {
                "it is there already; choose another name"
            } else if is_twice(name) {
                "it is registered twice; leave one out"
            } else if !is_used(name) {
                "the pattern does not use it; leave it out, or write it in braces"
            } else {
                return None;
            };
            Some(("placeholder", format!("`{}`: {problem}", name.escape_debug())))
        })
    }

    fn separator_problem(&self) -> Option<(&'static str, String)> {
        let is_pretty = self.kind == Kind::Pretty;
        if is_pretty && self.field_separator != INDENT {
            let problem = "in `pretty` each field has a line of its own; leave it out";
            return Some(("field_separator", String::from(problem)));
        }
        for (option, separator) in
            [("field_separator", &self.field_separator), ("key_separator", &self.key_separator)]
        {
            if separator.is_empty() {
                return Some((option, String::from("it is empty; write at least a space")));
            }
            if separator.contains(grammar::is_refused)
                && !(is_pretty && option == "field_separator")
            {
                let problem = format!(
                    "`{}` has control characters, which are not written; a record is one line",
                    separator.escape_debug()
                );
                return Some((option, problem));
            }
        }
        None
    }
}

impl Format for Text {
    /// Never coloured. Prepares everything anew for each record: right, but several times
    /// slower than what a sink with this format does.
    fn encode(&self, record: &Record<'_>, out: &mut Buffer) {
        let is_written = match self.items() {
            Some(items) => PatternEncoder::new(self, items, false)
                .map(|mut encoder| encoder.encode_once(record, out)),
            None => {
                TextEncoder::new(self, false).map(|mut encoder| encoder.encode_once(record, out))
            }
        };
        if is_written.is_none() {
            out.fall_short();
        }
    }

    fn encoder(&self, coloured: bool, _: Seal) -> Option<SharedEncoder> {
        let encoder: Box<dyn super::Encoder> = match self.items() {
            Some(items) => Box::new(PatternEncoder::new(self, items, coloured)?),
            None => Box::new(TextEncoder::new(self, coloured)?),
        };
        let origin = self.origin().text();
        Some(SharedEncoder { key: format!("{self:?} coloured: {coloured}{origin}"), encoder })
    }

    fn problem(&self, _: Seal) -> Option<(&'static str, String)> {
        self.pattern_problem().or_else(|| self.separator_problem())
    }
}
