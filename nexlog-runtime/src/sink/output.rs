//! [`Output`]: a sink before it is opened, with its format and its filter.
//!
//! [`Console`], [`File`] and [`Memory`] are descriptions; a sink of your own comes as it is. All
//! become an `Output`, and the builder opens them: only then are files touched and the
//! environment read.

use core::fmt;
use core::sync::atomic::AtomicU64;
use std::sync::Arc;
use std::time::Duration;

use super::Sink;
use super::console::{self, Color, Console};
use super::file::{self, File};
use super::memory::Memory;
use super::sampling::TraceSampling;
use crate::error::Error;
use crate::format::Format;
use crate::format::json::Json;
use crate::format::text::Text;
use crate::site::filter::{Filter, FilterProblem};
use crate::site::level::Level;
use crate::sys::Stdio;

/// Where records go, in which format, and which of them.
///
/// Every [`Sink`] is one by itself, with all records as JSON; this gives it another format or
/// a filter of its own:
///
/// ```
/// use nexlog_runtime::{Batch, Level, Output, Sink, Text, WriteError};
///
/// struct Discard;
///
/// impl Sink for Discard {
///     fn write(&mut self, _: &Batch<'_>) -> Result<(), WriteError> {
///         Ok(())
///     }
/// }
///
/// let plain: Output = Discard.into();
/// let chosen = Output::to(Discard).format(Text::compact()).level(Level::Warn);
/// ```
pub struct Output {
    place: Place,
    pub(super) choice: Choice,
}

/// What is opened.
pub(super) enum Place {
    Console(Stdio, Color),
    File(Box<File>),
    Open(Box<dyn Sink>),
}

/// An output at work.
pub(crate) struct OpenOutput {
    pub(crate) sink: Box<dyn Sink>,
    pub(crate) format: Arc<dyn Format>,
    pub(crate) coloured: bool,
    /// Of a file that is noted in the ring, its number there.
    pub(crate) file: Option<usize>,
    /// How many files it has rotated, if it does that.
    pub(crate) rotations: Option<Arc<AtomicU64>>,
    pub(crate) filter: Option<Filter>,
    pub(crate) volume: Volume,
    /// What is wrong with the filter's text; the rest of it applies.
    pub(crate) problems: Vec<FilterProblem>,
}

/// What an output leaves out of what it wants.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Volume {
    /// How long a record that comes again is only counted.
    pub(crate) dedup: Option<Duration>,
    pub(crate) sampling: Option<TraceSampling>,
}

impl Volume {
    /// Whether it may leave out something.
    pub(crate) fn is_limited(&self) -> bool {
        self.dedup.is_some() || self.sampling.is_some()
    }
}

/// The format and filter that the user chose.
#[derive(Clone, Default)]
pub(super) struct Choice {
    format: Option<Arc<dyn Format>>,
    filter: Option<Filter>,
    pub(super) volume: Volume,
    problems: Vec<FilterProblem>,
}

impl Choice {
    pub(super) fn set_format(&mut self, format: impl Format) {
        self.format = Some(Arc::new(format));
    }

    /// Adds directives to those that are there.
    pub(super) fn add_filter(&mut self, directives: &str) {
        let (filter, problems) = Filter::parse(directives);
        self.problems.extend(problems);
        self.filter.get_or_insert_default().extend(filter);
    }

    pub(super) fn set_level(&mut self, level: Level) {
        self.filter.get_or_insert_default().extend(Filter::from(level));
    }
}

impl fmt::Debug for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Choice");
        out.field("filter", &self.filter).field("volume", &self.volume).finish_non_exhaustive()
    }
}

