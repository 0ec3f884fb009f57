//! What `#[instrument]` does to a function: which records carry its span, with which fields;
//! what is said of its result; and that it is the same function otherwise.
//!
//! Expected records are written with their fields sorted by key.

// Functions are there to be instrumented.
#![allow(clippy::unnecessary_wraps, clippy::needless_pass_by_value, clippy::too_many_arguments)]
#![allow(clippy::trivially_copy_pass_by_ref, clippy::ptr_arg, clippy::unused_self)]
#![allow(clippy::mixed_attributes_style, clippy::multiple_bound_locations)]

mod instrument_support;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

use instrument_support::{records, told, told_at};
use nexlog::{Context, Level, info, instrument, span};

#[instrument]
fn plain(user_id: u64, total: f64) -> f64 {
    info!("paying", half = total / 2.0);
    if user_id == 0 {
        return 0.0;
    }
    total + 1.0
}

#[test]
fn nothing_is_captured_unasked_and_the_span_ends_with_the_function() {
    let told = told(|| {
        info!("before");
        assert!((plain(1, 2.0) - 3.0).abs() < f64::EPSILON);
        assert!(plain(0, 2.0).abs() < f64::EPSILON);
        info!("after");
    });
    let paying = r#"INFO paying half=1.0 span="plain""#;
    assert_eq!(told, ["INFO before", paying, paying, "INFO after"]);
}

// Arguments.

#[derive(Debug)]
#[allow(dead_code)] // shown by `Debug`
struct Point {
    x: i32,
    y: i32,
}

#[instrument(args)]
fn typed(count: u64, name: &str, is_new: bool, none: Option<u8>, some: Option<u8>) {
    info!("m");
}

#[instrument(args)]
fn shown(point: &Point, list: &[Option<()>]) {
    info!("m");
}

#[instrument(args)]
fn generic<T: Debug, V: nexlog::Value, const N: usize>(
    shown: T,
    value: V,
    list: [T; N],
    text: impl Debug,
) where
    T: Clone,
{
    info!("m");
}

#[test]
fn arguments_are_typed_where_there_is_an_encoder_and_their_debug_text_else() {
    let told = told(|| {
        typed(7, "ada", true, None, Some(3));
        shown(&Point { x: 1, y: 2 }, &[Some(())]);
        generic(1, 2, [3], "text");
    });
    let expected = [
        r#"INFO m count=7 is_new=true name="ada" some=3 span="typed""#,
        r#"INFO m list="[Some(())]" point="Point { x: 1, y: 2 }" span="shown""#,
        r#"INFO m list="[3]" shown="1" span="generic" text="\"text\"" value=2"#,
    ];
    assert_eq!(told, expected);
}

#[instrument(args)]
fn patterns(
    (a, _): (u8, u8),
    Point { x, y: other }: Point,
    [first, .., last]: [u8; 4],
    whole @ (left, _): (u8, u8),
    &by_reference: &u8,
    _: u8,
    mut changed: u8,
) -> u8 {
    changed += 1;
    info!("m", a, changed);
    changed
}

#[test]
fn each_binding_of_a_pattern_is_an_argument() {
    let told = told(|| {
        let point = Point { x: 3, y: 4 };
        assert_eq!(patterns((1, 2), point, [5, 6, 7, 8], (9, 10), &11, 12, 13), 14);
    });
    let expected = r#"INFO m a=1 by_reference=11 changed=14 first=5 last=8 left=9 other=4 span="patterns" whole=[9,10] x=3"#;
    assert_eq!(told, [expected]);
}

#[instrument(skip(password))]
fn skipped(user: &str, password: &str) {
    info!("m", length = password.len());
}

#[instrument(args, fields(count = items.len(), items = "replaced"))]
fn replaced(items: &[u8], more: u8) {
    info!("m");
}

#[instrument(skip_all, fields(more))]
fn only_fields(items: &[u8], more: u8) {
    info!("m", length = items.len());
}

#[test]
fn skipped_arguments_are_left_out_and_a_field_replaces_one() {
    let told = told(|| {
        skipped("ada", "hunter2");
        replaced(&[1, 2], 3);
        only_fields(&[1, 2], 3);
    });
    let expected = [
        r#"INFO m length=7 span="skipped" user="ada""#,
        r#"INFO m count=2 items="replaced" more=3 span="replaced""#,
        r#"INFO m length=2 more=3 span="only_fields""#,
    ];
    assert_eq!(told, expected);
}

