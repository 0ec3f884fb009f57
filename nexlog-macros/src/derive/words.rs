//! `#[nexlog(rename = "id", secret)]`: the words of attributes, checked by themselves.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::spanned::Spanned as _;
use syn::{Attribute, LitStr, Result, Token};

use super::check;
use super::model::Form;
use super::names::Case;
use crate::record::check::Faults;

/// What an attribute stands at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    Struct,
    Enum,
    Variant,
    /// A field with a name.
    Named,
    Unnamed,
}

impl Owner {
    pub fn words(self) -> &'static [&'static str] {
        match self {
            Owner::Struct => &["rename_all", "display", "debug", "secret", "crate"],
            Owner::Enum => {
                &["rename_all", "rename_all_fields", "tag", "display", "debug", "secret", "crate"]
            }
            Owner::Variant => &["rename", "rename_all", "skip"],
            Owner::Named => &["rename", "skip", "secret", "flatten", "display", "debug"],
            Owner::Unnamed => &["skip", "secret", "display", "debug"],
        }
    }
}

/// The words at one place.
#[derive(Default)]
pub struct Words {
    pub rename: Option<LitStr>,
    pub rename_all: Option<(Ident, Case)>,
    pub rename_all_fields: Option<(Ident, Case)>,
    pub tag: Option<LitStr>,
    pub krate: Option<TokenStream>,
    /// The form, and the word that says it.
    pub form: Option<(Form, Ident)>,
}

impl Words {
    /// Those of all `#[nexlog(…)]` among these attributes.
    pub fn read(attributes: &[Attribute], owner: Owner, faults: &mut Faults) -> Words {
        let mut words = Words::default();
        let mut seen = Vec::new();
        for attribute in attributes.iter().filter(|a| a.path().is_ident("nexlog")) {
            let parser = |input: ParseStream<'_>| {
                while !input.is_empty() {
                    words.word(input, owner, &mut seen)?;
                    if !input.is_empty() {
                        input.parse::<Token![,]>().map_err(|e| check::missing_comma(&e))?;
                    }
                }
                Ok(())
            };
            let outcome = match &attribute.meta {
                syn::Meta::List(list) => list.parse_args_with(parser),
                other => Err(check::without_list(other)),
            };
            if let Err(error) = outcome {
                faults.add(error);
            }
        }
        words
    }

    /// Where a type is shown as one thing, nothing can be said about what is in it.
    pub fn apply_to_all<'a>(
        &self,
        inside: impl Iterator<Item = &'a Attribute>,
        faults: &mut Faults,
    ) {
        let Some((_, whole)) = &self.form else { return };
        let cases = [&self.rename_all, &self.rename_all_fields];
        let cases = cases.into_iter().flatten().map(|(word, _)| word.span());
        let tag = self.tag.as_ref().map(LitStr::span);
        let inside = inside.filter(|a| a.path().is_ident("nexlog")).map(|a| a.path().span());
        if let Some(at) = cases.chain(tag).chain(inside).next() {
            faults.add(check::without_effect(at, whole));
        }
    }

    fn word(&mut self, input: ParseStream<'_>, owner: Owner, seen: &mut Vec<String>) -> Result<()> {
        let name = Ident::parse_any(input).map_err(|error| check::not_a_word(&error, owner))?;
        let text = name.to_string();
        if !owner.words().contains(&text.as_str()) {
            return Err(check::unknown_word(&name, owner));
        }
        if seen.contains(&text) {
            return Err(check::word_twice(&name));
        }
        seen.push(text.clone());
        match text.as_str() {
            "rename" => self.rename = Some(named(input, &name)?),
            "tag" => self.tag = Some(named(input, &name)?),
            "rename_all" => self.rename_all = Some((name.clone(), case(input, &name)?)),
            "rename_all_fields" => {
                self.rename_all_fields = Some((name.clone(), case(input, &name)?));
            }
            "crate" => self.krate = Some(path(input, &name)?),
            _ => self.form(input, &name, &text)?,
        }
        if let (Some((form, word)), Some(rename)) = (&self.form, &self.rename)
            && matches!(form, Form::Flatten | Form::Skip)
        {
            return Err(check::contradiction(&name, word, &rename.value()));
        }
        Ok(())
    }

    fn form(&mut self, input: ParseStream<'_>, name: &Ident, text: &str) -> Result<()> {
        if input.peek(Token![=]) || input.peek(syn::token::Paren) {
            return Err(check::word_with_value(name));
        }
        let form = match text {
            "skip" => Form::Skip,
            "secret" => Form::Secret,
            "flatten" => Form::Flatten,
            "display" => Form::Display,
            _ => Form::Debug,
        };
        if let Some((_, other)) = &self.form {
            return Err(check::two_forms(name, other));
        }
        self.form = Some((form, name.clone()));
        Ok(())
    }
}

/// The text behind `name =`.
fn text(input: ParseStream<'_>, name: &Ident) -> Result<LitStr> {
    if input.parse::<Option<Token![=]>>()?.is_none() {
        return Err(check::word_without_value(name));
    }
    input.parse().map_err(|error| check::not_a_text(&error, name))
}

fn named(input: ParseStream<'_>, name: &Ident) -> Result<LitStr> {
    let text = text(input, name)?;
    if text.value().is_empty() { Err(check::empty_name(&text)) } else { Ok(text) }
}

fn case(input: ParseStream<'_>, name: &Ident) -> Result<Case> {
    let text = text(input, name)?;
    Case::from_name(&text.value()).ok_or_else(|| check::unknown_case(&text))
}

/// A path, as itself or in quotes.
fn path(input: ParseStream<'_>, name: &Ident) -> Result<TokenStream> {
    if input.parse::<Option<Token![=]>>()?.is_none() {
        return Err(check::word_without_value(name));
    }
    let path = if input.peek(LitStr) {
        input.parse::<LitStr>()?.parse_with(syn::Path::parse_mod_style)
    } else {
        input.call(syn::Path::parse_mod_style)
    };
    path.map(syn::Path::into_token_stream).map_err(|error| check::not_a_path(&error))
}
