//! `once()`, `every(n)`, `per_second(n)`: some of a site's records pass, the others are counted.
//!
//! What has passed and what not is kept in a static beside the site, which only sites with such an
//! option have. The gate comes first, then the options in the order of the source, each with its
//! number evaluated when its turn comes; only then the arguments.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::parse::{ParseStream, Parser};
use syn::{LitInt, Result};

use super::check::{self, Faults};
use super::code::{ends, expression};
use super::descriptor::Kind;
use super::expand::Site;
use super::gate::Gate;
use super::model::{Chosen, Code, Item, Key, Limit};
use super::resolve::{Plan, Source};
use super::values::{located, parenthesized, word};

/// The key of the field that a record behind suppressed ones carries.
pub const KEY: &str = "suppressed";

pub fn is_limit(name: &Ident) -> bool {
    name == "once" || name == "every" || name == "per_second"
}

/// Reads the option behind its name.
pub fn option(input: ParseStream<'_>, name: &Ident, is_called: bool) -> Result<Chosen> {
    if !is_called {
        return Err(check::limit::without_parentheses(name));
    }
    let group: proc_macro2::Group = input.parse()?;
    let mut inside = group.stream().into_iter();
    match (name == "once", inside.next()) {
        (true, None) => return Ok(Chosen::Limit(Limit::Once)),
        (true, Some(value)) => return Err(check::limit::once_with_value(value.span())),
        (false, None) => return Err(check::option_without_value(name)),
        (false, Some(_)) => {}
    }
    let number = |inside: ParseStream<'_>| {
        let (code, _) = expression(inside)?;
        inside.parse::<Option<syn::Token![,]>>()?;
        if ends(inside.cursor()) && inside.is_empty() {
            Ok(code)
        } else {
            Err(check::option_with_two_values(inside, name))
        }
    };
    let code = number.parse2(group.stream())?;
    if is_zero(&code) {
        return Err(check::limit::zero(name, code.first));
    }
    let limit = if name == "every" { Limit::Every(code) } else { Limit::PerSecond(code) };
    Ok(Chosen::Limit(limit))
}

fn is_zero(code: &Code) -> bool {
    let number = syn::parse2::<LitInt>(code.tokens.clone());
    number.is_ok_and(|number| number.base10_digits() == "0")
}

/// The option among `others` that has no meaning beside this one.
pub fn contradicted(chosen: &Chosen, others: &[Chosen]) -> Option<&'static str> {
    let Chosen::Limit(limit) = chosen else { return None };
    let is_once = |limit: &Limit| matches!(limit, Limit::Once);
    others.iter().find_map(|other| match other {
        Chosen::Limit(other) if is_once(limit) || is_once(other) => Some(other.name()),
        _ => None,
    })
}

/// A field of the user's with the key that the option needs. `items` before they are resolved.
pub fn check_keys(options: &[Chosen], items: &[Item], faults: &mut Faults) {
    if !options.iter().any(|option| matches!(option, Chosen::Limit(_))) {
        return;
    }
    for item in items {
        let key = match item {
            Item::Field(key, _) => Some(key),
            Item::Bare(bare) => bare.key.as_ref(),
            Item::Message(_) | Item::Splice(_) => None,
        };
        if let Some(Key::Literal(key, span)) = key
            && key == KEY
        {
            faults.add(check::limit::key_taken(*span));
        }
    }
}

/// The same of what the message has captured.
pub fn check_captured(options: &[Chosen], plan: &Plan, faults: &mut Faults) {
    if !faults.is_empty() || !options.iter().any(|option| matches!(option, Chosen::Limit(_))) {
        return;
    }
    let taken = plan.slots.iter().find(|slot| slot.kind == Kind::Field && slot.key == KEY);
    if let Some(Source::Value(_, number)) = taken.map(|slot| &slot.source) {
        faults.add(check::limit::key_taken(plan.arguments[*number].first));
    }
}

impl Site {
    fn limits(&self) -> impl Iterator<Item = &Limit> {
        self.options.iter().filter_map(|option| match option {
            Chosen::Limit(limit) => Some(limit),
            _ => None,
        })
    }

    pub fn is_limited(&self) -> bool {
        self.limits().next().is_some()
    }

    /// Whether the site's state byte is the gate: a limited site may be asked often, and that takes
    /// no lock.
    pub fn has_plain_gate(&self) -> bool {
        let is_plain = |option: &Chosen| matches!(option, Chosen::Target(_) | Chosen::Limit(_));
        self.static_level().is_some() && self.is_limited() && self.options.iter().all(is_plain)
    }

    /// `static LIMIT: …;` beside the site's, and its type; nothing without an option.
    pub fn limit_static(&self) -> TokenStream {
        if !self.is_limited() {
            return TokenStream::new();
        }
        let krate = &self.krate;
        quote_spanned! {Span::mixed_site()=>
            static LIMIT: #krate::__private::Limit = #krate::__private::Limit::new(&SITE);
        }
    }

    /// Whether this call's record passes: `&& …` behind the gate.
    pub fn passes(&self, gate: &Gate) -> TokenStream {
        let (krate, logger) = (&self.krate, &gate.logger);
        let mixed = Span::mixed_site();
        let each = self.limits().map(|limit| {
            let method = word(limit.name());
            let number = limit.code().map(|code| {
                let value = parenthesized(code.tokens.clone(), code);
                let name = Ident::new("nexlog_number", located(code.first));
                let bound = quote_spanned! {located(code.first)=>
                    let #name: #krate::__private::core::primitive::u64 = #value;
                };
                quote_spanned!(mixed=> { #bound #name },)
            });
            quote_spanned!(mixed=> && nexlog_limit.#method(#number #logger))
        });
        quote_spanned!(mixed=> #(#each)*)
    }
}