// Fields.

const CONSTANT: u8 = 9;

struct Order {
    id: u64,
}

#[instrument(fields(
    order.id, key = order.id + 1, text = ?name, hidden = secret(name), "http.code" = 200,
    (name) = 3, ..more, CONSTANT, called = double(order.id)
))]
fn fields(order: &Order, name: &str, more: &BTreeMap<&str, u8>) {
    info!("m");
}

fn double(number: u64) -> u64 {
    number * 2
}

#[instrument(fields(
    a = 1,
    b = 2,
    c = 3,
    d = 4,
    e = 5,
    f = 6,
    g = 7,
    h = 8,
    i = 9,
    j = 10,
    k = 11,
    l = 12,
    number
))]
fn many(number: u8) {
    info!("m");
}

#[test]
fn fields_have_the_grammar_of_a_record() {
    let told = told(|| {
        fields(&Order { id: 42 }, "ada", &BTreeMap::from([("zone", 3)]));
        many(13);
    });
    let expected = [
        r#"INFO m CONSTANT=9 ada=3 called=84 hidden="***" http.code=200 key=43 order.id=42 span="fields" text="\"ada\"" zone=3"#,
        r#"INFO m a=1 b=2 c=3 d=4 e=5 f=6 g=7 h=8 i=9 j=10 k=11 l=12 number=13 span="many""#,
    ];
    assert_eq!(told, expected);
}

#[instrument(fields(number))]
fn changes(mut number: u8) -> u8 {
    number += 1;
    info!("m", now = number);
    number
}

