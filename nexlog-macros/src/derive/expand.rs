//! The code that is left: `impl Value`, and `impl Fields` for a struct with names.
//!
//! What stands for a field has the place of its type, so that the compiler underlines that when it
//! has no encoder.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Generics, Member};

use super::bounds::bounded;
use super::model::{Body, Field, Form, Input, Shape, Variant};
use crate::record::values::{located, word};

/// The impls.
pub fn expand(input: &Input) -> TokenStream {
    let generics = bounded(input);
    let out = word("out");
    let body = match &input.body {
        Body::Whole(form, at) => whole(input, *form, *at),
        Body::Struct(Shape::Named(fields)) => {
            let krate = &input.krate;
            let entries = entries(krate, fields.iter().map(|field| (field, of_self(field))));
            let record = quote_spanned! {Span::mixed_site()=>
                #krate::Value::record(&#krate::__private::Splice(self), #out)
            };
            let value = implement(input, &generics, &record);
            return [value, implement_fields(input, &generics, &entries)].into_iter().collect();
        }
        Body::Struct(shape) => {
            let value = content(input, shape, of_self);
            let name = input.name.to_string();
            written(&input.krate, value.as_ref(), name.strip_prefix("r#").unwrap_or(&name))
        }
        Body::Enum { tag, variants } => {
            let arms = variants.iter().map(|variant| arm(input, tag.as_deref(), variant));
            if variants.is_empty() {
                quote_spanned!(Span::mixed_site()=> match *self {})
            } else {
                quote_spanned!(Span::mixed_site()=> match self { #(#arms)* })
            }
        }
    };
    implement(input, &generics, &body)
}

/// An impl in place of one that could not be made.
pub fn placeholder(input: &Input) -> TokenStream {
    let nothing = quote!();
    let value = implement(input, &input.generics, &nothing);
    match &input.body {
        Body::Struct(Shape::Named(_)) => {
            [value, implement_fields(input, &input.generics, &nothing)].into_iter().collect()
        }
        _ => value,
    }
}

fn implement(input: &Input, generics: &Generics, body: &TokenStream) -> TokenStream {
    let (krate, name, out) = (&input.krate, &input.name, word("out"));
    let (parameters, arguments, clause) = generics.split_for_impl();
    quote_spanned! {Span::mixed_site()=>
        #[automatically_derived]
        #[allow(deprecated, unused_variables, clippy::pedantic)]
        impl #parameters #krate::Value for #name #arguments #clause {
            fn record(&self, #out: #krate::ValueWriter<'_>) {
                #body
            }
        }
    }
}

fn implement_fields(input: &Input, generics: &Generics, entries: &TokenStream) -> TokenStream {
    let (krate, name, out) = (&input.krate, &input.name, word("out"));
    let (parameters, arguments, clause) = generics.split_for_impl();
    quote_spanned! {Span::mixed_site()=>
        #[automatically_derived]
        #[allow(deprecated, unused_variables, clippy::pedantic)]
        impl #parameters #krate::Fields for #name #arguments #clause {
            fn record_fields(&self, #out: &mut #krate::FieldsWriter<'_>) {
                #entries
            }
        }
    }
}

