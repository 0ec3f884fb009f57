//! Events and spans of `tracing`, in.
//!
//! [`Bridge`] is a layer. Alone, over a registry of its own, it is what `install` makes the global
//! subscriber; among others it stands behind a filter of its own ([`Wanted`]), so that what nexlog
//! does not want the other layers still get. An event becomes a record of a site that is made of
//! its callsite's metadata (`sites`), each field in a slot with its own type. A span becomes a
//! nexlog span (`spans`), entered and left with it: so everything that is logged inside, by
//! whatever way, carries its fields.

mod spans;
mod values;

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Acquire, Ordering::Release};

use tracing_core::field::Field;
use tracing_core::metadata::LevelFilter;
use tracing_core::subscriber::{Interest, NoSubscriber};
use tracing_core::{Dispatch, Event, Metadata, Subscriber, callsite, dispatcher, span};
use tracing_subscriber::layer::{self, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

use super::forward;
use super::options::Facade;
use super::sites::{self, Description, Statement, Table};
use crate::context::{Context, updates};
use crate::error::Error;
use crate::lane::rendered::Rendered;
use crate::lane::thread::DepthMark;
use crate::pipeline::early;
use crate::pipeline::state;
use crate::registry;
use crate::site::callsite::Site;
use crate::site::filter::Answer;
use crate::site::level::{Level, static_floor};
use crate::testing::tap;

/// A layer for a registry that exists: `tracing_subscriber::registry().with(tracing_layer())`.
///
/// Events go to the global logger, which may be installed later: until then those at Info or
/// above wait as all records do. Spans are the context of what is logged inside of them, by
/// `tracing`, `log` or nexlog. What the logger's filter does not want the other layers of the
/// registry still get; directives of its own are given by `with_filter`, as for any layer. The
/// logger itself needs `.tracing_bridge(false)` then, as it cannot be the global subscriber.
///
/// ```
/// use nexlog_runtime::{Memory, bridge::tracing_layer, builder};
/// use tracing_subscriber::layer::SubscriberExt;
///
/// let logger = builder().tracing_bridge(false).sink(Memory::new()).install()?;
/// let subscriber = tracing_subscriber::registry().with(tracing_layer());
/// // tracing::subscriber::set_global_default(subscriber)?;
/// # Ok::<(), nexlog_runtime::Error>(())
/// ```
pub fn tracing_layer<S>() -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    Bridge::new(false).with_filter(Wanted)
}

/// Whether there is a bridge, so that `tracing` has to be told of other filters.
static IS_USED: AtomicBool = AtomicBool::new(false);

/// `tracing`'s global subscriber is another one, or none.
const ELSEWHERE: u8 = 0;
/// It is the bridge, which takes nothing: an `install` failed after that.
const CLOSED: u8 = 1;
/// The bridge is open.
const OPEN: u8 = 2;

static GLOBAL: AtomicU8 = AtomicU8::new(ELSEWHERE);

fn taken() -> Error {
    Error::BridgeTaken {
        facade: "tracing",
        what: "global subscriber",
        earlier: "`set_global_default`, as `tracing_subscriber::fmt::init()` calls it",
        option: "tracing_bridge(false)` and add `nexlog::bridge::tracing_layer()` to its registry, \
                 or do only the former: `.tracing_bridge(false)",
    }
}

pub(super) static FACADE: Facade = Facade {
    name: "tracing",
    bridge: "tracing_bridge(true)",
    forward: "forward_to_tracing()",
    choice: |bridges| bridges.tracing,
    look,
    claim,
    give: super::tracing_out::give,
    give_up,
    filter_changed: |_| {
        if IS_USED.load(Acquire) {
            callsite::rebuild_interest_cache(); // asks again
        }
    },
};

fn look() -> Result<(), Error> {
    if GLOBAL.load(Acquire) != ELSEWHERE || !dispatcher::has_been_set() {
        return Ok(());
    }
    // This thread may have a subscriber of its own; a new one has not.
    let is_free = || dispatcher::get_default(Dispatch::is::<NoSubscriber>);
    match std::thread::Builder::new().spawn(is_free).map(std::thread::JoinHandle::join) {
        Ok(Ok(false)) => Err(taken()),
        _ => Ok(()), // free, or to be found out by trying
    }
}

fn claim() -> Result<(), Error> {
    if GLOBAL.load(Acquire) == ELSEWHERE {
        let subscriber = Registry::default().with(Bridge::new(true));
        dispatcher::set_global_default(Dispatch::new(subscriber)).map_err(|_| taken())?;
    }
    GLOBAL.store(OPEN, Release);
    Ok(())
}