#[test]
fn fields_are_evaluated_before_the_body() {
    let told = told(|| assert_eq!(changes(1), 2));
    assert_eq!(told, [r#"INFO m now=2 number=1 span="changes""#]);
}

#[instrument(level = "debug", fields(evaluated = evaluate(count)))]
fn counting(count: &std::cell::Cell<u8>) {
    info!("m");
}

fn evaluate(count: &std::cell::Cell<u8>) -> u8 {
    count.set(count.get() + 1);
    count.get()
}

#[test]
fn a_span_that_is_not_wanted_evaluates_nothing_and_its_records_remain() {
    let count = std::cell::Cell::new(0);
    let off = told_at("info", || counting(&count));
    assert_eq!((off, count.get()), (vec!["INFO m".to_owned()], 0));
    let on = told_at("debug", || counting(&count));
    assert_eq!(on, [r#"INFO m evaluated=1 span="counting""#]);
}

// Names, targets, levels, parents.

#[instrument]
fn default_name() {
    info!("m");
}

#[instrument(name = "by option")]
fn named_by_option() {
    info!("m");
}

#[instrument("by text", level = "info")]
fn named_by_text() {
    info!("m");
}

#[instrument]
fn r#type() {
    info!("m");
}

#[test]
fn a_name_is_the_functions_unless_it_is_stated() {
    let told = told(|| {
        default_name();
        named_by_option();
        named_by_text();
        r#type();
    });
    let expected = ["default_name", "by option", "by text", "type"];
    assert_eq!(told, expected.map(|name| format!("INFO m span={name:?}")));
}

mod inner {
    #[nexlog::instrument(level = "info", err)]
    pub fn of_module() -> Result<(), &'static str> {
        Err("no")
    }

    #[nexlog::instrument(target = "stated", level = "info", err)]
    pub fn of_target() -> Result<(), &'static str> {
        nexlog::info!("m");
        Err("no")
    }
}

#[test]
fn a_target_is_the_module_path_unless_it_is_stated() {
    let targets = |work: fn()| -> Vec<String> {
        records(work).iter().map(|record| record["target"].as_str().unwrap().to_owned()).collect()
    };
    let of_module = targets(|| _ = inner::of_module());
    assert_eq!(of_module, ["instrument::inner"]);
    let of_target = targets(|| _ = inner::of_target());
    assert_eq!(of_target, ["instrument::inner", "stated"], "records inside have their own");
    // The filter knows the span by its target.
    let filtered = told_at("off,stated=info,instrument=info", || _ = inner::of_target());
    assert_eq!(filtered.len(), 2);
    assert!(filtered.iter().all(|record| record.contains(r#"span="of_target""#)), "{filtered:?}");
    let filtered = told_at("info,stated=off", || _ = inner::of_target());
    assert_eq!(filtered, ["INFO m"]);
}

macro_rules! at_each_level {
    ($($name:ident $level:expr;)*) => {
        $(
            #[instrument(level = $level)]
            fn $name() {
                nexlog::critical!("m");
            }
        )*

        #[test]
        fn a_span_is_on_where_the_filter_lets_its_level_through() {
            let call_all = || { $($name();)* };
            for filter in ["trace", "debug", "info", "warn", "error", "critical"] {
                let threshold: Level = filter.parse().unwrap();
                let told = told_at(filter, call_all);
                let expected: Vec<String> = [$(stringify!($name)),*]
                    .iter()
                    .map(|name| {
                        let level: Level = name.trim_start_matches("at_").parse().unwrap();
                        if level < threshold {
                            "CRITICAL m".to_owned()
                        } else {
                            format!("CRITICAL m span={name:?}")
                        }
                    })
                    .collect();
                assert_eq!(told, expected, "{filter}");
            }
        }
    };
}

at_each_level! {
    at_trace "trace";
    at_debug Level::Debug;
    at_info "INFO";
    at_warn nexlog::Level::Warn;
    at_error "err";
    at_critical Level::Critical;
}

#[instrument(fields(inner = 1))]
fn unleveled() {
    nexlog::critical!("m");
}

#[test]
fn a_span_without_a_level_is_always_on() {
    let told = told_at("critical", unleveled);
    assert_eq!(told, [r#"CRITICAL m inner=1 span="unleveled""#]);
}

#[instrument(parent = parent)]
fn child_of_span(parent: &nexlog::Span) {
    info!("m");
}

#[instrument(parent = context.clone())]
fn child_of_context(context: &Context) {
    info!("m");
}

#[instrument(parent = None)]
fn child_of_none() {
    info!("m");
}

#[instrument(parent = parent.as_ref(), fields(is_some = parent.is_some()))]
fn child_of_some(parent: Option<nexlog::Span>) {
    info!("m");
}

#[instrument]
fn child_of_caller() {
    info!("m");
}

#[test]
fn a_parent_takes_the_place_of_what_is_around_the_call() {
    let told = told(|| {
        let other = span!("other", other = 1);
        let context = other.in_scope(|| {
            let _scope = nexlog::context!(scope = 2);
            Context::current()
        });
        let _around = nexlog::context!(around = 3);
        child_of_caller();
        child_of_span(&other);
        child_of_context(&context);
        child_of_none();
        child_of_some(Some(other.clone()));
        child_of_some(None);
        info!("after");
    });
    let expected = [
        r#"INFO m around=3 span="child_of_caller""#,
        r#"INFO m other=1 span="child_of_span""#,
        r#"INFO m other=1 scope=2 span="child_of_context""#,
        r#"INFO m span="child_of_none""#,
        r#"INFO m is_some=true other=1 span="child_of_some""#,
        r#"INFO m is_some=false span="child_of_some""#,
        "INFO after around=3",
    ];
    assert_eq!(told, expected);
}

// Results.

#[derive(Debug)]
struct Outer(std::num::ParseIntError);

impl std::fmt::Display for Outer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not a port")
    }
}

impl std::error::Error for Outer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[instrument(err, fields(text))]
fn port(text: &str) -> Result<u16, Outer> {
    let port = text.parse().map_err(Outer)?;
    if port == 80 {
        return Ok(8080);
    }
    Ok(port)
}

#[instrument(err)]
fn boxed(text: &str) -> Result<u16, Box<dyn std::error::Error + Send + Sync>> {
    match text {
        "" => Err("empty")?,
        _ => Ok(text.parse()?),
    }
}

#[instrument(err)]
fn fails_with_text() -> Result<(), String> {
    Err("no \"such\" thing".into())
}

#[instrument(err)]
fn fails_with_number() -> Result<(), u8> {
    Err(3)
}

#[instrument(err)]
fn fails_with_debug() -> Result<(), Point> {
    Err(Point { x: 1, y: 2 })
}

#[instrument(err)]
fn fails_with_generic<E: Debug>(error: E) -> Result<(), E> {
    Err(error)
}

#[instrument(err)]
fn fails_with_io() -> std::io::Result<()> {
    Err(std::io::Error::other("disk"))
}

#[test]
fn an_error_is_told_once_with_its_chain_or_its_text() {
    let told = told(|| {
        assert_eq!(port("80").unwrap(), 8080);
        assert!(port("x").is_err());
        assert!(boxed("1").is_ok() && boxed("").is_err());
        _ = fails_with_text();
        _ = fails_with_number();
        _ = fails_with_debug();
        _ = fails_with_generic(Point { x: 3, y: 4 });
        _ = fails_with_io();
    });
    let error =
        |name: &str, error: &str| format!("ERROR returned an error error={error} span={name:?}");
    let expected = [
        error("port", r#"{"chain":["invalid digit found in string"],"msg":"not a port"}"#)
            + r#" text="x""#,
        error("boxed", r#"{"chain":[],"msg":"empty"}"#),
        error("fails_with_text", r#""no \"such\" thing""#),
        error("fails_with_number", r#""3""#),
        error("fails_with_debug", r#""Point { x: 1, y: 2 }""#),
        error("fails_with_generic", r#""Point { x: 3, y: 4 }""#),
        error("fails_with_io", r#"{"chain":[],"msg":"disk"}"#),
    ];
    assert_eq!(told, expected);
}

#[instrument(ret)]
fn gives_number(number: u8) -> u8 {
    if number == 0 {
        return 1;
    }
    number * 2
}

#[instrument(ret, level = "debug")]
fn gives_at_level() -> Point {
    Point { x: 1, y: 2 }
}

#[instrument(ret)]
fn gives_nothing() {}

#[instrument(ret)]
fn gives_result(is_ok: bool) -> Result<u8, u8> {
    if is_ok { Ok(1) } else { Err(2) }
}

#[instrument(ret)]
fn gives_opaque() -> impl Debug {
    Some(1)
}

#[instrument(ret)]
fn gives_reference(list: &mut Vec<u8>) -> &mut u8 {
    &mut list[0]
}

#[test]
fn a_value_is_told_once_typed_or_as_its_debug_text() {
    let told = told(|| {
        gives_number(0);
        gives_number(4);
        gives_at_level();
        gives_nothing();
        _ = gives_result(true);
        _ = gives_result(false);
        _ = gives_opaque();
        *gives_reference(&mut vec![3]) += 1;
    });
    let value = |name: &str, value: &str| format!("INFO returned return={value} span={name:?}");
    let expected = [
        value("gives_number", "1"),
        value("gives_number", "8"),
        value("gives_at_level", r#""Point { x: 1, y: 2 }""#).replace("INFO", "DEBUG"),
        value("gives_nothing", r#""()""#),
        value("gives_result", r#""Ok(1)""#),
        value("gives_result", r#""Err(2)""#),
        value("gives_opaque", "1"),
        value("gives_reference", "3"),
    ];
    assert_eq!(told, expected);
}

#[instrument(err, ret)]
fn both(number: u8) -> Result<u8, String> {
    number.checked_sub(1).ok_or_else(|| "zero".into())
}

#[instrument(err(level = "warn", Debug), ret(Debug, level = Level::Trace), level = "info")]
fn both_in_other_forms(number: u8) -> Result<&'static str, String> {
    if number > 0 { Ok("yes") } else { Err("no".into()) }
}

#[instrument(err(Display), ret(Display))]
fn both_displayed(is_ok: bool) -> Result<u8, std::fmt::Error> {
    if is_ok { Ok(1) } else { Err(std::fmt::Error) }
}

#[test]
fn together_a_value_is_that_of_ok_and_each_has_its_own_level_and_form() {
    let told = told(|| {
        _ = both(3);
        _ = both(0);
        _ = both_in_other_forms(1);
        _ = both_in_other_forms(0);
        _ = both_displayed(true);
        _ = both_displayed(false);
    });
    let expected = [
        r#"INFO returned return=2 span="both""#,
        r#"ERROR returned an error error="zero" span="both""#,
        r#"TRACE returned return="\"yes\"" span="both_in_other_forms""#,
        r#"WARN returned an error error="\"no\"" span="both_in_other_forms""#,
        r#"INFO returned return="1" span="both_displayed""#,
        r#"ERROR returned an error error="an error occurred when formatting an argument" span="both_displayed""#,
    ];
    assert_eq!(told, expected);
}

#[instrument(level = "debug", err, ret)]
fn quiet(number: u8) -> Result<u8, String> {
    both(number)
}

#[test]
fn a_failure_of_a_function_whose_span_is_not_wanted_is_still_told() {
    let told = told_at("info", || _ = quiet(0));
    let error = r#"ERROR returned an error error="zero""#;
    assert_eq!(told, [format!(r#"{error} span="both""#), error.to_owned()]);
}

#[instrument(elapsed)]
fn timed(fails: bool) {
    info!("m");
    assert!(!fails, "on purpose");
}

#[instrument(elapsed, level = "debug")]
fn timed_at_level() {}

#[test]
fn elapsed_is_told_at_the_end_inside_the_span() {
    let all = records(|| {
        timed(false);
        timed_at_level();
        assert!(catch_unwind(|| timed(true)).is_err());
    });
    let finished: Vec<_> = all.iter().filter(|record| record["msg"] == "finished").collect();
    assert_eq!(finished.len(), 3);
    for (record, name) in finished.iter().zip(["timed", "timed_at_level", "timed"]) {
        assert_eq!(record["span"], name);
        assert!(record["elapsed"].as_f64().unwrap() >= 0.0);
        assert!(!record.contains_key("busy"));
    }
    assert_eq!([&finished[0]["level"], &finished[1]["level"]], ["INFO", "DEBUG"]);
    assert!(told_at("info", timed_at_level).is_empty());
}

// Kinds of functions.

trait Work {
    #[instrument(fields(from = "default"))]
    fn by_default(&self) {
        info!("m");
    }

    fn required(&self);
}

impl Work for Order {
    #[instrument(fields(self.id))]
    fn required(&self) {
        info!("m");
        self.by_default();
    }
}

impl Order {
    #[instrument(fields(self.id))]
    fn by_reference(&self) -> u64 {
        info!("m");
        self.id
    }

    #[instrument(fields(self.id, step))]
    fn by_mutable_reference(&mut self, step: u64) -> &mut u64 {
        self.id += step;
        info!("m", now = self.id);
        &mut self.id
    }

    #[instrument(fields(self.id), ret)]
    fn by_value(self) -> u64 {
        self.id
    }

    #[instrument(fields(self.id))]
    fn by_rc(self: Rc<Self>) {
        info!("m");
    }

    #[instrument(fields(self.id), err)]
    fn by_arc(self: &Arc<Self>) -> Result<(), u8> {
        Err(1)
    }

    #[instrument(name = "new")]
    fn constructor(id: u64) -> Self {
        info!("m");
        Self { id }
    }
}

#[derive(Debug)]
#[allow(dead_code)] // shown by `Debug`
struct Seen(u8);

impl Seen {
    #[instrument(args)]
    fn with_self(&self, more: u8) {
        info!("m");
    }

    #[instrument(skip(self))]
    fn without_self(&self, more: u8) {
        info!("m");
    }
}

#[test]
fn methods_have_their_self_and_are_in_a_span() {
    let told = told(|| {
        let mut order = Order::constructor(1);
        order.by_reference();
        *order.by_mutable_reference(2) += 1;
        order.required();
        order.by_value();
        Rc::new(Order { id: 5 }).by_rc();
        _ = Arc::new(Order { id: 6 }).by_arc();
        Seen(7).with_self(8);
        Seen(7).without_self(8);
    });
    let expected = [
        r#"INFO m span="new""#,
        r#"INFO m id=1 span="by_reference""#,
        r#"INFO m id=1 now=3 span="by_mutable_reference" step=2"#,
        r#"INFO m id=4 span="required""#,
        r#"INFO m from="default" id=4 span="by_default""#,
        r#"INFO returned id=4 return=4 span="by_value""#,
        r#"INFO m id=5 span="by_rc""#,
        r#"ERROR returned an error error="1" id=6 span="by_arc""#,
        r#"INFO m more=8 self="Seen(7)" span="with_self""#,
        r#"INFO m more=8 span="without_self""#,
    ];
    assert_eq!(told, expected);
}

/// # Safety
/// `at` points to a value.
#[instrument(ret)]
unsafe fn unsafely(at: *const u8) -> u8 {
    // SAFETY: the caller's promise.
    unsafe { *at }
}

#[instrument(args)]
extern "C" fn of_c(number: u8) -> u8 {
    info!("m");
    number
}

#[instrument(args)]
fn factorial(number: u64) -> u64 {
    if number == 0 {
        info!("m");
        return 1;
    }
    number * factorial(number - 1)
}

#[instrument]
fn never(is_loud: bool) -> ! {
    if is_loud {
        info!("m");
    }
    panic!("on purpose")
}

#[instrument(ret)]
fn never_with_reports() -> ! {
    panic!("on purpose")
}

#[instrument]
fn with_closure() -> Vec<u8> {
    let log = |number: u8| {
        info!("m", number);
        number + 1
    };
    [1, 2].into_iter().map(log).collect()
}

#[instrument]
#[must_use = "it is the answer"]
#[allow(unused_mut)]
fn attributes_stay() -> u8 {
    #![allow(unused_variables)]
    const ANSWER: u8 = 42;
    let mut unused = 1;
    ANSWER
}

#[test]
fn functions_of_every_kind_are_the_same_functions() {
    let told = told(|| {
        // SAFETY: a reference points to a value.
        assert_eq!(unsafe { unsafely(&3) }, 3);
        let of_c: extern "C" fn(u8) -> u8 = of_c;
        assert_eq!(of_c(4), 4);
        assert_eq!(factorial(3), 6);
        assert!(catch_unwind(|| never(true)).is_err());
        assert!(catch_unwind(|| never_with_reports()).is_err());
        assert_eq!(with_closure(), [2, 3]);
        assert_eq!(attributes_stay(), 42);
        info!("after");
    });
    let expected = [
        r#"INFO returned return=3 span="unsafely""#,
        r#"INFO m number=4 span="of_c""#,
        r#"INFO m number=0 span="factorial""#,
        r#"INFO m span="never""#,
        r#"INFO m number=1 span="with_closure""#,
        r#"INFO m number=2 span="with_closure""#,
        "INFO after",
    ];
    assert_eq!(told, expected);
}

#[instrument(fields(depth))]
fn panics_at_the_bottom(depth: u8) {
    let _scope = nexlog::context!(scope = depth);
    assert!(depth > 0, "on purpose");
    panics_at_the_bottom(depth - 1);
}

#[instrument(fields(caught = true))]
fn catches() {
    let result = catch_unwind(AssertUnwindSafe(|| panics_at_the_bottom(3)));
    assert!(result.is_err());
    info!("m");
}

#[test]
fn a_panic_leaves_the_context_as_it_was() {
    let told = told(|| {
        let _outer = nexlog::context!(outer = 1);
        catches();
        info!("after");
    });
    assert_eq!(told, [r#"INFO m caught=true outer=1 span="catches""#, "INFO after outer=1"]);
}

/// Says that it is dropped.
struct Noisy(&'static str);

impl Drop for Noisy {
    fn drop(&mut self) {
        info!("dropped", what = self.0);
    }
}

#[instrument(err)]
fn drops_inside(argument: Noisy) -> Result<(), u8> {
    let _local = Noisy("local");
    drop(argument);
    Err(1)
}

#[instrument(err)]
fn drops_at_the_end(argument: Noisy) -> Result<(), u8> {
    let _local = Noisy("local");
    Err(u8::from(size_of_val(&argument) > 0))
}

#[test]
fn what_the_body_drops_is_dropped_inside_and_before_the_result_is_told() {
    let told = told(|| {
        _ = drops_inside(Noisy("argument"));
        _ = drops_at_the_end(Noisy("argument"));
    });
    let expected = [
        r#"INFO dropped span="drops_inside" what="argument""#,
        r#"INFO dropped span="drops_inside" what="local""#,
        r#"ERROR returned an error error="1" span="drops_inside""#,
        r#"INFO dropped span="drops_at_the_end" what="local""#,
        r#"INFO dropped span="drops_at_the_end" what="argument""#,
        r#"ERROR returned an error error="1" span="drops_at_the_end""#,
    ];
    assert_eq!(told, expected);
}
