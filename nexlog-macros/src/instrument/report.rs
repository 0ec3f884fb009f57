//! `err` and `ret`: records about what the function returned.
//!
//! They are records like any other, with the span's target and levels of their own: a function
//! whose span is not wanted still says that it failed.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::LitStr;

use super::builds::Asked;
use super::model::{Options, Report};
use super::span::call;
use crate::record::check::Faults;
use crate::record::expand::Site;
use crate::record::model::{Code, Form, How, Item, Key, LevelArg, Value};
use crate::record::resolve::resolve;
use crate::record::values::located;

/// The records of `err` and `ret` that a build may make.
pub struct Reports<'a> {
    pub err: Option<&'a TokenStream>,
    pub ret: Option<&'a TokenStream>,
    /// The place of `err`: then `ret` is about the value inside a `Result`.
    pub is_fallible: Option<Span>,
}

impl Reports<'_> {
    /// Statements about `nexlog_output`, a reference to what was returned; `None` without any.
    pub fn code(&self, krate: &TokenStream) -> Option<TokenStream> {
        let mixed = Span::mixed_site();
        let Some(at) = self.is_fallible.map(located) else {
            return self
                .ret
                .map(|ret| quote_spanned!(mixed=> { let nexlog_value = nexlog_output; #ret }));
        };
        let outcome = quote_spanned!(at=> (#krate::__private::outcome)(nexlog_output));
        let result = quote_spanned!(mixed=> #krate::__private::core::result::Result);
        match (self.err, self.ret) {
            (None, None) => None,
            (Some(err), None) => Some(quote_spanned! {mixed=>
                if let #result::Err(nexlog_error) = #outcome { #err }
            }),
            (None, Some(ret)) => Some(quote_spanned! {mixed=>
                if let #result::Ok(nexlog_value) = #outcome { #ret }
            }),
            (Some(err), Some(ret)) => Some(quote_spanned! {mixed=>
                match #outcome {
                    #result::Ok(nexlog_value) => #ret
                    #result::Err(nexlog_error) => #err
                }
            }),
        }
    }
}

/// The record of one report: of `nexlog_error`, or of `nexlog_value`.
pub fn record(
    options: &Options,
    report: &Report,
    asked: Asked,
    is_error: bool,
    faults: &mut Faults,
) -> TokenStream {
    let place = report.at.span();
    let at = located(place);
    let (key, text, how, tokens) = if is_error {
        ("error", "returned an error", How::Failure, quote_spanned!(at=> *nexlog_error))
    } else {
        ("return", "returned", How::Returned, quote_spanned!(at=> *nexlog_value))
    };
    let code = Code { tokens, first: place, last: place };
    let value = Value { how: report.how.unwrap_or(how), code };
    let items = vec![
        Item::Message(LitStr::new(text, at).into()),
        Item::Field(Key::Literal(key.to_owned(), at), value),
    ];
    let plan = resolve(items, faults);
    let path = report.level.as_ref().and_then(|(_, path)| path.clone());
    let call = call(options, Form::Record, LevelArg::Static(asked.level, path));
    Site::new(call, asked.verdict.into()).expand(&plan)
}
