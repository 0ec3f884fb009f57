//! `#[nexlog::test]`: a test whose records its harness captures.
//!
//! The function stays what it is, with one statement before its own. Where no other attribute
//! makes it a test, it becomes one here; an `async` one then has a body that runs it.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Attribute, Ident, ItemFn, LitStr, Path, Token};

/// The attribute's arguments.
#[derive(Default)]
struct Options {
    filter: Option<LitStr>,
    krate: Option<Path>,
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> syn::Result<Options> {
        let mut options = Options::default();
        while !input.is_empty() {
            if input.peek(LitStr) {
                let text: LitStr = input.parse()?;
                let remedy = format!("write `filter = {:?}`", text.value());
                return Err(syn::Error::new(text.span(), remedy));
            }
            let is_crate = input.peek(Token![crate]);
            let name = if is_crate {
                let word: Token![crate] = input.parse()?;
                Ident::new("crate", word.span)
            } else {
                input.parse::<Ident>()?
            };
            input.parse::<Token![=]>()?;
            let is_given = match name.to_string().as_str() {
                "filter" => options.filter.replace(input.parse()?).is_some(),
                "crate" => options.krate.replace(input.call(Path::parse_mod_style)?).is_some(),
                other => {
                    let text = format!(
                        "unknown option `{other}`; `#[nexlog::test]` has `filter = \"…\"` and \
                         `crate = path`"
                    );
                    return Err(syn::Error::new(name.span(), text));
                }
            };
            if is_given {
                return Err(syn::Error::new(name.span(), format!("`{name}` is given twice")));
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(options)
    }
}

/// Whether the attribute makes a test of the function: `test`, `tokio::test`, `rstest`, …
fn makes_a_test(attribute: &Attribute) -> bool {
    let last = attribute.path().segments.last();
    last.is_some_and(|last| {
        let name = last.ident.to_string();
        ["test", "rstest", "test_case"].contains(&name.as_str()) || name.ends_with("_test")
    })
}

/// The whole expansion.
pub fn test(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let options = match Options::parse.parse2(arguments) {
        Ok(options) => options,
        Err(error) => {
            let error = error.into_compile_error();
            return quote!(#error #item);
        }
    };
    let function = match syn::parse2::<ItemFn>(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            let text = "`#[nexlog::test]` stands before a function";
            let error = syn::Error::new(error.span(), text).into_compile_error();
            return quote!(#error #item);
        }
    };
    expand(&options, function)
}

fn expand(options: &Options, mut function: ItemFn) -> TokenStream {
    let mixed = Span::mixed_site();
    let default = || quote_spanned!(mixed=> ::nexlog);
    let krate = options.krate.as_ref().map_or_else(default, |path| quote!(#path));
    let option = quote_spanned!(mixed=> #krate::__private::core::option::Option);
    let none = || quote_spanned!(mixed=> #option::None);
    let some = |text| quote_spanned!(mixed=> #option::Some(#text));
    let filter = options.filter.as_ref().map_or_else(none, some);
    let begin = quote_spanned! {mixed=>
        let nexlog_test_runs = #krate::__private::TestRuns::begin(#filter);
    };
    let inner = function.sig.to_token_stream();
    let is_async = function.sig.asyncness.is_some();
    let (vis, sig, attrs) = (&function.vis, &mut function.sig, &function.attrs);
    let statements = &function.block.stmts;
    if attrs.iter().any(makes_a_test) {
        return quote!(#(#attrs)* #vis #sig { #begin #(#statements)* });
    }
    let test = quote_spanned!(mixed=> #[#krate::__private::core::prelude::v1::test]);
    if !is_async {
        return quote!(#test #(#attrs)* #vis #sig { #begin #(#statements)* });
    }
    sig.asyncness = None;
    let (name, block) = (&sig.ident, &function.block);
    quote_spanned! {mixed=>
        #test #(#attrs)* #vis #sig {
            #begin
            #inner #block
            #krate::__private::block_on(#name())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(arguments: &str, item: &str) -> String {
        test(arguments.parse().unwrap(), &item.parse().unwrap()).to_string()
    }

    #[test]
    fn a_mistake_is_told_with_its_remedy_and_the_function_stays() {
        for (arguments, item, text) in [
            ("filtre = \"x\"", "fn f() {}", "unknown option `filtre`"),
            ("\"debug\"", "fn f() {}", "write `filter = "),
            ("filter = \"a\", filter = \"b\"", "fn f() {}", "`filter` is given twice"),
            ("", "struct F;", "stands before a function"),
        ] {
            let expanded = expanded(arguments, item);
            assert!(expanded.contains("compile_error") && expanded.contains(text), "{expanded}");
            let kept = item.split([' ', '(', ';']).nth(1).unwrap();
            assert!(expanded.split(' ').any(|word| word == kept), "{expanded}");
        }
    }

    #[test]
    fn a_function_becomes_a_test_once() {
        for attribute in ["", "#[should_panic]"] {
            let expanded = expanded("", &format!("{attribute} fn f() {{}}"));
            assert_eq!(expanded.matches(":: test]").count(), 1, "{expanded}");
        }
        for attribute in ["#[test]", "#[tokio::test]", "#[rstest]", "#[wasm_bindgen_test]"] {
            let expanded = expanded("", &format!("{attribute} async fn f() {{}}"));
            assert!(
                !expanded.contains("v1 :: test") && !expanded.contains("block_on"),
                "{expanded}"
            );
        }
        assert!(
            expanded("crate = a::b", "async fn f() {}").contains("a :: b :: __private :: block_on")
        );
    }
}
