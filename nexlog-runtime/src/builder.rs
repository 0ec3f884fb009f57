//! [`Builder`]: from what the user states to a running logger.
//!
//! Nothing is opened, started or read from the environment before `build` or `install`, and
//! every problem is found there: the first one is returned and nothing is left behind. The only
//! exception are bad filter directives: each is one line on standard error, and the rest of the
//! filter applies.

use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::bridge::{self, Bridges};
use crate::clock::{self, WallClock};
use crate::context::SpanRecords;
use crate::context::timing;
use crate::crash::Rings;
use crate::error::Error;
use crate::flight_recorder::{self, FlightRecorder};
use crate::lane::lanes::Lanes;
use crate::lane::memory::{Allocator, PROGRAM};
use crate::lane::pool::SEGMENT_BYTES;
use crate::lane::read::Reader;
use crate::lane::view::Common;
use crate::logger::Logger;
use crate::pipeline::drain::Pipeline;
use crate::pipeline::filters::{Layer, Layers};
use crate::pipeline::output::Outputs;
use crate::pipeline::recorder::Recorder;
use crate::pipeline::state::{Core, Mode, Overflow, Settings, set_global};
use crate::pipeline::watch::{self, Watched};
use crate::pipeline::{early, shutdown, worker};
use crate::report;
use crate::sink::console::Console;
use crate::sink::file::File;
use crate::sink::output::Output;
use crate::site::explain::FilterSource;
use crate::site::level::Level;
use crate::value::Value;
use crate::value::redact::Redactor;

mod values;

/// A KiB in bytes.
pub const KIB: u64 = 1 << 10;
/// A MiB in bytes.
pub const MIB: u64 = 1 << 20;
/// A GiB in bytes.
pub const GIB: u64 = 1 << 30;

/// Starts a builder.
///
/// ```
/// use nexlog_runtime::{Console, Mode, builder};
///
/// let logger = builder()
///     .filter("info,my_app::db=debug")
///     .console(Console::stderr())
///     .mode(Mode::Background)
///     .build()?;
/// # Ok::<(), nexlog_runtime::Error>(())
/// ```
pub fn builder() -> Builder {
    Builder {
        filter: Vec::new(),
        watched: None,
        outputs: Vec::new(),
        lane_bytes: Builder::LANE_BYTES,
        common: Common::new(),
        redact: Vec::new(),
        spans: SpanRecords::None,
        volume: volume::Choice::default(),
        crash_safe: true,
        crash_dir: None,
        bridges: Bridges::default(),
        settings: Settings {
            mode: Mode::default(),
            overflow: Overflow::default(),
            flush_level: None,
            flush_interval: Builder::FLUSH_INTERVAL,
            max_record_bytes: 1 << 20, // `MAX_RECORD_BYTES`
            max_value_bytes: usize::MAX,
            redaction: Arc::default(),
            allocator: &PROGRAM,
            on_error: None,
            is_global: false,
            forwards: None,
            recorder: None,
            report_interval: None,
            lacks_ring: false,
        },
    }
}

/// An `install` under way: when it fails, or panics in a sink's code, the next may try.
struct Attempt {
    taken: &'static AtomicBool,
    is_done: bool,
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.is_done {
            self.taken.store(false, SeqCst);
        }
    }
}

mod volume;

/// Where the filter comes from.
#[derive(Debug)]
enum FilterPart {
    Text(String),
    Environment(String),
}

/// What a logger is to be. Made by [`builder`], ends in [`install`](Builder::install) or
/// [`build`](Builder::build).
#[must_use = "a builder does nothing before `install` or `build`"]
pub struct Builder {
    filter: Vec<FilterPart>,
    watched: Option<Watched>,
    outputs: Vec<Output>,
    lane_bytes: u64,
    common: Common,
    redact: Vec<String>,
    spans: SpanRecords,
    volume: volume::Choice,
    crash_safe: bool,
    crash_dir: Option<PathBuf>,
    bridges: Bridges,
    pub(crate) settings: Settings,
}

