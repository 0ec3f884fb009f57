//! The second half of the source for three editions: scopes, spans and instrumented functions.

use std::error::Error;
use std::fmt::{Debug, Display};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use nexlog::{Level, context, fields, info, instrument, span};

/// Every form of the three macros.
pub fn forms(id: u64, name: &str, error: &std::num::ParseIntError) {
    let set = fields! { component = "db", shard = id };
    let _scope = context!(request_id = id, name, shown = ?name, %id, (name) = id, cause = err(error), ..set);
    let outer = span!("import", file = name, id);
    let inner = span!(level(Level::Debug), parent(&outer), target("db"), "page", id);
    let same = span!(target: "db", parent: None, Level::Debug, "page", n = id + 1, t = secret(name));
    let many = span!("many", a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8, i = 9, j = 10, k = 11, l = 12, m = id);
    let sum = inner.in_scope(|| same.in_scope(|| many.in_scope(|| id + 1)));
    info!("sum", sum);
    let _bare = context!();
}

/// Plain functions, with items first, patterns, early ends.
#[instrument(args)]
#[must_use]
pub fn plain((a, b): (u8, u8), _: u8, [c, ..]: [u8; 3], name: &str) -> u64 {
    const STEP: u64 = 3;
    fn inner(a: u8) -> u64 {
        u64::from(a)
    }
    if a > b {
        return inner(a);
    }
    info!("plain", c);
    inner(b) * STEP + name.len() as u64
}

/// Nothing asked for, nothing returned, nothing used.
#[instrument]
pub fn empty(_unused: u8) {}

/// A unit with a tail.
#[instrument(ret)]
pub fn unit_with_tail(items: &mut Vec<u8>) {
    items.clear();
}

/// Never returns.
#[instrument(ret)]
pub fn never(code: i32) -> ! {
    std::process::exit(code)
}

/// A result, with `?` and a borrowed value.
///
/// # Errors
///
/// When it is empty.
#[instrument("named", level = "debug", target = "db", fields(len = items.len(), first = ?items.first()), err, ret, elapsed)]
pub fn fallible(items: &mut Vec<u8>) -> Result<&mut u8, std::num::ParseIntError> {
    let _number: u8 = "1".parse()?;
    if items.is_empty() {
        items.push(1);
    }
    Ok(&mut items[0])
}

/// Errors that are boxes, texts, and of a generic type.
///
/// # Errors
///
/// Always.
#[instrument(err(level = Level::Warn, Display))]
pub fn boxed(text: String) -> Result<(), Box<dyn Error + Send + Sync>> {
    if text.is_empty() {
        Err("empty")?;
    }
    Err(Box::from(text))
}

/// As above.
///
/// # Errors
///
/// Always.
#[instrument(err, ret(Debug))]
pub fn generic<T, E: Debug>(error: E, value: T) -> Result<T, E>
where
    T: Debug,
{
    drop(value);
    Err(error)
}

/// An ABI of its own.
#[instrument(args)]
#[must_use]
pub extern "C" fn of_c(a: u8) -> u8 {
    a
}

/// A receiver.
#[derive(Debug)]
pub struct Order {
    id: u64,
}

/// What can be done with one.
pub trait Work {
    /// By default.
    #[instrument(fields(step = 1))]
    fn work(&self) -> u8 {
        1
    }

    /// Not by default.
    #[must_use]
    fn rest(&self) -> impl Future<Output = u8> + Send;
}

impl Work for Order {
    #[instrument(fields(self.id))]
    fn work(&self) -> u8 {
        info!("work");
        2
    }

    #[instrument(fields(self.id))]
    async fn rest(&self) -> u8 {
        tick().await;
        3
    }
}

impl Order {
    /// By reference.
    #[instrument(args)]
    #[must_use]
    pub fn by_reference(&self, more: Option<u8>) -> u64 {
        self.id + u64::from(more.unwrap_or(0))
    }

    /// By pointer.
    #[instrument(fields(self.id))]
    #[must_use]
    pub fn by_pointer(self: Arc<Self>) -> u64 {
        self.id
    }

    /// Pinned.
    #[instrument(skip(name), elapsed)]
    pub async fn pinned(self: Pin<&mut Self>, name: String) -> usize {
        tick().await;
        name.len() + self.id.to_string().len()
    }
}

async fn tick() {
    std::future::ready(()).await;
}

/// `?` to a boxed error, an early return, moved arguments.
///
/// # Errors
///
/// When the text is no number.
#[instrument(args, err, ret, elapsed)]
pub async fn asynchronous(text: String, count: usize) -> Result<u32, Box<dyn Error + Send + Sync>> {
    tick().await;
    if count == 0 {
        return Ok(0);
    }
    let number = text.parse::<u32>()?;
    drop(text);
    Ok(number)
}

/// No value.
#[instrument]
pub async fn asynchronous_unit(count: usize) {
    for _ in 0..count {
        tick().await;
    }
}

/// No end.
#[instrument]
pub async fn asynchronous_never() -> ! {
    loop {
        tick().await;
    }
}

/// A type that only the body knows.
#[instrument(args)]
pub async fn opaque<T: Display + Debug + Send, const N: usize>(values: [T; N], more: impl AsRef<str> + Debug + Send) -> impl Iterator<Item = usize> {
    tick().await;
    std::iter::repeat(values.len() + more.as_ref().len())
}

