//! A test's records where its harness looks.
//!
//! The harness of `cargo test` captures what `print!` says, for each thread that a test starts, and
//! shows it when the test fails. So the thread that makes a record prints it, through `print!`
//! and nothing else: a sink is called by whoever drains, which may be another test.

use core::marker::PhantomData;
use std::sync::{Arc, Mutex, Once, PoisonError};

use super::capture::filter;
use super::tap::{self, Does, Tap, Wants};
use crate::buffer::Buffer;
use crate::builder::builder;
use crate::format::Format;
use crate::format::text::Text;
use crate::pipeline::contain::contain;
use crate::record::Record;
use crate::sink::memory::Memory;
use crate::sink::output::Output;

/// The filter where a test states none.
const DEFAULT: &str = "debug";

/// Has the records of all tests printed through `print!`, which the test harness captures: those of
/// a test are shown when it fails, and with `--nocapture`. Call it in each test, or once; it does
/// nothing more the second time.
///
/// It installs a global logger, so that what asks for one finds it: with the filter of the
/// environment (`NEXLOG`, else `RUST_LOG`), else `debug`;
/// [`set_filter`](crate::set_filter) changes it. Where a logger is installed already, that one has
/// its say, and this does nothing.
///
/// ```
/// fn a_test() {
///     nexlog_runtime::testing::init();
///     // what is logged from here on is in the test's output
/// }
/// # a_test();
/// ```
pub fn init() {
    static ONCE: Once = Once::new();
    static TAP: Mutex<Option<Arc<Tap>>> = Mutex::new(None);
    ONCE.call_once(|| {
        let nobody = Output::from(Memory::new()).filter("off");
        let logger = builder().filter(DEFAULT).filter_env("NEXLOG").sink(nobody);
        if logger.install().is_ok() {
            let tap = Tap::new(Wants::Logger, Does::Print);
            tap::listen_everywhere(&tap);
            *TAP.lock().unwrap_or_else(PoisonError::into_inner) = Some(tap);
        }
    });
}

/// While a `#[nexlog::test]` runs.
#[doc(hidden)]
pub struct TestRuns {
    tap: Arc<Tap>,
    _not_send: PhantomData<*const ()>,
}

impl TestRuns {
    /// A test begins on this thread. Its own threads are heard, too: all that have no other test.
    #[doc(hidden)]
    #[track_caller]
    pub fn begin(directives: Option<&str>) -> TestRuns {
        let environment = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
        let stated = directives.map(filter);
        let filter = stated.unwrap_or_else(|| {
            let said = environment("NEXLOG").or_else(|| environment("RUST_LOG"));
            crate::Filter::parse(said.as_deref().unwrap_or(DEFAULT)).0
        });
        let tap = Tap::new(Wants::Filter(filter), Does::Print);
        tap::listen_here(&tap);
        tap::listen_everywhere(&tap);
        TestRuns { tap, _not_send: PhantomData }
    }
}

impl Drop for TestRuns {
    fn drop(&mut self) {
        tap::leave_everywhere(&self.tap);
        tap::leave(&self.tap);
    }
}

/// Prints one record.
pub(super) fn print(record: &Record<'_>) {
    let mut line = Buffer::new();
    Text::compact().encode(record, &mut line);
    // Standard output may be closed, for which `print!` panics.
    contain(|| print!("{}", String::from_utf8_lossy(line.as_bytes())));
}

/// Runs a future to its end on this thread: for a `#[nexlog::test]` without a runtime.
#[doc(hidden)]
pub fn block_on<F: Future>(future: F) -> F::Output {
    use std::task::{Context, Poll, Wake, Waker};

    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let mut future = std::pin::pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}
