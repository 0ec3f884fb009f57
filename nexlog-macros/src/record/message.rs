//! The message literal: a string, or a `concat!(…)` that can be folded here.
//!
//! The text has to be known while expanding, because it is cut at its placeholders. So
//! `concat!` is evaluated by this file, with what it may hold in practice: literals, nested
//! `concat!`, `stringify!` and `env!`.

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use syn::buffer::Cursor;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Lit, LitStr, Result, Token};

use super::check;
use super::code::{Operator, ends, operator, skip_to};

/// The message at this position, if there is one.
pub fn message(input: ParseStream<'_>) -> Option<Result<LitStr>> {
    let begin = input.cursor();
    if let Some((text, rest)) = string(begin) {
        let next_is_message = ends(rest) || !continues(rest);
        return next_is_message.then(|| {
            skip_to(input, rest);
            Ok(text)
        });
    }
    let (name, rest) = concat(begin)?;
    if !ends(rest) && continues(rest) {
        return None;
    }
    let folded = fold_macro(begin);
    let span = call_of_macro(begin).and_then(|(_, inside, _)| template_span(inside.token_stream()));
    skip_to(input, rest);
    Some(folded.map(|text| LitStr::new(&text, span.unwrap_or(name.span()))))
}

/// The span of the first literal with a brace. A variable named there belongs to whoever wrote
/// that literal, who need not be the author of the `concat!`: it may come from a caller of their
/// macro.
fn template_span(tokens: TokenStream) -> Option<Span> {
    tokens.into_iter().find_map(|tree| match tree {
        TokenTree::Group(group) => template_span(group.stream()),
        TokenTree::Literal(literal) => {
            let span = literal.span();
            matches!(Lit::new(literal), Lit::Str(text) if text.value().contains('{'))
                .then_some(span)
        }
        TokenTree::Ident(_) | TokenTree::Punct(_) => None,
    })
}

/// A string literal, also inside an invisible group.
pub fn string(at: Cursor<'_>) -> Option<(LitStr, Cursor<'_>)> {
    let (literal, rest) = at.literal()?;
    match Lit::new(literal) {
        Lit::Str(text) => Some((text, rest)),
        _ => None,
    }
}

/// Whether a literal is the beginning of something longer: a key, or an expression.
fn continues(rest: Cursor<'_>) -> bool {
    operator(rest).0 != Operator::Other
        || rest.punct().is_some()
        || rest.group(Delimiter::Bracket).is_some()
        || rest.ident().is_some_and(|(word, _)| word == "as")
}

fn concat(at: Cursor<'_>) -> Option<(Ident, Cursor<'_>)> {
    let (name, _, rest) = call_of_macro(at)?;
    (name == "concat").then_some((name, rest))
}

/// `name!(inside)`: the name, the inside, what follows.
fn call_of_macro(at: Cursor<'_>) -> Option<(Ident, Cursor<'_>, Cursor<'_>)> {
    let (name, rest) = at.ident()?;
    let (bang, rest) = rest.punct()?;
    let (inside, delimiter, _, rest) = rest.any_group()?;
    (bang.as_char() == '!' && delimiter != Delimiter::None).then_some((name, inside, rest))
}

/// A literal, or a foldable macro, as its text.
struct Folded(String);

impl Parse for Folded {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let begin = input.cursor();
        if let Some((_, _, rest)) = call_of_macro(begin) {
            let folded = fold_macro(begin);
            skip_to(input, rest);
            return folded.map(Folded);
        }
        let sign = input.parse::<Option<Token![-]>>()?.map_or("", |_| "-");
        let literal: Lit =
            input.parse().map_err(|error| check::not_foldable(error.span(), "this"))?;
        match text_of(&literal) {
            Some(text) => Ok(Folded(format!("{sign}{text}"))),
            None => Err(check::not_foldable(literal.span(), "this literal")),
        }
    }
}

fn text_of(literal: &Lit) -> Option<String> {
    Some(match literal {
        Lit::Str(text) => text.value(),
        Lit::Char(char) => char.value().to_string(),
        Lit::Bool(bool) => bool.value.to_string(),
        Lit::Int(number) => number.base10_digits().to_owned(),
        Lit::Float(number) => number.base10_digits().to_owned(),
        _ => return None,
    })
}

/// The text of `concat!`, `stringify!` or `env!`.
fn fold_macro(at: Cursor<'_>) -> Result<String> {
    let Some((name, inside, _)) = call_of_macro(at) else {
        return Err(check::not_foldable(at.span(), "this"));
    };
    let stream = inside.token_stream();
    match name.to_string().as_str() {
        "stringify" => Ok(stream.into_iter().map(text_of_tree).collect::<Vec<_>>().join(" ")),
        "concat" => {
            let parts = syn::punctuated::Punctuated::<Folded, Token![,]>::parse_terminated;
            Ok(parts.parse2(stream)?.into_iter().map(|part| part.0).collect())
        }
        "env" => {
            let variable = |input: ParseStream<'_>| {
                let name: LitStr = input.parse()?;
                // A second argument is the text of the error.
                input.parse::<TokenStream>()?;
                Ok(name)
            };
            let variable = variable.parse2(stream)?;
            std::env::var(variable.value()).map_err(|_| check::no_such_variable(&variable))
        }
        other => Err(check::not_foldable(name.span(), &format!("`{other}!`"))),
    }
}

fn text_of_tree(tree: TokenTree) -> String {
    match tree {
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
            group.stream().to_string()
        }
        other => other.to_string(),
    }
}

/// A literal with the span of the message it is a part of.
pub fn literal_at(text: &str, span: Span) -> proc_macro2::Literal {
    let mut literal = proc_macro2::Literal::string(text);
    literal.set_span(span);
    literal
}
