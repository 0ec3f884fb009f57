//! The values of a record's slots, as arguments of the runtime.
//!
//! A value is handed over as `&(expression)` or `&Wrapper(&(expression))`, in place where the
//! order of the slots is the order of the source, bound by a `match` beforehand where it is
//! not. The tokens around an expression have our hygiene and the user's place.

use proc_macro2::{Delimiter, Group, Ident, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::quote_spanned;

use super::message::literal_at;
use super::model::{Code, How};
use super::resolve::{Argument, Plan, Source};

/// The values of a plan's slots, in place or bound beforehand.
pub struct Values<'a> {
    pub krate: &'a TokenStream,
    pub plan: &'a Plan,
    /// Bound beforehand.
    pub hoisted: bool,
}

impl Values<'_> {
    /// Brings the method of the two ladders into scope, if it is called.
    pub fn import(&self) -> TokenStream {
        let is_ladder = |how: &How| {
            matches!(how, How::Captured | How::Error | How::Given | How::Returned | How::Failure)
        };
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
    pub fn value(&self, source: &Source) -> TokenStream {
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
    pub fn pushed(&self, source: &Source) -> TokenStream {
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
            How::Captured | How::Error | How::Given | How::Returned | How::Failure => {
                quote_spanned!(Span::mixed_site()=> &#value)
            }
            How::Typed | How::Debug | How::Display | How::Bytes | How::Secret | How::Serde => value,
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
                return quote_spanned!(span=> #private::Capture(#value).__nexlog_slot());
            }
            How::Given => {
                return quote_spanned!(span=> #private::Given::<_, false>(#value).__nexlog_slot());
            }
            How::Returned => {
                return quote_spanned!(span=> #private::Given::<_, true>(#value).__nexlog_slot());
            }
            How::Failure => {
                return quote_spanned!(span=> (&&&&#private::Failure(#value)).__nexlog_slot());
            }
            How::Debug => quote_spanned!(span=> #private::Debug(#value)),
            How::Display => quote_spanned!(span=> #private::Display(#value)),
            How::Bytes => quote_spanned!(span=> #private::Bytes(#value)),
            How::Serde => quote_spanned!(span=> #private::Serialized(#value)),
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
    pub fn bind(&self, body: TokenStream) -> TokenStream {
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
    pub fn needs_hoisting(&self) -> bool {
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

/// `&(expr)`.
pub fn borrowed(code: &Code) -> TokenStream {
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

pub fn parenthesized(tokens: TokenStream, code: &Code) -> TokenTree {
    let mut group = Group::new(Delimiter::Parenthesis, tokens);
    group.set_span(located(code.last));
    TokenTree::Group(group)
}

pub fn located(span: Span) -> Span {
    Span::mixed_site().located_at(span)
}

fn binding(number: usize, span: Span) -> Ident {
    Ident::new(&format!("nexlog_value{number}"), span)
}

pub fn word(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}
