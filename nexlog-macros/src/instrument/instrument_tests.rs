//! The attribute from end to end inside the macro: what is captured, what is left of the
//! function, how many errors a mistake is; and that no sequence of tokens makes it panic.

use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};
use proptest::prelude::*;

use super::instrument;

fn tokens(text: &str) -> TokenStream {
    text.parse().unwrap()
}

fn expanded(arguments: &str, item: &str) -> String {
    instrument(tokens(arguments), &tokens(item)).to_string()
}

/// The descriptor of the span.
fn described(arguments: &str, item: &str) -> String {
    let expanded = expanded(arguments, item);
    assert!(!expanded.contains("compile_error"), "{expanded}");
    // `concat!("text", module_path!(), …)`
    let at = expanded.find("concat ! (\"").unwrap() + "concat ! (\"".len();
    expanded[at..].split('"').next().unwrap().to_owned()
}

fn errors(arguments: &str, item: &str) -> Vec<String> {
    let expanded = expanded(arguments, item);
    let parts = expanded.split("compile_error ! { \"").skip(1);
    parts.filter_map(|part| part.split("\" }").next()).map(str::to_owned).collect()
}

const PAY: &str = "fn pay(&self, id: u64, (a, mut b): (u8, u8), _: u8, r#type: u8) -> u8 { a }";

#[test]
fn nothing_is_captured_unasked_and_all_that_is_asked_for() {
    assert_eq!(described("", PAY), "0:sML3:pay.");
    assert_eq!(described("skip_all", PAY), "0:sML3:pay.");
    assert_eq!(described("args", PAY), "0:sf4:selff2:idf1:af1:bf4:typeML3:pay.");
    assert_eq!(described("skip(self, b, r#type)", PAY), "0:sf2:idf1:aML3:pay.");
    assert_eq!(described("args, skip(id)", PAY), "0:sf4:selff1:af1:bf4:typeML3:pay.");
    assert_eq!(
        described(
            "args, fields(id = 3, c, a), skip(self)",
            PAY.replace("a, mut b", "a, mut c").as_str()
        ),
        "0:sf4:typef2:idf1:cf1:aML3:pay."
    );
    assert_eq!(
        described("fields(a.b = 1, ?id, self.c, ..more, (k) = 1)", PAY),
        "0:sf3:a.bf2:idf1:cd0:d0:ML3:pay."
    );
}

#[test]
fn every_binding_of_a_pattern_is_an_argument() {
    let item = "fn f(Point { x, y: (ref y, _), .. }: P, [first, .., last]: [u8; 3], &r: &u8, \
                whole @ Some(part): O, Unit: U, (A(l) | B(l)): E, #[cfg(x)] gone: u8) {}";
    assert_eq!(described("args", item), "0:sf1:xf1:yf5:firstf4:lastf1:rf5:wholef4:partf1:lML1:f.");
}

#[test]
fn a_name_and_a_target_are_what_the_user_says() {
    for arguments in [
        "\"a b\", target = \"db\"",
        "name = \"a b\", target = \"db\",",
        "target = concat!(\"d\", \"b\"), name = concat!(\"a\", ' ', \"b\")",
    ] {
        assert_eq!(described(arguments, PAY), "2:dbsML3:a b.", "{arguments}");
    }
    assert_eq!(described("\"{{a}}\"", PAY), "0:sML3:{a}.");
    assert_eq!(described("", "fn r#type() {}"), "0:sML4:type.");
}

#[test]
fn attributes_visibility_and_items_stay_in_front() {
    let item = "#[doc = \"x\"] #[must_use] pub(crate) async unsafe fn f<'a, T: X, const N: usize>(t: &'a T) \
                -> [u8; N] where T: Y { #![allow(dead_code)] use a::b; const C: u8 = 1; let x = 1; fn g() {} [0; N] }";
    let expanded = expanded("", item);
    let front = "#[doc = \"x\"] #[must_use] pub (crate) async unsafe fn f < 'a , T : X , \
                 const N : usize > (t : & 'a T) -> [u8 ; N] where T : Y { #! [allow (dead_code)]";
    let loose = |text: &str| text.replace(' ', "");
    assert!(loose(&expanded).starts_with(&loose(front)), "{expanded}");
    let at = |text: &str| expanded.find(text).unwrap();
    assert!(
        at("use a :: b") < at("let nexlog_span") && at("const C") < at("let nexlog_span"),
        "{expanded}"
    );
    assert!(at("let nexlog_span") < at("let x") && at("let x") < at("fn g"), "{expanded}");
}

