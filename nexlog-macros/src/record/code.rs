//! Looking ahead, and taking expressions out of the input without touching their tokens.
//!
//! An expression is kept as the tokens the user wrote, never as a reprinted tree: spans and
//! invisible groups (`$e:expr` of a surrounding macro) survive, and completion in an editor
//! finds the very token under its cursor. The tree that syn builds only says where it ends.

use proc_macro2::{Delimiter, Ident, Literal, Span, TokenStream, TokenTree};
use syn::buffer::Cursor;
use syn::parse::ParseStream;
use syn::{Expr, Result};

use super::check;
use super::model::{Code, Shape};

/// What follows a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `=` or `=>`
    Assign,
    Colon,
    Other,
}

/// Whether an argument ends here.
pub fn ends(at: Cursor<'_>) -> bool {
    at.eof() || at.punct().is_some_and(|(punct, _)| matches!(punct.as_char(), ',' | ';'))
}

/// The operator at a position, and what comes behind it.
pub fn operator(at: Cursor<'_>) -> (Operator, Cursor<'_>) {
    let Some((first, rest)) = at.punct() else { return (Operator::Other, at) };
    let joined = match rest.punct() {
        Some((second, _)) if first.spacing() == proc_macro2::Spacing::Joint => second.as_char(),
        _ => ' ',
    };
    match (first.as_char(), joined) {
        ('=', '=') | (':', ':') => (Operator::Other, at),
        ('=', '>') => (Operator::Assign, rest.punct().map_or(rest, |(_, behind)| behind)),
        ('=', _) => (Operator::Assign, rest),
        (':', _) => (Operator::Colon, rest),
        _ => (Operator::Other, at),
    }
}

/// `user.id`, `self.id`, `r#type`, `pair.0`: the text of the key, its first token, what follows.
pub fn dotted_key(at: Cursor<'_>) -> Option<(String, Span, Cursor<'_>)> {
    let (first, mut rest) = at.ident()?;
    let mut text = bare_name(&first);
    while let Some((dot, behind)) = rest.punct()
        && dot.as_char() == '.'
    {
        let (part, behind) = match (behind.ident(), behind.literal()) {
            (Some((ident, behind)), _) => (bare_name(&ident), behind),
            (None, Some((number, behind))) if starts_with_digit(&number) => {
                (number.to_string(), behind)
            }
            _ => return None,
        };
        if text == "self" {
            text = part;
        } else {
            text.push('.');
            text.push_str(&part);
        }
        rest = behind;
    }
    Some((text, first.span(), rest))
}

/// A name without `r#`.
pub fn bare_name(ident: &Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").map(str::to_owned).unwrap_or(name)
}

fn starts_with_digit(literal: &Literal) -> bool {
    literal.to_string().starts_with(|c: char| c.is_ascii_digit())
}

/// `name(…)` as the whole of an argument.
pub fn lone_call(at: Cursor<'_>) -> Option<Ident> {
    let (name, rest) = at.ident()?;
    let (_, _, behind) = rest.group(Delimiter::Parenthesis)?;
    ends(behind).then_some(name)
}

/// A key that only quotes allow, `user-agent`, in front of an operator: its text, what follows.
pub fn hyphenated_key(at: Cursor<'_>) -> Option<(String, Cursor<'_>)> {
    let (mut text, _, mut rest) = dotted_key(at)?;
    let mut has_hyphen = false;
    while let Some((hyphen, behind)) = rest.punct()
        && hyphen.as_char() == '-'
    {
        let (part, behind) = match (dotted_key(behind), behind.literal()) {
            (Some((part, _, behind)), _) => (part, behind),
            (None, Some((number, behind))) if starts_with_digit(&number) => {
                (number.to_string(), behind)
            }
            _ => return None,
        };
        text.push('-');
        text.push_str(&part);
        has_hyphen = true;
        rest = behind;
    }
    (has_hyphen && operator(rest).0 != Operator::Other).then_some((text, rest))
}

/// The tokens in front of the `=` that makes an expression an assignment, and those from it on.
pub fn cut_at_assignment(code: &Code) -> (TokenStream, TokenStream) {
    let (mut left, mut right) = (TokenStream::new(), TokenStream::new());
    for tree in code.tokens.clone() {
        let is_sign = matches!(&tree, TokenTree::Punct(punct) if punct.as_char() == '=');
        let side = if is_sign || !right.is_empty() { &mut right } else { &mut left };
        side.extend([tree]);
    }
    (left, right)
}

/// What is left of an argument.
pub fn rest_of_argument(begin: Cursor<'_>) -> Code {
    let mut end = begin;
    while !ends(end)
        && let Some((_, rest)) = end.token_tree()
    {
        end = rest;
    }
    between(begin, end)
}

