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
/// other expression is evaluated at each call, and what lies below the static level is off.
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
/// | `key = serde(&v)` | whatever is `Serialize`, nested; needs the feature `serde` |
/// | `(expr) = v` | a key made at run time |
/// | `..fields` | every field of a map, or of another [`Fields`](crate::Fields) |
///
/// `debug`, `display`, `err`, `secret`, `bytes` and `serde` are markers only as a bare call with one
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
/// be written `target: "db"` and `logger: &l`. With them, in any order, may stand what lets some of
/// the call site's records pass:
///
/// | option | which records pass |
/// | --- | --- |
/// | `once()` | the first, ever |
/// | `every(n)` | the first of each `n` |
/// | `per_second(n)` | `n` in a second, which begins with the first record that passes after the second before |
///
/// ```
/// # let (path, depth) = ("/old", 3);
/// nexlog::warn!(once(), "this path is deprecated", path);
/// nexlog::info!(every(1000), "queue", depth);
/// nexlog::error!(target("db"), per_second(5), "cannot connect");
/// ```
///
/// `n` is a `u64`; an expression is evaluated at each call whose gate is open, and of 0 none passes.
/// `every` and `per_second` may stand together: a record passes both. The others are *suppressed*:
/// their arguments are not evaluated, they are not accepted, and
/// [`Stats::suppressed`](crate::Stats::suppressed) counts them. The next record that passes has how
/// many there were since the one before, in a field `suppressed`; what none has told is told by a
/// record of the logger's own, `records suppressed` with the place of the call, once a minute
/// ([`Builder::report_suppressed`](crate::Builder::report_suppressed)) and at the end of the logger.
/// Disabled records do not count. With 8 threads as with one, what passed and what was suppressed
/// are all calls. A record that is refused (its buffer is full) leaves its count to the next, and of
/// `once()` the next may pass.
///
/// The state is the call site's: of a generic function's, all its types'; with `logger(&l)`, all
/// loggers'. It takes 56 bytes beside the site, which no other site pays; a suppressed call costs two
/// or three atomic additions and no lock, one that passes takes the way of values with code of their
/// own.
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
///
/// # Signal handlers
///
/// Signals may interrupt calls at will, but a handler must not log: it may have interrupted a
/// call of its own thread in the middle of a record, or while that holds a lock. What a handler
/// may do is count in an atomic, or `write` a byte to a pipe that does not block; a thread that
/// reads the pipe logs.
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

/// Fields for every record that this thread makes until the guard is dropped.
///
/// Gives a [`Scope`](crate::Scope). The grammar is [`log!`](crate::log)'s, without message and
/// options. Scopes nest; a record's own field wins over one of the context, an inner scope over
/// an outer one.
///
/// ```
/// # let (id, tenant, region, extra) = ("r-1", "acme", "eu", [("zone", 3)]);
/// let _scope = nexlog::context!(request_id = id, tenant, ?region, ..extra);
/// nexlog::info!("paid"); // … request_id=r-1 tenant=acme region="eu" zone=3
/// ```
///
/// The values are evaluated and stored once, typed; a scope in which nothing is logged costs a
/// few stores. The guard belongs to its thread: in async code use [`instrument`](macro@crate::instrument),
/// or [`in_span`](crate::FutureExt::in_span) and [`in_context`](crate::FutureExt::in_context).
/// Bound to `_` it is dropped at once; bind it to `_scope`.
#[macro_export]
macro_rules! context {
    ($($arguments:tt)*) => { $crate::__private::record!(($crate) (context) $($arguments)*) };
}

/// Fields as a value: a [`FieldSet`](crate::FieldSet).
///
/// For [`Logger::with`](crate::Logger::with), and for records and scopes that splice it. The
/// grammar is [`log!`](crate::log)'s, without message and options.
///
/// ```
/// # fn main() -> Result<(), nexlog::Error> {
/// # let logger = nexlog::builder().sink(nexlog::Memory::new()).build()?;
/// let of_db = nexlog::fields! { component = "db", shard = 3 };
/// let db = logger.with(of_db.clone());
/// nexlog::info!(logger(&db), "connected"); // … component=db shard=3
/// nexlog::info!("asked", ..of_db);
/// # Ok(())
/// # }
/// ```
#[macro_export]
macro_rules! fields {
    ($($arguments:tt)*) => { $crate::__private::record!(($crate) (fields) $($arguments)*) };
}

