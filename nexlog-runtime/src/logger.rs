//! [`Logger`]: the handle of a logger, global or local, and the functions for the global one.

use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::pipeline::filters::{Layer, Over, PushedFilter};
use crate::pipeline::state::{self, Core};
use crate::pipeline::stats::Stats;
use crate::site::explain::{Decided, Explanation, FilterSource};
use crate::site::level::Level;
use crate::value::{Fields, fields_bytes};

/// A logger. Cheap to clone; all clones are the same logger.
///
/// The global logger's handle need not be kept: the logger lives until the process ends. A
/// local logger (from [`Builder::build`](crate::Builder::build)) ends with its last handle,
/// which writes everything out.
///
/// ```
/// # use nexlog_runtime::{Memory, builder};
/// # use std::time::Duration;
/// let memory = Memory::new();
/// let logger = builder().sink(&memory).build()?;
/// // info!(logger(&logger), "connected");
/// logger.flush(Duration::from_secs(1))?;
/// # Ok::<(), nexlog_runtime::Error>(())
/// ```
#[derive(Clone)]
pub struct Logger {
    handle: Arc<Handle>,
    /// What its records carry besides, as a map's bytes.
    fields: Arc<[u8]>,
}

/// What the clones share: its drop is the end of a local logger.
struct Handle {
    core: Arc<Core>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        if !self.core.is_global() {
            self.core.close();
        }
    }
}

// A panic in a value's, sink's or format's code leaves no logger half changed: tested.
impl std::panic::UnwindSafe for Logger {}
impl std::panic::RefUnwindSafe for Logger {}

impl Logger {
    pub(crate) fn new(core: Arc<Core>) -> Logger {
        Logger { handle: Arc::new(Handle { core }), fields: Arc::default() }
    }

    /// The same logger with fields that each record made with this handle carries, without a
    /// scope. Stored typed, once; a record copies them. Later ones win over those of the handle
    /// it is called on, and a record's own over both. They may take 4 KiB; longer ones are cut, and
    /// the field `truncated` has the original length in bytes of what was.
    ///
    /// ```
    /// # use nexlog_runtime::{Memory, builder};
    /// let logger = builder().sink(Memory::new()).build()?;
    /// let db = logger.with([("component", "db")]); // or nexlog::fields! { component = "db" }
    /// // info!(logger(&db), "connected") has component=db
    /// # drop(db);
    /// # Ok::<(), nexlog_runtime::Error>(())
    /// ```
    #[must_use]
    pub fn with(&self, fields: impl Fields) -> Logger {
        let fields = fields_bytes(&fields, &self.fields);
        Logger { handle: Arc::clone(&self.handle), fields: fields.into() }
    }

    pub(crate) fn fields(&self) -> &[u8] {
        &self.fields
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.handle.core
    }

    /// Returns when every sink has all records that were accepted before the call. With a timeout
    /// of zero it looks once and waits for nobody: `Ok` when they have them already.
    ///
    /// # Errors
    /// [`Error::Timeout`] when that took longer; [`Error::Sink`] when a sink fails (the others
    /// have their records); [`Error::Refused`] when a sink calls it from inside a write.
    pub fn flush(&self, timeout: Duration) -> Result<(), Error> {
        self.core().flush(timeout)
    }

    /// As `flush`, and files are on their devices (`fdatasync`).
    ///
    /// # Errors
    /// As `flush`, and [`Error::Sink`] when a device refuses.
    pub fn sync(&self, timeout: Duration) -> Result<(), Error> {
        self.core().sync(timeout)
    }

    /// Rotates every file of this logger that is not empty, whatever its [`Rotate`](crate::Rotate)
    /// says: what was accepted before the call is in the archive. Waits for a pass that is under
    /// way, 5 s at most.
    ///
    /// # Errors
    /// As `flush`; [`Error::Sink`] also when a file could not be rotated, which then goes on.
    pub fn rotate(&self) -> Result<(), Error> {
        self.core().rotate()
    }

    /// Opens every file of this logger again, by its path, and makes it if it is missing: after
    /// somebody else has renamed it. What was accepted before the call is in the old one. Waits
    /// for a pass that is under way, 5 s at most.
    ///
    /// # Errors
    /// As `flush`; [`Error::Sink`] also when a file could not be opened: then the old one goes on.
    pub fn reopen(&self) -> Result<(), Error> {
        self.core().reopen()
    }

    /// Another filter from now on, for every call site, in place of what the builder and a
    /// [`filter_file`](crate::Builder::filter_file) said; what is pushed stays on top.
    ///
    /// # Errors
    /// [`Error::Filter`] when a directive means nothing; then nothing changes.
    pub fn set_filter(&self, directives: &str) -> Result<(), Error> {
        set_filter_of(Some(self.core()), directives)
    }