impl Builder {
    /// What [`lane_bytes`](Builder::lane_bytes) is when nothing is said.
    pub const LANE_BYTES: u64 = MIB;
    /// What [`max_record_bytes`](Builder::max_record_bytes) is when nothing is said.
    pub const MAX_RECORD_BYTES: u64 = MIB;
    /// What [`flush_interval`](Builder::flush_interval) is when nothing is said.
    pub const FLUSH_INTERVAL: Duration = Duration::from_millis(100);

    /// Adds filter directives, in the grammar of `env_logger` and with tracing's brackets for
    /// spans: `info,my_app::db=debug,[pay{tenant=acme}]=debug`; see [`Filter`](crate::Filter).
    /// Later ones replace earlier ones of the same name. Without any the filter is `info`.
    pub fn filter(mut self, directives: impl Into<String>) -> Self {
        self.filter.push(FilterPart::Text(directives.into()));
        self
    }

    /// Takes the filter from this environment variable, or from `RUST_LOG` when it is unset. A
    /// variable that is set replaces all directives given before.
    pub fn filter_env(mut self, variable: impl Into<String>) -> Self {
        self.filter.push(FilterPart::Environment(variable.into()));
        self
    }

    /// Adds the directives of this file, and watches it: they are read again within a second of a
    /// change. Commas and lines separate them, `#` begins a comment. The file may be missing at
    /// first, and when it goes what it said last stays. A text with a mistake in it is one line
    /// on standard error and changes nothing; at the start, the rest of it applies.
    ///
    /// Its directives come behind those of [`filter`](Builder::filter) and
    /// [`filter_env`](Builder::filter_env). [`set_filter`](crate::set_filter) takes the place of
    /// all of them until the file changes again.
    ///
    /// Costs a thread that reads the file once a second. A forked child does not watch it.
    pub fn filter_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.watched = Some(Watched::directives(path.into()));
        self
    }

    /// The same for a file in another form: `read` takes its text and gives the directives, or
    /// `None` when it says none. They take the place of all others.
    #[doc(hidden)]
    pub fn filter_within(
        mut self,
        path: impl Into<PathBuf>,
        read: impl Fn(&str) -> Result<Option<String>, Error> + Send + Sync + 'static,
    ) -> Self {
        let (path, read) = (path.into(), Box::new(read));
        self.watched = Some(Watched { path, replaces: true, read, text: None });
        self
    }

    /// Adds a console. A logger without any sink gets one on standard error.
    pub fn console(self, console: Console) -> Self {
        self.sink(console)
    }

    /// Adds a file.
    pub fn file(self, file: File) -> Self {
        self.sink(file)
    }

    /// Adds a sink: your own, a [`Memory`](crate::Memory), or an [`Output`] that says format
    /// and filter too.
    pub fn sink(mut self, sink: impl Into<Output>) -> Self {
        self.outputs.push(sink.into());
        self
    }

    /// Who writes, and when. Default: [`Mode::Immediate`].
    pub fn mode(mut self, mode: Mode) -> Self {
        self.settings.mode = mode;
        self
    }

    /// What happens when a thread's buffer is full. Default: [`Overflow::Block`].
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.settings.overflow = overflow;
        self
    }

    /// Bytes a thread's buffer may grow to; memory is taken in steps of 16 KiB, as needed.
    /// Default: 1 MiB; at least 32 KiB.
    pub fn lane_bytes(mut self, bytes: impl TryInto<u64>) -> Self {
        self.lane_bytes = bytes.try_into().unwrap_or(0);
        self
    }

    /// Adds a field to every record of this logger. A record's own field of the same key wins; of
    /// two calls with the same key the later one.
    pub fn field(mut self, key: impl AsRef<str>, value: impl Value) -> Self {
        self.common.add(key.as_ref(), &value);
        self
    }

    /// Adds the field `hostname`.
    pub fn hostname(self) -> Self {
        match crate::sys::hostname() {
            Some(name) => self.field("hostname", name),
            None => self,
        }
    }

    /// Adds the field `pid`.
    pub fn pid(self) -> Self {
        self.field("pid", std::process::id())
    }

    /// Which records spans make about themselves in this logger. Default: none.
    pub fn spans(mut self, records: SpanRecords) -> Self {
        self.spans = records;
        self
    }

    /// Whether what a call has returned from survives the process, however that ends. Default: yes,
    /// as soon as there is a [`File`]: the threads' buffers then lie in a *ring file*, in a folder
    /// `.app.log.lanes` beside the (first) log file `app.log`, and the next logger that is built for
    /// that file writes what it lacks, before its own first record. [`recover`](crate::recover) does so
    /// without a logger.
    ///
    /// Exactly once, in each thread's order, with their own times, threads and contexts; a record
    /// says how many there were and of which process. Only files get them: consoles and sinks of your
    /// own do not. What waits for `install` is not in the ring yet, nor is what a forked child logs.
    /// A ring takes 1.3 MiB of disk space at first, and grows with what waits. Where it cannot be made
    /// or grow, the logger goes on without it and says so ([`on_error`](Builder::on_error), or
    /// standard error). It is gone after an orderly end. Linux only; elsewhere nothing is kept.
    ///
    /// In `Background` and `Buffered` that costs a call nothing that could be measured, in `Immediate`
    /// some 5 % (`benches/README.md`). The process gets a handler for `SIGBUS`, which would else end it
    /// when somebody cuts the ring; faults elsewhere are passed on to the handler that was there before.
    /// A loss of power is another matter: see [`Logger::sync`](crate::Logger::sync).
    pub fn crash_safe(mut self, crash_safe: bool) -> Self {
        self.crash_safe = crash_safe;
        self
    }

    /// Where the folder of ring files is, instead of beside the log file: `/dev/shm` keeps a busy
    /// disk from holding a caller up, and loses the rings when the machine goes down. The programs
    /// that write to one log must all state the same.
    pub fn crash_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.crash_dir = Some(dir.into());
        self
    }

    /// Takes the memory of lanes, scratch and batches from this allocator. Default: the
    /// program's.
    pub fn allocator(mut self, allocator: Allocator) -> Self {
        self.settings.allocator = allocator;
        self
    }

    /// Longer records are cut: text at a character's end, lists and maps at an item's. The
    /// record then has a field `truncated` with the original length in bytes of what was cut,
    /// or `truncated_` where it has a field of that name itself. Default: 1 MiB; at least 256 bytes.
    pub fn max_record_bytes(mut self, bytes: impl TryInto<u64>) -> Self {
        let bytes = bytes.try_into().unwrap_or(0);
        self.settings.max_record_bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        self
    }

    /// Records of this level or above are written out at once: in `Buffered` by the caller, in
    /// `Background` by waking the worker. Default: none.
    pub fn flush_level(mut self, level: Level) -> Self {
        self.settings.flush_level = Some(level);
        self
    }

    /// `Buffered`: how old a record may become before the thread's next call writes it out.
    /// `Background`: the worker looks at least that often while there is work. Default: 100 ms.
    pub fn flush_interval(mut self, interval: Duration) -> Self {
        self.settings.flush_interval = interval;
        self
    }

    /// Is told when a sink fails, at most once a second for each sink; without it, that is a
    /// line on standard error. Called by the thread that drains, without any lock. It may log:
    /// such records leave with the next pass.
    pub fn on_error(mut self, on_error: impl Fn(&Error) + Send + Sync + 'static) -> Self {
        self.settings.on_error = Some(Box::new(on_error));
        self
    }

    /// Makes it the global logger, for the rest of the process. Records that waited are written
    /// first.
    ///
    /// # Errors
    /// [`Error::AlreadyInstalled`], or what [`build`](Builder::build) returns. After an error
    /// `install` can be tried again.
    pub fn install(mut self) -> Result<Logger, Error> {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        if TAKEN.swap(true, SeqCst) {
            return Err(Error::AlreadyInstalled);
        }
        self.settings.is_global = true;
        let mut attempt = Attempt { taken: &TAKEN, is_done: false };
        self.bridges.look()?;
        let bridges = self.bridges;
        let started = self.start()?;
        bridges.claim().inspect_err(|_| started.close())?;
        attempt.is_done = true;
        // Before there is a global logger: what other threads log meanwhile waits and is
        // filtered below, instead of coming to a lane with nobody asking the filter.
        started.open_gate();
        started.adopt(|| {
            set_global(Arc::clone(&started));
            early::take()
        });
        shutdown::register(&started);
        bridge::filter_changed(&started);
        Ok(Logger::new(started))
    }

    /// Makes a logger of its own, for `logger(&l)`. It ends with its last handle.
    ///
    /// # Errors
    /// [`Error::Option`] when an option has a value that cannot work, [`Error::File`] when a
    /// file cannot be opened, [`Error::Worker`] when the worker cannot be started.
    pub fn build(self) -> Result<Logger, Error> {
        let started = self.start()?;
        shutdown::register_local(&started);
        Ok(Logger::new(started))
    }

    fn start(mut self) -> Result<Arc<Core>, Error> {
        self.check()?;
        self.settle_redaction()?;
        let mut layers = Layers::new(self.starting_filter());
        if let Some(over) = self.watched.as_mut().and_then(Watched::first) {
            layers.set(over);
        }
        if self.outputs.is_empty() && !self.bridges.do_forward() {
            self.outputs.push(Console::stderr().into());
        }
        self.check_volume()?;
        self.settings.forwards = self.bridges.forwards(&self.common);
        let forwards = self.bridges.do_forward();
        let mut settings = self.settings;
        let (mode, spans) = (settings.mode, self.spans);
        let tell = |error: Error| match &settings.on_error {
            Some(on_error) => on_error(&error),
            None => report::always(format_args!("{}", error.with_causes())),
        };
        let mut rings = Rings::of_files(&mut self.outputs, self.crash_dir.as_deref());
        let mut opened = Vec::with_capacity(self.outputs.len());
        for output in self.outputs {
            let output = output.open()?;
            output.problems.iter().for_each(|problem| report::always(format_args!("{problem}")));
            opened.push(output);
        }
        let recovered = rings.replay(&mut opened, &settings.redaction);
        let clock = WallClock::new();
        let ring = if self.crash_safe {
            rings.ring(&mut opened, (&self.common, &settings.redaction), clock.state())
        } else {
            Ok(None)
        };
        let lacks_ring = ring.is_err();
        let ring = ring.unwrap_or_else(|error| {
            tell(error);
            None
        });
        settings.lacks_ring = lacks_ring;
        let fast = (clock::ticks_are_tsc() || !cfg!(target_arch = "x86_64"))
            && settings.max_record_bytes.min(settings.max_value_bytes) >= SEGMENT_BYTES
            && !forwards; // a record that is given away takes the long way
        let max_segments = self.lane_bytes.div_ceil(SEGMENT_BYTES as u64);
        // What a thread of its own reads is in another core's cache.
        let rest = if mode == Mode::Background { max_segments + max_segments / 8 } else { 0 };
        let rest = usize::try_from(rest).unwrap_or(usize::MAX);
        let ring_of_lanes = ring.clone();
        let lanes = Lanes::new(settings.allocator, ring_of_lanes, max_segments, fast, rest);
        let lanes = Arc::new(lanes);
        let mut reader = Reader::new(&lanes, self.common).ok_or(Error::Option {
            option: "build",
            problem: String::from("internal: the lanes have a reader already"),
        })?;
        reader.redact(Redactor::new(&settings.redaction));
        let limits: Vec<_> = opened.iter().map(|output| output.volume).collect();
        let outputs = Outputs::new(opened, settings.allocator);
        let volume = self.volume.start(&limits, outputs.0.counts(), &clock);
        let recorder = settings.recorder.clone().map(Recorder::new);
        let pipeline = Pipeline::new(reader, outputs, (clock, volume), recorder);
        recovered.problems.into_iter().for_each(tell);
        let core = Arc::new(Core::new(settings, layers, lanes, pipeline));
        if core.dumps_on_panic() {
            flight_recorder::watch_panics(&core);
        }
        core.tell_recovered(&recovered.processes);
        if mode == Mode::Background {
            worker::start(&core).inspect_err(|_| core.end_ring())?;
        }
        if let Some(watched) = self.watched {
            watch::start(&core, watched)?;
        }
        timing::tell(&core, spans);
        Ok(core)
    }

    fn starting_filter(&self) -> Vec<Layer> {
        if self.filter.is_empty() && self.outputs.is_empty() && self.bridges.do_forward() {
            // Who takes the records decides.
            return vec![Layer::parse(FilterSource::Builder, String::from("trace")).0];
        }
        read_filter(&self.filter)
    }

    #[cfg(any(feature = "log", feature = "tracing"))]
    pub(crate) fn bridges_mut(&mut self) -> &mut Bridges {
        &mut self.bridges
    }

    fn check(&self) -> Result<(), Error> {
        self.bridges.check(self.settings.is_global)?;
        let wrong = |option, problem| Err(Error::Option { option, problem });
        if self.common.has("") {
            return wrong("field", String::from("a key cannot be empty; name the field"));
        }
        if self.lane_bytes < 2 * SEGMENT_BYTES as u64 {
            let problem = format!("{} bytes is too small; use at least 32 KiB", self.lane_bytes);
            return wrong("lane_bytes", problem);
        }
        if self.settings.max_record_bytes < 256 {
            let bytes = self.settings.max_record_bytes;
            return wrong("max_record_bytes", format!("{bytes} is too small; use at least 256"));
        }
        if self.settings.max_record_bytes > 1 << 30 {
            let bytes = self.settings.max_record_bytes;
            return wrong("max_record_bytes", format!("{bytes} is too large; use at most 1 GiB"));
        }
        self.check_values()?;
        if self.settings.flush_interval.is_zero() {
            let problem = "0 would be `Mode::Immediate`; use that, or at least a microsecond";
            return wrong("flush_interval", String::from(problem));
        }
        self.outputs.iter().try_for_each(Output::check)?;
        if let Some(problem) = self.settings.recorder.as_ref().and_then(FlightRecorder::problem) {
            return wrong("flight_recorder", problem);
        }
        if self.settings.report_interval.is_some_and(|interval| interval.is_zero()) {
            let problem = "0 would be a report with every pass; use at least a second or so";
            return wrong("report_interval", String::from(problem));
        }
        if self.outputs.len() > Outputs::MAX {
            let problem = format!("{} sinks; a logger has at most 64", self.outputs.len());
            return wrong("sink", problem);
        }
        Ok(())
    }
}