fn give_up() {
    if GLOBAL.load(Acquire) == OPEN {
        GLOBAL.store(CLOSED, Release);
        callsite::rebuild_interest_cache();
    }
}

fn level_of(level: tracing_core::Level) -> Level {
    match level {
        tracing_core::Level::TRACE => Level::Trace,
        tracing_core::Level::DEBUG => Level::Debug,
        tracing_core::Level::INFO => Level::Info,
        tracing_core::Level::WARN => Level::Warn,
        tracing_core::Level::ERROR => Level::Error,
    }
}

/// The layer.
struct Bridge {
    /// Of several bridges in a process each has its own.
    number: u64,
    /// Whether it is the global subscriber, with no other layers beside it.
    is_alone: bool,
}

impl Bridge {
    fn new(is_alone: bool) -> Bridge {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        IS_USED.store(true, Release);
        Bridge { number: NEXT.fetch_add(1, Acquire), is_alone }
    }

    fn is_open(&self) -> bool {
        !self.is_alone || GLOBAL.load(Acquire) == OPEN
    }
}

impl<S> Layer<S> for Bridge
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        match self.is_alone {
            true if !self.is_open() => Interest::never(),
            true => interest(metadata),
            false => Interest::always(),
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: layer::Context<'_, S>) -> bool {
        !self.is_alone || (self.is_open() && is_wanted(metadata))
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        match self.is_alone {
            true if !self.is_open() => Some(LevelFilter::OFF),
            true => Some(max_level()),
            false => None,
        }
    }

    fn on_event(&self, event: &Event<'_>, context: layer::Context<'_, S>) {
        if !self.is_open() || forward::is_echo() {
            return;
        }
        if event.is_contextual() {
            updates::refresh();
            return take(event);
        }
        // A parent of its own, or none: in place of all that is in force here.
        let parent = event.parent().and_then(|id| spans::of(&context.span(id)?));
        let around = parent.map_or_else(Context::empty, |span| span.as_context());
        around.in_scope(|| {
            updates::refresh();
            take(event);
        });
    }

    fn on_new_span(
        &self,
        attributes: &span::Attributes<'_>,
        id: &span::Id,
        context: layer::Context<'_, S>,
    ) {
        spans::open(attributes, id, &context);
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: layer::Context<'_, S>) {
        spans::update(id, values, &context);
    }

    fn on_enter(&self, id: &span::Id, context: layer::Context<'_, S>) {
        spans::enter(self.number, id, &context);
    }

    fn on_exit(&self, id: &span::Id, _: layer::Context<'_, S>) {
        spans::exit(self.number, id);
    }

    fn on_close(&self, id: span::Id, context: layer::Context<'_, S>) {
        spans::close(&id, &context);
    }
}

/// The filter before a bridge that is one layer of several.
struct Wanted;

