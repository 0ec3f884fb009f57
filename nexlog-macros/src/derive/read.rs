//! From the item's tokens to [`Input`].

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Error, Fields, Index, Item, LitStr, Member};

use super::check;
use super::model::{Body, Field, Form, Input, Shape, Variant};
use super::names::Case;
use super::words::{Owner, Words};
use crate::record::check::Faults;

/// An error alone is of an item that is neither struct nor enum.
pub fn read(item: TokenStream, faults: &mut Faults) -> Result<Input, Error> {
    let (name, generics, words, body) = match syn::parse2::<Item>(item)? {
        Item::Struct(item) => {
            let words = Words::read(&item.attrs, Owner::Struct, faults);
            words.apply_to_all(item.fields.iter().flat_map(|field| &field.attrs), faults);
            let all = words.rename_all.as_ref();
            let shape = shape(item.fields, all, None, faults);
            if let Some((word, _)) = all
                && !matches!(shape, Shape::Named(_))
            {
                faults.add(check::nothing_to_rename(word));
            }
            (item.ident, item.generics, words, Body::Struct(shape))
        }
        Item::Enum(item) => {
            let words = Words::read(&item.attrs, Owner::Enum, faults);
            let inside = item.variants.iter().flat_map(|variant| {
                let fields = variant.fields.iter().flat_map(|field| &field.attrs);
                variant.attrs.iter().chain(fields)
            });
            words.apply_to_all(inside, faults);
            let variants = item.variants.into_iter();
            let variants: Vec<_> = variants.map(|each| variant(each, &words, faults)).collect();
            names_differ(&variants, faults);
            let tag = words.tag.as_ref().map(LitStr::value);
            (item.ident, item.generics, words, Body::Enum { tag, variants })
        }
        Item::Union(item) => {
            faults.add(check::union(item.union_token.span));
            (item.ident, item.generics, Words::default(), Body::Struct(Shape::Unit))
        }
        other => return Err(check::not_a_type(&other)),
    };
    let body = match &words.form {
        None => body,
        Some((form, word)) => Body::Whole(*form, word.span()),
    };
    let krate = words.krate;
    let krate = krate.unwrap_or_else(|| quote_spanned!(Span::mixed_site()=> ::nexlog));
    Ok(Input { name, generics, krate, body })
}

fn variant(variant: syn::Variant, of_enum: &Words, faults: &mut Faults) -> Variant {
    let words = Words::read(&variant.attrs, Owner::Variant, faults);
    let plain = variant.ident.unraw().to_string();
    let name = match (&words.rename, &of_enum.rename_all) {
        (Some(name), _) => name.value(),
        (None, Some((_, case))) => case.of_variant(&plain),
        (None, None) => plain,
    };
    let all = words.rename_all.as_ref().or(of_enum.rename_all_fields.as_ref());
    let mut shape = shape(variant.fields, all, of_enum.tag.as_ref(), faults);
    if let Some((word, _)) = &words.rename_all
        && !matches!(shape, Shape::Named(_))
    {
        faults.add(check::nothing_to_rename(word));
    }
    let is_skipped = words.form.is_some();
    if of_enum.tag.is_some() && !is_skipped {
        match &mut shape {
            // Its fields stand beside the tag.
            Shape::Newtype(field) if field.form == Form::Typed => field.form = Form::Flatten,
            Shape::Newtype(_) | Shape::Tuple(_) => faults.add(check::tagged_tuple(&variant.ident)),
            Shape::Named(_) | Shape::Unit => {}
        }
    }
    Variant { ident: variant.ident, name, shape, is_skipped }
}

fn names_differ(variants: &[Variant], faults: &mut Faults) {
    let mut seen: Vec<&str> = Vec::new();
    for variant in variants.iter().filter(|variant| !variant.is_skipped) {
        if seen.contains(&&*variant.name) {
            faults.add(check::name_twice(&variant.name, variant.ident.span()));
        }
        seen.push(&variant.name);
    }
}

fn shape(
    fields: Fields,
    all: Option<&(Ident, Case)>,
    tag: Option<&LitStr>,
    faults: &mut Faults,
) -> Shape {
    match fields {
        Fields::Named(fields) => {
            let mut keys = Vec::new();
            let fields = fields.named.into_iter();
            Shape::Named(fields.map(|each| named(each, all, tag, &mut keys, faults)).collect())
        }
        Fields::Unnamed(fields) => {
            let fields = fields.unnamed.into_iter().enumerate();
            let mut fields: Vec<_> =
                fields.map(|(number, each)| unnamed(number, each, faults)).collect();
            match fields.pop() {
                Some(only) if fields.is_empty() && only.form != Form::Skip => {
                    Shape::Newtype(Box::new(only))
                }
                last => {
                    fields.extend(last);
                    Shape::Tuple(fields)
                }
            }
        }
        Fields::Unit => Shape::Unit,
    }
}

fn named(
    field: syn::Field,
    all: Option<&(Ident, Case)>,
    tag: Option<&LitStr>,
    keys: &mut Vec<String>,
    faults: &mut Faults,
) -> Field {
    let words = Words::read(&field.attrs, Owner::Named, faults);
    let ident = field.ident.unwrap_or_else(|| Ident::new("field", field.ty.span()));
    let plain = ident.unraw().to_string();
    let (key, at) = match (&words.rename, all) {
        (Some(text), _) => (text.value(), text.span()),
        (None, Some((_, case))) => (case.of_field(&plain), ident.span()),
        (None, None) => (plain, ident.span()),
    };
    let form = words.form.map_or(Form::Typed, |(form, _)| form);
    if !matches!(form, Form::Skip | Form::Flatten) {
        if keys.contains(&key) {
            faults.add(check::key_twice(&key, at));
        } else if tag.is_some_and(|tag| tag.value() == key) {
            faults.add(check::key_is_tag(&key, at));
        }
        keys.push(key.clone());
    }
    Field { member: Member::Named(ident), key, form, ty: field.ty }
}

fn unnamed(number: usize, field: syn::Field, faults: &mut Faults) -> Field {
    let words = Words::read(&field.attrs, Owner::Unnamed, faults);
    let form = words.form.map_or(Form::Typed, |(form, _)| form);
    Field { member: Member::Unnamed(Index::from(number)), key: String::new(), form, ty: field.ty }
}