/// What was stated: without formats, the allocator and the functions, which do not show themselves.
impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &self.settings;
        f.debug_struct("Builder")
            .field("filter", &self.filter)
            .field("filter_file", &self.watched.as_ref().map(|watched| &watched.path))
            .field("outputs", &self.outputs)
            .field("mode", &settings.mode)
            .field("overflow", &settings.overflow)
            .field("lane_bytes", &self.lane_bytes)
            .field("max_record_bytes", &settings.max_record_bytes)
            .field("max_value_bytes", &settings.max_value_bytes)
            .field("redact", &self.redact)
            .field("flush_level", &settings.flush_level)
            .field("flush_interval", &settings.flush_interval)
            .field("flight_recorder", &settings.recorder)
            .field("report_interval", &settings.report_interval)
            .field("fields", &self.shown_fields())
            .field("spans", &self.spans)
            .field("crash_safe", &self.crash_safe)
            .field("crash_dir", &self.crash_dir)
            .finish_non_exhaustive()
    }
}

/// A variable's value. One that is no text is told, and as good as unset.
fn from_environment(name: &str) -> Option<String> {
    let told = |value: OsString| {
        let value = value.as_encoded_bytes().escape_ascii();
        report::always(format_args!("`{name}` is ignored: `{value}` is not UTF-8"));
    };
    // Empty is as good as unset, as for all other variables.
    std::env::var_os(name)?.into_string().map_err(told).ok().filter(|text| !text.is_empty())
}

fn read_filter(parts: &[FilterPart]) -> Vec<Layer> {
    let mut layers = Vec::new();
    for part in parts {
        let (source, text) = match part {
            FilterPart::Text(text) => (FilterSource::Builder, text.clone()),
            FilterPart::Environment(name) => {
                let of = |name: &str| Some((name.to_owned(), from_environment(name)?));
                let Some((name, text)) = of(name).or_else(|| of("RUST_LOG")) else { continue };
                layers.clear();
                (FilterSource::Environment(name), text)
            }
        };
        let (layer, problems) = Layer::parse(source, text);
        for problem in &problems {
            report::always(format_args!("{problem}"));
        }
        layers.push(layer);
    }
    layers
}
