//! [`Console`]: records on standard error or standard output.
//!
//! One raw write for each batch, beside std's buffers and locks (see `sys`). Right for a
//! terminal, a pipe and a file alike: a reader that has gone is an error value, one that is slow
//! makes the write wait, one that does not read a pipe opened as non-blocking is given up after a
//! second, and half a record is finished before the next begins.

use core::time::Duration;
use std::ffi::OsString;
use std::io::{self, ErrorKind};

use super::output::{Choice, choice_methods};
use super::whole::{Torn, write_whole};
use super::{Batch, Sink, WriteError};
use crate::sys::Stdio;

/// How long a full pipe that does not block is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// Standard error or standard output. Text by default, coloured on a terminal.
///
/// ```
/// use nexlog_runtime::{Color, Console, Level};
///
/// let warnings = Console::stderr().level(Level::Warn).color(Color::Never);
/// ```
#[derive(Clone, Debug)]
pub struct Console {
    pub(super) stream: Stdio,
    pub(super) color: Color,
    pub(super) choice: Choice,
}

impl Console {
    /// Standard error.
    pub fn stderr() -> Console {
        Console { stream: Stdio::Err, color: Color::Auto, choice: Choice::default() }
    }

    /// Standard output: for programs whose output is their log, as in a container.
    pub fn stdout() -> Console {
        Console { stream: Stdio::Out, ..Console::stderr() }
    }

    choice_methods!();

    /// Whether it is coloured, for formats that have colours. Default: [`Color::Auto`].
    #[must_use]
    pub fn color(mut self, color: Color) -> Console {
        self.color = color;
        self
    }
}

/// Whether a console is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Color {
    /// On a terminal that is not `TERM=dumb`, or anywhere when `CLICOLOR_FORCE` is set and not
    /// `0`; never when `NO_COLOR` is set and not empty.
    #[default]
    Auto,
    /// Whatever the environment says.
    Always,
    /// Whatever the environment says.
    Never,
}

/// Whether to write colours. `env` looks a variable up.
pub(super) fn colour_wanted(
    choice: Color,
    is_terminal: bool,
    env: impl Fn(&str) -> Option<OsString>,
) -> bool {
    let set = |name| env(name).filter(|value| !value.is_empty());
    match choice {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if set("NO_COLOR").is_some() => false,
        Color::Auto if set("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
        Color::Auto => is_terminal && set("TERM").is_none_or(|term| term != "dumb"),
    }
}

/// The sink for one of the process's streams.
pub(super) fn open(stream: Stdio) -> Box<dyn Sink> {
    Box::new(ConsoleSink::new(stream))
}

/// A byte stream that may be short, full or gone.
trait Stream: Send + 'static {
    fn write(&mut self, bytes: &[u8], patience: Duration) -> io::Result<usize>;
    fn name(&self) -> &'static str;
}

impl Stream for Stdio {
    fn write(&mut self, bytes: &[u8], patience: Duration) -> io::Result<usize> {
        Stdio::write(*self, bytes, patience)
    }

    fn name(&self) -> &'static str {
        match self {
            Stdio::Out => "stdout",
            Stdio::Err => "stderr",
        }
    }
}

struct ConsoleSink<S> {
    stream: S,
    torn: Torn,
    /// Nobody is waited for twice: after a pipe stayed full, not until it takes bytes again.
    patience: Duration,
}

impl<S: Stream> ConsoleSink<S> {
    fn new(stream: S) -> ConsoleSink<S> {
        ConsoleSink { stream, torn: Torn::default(), patience: PATIENCE }
    }

    fn write_batch(&mut self, batch: &Batch<'_>) -> Result<(), WriteError> {
        let ConsoleSink { stream, torn, patience } = self;
        let mut write = |bytes: &[u8]| stream.write(bytes, *patience);
        torn.mend(&mut write)?;
        write_whole(batch.bytes(), write).map_err(|stopped| WriteError {
            written: torn.keep(batch, stopped.done),
            source: stopped.source,
        })
    }
}

