//! Captures for tests: typed records of one thread, whatever a logger wants, and of several.

mod support;

use nexlog::testing::{capture, capture_all, capture_all_with, capture_with};
use nexlog::{Context, Level, Memory, Value, ValueRef, ValueWriter};
use nexlog::{debug, error, info, log, trace, warn};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Barrier, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use support::PATIENCE;

fn panic_text(f: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("it panics");
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(other) => (*other.downcast::<&str>().expect("a text")).to_owned(),
    }
}

/// The file in which this thread's next panic is said to be.
fn panic_file(f: impl FnOnce()) -> String {
    let (this, found) = (std::thread::current().id(), Arc::new(Mutex::new(String::new())));
    let before = Arc::new(std::panic::take_hook());
    let (hook, seen) = (Arc::clone(&before), Arc::clone(&found));
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() == this {
            info.location().unwrap().file().clone_into(&mut seen.lock().unwrap());
        } else {
            hook(info);
        }
    }));
    panic_text(f);
    std::panic::set_hook(Box::new(move |info| before(info)));
    found.lock().unwrap().clone()
}

#[test]
fn a_failed_search_is_told_where_it_was_made() {
    let records = capture();
    info!("paid", order_id = 7);
    let soon = Duration::from_millis(1);
    let searches: [&dyn Fn(); 4] = [
        &|| drop(records.find("refused")),
        &|| drop(records.wait_for("refused", soon)),
        &|| drop(records.find("paid").field::<String>("order_id")),
        &|| drop(records.find("paid").field::<String>("total")),
    ];
    for search in searches {
        assert_eq!(panic_file(search), file!());
    }
}

#[test]
fn a_record_is_found_with_typed_fields_without_any_logger() {
    let records = capture();
    info!("paid", order_id = 7, total = 12.5, fast = true, currency = "EUR");
    let paid = records.find("paid");
    assert_eq!(paid.field::<u64>("order_id"), 7);
    assert_eq!(paid.field::<i64>("order_id"), 7);
    assert!((paid.field::<f64>("total") - 12.5).abs() < f64::EPSILON);
    assert!(paid.field::<bool>("fast"));
    assert_eq!(paid.field::<&str>("currency"), "EUR");
    assert_eq!(paid.field::<String>("currency"), "EUR");
    assert_eq!(paid.field::<Option<u64>>("discount"), None);
    assert_eq!(paid.field::<Option<u64>>("order_id"), Some(7));
    assert_eq!(records.find("paid").field::<u64>("order_id"), 7);
    assert_eq!((paid.level(), paid.target()), (Level::Info, module_path!()));
    assert_eq!(paid.record().file(), file!());
    assert_eq!((records.len(), records.is_empty()), (1, false));
}

#[test]
fn each_type_comes_back_as_it_was_logged() {
    struct Twice(u64);
    impl Value for Twice {
        fn record(&self, out: ValueWriter<'_>) {
            out.u64(self.0 * 2);
        }
    }
    let records = capture();
    let time = UNIX_EPOCH + Duration::new(1_700_000_000, 5);
    let early = UNIX_EPOCH - Duration::from_millis(1_500);
    let map = BTreeMap::from([("a", 1_u8), ("b", 2)]);
    let ip: std::net::IpAddr = "10.0.0.1".parse().unwrap();
    let source = std::io::Error::other("no route");
    info!(
        "all",
        big = u128::MAX,
        small = i8::MIN,
        single = 0.5_f32,
        letter = 'x',
        took = Duration::from_millis(3),
        at = time,
        before = early,
        from = ip,
        list = [1, 2, 3],
        map,
        raw = bytes(b"\x01\xff"),
        key = secret("k"),
        failure = err(&source),
        shown = ?Some(1),
        twice = Twice(4),
        path = std::path::Path::new("/tmp/x"),
    );
    let all = records.find("all");
    assert_eq!(all.field::<u128>("big"), u128::MAX);
    assert_eq!(all.get::<u64>("big"), None, "it does not fit");
    assert_eq!(all.field::<i8>("small"), i8::MIN);
    assert!((all.field::<f32>("single") - 0.5).abs() < f32::EPSILON);
    assert_eq!(all.field::<char>("letter"), 'x');
    assert_eq!(all.field::<Duration>("took"), Duration::from_millis(3));
    assert_eq!(all.field::<SystemTime>("at"), time);
    assert_eq!(all.field::<SystemTime>("before"), early);
    assert_eq!(all.field::<std::net::IpAddr>("from"), ip);
    assert_eq!(all.field::<Vec<u32>>("list"), [1, 2, 3]);
    let expected = BTreeMap::from([("a".to_owned(), 1_u8), ("b".to_owned(), 2)]);
    assert_eq!(all.field::<BTreeMap<String, u8>>("map"), expected);
    assert_eq!(all.field::<Vec<u8>>("raw"), [1, 255]);
    assert_eq!(all.value("key"), Some(ValueRef::Secret));
    assert_eq!(all.field::<&str>("failure"), "no route");
    assert_eq!(all.field::<&str>("shown"), "Some(1)");
    assert_eq!(all.field::<u64>("twice"), 8);
    assert_eq!(all.field::<String>("path"), "/tmp/x");
    assert!(!format!("{records:?} {records}").contains("\"k\""));
}

