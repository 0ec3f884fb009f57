//! One source for three editions: nothing that a macro leaves behind may warn here.
#![deny(warnings, missing_docs, unreachable_pub, unused_qualifications, unused_results)]
#![deny(trivial_casts, let_underscore_drop, single_use_lifetimes, rust_2018_idioms)]
#![deny(clippy::all, clippy::pedantic)]
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::fmt::Display;

use nexlog::{Level, critical, debug, enabled, error, info, log, trace, try_log, warn};

#[path = "strict_context.rs"]
pub mod scopes;

/// Statement, expression, match arm, closure, tail.
pub fn places(kind: u8, items: &[u64]) {
    info!("statement");
    match kind {
        0 => info!("arm", kind),
        1 => warn!("arm {kind}"),
        _ => {}
    }
    let each = |item: &u64| debug!("item", item);
    items.iter().for_each(each);
    let () = info!("value of type ()");
    if enabled!(Level::Debug) && !enabled!(Level::Trace, target("db")) {
        trace!(items);
    }
    let tail = || info!("tail");
    tail();
}

/// Every level and every form of a value.
pub fn forms(id: u64, name: &str, error: &std::num::ParseIntError, raw: &[u8]) {
    let extra = BTreeMap::from([("zone", 3)]);
    let key = String::from("made");
    let width = 8;
    trace!(id);
    debug!("x", id, name);
    info!("{id} {name} {} {:?} {:>width$} {0}", id, name, id + 1);
    warn!("x"; "id" => id, "name" => %name);
    error!(error:err, "x");
    error!("x {error}", cause = err(error), text = display(error), debug = debug(error));
    critical!(a.b = 1, "c.d" = 2.5, r#type = 'x', ?name, %id, (key) = id, (&key) = ?name, ..extra);
    info!("x", token = secret(name), raw = bytes(raw), none = None::<u8>, some = Some(id));
    info!("x", block = { id }, grouped = (id), reference = &id, slice = &raw.len(), text = name.trim());
    info!("{} {} {:?}", &id, { id }, (name, &id));
    info!(target: "db", "x", list = items(id), pair = (id, name));
    log!(Level::Info, "x {id:.2}", half = u128::from(id * 2) / 4, less = id < 3, range = id & 7);
}

fn items(id: u64) -> [u64; 2] {
    [id, id]
}

/// Levels and targets made at run time, results, records of many fields.
///
/// # Errors
///
/// When a record is refused.
pub fn general(level: Level, target: &str, id: u64) -> Result<(), nexlog::Error> {
    log!(level, target(target), "x {id}", id = id);
    log!(target: target, level, "x {:?} {0}", id);
    info!(a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8, i = 9, j = 10, k = 11, l = 12, m = 13);
    try_log!(Level::Info, "x", id)?;
    try_log!(level, "x {}", id)
}

/// `.await`, `?`, `return` and `break` in arguments.
///
/// # Errors
///
/// When the text is no number.
pub async fn asynchronous(text: String) -> Result<u32, std::num::ParseIntError> {
    info!("x {:>5} {}", ready(1).await, ready(2).await);
    info!("x {:>5} {}", ready(1).await, ready(2).await, three = ready(3).await);
    info!("x", number = text.parse::<u32>()?);
    loop {
        info!("x", number = if text.is_empty() { break } else { 1 });
        info!("x", number = match text.parse::<u32>() { Ok(number) => number, Err(error) => return Err(error) });
    }
    log!(if text.is_empty() { Level::Info } else { Level::Warn }, "x {:?}", ready(4).await);
    Ok(1)
}

async fn ready(number: u32) -> u32 {
    std::future::ready(number).await
}

fn assert_send<T: Send>(value: T) -> T {
    value
}

/// The future of a function that logs is `Send`.
#[must_use]
pub fn spawnable() -> impl Send {
    assert_send(asynchronous(String::new()))
}

/// Generic and const-generic functions.
pub fn generic<T: nexlog::Value + ?Sized, D: Display, const N: usize>(value: &T, shown: &D) {
    info!("x {value} {shown} {N}", size = N);
    info!("y", value, text = display(shown));
}

/// A receiver.
pub struct Order {
    id: u64,
    total: f64,
}

impl Display for Order {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "order {}", self.id)
    }
}

impl Order {
    /// Fields of `self`, and `self` itself.
    pub fn pay(&self) {
        info!("paid {self}", self.id, total = self.total);
        info!("paid", ?self.total, %self);
        let closure = || info!("paid {self:>8}");
        closure();
    }
}

/// Names of ours and of the prelude, taken by the user.
pub mod shadowed {
    #![allow(missing_docs, non_upper_case_globals, non_snake_case, clippy::items_after_statements, dead_code)]

    pub mod std {}
    pub mod core {}
    pub mod nexlog_macros {}

    pub enum Option {
        Some,
        None,
    }
    pub struct Result;
    pub struct Ok;
    pub struct Err;
    pub struct Some;
    pub struct Level;
    pub struct Value;
    pub struct Site;
    pub struct Debug;
    pub struct Display;