/// The methods that all descriptions of an output share; each has a field `choice`.
macro_rules! choice_methods {
    () => {
        /// Its format.
        #[must_use]
        pub fn format(mut self, format: impl crate::format::Format) -> Self {
            self.choice.set_format(format);
            self
        }

        /// What it takes of the records that pass the logger's own filter; the grammar is that
        /// of [`Filter`](crate::Filter). Further calls add directives. A directive that means
        /// nothing is reported when the logger is built, and the others apply.
        #[must_use]
        pub fn filter(mut self, directives: &str) -> Self {
            self.choice.add_filter(directives);
            self
        }

        /// The lowest level it takes, of targets that no directive of its filter names.
        #[must_use]
        pub fn level(mut self, level: crate::Level) -> Self {
            self.choice.set_level(level);
            self
        }

        /// Collapses records that come again: of records with the same call site, level, target,
        /// message and fields that follow each other on this sink, the first is written at once,
        /// and those of the next `interval` are counted. A record `last message repeated N times`
        /// with the same level and target and the field `repeated` tells how many there were: in
        /// front of the next other record, when the interval has passed (at the next drain), at a
        /// flush, and at the end. What comes after the interval is written in full again.
        ///
        /// Time and thread do not count, fields of the context do. Collapsed records are accepted
        /// and written, and counted in [`Stats::repeated`](crate::Stats::repeated) as well. After a
        /// kill a file has each record, or one that is equal to it right before; the count of
        /// those whose turn was over and that no line had told yet is lost, and what is recovered is
        /// written in full. Costs a comparison for each record, and threads that wait for the
        /// pipeline do not help with encoding. Default: nothing is collapsed. An interval of zero is
        /// an error when the logger is built.
        ///
        /// ```
        /// # use nexlog_runtime::{Console, builder};
        /// # use std::time::Duration;
        /// let logger = builder()
        ///     .console(Console::stderr().dedup(Duration::from_secs(10)))
        ///     .build()?;
        /// # Ok::<(), nexlog_runtime::Error>(())
        /// ```
        #[must_use]
        pub fn dedup(mut self, interval: core::time::Duration) -> Self {
            self.choice.volume.dedup = Some(interval);
            self
        }

        /// Gives this sink the records of a part of all traces only, `0.1` for a tenth; in place of
        /// what [`Builder::sample_traces`](crate::Builder::sample_traces) says. A trace is kept or
        /// left out as a whole, by its id alone, so that all services agree
        /// ([`TraceSampling`](crate::TraceSampling)): the field `trace_id` of the record or of what
        /// is around it, or else the trace that began with the outermost span. Records outside of any
        /// trace are kept.
        ///
        /// Records that are left out are accepted and written, and counted in
        /// [`Stats::sampled_out`](crate::Stats::sampled_out); now and then, and at the end, a record
        /// `records sampled out` tells the sink how many there were
        /// ([`Builder::report_suppressed`](crate::Builder::report_suppressed)). What is recovered after
        /// a kill is not sampled. Threads that wait for the pipeline do not help with encoding.
        ///
        /// ```
        /// # use nexlog_runtime::{File, Level, TraceSampling};
        /// let file = File::at("logs/app.log")
        ///     .sample_traces(TraceSampling::ratio(0.1).keep_level(Level::Warn));
        /// let errors = File::at("logs/errors.log").level(Level::Error).sample_traces(1.0);
        /// ```
        #[must_use]
        pub fn sample_traces(mut self, sampling: impl Into<crate::TraceSampling>) -> Self {
            self.choice.volume.sampling = Some(sampling.into());
            self
        }
    };
}
pub(super) use choice_methods;

impl Output {
    /// To a sink of your own. Without another call: all records, as JSON.
    pub fn to(sink: impl Sink) -> Output {
        Output { place: Place::Open(Box::new(sink)), choice: Choice::default() }
    }

    choice_methods!();

    pub(super) fn new(place: Place, choice: Choice) -> Output {
        Output { place, choice }
    }

    /// If it is a file, that one.
    pub(crate) fn file(&self) -> Option<&File> {
        match &self.place {
            Place::File(file) => Some(file),
            _ => None,
        }
    }

    /// The same, to be changed.
    pub(crate) fn file_mut(&mut self) -> Option<&mut File> {
        match &mut self.place {
            Place::File(file) => Some(file),
            _ => None,
        }
    }