#[test]
fn a_message_is_found_as_it_was_rendered_and_else_by_a_part() {
    let records = capture();
    info!("unpaid");
    let count = 3;
    info!("paid {count} items");
    info!("paid");
    assert_eq!(records.find("paid").field::<Option<u64>>("count"), None);
    assert_eq!(records.find("paid 3 items").field::<u64>("count"), 3);
    assert_eq!(records.find("3 items").message(), "paid 3 items");
    assert_eq!(records.all("paid").len(), 1, "the exact one");
    assert_eq!(records.all("pai").len(), 3);
    assert_eq!(records.messages(), ["unpaid", "paid 3 items", "paid"]);
    assert_eq!(records.first().unwrap().message(), "unpaid");
    assert_eq!(records.last().unwrap().message(), "paid");
    assert!(records.get("sold").is_none());
    records.assert_logged("unpaid");
    records.assert_not_logged("sold");
    let mut messages = Vec::new();
    for record in &records {
        messages.push(record.message());
    }
    assert_eq!(messages.len(), 3);
    assert_eq!(records.take().len(), 3);
    records.assert_empty();
    info!("more");
    records.clear();
    assert!(records.is_empty());
}

#[test]
fn context_and_span_are_part_of_a_record() {
    let records = capture();
    let _scope = nexlog::context!(request_id = "r-1");
    nexlog::span!("checkout", user = 5).in_scope(|| info!("paid"));
    debug!("after");
    let paid = records.find("paid");
    assert_eq!(paid.field::<&str>("request_id"), "r-1");
    assert_eq!(paid.field::<u8>("user"), 5);
    assert_eq!((paid.span(), records.find("after").span()), (Some("checkout"), None));
    assert!(paid.has("user") && !records.find("after").has("user"));
}

#[test]
fn all_levels_are_heard_unless_a_filter_says_else() {
    let all = capture();
    let some = capture_with("off,testing=warn,chosen=trace,[deep]=debug");
    trace!("t");
    debug!("d");
    warn!("w");
    trace!(target("chosen"), "ct");
    nexlog::span!("deep").in_scope(|| debug!(target("elsewhere"), "dd"));
    log!(std::hint::black_box(Level::Trace), "run time");
    log!(std::hint::black_box(Level::Error), "grave");
    assert_eq!(all.messages(), ["t", "d", "w", "ct", "dd", "run time", "grave"]);
    assert_eq!(some.messages(), ["w", "ct", "dd", "grave"]);
    assert!(nexlog::enabled!(Level::Trace), "for what asks before");
    let text = panic_text(|| drop(capture_with("info,db=debg")));
    assert!(text.contains("debg") && text.contains("debug"), "{text}");
}

