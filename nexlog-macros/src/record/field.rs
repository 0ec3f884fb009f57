//! One field: key, operator, form, value, in the spellings of nexlog, `tracing`, `log` and `slog`.

use proc_macro2::{Delimiter, Ident, Span, TokenTree};
use syn::Result;
use syn::buffer::Cursor;
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser};

use super::check;
use super::code::{
    Operator, between, dotted_key, ends, expression, hyphenated_key, lone_call, operator,
    rest_of_argument, sigil, skip_to, skip_token, sole_expression,
};
use super::message::string;
use super::model::{Code, How, Item, Key, Shape, Value};

/// The field at this position; `None` when the argument is something else.
pub fn field(input: ParseStream<'_>) -> Result<Option<Item>> {
    let at = input.cursor();
    if let Some(sigil) = sigil(at) {
        return sigil_shorthand(input, sigil).map(Some);
    }
    if let Some((text, rest)) = string(at) {
        let (operator, behind) = operator(rest);
        if operator == Operator::Other {
            return Ok(None);
        }
        if text.value().is_empty() {
            return Err(check::empty_key(text.span()));
        }
        skip_to(input, behind);
        return after_key(input, operator, text.value(), text.span(), None).map(Some);
    }
    if let Some((text, span, rest)) = dotted_key(at) {
        let (operator, behind) = operator(rest);
        if operator == Operator::Other {
            return refuse_hyphens(at).map(|()| None);
        }
        let code = between(at, rest);
        skip_to(input, behind);
        return after_key(input, operator, text, span, Some(code)).map(Some);
    }
    if let Some((number, rest)) = at.literal()
        && operator(rest).0 == Operator::Assign
    {
        return Err(check::number_as_key(&number));
    }
    computed_key(input)
}

/// `user-agent = value` is a difference to Rust, and a key to many.
fn refuse_hyphens(at: Cursor<'_>) -> Result<()> {
    match hyphenated_key(at) {
        Some((text, rest)) => {
            Err(check::hyphenated_key(&text, &between(at, rest), &rest_of_argument(rest)))
        }
        None => Ok(()),
    }
}

/// `(expr) = value`
fn computed_key(input: ParseStream<'_>) -> Result<Option<Item>> {
    let Some((inside, _, rest)) = input.cursor().group(Delimiter::Parenthesis) else {
        return Ok(None);
    };
    let (Operator::Assign, behind) = operator(rest) else { return Ok(None) };
    let key = sole_expression.parse2(inside.token_stream())?;
    let at = rest.span();
    skip_token(input);
    skip_to(input, behind);
    Ok(Some(Item::Field(Key::Computed(key), value(input, "(key)", at)?)))
}

/// `?v`, `%user.id`
fn sigil_shorthand(input: ParseStream<'_>, sigil: char) -> Result<Item> {
    let span = input.cursor().span();
    skip_token(input);
    let at = input.cursor();
    if ends(at) {
        return Err(check::sigil_without_value(sigil, span));
    }
    let (code, shape) = expression(input)?;
    let key = shorthand(at, input.cursor());
    if shape == Shape::Assignment {
        return Err(check::sigil_before_key(sigil, &code));
    }
    match key {
        Some(key) => Ok(Item::Field(key, Value { how: of_sigil(sigil), code })),
        None => Err(check::sigil_without_key(sigil, &code)),
    }
}

/// What follows `key =`, `key =>` or `key:`. The shorthand is what `key:?` alone shows.
fn after_key(
    input: ParseStream<'_>,
    operator: Operator,
    key: String,
    span: Span,
    shorthand: Option<Code>,
) -> Result<Item> {
    if operator == Operator::Assign {
        let value = value(input, &key, span)?;
        return Ok(Item::Field(Key::Literal(key, span), value));
    }
    let Some(how) = form(input)? else {
        return Err(check::colon_instead_of_equals(&key, span));
    };
    let (next, behind) = self::operator(input.cursor());
    let code = if next == Operator::Assign {
        skip_to(input, behind);
        value(input, &key, span)?.code
    } else {
        shorthand.ok_or_else(|| check::missing_value(&key, span))?
    };
    Ok(Item::Field(Key::Literal(key, span), Value { how, code }))
}

/// The `?` of `key:? = v`, the `debug` of `key:debug = v`.
fn form(input: ParseStream<'_>) -> Result<Option<How>> {
    let at = input.cursor();
    if let Some(sigil) = sigil(at) {
        skip_token(input);
        return Ok(Some(of_sigil(sigil)));
    }
    if !is_form(at) {
        return Ok(None);
    }
    let name = Ident::parse_any(input)?;
    Ok(How::from_marker(&name.to_string()))
}

/// Whether `log`'s name of a form stands here: `debug`, with a value or nothing behind it.
pub fn is_form(at: Cursor<'_>) -> bool {
    let Some((name, rest)) = at.ident() else { return false };
    let known = How::from_marker(&name.to_string()).is_some();
    known && (ends(rest) || operator(rest).0 == Operator::Assign)
}

fn of_sigil(sigil: char) -> How {
    if sigil == '?' { How::Debug } else { How::Display }
}

/// What stands on the right of `=`.
fn value(input: ParseStream<'_>, key: &str, key_span: Span) -> Result<Value> {
    let at = input.cursor();
    if ends(at) {
        return Err(check::missing_value(key, key_span));
    }
    if let Some(sigil) = sigil(at) {
        skip_token(input);
        if ends(input.cursor()) {
            return Err(check::sigil_without_value(sigil, at.span()));
        }
        return Ok(Value { how: of_sigil(sigil), code: expression(input)?.0 });
    }
    if let Some(marked) = marked(input) {
        return Ok(marked);
    }
    Ok(Value { how: How::Typed, code: expression(input)?.0 })
}

/// `debug(v)`: a marker only as a call of that one name with one argument.
fn marked(input: ParseStream<'_>) -> Option<Value> {
    let at = input.cursor();
    let name = lone_call(at)?;
    let how = How::from_marker(&name.to_string())?;
    let Some(TokenTree::Group(group)) =
        at.ident().and_then(|(_, rest)| rest.token_tree()).map(|(tree, _)| tree)
    else {
        return None;
    };
    let one = |inside: ParseStream<'_>| {
        let code = sole_expression(inside)?;
        inside.parse::<Option<syn::Token![,]>>()?;
        Ok(code)
    };
    // Not one expression: a function of the user that happens to have this name.
    let Ok(code) = one.parse2(group.stream()) else { return None };
    skip_token(input);
    skip_token(input);
    Some(Value { how, code })
}

/// The key of a bare `x` or `user.id`, when that is all of the expression that ends at `end`:
/// what stands there instead of a comma is a mistake of its own.
pub fn shorthand(at: Cursor<'_>, end: Cursor<'_>) -> Option<Key> {
    let (text, span, rest) = dotted_key(at)?;
    (ends(rest) || rest == end).then_some(Key::Literal(text, span))
}
