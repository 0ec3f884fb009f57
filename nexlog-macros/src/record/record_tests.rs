//! Calls from end to end inside the macro: what was written, and the descriptor that results
//! or the text of the error; and that no sequence of tokens makes the macro panic.

use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};
use proptest::prelude::*;

use super::{check::Faults, descriptor, parse, record, resolve};

fn tokens(call: &str) -> TokenStream {
    call.parse().unwrap()
}

/// The descriptor of `info!(call)`.
fn described(call: &str) -> String {
    let mut faults = Faults::default();
    let input = tokens(&format!("(nexlog) (Info) {call}"));
    let mut parsed = parse::parse(input, &mut faults).unwrap();
    let items = std::mem::take(&mut parsed.items);
    let plan = resolve::resolve(items, &mut faults);
    let errors: Vec<String> = faults.into_tokens().iter().map(ToString::to_string).collect();
    assert!(errors.is_empty(), "{call}: {errors:?}");
    let slots = plan.slots.iter().map(|slot| (slot.kind, slot.key.as_str()));
    descriptor::descriptor("", true, slots, plan.message.as_deref())
}

/// The errors of a call of `info!`.
fn errors(call: &str) -> Vec<String> {
    errors_of(&format!("(nexlog) (Info) {call}"))
}

fn errors_of(call: &str) -> Vec<String> {
    let expanded = record(tokens(call)).to_string();
    let parts = expanded.split("compile_error ! { \"").skip(1);
    parts.filter_map(|part| part.split("\" }").next()).map(str::to_owned).collect()
}

#[test]
fn the_spellings_of_other_loggers_mean_the_same() {
    let expected = "0:f8:order_idf5:totalML4:paid.";
    for call in [
        r#""paid", order_id = id, total"#,
        r#""paid", order_id = id, total,"#,
        r#"order_id = id, total, "paid""#,
        r#"order_id = id, total; "paid""#,
        r#""paid"; "order_id" => id, "total" => total"#,
        r#""paid"; "order_id" => id, total"#,
        r#"order_id = id, "paid", total"#,
        r#""paid", "order_id" = id, "total" = total"#,
        r#"concat!("pa", "id"), order_id = ?id, %total"#,
        r#""paid", order_id:? = id, total:%"#,
        r#""paid", order_id:debug = id, total:display"#,
        r#""paid", r#order_id = debug(id), total = (debug(total))"#,
        r#""paid", order_id = debug(a, b), total = a < b, "#,
        r#""paid", order_id = f::<A, B>(x), total = |a, b| a + b"#,
    ] {
        assert_eq!(described(call), expected, "{call}");
    }
}

