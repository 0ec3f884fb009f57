//! The scanner against the character-by-character model.

use proptest::prelude::*;

use super::*;
use crate::format::testing::{cases, is_special, json_escaped, text_escaped};

fn escaped<R: Rules>(text: &str) -> String {
    let mut out = Buffer::new();
    out.push_str("before");
    escape::<R>(text, &mut out);
    let all = String::from_utf8(out.as_bytes().to_vec()).unwrap();
    all.strip_prefix("before").unwrap().to_owned()
}

/// All rules, and the way through `fmt::Write`, against the model.
fn check(text: &str) {
    let json = escaped::<JsonString>(text);
    assert_eq!(json, json_escaped(text));
    assert_eq!(escaped::<BareText>(text), text_escaped(text, false));
    let quoted = escaped::<QuotedText>(text);
    assert_eq!(quoted, text_escaped(text, true));
    let mut through_fmt = String::new();
    escape_runs::<QuotedText>(text, &mut through_fmt).unwrap();
    assert_eq!(through_fmt, quoted);
    assert!(![json, quoted].iter().any(|output| output.contains(is_special)));
}

#[test]
fn every_character_is_escaped_as_the_model_does() {
    let all: Vec<char> = ('\0'..=char::MAX).collect();
    for chars in all.chunks(61) {
        let text: String = chars.iter().collect();
        assert_eq!(escaped::<JsonString>(&text), json_escaped(&text));
    }
    for c in '\0'..'\u{3000}' {
        check(&format!("0123456789abcdef{c}x"));
    }
}

#[test]
fn a_special_character_is_found_at_every_place() {
    for special in ['\n', '"', '\\', '\u{7f}', '\u{85}', '\u{61c}', '\u{202e}', '\u{2069}', 'é'] {
        for length in 0..40 {
            for place in 0..=length {
                let text = "a".repeat(place) + &special.to_string() + &"~".repeat(length - place);
                check(&text);
            }
        }
    }
}

#[test]
fn clean_text_of_every_length_is_copied() {
    for length in 0..70 {
        let text: String = ('!'..='~').filter(|c| !['"', '\\'].contains(c)).take(length).collect();
        assert_eq!(escaped::<JsonString>(&text), text);
    }
}

#[test]
fn json_strings_read_back_as_they_were() {
    for c in '\0'..=char::MAX {
        if is_special(c) || c.is_ascii() {
            let text = format!("{c}/{c}");
            let line = format!("\"{}\"", escaped::<JsonString>(&text));
            assert_eq!(serde_json::from_str::<serde_json::Value>(&line).unwrap(), text);
        }
    }
}

#[test]
fn escaping_does_not_forget_that_bytes_were_left_out() {
    let mut out = Buffer::new();
    assert!(!out.reserve(usize::MAX / 2));
    escape::<JsonString>("a\n", &mut out);
    assert_eq!((out.as_bytes(), out.is_short()), (&b"a\\n"[..], true));
}

/// Characters that are near a border of some rule.
fn texts() -> impl Strategy<Value = String> {
    let border = prop::sample::select(vec![
        '\0', '\t', '\n', '\r', '\u{1b}', '\u{1f}', ' ', '!', '"', '#', '[', '\\', ']', '~',
        '\u{7f}', '\u{80}', '\u{9f}', '\u{a0}', '\u{61b}', '\u{61c}', '\u{61d}', '\u{200d}',
        '\u{200e}', '\u{200f}', '\u{2010}', '\u{2027}', '\u{2028}', '\u{202e}', '\u{202f}',
        '\u{2065}', '\u{2066}', '\u{2069}', '\u{206a}', 'é', '中', '😀',
    ]);
    let any = prop_oneof![6 => prop::char::range('a', 'z'), 2 => border, 1 => any::<char>()];
    prop::collection::vec(any, 0..80).prop_map(|chars| chars.into_iter().collect())
}

proptest! {
    #![proptest_config(cases(3_000))]

    #[test]
    fn random_text_is_escaped_as_the_model_does(text in texts()) {
        check(&text);
    }

    #[test]
    fn text_may_come_in_pieces(pieces in prop::collection::vec(texts(), 0..4)) {
        let mut out = Buffer::new();
        for piece in &pieces {
            Escaped::<JsonString>::new(&mut out).write_str(piece).unwrap();
        }
        let whole = json_escaped(&pieces.concat());
        prop_assert_eq!(out.as_bytes(), whole.as_bytes());
    }

    #[test]
    fn invalid_utf8_is_replaced_as_the_standard_library_does(
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), 0x80..=0xff_u8], 0..40),
    ) {
        let ours: String = lossy(&bytes).collect();
        prop_assert_eq!(ours, String::from_utf8_lossy(&bytes));
    }
}
