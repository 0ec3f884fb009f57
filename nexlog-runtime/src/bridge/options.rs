//! What the builder is told about bridges, and what `install` does about it.

use super::forward::Forwards;
#[cfg(any(feature = "log", feature = "tracing"))]
use crate::builder::Builder;
use crate::error::Error;
use crate::lane::view::Common;
use crate::pipeline::state::Core;
use crate::record::Record;

/// A crate that others log by. Each has one place for the whole process.
pub(super) struct Facade {
    pub(super) name: &'static str,
    /// The builder's options, as they are written.
    pub(super) bridge: &'static str,
    pub(super) forward: &'static str,
    pub(super) choice: fn(Bridges) -> Choice,
    /// Whether its place is taken, as far as that can be told without trying.
    pub(super) look: fn() -> Result<(), Error>,
    /// Takes its place, unless that is ours already.
    pub(super) claim: fn() -> Result<(), Error>,
    /// `install` failed: takes nothing until the next one. There is no way back.
    pub(super) give_up: fn(),
    /// Gives it a record of ours.
    pub(super) give: fn(&Record<'_>),
    /// The global logger wants other levels.
    pub(super) filter_changed: fn(&Core),
}

/// Those that this build has bridges to.
pub(super) static FACADES: &[&Facade] = &[
    #[cfg(feature = "log")]
    &super::log_in::FACADE,
    #[cfg(feature = "tracing")]
    &super::tracing_in::FACADE,
];

/// The builder's options for bridges.
#[derive(Clone, Copy, Default)]
pub(crate) struct Bridges {
    #[cfg(feature = "log")]
    pub(super) log: Choice,
    #[cfg(feature = "tracing")]
    pub(super) tracing: Choice,
}

/// The options for one facade.
#[derive(Clone, Copy, Default)]
pub(super) struct Choice {
    /// Whether its records come in; `None` when that was not said.
    comes_in: Option<bool>,
    /// Whether ours go out to it.
    goes_out: bool,
}

impl Choice {
    fn is_claimed(self) -> bool {
        self.comes_in.unwrap_or(!self.goes_out)
    }
}

impl Bridges {
    /// Refuses what contradicts itself.
    pub(crate) fn check(self, is_global: bool) -> Result<(), Error> {
        for facade in FACADES {
            let (choice, name) = ((facade.choice)(self), facade.name);
            let problem = match choice.comes_in {
                Some(true) if choice.goes_out => format!(
                    "with `{}` the crate `{name}` would give every record back for ever; leave one \
                     of them out",
                    facade.forward
                ),
                Some(true) if !is_global => format!(
                    "a logger of `build()` cannot be what the crate `{name}` logs to, as that has \
                     one for the whole process; use `install()`"
                ),
                _ => continue,
            };
            return Err(Error::Option { option: facade.bridge, problem });
        }
        Ok(())
    }

    fn claimed(self) -> impl Iterator<Item = &'static Facade> {
        FACADES.iter().copied().filter(move |facade| (facade.choice)(self).is_claimed())
    }

    /// Before anything is opened: what can be known not to work.
    pub(crate) fn look(self) -> Result<(), Error> {
        self.claimed().try_for_each(|facade| (facade.look)())
    }

    /// Becomes what the facades log to. After an error nothing is taken from any of them.
    pub(crate) fn claim(self) -> Result<(), Error> {
        let claimed = self.claimed().try_for_each(|facade| (facade.claim)());
        if claimed.is_err() {
            FACADES.iter().for_each(|facade| (facade.give_up)());
        }
        claimed
    }

    /// Where records go besides, if anywhere.
    pub(crate) fn forwards(self, common: &Common) -> Option<Forwards> {
        self.do_forward().then(|| Forwards {
            to: self,
            common: Common::read(common.as_bytes()).unwrap_or_else(Common::new),
        })
    }

    /// Those that records go to.
    pub(super) fn receivers(self) -> impl Iterator<Item = &'static Facade> {
        FACADES.iter().copied().filter(move |facade| (facade.choice)(self).goes_out)
    }

    /// Whether records go anywhere besides.
    pub(crate) fn do_forward(self) -> bool {
        self.receivers().next().is_some()
    }
}

#[cfg(any(feature = "log", feature = "tracing"))]
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
    /// Cost: some 100 ns besides the formatting of the message (measured in `Background`: 117 ns with
    /// one number in the text, which takes `write!` 16); no lock.
    #[cfg(feature = "log")]
    pub fn log_bridge(mut self, is_on: bool) -> Self {
        self.bridges_mut().log.comes_in = Some(is_on);
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
    ///
    /// Cost: some 100 ns an event (measured in `Background`, with one number as a field); no lock.
    #[cfg(feature = "tracing")]
    pub fn tracing_bridge(mut self, is_on: bool) -> Self {
        self.bridges_mut().tracing.comes_in = Some(is_on);
        self
    }

    /// Gives each record to the logger that the crate `log` has, too: for an application with a
    /// logger of another kind, some of whose libraries use nexlog.
    ///
    /// ```
    /// use nexlog_runtime::builder;
    ///
    /// // after the application's own logger: env_logger::init();
    /// builder().forward_to_log().install()?;
    /// # Ok::<(), nexlog_runtime::Error>(())
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
        self.bridges_mut().log.goes_out = true;
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
        self.bridges_mut().tracing.goes_out = true;
        self
    }
}
