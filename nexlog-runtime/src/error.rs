//! [`Error`]: everything that this crate reports to the program, as values.
//!
//! The texts say what was attempted, on what, why it failed, and what to do about it; they are
//! lower case. The cause is in the text, because most programs print the text alone, and `source`
//! keeps it, too. `Debug` prints the text and whatever lies behind the cause: that is what
//! `fn main() -> Result<(), nexlog::Error>` shows to whoever started the program.

use core::error::Error as StdError;
use core::fmt::{self, Write as _};
use core::time::Duration;
use std::io;
use std::path::PathBuf;

use crate::site::filter::FilterProblem;
use crate::sys;

/// What can go wrong around logging. Logging calls themselves return `()`.
///
/// ```
/// use nexlog_runtime::{DropReason, Error};
///
/// let error = Error::Refused { reason: DropReason::Full };
/// assert_eq!(error.to_string(), "the record was refused: the thread's buffer is full");
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// `install` was called a second time.
    #[error(
        "a global logger is installed already; install once, at the start of the program, and \
         use `build()` for further loggers"
    )]
    AlreadyInstalled,

    /// Another crate's facade has a logger of its own already, so that nexlog cannot become it.
    /// Nothing is installed; `install` can be tried again.
    #[error(
        "the crate `{facade}` has another {what} already, set by {earlier}; call `install()` before \
         that, or leave `{facade}` to it with `.{option}`"
    )]
    BridgeTaken {
        /// `log` or `tracing`.
        facade: &'static str,
        /// What it calls it: its `logger`, its `global subscriber`.
        what: &'static str,
        /// Which call has set it.
        earlier: &'static str,
        /// What to give the builder instead.
        option: &'static str,
    },

    /// The builder was given something that it cannot work with.
    #[error("option `{option}`: {problem}")]
    Option {
        /// The builder's method.
        option: &'static str,
        /// The value, why it does not work, and what to write instead.
        problem: String,
    },

    /// A filter text has directives that mean nothing.
    #[error("{}", Listed(.problems))]
    Filter {
        /// One for each bad directive, in the order of the text.
        problems: Vec<FilterProblem>,
    },

    /// A configuration file says something that means nothing.
    #[error(
        "`{}`, line {line}{}: {problem}",
        OneLine(.path.display()),
        if .key.is_empty() { String::new() } else { format!(", key `{}`", OneLine(key)) }
    )]
    Config {
        /// Which file.
        path: PathBuf,
        /// The line in it, from 1.
        line: usize,
        /// The key with those of the tables around it, as `file[0].rotate.size`; empty where the
        /// text is no TOML.
        key: String,
        /// What is wrong, and what is known instead.
        problem: String,
    },

    /// A file could not be worked with.
    #[error("cannot {attempted} `{}`: {source}; {remedy}", OneLine(.path.display()))]
    File {
        /// Which file.
        path: PathBuf,
        /// What was attempted, as a verb with its object: `open the log file`.
        attempted: &'static str,
        /// Why it failed.
        source: io::Error,
        /// What to do about it.
        remedy: &'static str,
    },

    /// Records that wait in buffers are lost if this process is killed: the file that would keep
    /// them cannot be used. The logger goes on without it.
    #[error(
        "cannot {attempted} the ring file `{}`: {source}; until the next start, records that wait in \
         buffers are lost if this process is killed. Give it another place with `crash_dir`, or do \
         without by `crash_safe(false)`",
        OneLine(.path.display())
    )]
    Crash {
        /// The file, or its folder.
        path: PathBuf,
        /// What was attempted, as a verb.
        attempted: &'static str,
        /// Why it failed.
        source: io::Error,
    },

    /// What a dead process has left cannot be written to its log. It is kept.
    #[error("cannot recover the ring file `{}`: {problem}", OneLine(.path.display()))]
    Recovery {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },

    /// A sink could not write, or could not put what was written on its device.
    #[error("the sink {} failed: {}", OneLine(.name), Cause(.source))]
    Sink {
        /// The sink's [`name`](crate::Sink::name).
        name: String,
        /// Why.
        source: io::Error,
    },

    /// A `traceparent` header is not one.
    #[error(
        "`{}` is no traceparent: {problem}; expected `00-<32 hex>-<16 hex>-<2 hex>`",
        Shown(.header)
    )]
    Traceparent {
        /// The header as it came.
        header: String,
        /// What is wrong with it.
        problem: &'static str,
    },

    /// Something was not done in the time it was given.
    #[error("{what} did not finish within {waited:?}; the records are kept, try again")]
    Timeout {
        /// `flush`, `sync`, `rotate` or `reopen`.
        what: &'static str,
        /// The time it was given.
        waited: Duration,
    },

    /// `try_log!` was not able to take the record.
    #[error("the record was refused: {}", .reason.explanation())]
    Refused {
        /// Why.
        reason: DropReason,
    },

    /// The background thread could not be started.
    #[error(
        "cannot start the worker thread of `Mode::Background`: {source}; raise the limit on threads, or \
         use `Mode::Buffered`"
    )]
    Worker {
        /// Why.
        source: io::Error,
    },
}

impl Error {
    /// The text and its causes on one line, for reports that have only one.
    ///
    /// ```
    /// let error = nexlog_runtime::Error::Sink {
    ///     name: "file app.log".to_owned(),
    ///     source: std::io::Error::other("no space left"),
    /// };
    /// let line = error.with_causes().to_string();
    /// assert_eq!(line, "the sink file app.log failed: no space left");
    /// ```
    pub fn with_causes(&self) -> impl fmt::Display + '_ {
        Chain { error: self, between: ": " }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Chain { error: self, between: "\n  caused by: " })
    }
}