/// A stretch of work with a name and fields: a [`Span`](crate::Span), to be entered.
///
/// The name comes first and is fixed text; then fields, in the grammar of [`log!`](crate::log).
/// What is around the span is what is around the call of this macro.
///
/// ```
/// # let name = "stock.csv";
/// let span = nexlog::span!("import", file = name);
/// let lines = span.in_scope(|| {
///     nexlog::info!("begun"); // … span=import file=stock.csv
///     42
/// });
/// # assert_eq!(lines, 42);
/// ```
///
/// # Options
///
/// They come before the name: `level(Level::Debug)` (or the level itself, as `tracing` has it),
/// `target("db")`, and `parent(&span)`, which takes a [`Span`](crate::Span), a
/// [`Context`](crate::Context), an `Option` of them, or `None`. `level: …` and the like mean the
/// same.
///
/// ```
/// # use nexlog::Level;
/// # let (span, page) = (nexlog::span!("import"), 3);
/// let inner = nexlog::span!(level(Level::Debug), parent(&span), "page", page);
/// let same = nexlog::span!(parent: &span, Level::Debug, "page", page);
/// ```
///
/// A span without a level is always on. One with a level is on where the filter lets records of
/// that level and target through, when it is made, or has a directive that asks for such a span
/// (`[import{file}]=debug`, see [`Filter`](crate::Filter)); else this gives
/// [`Span::none`](crate::Span::none) and evaluates no field.
#[macro_export]
macro_rules! span {
    ($($arguments:tt)*) => { $crate::__private::record!(($crate) (span) $($arguments)*) };
}

/// A [`Text`](crate::Text) by a pattern that is checked while compiling: what
/// [`Text::pattern`](crate::Text::pattern) gives, where the grammar is.
///
/// ```
/// use nexlog::{Console, pattern};
///
/// let console = Console::stderr()
///     .format(pattern!("{ts:%H:%M:%S.3} {level:>5} {target} {msg} {fields}"));
/// ```
///
/// A bad pattern does not compile:
///
/// ```compile_fail
/// let format = nexlog::pattern!("{ts:%H:%Q} {msg}");
/// ```
#[macro_export]
macro_rules! pattern {
    ($($pattern:tt)*) => { $crate::__private::pattern!(($crate) $($pattern)*) };
}

