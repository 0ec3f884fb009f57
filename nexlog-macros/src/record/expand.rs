//! The code that is left in the user's program.
//!
//! Three rules shape every token here. Everything stands inside `if CONSTANT { … }`, so that a
//! call below the static level still type-checks and leaves nothing behind. Every path begins
//! with the face's `$crate`, and every local has the macro's own hygiene, so that no name of
//! the user can get in between; the static of the call site is kept in a block of its own,
//! because items are not hygienic. And a call is few tokens: `emitN(site, &a, &b)` with
//! separate arguments was measured at 63 bytes of code for three fields, where everything
//! inlined takes 441.
//!
//! Expressions of the user run before a `Draft` exists, so `.await`, `?` and `return` work in
//! an argument.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

use super::check::Faults;
use super::descriptor::{Kind, descriptor};
use super::frames::stand_in;
use super::gate::Gate;
use super::limit;
use super::model::{Call, Chosen, Form, Level, LevelArg};
use super::resolve::Plan;
use super::values::{Values, borrowed, word};
use crate::static_filter::{self, Answer, Verdict};

/// The most slots that the runtime's `emitN` take; more go through a `Draft`.
const EMIT_SLOTS: usize = 20;
/// The most slots that its `frameN` take.
pub const FAST_SLOTS: usize = 12;

/// Everything an expansion needs to know besides the plan.
pub struct Site {
    pub krate: TokenStream,
    pub form: Form,
    pub level: LevelArg,
    pub options: Vec<Chosen>,
    /// How many of the options stand before the level.
    pub level_at: usize,
    filter: Answer,
}

impl Site {
    /// Takes what is left of a call whose items have been resolved.
    pub fn new(call: Call, filter: Answer) -> Site {
        let Call { krate, form, level, options, level_at, .. } = call;
        Site { krate, form, level, options, level_at, filter }
    }

    /// The whole expansion.
    pub fn expand(&self, plan: &Plan) -> TokenStream {
        if !self.form.is_record() {
            return self.framed(plan);
        }
        let condition = self.condition();
        let body = if self.is_general(plan) { self.general(plan) } else { self.fast(plan) };
        let otherwise = self.otherwise();
        let mixed = Span::mixed_site();
        quote_spanned! {mixed=> {
            if #condition { #body } #otherwise
        }}
    }

