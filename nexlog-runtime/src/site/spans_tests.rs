//! Directives with brackets against a naive reading of their rule, and their error texts.

use proptest::prelude::*;

use super::{FrameView, Surroundings};
use crate::site::filter::{Answer, Filter};
use crate::site::level::Level;
use crate::value::view::ValueRef;

/// A span or scope as a test states it.
#[derive(Clone, Debug)]
struct Around {
    name: Option<&'static str>,
    fields: Vec<(&'static str, ValueRef<'static>)>,
}

impl FrameView for Around {
    fn name(&self) -> Option<&str> {
        self.name
    }

    fn field(&self, key: &str) -> Option<ValueRef<'_>> {
        self.fields.iter().find(|field| field.0 == key).map(|field| field.1)
    }
}

impl Surroundings for Vec<Around> {
    fn any(&self, visit: &mut dyn FnMut(&dyn FrameView) -> bool) -> bool {
        self.iter().any(|frame| visit(frame))
    }
}

fn span(name: &'static str, fields: &[(&'static str, ValueRef<'static>)]) -> Around {
    Around { name: Some(name), fields: fields.to_vec() }
}

fn scope(fields: &[(&'static str, ValueRef<'static>)]) -> Around {
    Around { name: None, fields: fields.to_vec() }
}

