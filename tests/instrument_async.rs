//! What `#[instrument]` does to futures: the span is on at each poll and at the drop, wherever
//! that happens, and never for a neighbour; the future gives what it gave, and is as `Send` as it
//! was.
//!
//! Expected records are written with their fields sorted by key.

// Functions are there to be instrumented.
#![allow(clippy::unused_async, clippy::unnecessary_wraps, clippy::manual_async_fn)]

mod instrument_support;

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context as Waker, Poll, Waker as TaskWaker};

use instrument_support::{block_on, records, told, told_at};
use nexlog::{Context, Level, info, instrument, span};

/// Ready the second time it is polled. Says when, and when it is dropped.
struct Tick {
    is_second: bool,
}

impl Future for Tick {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Waker<'_>) -> Poll<()> {
        info!("polled");
        if std::mem::replace(&mut self.is_second, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Tick {
    fn drop(&mut self) {
        info!("dropped");
    }
}

fn tick() -> Tick {
    Tick { is_second: false }
}

/// Polls once.
fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Waker::from_waker(TaskWaker::noop()))
}

#[instrument(fields(id))]
async fn work(id: u64) -> u64 {
    info!("begun");
    tick().await;
    info!("done");
    id + 1
}

#[test]
fn the_span_is_on_at_each_poll_and_off_between() {
    let told = told(|| {
        let mut future = pin!(work(7));
        info!("made");
        assert!(poll(future.as_mut()).is_pending());
        info!("between");
        assert_eq!(poll(future), Poll::Ready(8));
        info!("after");
    });
    let inside = r#" id=7 span="work""#;
    let expected = [
        "made".to_owned(),
        format!("begun{inside}"),
        format!("polled{inside}"),
        "between".to_owned(),
        format!("polled{inside}"),
        format!("dropped{inside}"),
        format!("done{inside}"),
        "after".to_owned(),
    ];
    assert_eq!(told, expected.map(|text| format!("INFO {text}")));
}

#[test]
fn neighbours_do_not_see_each_other() {
    let told = told(|| {
        let (mut a, mut b) = (pin!(work(1)), pin!(work(2)));
        assert!(poll(a.as_mut()).is_pending());
        assert!(poll(b.as_mut()).is_pending());
        assert!(poll(a).is_ready());
        assert!(poll(b).is_ready());
    });
    let ids: Vec<bool> = told.iter().map(|record| record.contains("id=1 ")).collect();
    assert_eq!(ids, [true, true, false, false, true, true, true, false, false, false]);
}

