//! `Box::pin(async move { … })` as the last expression of a body: the future inside can be
//! instrumented where it is, and needs no second box.
//!
//! Looked for in the tokens, not in a parsed tree: the body stays what the user wrote.

use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};

/// A body cut in front of the future.
pub struct Tail {
    /// What runs when the function is called.
    pub before: TokenStream,
    /// `Box::pin`, by whatever path.
    pub pin: TokenStream,
    /// The parentheses behind it, with the place of the user's.
    pub parentheses: Group,
    /// `async move { … }`
    pub future: TokenStream,
}

impl Tail {
    /// `None` when the body ends otherwise, or may return something else before.
    pub fn find(body: &TokenStream) -> Option<Tail> {
        let mut trees: Vec<TokenTree> = body.clone().into_iter().collect();
        let Some(TokenTree::Group(parentheses)) = trees.pop() else { return None };
        let future = async_block(&parentheses)?;
        let start = path_start(&trees)?;
        let pin: TokenStream = trees.split_off(start).into_iter().collect();
        if !is_boundary(trees.last()) || returns(&trees) {
            return None;
        }
        Some(Tail { before: trees.into_iter().collect(), pin, parentheses, future })
    }

    /// The body with another future in the box.
    pub fn with(&self, future: TokenStream) -> TokenStream {
        let mut parentheses = Group::new(Delimiter::Parenthesis, future);
        parentheses.set_span(self.parentheses.span());
        let mut tokens = self.pin.clone();
        tokens.extend([TokenTree::Group(parentheses)]);
        tokens
    }
}

/// The `async move { … }` that is all there is in the parentheses.
fn async_block(parentheses: &Group) -> Option<TokenStream> {
    if parentheses.delimiter() != Delimiter::Parenthesis {
        return None;
    }
    let mut trees: Vec<TokenTree> = parentheses.stream().into_iter().collect();
    if matches!(trees.last(), Some(TokenTree::Punct(comma)) if comma.as_char() == ',') {
        trees.pop();
    }
    let is_word = |tree: &TokenTree, word| matches!(tree, TokenTree::Ident(ident) if ident == word);
    let is_block = |tree: &TokenTree| matches!(tree, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
    let is_future = match trees.as_slice() {
        [first, block] => is_word(first, "async") && is_block(block),
        [first, second, block] => {
            is_word(first, "async") && is_word(second, "move") && is_block(block)
        }
        _ => false,
    };
    is_future.then(|| trees.into_iter().collect())
}

/// Where the path `Box::pin` begins that ends here.
fn path_start(trees: &[TokenTree]) -> Option<usize> {
    let mut names = Vec::new();
    let mut at = trees.len();
    while let Some(TokenTree::Ident(name)) = at.checked_sub(1).and_then(|last| trees.get(last)) {
        names.push(name.to_string());
        at -= 1;
        if !is_path_separator(&trees[..at]) {
            break;
        }
        at -= 2;
    }
    (names.len() > 1 && names[0] == "pin" && names[1] == "Box").then_some(at)
}

fn is_path_separator(trees: &[TokenTree]) -> bool {
    matches!(trees, [.., TokenTree::Punct(a), TokenTree::Punct(b)]
        if a.as_char() == ':' && a.spacing() == Spacing::Joint && b.as_char() == ':')
}

/// Whether a new expression begins behind this.
fn is_boundary(before: Option<&TokenTree>) -> bool {
    match before {
        None => true,
        Some(TokenTree::Punct(punct)) => punct.as_char() == ';',
        Some(TokenTree::Group(group)) => group.delimiter() == Delimiter::Brace,
        Some(_) => false,
    }
}

/// Whether the word `return` is anywhere in it.
fn returns(trees: &[TokenTree]) -> bool {
    trees.iter().any(|tree| match tree {
        TokenTree::Ident(ident) => ident == "return",
        TokenTree::Group(group) => returns(&group.stream().into_iter().collect::<Vec<_>>()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}
