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

use proc_macro2::{Delimiter, Group, Ident, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};

use super::check::Faults;
use super::descriptor::descriptor;
use super::message::literal_at;
use super::model::{Call, Chosen, Code, Form, How, Level, LevelArg};
use super::resolve::{Argument, Plan, Source};
use crate::static_filter::Verdict;

/// The most slots that the runtime's `emitN` take; more go through a `Draft`.
const FAST_SLOTS: usize = 12;

/// Everything an expansion needs to know besides the plan.
pub struct Site {
    krate: TokenStream,
    form: Form,
    level: LevelArg,
    options: Vec<Chosen>,
    level_at: usize,
    verdict: Verdict,
}

impl Site {
    /// Takes what is left of a call whose items have been resolved.
    pub fn new(call: Call, verdict: Verdict) -> Site {
        let Call { krate, form, level, options, level_at, .. } = call;
        Site { krate, form, level, options, level_at, verdict }
    }

    /// The whole expansion.
    pub fn expand(&self, plan: &Plan) -> TokenStream {
        let condition = self.condition();
        let body = if self.is_general(plan) { self.general(plan) } else { self.fast(plan) };
        let otherwise = self.otherwise();
        let mixed = Span::mixed_site();
        quote_spanned! {mixed=> {
            if #condition { #body } #otherwise
        }}
    }

