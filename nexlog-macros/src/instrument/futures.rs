//! Functions that give futures: `async fn`, and those that return one.
//!
//! An `async fn` makes its span when its future is first polled, from the arguments that the
//! body then takes. A function that returns a future makes it when it is called, as its body
//! may have moved the arguments anywhere by then.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

use super::builds::Parts;
use super::expand::Expansion;
use super::model::{Future, Returns};
use super::tail::Tail;
use crate::record::values::{located, word};

impl Expansion {
    /// `let nexlog_span = …;`, whose temporaries are gone before anything is awaited.
    fn span_statement(&self, parts: Parts) -> TokenStream {
        let krate = &self.krate;
        let mixed = Span::mixed_site();
        let span = if parts.span {
            self.span.span()
        } else {
            quote_spanned!(mixed=> #krate::__private::Span::none())
        };
        quote_spanned!(mixed=> let nexlog_span = #span;)
    }

    /// A future inside the span in the variable `nexlog_span`, which it takes.
    fn instrumented(
        &self,
        future: &TokenStream,
        output: Option<&TokenStream>,
        parts: Parts,
        reports: Option<TokenStream>,
    ) -> TokenStream {
        let krate = &self.krate;
        let mixed = Span::mixed_site();
        let finished = match (reports, output) {
            (None, _) => quote_spanned!(mixed=> |_| ()),
            (Some(reports), None) => quote_spanned!(mixed=> |nexlog_output| { #reports }),
            (Some(reports), Some(output)) => {
                quote_spanned!(mixed=> |nexlog_output: &#output| { #reports })
            }
        };
        let made = quote_spanned! {mixed=>
            (#krate::__private::instrument)(nexlog_span, #future, #finished)
        };
        match &self.timed {
            Some(timed) if parts.span => timed.around(&word("nexlog_future"), &made),
            _ => made,
        }
    }

    /// `async fn`
    pub fn asynchronous(&self, parts: Parts, reports: Option<TokenStream>) -> TokenStream {
        let krate = &self.krate;
        let mixed = Span::mixed_site();
        let span = self.span_statement(parts);
        let returns = &self.function.returns;
        let output = match returns {
            Returns::Nothing | Returns::Future(_) => None,
            // In a block that is no function's, the type `!` would become `()`.
            Returns::Never => {
                Some(quote_spanned!(mixed=> #krate::__private::core::convert::Infallible))
            }
            Returns::Value(output) => Some(output.clone()),
        };
        // Nothing but a `return` tells the type of an async block, which `?` needs to know.
        let first = output.as_ref().map(|output| {
            let option = quote_spanned!(mixed=> #krate::__private::core::option::Option);
            quote_spanned! {mixed=>
                if let #option::Some(nexlog_never) = #option::None::<#output> { return nexlog_never; }
            }
        });
        let block = self.braces(first, &self.function.statements);
        let future = quote_spanned!(mixed=> async move #block);
        let made = self.instrumented(&future, output.as_ref(), parts, reports);
        if matches!(returns, Returns::Never) {
            quote_spanned!(mixed=> #span match (#made).await {})
        } else {
            quote_spanned!(mixed=> #span (#made).await)
        }
    }

    /// A function that returns a future, from whatever its body does inside the span.
    pub fn future(
        &self,
        future: &Future,
        parts: Parts,
        reports: Option<TokenStream>,
    ) -> TokenStream {
        let krate = &self.krate;
        let mixed = Span::mixed_site();
        let statements = &self.function.statements;
        if future.boxed.is_some()
            && let Some(tail) = Tail::find(statements)
        {
            return self.boxed_block(&tail, future, parts, reports);
        }
        let span = self.span_statement(parts);
        let result = future.boxed.as_ref().map(|boxed| quote_spanned!(mixed=> -> #boxed));
        let body = self.braces(None, statements);
        let output = future.output.as_ref();
        let made = match (self.stated_future, &future.boxed) {
            (Some(option), Some(_)) => {
                // At the option: where the user's word is wrong, this is the one error.
                let at = located(option);
                let inner = quote_spanned!(at=> (#krate::__private::boxed_future)(nexlog_future));
                let made = self.instrumented(&inner, output, parts, reports);
                quote_spanned! {at=> {
                    let nexlog_type = (#krate::__private::type_of)(&nexlog_future);
                    (#krate::__private::boxed_again)(nexlog_type, #made)
                }}
            }
            (None, Some(_)) => {
                let inner = quote_spanned!(mixed=> nexlog_future);
                let made = self.instrumented(&inner, output, parts, reports);
                quote_spanned!(mixed=> #krate::__private::Box::pin(#made))
            }
            (_, None) => {
                let inner = quote_spanned!(mixed=> nexlog_future);
                self.instrumented(&inner, output, parts, reports)
            }
        };
        quote_spanned!(mixed=> #span let nexlog_future = nexlog_span.in_scope(move || #result #body); #made)
    }

    /// `Box::pin(async move { … })`: the future inside is instrumented.
    fn boxed_block(
        &self,
        tail: &Tail,
        future: &Future,
        parts: Parts,
        reports: Option<TokenStream>,
    ) -> TokenStream {
        let mixed = Span::mixed_site();
        let span = self.span_statement(parts);
        let made = self.instrumented(&tail.future, future.output.as_ref(), parts, reports);
        let before = &tail.before;
        if before.is_empty() && self.function.is_from_async_fn() {
            return tail.with(quote_spanned!(mixed=> async move { #span (#made).await }));
        }
        let enter = (!before.is_empty() && parts.span)
            .then(|| quote_spanned!(mixed=> let _nexlog_entered = nexlog_span.enter();));
        let boxed = tail.with(made);
        quote!(#span #enter #before #boxed)
    }
}