/// A future by `impl`.
#[instrument(fields(count), ret)]
pub fn returned(count: u64) -> impl Future<Output = u64> + Send {
    let doubled = count * 2;
    async move {
        tick().await;
        doubled
    }
}

/// A future that borrows nothing of what it is made from.
#[instrument(args, ret, elapsed)]
pub fn measured(text: &str) -> impl Future<Output = usize> + Send {
    let length = text.len();
    async move {
        tick().await;
        length
    }
}

/// A future in a box, with a borrow.
#[instrument(args, err)]
#[must_use]
pub fn boxed_future(text: &str) -> Pin<Box<dyn Future<Output = Result<u8, std::num::ParseIntError>> + Send + '_>> {
    Box::pin(async move {
        tick().await;
        let number = text.parse()?;
        Ok(number)
    })
}

/// A future in a box, by two ways.
#[instrument(args)]
#[must_use]
pub fn either(text: &str) -> Pin<Box<dyn Future<Output = usize> + Send + '_>> {
    if text.is_empty() {
        return Box::pin(async { 0 });
    }
    Box::pin(async move { text.len() })
}

fn assert_send<T: Send>(value: T) -> T {
    value
}

/// All of them may be spawned.
#[must_use]
pub fn spawnable(order: &Order) -> impl Send + '_ {
    (
        assert_send(asynchronous(String::new(), 1)),
        assert_send(opaque([1], "x")),
        assert_send(returned(1)),
        assert_send(boxed_future("1")),
        assert_send(order.rest()),
    )
}

/// Recursion, in place and in a box.
#[instrument(args)]
#[must_use]
pub fn factorial(number: u64) -> u64 {
    if number == 0 { 1 } else { number * factorial(number - 1) }
}

/// As above.
#[instrument(args)]
#[must_use]
pub fn factorial_in_a_box(number: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async move { if number == 0 { 1 } else { number * factorial_in_a_box(number - 1).await } })
}

/// Names of ours and of the prelude, taken by the user.
pub mod shadowed {
    #![allow(missing_docs, dead_code, non_snake_case, non_upper_case_globals)]

    pub mod core {}
    pub mod std {}
    pub mod nexlog {}
    pub enum Option {
        None,
    }
    pub struct Some;
    pub struct Ok;
    pub struct Err;
    pub struct Box;
    pub struct Span;
    pub struct Site;
    pub struct Body;
    const __private: u8 = 1;

    #[::nexlog::instrument(args, ret)]
    #[must_use]
    pub fn sync(site: u64, span: u64, body: u64, result: u64, output: u64, parent: u64) -> u64 {
        site + span + body + result + output + parent
    }

    #[::nexlog::instrument(args, elapsed)]
    pub async fn asynchronous(site: u64, span: u64, future: u64, output: u64, never: u64) -> u64 {
        super::tick().await;
        site + span + future + output + never
    }

    /// # Errors
    /// Never.
    #[::nexlog::instrument(args, err, ret)]
    pub fn fallible(value: u64, error: u64, output: u64) -> ::core::result::Result<u64, ::std::string::String> {
        ::core::result::Result::Ok(value + error + output)
    }

    pub fn scopes(site: u64, draft: u64) {
        let span = ::nexlog::span!("a", site, draft);
        let parent = 3;
        let _inner = ::nexlog::span!(parent(&span), "b", parent, site);
        let _scope = ::nexlog::context!(site, draft, parent);
    }
}

/// Items named like what an expansion binds.
#[allow(non_upper_case_globals, non_camel_case_types, dead_code)]
pub mod small_items {
    static site: u8 = 1;
    const span: u8 = 2;
    const body: u8 = 3;
    const output: u8 = 4;
    const result: u8 = 5;
    const value: u8 = 6;
    const error: u8 = 7;
    const never: u8 = 8;
    const future: u8 = 9;
    const parent: u8 = 10;
    struct draft;

    /// Synchronous.
    ///
    /// # Errors
    /// Never.
    #[::nexlog::instrument(args, err, ret, elapsed, parent = None)]
    pub fn sync(id: u64) -> Result<u64, u8> {
        let _scope = ::nexlog::context!(id, site, a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8, i = 9, j = 10, k = 11);
        let _span = ::nexlog::span!(parent(None), "inner", value);
        Ok(id)
    }

    /// Asynchronous.
    ///
    /// # Errors
    /// Never.
    #[::nexlog::instrument(args, err, ret, elapsed)]
    pub async fn asynchronous(id: u64) -> Result<u64, u8> {
        super::tick().await;
        Ok(id)
    }
}

/// Without any prelude.
#[no_implicit_prelude]
pub mod bare {
    /// Synchronous.
    ///
    /// # Errors
    /// Never.
    #[::nexlog::instrument(args, err, ret)]
    pub fn sync(id: u64) -> ::std::result::Result<u64, ::std::fmt::Error> {
        let _scope = ::nexlog::context!(id);
        ::std::result::Result::Ok(id)
    }

    /// Asynchronous.
    #[::nexlog::instrument(args, ret)]
    pub async fn asynchronous(id: u64) -> u64 {
        super::tick().await;
        id
    }
}

macro_rules! function {
    ($(#[$attribute:meta])* $name:ident($($argument:ident: $type:ty),*) -> $result:ty $body:block) => {
        $(#[$attribute])*
        #[instrument(args, ret, fields(made = true))]
        pub fn $name($($argument: $type),*) -> $result $body
    };
}

function! {
    /// Made by a macro.
    made(a: u8, b: u8) -> u8 {
        a.wrapping_add(b)
    }
}
