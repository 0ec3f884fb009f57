//! The text of a directive with brackets: `target[span{key=value,key}]=level`.
//!
//! Names, keys and values are bare words or quoted texts. A bare word goes up to the next mark
//! and may have anything else in it, spaces within and slashes too: spans are called
//! `GET /users`. In quotes `\"` and `\\` stand for the mark itself.

use super::directive::{check_name, read_level, shown};
use super::spans::{FieldTest, SpanDirective};
use super::wanted::{MARKS, Wanted};

/// How it would be right.
const SHAPE: &str = "write `name[span{key=value}]=level`";

/// Whether a directive is one for this file.
pub(super) fn are_in(written: &str) -> bool {
    written.contains(['[', ']', '{', '}'])
}

/// Reads a directive that has brackets or braces in it, or says why it means nothing.
pub(super) fn read(written: &str) -> Result<SpanDirective, String> {
    let (target, inside) = written.split_once(['[', ']', '{', '}']).unwrap_or((written, ""));
    match written.as_bytes().get(target.len()) {
        Some(b'[') => {}
        Some(b'{') => return Err("fields stand inside brackets; write `[{key=value}]`".to_owned()),
        _ => return Err(format!("it closes what was never opened; {SHAPE}")),
    }
    let target = target.trim();
    if target.contains('=') {
        return Err(format!("the level comes last; {SHAPE}"));
    }
    check_name(target)?;
    let mut rest = inside;
    let name = token(&mut rest)?;
    if name.as_ref().is_some_and(|name| name.text.is_empty()) {
        return Err("the span's name is empty; leave it out for any span".to_owned());
    }
    let mut fields = Vec::new();
    match take(&mut rest) {
        Some(']') if name.is_none() => {
            return Err("the brackets are empty; write `[span]`, `[{key}]` or both".to_owned());
        }
        Some(']') => {}
        Some('{') => {
            fields = read_fields(&mut rest)?;
            close(&mut rest)?;
        }
        None => return Err(unclosed("[")),
        Some('=' | ',') => {
            return Err("brackets hold one span, fields stand in braces; write \
                        `[span{key=value}]`"
                .to_owned());
        }
        Some(odd) => return Err(odd_mark(odd, "span's name")),
    }
    let level = match rest.trim_start().strip_prefix('=') {
        Some(level) => read_level(level.trim())?,
        None if rest.trim().is_empty() => read_level("")?,
        None => return Err("behind `]` comes `=level` or nothing".to_owned()),
    };
    Ok(SpanDirective { target: target.to_owned(), name: name.map(|name| name.text), fields, level })
}

/// The fields behind `{`, and the `}`.
fn read_fields(rest: &mut &str) -> Result<Vec<FieldTest>, String> {
    let mut fields: Vec<FieldTest> = Vec::new();
    loop {
        let key = token(rest)?.map(|key| key.text).filter(|key| !key.is_empty());
        let Some(key) = key else {
            let is_empty = fields.is_empty() && rest.starts_with('}');
            return Err(if rest.is_empty() { unclosed("{") } else { unnamed(is_empty) });
        };
        let mut value = None;
        let mut next = take(rest);
        if next == Some('=') {
            let token = token(rest)?;
            next = take(rest);
            if token.is_none() && matches!(next, Some(',' | '}')) {
                return Err(format!(
                    "the field `{key}` has no value; write `{{{key}}}` for any, \
                     `{{{key}=\"\"}}` for an empty text",
                    key = shown(&key),
                ));
            }
            value = token.map(|token| Wanted::new(token.text, token.is_quoted));
        }
        match fields.binary_search_by(|field| field.key.cmp(&key)) {
            Ok(_) => return Err(format!("the field `{}` is there twice", shown(&key))),
            Err(place) => fields.insert(place, FieldTest { key, value }),
        }
        match next {
            Some('}') => return Ok(fields),
            Some(',') => {}
            None => return Err(unclosed("{")),
            Some(odd) => return Err(odd_mark(odd, "value")),
        }
    }
}

/// The `]` behind `}`.
fn close(rest: &mut &str) -> Result<(), String> {
    *rest = rest.trim_start();
    match take(rest) {
        Some(']') => Ok(()),
        None => Err(unclosed("[")),
        Some(_) => Err("behind the fields comes `]`".to_owned()),
    }
}

fn unclosed(mark: &str) -> String {
    format!("`{mark}` is never closed; {SHAPE}")
}

fn unnamed(is_empty: bool) -> String {
    let what = if is_empty { "the braces are empty" } else { "a field has no name" };
    format!("{what}; write `{{key}}` or `{{key=value}}`")
}

fn odd_mark(odd: char, what: &str) -> String {
    if MARKS.contains(&odd) {
        format!("a {what} with `{odd}` in it stands in quotes: `\"…\"`")
    } else {
        format!("the quotes of a {what} stand around all of it")
    }
}

/// A bare word or a quoted text.
struct Token {
    text: String,
    is_quoted: bool,
}

/// The next token and the spaces around it; `None` when a mark or the end comes first.
fn token(rest: &mut &str) -> Result<Option<Token>, String> {
    *rest = rest.trim_start();
    if let Some(quoted) = rest.strip_prefix('"') {
        let text = quoted_text(quoted, rest)?;
        *rest = rest.trim_start();
        return Ok(Some(Token { text, is_quoted: true }));
    }
    let (word, behind) = rest.split_at(rest.find(MARKS).unwrap_or(rest.len()));
    *rest = behind;
    let text = word.trim_end().to_owned();
    Ok((!text.is_empty()).then_some(Token { text, is_quoted: false }))
}

/// The text up to the closing quote; `rest` is what comes behind it.
fn quoted_text<'a>(quoted: &'a str, rest: &mut &'a str) -> Result<String, String> {
    let mut text = String::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                *rest = chars.as_str();
                return Ok(text);
            }
            '\\' => match chars.next() {
                Some(mark @ ('"' | '\\')) => text.push(mark),
                Some(_) => return Err("in quotes a backslash is written `\\\\`".to_owned()),
                None => break,
            },
            _ => text.push(c),
        }
    }
    Err("a quote is never closed; write `\"…\"`".to_owned())
}

fn take(rest: &mut &str) -> Option<char> {
    let mut chars = rest.chars();
    let first = chars.next()?;
    *rest = chars.as_str();
    Some(first)
}
