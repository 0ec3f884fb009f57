//! What one value may take, and what a logger's own fields may: what is cut is said to be.

mod support;

use nexlog::{Builder, File, Json, Logger, Memory, Mode, Value, fields, info};
use serde_json::{Value as JsonValue, json};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};
use support::child::{self, told};
use support::{Folder, lines};

support::child::harness! {
    tests: [
        a_value_that_fits_is_whole_and_a_longer_one_is_cut_by_itself,
        other_values_and_those_of_loggers_and_scopes_have_their_own_room,
        a_value_of_the_global_logger_is_cut_too,
        a_limit_that_cannot_work_is_refused,
        fields_of_a_logger_that_are_cut_say_so,
        a_value_that_holds_itself_comes_to_an_end,
        what_is_nested_deep_is_recovered,
    ],
    scenes: [dies, installed],
}

fn logger(change: impl FnOnce(Builder) -> Builder) -> (Logger, Memory) {
    let memory = Memory::new();
    (change(nexlog::builder().sink(memory.clone())).build().unwrap(), memory)
}

fn length(record: &JsonValue, key: &str) -> usize {
    record[key].as_str().unwrap_or_else(|| panic!("no text {key} in {record}")).len()
}

fn a_value_that_fits_is_whole_and_a_longer_one_is_cut_by_itself() {
    for limit in [64, 100, 4_096, 20_000] {
        let (logger, memory) = logger(|b| b.max_value_bytes(limit));
        for given in [limit - 30, limit - 5, limit - 4, limit + 1, 3 * limit] {
            let text = "x".repeat(given);
            let own = format_args!("{text}");
            info!(logger(&logger), "said {text}", text, n = 1);
            let plain = lines::only(&memory);
            info!(logger(&logger), "m", text = display(own), n = 1);
            let rendered = lines::only(&memory);
            info!(logger(&logger), "m", text = serde(&text), n = 1);
            let serialized = lines::only(&memory);
            for record in [plain, rendered, serialized] {
                let kept = length(&record, "text");
                assert_eq!(record["n"], 1);
                if given <= limit - 5 {
                    assert_eq!((kept, record.get("truncated")), (given, None), "{limit}");
                } else {
                    assert!((limit - 6..=limit).contains(&kept), "{kept} of {given}, {limit}");
                    assert_eq!(record["truncated"], given);
                }
            }
        }
    }
}

fn other_values_and_those_of_loggers_and_scopes_have_their_own_room() {
    let (logger, memory) = logger(|b| b.max_value_bytes(1_000).max_record_bytes(2_500));
    let (a, b, c) = ("a".repeat(3_000), "b".repeat(3_000), "c".repeat(3_000));
    let numbers: Vec<u64> = (0..10_000).collect();
    info!(logger(&logger), "m", a, b, c, small = 1, numbers);
    let record = lines::only(&memory);
    assert!((980..1_000).contains(&length(&record, "a")), "{record}");
    assert!((980..1_000).contains(&length(&record, "b")));
    assert!((400..520).contains(&length(&record, "c")), "what is left of the record");
    assert_eq!(record["small"], 1);
    assert_eq!(record["truncated"], 3 * 3_000 + 9 * 10_000);
    info!(logger(&logger), "m", numbers);
    let record = lines::only(&memory);
    assert!((80..120).contains(&record["numbers"].as_array().unwrap().len()), "{record}");
    // A key made at run time has the room of one value.
    info!(logger(&logger), "m", ("key") = &a, ..BTreeMap::from([("x", &a), ("y", &b)]));
    let record = lines::only(&memory);
    assert!(length(&record, "key") > 900 && length(&record, "x") > 900, "{record}");
    // What stands at the call has no part in what its logger has.
    let child = logger.with(fields! { text = "t".repeat(3_000) });
    info!(logger(&child), "m", a);
    let record = lines::only(&memory);
    assert_eq!((length(&record, "text"), record["truncated"].clone()), (3_000, json!(3_000)));
}

/// Its calls have a shorter way than those of other loggers.
fn installed() {
    let console = nexlog::Console::stdout().format(Json::new());
    nexlog::builder().console(console).max_value_bytes(100).install().unwrap();
    let text = "x".repeat(1_000);
    for n in 0..3 {
        info!("m", text = &text, n);
    }
}