    /// Adds directives until the guard is dropped: a look into one part of a program for a while.
    /// Of several guards the later one wins; they may be dropped in any order.
    ///
    /// # Errors
    /// [`Error::Filter`] when a directive means nothing; then nothing changes.
    pub fn push_filter(&self, directives: &str) -> Result<PushedFilter, Error> {
        PushedFilter::on(Some(self.core()), directives)
    }

    /// Which directive decides about a record of this target and level that is made here, with
    /// the spans around.
    pub fn explain(&self, target: &str, level: Level) -> Explanation {
        self.core().explain(target, level)
    }

    /// The counters at this moment.
    pub fn stats(&self) -> Stats {
        self.core().stats()
    }
}

impl std::fmt::Debug for Logger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Logger")
            .field("is_global", &self.core().is_global())
            .finish_non_exhaustive()
    }
}

/// [`Logger::set_filter`] of the global logger; when there is none, only the directives are
/// checked.
///
/// # Errors
/// As [`Logger::set_filter`].
pub fn set_filter(directives: &str) -> Result<(), Error> {
    set_filter_of(state::global(), directives)
}

fn set_filter_of(core: Option<&Arc<Core>>, directives: &str) -> Result<(), Error> {
    let layer = Layer::read(FilterSource::Set, directives)?;
    if let Some(core) = core {
        core.change_filter(|layers| layers.set(Over::Replaces(layer)));
    }
    Ok(())
}

/// [`Logger::push_filter`] of the global logger; when there is none, only the directives are
/// checked.
///
/// ```
/// # nexlog_runtime::builder().filter("info").sink(nexlog_runtime::Memory::new()).install()?;
/// use nexlog_runtime::{Level, explain, push_filter};
///
/// {
///     let _closer = push_filter("my_app::db=trace")?;
///     assert!(explain("my_app::db::pool", Level::Trace).is_enabled());
/// }
/// assert!(!explain("my_app::db::pool", Level::Trace).is_enabled());
/// # Ok::<(), nexlog_runtime::Error>(())
/// ```
///
/// # Errors
/// As [`Logger::push_filter`].
pub fn push_filter(directives: &str) -> Result<PushedFilter, Error> {
    PushedFilter::on(state::global(), directives)
}

/// [`Logger::explain`] of the global logger.
///
/// Levels that `NEXLOG_STATIC` has removed from a crate or module are not known at run time; what
/// a feature `max_level_*` has removed is.
///
/// ```
/// use nexlog_runtime::{Level, explain};
/// # nexlog_runtime::builder().filter("info,my_app::db=debug").sink(nexlog_runtime::Memory::new())
/// #     .install()?;
///
/// let explanation = explain("my_app::db::pool", Level::Trace);
/// assert!(!explanation.is_enabled());
/// assert_eq!(
///     explanation.to_string(),
///     "TRACE of `my_app::db::pool` does not pass: \
///      `my_app::db=debug` at column 6 of the builder's filter",
/// );
/// # Ok::<(), nexlog_runtime::Error>(())
/// ```
pub fn explain(target: &str, level: Level) -> Explanation {
    match state::global() {
        Some(core) => core.explain(target, level),
        None => Explanation::new(target, level, false, Decided::NoLogger, Vec::new()),
    }
}

/// [`Logger::flush`] of the global logger; `Ok` when there is none.
///
/// # Errors
/// As [`Logger::flush`].
pub fn flush(timeout: Duration) -> Result<(), Error> {
    state::global().map_or(Ok(()), |core| core.flush(timeout))
}

/// [`Logger::sync`] of the global logger; `Ok` when there is none.
///
/// # Errors
/// As [`Logger::sync`].
pub fn sync(timeout: Duration) -> Result<(), Error> {
    state::global().map_or(Ok(()), |core| core.sync(timeout))
}

/// [`Logger::stats`] of the global logger; all 0 when there is none.
pub fn stats() -> Stats {
    state::global().map_or_else(Stats::default, |core| core.stats())
}

/// [`Logger::rotate`] of the global logger; `Ok` when there is none.
///
/// # Errors
/// As [`Logger::rotate`].
pub fn rotate() -> Result<(), Error> {
    state::global().map_or(Ok(()), |core| core.rotate())
}

/// [`Logger::reopen`] of the global logger; `Ok` when there is none.
///
/// # Errors
/// As [`Logger::reopen`].
pub fn reopen() -> Result<(), Error> {
    state::global().map_or(Ok(()), |core| core.reopen())
}