/// The whole as a text or a secret.
fn whole(input: &Input, form: Form, at: Span) -> TokenStream {
    let (krate, out) = (&input.krate, word("out"));
    let span = located(at);
    match form {
        Form::Display => quote_spanned!(span=> #krate::ValueWriter::display(#out, self)),
        Form::Debug => quote_spanned!(span=> #krate::ValueWriter::debug(#out, self)),
        _ => quote_spanned!(span=> #krate::ValueWriter::secret(#out)),
    }
}

fn of_self(field: &Field) -> TokenStream {
    let member = &field.member;
    quote_spanned!(located(field.ty.span())=> &self.#member)
}

/// What a pattern binds a field to.
fn binding(field: &Field) -> Ident {
    let name = match &field.member {
        Member::Named(ident) => {
            let name = ident.to_string();
            format!("field_{}", name.strip_prefix("r#").unwrap_or(&name))
        }
        Member::Unnamed(index) => format!("field_{}", index.index),
    };
    format_ident!("{name}", span = located(field.ty.span()))
}

fn of_binding(field: &Field) -> TokenStream {
    binding(field).into_token_stream()
}

/// A field's value, as a reference to something that is one.
fn shown(krate: &TokenStream, field: &Field, access: &TokenStream) -> TokenStream {
    let span = located(field.ty.span());
    match field.form {
        Form::Debug => quote_spanned!(span=> &#krate::__private::Debug(#access)),
        Form::Display => quote_spanned!(span=> &#krate::__private::Display(#access)),
        Form::Secret => quote_spanned!(span=> &#krate::__private::Secret::of(#access)),
        Form::Typed | Form::Flatten | Form::Skip => access.clone(),
    }
}

/// Fields with names, into a `FieldsWriter`.
fn entries<'a>(
    krate: &TokenStream,
    fields: impl Iterator<Item = (&'a Field, TokenStream)>,
) -> TokenStream {
    let out = word("out");
    let all = fields.filter(|(field, _)| field.form != Form::Skip).map(|(field, access)| {
        let span = located(field.ty.span());
        if field.form == Form::Flatten {
            return quote_spanned!(span=> #krate::Fields::record_fields(#access, #out););
        }
        let (key, value) = (&field.key, shown(krate, field, &access));
        quote_spanned!(span=> #krate::FieldsWriter::field(#out, #key, #value);)
    });
    all.collect()
}

/// What is in a shape, as a reference to a value; `None` for nothing but its name.
fn content(
    input: &Input,
    shape: &Shape,
    access: impl Fn(&Field) -> TokenStream,
) -> Option<TokenStream> {
    let (krate, out) = (&input.krate, word("out"));
    let site = Span::mixed_site();
    Some(match shape {
        Shape::Unit => return None,
        Shape::Newtype(field) => shown(krate, field, &access(field)),
        Shape::Tuple(fields) => {
            let items = fields.iter().filter(|field| field.form != Form::Skip).map(|field| {
                let value = shown(krate, field, &access(field));
                let span = located(field.ty.span());
                quote_spanned!(span=> #krate::ListWriter::item(#out, #value);)
            });
            quote_spanned! {site=>
                &#krate::__private::Items(|#out: &mut #krate::ListWriter<'_>| { #(#items)* })
            }
        }
        Shape::Named(fields) => {
            let entries = entries(krate, fields.iter().map(|field| (field, access(field))));
            quote_spanned! {site=>
                &#krate::__private::Entries(|#out: &mut #krate::FieldsWriter<'_>| { #entries })
            }
        }
    })
}

/// Writes a value, or else a name.
fn written(krate: &TokenStream, value: Option<&TokenStream>, name: &str) -> TokenStream {
    let out = word("out");
    let site = Span::mixed_site();
    if let Some(value) = value {
        quote_spanned!(site=> #krate::Value::record(#value, #out))
    } else {
        quote_spanned!(site=> #krate::ValueWriter::str(#out, #name))
    }
}

fn arm(input: &Input, tag: Option<&str>, variant: &Variant) -> TokenStream {
    let (krate, ident, name) = (&input.krate, &variant.ident, &variant.name);
    let (site, out) = (Span::mixed_site(), word("out"));
    if variant.is_skipped {
        return quote_spanned!(site=> Self::#ident { .. } => {});
    }
    let bound = variant.shape.fields().map(|field| {
        let (member, name) = (&field.member, binding(field));
        quote!(#member: #name)
    });
    let pattern = quote_spanned!(site=> Self::#ident { #(#bound,)* .. });
    let body = match (tag, &variant.shape) {
        (None, shape) => match content(input, shape, of_binding) {
            None => written(krate, None, name),
            Some(value) => quote_spanned! {site=>
                #krate::ValueWriter::map(#out, |#out| #krate::MapWriter::entry(#out, #name, #value))
            },
        },
        (Some(tag), shape) => {
            let rest = match shape {
                // Its fields stand beside the tag.
                Shape::Newtype(field) => {
                    let span = located(field.ty.span());
                    let access = of_binding(field);
                    quote_spanned!(span=> #krate::Fields::record_fields(#access, #out);)
                }
                shape => entries(krate, shape.fields().map(|field| (field, of_binding(field)))),
            };
            quote_spanned! {site=>
                #krate::Value::record(
                    &#krate::__private::Entries(|#out: &mut #krate::FieldsWriter<'_>| {
                        #krate::FieldsWriter::field(#out, #tag, #name);
                        #rest
                    }),
                    #out,
                )
            }
        }
    };
    quote_spanned!(site=> #pattern => { #body })
}
