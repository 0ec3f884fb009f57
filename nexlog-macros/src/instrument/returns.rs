//! What does a function give back? Told by its syntax: a macro sees no types.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens as _;
use syn::punctuated::Punctuated;
use syn::{
    GenericArgument, PathArguments, PathSegment, ReturnType, Token, Type, TypeInfer, TypeParamBound,
};

use super::model::{Future, Returns};

/// `is_future` is the user's word for it: the option `future`.
pub fn returns(output: &ReturnType, is_async: bool, is_future: bool) -> Returns {
    let ReturnType::Type(_, declared) = output else { return Returns::Nothing };
    let bare = bare(declared);
    if !is_async && let Some(future) = future(bare, declared, is_future) {
        return Returns::Future(future);
    }
    match bare {
        Type::Never(_) => Returns::Never,
        Type::Tuple(tuple) if tuple.elems.is_empty() => Returns::Nothing,
        _ => Returns::Value(nameable(declared)),
    }
}

/// Without parentheses and the invisible groups of a surrounding macro.
fn bare(mut declared: &Type) -> &Type {
    loop {
        declared = match declared {
            Type::Group(group) => &group.elem,
            Type::Paren(paren) => &paren.elem,
            _ => return declared,
        };
    }
}

fn future(bare: &Type, declared: &Type, is_future: bool) -> Option<Future> {
    if let Type::ImplTrait(opaque) = bare {
        let found = future_bound(&opaque.bounds);
        let output = found.and_then(output_of);
        return (found.is_some() || is_future).then_some(Future { boxed: None, output });
    }
    let boxed = Some(nameable(declared));
    match boxed_future(bare) {
        Some(output) => Some(Future { boxed, output }),
        None => is_future.then_some(Future { boxed, output: None }),
    }
}

/// `Pin<Box<dyn Future<Output = T>>>`, `BoxFuture<'_, T>`, `LocalBoxFuture<'_, T>`: the `T`, if
/// it is told.
#[allow(clippy::option_option)] // no future, one of nobody knows what, one of `T`
fn boxed_future(bare: &Type) -> Option<Option<TokenStream>> {
    let last = last_segment(bare)?;
    if last.ident == "BoxFuture" || last.ident == "LocalBoxFuture" {
        return Some(types(last).last().map(nameable));
    }
    let in_pin = inside("Pin", last)?;
    let in_box = inside("Box", last_segment(self::bare(in_pin))?)?;
    let Type::TraitObject(object) = self::bare(in_box) else { return None };
    Some(output_of(future_bound(&object.bounds)?))
}

/// The first type that `outer` is of.
fn inside<'a>(outer: &str, segment: &'a PathSegment) -> Option<&'a Type> {
    if segment.ident == outer { types(segment).next() } else { None }
}

fn last_segment(bare: &Type) -> Option<&PathSegment> {
    match bare {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

fn types(segment: &PathSegment) -> impl Iterator<Item = &Type> {
    let arguments = match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => Some(arguments.args.iter()),
        _ => None,
    };
    arguments.into_iter().flatten().filter_map(|argument| match argument {
        GenericArgument::Type(inner) => Some(inner),
        _ => None,
    })
}

fn future_bound(bounds: &Punctuated<TypeParamBound, Token![+]>) -> Option<&PathSegment> {
    bounds.iter().find_map(|bound| match bound {
        TypeParamBound::Trait(bound) => {
            bound.path.segments.last().filter(|last| last.ident == "Future")
        }
        _ => None,
    })
}

/// The `T` of `Future<Output = T>`.
fn output_of(bound: &PathSegment) -> Option<TokenStream> {
    let PathArguments::AngleBracketed(arguments) = &bound.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(of) if of.ident == "Output" => Some(nameable(&of.ty)),
        _ => None,
    })
}

/// A type as a variable may have it.
fn nameable(declared: &Type) -> TokenStream {
    let tokens = declared.to_token_stream();
    // Parsed anew in place of cloned: `syn` is built without its clones.
    match syn::parse2(tokens.clone()) {
        Ok(copy) => without_impl(copy).into_token_stream(),
        Err(_) => tokens,
    }
}

/// `_` for each `impl Trait`, which a variable's type cannot name.
fn without_impl(declared: Type) -> Type {
    match declared {
        Type::ImplTrait(_) => Type::Infer(TypeInfer {
            attrs: Vec::new(),
            underscore_token: Token![_](Span::mixed_site()),
        }),
        Type::Group(mut group) => {
            *group.elem = without_impl(*group.elem);
            Type::Group(group)
        }
        Type::Paren(mut paren) => {
            *paren.elem = without_impl(*paren.elem);
            Type::Paren(paren)
        }
        Type::Reference(mut reference) => {
            *reference.elem = without_impl(*reference.elem);
            Type::Reference(reference)
        }
        Type::Tuple(mut tuple) => {
            tuple.elems.iter_mut().for_each(replace);
            Type::Tuple(tuple)
        }
        Type::Path(mut path) => {
            path.path.segments.iter_mut().for_each(|segment| {
                if let PathArguments::AngleBracketed(arguments) = &mut segment.arguments {
                    arguments.args.iter_mut().for_each(|argument| {
                        if let GenericArgument::Type(inner) = argument {
                            replace(inner);
                        }
                    });
                }
            });
            Type::Path(path)
        }
        other => other,
    }
}

fn replace(place: &mut Type) {
    let inner = std::mem::replace(place, Type::Verbatim(TokenStream::new()));
    *place = without_impl(inner);
}