impl<S: Stream> Sink for ConsoleSink<S> {
    fn write(&mut self, batch: &Batch<'_>) -> Result<(), WriteError> {
        let outcome = self.write_batch(batch);
        let full =
            outcome.as_ref().is_err_and(|error| error.source.kind() == ErrorKind::WouldBlock);
        self.patience = if full { Duration::ZERO } else { PATIENCE };
        outcome
    }

    fn name(&self) -> String {
        self.stream.name().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::whole::testing::{Script, Step, with_batch};
    use super::*;

    #[derive(Default)]
    struct Scripted {
        script: Script,
        patience: Vec<Duration>,
    }

    impl Stream for Scripted {
        fn write(&mut self, bytes: &[u8], patience: Duration) -> io::Result<usize> {
            self.patience.push(patience);
            self.script.write(bytes)
        }

        fn name(&self) -> &'static str {
            "scripted"
        }
    }

    fn sink(steps: impl IntoIterator<Item = Step>) -> ConsoleSink<Scripted> {
        ConsoleSink::new(Scripted { script: Script::new(steps), patience: Vec::new() })
    }

    #[test]
    fn a_batch_is_one_write() {
        let mut sink = sink([]);
        with_batch(&["a\n", "b\n", "c\n"], |batch| sink.write(batch)).unwrap();
        assert_eq!(
            (sink.stream.script.calls, &sink.stream.script.taken[..]),
            (1, &b"a\nb\nc\n"[..])
        );
    }

    #[test]
    fn half_a_record_is_finished_before_the_next_begins() {
        let mut sink = sink([Step::Take(9), Step::Fail(ErrorKind::StorageFull)]);
        let error = with_batch(&["first\n", "second\n", "third\n"], |batch| sink.write(batch));
        assert_eq!(error.unwrap_err().written, 1);
        with_batch(&["fourth\n"], |batch| sink.write(batch)).unwrap();
        assert_eq!(sink.stream.script.taken, b"first\nsecond\nfourth\n");
    }

    #[test]
    fn a_reader_that_has_gone_is_an_error_value() {
        let mut sink = sink([Step::Fail(ErrorKind::BrokenPipe)]);
        let error = with_batch(&["a\n"], |batch| sink.write(batch)).unwrap_err();
        assert_eq!((error.written, error.source.kind()), (0, ErrorKind::BrokenPipe));
    }

    #[test]
    fn a_stalled_reader_is_waited_for_once_until_it_reads_again() {
        let stalled = || Step::Fail(ErrorKind::WouldBlock);
        let mut sink = sink([stalled(), stalled(), Step::Take(9), Step::Take(9)]);
        for _ in 0..4 {
            let _ = with_batch(&["a\n"], |batch| sink.write(batch));
        }
        assert_eq!(sink.stream.patience, [PATIENCE, Duration::ZERO, Duration::ZERO, PATIENCE]);
    }

    #[test]
    fn colours_follow_terminal_and_environment() {
        let wanted = |choice, terminal, vars: &[(&str, &str)]| {
            colour_wanted(choice, terminal, |name| {
                vars.iter().find(|var| var.0 == name).map(|var| OsString::from(var.1))
            })
        };
        for (terminal, vars, expected) in [
            (true, &[][..], true),
            (false, &[], false),
            (true, &[("TERM", "xterm")], true),
            (true, &[("TERM", "dumb")], false),
            (true, &[("NO_COLOR", "1")], false),
            (true, &[("NO_COLOR", "")], true),
            (false, &[("CLICOLOR_FORCE", "1")], true),
            (false, &[("CLICOLOR_FORCE", "1"), ("TERM", "dumb")], true),
            (false, &[("CLICOLOR_FORCE", "0")], false),
            (false, &[("CLICOLOR_FORCE", "")], false),
            (true, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
        ] {
            assert_eq!(wanted(Color::Auto, terminal, vars), expected, "{terminal} {vars:?}");
            assert!(wanted(Color::Always, terminal, vars));
            assert!(!wanted(Color::Never, terminal, vars));
        }
    }
}