    /// The format, settled.
    pub(crate) fn settle_format(&mut self) -> &Arc<dyn Format> {
        let for_people = matches!(self.place, Place::Console(..));
        self.choice.format.get_or_insert_with(|| {
            if for_people { Arc::new(Text::compact()) } else { Arc::new(Json::new()) }
        })
    }

    /// What it leaves out, to be changed.
    pub(crate) fn volume_mut(&mut self) -> &mut Volume {
        &mut self.choice.volume
    }

    /// The format, once it is settled.
    pub(crate) fn settled_format(&self) -> Option<&dyn Format> {
        self.choice.format.as_deref()
    }

    /// What is wrong with the options of its format.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let format = self.choice.format.as_deref();
        match format.and_then(|format| format.problem(crate::value::Seal::HERE)) {
            None => Ok(()),
            Some((option, problem)) => Err(Error::Option { option, problem }),
        }
    }

    /// Opens it: a file is opened and made here, and colours are decided.
    pub(crate) fn open(mut self) -> Result<OpenOutput, Error> {
        let format = Arc::clone(self.settle_format());
        let mut rotations = None;
        let (sink, coloured): (Box<dyn Sink>, bool) = match self.place {
            Place::Console(stream, color) => {
                let env = |name: &str| std::env::var_os(name);
                (console::open(stream), console::colour_wanted(color, stream.is_terminal(), env))
            }
            Place::File(file) => {
                let (sink, counted) = file::open(&file)?;
                rotations = Some(counted);
                (sink, false)
            }
            Place::Open(sink) => (sink, false),
        };
        let Choice { filter, volume, problems, .. } = self.choice;
        Ok(OpenOutput { sink, format, coloured, file: None, rotations, filter, volume, problems })
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match &self.place {
            Place::Console(stream, color) => format!("{stream:?}, color {color:?}"),
            Place::File(file) => format!("{file:?}"),
            Place::Open(sink) => sink.name(),
        };
        f.debug_struct("Output").field("place", &place).field("choice", &self.choice).finish()
    }
}

impl<S: Sink> From<S> for Output {
    fn from(sink: S) -> Output {
        Output::to(sink)
    }
}

impl From<Console> for Output {
    fn from(console: Console) -> Output {
        Output::new(Place::Console(console.stream, console.color), console.choice)
    }
}

impl From<File> for Output {
    fn from(file: File) -> Output {
        let choice = file.choice.clone();
        Output::new(Place::File(Box::new(file)), choice)
    }
}

impl From<Memory> for Output {
    fn from(memory: Memory) -> Output {
        let (sink, choice) = memory.into_sink();
        Output::new(Place::Open(Box::new(sink)), choice)
    }
}

impl From<&Memory> for Output {
    fn from(memory: &Memory) -> Output {
        memory.clone().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::{Batch, WriteError};

    struct Discard;

    impl Sink for Discard {
        fn write(&mut self, _: &Batch<'_>) -> Result<(), WriteError> {
            Ok(())
        }
    }

    #[test]
    fn a_custom_sink_is_an_output_with_and_without_choices() {
        let open = Output::from(Discard).open().unwrap();
        assert!(open.filter.is_none() && open.problems.is_empty() && !open.coloured);
        let chosen = Output::to(Discard).level(Level::Error).filter("db=debug").open().unwrap();
        assert_eq!(chosen.filter.unwrap().to_string(), "error,db=debug");
    }

    #[test]
    fn a_typo_in_an_outputs_filter_is_handed_on_and_the_rest_applies() {
        let open = Output::from(Console::stderr().filter("warn,a=debg").filter("b=off")).open();
        let open = open.unwrap();
        assert_eq!(open.filter.unwrap().to_string(), "warn,b=off");
        assert_eq!(open.problems.len(), 1);
    }

    #[test]
    fn every_output_says_what_it_is() {
        assert!(format!("{:?}", Output::from(Discard)).contains("Discard"));
        assert!(format!("{:?}", Output::from(File::at("x/y.log"))).contains("x/y.log"));
        assert_eq!(Output::from(Console::stdout()).open().unwrap().sink.name(), "stdout");
        assert_eq!(Output::from(Memory::new()).open().unwrap().sink.name(), "memory");
    }
}
