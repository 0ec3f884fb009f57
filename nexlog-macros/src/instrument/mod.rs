//! `#[instrument]`: a function whose records carry a span.
//!
//! ```text
//! arguments ─ parse ────► Options ─┐
//!                                  ├─ check ─► expand ─► the function, with a span in it
//! item ────── function ─► Function ┘               │
//!             returns, bindings                    └─► builds, span, report, futures, tail
//! ```
//!
//! The grammar of fields, the site and the wrappers of values are those of a record
//! (`crate::record`); here is what a function adds: its arguments, its result, its future.

mod bindings;
mod builds;
mod check;
mod expand;
mod function;
mod futures;
mod model;
mod parse;
mod report;
mod returns;
mod span;
mod tail;

use proc_macro2::TokenStream;

pub use check::did_you_mean;

use crate::record::check::Faults;

/// Expands one attribute.
pub fn instrument(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let mut faults = Faults::default();
    let options = parse::parse(arguments, &mut faults);
    let function = match function::parse(item.clone()) {
        Ok(function) => function.classify(options.future.is_some()),
        Err(error) => {
            faults.add(error);
            return faulty(faults, item);
        }
    };
    check::check(&options, &function, &mut faults);
    match expand::expand(options, function, &mut faults) {
        Some(expanded) if faults.is_empty() => expanded,
        _ => faulty(faults, item),
    }
}

/// The errors, and the item as it was: nothing else is to be wrong for it.
fn faulty(faults: Faults, item: &TokenStream) -> TokenStream {
    let mut tokens: TokenStream = faults.into_tokens().into_iter().collect();
    tokens.extend(item.clone());
    tokens
}

#[cfg(test)]
#[path = "instrument_tests.rs"]
mod tests;
