//! Which bounds the impl needs: for each type parameter what its fields are shown by.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens as _, quote};
use syn::{GenericParam, Generics, Type, parse_quote};

use super::model::{Body, Form, Input};

/// The type's generics with these bounds added.
pub fn bounded(input: &Input) -> Generics {
    let mut generics = input.generics.clone();
    let krate = &input.krate;
    let types = generics.params.iter().filter_map(|param| match param {
        GenericParam::Type(param) => Some(param.ident.clone()),
        GenericParam::Lifetime(_) | GenericParam::Const(_) => None,
    });
    let types: Vec<Ident> = types.collect();
    if types.is_empty() {
        return generics;
    }
    let clause = generics.make_where_clause();
    if let Body::Whole(form, _) = &input.body {
        if let Some(bound) = bound(*form, krate) {
            clause.predicates.push(parse_quote!(Self: #bound));
        }
        return generics;
    }
    let mut known = Vec::new();
    for field in input.body.fields() {
        let Some(bound) = bound(field.form, krate) else { continue };
        for subject in subjects(&field.ty, &types) {
            let predicate = quote!(#subject: #bound);
            if !known.contains(&predicate.to_string()) {
                known.push(predicate.to_string());
                clause.predicates.push(parse_quote!(#predicate));
            }
        }
    }
    generics
}

fn bound(form: Form, krate: &TokenStream) -> Option<TokenStream> {
    match form {
        Form::Typed => Some(quote!(#krate::Value)),
        Form::Flatten => Some(quote!(#krate::Fields)),
        Form::Debug => Some(quote!(#krate::__private::core::fmt::Debug)),
        Form::Display => Some(quote!(#krate::__private::core::fmt::Display)),
        Form::Secret | Form::Skip => None,
    }
}

/// The parameters that a field's type names; the type as a whole where it names what belongs to
/// one: `T::Item`.
fn subjects(ty: &Type, parameters: &[Ident]) -> Vec<TokenStream> {
    let mut subjects = Vec::new();
    let mut has_associated = false;
    go_over(ty.to_token_stream(), &mut |ident, is_followed| {
        if parameters.contains(ident) {
            has_associated |= is_followed;
            subjects.push(ident.to_token_stream());
        }
    });
    if has_associated { vec![ty.to_token_stream()] } else { subjects }
}

/// Each name, and whether `::` follows it.
fn go_over(tokens: TokenStream, each: &mut impl FnMut(&Ident, bool)) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(tree) = tokens.next() {
        match tree {
            TokenTree::Ident(ident) => {
                let next = tokens.peek();
                let colon =
                    |tree: &TokenTree| matches!(tree, TokenTree::Punct(p) if p.as_char() == ':');
                each(&ident, next.is_some_and(colon));
            }
            TokenTree::Group(group) => go_over(group.stream(), each),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}
