//! What only frames have: scopes, sets of fields and spans. A span's name and level, and the
//! code that makes a frame.
//!
//! A frame is to `context!` what a record is to `info!`: a site, and the values of its slots in
//! the same wrappers, handed to `frameN` in place of `emitN`. What becomes of it (a guard, a
//! span, a value) is the method called on it.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::parse::ParseStream;
use syn::{Expr, LitStr, Result};

use super::check::{self, frames as texts};
use super::code::{ends, expression, skip_token};
use super::expand::{FAST_SLOTS, Site};
use super::message::{message, string};
use super::model::{Call, Chosen, Code, Form, Level, LevelArg, Shape};
use super::resolve::Plan;
use super::template::{self, Piece, Reference};
use super::values::{Values, borrowed, located, word};

/// The name of a span, behind its options.
pub fn name(input: ParseStream<'_>, call: &mut Call) -> Result<()> {
    if let Some(text) = message(input) {
        call.name = Some(checked_name(&text?)?);
        return Ok(());
    }
    let at = input.cursor();
    if ends(at) {
        return Err(texts::missing_name(at.span()));
    }
    if string(at).is_some() || super::code::sigil(at).is_some() {
        return Err(texts::missing_name(at.span()));
    }
    match super::code::dotted_key(at) {
        Some((.., rest)) if !ends(rest) => Err(texts::missing_name(at.span())),
        _ => Err(texts::name_at_run_time(&expression(input)?.0.tokens)),
    }
}

/// A name, which is fixed text: `{{` is a brace, as in a message.
pub fn checked_name(text: &LitStr) -> Result<String> {
    let template = template::parse(&text.value()).map_err(|flaw| check::flaw(&flaw, text))?;
    let mut name = String::new();
    for piece in template.pieces {
        match piece {
            Piece::Text(part) => name.push_str(&part),
            Piece::Hole(hole) => {
                let value = match &hole.value {
                    Reference::Name(name) => Some(name.as_str()),
                    Reference::Position(_) => None,
                };
                return Err(texts::placeholder_in_name(text, &hole.source, value));
            }
        }
    }
    if name.is_empty() { Err(texts::empty_name(text.span())) } else { Ok(name) }
}

/// Whether `tracing`'s spelling of the level stands here: `span!(Level::Debug, "import")`. Any
/// expression in front of the name is meant as one.
pub fn is_level_ahead(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    let is_text = string(input.cursor()).is_some();
    let Some(expr) = ahead.parse::<Expr>().ok().filter(|_| !is_text && ends(ahead.cursor())) else {
        return false;
    };
    let names_level = match &expr {
        Expr::Path(path) => path.path.segments.last().is_some_and(|last| {
            path.path.segments.len() > 1 && Level::from_name(&last.ident.to_string()).is_some()
        }),
        _ => false,
    };
    skip_token(&ahead);
    names_level || string(ahead.cursor()).is_some_and(|(_, rest)| ends(rest))
}

/// A level that is known while compiling: a path, or its name as a text.
pub fn static_level(input: ParseStream<'_>) -> Result<(Level, Option<Code>)> {
    let (text, ahead) = (string(input.cursor()), input.fork());
    let (code, shape) = expression(input)?;
    if let (Some((text, _)), Shape::Text) = (text, shape) {
        let level = Level::from_name(&text.value());
        let level = level.ok_or_else(|| texts::not_a_static_level(&code.tokens))?;
        return Ok((level, None));
    }
    match super::parse::classify(&ahead, code) {
        LevelArg::Static(level, path) => Ok((level, path)),
        LevelArg::Dynamic(code) => Err(texts::not_a_static_level(&code.tokens)),
        LevelArg::Unknown => Err(ahead.error("")),
    }
}