#[test]
fn futures_are_known_by_their_syntax() {
    let is_future = |result: &str, arguments: &str| {
        let expanded = expanded(arguments, &format!("fn f() -> {result} {{ g() }}"));
        assert!(!expanded.contains("compile_error"), "{expanded}");
        let is_boxed = expanded.contains("Box :: pin") || expanded.contains("boxed_again");
        (expanded.contains(":: instrument"), is_boxed)
    };
    for result in ["impl Future<Output = u8>", "impl Send + core::future::Future", "(impl Future)"]
    {
        assert_eq!(is_future(result, ""), (true, false), "{result}");
    }
    for result in [
        "Pin<Box<dyn Future<Output = u8> + Send + 'a>>",
        "::core::pin::Pin<::std::boxed::Box<dyn ::core::future::Future<Output = u8>>>",
        "Pin<Box<(dyn Future)>>",
        "BoxFuture<'a, u8>",
        "futures::future::LocalBoxFuture<'static, Result<u8>>",
    ] {
        assert_eq!(is_future(result, ""), (true, true), "{result}");
    }
    for result in ["u8", "Pin<Box<u8>>", "Box<dyn Future>", "impl Iterator", "Alias", "Ready<u8>"] {
        assert_eq!(is_future(result, ""), (false, false), "{result}");
    }
    assert_eq!(is_future("Alias", "future"), (true, true));
    assert_eq!(is_future("impl Alias", "future"), (true, false));
}

#[test]
fn a_box_around_an_async_block_is_the_only_one() {
    let boxes = |body: &str| {
        let item = format!("fn f(x: u8) -> Pin<Box<dyn Future<Output = u8>>> {{ {body} }}");
        expanded("", &item).matches("Box :: pin").count()
    };
    for body in [
        "Box::pin(async move { x })",
        "let y = x; ::std::boxed::Box::pin(async { y },)",
        "if x > 1 { log() } Box::pin(async move { x })",
        "use a::b; std::boxed::Box::pin(async move { return x; })",
    ] {
        assert_eq!(boxes(body), 1, "{body}");
    }
    for body in [
        "Box::pin(g(x))",
        "if x > 1 { return Box::pin(g(x)); } Box::pin(async move { x })",
        "let y = Box::pin(async { 1 }); y",
        "MyBox::pin(async move { x })",
        "g(Box::pin(async move { x }))",
        "x + Box::pin(async move { x })",
    ] {
        let ours = boxes(body) - body.matches("Box::pin").count();
        assert_eq!(ours, 1, "{body}");
    }
}

#[test]
fn the_body_is_there_once() {
    for (arguments, item) in [
        ("args, err, ret, elapsed", "fn f(x: u8) -> Result<u8, E> { needle(x) }"),
        ("args, err, ret, elapsed", "async fn f(x: u8) -> Result<u8, E> { needle(x) }"),
        ("args, err", "fn f(x: u8) -> BoxFuture<'a, u8> { needle(x) }"),
        ("", "fn f(x: u8) -> BoxFuture<'a, u8> { Box::pin(async move { needle(x) }) }"),
        ("", "fn f(x: u8) -> ! { needle(x) }"),
        ("", "async fn f(x: u8) -> ! { needle(x) }"),
    ] {
        let expanded = expanded(arguments, item);
        assert_eq!(expanded.matches("needle").count(), 1, "{expanded}");
    }
}

#[test]
fn one_mistake_is_one_error() {
    for arguments in [
        "nmae = \"a\"",
        "\"a\", \"b\"",
        "name",
        "name = x",
        "level",
        "level = inof",
        "level(\"info\")",
        "target = x",
        "fields",
        "fields(id, id)",
        "fields(ids)",
        "fields(\"text\")",
        "fields(a = )",
        "fields(f(x))",
        "skip",
        "skip()",
        "skip(x)",
        "skip(id, id)",
        "skip(id.a)",
        "skip_all, args",
        "skip_all = true",
        "args(id)",
        "err()()",
        "err(x)",
        "err(level)",
        "err(Debug, Debug)",
        "err = 1",
        "ret(level = x)",
        "ret, ret",
        "parent",
        "crate = 3",
        "crate",
        "elapsed = 1",
        "future, future",
        "3",
        ", args",
        "args skip(id)",
        "args;;",
    ] {
        let errors = errors(arguments, PAY);
        assert_eq!(errors.len(), 1, "{arguments}: {errors:#?}");
    }
    assert_eq!(errors("nmae = 1, skip(x), level = y", PAY).len(), 3);
}