/// Puts a function in a span: every record made while it runs carries the span's name and
/// fields, across calls, `.await`, and whatever thread polls it next.
///
/// ```
/// # struct Order { id: u64 }
/// # struct Receipt;
/// use nexlog::instrument;
///
/// #[instrument(fields(user_id, order = order.id), err)]
/// async fn pay(user_id: u64, order: &Order) -> Result<Receipt, std::io::Error> {
///     nexlog::info!("charging"); // … span=pay user_id=7 order=42
///     Ok(Receipt)
/// }
/// ```
///
/// On functions and methods of every kind but `const`: `async`, `unsafe`, `extern`, generic, in
/// traits and their implementations, with any `self` and any patterns.
///
/// **Nothing is captured unless asked for.** The name is the function's, the target the module
/// path.
///
/// # Options
///
/// | option | means |
/// | --- | --- |
/// | `name = "…"`, or the text alone | the span's name |
/// | `target = "…"` | its target, and that of its records |
/// | `level = "debug"`, `level = Level::Debug` | the span is on where such records are; without a level, always |
/// | `fields(…)` | fields, in the grammar of [`log!`](crate::log): `user_id`, `order = order.id`, `?x`, `..more` |
/// | `args` | all arguments, `self` too: typed where there is an encoder, else their `Debug` text; a field of the same key replaces one |
/// | `skip(a, b)` | all arguments but these |
/// | `skip_all` | none, as is the rule here; for lines of `tracing` |
/// | `err` | a record at level `Error` when a `Result` is an `Err`: `error`, with its whole chain if it is an error type, else its `Display` or `Debug` text |
/// | `ret` | a record at level `Info` (or the span's) with what is returned: `return`; together with `err`, the value of an `Ok` |
/// | `err(level = "warn", Debug)`, `ret(level = …, Display)` | another level, another form |
/// | `parent = …` | what is around the span, in place of where the function is called: as of [`span!`](crate::span) |
/// | `elapsed` | a record `finished` at the end, at level `Info` (or the span's): `elapsed`, and of a future how long it was polled (`busy`) and not (`idle`) |
/// | `future` | the function returns a future by a name that does not say so |
/// | `crate = path` | where nexlog is, when it is not `::nexlog` |
///
/// ```
/// # use nexlog::{Level, instrument};
/// #[instrument("parse", level = "debug", args, ret(Debug), err(level = Level::Warn))]
/// fn port(text: &str) -> Result<u16, std::num::ParseIntError> {
///     text.trim().parse()
/// }
/// # assert!(port("80").is_ok());
/// ```
///
/// # Futures
///
/// An `async fn` evaluates its fields when it is first polled. A function that returns a future
/// (`impl Future`, `Pin<Box<dyn Future<…>>>`, `BoxFuture`, `LocalBoxFuture`; others with the
/// option `future`, if they are boxed) evaluates them when it is called, and runs its body inside
/// the span as well. The future of `Box::pin(async move { … })` at the end of a body is
/// instrumented in its place, so `async_trait` costs no second box; its functions behave as
/// `async fn`.
///
/// ```
/// # use std::pin::Pin;
/// # use nexlog::instrument;
/// #[instrument(args)]
/// fn fetch(page: u32) -> Pin<Box<dyn Future<Output = u32> + Send>> {
///     Box::pin(async move {
///         nexlog::debug!("fetching"); // … span=fetch page=3
///         page
///     })
/// }
/// ```
///
/// # What a build leaves out
///
/// Where the span's level is removed (the features `max_level_*`, `NEXLOG_STATIC`), a function
/// is its own body and nothing more. One without a level is removed by `off` only. The records
/// of `err` and `ret` have levels of their own and go by those: a failure of a function whose
/// span is not wanted is still told.
///
/// A panic leaves what is around the function as it was.
pub use nexlog_macros::instrument;

/// Makes a test of a function: its records are printed through the test harness, which shows them
/// when it fails (a panic, an `Err`), and with `--nocapture`.
///
/// Every thread prints its own records, so those of threads and tasks that the test starts go where
/// the harness puts what they print; where several such tests run at once, the filters of all apply
/// to threads that are no test's own. No logger is installed, and one that is is left alone. For
/// assertions see [`testing::capture`](crate::testing::capture), also inside of such a test.
///
/// | option | means |
/// | --- | --- |
/// | `filter = "info,db=trace"` | which records; without it what `NEXLOG` or `RUST_LOG` says, else `debug` |
/// | `crate = path` | where nexlog is, when it is not `::nexlog` |
///
/// A function that returns a `Result`, `#[should_panic]` and `#[ignore]` work as with `#[test]`.
/// With another attribute that makes a test, such as `#[tokio::test]`, write this one above it;
/// below `#[tokio::test]` is fine, too, but below `#[test]` the test would run twice. An `async fn` without one is
/// polled by the test's thread, with no runtime around it.
///
/// ```
/// # mod app { // so that it compiles here
/// #[nexlog::test(filter = "trace")]
/// fn pays() {
///     nexlog::debug!("paid", order_id = 7); // shown if the test fails
/// }
///
/// #[nexlog::test]
/// async fn ships() -> Result<(), std::num::ParseIntError> {
///     let parcels: u32 = "3".parse()?;
///     nexlog::info!("shipped", parcels);
///     Ok(())
/// }
/// # }
/// ```
pub use nexlog_macros::test;
