//! Which variables do a function's arguments bind?

use proc_macro2::Ident;
use syn::punctuated::Punctuated;
use syn::{Attribute, FnArg, Pat, Token};

use super::model::Binding;

/// In the order they are written; `self` is one of them.
pub fn bindings(arguments: &Punctuated<FnArg, Token![,]>) -> Vec<Binding> {
    let mut found = Vec::new();
    for argument in arguments {
        match argument {
            FnArg::Receiver(receiver) => {
                let ident = Ident::new("self", receiver.self_token.span);
                found.push(Binding { ident, is_conditional: is_conditional(&receiver.attrs) });
            }
            FnArg::Typed(typed) => {
                let from = found.len();
                pattern(&typed.pat, &mut found);
                if is_conditional(&typed.attrs) {
                    found[from..].iter_mut().for_each(|binding| binding.is_conditional = true);
                }
            }
        }
    }
    found
}

fn is_conditional(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident("cfg"))
}

fn pattern(pat: &Pat, found: &mut Vec<Binding>) {
    match pat {
        Pat::Ident(binding) => {
            let is_plain = binding.by_ref.is_none() && binding.mutability.is_none();
            if !(is_plain && binding.subpat.is_none() && is_constant(&binding.ident)) {
                found.push(Binding { ident: binding.ident.clone(), is_conditional: false });
            }
            if let Some((_, inner)) = &binding.subpat {
                pattern(inner, found);
            }
        }
        // Each case binds the same.
        Pat::Or(or) => or.cases.first().into_iter().for_each(|case| pattern(case, found)),
        Pat::Paren(paren) => pattern(&paren.pat, found),
        Pat::Reference(reference) => pattern(&reference.pat, found),
        Pat::Slice(slice) => slice.elems.iter().for_each(|part| pattern(part, found)),
        Pat::Struct(fields) => {
            fields.fields.iter().for_each(|field| pattern(&field.pat, found));
        }
        Pat::Tuple(tuple) => tuple.elems.iter().for_each(|part| pattern(part, found)),
        Pat::TupleStruct(tuple) => tuple.elems.iter().for_each(|part| pattern(part, found)),
        _ => {}
    }
}

/// `Unit` in a pattern is a constant by its spelling.
fn is_constant(ident: &Ident) -> bool {
    ident.to_string().starts_with(char::is_uppercase)
}
