//! The message grammar against `format!`, and against any text at all.

use proptest::prelude::*;

use super::{Flaw, Hole, Piece, Reference, SpecPart, Template, parse};

fn hole(text: &str) -> Hole {
    let template = parse(text).unwrap();
    match template.pieces.into_iter().next() {
        Some(Piece::Hole(hole)) => hole,
        other => panic!("{text} is {other:?}"),
    }
}

fn name(name: &str) -> Reference {
    Reference::Name(name.to_owned())
}

fn text(text: &str) -> SpecPart {
    SpecPart::Text(text.to_owned())
}

/// What the template says once its placeholders show themselves.
fn shown(template: &Template) -> String {
    let mut out = String::new();
    for piece in &template.pieces {
        out.push_str(match piece {
            Piece::Text(text) => text,
            Piece::Hole(hole) => &hole.source,
        });
    }
    out
}

#[test]
fn names_positions_and_specifications_are_told_apart() {
    assert_eq!(hole("{x}").value, name("x"));
    assert_eq!(hole("{ x }").value, name("x"));
    assert_eq!(hole("{user.id}").value, name("user.id"));
    assert_eq!(hole("{r#type}").value, name("type"));
    assert_eq!(hole("{}").value, Reference::Position(0));
    assert_eq!(hole("{7}").value, Reference::Position(7));
    assert!(hole("{x}").is_plain() && hole("{x:}").is_plain() && hole("{x: }").is_plain());
    assert!(hole("{x:?}").is_debug() && !hole("{x:#?}").is_debug());
}

#[test]
fn widths_and_precisions_may_refer_to_arguments() {
    let count = SpecPart::Count;
    assert_eq!(hole("{:>w$.3}").spec, [text(">"), count(name("w")), text(".3")]);
    assert_eq!(
        hole("{x:1$.p$?}").spec,
        [count(Reference::Position(1)), text("."), count(name("p")), text("?"),]
    );
    assert_eq!(hole("{x:0$}").spec, [count(Reference::Position(0))]);
    assert_eq!(hole("{x:08.2}").spec, [text("08.2")]);
    assert_eq!(hole("{x:}>8}").spec, [text("}>8")]);
}

#[test]
fn positions_count_as_in_format() {
    let positional = |text: &str| parse(text).unwrap().positional;
    assert_eq!(positional("{} {} {x}"), 2);
    assert_eq!(positional("{0} {} {}"), 2);
    assert_eq!(positional("{:.*}"), 2);
    assert_eq!(positional("{:3$}"), 4);
    let star = hole("{:.*}");
    assert_eq!(star.value, Reference::Position(1));
    assert_eq!(star.spec, [text("."), SpecPart::Count(Reference::Position(0))]);
}

#[test]
#[allow(clippy::useless_format)] // what `format!` makes of it is the point
fn escapes_are_those_of_format() {
    for (ours, theirs) in [
        ("a{{b", format!("a{{b")),
        ("}}a{{", format!("}}a{{")),
        ("{{{{}}}}", format!("{{{{}}}}")),
        ("{{x}}", format!("{{x}}")),
        ("", String::new()),
        ("é{{ü}}\n", format!("é{{ü}}\n")),
    ] {
        assert_eq!(shown(&parse(ours).unwrap()), theirs, "{ours}");
    }
    assert_eq!(shown(&parse("{{{x}}}").unwrap()), "{{x}}");
}

#[test]
fn every_mistake_names_its_place() {
    assert_eq!(parse("a {x"), Err(Flaw::Unclosed("{x".into())));
    assert_eq!(parse("a } b"), Err(Flaw::Unopened));
    assert_eq!(parse("{x} }"), Err(Flaw::Unopened));
    let bad_name = |hole: &str, part: &str| Err(Flaw::BadName(hole.into(), part.into()));
    assert_eq!(parse("{a b}"), bad_name("{a b}", "a b"));
    assert_eq!(parse("{1x}"), bad_name("{1x}", "1x"));
    assert_eq!(parse("{_}"), bad_name("{_}", "_"));
    assert_eq!(parse("{a.}"), bad_name("{a.}", "a."));
    assert_eq!(parse("{70000}"), bad_name("{70000}", "70000"));
    let bad_spec = |hole: &str, part: &str| Err(Flaw::BadSpec(hole.into(), part.into()));
    assert_eq!(parse("{x:zz}"), bad_spec("{x:zz}", "zz"));
    assert_eq!(parse("{x:>8q}"), bad_spec("{x:>8q}", ">8q"));
    assert_eq!(parse("{x:.}"), bad_spec("{x:.}", "."));
    assert_eq!(parse("{x:99999}"), bad_spec("{x:99999}", "99999"));
}

#[test]
fn an_unclosed_brace_is_quoted_briefly() {
    let Err(Flaw::Unclosed(quoted)) = parse(&format!("{{{}", "long ".repeat(50))) else { panic!() };
    assert!(quoted.chars().count() <= 25, "{quoted}");
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn no_text_made_of_grammar_panics(text in "[{}:.$*?<>^#0-9a-z_+é -]{0,24}") {
        let _ = parse(&text);
    }

    /// Escaping any text as `format!` demands gives that text back.
    #[test]
    fn escaped_text_is_shown_as_it_was(text in any::<String>()) {
        let escaped = text.replace('{', "{{").replace('}', "}}");
        let template = parse(&escaped).unwrap();
        prop_assert_eq!(template.positional, 0);
        prop_assert_eq!(shown(&template), text);
    }

    /// What is accepted keeps every byte: unescaped text and the placeholders' own source.
    #[test]
    fn nothing_is_lost(parts in prop::collection::vec(
        prop_oneof!["[a-zé ]{1,8}".prop_map(|text| (text.clone(), text)),
                    Just(("{{".to_owned(), "{".to_owned())),
                    Just(("}}".to_owned(), "}".to_owned())),
                    "[{][a-z]{0,3}(:[>]?[0-9]{1,2}[?]?)?[}]".prop_map(|hole| (hole.clone(), hole))],
        0..8))
    {
        let (written, expected): (Vec<String>, Vec<String>) = parts.into_iter().unzip();
        prop_assert_eq!(shown(&parse(&written.concat()).unwrap()), expected.concat());
    }
}
