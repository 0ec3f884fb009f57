//! `pattern!("{level} {msg}")`: a pattern that is checked while compiling.
//!
//! The grammar is the runtime's own file, by a link: `cargo package` puts the file in its place.

use proc_macro2::{Group, Literal, Span, TokenStream, TokenTree};
use quote::quote_spanned;
use syn::{Error, LitStr};

// The runtime uses all of it.
#[allow(dead_code)]
mod grammar;

/// `(crate) "pattern"`
pub fn pattern(input: TokenStream) -> TokenStream {
    let mut trees = input.into_iter();
    let Some(TokenTree::Group(krate)) = trees.next() else {
        return TokenStream::new(); // by hand only
    };
    let rest: Vec<TokenTree> = trees.collect();
    checked(&krate, &rest).unwrap_or_else(Error::into_compile_error)
}

/// The format, if the pattern is one.
fn checked(krate: &Group, rest: &[TokenTree]) -> Result<TokenStream, Error> {
    const REMEDY: &str = "write the pattern as a string literal, `pattern!(\"{level} {msg}\")`; for \
                          one that is made at run time there is `Text::pattern`";
    let literal = match rest {
        [] => return Err(Error::new(Span::call_site(), REMEDY)),
        [tree] => literal(tree).ok_or_else(|| Error::new(tree.span(), REMEDY))?,
        [tree, TokenTree::Punct(comma)] if comma.as_char() == ',' => {
            literal(tree).ok_or_else(|| Error::new(tree.span(), REMEDY))?
        }
        [_, more, ..] => return Err(Error::new(more.span(), REMEDY)),
    };
    let text: LitStr = syn::parse2(TokenStream::from(TokenTree::from(literal)))
        .map_err(|error| Error::new(error.span(), REMEDY))?;
    if let Err(flaw) = grammar::parse(&text.value()) {
        return Err(Error::new(text.span(), format!("in the pattern, {flaw}")));
    }
    let krate = krate.stream();
    Ok(quote_spanned!(Span::mixed_site()=> #krate::Text::pattern(#text)))
}

/// A literal, also one that comes through a macro's `$pattern:literal`.
fn literal(tree: &TokenTree) -> Option<Literal> {
    match tree {
        TokenTree::Literal(literal) => Some(literal.clone()),
        TokenTree::Group(group) => {
            let mut inner = group.stream().into_iter();
            let first = inner.next()?;
            if inner.next().is_some() { None } else { literal(&first) }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str) -> String {
        pattern(text.parse().unwrap()).to_string()
    }

    #[test]
    fn a_good_pattern_is_the_runtimes_format() {
        let text = expanded("(nexlog) \"{level} {msg}\"");
        assert_eq!(text, "nexlog :: Text :: pattern (\"{level} {msg}\")");
    }

    #[test]
    fn a_bad_one_is_an_error_that_quotes_it() {
        let text = expanded("(nexlog) \"{level} {msg:>x}\"");
        assert!(text.contains("compile_error") && text.contains("column 9: `{msg:>x}`"), "{text}");
        for odd in ["(nexlog)", "(nexlog) x", "(nexlog) 7", "(nexlog) \"a\" \"b\""] {
            assert!(expanded(odd).contains("string literal"), "{odd}");
        }
    }
}
