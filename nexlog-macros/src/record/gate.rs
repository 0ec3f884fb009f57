//! Level, target and logger of a call that are made at run time.
//!
//! They are evaluated before anything else, in the order of the source, then the runtime's
//! general gate is asked; only then do the arguments run.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;

use super::expand::Site;
use super::model::{Chosen, Code, LevelArg};
use super::values::{borrowed, located, parenthesized, word};

/// The arguments of the general gate.
pub struct Gate {
    /// `Level::Info`, or the name of what was evaluated.
    pub level: TokenStream,
    /// `None`, `Some("text")`, or `Some` of what was evaluated.
    pub target: TokenStream,
    pub logger: TokenStream,
    /// `None`.
    pub none: TokenStream,
    /// Types and conversions, where an error has its caret on the user's expression.
    pub checks: TokenStream,
    /// What is evaluated first, in source order: name and expression.
    bindings: Vec<(Ident, TokenStream)>,
}

impl Gate {
    pub fn new(site: &Site) -> Gate {
        let krate = &site.krate;
        let mixed = Span::mixed_site();
        let none = quote_spanned!(mixed=> #krate::__private::core::option::Option::None);
        let level = if let Some(level) = site.static_level() {
            let variant = word(level.variant());
            quote_spanned!(mixed=> #krate::__private::Level::#variant)
        } else {
            quote_spanned!(mixed=> nexlog_level)
        };
        let mut gate = Gate {
            level,
            target: none.clone(),
            logger: none.clone(),
            none,
            checks: TokenStream::new(),
            bindings: Vec::new(),
        };
        let (before, after) = site.options.split_at(site.level_at);
        for option in before {
            gate.option(krate, option);
        }
        if let LevelArg::Dynamic(code) = &site.level {
            gate.dynamic_level(krate, code);
        }
        for option in after {
            gate.option(krate, option);
        }
        gate
    }

    fn dynamic_level(&mut self, krate: &TokenStream, code: &Code) {
        let name = Ident::new("nexlog_level", located(code.first));
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
                self.target = some("nexlog_target");
                let name = Ident::new("nexlog_target", located(code.first));
                self.checks.extend(quote_spanned! {located(code.first)=>
                    let #name = (#krate::__private::target_text)(#name);
                });
                self.bindings.push((name, borrowed(code)));
            }
            // Of spans only, which have no gate of their own; and behind the gate (`limit`).
            Chosen::Level(..) | Chosen::Parent(_) | Chosen::Limit(_) => {}
            Chosen::Logger(code) => {
                self.logger = some("nexlog_logger");
                let name = Ident::new("nexlog_logger", located(code.first));
                self.checks.extend(quote_spanned! {located(code.first)=>
                    let #name: &#krate::__private::Logger = #name;
                });
                self.bindings.push((name, borrowed(code)));
            }
        }
    }

    /// A `match`, not `let`: temporaries of the expressions live as long as the call.
    pub fn bind(&self, body: TokenStream) -> TokenStream {
        if self.bindings.is_empty() {
            return body;
        }
        let (names, values): (Vec<_>, Vec<_>) =
            self.bindings.iter().map(|(name, value)| (name, value)).unzip();
        quote_spanned! {Span::mixed_site()=> match (#(#values,)*) { (#(#names,)*) => { #body } } }
    }
}