#[test]
fn two_threads_never_see_each_other() {
    let barrier = Arc::new(Barrier::new(2));
    let threads = ["one", "two"].map(|name| {
        let barrier = Arc::clone(&barrier);
        std::thread::spawn(move || {
            let records = capture();
            barrier.wait();
            for number in 0..500 {
                debug!("step", name, number);
            }
            barrier.wait();
            let names = records.iter().map(|r| r.field::<String>("name"));
            assert!(names.into_iter().all(|other| other == name));
            let numbers: Vec<u32> = records.iter().map(|r| r.field("number")).collect();
            assert_eq!(numbers, (0..500).collect::<Vec<_>>());
        })
    });
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn captures_that_begin_and_end_at_once_miss_nothing() {
    let threads: Vec<_> = (0..8)
        .map(|_| {
            std::thread::spawn(|| {
                for n in 0..500 {
                    let records = capture();
                    debug!("step", n);
                    assert_eq!(records.find("step").field::<u32>("n"), n);
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn captures_nest_and_end_with_what_holds_them() {
    let outer = capture();
    info!("first");
    let inner = capture();
    info!("second");
    drop(inner);
    info!("third");
    let kept = outer.to_vec();
    drop(outer);
    info!("unheard");
    assert_eq!(kept.len(), 3);
    assert_eq!(kept[2].message(), "third", "it stays when the capture is over");
}

#[test]
fn a_capture_changes_nothing_of_what_a_local_logger_writes() {
    let memory = Memory::new();
    let logger = nexlog::builder().filter("warn").sink(&memory).build().unwrap();
    let child = logger.with(nexlog::fields! { component = "db" });
    let log = || {
        debug!(logger(&child), "quiet");
        warn!(logger(&child), "loud", n = 1);
    };
    log();
    let before = (memory.take(), logger.stats().accepted);
    let records = capture();
    log();
    assert_eq!(records.find("quiet").field::<&str>("component"), "db");
    assert_eq!(records.find("loud").field::<u8>("n"), 1);
    drop(records);
    let strip = |bytes: &[u8]| {
        let text = String::from_utf8(bytes.to_owned()).unwrap();
        text.split_once(",\"level\"").unwrap().1.to_owned()
    };
    assert_eq!(strip(&memory.take()), strip(&before.0));
    assert_eq!(logger.stats().accepted, 2 * before.1);
    assert_eq!(logger.stats().dropped, 0);
}

#[test]
fn other_threads_join_by_a_collector() {
    let records = capture();
    let collector = records.collector();
    let context = Context::current();
    let thread = std::thread::spawn(move || {
        info!("not yet");
        let listening = collector.listen();
        debug!("from another thread");
        drop(listening);
        info!("no more");
        drop(context);
    });
    records.wait_for("from another thread", PATIENCE);
    thread.join().unwrap();
    assert_eq!(records.len(), 1, "{records}");
    let text = panic_text(|| drop(records.wait_for("never", Duration::from_millis(5))));
    assert!(text.contains("`never`") && text.contains("from another thread"), "{text}");
}

#[test]
fn a_runtime_of_several_threads_is_heard_through_a_collector() {
    let records = capture();
    let collector = records.collector();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .on_thread_start(move || std::mem::forget(collector.listen()))
        .build()
        .unwrap();
    runtime.block_on(async {
        let tasks: Vec<_> =
            (0..20).map(|n| tokio::spawn(async move { debug!("task", n) })).collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    let mut numbers: Vec<u32> = records.all("task").iter().map(|r| r.field("n")).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..20).collect::<Vec<_>>());
}

#[test]
fn a_capture_of_the_whole_process_hears_every_thread_one_test_at_a_time() {
    let counts: Vec<_> = (0..4)
        .map(|test: u32| {
            std::thread::spawn(move || {
                let records = capture_all_with("off,all_of_it=trace");
                let again = capture_all();
                let worker = std::thread::spawn(move || {
                    debug!(target("all_of_it"), "from a thread", test);
                });
                worker.join().unwrap();
                again.assert_logged("from a thread");
                std::thread::sleep(Duration::from_millis(5));
                let tests = records.iter().map(|record| record.field::<u32>("test"));
                assert!(tests.into_iter().all(|other| other == test));
                records.len()
            })
        })
        .collect();
    assert_eq!(counts.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>(), 4);
}

#[test]
fn a_failed_look_says_what_there_is() {
    let records = capture();
    info!(target("shop"), "paid", order_id = 7);
    let text = panic_text(|| drop(records.find("sold")));
    assert!(text.contains("`sold`") && text.contains("INFO shop: paid order_id=7"), "{text}");
    let paid = records.find("paid");
    let text = panic_text(|| drop(paid.field::<String>("order_id")));
    assert!(text.contains("order_id") && text.contains("String"), "{text}");
    let text = panic_text(|| {
        paid.field::<u8>("missing");
    });
    assert!(text.contains("no field `missing`") && text.contains("shop: paid"), "{text}");
    let text = panic_text(|| records.assert_not_logged("paid"));
    assert!(text.contains("shop: paid"), "{text}");
    let text = panic_text(|| records.assert_empty());
    assert!(text.contains("shop: paid"), "{text}");
    records.clear();
    assert!(panic_text(|| records.assert_logged("x")).contains("there are no records"));
}

#[test]
fn a_value_that_panics_or_logs_is_heard_as_a_logger_would() {
    struct Logs;
    impl std::fmt::Display for Logs {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            info!("from inside");
            f.write_str("shown")
        }
    }
    struct Panics;
    impl std::fmt::Display for Panics {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("told to")
        }
    }
    let records = capture();
    error!("outside", value = %Logs);
    assert_eq!(records.messages(), ["from inside", "outside"]);
    assert_eq!(records.find("outside").field::<&str>("value"), "shown");
    panic_text(|| error!("never made", value = %Panics));
    info!("later");
    assert_eq!(records.messages(), ["from inside", "outside", "later"]);
}

#[test]
fn a_long_value_is_whole() {
    let records = capture();
    let text = "x".repeat(100_000);
    debug!("long", text = text.as_str());
    assert_eq!(records.find("long").field::<&str>("text").len(), text.len());
}