    macro_rules! hostile {
        ($($name:ident)*) => {$(
            macro_rules! $name {
                ($d($t:tt)*) => { compile_error!("a macro of the user was called") };
            }
        )*};
        ($d:tt $($name:ident)*) => {$(
            #[allow(unused_macros)]
            macro_rules! $name {
                ($d($t:tt)*) => { compile_error!("a macro of the user was called") };
            }
        )*};
    }
    hostile!($ format_args concat line file module_path option_env stringify);

    #[must_use]
    pub fn debug(number: u64, more: u64) -> u64 {
        number + more
    }

    #[must_use]
    pub fn display(number: u64) -> u64 {
        number
    }

    pub fn calls(site: u64, value0: u64, SITE: u64, draft: u64, level: u64) {
        const __private: u64 = 3;
        let (target, logger, value1) = ("t", 1, 2);
        nexlog::info!("{site} {value0} {SITE} {draft} {level} {} {:>4} {__private}", value1, site);
        nexlog::info!(site, value0, SITE, draft, level, target, logger, value1, __private);
        nexlog::info!("x {1:?} {0}", value1, value0, site = SITE, logger = draft);
        nexlog::info!("x", a = debug(site, 1), b = (display(site)), c = display(site));
        nexlog::log!(target(target), pick(level), "x {site:?}", logger, target, draft, SITE);
        drop(nexlog::try_log!(nexlog::Level::Info, "x", site, draft, value0));
    }

    fn pick(level: u64) -> ::nexlog::Level {
        if level > 1 { ::nexlog::Level::Info } else { ::nexlog::Level::Warn }
    }
}

/// A module with the crate's name.
pub mod local_name {
    #[allow(dead_code)]
    mod nexlog {}

    /// Logs by an imported name.
    pub fn calls(id: u64) {
        ::nexlog::info!("x {id}", id);
    }
}

/// Items named like what an expansion binds: a pattern would mean the item, which no hygiene hides.
#[allow(non_upper_case_globals, non_camel_case_types)]
pub mod small_items {
    use ::nexlog::Level;

    static site: u8 = 1;
    static level: u8 = 2;
    const draft: u8 = 3;
    const target: u8 = 4;
    const value0: u8 = 5;
    const parent: u8 = 6;
    struct logger;
    struct value1;

    /// Every binding of an expansion.
    pub fn calls(id: u64, chosen: Level, name: &str, local: &::nexlog::Logger) {
        ::nexlog::info!("x {id} {} {0:?} {1}", id, name, drawn = draft, site, target, value0);
        ::nexlog::log!(chosen, target(name), logger(local), "x {id} {1} {0}", level, name);
        drop(::nexlog::try_log!(chosen, target(name), "x", (name) = id, id));
        let _ = (logger, value1, parent);
        drop(::nexlog::span!(parent(&::nexlog::span!("x")), "y", (name) = id));
        drop(::nexlog::span!(parent(None), "x", id, name, drawn = value0));
        let _scope = ::nexlog::context!(name, tenant = id);
        if ::nexlog::enabled!(chosen, logger(local)) {
            ::nexlog::debug!(id);
        }
    }
}

/// Without any prelude.
#[no_implicit_prelude]
pub mod bare {
    /// Every shape of an expansion.
    pub fn calls(id: u64, error: &::std::fmt::Error) {
        ::nexlog::info!("x {id} {error} {} {id:>4}", id, cause = err(error), hidden = secret(id));
        ::nexlog::log!(target("db"), ::nexlog::Level::Info, "x {:?}", id);
        if ::nexlog::enabled!(::nexlog::Level::Info) {
            ::std::mem::drop(::nexlog::try_log!(::nexlog::Level::Info, "x {id}"));
        }
    }
}

macro_rules! own {
    ($message:literal, $($key:ident = $value:expr),*) => {
        info!($message, $($key = $value,)* fixed = 1)
    };
    (show $value:expr) => {
        info!("shown {}", $value)
    };
    (target $target:expr, $level:path, $message:expr) => {
        log!(target: $target, $level, $message)
    };
    (tokens $($tokens:tt)*) => {
        info!($($tokens)*)
    };
    (prefixed $message:literal) => {
        info!(concat!("strict: ", $message))
    };
    (hidden) => {{
        let hidden = 1;
        info!("x {hidden}");
        info!(concat!("strict: ", "x {hidden}"))
    }};
}

/// Calls from inside the user's own macros.
pub fn nested(id: u64) {
    let hidden = id;
    own!("x {id}", total = id + 1, left = id);
    own!(show id + 1);
    own!(target "db", Level::Warn, "x {hidden}");
    own!(tokens "x {hidden}", id);
    own!(prefixed "x {hidden} {id:?}");
    own!(hidden);
}

/// Variables that only a log line uses.
pub fn only_logged(used_by_nothing_else: u64) {
    let also = 1;
    trace!("x {also}", used_by_nothing_else);
}
