//! What the builder is told about bridges, and what `install` does about it.

use super::forward::Forwards;
use crate::builder::Builder;
use crate::error::Error;
use crate::lane::view::Common;

/// The builder's options for bridges.
#[derive(Clone, Copy, Default)]
pub(crate) struct Bridges {
    #[cfg(feature = "log")]
    log: Facade,
    #[cfg(feature = "tracing")]
    tracing: Facade,
}

/// The options for one facade.
#[derive(Clone, Copy, Default)]
struct Facade {
    /// Whether its records come in; `None` when that was not said.
    comes_in: Option<bool>,
    /// Whether ours go out to it.
    goes_out: bool,
}

impl Facade {
    fn is_claimed(self) -> bool {
        self.comes_in.unwrap_or(!self.goes_out)
    }

    fn check(self, is_global: bool, names: &Names) -> Result<(), Error> {
        let problem = match self.comes_in {
            Some(true) if self.goes_out => format!(
                "with `{}` the crate `{}` would give every record back for ever; leave one of them out",
                names.forward, names.facade
            ),
            Some(true) if !is_global => format!(
                "a logger of `build()` cannot be what the crate `{}` logs to, as that has one for \
                 the whole process; use `install()`",
                names.facade
            ),
            _ => return Ok(()),
        };
        Err(Error::Option { option: names.bridge, problem })
    }
}

/// How the options of a facade are called.
struct Names {
    facade: &'static str,
    bridge: &'static str,
    forward: &'static str,
}

#[cfg(feature = "log")]
const LOG: Names = Names { facade: "log", bridge: "log_bridge(true)", forward: "forward_to_log()" };
#[cfg(feature = "tracing")]
const TRACING: Names =
    Names { facade: "tracing", bridge: "tracing_bridge(true)", forward: "forward_to_tracing()" };

impl Bridges {
    /// Refuses what contradicts itself.
    pub(crate) fn check(self, is_global: bool) -> Result<(), Error> {
        #[cfg(feature = "log")]
        self.log.check(is_global, &LOG)?;
        #[cfg(feature = "tracing")]
        self.tracing.check(is_global, &TRACING)?;
        Ok(())
    }

    /// Before anything is opened: what can be known not to work.
    pub(crate) fn look(self) -> Result<(), Error> {
        #[cfg(feature = "tracing")]
        if self.tracing.is_claimed() {
            super::tracing_in::look()?;
        }
        Ok(())
    }

    /// Becomes what the facades log to.
    pub(crate) fn claim(self) -> Result<(), Error> {
        let claimed = self.claim_all();
        if claimed.is_err() {
            #[cfg(feature = "log")]
            super::log_in::give_up();
            #[cfg(feature = "tracing")]
            super::tracing_in::give_up();
        }
        claimed
    }

    fn claim_all(self) -> Result<(), Error> {
        #[cfg(feature = "log")]
        if self.log.is_claimed() {
            super::log_in::claim()?;
        }
        #[cfg(feature = "tracing")]
        if self.tracing.is_claimed() {
            super::tracing_in::claim()?;
        }
        Ok(())
    }

    /// Where records go besides, if anywhere.
    pub(crate) fn forwards(self, common: &Common) -> Option<Forwards> {
        self.do_forward().then(|| Forwards {
            #[cfg(feature = "log")]
            to_log: self.log.goes_out,
            #[cfg(feature = "tracing")]
            to_tracing: self.tracing.goes_out,
            common: Common::read(common.as_bytes()).unwrap_or_else(Common::new),
        })
    }

    /// Whether records go anywhere besides.
    pub(crate) fn do_forward(self) -> bool {
        #[cfg(feature = "log")]
        if self.log.goes_out {
            return true;
        }
        #[cfg(feature = "tracing")]
        if self.tracing.goes_out {
            return true;
        }
        false
    }
}

/// The bridges to `log` and `tracing`.
impl Builder {
    /// Whether [`install`](Builder::install) also becomes the logger of the crate `log`. Default:
    /// yes, unless records are [forwarded](Builder::forward_to_log) to it.
    ///
    /// Records of `log` come with their target, level, module, file and line, keys and values
    /// typed, and are filtered like all others; `log`'s own maximum follows the filter, also when
    /// that changes. `log::logger().flush()` flushes. Where `log` has another logger already
    /// `install` is [`Error::BridgeTaken`].
    ///
    /// Cost: `log`'s own formatting of the message, and some ten nanoseconds; no lock.
    #[cfg(feature = "log")]
    pub fn log_bridge(mut self, is_on: bool) -> Self {
        self.bridges().log.comes_in = Some(is_on);
        self
    }

    /// Whether [`install`](Builder::install) also becomes the global subscriber of `tracing`.
    /// Default: yes, unless records are [forwarded](Builder::forward_to_tracing) to it.
    ///
    /// Events become records, with their fields typed. Spans are context: everything that is
    /// logged inside of them, by whatever crate, carries their fields and `span = "name"`, the
    /// innermost first; what `Span::record` adds is on all records from then on. Where there is
    /// another global subscriber already `install` is [`Error::BridgeTaken`]; to a registry of
    /// one's own, [`tracing_layer`](crate::bridge::tracing_layer) is added.
    #[cfg(feature = "tracing")]
    pub fn tracing_bridge(mut self, is_on: bool) -> Self {
        self.bridges().tracing.comes_in = Some(is_on);
        self
    }

    /// Gives each record to the logger that the crate `log` has, too: for an application with a
    /// logger of another kind, some of whose libraries use nexlog.
    ///
    /// ```
    /// # #[cfg(feature = "tracing")]
    /// # let _ = nexlog_runtime::builder().tracing_bridge(false);
    /// let builder = nexlog_runtime::builder().forward_to_log(); // .install()?
    /// # drop(builder);
    /// ```
    ///
    /// Fields of the record and of what is around it go along typed, `span` among them; `Critical`
    /// is an error there. A record is given away by the thread that makes it, before the call
    /// returns, in every [`Mode`](crate::Mode): its time, thread and order are those of the call,
    /// and the receiver takes as long as it takes. What waited for `install` is given away by it.
    /// Without a sink there is no console, and without a filter everything passes: the receiver's
    /// own level decides. What comes back over a bridge while a record is being given away is
    /// left out; a receiver that panics is a line on standard error.
    #[cfg(feature = "log")]
    pub fn forward_to_log(mut self) -> Self {
        self.bridges().log.goes_out = true;
        self
    }

    /// Gives each record to the subscriber that `tracing` has, on the thread that makes it: a
    /// subscriber of that thread, if it has one, and an event of its current span. Otherwise as
    /// [`forward_to_log`](Builder::forward_to_log).
    ///
    /// Events have metadata of the statement itself, with its target, file, line and keys. An
    /// event has 32 fields at most; further ones are one text, `fields`.
    #[cfg(feature = "tracing")]
    pub fn forward_to_tracing(mut self) -> Self {
        self.bridges().tracing.goes_out = true;
        self
    }
}
