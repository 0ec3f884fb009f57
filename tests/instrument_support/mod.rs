//! What the tests of `#[instrument]` share: the records of the global logger, as the attribute
//! makes its own there, and the smallest executor.

#![allow(dead_code)] // each test program uses its part

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};

use nexlog::{Logger, Memory};
use serde_json::{Map, Value};

/// The global logger, and one test at a time.
fn desk() -> (&'static (Logger, Memory), MutexGuard<'static, ()>) {
    static DESK: OnceLock<(Logger, Memory)> = OnceLock::new();
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let desk = DESK.get_or_init(|| {
        let memory = Memory::new();
        let logger = nexlog::builder().filter("trace").sink(memory.clone()).install().unwrap();
        (logger, memory)
    });
    desk.0.set_filter("trace").unwrap();
    desk.1.take();
    (desk, turn)
}

/// The records that are made by `work`: `INFO paid total=3 span="pay" id=7`.
pub fn told(work: impl FnOnce()) -> Vec<String> {
    told_at("trace", work)
}

/// The same under a filter.
pub fn told_at(filter: &str, work: impl FnOnce()) -> Vec<String> {
    records_at(filter, work).iter().map(brief).collect()
}

/// The records themselves.
pub fn records(work: impl FnOnce()) -> Vec<Map<String, Value>> {
    records_at("trace", work)
}

fn records_at(filter: &str, work: impl FnOnce()) -> Vec<Map<String, Value>> {
    let ((logger, memory), _turn) = desk();
    logger.set_filter(filter).unwrap();
    work();
    memory.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Level, message, and the rest as it comes, sorted by key: `serde_json` keeps no order.
fn brief(record: &Map<String, Value>) -> String {
    let text = |key: &str| record[key].as_str().unwrap().to_owned();
    let mut brief = format!("{} {}", text("level"), text("msg"));
    for (key, value) in record {
        if !matches!(key.as_str(), "ts" | "level" | "target" | "msg") {
            for part in [" ", key, "=", &value.to_string()] {
                brief.push_str(part);
            }
        }
    }
    brief
}

/// Polls until the future is ready.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

/// Ready the second time it is polled.
pub async fn tick() {
    let mut is_second = false;
    poll_fn(
        |_| {
            if std::mem::replace(&mut is_second, true) { Poll::Ready(()) } else { Poll::Pending }
        },
    )
    .await;
}
