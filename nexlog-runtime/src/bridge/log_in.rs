//! Records of the crate `log`, in.
//!
//! [`BRIDGE`] is what `install` makes that crate's logger. A record's target, level, module,
//! file and line become those of a site (`sites`), its message is rendered here, and its keys
//! and values go along typed.

use std::sync::atomic::{AtomicU8, Ordering::Acquire, Ordering::Release};
use std::time::Duration;

use log::kv::{self, VisitSource, VisitValue};

use super::forward;
use super::options::Facade;
use super::sites::{self, Statement};
use crate::error::Error;
use crate::pipeline::early;
use crate::pipeline::state::{self, Core};
use crate::site::level::{Level, static_floor};
use crate::testing::tap;
use crate::value::{Fields, FieldsWriter, Splice, Value, ValueWriter};

/// How long `log::logger().flush()` waits for the sinks.
const FLUSH_PATIENCE: Duration = Duration::from_secs(5);

/// The logger that `log` knows.
struct Bridge;

static BRIDGE: Bridge = Bridge;

/// `log` has another logger, or none.
const ELSEWHERE: u8 = 0;
/// `log`'s logger is the bridge, which takes nothing: an `install` failed after that.
const CLOSED: u8 = 1;
/// The bridge is open.
const OPEN: u8 = 2;

static STATE: AtomicU8 = AtomicU8::new(ELSEWHERE);

pub(super) static FACADE: Facade = Facade {
    name: "log",
    bridge: "log_bridge(true)",
    forward: "forward_to_log()",
    choice: |bridges| bridges.log,
    look: || Ok(()), // it does not tell
    claim,
    give: super::log_out::give,
    give_up,
    filter_changed,
};

fn claim() -> Result<(), Error> {
    if STATE.load(Acquire) == ELSEWHERE {
        log::set_logger(&BRIDGE).map_err(|_| Error::BridgeTaken {
            facade: "log",
            what: "logger",
            earlier: "`log::set_logger`, as `env_logger::init()` calls it",
            option: "log_bridge(false)",
        })?;
    }
    STATE.store(OPEN, Release);
    Ok(())
}

fn give_up() {
    if STATE.load(Acquire) == OPEN {
        STATE.store(CLOSED, Release);
        log::set_max_level(log::LevelFilter::Off);
    }
}

fn filter_changed(core: &Core) {
    if STATE.load(Acquire) != OPEN {
        return;
    }
    // A test that captures may want what the logger does not.
    let wanted =
        || filter_of(if tap::are_there() { Some(Level::Trace) } else { core.lowest_level() });
    // Again when it has changed meanwhile: somebody else may have been first with a later answer.
    loop {
        let answer = wanted();
        log::set_max_level(answer);
        if wanted() == answer {
            return;
        }
    }
}

fn filter_of(lowest: Option<Level>) -> log::LevelFilter {
    match lowest {
        Some(Level::Trace) => log::LevelFilter::Trace,
        Some(Level::Debug) => log::LevelFilter::Debug,
        Some(Level::Info) => log::LevelFilter::Info,
        Some(Level::Warn) => log::LevelFilter::Warn,
        Some(Level::Error) => log::LevelFilter::Error,
        // It has nothing that is as grave.
        Some(Level::Critical) | None => log::LevelFilter::Off,
    }
}

fn level_of(level: log::Level) -> Level {
    match level {
        log::Level::Trace => Level::Trace,
        log::Level::Debug => Level::Debug,
        log::Level::Info => Level::Info,
        log::Level::Warn => Level::Warn,
        log::Level::Error => Level::Error,
    }
}

/// Whether the bridge takes records of this level on this thread at all.
fn takes(level: Level) -> bool {
    STATE.load(Acquire) == OPEN && level as u8 >= static_floor() && !forward::is_echo()
}

impl log::Log for Bridge {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        let level = level_of(metadata.level());
        takes(level)
            && match state::global() {
                Some(core) => {
                    core.enabled(metadata.target(), level) || tap::want(level, metadata.target())
                }
                None => level >= early::LEVEL,
            }
    }

    fn log(&self, record: &log::Record<'_>) {
        let level = level_of(record.level());
        if !takes(level) {
            return;
        }
        let statement = Statement {
            level: level as u8,
            has_fields: record.key_values().count() > 0,
            line: record.line().unwrap_or(0),
            target: record.target(),
            module: record.module_path().unwrap_or(""),
            file: record.file().unwrap_or(""),
            is_static: record.file_static().is_some(),
        };
        let Some(place) = statement.place() else { return sites::count_loss() };
        let Some(mut made) = place.record(level, statement.target) else { return };
        made.push("core::fmt::Arguments", record.args());
        if statement.has_fields || place.takes_fields() {
            made.push("log::kv::Source", &Splice(&KeyValues(record.key_values())));
        }
        made.finish();
    }

    fn flush(&self) {
        if STATE.load(Acquire) == OPEN
            && let Some(core) = state::global()
        {
            let _ = core.flush(FLUSH_PATIENCE); // a trait without errors
        }
    }
}

/// The keys and values of a record.
struct KeyValues<'a>(&'a dyn kv::Source);

impl Fields for KeyValues<'_> {
    fn record_fields(&self, out: &mut FieldsWriter<'_>) {
        let _ = self.0.visit(&mut Pairs(out)); // a source's own error ends its pairs
    }
}

struct Pairs<'a, 'b>(&'a mut FieldsWriter<'b>);

impl<'kvs> VisitSource<'kvs> for Pairs<'_, '_> {
    fn visit_pair(&mut self, key: kv::Key<'kvs>, value: kv::Value<'kvs>) -> Result<(), kv::Error> {
        self.0.field(key.as_str(), &Typed(value));
        Ok(())
    }
}

/// One of them.
struct Typed<'a>(kv::Value<'a>);

impl Value for Typed<'_> {
    fn record(&self, out: ValueWriter<'_>) {
        let mut once = Once(Some(out));
        let _ = self.0.visit(&mut once);
    }
}

/// Writes the value that comes first: there is one.
struct Once<'a>(Option<ValueWriter<'a>>);

macro_rules! visits {
    ($($visit:ident($type:ty) => $write:ident;)*) => {$(
        fn $visit(&mut self, value: $type) -> Result<(), kv::Error> {
            if let Some(out) = self.0.take() {
                out.$write(value);
            }
            Ok(())
        }
    )*};
}

impl<'v> VisitValue<'v> for Once<'_> {
    fn visit_any(&mut self, value: kv::Value<'_>) -> Result<(), kv::Error> {
        if let Some(out) = self.0.take() {
            out.display(&value);
        }
        Ok(())
    }

    /// Nothing is written: the field is left out.
    fn visit_null(&mut self) -> Result<(), kv::Error> {
        Ok(())
    }

    visits! {
        visit_u64(u64) => u64;
        visit_i64(i64) => i64;
        visit_u128(u128) => u128;
        visit_i128(i128) => i128;
        visit_f64(f64) => f64;
        visit_bool(bool) => bool;
        visit_str(&str) => str;
        visit_char(char) => char;
        visit_error(&(dyn std::error::Error + 'static)) => error;
        visit_borrowed_error(&'v (dyn std::error::Error + 'static)) => error;
    }
}
