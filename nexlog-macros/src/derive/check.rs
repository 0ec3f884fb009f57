//! Every text of an error of the derive, with its remedy.

use proc_macro2::Ident;
use syn::{Error, LitStr, Meta};

use super::names::Case;
use super::words::Owner;
use crate::instrument::did_you_mean;

// The item.

pub fn union(keyword: proc_macro2::Span) -> Error {
    Error::new(
        keyword,
        "nothing says which field of a `union` counts: implement `nexlog::Value` by hand",
    )
}

pub fn not_a_type(item: &syn::Item) -> Error {
    Error::new_spanned(item, "`#[derive(Value)]` is for structs and enums")
}

// Attributes.

pub fn without_list(meta: &Meta) -> Error {
    Error::new_spanned(meta, "write `#[nexlog(…)]`, for example `#[nexlog(rename = \"id\")]`")
}

fn list(owner: Owner) -> String {
    let of = match owner {
        Owner::Struct => "a struct",
        Owner::Enum => "an enum",
        Owner::Variant => "a variant",
        Owner::Named => "a field",
        Owner::Unnamed => "a field without a name",
    };
    let words: Vec<_> = owner.words().iter().map(|word| format!("`{word}`")).collect();
    format!("{of} takes {}", words.join(", "))
}

pub fn not_a_word(error: &Error, owner: Owner) -> Error {
    Error::new(error.span(), format!("this is no word of `#[nexlog(…)]`: {}", list(owner)))
}

pub fn unknown_word(name: &Ident, owner: Owner) -> Error {
    let text = name.to_string();
    let remedy = match text.as_str() {
        "skip_serializing_if" => "; a `None` is left out anyway".to_owned(),
        "skip_serializing" => "; write `skip`".to_owned(),
        "with" | "serialize_with" => "; write `display` or `debug`".to_owned(),
        "content" | "untagged" => {
            "; an enum is `{\"Variant\": …}`, or has its variant's name at the key `tag`".to_owned()
        }
        "transparent" if owner == Owner::Struct => {
            "; a struct with one field and no name for it is that field already".to_owned()
        }
        _ => did_you_mean(&text, owner.words().iter().copied()),
    };
    Error::new(name.span(), format!("there is no `{text}` here: {}{remedy}", list(owner)))
}

pub fn word_twice(name: &Ident) -> Error {
    Error::new(name.span(), format!("`{name}` is given twice: leave one out"))
}

pub fn missing_comma(error: &Error) -> Error {
    Error::new(error.span(), "a comma is missing before this")
}

fn example(name: &Ident) -> &'static str {
    match name.to_string().as_str() {
        "rename" => "rename = \"id\"",
        "tag" => "tag = \"type\"",
        "crate" => "crate = my_crate::nexlog",
        "rename_all_fields" => "rename_all_fields = \"camelCase\"",
        _ => "rename_all = \"camelCase\"",
    }
}

pub fn word_without_value(name: &Ident) -> Error {
    Error::new(name.span(), format!("`{name}` has no value: write `{}`", example(name)))
}

pub fn not_a_text(error: &Error, name: &Ident) -> Error {
    Error::new(error.span(), format!("this has to be a text: write `{}`", example(name)))
}

pub fn not_a_path(error: &Error) -> Error {
    Error::new(error.span(), "this has to be a path: write `crate = my_crate::nexlog`")
}

pub fn word_with_value(name: &Ident) -> Error {
    Error::new(name.span(), format!("`{name}` takes no value: write `{name}`"))
}

pub fn empty_name(text: &LitStr) -> Error {
    Error::new(text.span(), "a key cannot be empty: name it, or write `skip`")
}

pub fn unknown_case(text: &LitStr) -> Error {
    let all: Vec<_> = Case::NAMES.iter().map(|name| format!("`{name}`")).collect();
    let meant = did_you_mean(&text.value(), Case::NAMES);
    let text_shown = text.value();
    Error::new(
        text.span(),
        format!("`{text_shown}` is no way to write names: there are {}{meant}", all.join(", ")),
    )
}

pub fn two_forms(name: &Ident, other: &Ident) -> Error {
    Error::new(name.span(), format!("`{other}` and `{name}` cannot both be: leave one out"))
}

pub fn contradiction(at: &Ident, word: &Ident, rename: &str) -> Error {
    Error::new(
        at.span(),
        format!("with `{word}` there is no key to be called `{rename}`: leave one of them out"),
    )
}

pub fn nothing_to_rename(word: &Ident) -> Error {
    Error::new(word.span(), "there are no names here to be written in another way: leave it out")
}

pub fn without_effect(at: proc_macro2::Span, whole: &Ident) -> Error {
    Error::new(
        at,
        format!(
            "`{whole}` shows the type as one thing, so this does nothing: leave one of them out"
        ),
    )
}

// Fields.

pub fn key_twice(key: &str, at: proc_macro2::Span) -> Error {
    Error::new(at, format!("the key `{key}` is used twice: rename one of the fields"))
}

pub fn name_twice(name: &str, at: proc_macro2::Span) -> Error {
    Error::new(at, format!("two variants are called `{name}`: rename one of them"))
}

pub fn key_is_tag(key: &str, at: proc_macro2::Span) -> Error {
    Error::new(
        at,
        format!("the key `{key}` is that of the variant's name (`tag`): rename the field"),
    )
}

pub fn tagged_tuple(variant: &Ident) -> Error {
    Error::new(
        variant.span(),
        format!(
            "`tag` needs fields with names, and those of `{variant}` have none: name them, or leave \
             `tag` out"
        ),
    )
}