    /// What the build leaves of this level.
    fn condition(&self) -> TokenStream {
        let krate = &self.krate;
        let level = self.static_level().unwrap_or(Level::CRITICAL);
        let (constant, number) = (word(level.constant()), level.0);
        let mixed = Span::mixed_site();
        match &self.verdict {
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

    fn static_level(&self) -> Option<Level> {
        match &self.level {
            LevelArg::Static(level, _) => Some(*level),
            LevelArg::Dynamic(_) | LevelArg::Unknown => None,
        }
    }

    /// What the macro gives when it is disabled.
    fn otherwise(&self) -> TokenStream {
        match self.form {
            Form::Record => TokenStream::new(),
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
            || plan.slots.len() > FAST_SLOTS
            || self.options.iter().any(|option| !matches!(option, Chosen::Target(_)))
    }

    /// A level and a target that are known now, and at most twelve slots.
    fn fast(&self, plan: &Plan) -> TokenStream {
        let site = self.site(plan);
        let check_level = self.check_level();
        let mixed = Span::mixed_site();
        if self.form == Form::Enabled {
            return quote_spanned!(mixed=> #check_level #site site.enabled());
        }
        let krate = &self.krate;
        let values = Values { krate, plan, hoisted: plan.needs_hoisting() };
        let slots = plan.slots.iter().map(|slot| values.value(&slot.source));
        // In parentheses: else the path's span mixes ours with that of `$crate`, and the compiler
        // underlines the whole call instead of the argument it dislikes.
        let emit = word(&format!("emit{}", plan.slots.len()));
        let import = values.import();
        let call = quote_spanned!(mixed=> #import (#krate::__private::#emit)(site #(, #slots)*););
        let call = values.bind(call);
        quote_spanned!(mixed=> #check_level #site if site.enabled() { #call })
    }

    /// A level, target or logger made at run time, a result, or many slots.
    fn general(&self, plan: &Plan) -> TokenStream {
        let krate = &self.krate;
        let mixed = Span::mixed_site();
        let site = self.site(plan);
        let check_level = self.check_level();
        let runtime = Runtime::new(self);
        let (level, target, logger) = (&runtime.level, &runtime.target, &runtime.logger);
        let gate = quote_spanned!(mixed=> #krate::__private::gate(site, #level, #target, #logger));
        let body = if self.form == Form::Enabled {
            gate
        } else {
            let draft = self.draft(plan, &runtime);
            let otherwise = self.otherwise();
            quote_spanned!(mixed=> if #gate { #draft } #otherwise)
        };
        let checks = &runtime.checks;
        let body = quote_spanned!(mixed=> #checks #site #body);
        let bound = runtime.bind(body);
        quote_spanned!(mixed=> #check_level #bound)
    }

    fn draft(&self, plan: &Plan, runtime: &Runtime) -> TokenStream {
        let krate = &self.krate;
        let mixed = Span::mixed_site();
        let values = Values { krate, plan, hoisted: true };
        let pushes = plan.slots.iter().map(|slot| {
            let value = values.pushed(&slot.source);
            quote_spanned!(mixed=> draft.push(#value);)
        });
        let import = values.import();
        let (level, target, logger) = (&runtime.level, &runtime.target, &runtime.logger);
        let finish = if self.form == Form::Try {
            quote_spanned!(mixed=> draft.finish())
        } else {
            quote_spanned!(mixed=> let _ = draft.finish();)
        };
        let binding = if plan.slots.is_empty() { TokenStream::new() } else { quote!(mut) };
        values.bind(quote_spanned! {mixed=>
            #import
            let #binding draft = #krate::__private::Draft::begin(site, #level, #target, #logger);
            #(#pushes)*
            #finish
        })
    }

    /// `let site = …;`, the static hidden from the user's expressions. Naming the variable
    /// makes cargo rebuild the crate when it changes; a `const` of its own for that would cost
    /// twice as much build time.
    fn site(&self, plan: &Plan) -> TokenStream {
        let krate = &self.krate;
        let level = self.static_level().map_or(255, |level| level.0);
        let target = self.options.iter().find_map(|option| match option {
            Chosen::Target(text) => Some(text.as_str()),
            _ => None,
        });
        let slots = plan.slots.iter().map(|slot| (slot.kind, slot.key.as_str()));
        let text = descriptor(target.unwrap_or_default(), slots, plan.message.as_deref());
        quote_spanned! {Span::mixed_site()=>
            let site: &'static #krate::__private::Site = {
                static SITE: #krate::__private::Site = {
                    let _ = #krate::__private::core::option_env!("NEXLOG_STATIC");
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
                &SITE
            };
        }
    }

    /// The level's path as the user wrote it: it must exist, and be one of ours.
    fn check_level(&self) -> TokenStream {
        let LevelArg::Static(_, Some(code)) = &self.level else { return TokenStream::new() };
        let (krate, path) = (&self.krate, &code.tokens);
        quote_spanned!(Span::mixed_site()=> let _: #krate::__private::Level = #path;)
    }
}

/// Level, target and logger as the general gate takes them.
struct Runtime {
    level: TokenStream,
    target: TokenStream,
    logger: TokenStream,
    /// Types and conversions, where an error has its caret on the user's expression.
    checks: TokenStream,
    /// What is evaluated first, in source order: name and expression.
    bindings: Vec<(Ident, TokenStream)>,
}

impl Runtime {
    fn new(site: &Site) -> Runtime {
        let krate = &site.krate;
        let mixed = Span::mixed_site();
        let none = quote_spanned!(mixed=> #krate::__private::core::option::Option::None);
        let level = match site.static_level() {
            Some(level) => {
                let variant = word(level.variant());
                quote_spanned!(mixed=> #krate::__private::Level::#variant)
            }
            None => quote_spanned!(mixed=> level),
        };
        let mut runtime = Runtime {
            level,
            target: none.clone(),
            logger: none,
            checks: TokenStream::new(),
            bindings: Vec::new(),
        };
        let (before, after) = site.options.split_at(site.level_at);
        before.iter().for_each(|option| runtime.option(krate, option));
        if let LevelArg::Dynamic(code) = &site.level {
            runtime.dynamic_level(krate, code);
        }
        after.iter().for_each(|option| runtime.option(krate, option));
        runtime
    }

    fn dynamic_level(&mut self, krate: &TokenStream, code: &Code) {
        let name = Ident::new("level", located(code.first));
        self.checks.extend(
            quote_spanned!(located(code.first)=> let #name: #krate::__private::Level = #name;),
        );
        self.bindings.push((name, parenthesized(code.tokens.clone(), code).into()));
    }

    fn option(&mut self, krate: &TokenStream, option: &Chosen) {
        let some = |name: &str| {
            let name = word(name);
            let some =
                quote_spanned!(Span::mixed_site()=> #krate::__private::core::option::Option::Some);
            quote_spanned!(Span::mixed_site()=> #some(#name))
        };
        match option {
            Chosen::Target(text) => {
                self.target = quote_spanned! {Span::mixed_site()=>
                    #krate::__private::core::option::Option::Some(#text)
                };
            }
            Chosen::DynamicTarget(code) => {
                self.target = some("target");
                let name = Ident::new("target", located(code.first));
                self.checks.extend(quote_spanned! {located(code.first)=>
                    let #name = (#krate::__private::target_text)(#name);
                });
                self.bindings.push((name, borrowed(code)));
            }
            Chosen::Logger(code) => {
                self.logger = some("logger");
                let name = Ident::new("logger", located(code.first));
                self.checks.extend(quote_spanned! {located(code.first)=>
                    let #name: &#krate::__private::Logger = #name;
                });
                self.bindings.push((name, borrowed(code)));
            }
        }
    }

    /// A `match`, not `let`: temporaries of the expressions live as long as the call.
    fn bind(&self, body: TokenStream) -> TokenStream {
        if self.bindings.is_empty() {
            return body;
        }
        let (names, values): (Vec<_>, Vec<_>) =
            self.bindings.iter().map(|(name, value)| (name, value)).unzip();
        quote_spanned! {Span::mixed_site()=> match (#(#values,)*) { (#(#names,)*) => { #body } } }
    }
}

/// The values of a plan's slots, in place or bound beforehand.
struct Values<'a> {
    krate: &'a TokenStream,
    plan: &'a Plan,
    hoisted: bool,
}

impl Values<'_> {
    /// Brings the method of the two ladders into scope, if it is called.
    fn import(&self) -> TokenStream {
        let is_ladder = |how: &How| matches!(how, How::Captured | How::Error);
        let used = self.plan.slots.iter().any(|slot| match &slot.source {
            Source::Value(how, _) | Source::Keyed(_, how, _) => is_ladder(how),
            Source::Splice(_) | Source::Format(..) => false,
        });
        if !used {
            return TokenStream::new();
        }
        let krate = self.krate;
        quote_spanned!(Span::mixed_site()=> use #krate::__private::Via as _;)
    }

    /// As an argument of `emitN` and of `Draft::push`: a reference, or what a ladder chose.
    fn value(&self, source: &Source) -> TokenStream {
        let krate = self.krate;
        match source {
            Source::Value(how, number) => self.wrapped(*how, *number),
            Source::Splice(number) => {
                let (fields, code) = self.reference(*number);
                let span = located(code.first);
                reference_to(quote_spanned!(span=> #krate::__private::Splice(#fields)), code)
            }
            Source::Keyed(key, how, number) => {
                let (key, code) = self.reference(*key);
                let span = located(code.first);
                let value = self.reference_of(*how, *number);
                reference_to(quote_spanned!(span=> #krate::__private::Keyed(#key, #value)), code)
            }
            Source::Format(..) => self.format(source),
        }
    }

    /// As an argument of `Draft::push`, which takes references only.
    fn pushed(&self, source: &Source) -> TokenStream {
        match source {
            Source::Value(how, number) => self.reference_of(*how, *number),
            Source::Format(..) => {
                let value = self.format(source);
                quote_spanned!(Span::mixed_site()=> &#value)
            }
            Source::Splice(_) | Source::Keyed(..) => self.value(source),
        }
    }

    fn reference_of(&self, how: How, number: usize) -> TokenStream {
        let value = self.wrapped(how, number);
        match how {
            How::Captured | How::Error => quote_spanned!(Span::mixed_site()=> &#value),
            How::Typed | How::Debug | How::Display | How::Bytes | How::Secret => value,
        }
    }

    fn wrapped(&self, how: How, number: usize) -> TokenStream {
        let krate = self.krate;
        let (value, code) = self.reference(number);
        let span = located(code.first);
        let private = quote_spanned!(span=> #krate::__private);
        let wrapper = match how {
            How::Typed => return value,
            How::Error => {
                return quote_spanned!(span=> (&&&&#private::Fault(#value)).__nexlog_slot());
            }
            How::Captured => {
                return quote_spanned!(span=> (&&&#private::Capture(#value)).__nexlog_slot());
            }
            How::Debug => quote_spanned!(span=> #private::Debug(#value)),
            How::Display => quote_spanned!(span=> #private::Display(#value)),
            How::Bytes => quote_spanned!(span=> #private::Bytes(#value)),
            How::Secret => quote_spanned!(span=> #private::Secret::of(#value)),
        };
        reference_to(wrapper, code)
    }

    /// A reference to an argument, and the argument, for the place of what is written around it.
    fn reference(&self, number: usize) -> (TokenStream, &Code) {
        let code = &self.plan.arguments[number];
        if self.hoisted {
            (TokenTree::Ident(binding(number, located(code.first))).into(), code)
        } else {
            (borrowed(code), code)
        }
    }

    fn format(&self, source: &Source) -> TokenStream {
        let Source::Format(literal, arguments, line) = source else { return TokenStream::new() };
        let krate = self.krate;
        let span = located(line.0);
        let literal = literal_at(literal, span);
        let arguments = arguments.iter().map(|argument| match argument {
            Argument::Variable(variable) => TokenTree::Ident(variable.0.clone()).into(),
            Argument::Number(number) => {
                let code = &self.plan.arguments[*number];
                if self.hoisted {
                    let name = binding(*number, located(code.first));
                    quote_spanned!(located(code.first)=> *#name)
                } else {
                    code.tokens.clone()
                }
            }
        });
        quote_spanned! {span=>
            #krate::__private::core::format_args!(#literal #(, #arguments)*)
        }
    }

    /// Evaluates all arguments first, in source order, when slots cannot do it in place.
    fn bind(&self, body: TokenStream) -> TokenStream {
        if !self.hoisted || self.plan.arguments.is_empty() {
            return body;
        }
        let values = self.plan.arguments.iter().map(borrowed);
        let names = self
            .plan
            .arguments
            .iter()
            .enumerate()
            .map(|(number, code)| binding(number, located(code.first)));
        quote_spanned! {Span::mixed_site()=> match (#(#values,)*) { (#(#names,)*) => { #body } } }
    }
}

impl Plan {
    /// Arguments are evaluated in place only when each is used once and in source order, and
    /// when no `.await` would have to carry a `format_args!`, which is not `Send`.
    fn needs_hoisting(&self) -> bool {
        let mut order = Vec::with_capacity(self.arguments.len());
        let mut formats = false;
        for slot in &self.slots {
            match &slot.source {
                Source::Value(_, number) | Source::Splice(number) => order.push(*number),
                Source::Keyed(key, _, number) => order.extend([*key, *number]),
                Source::Format(_, arguments, _) => {
                    formats = true;
                    order.extend(arguments.iter().filter_map(|argument| match argument {
                        Argument::Number(number) => Some(*number),
                        Argument::Variable(_) => None,
                    }));
                }
            }
        }
        let in_place = order.iter().copied().eq(0..self.arguments.len());
        !in_place || (formats && self.arguments.iter().any(|code| awaits(code.tokens.clone())))
    }
}

fn awaits(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|tree| match tree {
        TokenTree::Ident(ident) => ident == "await",
        TokenTree::Group(group) => awaits(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
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
        Chosen::DynamicTarget(code) | Chosen::Logger(code) => Some(code),
        Chosen::Target(_) => None,
    });
    let seen = level.into_iter().chain(options).chain(&plan.arguments).map(borrowed);
    let errors = faults.into_tokens();
    quote_spanned!(Span::mixed_site()=> { if false { #(let _ = #seen;)* } #(#errors)* })
}

/// `&(expr)`.
fn borrowed(code: &Code) -> TokenStream {
    reference_to(code.tokens.clone(), code)
}

/// `&(tokens)`, placed at the user's expression. Both ends have the same hygiene and the user's
/// place, so that the compiler underlines that expression when it dislikes the type; with the
/// bare tokens of the user behind our `&` it would underline the whole call.
fn reference_to(tokens: TokenStream, code: &Code) -> TokenStream {
    let mut ampersand = Punct::new('&', Spacing::Alone);
    ampersand.set_span(located(code.first));
    [TokenTree::Punct(ampersand), parenthesized(tokens, code)].into_iter().collect()
}

fn parenthesized(tokens: TokenStream, code: &Code) -> TokenTree {
    let mut group = Group::new(Delimiter::Parenthesis, tokens);
    group.set_span(located(code.last));
    TokenTree::Group(group)
}

fn located(span: Span) -> Span {
    Span::mixed_site().located_at(span)
}

fn binding(number: usize, span: Span) -> Ident {
    Ident::new(&format!("value{number}"), span)
}

fn word(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}