fn a_value_of_the_global_logger_is_cut_too() {
    let outcome = child::run("installed", &[]).expect_success();
    let records = lines::parse(&outcome.stdout.lines().map(str::to_owned).collect::<Vec<_>>());
    assert_eq!(records.len(), 3);
    for record in records {
        assert!(length(&record, "text") <= 100, "{record}");
        assert_eq!(record["truncated"], 1_000);
    }
}

fn a_limit_that_cannot_work_is_refused() {
    for bytes in [0, 63] {
        let built = nexlog::builder().sink(Memory::new()).max_value_bytes(bytes).build();
        let error = built.unwrap_err().to_string();
        assert!(error.contains("`max_value_bytes`") && error.contains("at least 64"), "{error}");
    }
    assert!(nexlog::builder().sink(Memory::new()).max_value_bytes(64).build().is_ok());
    // Nobody cuts what every record has without a word.
    let built = nexlog::builder().sink(Memory::new()).field("text", "x".repeat(1 << 20)).build();
    let error = built.unwrap_err().to_string();
    assert!(error.contains("`field`") && error.contains("1 MiB"), "{error}");
}

fn fields_of_a_logger_that_are_cut_say_so() {
    let (logger, memory) = logger(|b| b.max_record_bytes(20_000));
    let whole = logger.with(fields! { text = "t".repeat(3_900) });
    info!(logger(&whole), "m");
    let record = lines::only(&memory);
    assert_eq!((length(&record, "text"), record.get("truncated")), (3_900, None));
    let long = "t".repeat(10_000);
    let cut = logger.with([("text", &long)]);
    info!(logger(&cut), "m", own = 1);
    let record = lines::only(&memory);
    assert!((4_000..4_096).contains(&length(&record, "text")), "{record}");
    assert_eq!((&record["truncated"], &record["own"]), (&json!(10_000), &json!(1)));
    // A second one, and a record that is cut itself, have marks of their own.
    let twice = cut.with([("more", "m".repeat(5_000))]);
    info!(logger(&twice), "m", even = "e".repeat(30_000));
    let record = lines::only(&memory);
    let marks = ["truncated", "truncated_", "truncated__"].map(|key| record[key].clone());
    assert_eq!(marks, [json!(10_000), json!(5_000), json!(30_000)], "{record}");
}

#[derive(Value)]
struct Node {
    name: &'static str,
    next: Link,
}

struct Link(std::cell::RefCell<Weak<Node>>);

impl Value for Link {
    fn record(&self, out: nexlog::ValueWriter<'_>) {
        out.value(&self.0.borrow().upgrade());
    }
}

fn a_value_that_holds_itself_comes_to_an_end() {
    let (logger, memory) = logger(|b| b);
    let node = Rc::new(Node { name: "again", next: Link(Weak::new().into()) });
    *node.next.0.borrow_mut() = Rc::downgrade(&node);
    info!(logger(&logger), "m", node, after = 1);
    let record = lines::only(&memory);
    assert_eq!(
        (&record["node"]["next"]["next"]["name"], &record["after"]),
        (&json!("again"), &json!(1))
    );
    assert!(record.to_string().contains("<nested too deep>"));
}

fn nested(levels: usize) -> JsonValue {
    (0..levels).fold(json!("core"), |inner, _| json!([{ "in": inner }]))
}

fn dies() {
    let file = File::at(told("FILE")).format(Json::new());
    let logger = nexlog::builder().file(file).mode(Mode::Buffered).build().unwrap();
    let deep = nested(200);
    info!(logger(&logger), "deep", value = serde(&deep));
    info!(logger(&logger), "shallow", ("value") = serde(&nested(3)));
    std::process::abort();
}

fn what_is_nested_deep_is_recovered() {
    let folder = Folder::new();
    let path = folder.file("app.log");
    child::run("dies", &[("FILE", path.to_str().unwrap())]).expect_signal(libc::SIGABRT);
    let report = nexlog::recover(folder.path()).unwrap();
    assert_eq!((report.recovered, report.processes[0].damaged), (2, 0), "{report:?}");
    let log = std::fs::read_to_string(path).unwrap();
    assert!(log.contains("<nested too deep>"), "{log}");
    assert!(log.contains(&format!("\"value\":{}", nested(3))), "{log}");
}