const ACME: (&str, ValueRef<'static>) = ("tenant", ValueRef::Str("acme"));

fn clean(text: &str) -> Filter {
    let (filter, problems) = Filter::parse(text);
    assert_eq!(problems, [], "{text}");
    filter
}

/// The lowest level that passes there.
fn lowest(filter: &Filter, target: &str, around: &Vec<Around>) -> Option<Level> {
    Level::ALL.into_iter().find(|level| filter.enabled_within(target, *level, around))
}

#[test]
fn directives_are_read_and_written() {
    for (text, canonical) in [
        ("[pay]", "[pay]=trace"),
        ("[pay]=", "[pay]=trace"),
        (" [ pay { tenant = acme , id=7 } ] = Debug ", "[pay{id=7,tenant=acme}]=debug"),
        ("my_app[{request_id=7}]=trace", "my_app[{request_id=7}]=trace"),
        ("a::b [s] = off", "a::b[s]=off"),
        ("[{tenant}]", "[{tenant}]=trace"),
        ("[GET /users,x]=x,info", "info"),
        ("[GET /users{url=http://x/y?z}]", "[GET /users{url=http://x/y?z}]=trace"),
        (r#"["a]b,c"{"k=":"#, "info"),
        (r#"["a]b,c"{"k="="v}\"\\ "}]"#, r#"["a]b,c"{"k="="v}\"\\ "}]=trace"#),
        (r#"["pay"{"id"="7"}]"#, r#"[pay{id="7"}]=trace"#),
        ("[b]=info,a=off,[a]=info,warn", "warn,a=off,[b]=info,[a]=info"),
        ("[s{a,b}]=info,[s{b,a}]=off", "[s{a,b}]=off"),
        ("[s{a=1}]=info,[s{a=\"1\"}]=off", "[s{a=1}]=info,[s{a=\"1\"}]=off"),
        (
            "x[s]=info,[s{a}]=info,[s{a=1}]=off,[{a=2}]=off",
            "[s{a}]=info,[{a=2}]=off,[s{a=1}]=off,x[s]=info",
        ),
    ] {
        let filter = Filter::parse(text).0;
        assert_eq!(filter.to_string(), canonical, "{text}");
        assert_eq!(clean(canonical).to_string(), canonical);
    }
}

#[test]
fn a_bad_directive_says_what_to_write() {
    for (text, says) in [
        ("[]=debug", "the brackets are empty; write `[span]`, `[{key}]` or both"),
        ("[{}]", "the braces are empty; write `{key}` or `{key=value}`"),
        ("[s{a,}]", "a field has no name; write `{key}` or `{key=value}`"),
        ("[s{=7}]", "a field has no name; write `{key}` or `{key=value}`"),
        ("[\"\"]", "the span's name is empty; leave it out for any span"),
        ("[s{\"\"=1}]", "a field has no name; write `{key}` or `{key=value}`"),
        (
            "[s{a=}]",
            "the field `a` has no value; write `{a}` for any, `{a=\"\"}` for an empty text",
        ),
        ("[s{a=1,a}]", "the field `a` is there twice"),
        ("[s", "`[` is never closed; write `name[span{key=value}]=level`"),
        ("[s{a=1", "`{` is never closed; write `name[span{key=value}]=level`"),
        ("[s{a}", "`[` is never closed; write `name[span{key=value}]=level`"),
        ("[s{a=\"1}]=info", "a quote is never closed; write `\"…\"`"),
        ("[s{a=\"\\n\"}]", "in quotes a backslash is written `\\\\`"),
        ("[s{a=b=c}]", "a value with `=` in it stands in quotes: `\"…\"`"),
        ("[s{a=[1]}]", "a value with `[` in it stands in quotes: `\"…\"`"),
        ("[s{a=\"b\"c}]", "the quotes of a value stand around all of it"),
        ("[s[t]]", "a span's name with `[` in it stands in quotes: `\"…\"`"),
        ("[s{a}t]", "behind the fields comes `]`"),
        (
            "[tenant=acme]",
            "brackets hold one span, fields stand in braces; write `[span{key=value}]`",
        ),
        ("[s]debug", "behind `]` comes `=level` or nothing"),
        ("[s]=debg", "`debg` is not a level; did you mean `debug`?"),
        ("[s]=info=debug", "it has two `=`; write `name=level`"),
        ("{user=7}", "fields stand inside brackets; write `[{key=value}]`"),
        ("s]=info", "it closes what was never opened; write `name[span{key=value}]=level`"),
        ("info=[s]", "the level comes last; write `name[span{key=value}]=level`"),
        ("a b[s]", "a name has no spaces; put commas between directives"),
        ("info;[s]", "directives are separated by commas, not by `;`"),
    ] {
        let (filter, problems) = Filter::parse(&format!("warn,{text},b=debug"));
        assert_eq!(problems.len(), 1, "{text}: {problems:?}");
        assert_eq!((problems[0].column(), problems[0].reason()), (6, says), "{text}");
        assert_eq!(filter.to_string(), "warn,b=debug", "the rest applies beside {text}");
    }
}

#[test]
fn a_span_is_found_by_its_name_however_far_out() {
    let filter = clean("info,[pay]=debug");
    let debug = |around: &Vec<Around>| lowest(&filter, "app", around) == Some(Level::Debug);
    assert!(debug(&vec![span("pay", &[])]));
    assert!(debug(&vec![scope(&[ACME]), span("inner", &[]), span("pay", &[]), span("outer", &[])]));
    assert!(!debug(&vec![]) && !debug(&vec![span("payment", &[]), scope(&[])]));
    assert!(!filter.enabled("app", Level::Debug), "without surroundings there is no span");
}

#[test]
fn name_and_fields_are_of_one_frame() {
    let filter = clean("off,[pay{tenant=acme,id}]=info");
    let id = ("id", ValueRef::U64(1));
    let info = |around: Vec<Around>| lowest(&filter, "app", &around) == Some(Level::Info);
    assert!(info(vec![span("pay", &[ACME, id])]));
    assert!(!info(vec![span("pay", &[ACME]), span("pay", &[id])]));
    assert!(!info(vec![span("pay", &[]), scope(&[ACME, id])]));
    assert!(!info(vec![span("pay", &[("tenant", ValueRef::Str("other")), id])]));
    assert!(!info(vec![span("pay", &[ACME, ("id", ValueRef::Null)])]), "null is no field");
    let nameless = clean("off,[{tenant=acme}]=info");
    for around in [scope(&[ACME]), span("any", &[ACME])] {
        assert_eq!(lowest(&nameless, "app", &vec![around]), Some(Level::Info));
    }
}

#[test]
fn a_span_directive_adds_to_the_others_and_off_takes_away() {
    let pay = vec![span("pay", &[ACME, ("id", ValueRef::U64(1))])];
    for (text, level) in [
        ("info,[pay]=debug", Some(Level::Debug)),
        ("info,[pay]=error", Some(Level::Info)),
        ("info,[pay]=off", None),
        ("app=off,[pay]=warn", Some(Level::Warn)),
        ("app=trace,[pay]=debug", Some(Level::Trace)),
        ("[pay]=warn", Some(Level::Warn)),
        // The longest target, then the most fields, values, a name, the later one decides.
        ("info,[pay]=off,app[pay]=debug", Some(Level::Debug)),
        ("info,app[pay]=off,[pay{tenant=acme}]=debug", None),
        ("info,app[pay]=off,ap[pay{tenant=acme}]=debug", None),
        ("info,[{tenant}]=off,[pay]=debug", None),
        ("info,[{tenant=acme}]=off,[{tenant,id}]=debug", Some(Level::Debug)),
        ("info,[{tenant=acme}]=debug,[pay{tenant}]=off", Some(Level::Debug)),
        ("info,[{tenant}]=off,[pay{tenant}]=debug", Some(Level::Debug)),
        ("info,[pay{tenant}]=debug,[{tenant}]=off", Some(Level::Debug)),
        ("info,[pay{tenant=\"acme\"}]=off,[pay{tenant=acme}]=debug", Some(Level::Debug)),
        ("info,[pay{tenant=acme}]=debug,[pay{tenant=\"acme\"}]=off", None),
        // One that matches decides also where it lets less pass than one that is less specific.
        ("error,[pay]=debug,[pay{tenant}]=warn", Some(Level::Warn)),
        ("info,other[pay]=off,[other]=off", Some(Level::Info)),
    ] {
        assert_eq!(lowest(&clean(text), "app", &pay), level, "{text}");
    }
    let (only, nowhere) = (clean("[pay]=warn"), Vec::new());
    assert_eq!(lowest(&only, "app", &nowhere), None, "as without a directive for a target");
}

#[test]
fn a_site_depends_on_its_surroundings_only_where_they_could_change_the_answer() {
    let filter = clean("info,db[pay]=debug,db[{noisy}]=off");
    for (target, level, answer) in [
        ("app", Level::Debug, Answer::Fixed(false)),
        ("app", Level::Info, Answer::Fixed(true)),
        ("db", Level::Trace, Answer::Fixed(false)),
        ("db", Level::Debug, Answer::Depends(false)),
        ("db::pool", Level::Info, Answer::Depends(true)),
    ] {
        assert_eq!(filter.answer(target, level), answer, "{target} {level}");
    }
    assert_eq!(clean("info,[pay]=debug").answer("app", Level::Info), Answer::Fixed(true));
    assert_eq!(filter.floor(), Some(Level::Debug));
}

#[test]
fn later_directives_replace_those_that_name_the_same() {
    let mut filter = clean("info,[pay{a,b=1}]=debug,[ship]=off");
    filter.extend(clean("[pay{b=1,a}]=warn,[{a}]=trace"));
    assert_eq!(filter.to_string(), "info,[ship]=off,[{a}]=trace,[pay{a,b=1}]=warn");
}

/// What a directive of the properties asks for: target, name, key and value, level.
type Stated = (String, Option<&'static str>, Vec<(&'static str, Option<u64>)>, Option<Level>);

fn stated() -> impl Strategy<Value = Stated> {
    let name = proptest::option::of(proptest::sample::select(vec!["p", "q"]));
    let value = || proptest::option::of(0..2_u64);
    let fields = (proptest::option::of(value()), proptest::option::of(value()));
    let fields = fields.prop_map(|(a, b)| {
        a.map(|a| ("a", a)).into_iter().chain(b.map(|b| ("b", b))).collect::<Vec<_>>()
    });
    ("(x|x::y)?", name, fields, level())
        .prop_filter("brackets hold something", |(_, name, fields, _)| {
            name.is_some() || !fields.is_empty()
        })
}

fn level() -> impl Strategy<Value = Option<Level>> {
    proptest::option::of(proptest::sample::select(Level::ALL.to_vec()))
}

fn text(stated: &Stated) -> String {
    let (target, name, fields, level) = stated;
    let fields: Vec<String> = fields
        .iter()
        .map(|(key, value)| value.map_or((*key).to_owned(), |value| format!("{key}={value}")))
        .collect();
    let braces =
        if fields.is_empty() { String::new() } else { format!("{{{}}}", fields.join(",")) };
    let level = level.map_or("off".to_owned(), |level| level.to_string());
    format!("{target}[{}{braces}]={level}", name.unwrap_or(""))
}

fn frames() -> impl Strategy<Value = Vec<Around>> {
    let name = proptest::option::of(proptest::sample::select(vec!["p", "q", "r"]));
    let value = || proptest::option::of((0..3_u64).prop_map(ValueRef::U64));
    let frame = (name, value(), value()).prop_map(|(name, a, b)| {
        let fields = a.map(|a| ("a", a)).into_iter().chain(b.map(|b| ("b", b))).collect();
        Around { name, fields }
    });
    proptest::collection::vec(frame, 0..3)
}

/// The rule in the order of its words.
fn naive(
    plain: bool,
    directives: &[Stated],
    target: &str,
    level: Level,
    around: &[Around],
) -> bool {
    let matching = directives.iter().filter(|(prefix, name, fields, _)| {
        target.starts_with(prefix.as_str())
            && around.iter().any(|frame| {
                let has = |key: &str, value: &Option<u64>| match frame.field(key) {
                    Some(ValueRef::U64(there)) => value.is_none_or(|value| value == there),
                    _ => false,
                };
                (name.is_none() || *name == frame.name)
                    && fields.iter().all(|(key, value)| has(key, value))
            })
    });
    // `max_by_key` takes the last of equal ones.
    let deciding = matching.max_by_key(|(prefix, name, fields, _)| {
        let values = fields.iter().filter(|field| field.1.is_some()).count();
        (prefix.len(), fields.len(), values, name.is_some())
    });
    match deciding {
        None => plain,
        Some((.., None)) => false,
        Some((.., Some(lowest))) => plain || level >= *lowest,
    }
}

proptest! {
    #[test]
    fn answers_are_those_of_the_naive_rule(
        everything in level(),
        directives in proptest::collection::vec(stated(), 1..6),
        around in frames(),
        target in "(x|x::y|z)",
    ) {
        let everything_text = everything.map_or("off".to_owned(), |level| level.to_string());
        let texts: Vec<String> = directives.iter().map(text).collect();
        let filter = clean(&format!("{everything_text},{}", texts.join(",")));
        let again = clean(&filter.to_string());
        prop_assert_eq!(&again, &filter);
        for level in Level::ALL {
            let plain = everything.is_some_and(|lowest| level >= lowest);
            let passes = filter.enabled_within(&target, level, &around);
            prop_assert_eq!(passes, naive(plain, &directives, &target, level, &around));
            prop_assert_eq!(filter.enabled(&target, level), plain);
            match filter.answer(&target, level) {
                Answer::Fixed(answer) => prop_assert_eq!(passes, answer),
                Answer::Depends(without) => prop_assert_eq!(plain, without),
            }
            if passes {
                prop_assert!(filter.floor().is_some_and(|floor| floor <= level));
            }
        }
    }

    #[test]
    fn any_text_between_brackets_is_read_without_a_panic(
        inside in "([ab=,\\[\\]{} \"\\\\7.é/]|off|info){0,30}",
    ) {
        for text in [format!("[{inside}]=info"), format!("a[s{{{inside}}}]"), inside] {
            let (filter, problems) = Filter::parse(&text);
            for problem in problems {
                let there: String = text.chars().skip(problem.column() - 1).collect();
                prop_assert!(there.starts_with(problem.directive()));
            }
            let (again, problems) = Filter::parse(&filter.to_string());
            prop_assert!(problems.is_empty(), "{}: {:?}", filter, problems);
            prop_assert_eq!(again.to_string(), filter.to_string());
        }
    }

    #[test]
    fn any_name_and_value_can_be_asked_for(name in ".{1,8}", key in ".{1,8}", value in ".{0,8}") {
        let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        let text = format!("[\"{}\"{{\"{}\"=\"{}\"}}]=info", quoted(&name), quoted(&key), quoted(&value));
        let filter = clean(&text);
        prop_assert_eq!(&clean(&filter.to_string()), &filter);
        let around = vec![Around {
            name: Some(name.leak()),
            fields: vec![(key.leak(), ValueRef::Str(value.leak()))],
        }];
        prop_assert!(filter.enabled_within("app", Level::Info, &around));
    }
}
