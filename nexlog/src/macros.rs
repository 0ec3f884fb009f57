//! The macros that users name.
//!
//! Each is two lines: it passes its own `$crate` on to the procedural macro, so that a renamed
//! dependency, a re-export and a call inside another macro all reach this crate. The grammar is
//! documented once, at [`log!`](crate::log), and holds for all of them.

/// Logs a record at a level: the general form of [`info!`](crate::info) and its like.
///
/// ```
/// use nexlog::{Level, log};
///
/// let (id, total) = (42, 12.5);
/// log!(Level::Info, "paid", order_id = id, total);
///
/// let level = if total > 100.0 { Level::Warn } else { Level::Info };
/// log!(level, "paid {total}", order_id = id);
/// ```
///
/// The level may be any expression. A path whose last segment is the name of a level is known
/// while compiling and can be removed from the binary (see the features `max_level_*`); any
/// other expression is evaluated at each call.
///
/// # Fields
///
/// | spelling | means |
/// | --- | --- |
/// | `key = expr` | a typed value |
/// | `key`, `user.id`, `self.id` | shorthand for a variable or a field; the keys are `key`, `user.id`, `id` |
/// | `a.b = v`, `"http.status_code" = v`, `r#type = v` | dotted, quoted and raw keys |
/// | `key = debug(v)`, `key = display(v)` | the text of `Debug` or `Display`; short: `key = ?v`, `key = %v`, `?v`, `%v` |
/// | `key = err(&e)` | an error with its chain of sources; also `dyn Error`, `Box<dyn Error>`, `anyhow` and `eyre` |
/// | `key = secret(v)` | never printed: `***` |
/// | `key = bytes(&b)` | hex |
/// | `(expr) = v` | a key made at run time |
/// | `..fields` | every field of a map, or of another [`Fields`](crate::Fields) |
///
/// `debug`, `display`, `err`, `secret` and `bytes` are markers only as a bare call with one
/// argument; `key = (debug(x))` calls a function of yours.
///
/// ```
/// # use std::collections::BTreeMap;
/// # struct User { id: u64 }
/// # let user = User { id: 7 };
/// # let (request, password, key) = ("GET /", "hunter2", "tenant");
/// # let extra = BTreeMap::from([("zone", 3)]);
/// let error = "x".parse::<u32>().unwrap_err();
/// nexlog::warn!(
///     "refused",
///     user.id,
///     http.status_code = 403,
///     request = debug(request),
///     error = err(&error),
///     password = secret(password),
///     (key) = "acme",
///     ..extra
/// );
/// ```
///
/// # Message
///
/// The first string literal is the message; `concat!(…)` of literals counts. `{name}` shows the
/// field `name` of this record, or captures the variable as a typed field (one without an
/// encoder is shown with `Display`). Anything else works as in `format!` and makes no field:
/// `{name:?}`, `{name:.2}`, `{}`, `{0}`, `{:>8}`, `{:.*}`, `{:width$}`. The text is put
/// together when the record is written, not by the caller.
///
/// A bare `x` behind the message fills an open `{}` first, else it is a field.
///
/// ```
/// let (items, took) = (3, std::time::Duration::from_millis(12));
/// nexlog::info!("paid {items} items");              // field `items`
/// nexlog::info!("paid {} items", items);            // no field
/// nexlog::info!("paid {items} items in {took:?}");  // field `items`
/// nexlog::info!("paid {n}", n = items, took);       // fields `n` and `took`
/// ```
///
/// # Options
///
/// `target("db")` and `logger(&l)` come first, in `log!` before or behind the level. They can
/// be written `target: "db"` and `logger: &l`.
///
/// # Lines of other loggers
///
/// `info!("paid"; "order_id" => id)`, `info!(order_id = id, "paid")`, `info!(order_id = id;
/// "paid")` and `key:? = v` are accepted, so that lines of `slog`, `tracing` and `log` paste
/// unchanged.
///
/// # Promises
///
/// Arguments are evaluated only when the record is wanted, once, from left to right. The macro
/// gives `()` and does not panic by itself. A disabled call costs one load and a branch; one
/// that the build removed costs nothing, and its arguments still type-check.
#[macro_export]
macro_rules! log {
    ($($arguments:tt)*) => { $crate::__private::record!(($crate) (log) $($arguments)*) };
}

/// As [`log!`](crate::log), and says whether the record was taken.
///
/// Gives `Result<(), nexlog::Error>`; a record that nobody wants is `Ok`.
///
/// ```
/// use nexlog::{Level, try_log};
///
/// fn audit(user: &str) -> Result<(), nexlog::Error> {
///     try_log!(Level::Warn, target("audit"), "refused", user)
/// }
/// # audit("ada").unwrap();
/// ```
#[macro_export]
macro_rules! try_log {
    ($($arguments:tt)*) => { $crate::__private::record!(($crate) (try_log) $($arguments)*) };
}

/// Whether a record of this level would be wanted here.
///
/// ```
/// use nexlog::{Level, enabled};
///
/// if enabled!(Level::Debug, target("db")) {
///     // gather what is expensive to gather
/// }
/// assert!(!enabled!(Level::Trace));
/// ```
#[macro_export]
macro_rules! enabled {
    ($($arguments:tt)*) => { $crate::__private::record!(($crate) (enabled) $($arguments)*) };
}

/// Logs a record at level `Trace`: everything, step by step. The grammar is [`log!`](crate::log)'s.
///
/// ```
/// nexlog::trace!("read", bytes = 512);
/// ```
#[macro_export]
macro_rules! trace {
    ($($arguments:tt)*) => { $crate::__private::record!(($crate) (Trace) $($arguments)*) };
}

/// Logs a record at level `Debug`: for finding a fault. The grammar is [`log!`](crate::log)'s.
///
/// ```
/// let query = "select 1";
/// nexlog::debug!("prepared", query);
/// ```
#[macro_export]
macro_rules! debug {
    ($($arguments:tt)*) => { $crate::__private::record!(($crate) (Debug) $($arguments)*) };
}

/// Logs a record at level `Info`: what to see when all is well. The grammar is [`log!`](crate::log)'s.
///
/// ```
/// let elapsed = std::time::Duration::from_millis(12);
/// nexlog::info!("cache warmed", entries = 4096, took = elapsed);
/// ```
#[macro_export]
macro_rules! info {
    ($($arguments:tt)*) => { $crate::__private::record!(($crate) (Info) $($arguments)*) };
}

/// Logs a record at level `Warn`: odd, and the work goes on. The grammar is [`log!`](crate::log)'s.
///
/// ```
/// let path = std::path::Path::new("cache.bin");
/// nexlog::warn!("cache missing, starting cold", path);
/// ```
#[macro_export]
macro_rules! warn {
    ($($arguments:tt)*) => { $crate::__private::record!(($crate) (Warn) $($arguments)*) };
}

/// Logs a record at level `Error`: something failed. The grammar is [`log!`](crate::log)'s.
///
/// ```
/// if let Err(e) = std::fs::read("/nonexistent") {
///     nexlog::error!("cannot read the cache", error = err(&e));
/// }
/// ```
#[macro_export]
macro_rules! error {
    ($($arguments:tt)*) => { $crate::__private::record!(($crate) (Error) $($arguments)*) };
}

/// Logs a record at level `Critical`: the service cannot go on. The grammar is [`log!`](crate::log)'s.
///
/// ```
/// nexlog::critical!("out of disk", free_bytes = 0);
/// ```
#[macro_export]
macro_rules! critical {
    ($($arguments:tt)*) => { $crate::__private::record!(($crate) (Critical) $($arguments)*) };
}