impl Site {
    /// The whole expansion of `context!`, `fields!` and `span!`.
    pub fn framed(&self, plan: &Plan) -> TokenStream {
        let krate = &self.krate;
        let mixed = Span::mixed_site();
        let (method, nothing) = match self.form {
            Form::FieldSet => {
                let frame = self.frame(plan);
                return quote_spanned!(mixed=> { (#frame).fields() });
            }
            Form::Scope => (word("scope"), quote_spanned!(mixed=> #krate::Span::none().entered())),
            _ => (word("span"), quote_spanned!(mixed=> #krate::Span::none())),
        };
        let wrap = |frame: TokenStream| quote_spanned!(mixed=> (#frame).#method());
        let value = self.conditional(plan, &wrap, &nothing);
        quote_spanned!(mixed=> { #value })
    }

    /// What a frame becomes where it is wanted, else what there is in its place; without that, a
    /// statement.
    pub fn conditional(
        &self,
        plan: &Plan,
        wrap: &dyn Fn(TokenStream) -> TokenStream,
        nothing: &TokenStream,
    ) -> TokenStream {
        let mixed = Span::mixed_site();
        let condition = self.condition();
        let site = self.site(plan);
        let wrapped = wrap(self.frame_of_site(plan));
        let otherwise = (!nothing.is_empty()).then(|| quote_spanned!(mixed=> else { #nothing }));
        if self.static_level().is_none() {
            return quote_spanned! {mixed=>
                if #condition { #site #wrapped } #otherwise
            };
        }
        let check_level = self.check_level();
        quote_spanned! {mixed=>
            if #condition {
                #check_level
                #site
                if nexlog_site.enabled() { #wrapped } #otherwise
            } #otherwise
        }
    }

    /// A frame, whatever the level.
    pub fn frame(&self, plan: &Plan) -> TokenStream {
        let (site, frame) = (self.site(plan), self.frame_of_site(plan));
        quote_spanned!(Span::mixed_site()=> { #site #frame })
    }

    /// The frame of the variable `nexlog_site`.
    fn frame_of_site(&self, plan: &Plan) -> TokenStream {
        let parent = self.options.iter().find_map(|option| match option {
            Chosen::Parent(code) => Some(code),
            _ => None,
        });
        let made = self.made(plan, parent);
        let Some(code) = parent else { return made };
        let krate = &self.krate;
        let mixed = Span::mixed_site();
        // A bare `None` has no type of its own.
        let of_type = names_nothing(code).then(|| {
            quote_spanned!(mixed=>
                let nexlog_parent: &#krate::__private::core::option::Option<#krate::Span> = nexlog_parent;)
        });
        let value = borrowed(code);
        quote_spanned!(mixed=> match #value { nexlog_parent => { #of_type #made } })
    }

    fn made(&self, plan: &Plan, parent: Option<&Code>) -> TokenStream {
        let krate = &self.krate;
        let mixed = Span::mixed_site();
        let parent =
            parent.map(|code| quote_spanned!(located(code.first)=> .child_of(nexlog_parent)));
        let is_fast = plan.slots.len() <= FAST_SLOTS;
        let values = Values { krate, plan, hoisted: !is_fast || plan.needs_hoisting() };
        let import = values.import();
        if is_fast {
            let slots = plan.slots.iter().map(|slot| values.value(&slot.source));
            let make = word(&format!("frame{}", plan.slots.len()));
            let call = quote_spanned!(mixed=> (#krate::__private::#make)(nexlog_site #(, #slots)*));
            return values.bind(quote_spanned!(mixed=> { #import #call #parent }));
        }
        let pushes = plan.slots.iter().map(|slot| {
            let value = values.pushed(&slot.source);
            quote_spanned!(mixed=> nexlog_draft.push(#value);)
        });
        values.bind(quote_spanned! {mixed=> {
            #import
            let mut nexlog_draft = #krate::__private::FrameDraft::begin(nexlog_site);
            #(#pushes)*
            nexlog_draft.finish() #parent
        }})
    }
}

/// What stands for a call with mistakes: a value of the right type.
pub fn stand_in(form: Form, krate: &TokenStream) -> TokenStream {
    let kind = word(match form {
        Form::Scope => "Scope",
        Form::FieldSet => "FieldSet",
        Form::Span => "Span",
        Form::Record | Form::Try | Form::Enabled => return TokenStream::new(),
    });
    quote_spanned! {Span::mixed_site()=>
        #krate::__private::core::option::Option::None::<#krate::#kind>.unwrap()
    }
}

/// `None`, `Option::None`
fn names_nothing(code: &Code) -> bool {
    let last = code.tokens.clone().into_iter().last();
    last.is_some_and(|tree| tree.to_string() == "None")
}