impl<S> layer::Filter<S> for Wanted {
    fn enabled(&self, metadata: &Metadata<'_>, _: &layer::Context<'_, S>) -> bool {
        is_wanted(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        interest(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(max_level())
    }
}

/// What the logger says of a callsite, as long as its filter is the same.
fn interest(metadata: &'static Metadata<'static>) -> Interest {
    let level = level_of(*metadata.level());
    if (level as u8) < static_floor() {
        return Interest::never();
    }
    if is_log_event(metadata) {
        return Interest::sometimes(); // its target is that of the record
    }
    let fixed = |is_wanted| if is_wanted { Interest::always() } else { Interest::never() };
    if metadata.is_span() {
        // One that a directive looks for is made whatever its level.
        let standing = site_of(metadata).map(registry::standing);
        return standing
            .map_or_else(Interest::sometimes, |s| s.map_or_else(Interest::sometimes, fixed));
    }
    if tap::are_there() {
        return Interest::sometimes(); // they may want what the logger does not
    }
    match state::global().map(|core| core.answer(metadata.target(), level).0) {
        Some(Answer::Fixed(is_wanted)) => fixed(is_wanted),
        Some(Answer::Depends(_)) => Interest::sometimes(),
        None => fixed(level >= early::LEVEL),
    }
}

/// What it says where it has to be asked each time.
fn is_wanted(metadata: &Metadata<'_>) -> bool {
    let level = level_of(*metadata.level());
    if (level as u8) < static_floor() {
        return false;
    }
    if metadata.is_span()
        && let Some(site) = known_site(metadata)
    {
        return site.enabled();
    }
    match state::global() {
        Some(core) => core.enabled(metadata.target(), level) || tap::want(level, metadata.target()),
        None => level >= early::LEVEL,
    }
}

fn max_level() -> LevelFilter {
    let Some(core) = state::global().filter(|_| !tap::are_there()) else {
        return LevelFilter::TRACE;
    };
    // A span that a directive looks for may be of any level.
    if core.answer("", Level::Trace).1 {
        return LevelFilter::TRACE;
    }
    match core.lowest_level() {
        Some(Level::Trace) => LevelFilter::TRACE,
        Some(Level::Debug) => LevelFilter::DEBUG,
        Some(Level::Info) => LevelFilter::INFO,
        Some(Level::Warn) => LevelFilter::WARN,
        Some(Level::Error) => LevelFilter::ERROR,
        Some(Level::Critical) | None => LevelFilter::OFF,
    }
}

static CALLSITES: Table<&'static Metadata<'static>> = Table::new();

fn hash_of(metadata: &Metadata<'_>) -> usize {
    let address = core::ptr::from_ref(metadata).addr();
    (address >> 3) ^ (address >> 13)
}

fn known_site(metadata: &Metadata<'_>) -> Option<&'static Site> {
    let is_it = |known: &&Metadata<'static>| core::ptr::addr_eq(*known, metadata);
    CALLSITES.candidates(hash_of(metadata)).find(|known| is_it(&known.key)).map(|known| &known.site)
}

/// The site of a callsite's records or spans. `None` when there is no memory.
fn site_of(metadata: &'static Metadata<'static>) -> Option<&'static Site> {
    known_site(metadata).or_else(|| add_site(metadata))
}

#[cold]
fn add_site(metadata: &'static Metadata<'static>) -> Option<&'static Site> {
    let _depth = DepthMark::set()?; // an allocator that logs asks again and again
    let (module, file) = (metadata.module_path().unwrap_or(""), metadata.file().unwrap_or(""));
    let names = || metadata.fields().iter().map(|field| field.name());
    let bytes = names().map(str::len).sum::<usize>();
    let bytes = bytes + module.len() + file.len() + metadata.name().len();
    let mut text = Description::new(metadata.target(), bytes, metadata.fields().len() + 1)?;
    if metadata.is_span() {
        text.frame();
    }
    for (number, name) in names().enumerate() {
        let is_message = metadata.is_event() && name == MESSAGE;
        // A key is written once.
        if is_message || names().take(number).any(|other| other == name) {
            text.hidden();
        } else {
            text.field(name);
        }
    }
    if metadata.is_span() {
        text.name(metadata.name());
    } else if let Some(slot) = names().position(|name| name == MESSAGE) {
        text.message_is_slot(slot);
    }
    let site = Site::new(
        level_of(*metadata.level()) as u8,
        metadata.line().unwrap_or(0),
        text.leak(module, file),
    );
    let is_it = |known: &&Metadata<'static>| core::ptr::eq(*known, metadata);
    CALLSITES.add(hash_of(metadata), metadata, is_it, site).map(|known| &known.site)
}

/// The field whose text is an event's message.
const MESSAGE: &str = "message";

/// Makes the record of an event.
fn take(event: &Event<'_>) {
    let metadata = event.metadata();
    if is_log_event(metadata) {
        return take_log_event(event);
    }
    let Some(site) = site_of(metadata) else { return sites::count_loss() };
    if site.enabled()
        && let Some(mut made) = Rendered::begin(site)
    {
        values::fill(metadata.fields(), &|visit| event.record(visit), &mut made);
        made.finish();
    }
}

/// Whether the callsite is that of a record of `log` which `tracing-log` has made an event of:
/// where it comes from is in the event's fields.
fn is_log_event(metadata: &Metadata<'_>) -> bool {
    metadata.name() == "log event"
        && metadata.target() == "log"
        && metadata.fields().field("log.target").is_some()
}

/// Makes the record that `tracing-log` was given.
fn take_log_event(event: &Event<'_>) {
    let origin = values::Origin::of(event);
    let level = level_of(*event.metadata().level());
    let statement = Statement {
        level: level as u8,
        has_fields: false,
        line: origin.line,
        target: &origin.target,
        module: &origin.module,
        file: &origin.file,
        is_static: false,
    };
    let Some(place) = statement.place() else { return sites::count_loss() };
    let Some(mut made) = place.record(level, statement.target) else { return };
    let is_message = |field: &Field| field.name() == MESSAGE;
    values::fill_one(is_message, &|visit| event.record(visit), &mut made);
    if place.takes_fields() {
        made.push("", &None::<bool>);
    }
    made.finish();
}

/// For a fork.
pub(super) fn hold(end: std::time::Instant) -> Option<Box<dyn core::any::Any>> {
    CALLSITES.hold(end)
}