#[test]
fn keys_are_dotted_quoted_raw_computed_and_spliced() {
    assert_eq!(
        described(r#"a.b = 1, "c d" = 2, r#type = 3, use = 4, user.id, self.id, pair.0, ?x.y"#),
        "0:f3:a.bf3:c df4:typef3:usef7:user.idf2:idf6:pair.0f3:x.y."
    );
    assert_eq!(described(r#""m", (key) = 1, (&k) => ?2, ..more, .. f(x)"#), "0:d0:d0:d0:d0:ML1:m.");
}

#[test]
fn messages_show_fields_captures_and_arguments() {
    assert_eq!(described(r#""a {x} {x}""#), "0:f1:xML2:a S0;L1: S0;.");
    assert_eq!(described(r#""a {x}", x = 1"#), "0:f1:xML2:a S0;.");
    assert_eq!(described(r#"x = ?y, "a {x}""#), "0:f1:xML2:a S0;.");
    assert_eq!(described(r#""{}", x, y"#), "0:f1:yh1:xMS1;.");
    assert_eq!(described(r#""{x:?} {x}""#), "0:h1:xf1:xMS0;L1: S1;.");
    assert_eq!(described(r#""{0} {0:?} {0}", x"#), "0:h1:xh1:xMS0;L1: S1;L1: S0;.");
    assert_eq!(described(r#""{a.b}", a.b"#), "0:f3:a.bMS0;.");
    assert_eq!(described(r#""{:w$} {:.*}", 1, 2, 3.0, w = 4"#), "0:f1:wh0:h0:MS1;L1: S2;.");
    for argument in ["{ x }", "{ a = 1; x }", "{ a == b }", "a - b", "user-agent == 1", "|a| a - b"]
    {
        assert_eq!(described(&format!(r#""{{}}", {argument}"#)), "0:h0:MS0;.", "{argument}");
    }
    assert_eq!(described(r#""""#), "0:M.");
    assert_eq!(described("x"), "0:f1:x.");
    assert_eq!(described(""), "0:.");
    assert_eq!(
        described(r#"concat!("a", 1, -2, 'c', true, concat!(stringify!(d)), "{{")"#),
        "0:ML11:a1-2ctrued{."
    );
}

#[test]
fn many_fields_are_no_different() {
    let fields: Vec<String> = (0..200).map(|n| format!("k{n} = {n}")).collect();
    let described = described(&fields.join(", "));
    assert_eq!(described.matches('f').count(), 200);
}

#[test]
fn one_mistake_is_one_error() {
    for call in [
        r#""a", k = 1, k = 2"#,
        r#"color("red"), "a""#,
        r#"debug(x), "a""#,
        r#""a", target("db")"#,
        r#""a", target: "db""#,
        r#""a {} {}", x"#,
        r#""a {}""#,
        r#""a {x""#,
        r#""a }""#,
        r#""a {x y}", x"#,
        r#""a", "b""#,
        r#""a", x == y"#,
        r#""a", k ="#,
        r#""a", k = , x"#,
        r#""a" x"#,
        r#""a", k = 1 j = 2"#,
        r#""a", "" = 1"#,
        r#"target(), "a""#,
        r#"target(""), "a""#,
        r#"target("a", "b"), "a""#,
        r#"target("a"), target: "b", "a""#,
        r#""a", 1 = 2"#,
        r#""a", x + 1"#,
        r#""a {1}", x, y"#,
        r#""a", type"#,
        r#""a", ,x"#,
        r#""a", ?f(x)"#,
        r#""a", k: v"#,
        r#""a", .."#,
        r#""a", k = ?"#,
        r#"once(3), "a""#,
        r#"once(), once(), "a""#,
        r#"once(), every(3), "a""#,
        r#"every(), "a""#,
        r#"every(0), "a""#,
        r#"every(1, 2), "a""#,
        r#"every: 3, "a""#,
        r#"per_second(0_u64), "a""#,
        r#""a", every(3)"#,
        r#"once(), "a", suppressed = 1"#,
        r#"once(), "a {suppressed}""#,
        r#"concat!("a", line!())"#,
        r#"concat!("a", env!("NEXLOG_NO_SUCH_VARIABLE"))"#,
        r#""a {a.b}""#,
        r#""a {p:?}", p = secret(p)"#,
        r#""a", k = 1 +"#,
        r#""a {x:zz}""#,
        "format!(\"a\")",
        r#""a", user-agent = 1"#,
        r#""a", http.user-agent-2 = ?x"#,
        r#""a"; user-agent => 1"#,
        r#""a", user-agent: 1"#,
        r#""a", content-type:% = x"#,
        r#""a", f(x) = 1"#,
        r#""a"; f(x) => 1"#,
        r#""a", x[0] = 1"#,
        r#""a", A::B = 1"#,
        r#""a", &x = 1"#,
        r#""a", ?x = 1"#,
        r#""a {}", { a = 1 }"#,
        r#""a {} {}", 1 +, x"#,
        r#"name: "a", "b""#,
        r#"parent: &span, "b""#,
        r#"debug: x, "b""#,
    ] {
        let errors = errors(call);
        assert_eq!(errors.len(), 1, "{call}: {errors:#?}");
    }
}

#[test]
fn two_mistakes_are_two_errors() {
    assert_eq!(errors(r#""a", k = , 1 = 2, x"#).len(), 2);
}

/// The descriptor of `span!`, `context!` or `fields!`.
fn framed(form: &str, call: &str) -> String {
    let expanded = record(tokens(&format!("(nexlog) ({form}) {call}"))).to_string();
    assert!(!expanded.contains("compile_error"), "{call}: {expanded}");
    let at = expanded.find("concat ! (\"").unwrap() + "concat ! (\"".len();
    expanded[at..].split('"').next().unwrap().to_owned()
}

#[test]
fn frames_have_the_fields_of_records_and_a_span_its_name() {
    let fields = "id, tenant = 1, ?x, %y.z, a.b = 1, (key) = v, ..more, e = err(&e)";
    let described = "f2:idf6:tenantf1:xf3:y.zf3:a.bd0:d0:f1:e";
    for form in ["context", "fields"] {
        assert_eq!(framed(form, fields), format!("0:s{described}."));
        assert_eq!(framed(form, ""), "0:s.");
        assert_eq!(framed(form, "\"id\" => id; b:debug"), "0:sf2:idf1:b.");
    }
    for span in [
        "\"a\", ",
        "concat!(\"a\"), ",
        "level(Level::Debug), \"a\", ",
        "level: \"debug\", \"a\", ",
        "nexlog::Level::Debug, \"a\", ",
        "Debug, \"a\", ",
        "parent: &span, Level::Debug, \"a\", ",
        "Level::Debug, parent(None), \"a\"; ",
    ] {
        assert_eq!(framed("span", &format!("{span}{fields}")), format!("0:s{described}ML1:a."));
    }
    assert_eq!(framed("span", "target: \"db\", \"{{a}}\""), "2:dbsML3:{a}.");
    let many: Vec<String> = (0..20).map(|n| format!("k{n} = {n}")).collect();
    assert_eq!(framed("context", &many.join(", ")).matches('f').count(), 20);
}

#[test]
fn a_mistake_in_a_frame_is_one_error() {
    for (form, calls) in [
        (
            "context",
            &[
                "\"a\"",
                "a, \"a\"",
                "target(\"a\")",
                "level: a",
                "a, logger(&l)",
                "f(x), a",
                "a, a",
                "a = ",
                "f(x) = 1",
            ][..],
        ),
        ("fields", &["\"a\"", "logger(&l), a", "a, parent(&s)"]),
        (
            "span",
            &[
                "",
                "a",
                "a = 1",
                "\"\"",
                "\"{a}\"",
                "\"{\"",
                "\"a\", \"b\"",
                "name: \"a\"",
                "f(x), \"a\"",
                "level(x), \"a\"",
                "x, \"a\"",
                "target(x), \"a\"",
                "target(), \"a\"",
                "\"a\", target(\"b\")",
                "\"a\", parent(&s)",
                "parent: &s, parent: &s, \"a\"",
                "level(\"info\"), Level::Info, \"a\"",
                "\"a\", level(\"info\")",
                "\"a\", a, a",
                "\"a\", f(x)",
                "logger: &l, \"a\"",
            ],
        ),
    ] {
        for call in calls {
            let errors = errors_of(&format!("(n) ({form}) {call}"));
            assert_eq!(errors.len(), 1, "{form}!({call}): {errors:#?}");
        }
    }
}

#[test]
fn a_level_is_demanded_where_one_belongs() {
    for call in [
        "(n) (log) \"a\"",
        "(n) (log)",
        "(n) (log) k = 1",
        "(n) (log) f(x) = 1, \"a\"",
        "(n) (log) user-agent = 1, \"a\"",
        "(n) (log) \"k\" = 1, \"a\"",
        "(n) (log) \"a {}\", x + 1",
        "(n) (log) \"a\"; \"k\" => x",
        "(n) (log) \"info\", \"a\"",
        "(n) (log) \"inof\", \"a\", x",
        "(n) (log) \"info\", concat!(\"a\")",
        "(n) (log) name: \"x\", level, \"a\"",
        "(n) (try_log) \"a\"",
        "(n) (enabled)",
        "(n) (enabled) \"info\"",
    ] {
        assert_eq!(errors_of(call).len(), 1, "{call}: {:?}", errors_of(call));
    }
    assert_eq!(errors_of("(n) (enabled) Level::Info, \"a\"").len(), 1);
    for level in [
        "level(x)",
        "\"debug\".parse::<Level>().unwrap()",
        "\"debug\" .parse().map_or(a, b)",
        "LEVELS[0]",
        "3.into()",
        "'d'.into()",
        "{ level }",
        "{ a = 1; level }",
    ] {
        for form in ["log", "try_log"] {
            let call = format!("(n) ({form}) {level}, \"a\"");
            assert_eq!(errors_of(&call).len(), 0, "{call}: {:?}", errors_of(&call));
        }
        assert_eq!(errors_of(&format!("(n) (enabled) {level}")).len(), 0, "{level}");
    }
}

#[test]
fn arguments_that_were_understood_survive_a_mistake() {
    let expanded = record(tokens("(n) (Info) \"a\", x.y, k = , z.w.v")).to_string();
    assert!(expanded.contains("x . y") && expanded.contains("z . w . v"), "{expanded}");
}

fn any_tree() -> impl Strategy<Value = TokenTree> {
    let word = prop_oneof![
        Just("x"),
        Just("self"),
        Just("target"),
        Just("logger"),
        Just("debug"),
        Just("err"),
        Just("concat"),
        Just("type"),
        Just("Level"),
        Just("once"),
        Just("every"),
        Just("serde"),
        Just("Info"),
    ];
    let punct = prop::sample::select(",;=:?%.!&<>|-+".chars().collect::<Vec<_>>());
    let literal =
        prop_oneof![Just("a"), Just("{}"), Just("{x}"), Just("{0:?}"), Just("{"), Just("")];
    let leaf = prop_oneof![
        word.prop_map(|word| TokenTree::Ident(Ident::new(word, Span::call_site()))),
        (punct, any::<bool>()).prop_map(|(sign, joint)| {
            let spacing = if joint { Spacing::Joint } else { Spacing::Alone };
            TokenTree::Punct(Punct::new(sign, spacing))
        }),
        literal.prop_map(|text| TokenTree::Literal(Literal::string(text))),
        Just(TokenTree::Literal(Literal::u8_unsuffixed(1))),
        Just(TokenTree::Literal(Literal::f64_unsuffixed(0.1))),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        let delimiter = prop::sample::select(vec![
            Delimiter::Parenthesis,
            Delimiter::Brace,
            Delimiter::Bracket,
            Delimiter::None,
        ]);
        (delimiter, prop::collection::vec(inner, 0..6)).prop_map(|(delimiter, trees)| {
            TokenTree::Group(Group::new(delimiter, trees.into_iter().collect()))
        })
    })
}

proptest! {
    #[test]
    fn no_tokens_panic(
        form in prop::sample::select(vec!["(n) (Info)", "(n) (log)", "(n) (try_log)", "(n) (enabled)", "(n) (context)", "(n) (span)", ""]),
        trees in prop::collection::vec(any_tree(), 0..12),
    ) {
        let mut input = tokens(form);
        input.extend(trees);
        record(input);
    }
}