/// An error's text and those of its causes.
struct Chain<'a> {
    error: &'a Error,
    between: &'static str,
}

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.error)?;
        // The first cause is in the text.
        let mut cause = self.error.source().and_then(StdError::source);
        while let Some(error) = cause {
            write!(f, "{}{error}", self.between)?;
            cause = error.source();
        }
        Ok(())
    }
}

/// Foreign text: cut, and nothing in it can act on a terminal.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().take(80).flat_map(char::escape_debug).try_for_each(|c| f.write_char(c))
    }
}

/// A name as it is, but for characters that would end the line or steer a terminal.
pub(crate) struct OneLine<T>(pub(crate) T);

impl<T: fmt::Display> fmt::Display for OneLine<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

struct Escaping<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl fmt::Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            // Quotes and backslashes stay; what `Debug` finds unprintable does not.
            match c.escape_debug().next() {
                Some('\\') if !matches!(c, '\\' | '"' | '\'') => {
                    write!(self.0, "{}", c.escape_debug())?;
                }
                _ => self.0.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A cause as it is. The text of a system's error is had without the memory that std takes for it,
/// as a sink's failure has to be told when there is none.
struct Cause<'a>(&'a io::Error);

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.raw_os_error() {
            Some(code) => sys::write_error(code, f),
            None => self.0.fmt(f),
        }
    }
}

/// Problems separated by `; `.
struct Listed<'a>(&'a [FilterProblem]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.0.iter().enumerate() {
            let separator = if number == 0 { "" } else { "; " };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

/// Why a record was dropped. `Display` prints the name that statistics and the logger's own
/// records use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// The thread's buffer was full and the overflow policy is to drop.
    Full,
    /// The pipeline was at work and the overflow policy is not to wait for it.
    Busy,
    /// It was the oldest in a full buffer and the overflow policy is to release those unread.
    Oldest,
    /// A value's own code logged while being logged, too many levels deep.
    Recursion,
    /// The allocator gave no memory.
    NoMemory,
    /// A value's own code panicked.
    Panic,
    /// It was made before `install`, when the buffer for such records was full.
    Early,
    /// A sink that wanted it failed.
    Sink,
    /// Somebody has cut the ring file that it lay in.
    Ring,
}

impl DropReason {
    /// All reasons.
    pub const ALL: [DropReason; 9] = [
        DropReason::Full,
        DropReason::Busy,
        DropReason::Oldest,
        DropReason::Recursion,
        DropReason::NoMemory,
        DropReason::Panic,
        DropReason::Early,
        DropReason::Sink,
        DropReason::Ring,
    ];

    /// The name, as in `stats().dropped_by`.
    pub const fn as_str(self) -> &'static str {
        match self {
            DropReason::Full => "full",
            DropReason::Busy => "busy",
            DropReason::Oldest => "oldest",
            DropReason::Recursion => "recursion",
            DropReason::NoMemory => "no_memory",
            DropReason::Panic => "panic",
            DropReason::Early => "early",
            DropReason::Sink => "sink",
            DropReason::Ring => "ring",
        }
    }

    const fn explanation(self) -> &'static str {
        match self {
            DropReason::Full => "the thread's buffer is full",
            DropReason::Busy => "the buffer is full and the pipeline is busy",
            DropReason::Oldest => "it was released unread to make room for newer ones",
            DropReason::Recursion => "its values log while being logged, too many levels deep",
            DropReason::NoMemory => "no memory could be had for it",
            DropReason::Panic => "the code of one of its values panicked",
            DropReason::Early => "no logger is installed yet and the buffer for that is full",
            DropReason::Sink => "a sink that wanted it failed",
            DropReason::Ring => "somebody has cut the ring file that it lay in",
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied() -> Error {
        Error::File {
            path: PathBuf::from("logs/app.log"),
            attempted: "open the log file",
            source: io::Error::other("permission denied"),
            remedy: "choose another path",
        }
    }

    #[test]
    fn debug_shows_text_and_causes_for_main() {
        let text =
            "cannot open the log file `logs/app.log`: permission denied; choose another path";
        assert_eq!(denied().to_string(), text);
        assert_eq!(format!("{:?}", denied()), text);
    }

    #[test]
    fn a_path_cannot_end_the_line_or_steer_a_terminal() {
        let path = PathBuf::from("it's/\n\x1b[31m/\u{202e}ü\\");
        let error = Error::File {
            path,
            attempted: "open the log file",
            source: io::Error::other("no"),
            remedy: "choose another path",
        };
        let expected =
            "cannot open the log file `it's/\\n\\u{1b}[31m/\\u{202e}ü\\`: no; choose another path";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_source_is_kept_and_told_once() {
        let error = denied();
        let source = error.source().map(ToString::to_string);
        assert_eq!(source.as_deref(), Some("permission denied"));
        assert_eq!(error.with_causes().to_string().matches("permission denied").count(), 1);
    }

    #[test]
    fn a_systems_error_reads_as_in_std() {
        for code in [0, 1, 2, 28, 110, 9_999, -1] {
            let error = io::Error::from_raw_os_error(code);
            assert_eq!(Cause(&error).to_string(), error.to_string());
        }
    }

    #[test]
    fn errors_travel_between_threads() {
        fn check<T: Send + Sync + 'static>() {}
        check::<Error>();
    }

    #[test]
    fn each_reason_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> =
            DropReason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(names.len(), DropReason::ALL.len());
    }
}
