//! `#[derive(Value)]`: a type is logged by its parts, in the forms that serde's users expect.

mod support;

use nexlog::{Fields, FieldsWriter, Level, Logger, Memory, Value, context, info};
use serde_json::{Value as JsonValue, json};
use std::collections::BTreeMap;
use std::fmt;
use support::lines;

fn logger() -> (Logger, Memory) {
    let memory = Memory::new();
    (nexlog::builder().sink(memory.clone()).build().unwrap(), memory)
}

/// The value as a field is shown, and null where it is left out.
#[track_caller]
fn shown(value: impl Value) -> JsonValue {
    let (logger, memory) = logger();
    info!(logger(&logger), "m", value);
    let mut records = lines::parse(&memory.lines());
    assert_eq!(records.len(), 1);
    records.remove(0)["value"].take()
}

#[derive(Value)]
struct Address<'a> {
    street: &'a str,
    number: Option<u32>,
}

#[derive(Value)]
struct Order<'a, T> {
    id: u64,
    total: f64,
    items: Vec<T>,
    to: Address<'a>,
    note: Option<String>,
    labels: BTreeMap<String, i8>,
}

#[test]
fn a_struct_is_a_map_of_its_fields_without_those_that_are_none() {
    let order = Order {
        id: 7,
        total: 9.5,
        items: vec!["a", "b"],
        to: Address { street: "Main", number: None },
        note: None,
        labels: BTreeMap::from([("x".into(), -1)]),
    };
    let expected = json!({
        "id": 7, "total": 9.5, "items": ["a", "b"], "to": {"street": "Main"}, "labels": {"x": -1},
    });
    assert_eq!(shown(&order), expected);
    assert_eq!(shown(Some(&order)), expected);
    assert_eq!(shown(Address { street: "", number: Some(3) }), json!({"street": "", "number": 3}));
}

#[derive(Value)]
struct Meters(f64);

#[derive(Value)]
struct Point(
    i32,
    Option<i32>,
    #[nexlog(skip)]
    #[expect(dead_code)]
    i32,
);

#[derive(Value)]
struct Ready;

#[derive(Value)]
struct Nothing {}

#[derive(Value)]
struct Empty();

#[test]
fn structs_without_names_are_their_field_a_list_or_their_name() {
    assert_eq!(shown(Meters(1.5)), json!(1.5));
    assert_eq!(shown(Point(1, None, 3)), json!([1, null]));
    assert_eq!(shown(Ready), json!("Ready"));
    assert_eq!(shown(Nothing {}), json!({}));
    assert_eq!(shown(Empty()), json!([]));
}

#[derive(Value)]
#[nexlog(rename_all = "snake_case", rename_all_fields = "camelCase")]
enum Event<T> {
    LoggedOut,
    #[nexlog(rename = "IN")]
    LoggedIn(T),
    Moved(i8, i8),
    Paid {
        order_id: u64,
        coupon_code: Option<T>,
    },
    #[nexlog(skip)]
    Secret,
    #[nexlog(rename_all = "SCREAMING-KEBAB-CASE")]
    Failed {
        exit_code: u8,
    },
}

#[test]
fn an_enum_is_its_variant_by_name_and_what_that_holds() {
    assert_eq!(shown(Event::<u8>::LoggedOut), json!("logged_out"));
    assert_eq!(shown(Event::LoggedIn("ada")), json!({"IN": "ada"}));
    assert_eq!(shown(Event::<u8>::Moved(-1, 2)), json!({"moved": [-1, 2]}));
    let paid = Event::Paid { order_id: 4, coupon_code: None::<u8> };
    assert_eq!(shown(paid), json!({"paid": {"orderId": 4}}));
    let paid = Event::Paid { order_id: 4, coupon_code: Some("x") };
    assert_eq!(shown(paid), json!({"paid": {"orderId": 4, "couponCode": "x"}}));
    assert_eq!(shown(Event::<u8>::Failed { exit_code: 1 }), json!({"failed": {"EXIT-CODE": 1}}));
    assert_eq!(shown(Event::<u8>::Secret), JsonValue::Null, "left out");
}

#[derive(Value)]
#[nexlog(tag = "kind")]
enum Shape<'a> {
    Dot,
    Circle {
        radius: f32,
    },
    #[nexlog(rename = "address")]
    Of(Address<'a>),
}

#[test]
fn a_tag_stands_among_the_fields() {
    assert_eq!(shown(Shape::Dot), json!({"kind": "Dot"}));
    assert_eq!(shown(Shape::Circle { radius: 0.5 }), json!({"kind": "Circle", "radius": 0.5}));
    let of = Shape::Of(Address { street: "Main", number: None });
    assert_eq!(shown(of), json!({"kind": "address", "street": "Main"}));
}

#[derive(Debug, Clone, Copy)]
struct Opaque;

impl fmt::Display for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("opaque!")
    }
}

#[derive(Value)]
#[nexlog(rename_all = "camelCase")]
struct Login<'a> {
    #[nexlog(rename = "user")]
    user_name: &'a str,
    #[nexlog(secret)]
    pass_word: Opaque,
    #[nexlog(debug)]
    as_debug: Opaque,
    #[nexlog(display)]
    as_display: Opaque,
    #[nexlog(skip)]
    _left_out: Opaque,
    #[nexlog(flatten)]
    address: Address<'a>,
    #[nexlog(flatten)]
    more: BTreeMap<&'a str, u8>,
    r#type: bool,
}