#[test]
fn a_comma_that_is_missing_is_all_that_is_said() {
    for arguments in [
        "level = \"info\" target = \"x\"",
        "level = Level::Info target = \"x\"",
        "name = \"a\" target = \"x\"",
        "target = \"x\" name = \"a\"",
        "target = concat!(\"x\", \"y\") name = \"a\"",
        "parent = &span target = \"x\"",
        "crate = a::b target = \"x\"",
        "crate = \"a::b\" target = \"x\"",
        "\"a\" target = \"x\"",
        "args level = \"info\"",
        "args skip(id)",
        "args elapsed",
        "skip_all level = \"info\"",
        "elapsed future",
        "skip(id) level = \"info\"",
        "skip(id a)",
        "fields(id) level = \"info\"",
        "ret level = \"info\"",
        "ret(Debug) level = \"info\"",
        "ret args",
        "ret(level = \"info\" Debug)",
        "ret(level = Level::Info Debug)",
        "ret(Debug level = \"info\")",
    ] {
        let errors = errors(arguments, PAY);
        assert_eq!(errors.len(), 1, "{arguments}: {errors:#?}");
        assert!(
            errors[0].starts_with("a comma is missing before this"),
            "{arguments}: {errors:#?}"
        );
    }
}

#[test]
fn an_item_that_cannot_be_instrumented_is_one_error_and_left_as_it_is() {
    for item in [
        "struct A;",
        "pub enum A {}",
        "impl A { fn f() {} }",
        "unsafe impl A for B {}",
        "trait A {}",
        "mod a { fn f() {} }",
        "const A: u8 = 1;",
        "static A: u8 = 1;",
        "use a::b;",
        "extern crate a;",
        "const fn f() {}",
        "fn f();",
        "|x| x",
        "let x = 1;",
        "async { 1 }",
        "macro_rules! a { () => {} }",
        "",
    ] {
        let expanded = expanded("", item);
        assert_eq!(errors("", item).len(), 1, "{item}: {expanded}");
        assert!(expanded.ends_with(&tokens(item).to_string()), "{expanded}");
    }
    let item = "async fn f() {}";
    assert_eq!(errors("future", item).len(), 1);
    assert_eq!(errors("err", item).len(), 1);
}

fn any_tree() -> impl Strategy<Value = TokenTree> {
    let words = vec![
        "name", "level", "fields", "skip", "err", "ret", "crate", "args", "fn", "async", "const",
        "self", "x", "impl", "Future", "Box", "pin", "dyn", "Debug", "pub", "return",
    ];
    let leaf = prop_oneof![
        prop::sample::select(words).prop_map(|word| Ident::new(word, Span::call_site()).into()),
        (
            prop::sample::select(
                ",;=:?&<>|-!#'".chars().filter(|c| *c != '\'').collect::<Vec<_>>()
            ),
            any::<bool>()
        )
            .prop_map(|(sign, joint)| {
                let spacing = if joint { Spacing::Joint } else { Spacing::Alone };
                TokenTree::Punct(Punct::new(sign, spacing))
            }),
        Just(TokenTree::Literal(Literal::string("a"))),
        Just(TokenTree::Literal(Literal::u8_unsuffixed(1))),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        let delimiters =
            vec![Delimiter::Parenthesis, Delimiter::Brace, Delimiter::Bracket, Delimiter::None];
        (prop::sample::select(delimiters), prop::collection::vec(inner, 0..6)).prop_map(
            |(delimiter, trees)| {
                TokenTree::Group(Group::new(delimiter, trees.into_iter().collect()))
            },
        )
    })
}

proptest! {
    #[test]
    fn no_tokens_panic(
        arguments in prop::collection::vec(any_tree(), 0..10),
        item in prop::collection::vec(any_tree(), 0..10),
        body in prop::collection::vec(any_tree(), 0..10),
    ) {
        let arguments: TokenStream = arguments.into_iter().collect();
        instrument(arguments.clone(), &item.into_iter().collect());
        let body = Group::new(Delimiter::Brace, body.into_iter().collect());
        for front in [PAY.split(" {").next().unwrap(), "async fn f() -> impl X", "fn f() -> BoxFuture<'a, u8>"] {
            let mut function = tokens(front);
            function.extend([TokenTree::Group(body.clone())]);
            instrument(arguments.clone(), &function);
        }
    }
}