/// The fields of `{ a = 1 }` as the whole of an argument. In front of the message nothing else
/// can be meant; behind it, the braces may be a block that a `{}` shows.
pub fn fields_in_braces(at: Cursor<'_>, is_before_message: bool) -> Option<TokenStream> {
    let (inside, _, rest) = at.group(Delimiter::Brace)?;
    if !ends(rest) {
        return None;
    }
    let tokens = inside.token_stream();
    let is_sequence = |tree: TokenTree| matches!(tree, TokenTree::Punct(p) if p.as_char() == ';');
    if tokens.clone().into_iter().any(is_sequence) {
        return None;
    }
    let behind_key = match (dotted_key(inside), inside.literal()) {
        (Some((.., behind)), _) | (None, Some((_, behind))) => Some(behind),
        (None, None) => None,
    };
    let is_field = sigil(inside).is_some()
        || behind_key.is_some_and(|behind| {
            operator(behind).0 != Operator::Other
                || (ends(behind) && (is_before_message || !behind.eof()))
        });
    is_field.then_some(tokens)
}

/// A sigil in front of a value.
pub fn sigil(at: Cursor<'_>) -> Option<char> {
    let (punct, _) = at.punct()?;
    matches!(punct.as_char(), '?' | '%').then(|| punct.as_char())
}

/// Takes one token tree, whatever it is.
pub fn skip_token(input: ParseStream<'_>) {
    let _ = input.step(|cursor| match cursor.token_tree() {
        Some((_, rest)) => Ok(((), rest)),
        None => Err(cursor.error("")),
    });
}

/// Takes tokens until `until` is reached.
pub fn skip_to(input: ParseStream<'_>, until: Cursor<'_>) {
    while input.cursor() != until && !input.is_empty() {
        // `cursor()` may stand inside an invisible group that `token_tree` takes whole, so the
        // step goes through the same view as the look-ahead did.
        let _ = input.step(|cursor| {
            let rest = match (cursor.ident(), cursor.punct(), cursor.literal()) {
                (Some((_, rest)), ..) | (_, Some((_, rest)), _) | (.., Some((_, rest))) => {
                    Some(rest)
                }
                _ => cursor.token_tree().map(|(_, rest)| rest),
            };
            rest.map(|rest| ((), rest)).ok_or_else(|| cursor.error(""))
        });
    }
}

/// The expression at this position, and what it looks like.
pub fn expression(input: ParseStream<'_>) -> Result<(Code, Shape)> {
    let begin = input.cursor();
    if let Some((tree, rest)) = begin.token_tree()
        && is_atom(&tree)
        && ends(rest)
    {
        skip_token(input);
        let shape = if is_text(&tree) { Shape::Text } else { Shape::Other };
        return Ok((single(tree), shape));
    }
    if let Some((name, _)) = begin.ident()
        && is_keyword(&name)
        && begin.ident().is_some_and(|(_, rest)| ends(rest))
    {
        return Err(check::bare_keyword(&name));
    }
    let expr: Expr = input.parse().map_err(|error| check::not_an_expression(&error))?;
    Ok((between(begin, input.cursor()), shape(&expr)))
}

/// The expression that fills the rest of the input.
pub fn sole_expression(input: ParseStream<'_>) -> Result<Code> {
    let (code, _) = expression(input)?;
    Ok(code)
}

/// One tree as an expression.
pub fn single(tree: TokenTree) -> Code {
    let span = tree.span();
    Code { tokens: tree.into(), first: span, last: span }
}

/// The tokens from `begin` to `end`.
pub fn between(begin: Cursor<'_>, end: Cursor<'_>) -> Code {
    let (mut at, mut tokens) = (begin, TokenStream::new());
    let (mut first, mut last) = (None, begin.span());
    while at != end
        && let Some((tree, rest)) = at.token_tree()
    {
        first.get_or_insert_with(|| tree.span());
        last = tree.span();
        tokens.extend([tree]);
        at = rest;
    }
    Code { tokens, first: first.unwrap_or(last), last }
}

fn is_atom(tree: &TokenTree) -> bool {
    match tree {
        TokenTree::Ident(ident) => !is_keyword(ident),
        TokenTree::Literal(_) => true,
        TokenTree::Group(_) | TokenTree::Punct(_) => false,
    }
}

fn is_text(tree: &TokenTree) -> bool {
    matches!(tree, TokenTree::Literal(literal) if literal.to_string().starts_with(['"', 'r']))
}

fn shape(expr: &Expr) -> Shape {
    match expr {
        Expr::Group(group) => shape(&group.expr),
        Expr::Lit(lit) if matches!(lit.lit, syn::Lit::Str(_)) => Shape::Text,
        Expr::Binary(binary) if matches!(binary.op, syn::BinOp::Eq(_)) => Shape::Comparison,
        Expr::Assign(_) => Shape::Assignment,
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) => match path.path.get_ident() {
                Some(name) => Shape::Call(name.to_string()),
                None => Shape::Other,
            },
            _ => Shape::Other,
        },
        Expr::Macro(call) if call.mac.path.segments.last().is_some_and(is_format) => {
            Shape::Formatted
        }
        _ => Shape::Other,
    }
}

fn is_format(name: &syn::PathSegment) -> bool {
    name.ident == "format" || name.ident == "format_args"
}

/// Words that are not an expression by themselves; `self` is one.
pub fn is_keyword(ident: &Ident) -> bool {
    const WORDS: [&str; 36] = [
        "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum",
        "extern", "fn", "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut",
        "pub", "ref", "return", "static", "struct", "super", "trait", "type", "unsafe", "use",
        "where", "while", "yield", "_",
    ];
    let name = ident.to_string();
    WORDS.contains(&name.as_str())
}