#[test]
fn attributes_rename_hide_flatten_and_choose_the_form() {
    let login = Login {
        user_name: "ada",
        pass_word: Opaque,
        as_debug: Opaque,
        as_display: Opaque,
        _left_out: Opaque,
        address: Address { street: "Main", number: Some(3) },
        more: BTreeMap::from([("extra", 1)]),
        r#type: true,
    };
    assert_eq!(
        shown(&login),
        json!({
            "user": "ada", "passWord": "***", "asDebug": "Opaque", "asDisplay": "opaque!",
            "street": "Main", "number": 3, "extra": 1, "type": true,
        })
    );
}

#[derive(Value)]
#[nexlog(display)]
struct Money {
    cents: u64,
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.cents / 100, self.cents % 100)
    }
}

#[derive(Value, Debug)]
#[nexlog(debug)]
struct Wrapped<T>(T);

#[derive(Value)]
#[nexlog(secret)]
enum Key {
    #[expect(dead_code, reason = "nothing shows it")]
    Private(String),
}

#[test]
fn a_type_may_be_shown_as_one_thing() {
    assert_eq!(shown(Money { cents: 1234 }), json!("12.34"));
    assert_eq!(shown(Wrapped(Some(1))), json!("Wrapped(Some(1))"));
    assert_eq!(shown(Key::Private("x".into())), json!("***"));
}

#[test]
fn the_fields_of_a_struct_can_be_spliced_and_carried() {
    let (logger, memory) = logger();
    let to = Address { street: "Main", number: None };
    info!(logger(&logger), "m", ..to, number = 9);
    info!(logger(&logger.with(&to)), "m");
    {
        let _scope = context!(..to, address = &to);
        info!(logger(&logger), "m");
    }
    let records = lines::parse(&memory.lines());
    let expected = [json!({"street": "Main", "number": 9}), json!({"street": "Main"})];
    for (record, expected) in records.iter().zip(&expected) {
        for (key, value) in expected.as_object().unwrap() {
            assert_eq!(&record[key], value);
        }
    }
    assert_eq!(records[2]["address"], json!({"street": "Main"}));
    assert_eq!(records[2]["street"], "Main");
}

struct Manual;

impl Fields for Manual {
    fn record_fields(&self, out: &mut FieldsWriter<'_>) {
        out.field("a", &1);
        out.field("none", &None::<u8>);
    }
}

mod generic {
    use super::{Manual, Value};
    use std::fmt::{Debug, Display};

    pub trait Holds {
        type Held;
    }

    pub struct Texts;

    impl Holds for Texts {
        type Held = String;
    }

    /// Bounds by use; a parameter that nothing shows needs none.
    #[derive(Value)]
    pub struct Generic<'a, T, D, B, H: Holds, N, const C: usize>
    where
        T: Clone,
    {
        pub typed: &'a [T],
        #[nexlog(display)]
        pub shown: D,
        #[nexlog(debug)]
        pub debugged: Option<B>,
        pub held: Option<H::Held>,
        #[nexlog(skip)]
        #[expect(dead_code)]
        pub nothing: N,
        pub array: [u8; C],
        #[nexlog(flatten)]
        pub manual: Option<Manual>,
    }

    pub struct NotAValue;

    pub fn uses<T, D, B>(t: &[T], d: D, b: B) -> impl Value + '_
    where
        T: Value + Clone,
        D: Display + 'static,
        B: Debug + 'static,
    {
        Generic::<_, _, _, Texts, _, 2> {
            typed: t,
            shown: d,
            debugged: Some(b),
            held: Some(String::from("held")),
            nothing: NotAValue,
            array: [1, 2],
            manual: Some(Manual),
        }
    }
}

#[test]
fn bounds_are_those_that_the_fields_need() {
    let all = generic::uses(&[1_u8], 'c', "x");
    assert_eq!(
        shown(all),
        json!({
            "typed": [1], "shown": "c", "debugged": "Some(\"x\")", "held": "held",
            "array": [1, 2], "a": 1,
        })
    );
}

#[derive(Value)]
struct Tree {
    name: &'static str,
    #[nexlog(rename = "in")]
    children: Vec<Tree>,
    parent: Option<Box<Tree>>,
}

#[derive(Value)]
enum Never {}

#[test]
fn types_may_hold_themselves_and_enums_nothing() {
    let leaf = |name| Tree { name, children: Vec::new(), parent: None };
    let tree = Tree { name: "a", children: vec![leaf("b")], parent: Some(Box::new(leaf("p"))) };
    let leaf = |name: &str| json!({"name": name, "in": []});
    assert_eq!(shown(&tree), json!({"name": "a", "in": [leaf("b")], "parent": leaf("p")}));
    assert_eq!(shown(None::<Never>), JsonValue::Null);
}

#[derive(Value)]
struct Chosen {
    value: u8,
    #[allow(clippy::struct_field_names)]
    self_: u8,
    out: Option<&'static str>,
}

#[test]
fn names_of_the_expansion_and_of_fields_do_not_meet() {
    let (logger, memory) = logger();
    let chosen = Chosen { value: 1, self_: 2, out: Some("o") };
    nexlog::log!(Level::Info, logger(&logger), "got {chosen}");
    let record = &lines::parse(&memory.lines())[0];
    assert_eq!(record["chosen"], json!({"value": 1, "self_": 2, "out": "o"}));
}