#[test]
fn a_future_that_is_never_finished_is_dropped_inside_and_one_never_polled_says_nothing() {
    let told = told(|| {
        drop(work(1));
        let mut future = Box::pin(work(2));
        assert!(poll(future.as_mut()).is_pending());
        drop(future);
        info!("after");
    });
    assert_eq!(told[2..], [r#"INFO dropped id=2 span="work""#, "INFO after"]);
}

#[instrument(fields(outer))]
async fn nested(outer: u64) {
    work(3).await;
    tick().await;
    std::future::ready(()).await;
    info!("outer");
}

#[test]
fn spans_nest_by_await_whatever_the_caller_is_in() {
    let told = told(|| {
        let future = {
            let _scope = nexlog::context!(made = true);
            nested(1)
        };
        let _scope = nexlog::context!(polled = true);
        block_on(future);
    });
    assert_eq!(told[0], r#"INFO begun id=3 outer=1 polled=true span="work""#);
    assert_eq!(told.last().unwrap(), r#"INFO outer outer=1 polled=true span="nested""#);
}

#[instrument(parent = parent)]
async fn child(parent: &Context) {
    info!("m");
}

#[test]
fn a_parent_takes_the_place_of_where_it_is_polled() {
    let told = told(|| {
        let context = span!("request", id = 5).in_scope(Context::current);
        let _around = nexlog::context!(around = 1);
        block_on(child(&context));
    });
    assert_eq!(told, [r#"INFO m id=5 span="child""#]);
}

// Results.

#[instrument(args, err, ret)]
async fn parse(text: String) -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
    tick().await;
    if text == "early" {
        return Ok(0);
    }
    let number: u32 = text.parse()?;
    drop(text);
    if number > 9 {
        Err("large")?;
    }
    Ok(number)
}

#[instrument(err(level = "warn", Debug), ret(level = Level::Debug, Display))]
async fn parse_in_other_forms(text: &str) -> Result<u32, std::num::ParseIntError> {
    text.parse()
}

#[test]
fn results_are_told_once_inside_the_span() {
    let results = |work: fn()| -> Vec<String> {
        told(work).into_iter().filter(|record| record.contains("returned")).collect()
    };
    let told = results(|| {
        for text in ["early", "7", "77", "x"] {
            _ = block_on(parse(text.to_owned()));
        }
        _ = block_on(parse_in_other_forms("1"));
        _ = block_on(parse_in_other_forms(""));
    });
    let error = |text: &str, message: &str| {
        format!(
            r#"ERROR returned an error error={{"chain":[],"msg":"{message}"}} span="parse" text="{text}""#
        )
    };
    let expected = [
        r#"INFO returned return=0 span="parse" text="early""#.to_owned(),
        r#"INFO returned return=7 span="parse" text="7""#.to_owned(),
        error("77", "large"),
        error("x", "invalid digit found in string"),
        r#"DEBUG returned return="1" span="parse_in_other_forms""#.to_owned(),
        r#"WARN returned an error error="ParseIntError { kind: Empty }" span="parse_in_other_forms""#
            .to_owned(),
    ];
    assert_eq!(told, expected);
}

#[instrument(level = "debug", fields(evaluated = evaluate()), err)]
async fn quiet() -> Result<(), u8> {
    info!("m");
    Err(1)
}

fn evaluate() -> u8 {
    info!("evaluated");
    1
}

#[test]
fn a_span_that_is_not_wanted_evaluates_nothing_and_a_failure_is_still_told() {
    let off = told_at("info", || _ = block_on(quiet()));
    assert_eq!(off, ["INFO m", r#"ERROR returned an error error="1""#]);
    let on = told_at("debug", || _ = block_on(quiet()));
    let inside = r#" evaluated=1 span="quiet""#;
    let error = r#"ERROR returned an error error="1""#;
    let expected =
        ["INFO evaluated".to_owned(), format!("INFO m{inside}"), error.to_owned() + inside];
    let sorted = |record: &str| {
        let mut parts: Vec<String> = record.split(' ').map(str::to_owned).collect();
        parts.sort();
        parts
    };
    let sort = |records: &[String]| records.iter().map(|record| sorted(record)).collect::<Vec<_>>();
    assert_eq!(sort(&on), sort(&expected));
}

#[instrument(elapsed)]
async fn timed() {
    tick().await;
}

#[test]
fn elapsed_is_busy_and_idle() {
    let all = records(|| {
        let mut future = pin!(timed());
        assert!(poll(future.as_mut()).is_pending());
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert!(poll(future).is_ready());
    });
    let finished = all.last().unwrap();
    let seconds = |key: &str| finished[key].as_f64().unwrap();
    assert_eq!(
        (finished["msg"].as_str(), finished["span"].as_str()),
        (Some("finished"), Some("timed"))
    );
    assert!(seconds("idle") >= 0.02 && seconds("busy") < seconds("idle"), "{finished:?}");
    assert!((seconds("busy") + seconds("idle") - seconds("elapsed")).abs() < 1e-6);
}

// Functions that return futures.

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

#[instrument(args, ret)]
fn opaque(id: u64) -> impl Future<Output = u64> + Send {
    info!("called");
    let doubled = id * 2;
    async move {
        info!("begun");
        tick().await;
        doubled
    }
}

#[instrument(args, ret)]
fn boxed(id: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    info!("called");
    let doubled = id * 2;
    Box::pin(async move {
        info!("begun");
        tick().await;
        doubled
    })
}

#[instrument(args, ret)]
fn boxed_elsewhere(id: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    info!("called");
    if id == 0 {
        return Box::pin(async { 0 });
    }
    let future = async move {
        info!("begun");
        tick().await;
        id * 2
    };
    Box::pin(future)
}

#[instrument(future, args, ret)]
fn by_another_name(id: u64) -> Boxed<'static, u64> {
    info!("called");
    let future = async move {
        info!("begun");
        tick().await;
        id * 2
    };
    Box::pin(future)
}

#[test]
fn a_function_that_returns_a_future_runs_in_its_span_as_the_future_does() {
    fn check(name: &str, call: impl FnOnce() -> Boxed<'static, u64>) {
        let told = told(|| {
            let future = {
                let _scope = nexlog::context!(made = true);
                call()
            };
            info!("between");
            assert_eq!(block_on(future), 6);
        });
        let inside = format!(r#"id=3 made=true span="{name}""#);
        let expected = [
            format!("INFO called {inside}"),
            "INFO between".to_owned(),
            format!("INFO begun {inside}"),
            format!("INFO polled {inside}"),
            format!("INFO polled {inside}"),
            format!("INFO dropped {inside}"),
            format!(r#"INFO returned id=3 made=true return=6 span="{name}""#),
        ];
        assert_eq!(told, expected);
    }
    check("opaque", || Box::pin(opaque(3)));
    check("boxed", || boxed(3));
    check("boxed_elsewhere", || boxed_elsewhere(3));
    check("by_another_name", || by_another_name(3));
    assert_eq!(told(|| _ = block_on(boxed_elsewhere(0))).len(), 2);
}

/// As `async_trait` writes them.
trait Store {
    fn load<'life0, 'life1, 'async_trait>(
        &'life0 self,
        key: &'life1 str,
    ) -> Pin<Box<dyn Future<Output = Result<u64, String>> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        'life1: 'async_trait,
        Self: 'async_trait;
}

struct Shelf {
    id: u64,
}

impl Store for Shelf {
    #[instrument(fields(self.id, key), err, ret)]
    fn load<'life0, 'life1, 'async_trait>(
        &'life0 self,
        key: &'life1 str,
    ) -> Pin<Box<dyn Future<Output = Result<u64, String>> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        'life1: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move {
            if let Some(__ret) = None::<Result<u64, String>> {
                return __ret;
            }
            let __self = self;
            let key = key;
            let __ret: Result<u64, String> = {
                tick().await;
                if key.is_empty() {
                    return Err("no key".into());
                }
                Ok(__self.id)
            };
            __ret
        })
    }
}

#[test]
fn a_function_of_async_trait_is_as_an_async_one() {
    let told = told(|| {
        let shelf = Shelf { id: 4 };
        let future = {
            let _scope = nexlog::context!(made = true);
            shelf.load("a")
        };
        let _scope = nexlog::context!(polled = true);
        assert_eq!(block_on(future), Ok(4));
        _ = block_on(shelf.load(""));
    });
    let results: Vec<_> = told.iter().filter(|record| record.contains("returned")).collect();
    let expected = [
        r#"INFO returned id=4 key="a" polled=true return=4 span="load""#,
        r#"ERROR returned an error error="no key" id=4 key="" polled=true span="load""#,
    ];
    assert_eq!(results, expected);
}

// Kinds of functions.

trait Work {
    #[instrument(fields(from = "default"))]
    async fn by_default(&self) -> u8 {
        info!("m");
        1
    }

    async fn required(&self) -> u8;

    fn returned(&self) -> impl Future<Output = u64> + Send;
}

impl Work for Shelf {
    #[instrument(fields(self.id))]
    async fn required(&self) -> u8 {
        info!("m");
        self.by_default().await
    }

    #[instrument(fields(self.id))]
    fn returned(&self) -> impl Future<Output = u64> + Send {
        info!("m");
        async move { self.id }
    }
}

impl Shelf {
    #[instrument(fields(self.id))]
    async fn by_mutable_reference(&mut self) -> &mut u64 {
        self.id += 1;
        info!("m");
        &mut self.id
    }

    #[instrument(fields(self.id))]
    async fn by_value(self) -> u64 {
        info!("m");
        self.id
    }

    #[instrument(fields(self.id))]
    async fn by_arc(self: Arc<Self>) {
        info!("m");
    }

    #[instrument(fields(self.id))]
    async fn pinned(self: Pin<&mut Self>, more: u64) {
        info!("m", more);
    }
}

#[test]
fn methods_of_every_self_are_in_their_span() {
    let told = told(|| {
        let mut shelf = Shelf { id: 1 };
        block_on(shelf.required());
        block_on(shelf.returned());
        *block_on(shelf.by_mutable_reference()) += 1;
        block_on(Pin::new(&mut shelf).pinned(9));
        block_on(shelf.by_value());
        block_on(Arc::new(Shelf { id: 4 }).by_arc());
    });
    let expected = [
        r#"INFO m id=1 span="required""#,
        r#"INFO m from="default" id=1 span="by_default""#,
        r#"INFO m id=1 span="returned""#,
        r#"INFO m id=1 span="by_mutable_reference""#,
        r#"INFO m id=3 more=9 span="pinned""#,
        r#"INFO m id=3 span="by_value""#,
        r#"INFO m id=4 span="by_arc""#,
    ];
    assert_eq!(told, expected);
}

#[instrument(args)]
async fn generic<T, const N: usize>(
    (a, b): (u8, u8),
    list: [T; N],
    text: impl AsRef<str> + std::fmt::Debug,
) -> impl Iterator<Item = usize>
where
    T: std::fmt::Debug,
{
    info!("m");
    let length = text.as_ref().len();
    drop(text);
    list.into_iter().map(move |_| length + usize::from(a + b))
}

#[instrument(args)]
async fn recursive(depth: u64) -> u64 {
    if depth == 0 {
        info!("m");
        return 0;
    }
    1 + Box::pin(recursive(depth - 1)).await
}

#[instrument]
async fn coerced(is_ok: bool) -> Result<Box<dyn Fn() -> u8>, Box<dyn std::error::Error>> {
    if is_ok {
        return Ok(Box::new(|| 1));
    }
    Err(Box::new(std::fmt::Error))
}

#[instrument(fields(n))]
async fn never(n: u64) -> ! {
    loop {
        tick().await;
    }
}

#[instrument]
async unsafe fn unsafely() -> u8 {
    info!("m");
    1
}

#[test]
fn async_functions_of_every_kind_are_the_same_functions() {
    let told = told(|| {
        let lengths: Vec<usize> = block_on(generic((1, 2), [(); 2], String::from("ab"))).collect();
        assert_eq!(lengths, [5, 5]);
        assert_eq!(block_on(recursive(3)), 3);
        assert_eq!(block_on(coerced(true)).unwrap()(), 1);
        assert!(block_on(coerced(false)).is_err());
        let mut future = Box::pin(never(1));
        assert!(poll(future.as_mut()).is_pending() && poll(future.as_mut()).is_pending());
        std::mem::forget(future);
        // SAFETY: it asks for nothing.
        assert_eq!(block_on(unsafe { unsafely() }), 1);
        info!("after");
    });
    let expected = [
        r#"INFO m a=1 b=2 list="[(), ()]" span="generic" text="\"ab\"""#,
        r#"INFO m depth=0 span="recursive""#,
        r#"INFO polled n=1 span="never""#,
        r#"INFO polled n=1 span="never""#,
        r#"INFO dropped n=1 span="never""#,
        r#"INFO polled n=1 span="never""#,
        r#"INFO m span="unsafely""#,
        "INFO after",
    ];
    assert_eq!(told, expected);
}

#[instrument(fields(id))]
async fn panics(id: u64) {
    let _scope = nexlog::context!(scope = 1);
    assert!(id == 0, "on purpose");
}

#[test]
fn a_panic_leaves_the_context_as_it_was() {
    let told = told(|| {
        let _outer = nexlog::context!(outer = 1);
        assert!(catch_unwind(AssertUnwindSafe(|| block_on(panics(1)))).is_err());
        info!("after");
    });
    assert_eq!(told, ["INFO after outer=1"]);
}

#[instrument(fields(task))]
async fn spawned(task: u64) {
    for _ in 0..20 {
        tokio::task::yield_now().await;
        info!("m", own = task);
        nested_in_task(task).await.unwrap();
    }
}

#[instrument(args, err, elapsed)]
async fn nested_in_task(inner: u64) -> Result<(), u8> {
    tokio::task::yield_now().await;
    info!("m", own = inner);
    Ok(())
}

#[test]
fn spawned_tasks_carry_their_own_span_from_thread_to_thread() {
    let all = records(|| {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
        runtime.block_on(async {
            let tasks: Vec<_> = (0..50).map(|task| tokio::spawn(spawned(task))).collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
    });
    let marked: Vec<_> = all.iter().filter(|record| record["msg"] == "m").collect();
    assert_eq!(marked.len(), 50 * 20 * 2);
    for record in &marked {
        assert_eq!(record["own"], record["task"], "{record:?}");
        if record["span"] == "nested_in_task" {
            assert_eq!(record["own"], record["inner"], "{record:?}");
        }
    }
}
