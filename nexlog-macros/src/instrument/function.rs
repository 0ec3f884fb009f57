//! The item that the attribute stands on. Its body is kept as the tokens of the user.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Item, Result, Signature, Token, Visibility};

use super::bindings::bindings;
use super::check;
use super::model::{Function, Returns};
use super::returns::returns;
use crate::record::code;

/// Reads a function. Whether it returns a future by another name is settled by `classify`.
pub fn parse(item: TokenStream) -> Result<Function> {
    function.parse2(item)
}

fn function(input: ParseStream<'_>) -> Result<Function> {
    let attributes = input.call(Attribute::parse_outer)?;
    let visibility: Visibility = input.parse()?;
    let ahead = input.fork();
    let defaultness = ahead.parse::<Ident>().ok().filter(|word| word == "default");
    if defaultness.is_some() {
        input.parse::<Ident>()?;
    }
    if let Some(other) = no_function(input) {
        return Err(check::no_function(&other));
    }
    let signature: Signature = input.parse()?;
    if let Some(semicolon) = input.parse::<Option<Token![;]>>()? {
        return Err(check::no_body(&signature, semicolon.span));
    }
    let body = body(input)?;
    let (inner, items, statements) = parts_of_body.parse2(body.stream())?;
    let bindings = bindings(&signature.inputs);
    Ok(Function {
        attributes,
        inner,
        visibility,
        defaultness,
        signature,
        body,
        items,
        statements,
        bindings,
        returns: Returns::Nothing,
    })
}

impl Function {
    /// Settles what it returns, with the user's word for a future by another name.
    pub fn classify(mut self, is_future: bool) -> Function {
        self.returns = returns(&self.signature.output, self.is_async(), is_future);
        self
    }
}

/// The word that says that this is something else.
fn no_function(input: ParseStream<'_>) -> Option<TokenTree> {
    let words = ["const", "async", "unsafe", "extern", "fn"];
    let (word, rest) = input.cursor().token_tree()?;
    let begins = |tree: &TokenTree| words.iter().any(|word| tree.to_string() == *word);
    // `const X: u8 = 1;`, `extern crate`, `unsafe impl`, `async {}`.
    let is_other = |tree: &TokenTree| match tree {
        TokenTree::Ident(_) => !begins(tree),
        TokenTree::Group(_) | TokenTree::Punct(_) => true,
        TokenTree::Literal(_) => false,
    };
    if !begins(&word) {
        return Some(word);
    }
    let next = rest.token_tree().map(|(tree, _)| tree);
    (word.to_string() != "fn" && next.as_ref().is_some_and(is_other)).then_some(word)
}

/// The braces of the body, also inside an invisible group of a surrounding macro.
fn body(input: ParseStream<'_>) -> Result<Group> {
    input.step(|cursor| {
        let Some((inside, span, rest)) = cursor.group(proc_macro2::Delimiter::Brace) else {
            return Err(cursor.error("expected the body of the function"));
        };
        let mut group = Group::new(proc_macro2::Delimiter::Brace, inside.token_stream());
        group.set_span(span.join());
        Ok((group, rest))
    })
}

fn parts_of_body(input: ParseStream<'_>) -> Result<(Vec<Attribute>, TokenStream, TokenStream)> {
    let inner = input.call(Attribute::parse_inner)?;
    let begin = input.cursor();
    while is_item_ahead(input) && input.parse::<Item>().is_ok() {}
    let items = code::between(begin, input.cursor()).tokens;
    Ok((inner, items, input.parse()?))
}

/// An item in front of the statements. What is put around them comes behind it: an item behind
/// a statement is a mistake to clippy.
fn is_item_ahead(input: ParseStream<'_>) -> bool {
    const BEGINNINGS: [&str; 14] = [
        "use", "const", "static", "fn", "struct", "enum", "type", "impl", "trait", "mod", "pub",
        "unsafe", "async", "extern",
    ];
    let begins = match input.cursor().token_tree() {
        Some((TokenTree::Ident(word), _)) => BEGINNINGS.contains(&word.to_string().as_str()),
        Some((TokenTree::Punct(sign), _)) => sign.as_char() == '#',
        _ => false,
    };
    begins
        && matches!(input.fork().parse(), Ok(item) if !matches!(item, Item::Macro(_) | Item::Verbatim(_)))
}