    /// What the build leaves of this level.
    pub fn condition(&self) -> TokenStream {
        let krate = &self.krate;
        let level = self.static_level().unwrap_or(Level::CRITICAL);
        let (constant, number) = (word(level.constant()), level.0);
        let mixed = Span::mixed_site();
        match &self.filter.verdict {
            Verdict::Keep => quote_spanned!(mixed=> #krate::__private::static_on::#constant),
            Verdict::Remove => quote_spanned!(mixed=> false),
            Verdict::Rules(rules) => quote_spanned! {mixed=>
                #krate::__private::static_on::#constant && const {
                    #krate::__private::static_rule(
                        #rules, #krate::__private::core::module_path!(), #number
                    )
                }
            },
        }
    }

    pub fn static_level(&self) -> Option<Level> {
        match &self.level {
            LevelArg::Static(level, _) => Some(*level),
            LevelArg::Dynamic(_) | LevelArg::Unknown => None,
        }
    }

    /// What the macro gives when it is disabled.
    fn otherwise(&self) -> TokenStream {
        match self.form {
            Form::Record | Form::Scope | Form::FieldSet | Form::Span => TokenStream::new(),
            Form::Try => {
                let ok = self.ok();
                quote_spanned!(Span::mixed_site()=> else { #ok })
            }
            Form::Enabled => {
                let krate = &self.krate;
                // A bare `false` would make clippy see through `enabled!(…) && other`.
                quote_spanned! {Span::mixed_site()=>
                    else { #krate::__private::core::convert::identity(false) }
                }
            }
        }
    }

    fn ok(&self) -> TokenStream {
        let krate = &self.krate;
        quote_spanned! {Span::mixed_site()=>
            #krate::__private::core::result::Result::Ok::<(), #krate::__private::Error>(())
        }
    }

    fn is_general(&self, plan: &Plan) -> bool {
        self.static_level().is_none()
            || self.form == Form::Try
            || plan.slots.len() > EMIT_SLOTS
            || self.options.iter().any(|option| !matches!(option, Chosen::Target(_)))
    }

    /// A level and a target that are known now, and not too many slots.
    fn fast(&self, plan: &Plan) -> TokenStream {
        let site = self.site(plan);
        let check_level = self.check_level();
        let mixed = Span::mixed_site();
        if self.form == Form::Enabled {
            return quote_spanned!(mixed=> #check_level #site nexlog_site.enabled());
        }
        let krate = &self.krate;
        let values = Values { krate, plan, hoisted: plan.needs_hoisting() };
        let slots = plan.slots.iter().map(|slot| values.value(&slot.source));
        // In parentheses: else the path's span mixes ours with that of `$crate`, and the compiler
        // underlines the whole call instead of the argument it dislikes.
        let emit = word(&format!("emit{}", plan.slots.len()));
        let import = values.import();
        let call =
            quote_spanned!(mixed=> #import (#krate::__private::#emit)(nexlog_site #(, #slots)*););
        let call = values.bind(call);
        quote_spanned!(mixed=> #check_level #site if nexlog_site.enabled() { #call })
    }

    /// A level, target or logger made at run time, a result, or many slots.
    fn general(&self, plan: &Plan) -> TokenStream {
        let krate = &self.krate;
        let mixed = Span::mixed_site();
        let site = self.site(plan);
        let check_level = self.check_level();
        let gate = Gate::new(self);
        let (level, target, logger) = (&gate.level, &gate.target, &gate.logger);
        let mut wanted = if self.has_plain_gate() {
            quote_spanned!(mixed=> nexlog_site.enabled())
        } else {
            quote_spanned!(mixed=> #krate::__private::gate(nexlog_site, #level, #target, #logger))
        };
        if let (LevelArg::Dynamic(_), Some(left)) = (&self.level, self.is_left(level)) {
            wanted = quote_spanned!(mixed=> (#left && #wanted));
        }
        let body = if self.form == Form::Enabled {
            wanted
        } else {
            let draft = self.draft(plan, &gate);
            let otherwise = self.otherwise();
            let passes = self.passes(&gate);
            quote_spanned!(mixed=> if #wanted #passes { #draft } #otherwise)
        };
        let checks = &gate.checks;
        let body = quote_spanned!(mixed=> #checks #site #body);
        let bound = gate.bind(body);
        quote_spanned!(mixed=> #check_level #bound)
    }

    /// What `NEXLOG_STATIC` says of a level that is made at run time; nothing if it says nothing.
    fn is_left(&self, level: &TokenStream) -> Option<TokenStream> {
        let krate = &self.krate;
        let mixed = Span::mixed_site();
        let mut lowest = 0;
        for level_number in 0..=Level::CRITICAL.0 {
            match static_filter::ask(level_number).verdict {
                Verdict::Remove => lowest = level_number + 1,
                Verdict::Keep => {}
                Verdict::Rules(rules) => {
                    return Some(quote_spanned! {mixed=>
                        #krate::__private::is_left_in(
                            #level, #rules, #krate::__private::core::module_path!()
                        )
                    });
                }
            }
        }
        (lowest > 0).then(|| quote_spanned!(mixed=> #krate::__private::is_left(#level, #lowest)))
    }

    fn draft(&self, plan: &Plan, gate: &Gate) -> TokenStream {
        let krate = &self.krate;
        let mixed = Span::mixed_site();
        let values = Values { krate, plan, hoisted: true };
        let pushes = plan.slots.iter().map(|slot| {
            let value = values.pushed(&slot.source);
            quote_spanned!(mixed=> nexlog_draft.push(#value);)
        });
        let import = values.import();
        let (level, target, logger) = (&gate.level, &gate.target, &gate.logger);
        let finished = if self.is_limited() {
            quote_spanned!(mixed=> nexlog_limit.finish(nexlog_draft))
        } else {
            quote_spanned!(mixed=> nexlog_draft.finish())
        };
        let finish = if self.form == Form::Try {
            finished
        } else {
            quote_spanned!(mixed=> let _ = #finished;)
        };
        let binding = if plan.slots.is_empty() { TokenStream::new() } else { quote!(mut) };
        let target = if self.has_plain_gate() { &gate.none } else { target };
        values.bind(quote_spanned! {mixed=>
            #import
            let #binding nexlog_draft = #krate::__private::Draft::begin(nexlog_site, #level, #target, #logger);
            #(#pushes)*
            #finish
        })
    }

    /// `let nexlog_site = …;`, the static hidden from the user's expressions. Naming the variable
    /// in one of them makes cargo rebuild the crate when it changes.
    pub fn site(&self, plan: &Plan) -> TokenStream {
        let krate = &self.krate;
        let level = self.static_level().map_or(255, |level| level.0);
        let target = self.options.iter().find_map(|option| match option {
            Chosen::Target(text) => Some(text.as_str()),
            _ => None,
        });
        let slots = plan.slots.iter().map(|slot| (slot.kind, slot.key.as_str()));
        let slots = slots.chain(self.is_limited().then_some((Kind::Field, limit::KEY)));
        let (target, is_record) = (target.unwrap_or_default(), self.form.is_record());
        let text = descriptor(target, is_record, slots, plan.message.as_deref());
        let mixed = Span::mixed_site();
        let variable = self.filter.names_variable.then(|| {
            quote_spanned!(mixed=> let _ = #krate::__private::core::option_env!("NEXLOG_STATIC");)
        });
        let limit = self.limit_static();
        let (names, types, statics) = if limit.is_empty() {
            let site = quote_spanned!(mixed=> nexlog_site);
            (
                site,
                quote_spanned!(mixed=> &'static #krate::__private::Site),
                quote_spanned!(mixed=> &SITE),
            )
        } else {
            let types = quote_spanned! {mixed=>
                (&'static #krate::__private::Site, &'static #krate::__private::Limit)
            };
            let names = quote_spanned!(mixed=> (nexlog_site, nexlog_limit));
            (names, types, quote_spanned!(mixed=> (&SITE, &LIMIT)))
        };
        quote_spanned! {mixed=>
            let #names: #types = {
                static SITE: #krate::__private::Site = {
                    #variable
                    #krate::__private::Site::new(
                        #level,
                        #krate::__private::core::line!(),
                        #krate::__private::core::concat!(
                            #text,
                            #krate::__private::core::module_path!(),
                            "\n",
                            #krate::__private::core::file!()
                        ),
                    )
                };
                #limit
                #statics
            };
        }
    }

    /// The level's path as the user wrote it: it must exist, and be one of ours.
    pub fn check_level(&self) -> TokenStream {
        let LevelArg::Static(_, Some(code)) = &self.level else { return TokenStream::new() };
        let (krate, path) = (&self.krate, &code.tokens);
        quote_spanned!(Span::mixed_site()=> let _: #krate::__private::Level = #path;)
    }
}

/// What is left of a call with mistakes: the errors, and the arguments that were understood,
/// so that an editor can complete inside them.
pub fn faulty(plan: &Plan, call: &Call, faults: Faults) -> TokenStream {
    let level = match &call.level {
        LevelArg::Static(_, code) => code.as_ref(),
        LevelArg::Dynamic(code) => Some(code),
        LevelArg::Unknown => None,
    };
    let options = call.options.iter().filter_map(|option| match option {
        Chosen::DynamicTarget(code) | Chosen::Logger(code) | Chosen::Parent(code) => Some(code),
        Chosen::Limit(limit) => limit.code(),
        Chosen::Target(_) | Chosen::Level(..) => None,
    });
    let seen = level.into_iter().chain(options).chain(&plan.arguments).map(borrowed);
    let errors = faults.into_tokens();
    let value = stand_in(call.form, &call.krate);
    quote_spanned!(Span::mixed_site()=> { if false { #(let _ = #seen;)* } #(#errors)* #value })
}
