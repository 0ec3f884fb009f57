//! The function that is left in the user's program.
//!
//! Which of its parts a build keeps is known here for all but rules about modules (`builds`),
//! so nothing is asked of an optimiser: a function without any part is the user's own tokens.
//! That matters most for futures, where an `async` block around another doubles the arguments.
//! Where a build with debug assertions keeps more than one without, the function is there
//! twice, and a `cfg` chooses.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};

use super::builds::{Asked, Levels, Parts};
use super::model::{Function, Options, Report, Returns};
use super::report::{self, Reports};
use super::span::{SpanCode, Timed};
use crate::record::check::Faults;
use crate::record::values::located;

/// All that an expansion needs, whatever the build keeps.
pub struct Expansion {
    pub function: Function,
    pub krate: TokenStream,
    pub span: SpanCode,
    pub timed: Option<Timed>,
    err: Option<TokenStream>,
    ret: Option<TokenStream>,
    /// The place of the option `err`.
    is_fallible: Option<Span>,
    /// The place of the option `future`.
    pub stated_future: Option<Span>,
    /// Names `NEXLOG_STATIC`, once per crate.
    variable: Option<TokenStream>,
}

/// Expands a function; `None` when something was wrong.
pub fn expand(options: Options, function: Function, faults: &mut Faults) -> Option<TokenStream> {
    let levels = Levels::ask(&options, &function, faults);
    let (debug, release) = (levels.parts(true), levels.parts(false));
    let expansion = Expansion::new(options, function, levels, faults);
    faults.is_empty().then(|| expansion.builds(debug, release))
}

/// Cargo rebuilds the crate when the variable changes.
fn variable(krate: &TokenStream) -> TokenStream {
    let core = quote_spanned!(Span::mixed_site()=> #krate::__private::core);
    quote_spanned! {Span::mixed_site()=>
        const _: #core::option::Option<&'static str> = #core::option_env!("NEXLOG_STATIC");
    }
}

impl Expansion {
    fn new(
        mut options: Options,
        function: Function,
        levels: Levels,
        faults: &mut Faults,
    ) -> Expansion {
        let mut record = |report: &Option<Report>, asked: Option<Asked>, is_error| {
            let (report, asked) = (report.as_ref()?, asked?);
            Some(report::record(&options, report, asked, is_error, faults))
        };
        let err = record(&options.err, levels.err, true);
        let ret = record(&options.ret, levels.ret, false);
        let is_future = function.gives_future();
        let timed = levels.time.map(|asked| Timed::new(&options, asked, is_future));
        let span = SpanCode::new(&mut options, &function, levels.span.verdict, faults);
        let krate = options.krate;
        Expansion {
            variable: levels.names_variable.then(|| variable(&krate)),
            function,
            krate,
            span,
            timed,
            err,
            ret,
            is_fallible: options.err.map(|report| report.at.span()),
            stated_future: options.future.map(|option| option.span()),
        }
    }

    fn builds(&self, debug: Parts, release: Parts) -> TokenStream {
        let mixed = Span::mixed_site();
        if debug == release {
            return self.build(debug, None);
        }
        let debug = self.build(debug, Some(quote_spanned!(mixed=> #[cfg(debug_assertions)])));
        let release =
            self.build(release, Some(quote_spanned!(mixed=> #[cfg(not(debug_assertions))])));
        quote!(#debug #release)
    }

    /// The whole function, with these parts.
    fn build(&self, parts: Parts, cfg: Option<TokenStream>) -> TokenStream {
        let Function { attributes, inner, visibility, defaultness, signature, .. } = &self.function;
        let Function { body, items, .. } = &self.function;
        let variable = &self.variable;
        let code = self.body(parts);
        let mut braces = Group::new(Delimiter::Brace, quote!(#(#inner)* #variable #items #code));
        braces.set_span(body.span());
        let cfg = cfg.into_iter();
        quote!(#(#cfg)* #(#attributes)* #visibility #defaultness #signature #braces)
    }

    fn body(&self, parts: Parts) -> TokenStream {
        let reports = Reports {
            err: self.err.as_ref().filter(|_| parts.err),
            ret: self.ret.as_ref().filter(|_| parts.ret),
            is_fallible: self.is_fallible,
        };
        let reports = reports.code(&self.krate);
        if self.function.gives_future() && !parts.span && reports.is_none() {
            return self.function.statements.clone();
        }
        match &self.function.returns {
            Returns::Future(future) => self.future(future, parts, reports),
            _ if self.function.is_async() => self.asynchronous(parts, reports),
            _ => self.synchronous(parts, reports),
        }
    }

    fn synchronous(&self, parts: Parts, reports: Option<TokenStream>) -> TokenStream {
        let krate = &self.krate;
        let mixed = Span::mixed_site();
        let guard = if parts.span {
            self.span.guard(self.timed.as_ref())
        } else {
            self.span.checked_only()
        };
        let Some(reports) = reports else {
            let statements = &self.function.statements;
            return quote!(#guard #statements);
        };
        let result = match &self.function.returns {
            Returns::Value(result) => Some(quote_spanned!(mixed=> -> #result)),
            _ => None,
        };
        let body = self.braces(None, &self.function.statements);
        quote_spanned! {mixed=>
            #guard
            let nexlog_result = (#krate::__private::call)(move || #result #body);
            let nexlog_output = &nexlog_result;
            #reports
            nexlog_result
        }
    }

    /// `{ first, then what the user wrote }`, at the user's braces.
    pub fn braces(&self, first: Option<TokenStream>, statements: &TokenStream) -> TokenTree {
        let first = first.unwrap_or_default();
        let mut braces = Group::new(Delimiter::Brace, quote!(#first #statements));
        braces.set_span(located(self.function.body.span()));
        TokenTree::Group(braces)
    }
}
