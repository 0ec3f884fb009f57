//! The procedural macros behind `nexlog`: a table of contents.
//!
//! Users name the two-line macros of the crate `nexlog` (`info!`, `log!`, …). Those pass their
//! own `$crate` on to the entry points here, so that a renamed dependency, a re-export and a
//! call inside another macro all reach the same paths. This crate knows names, never bytes:
//! what it emits is calls of `nexlog::__private`, and it depends on nothing of the runtime.
//!
//! | module | question it answers |
//! | --- | --- |
//! | `record::parse`, `field`, `message`, `code` | which items did the user write? |
//! | `record::template` | what does the text of a message ask for? |
//! | `record::resolve` | which value does each field and each `{}` show? |
//! | `record::check`, `source` | how is a mistake said, and what is its remedy? |
//! | `record::descriptor` | what does the call site tell the runtime about itself? |
//! | `record::expand`, `gate`, `values` | which code is left in the user's program? |
//! | `record::limit` | which of a site's records pass? (`once`, `every`, `per_second`) |
//! | `record::frames` | what do `context!`, `fields!` and `span!` have that records have not? |
//! | `instrument` | `#[instrument]`: the same for a whole function, its arguments and result |
//! | `derive` | `#[derive(Value)]`: how is a type shown by its parts? |
//! | `pattern` | is what `pattern!` is given a pattern? |
//! | `test` | `#[nexlog::test]`: which statement does a test begin with? |
//! | `static_filter` | what does `NEXLOG_STATIC` remove from this crate? |

#![forbid(unsafe_code)]

use proc_macro::TokenStream;

mod derive;
mod instrument;
mod pattern;
mod record;
mod static_filter;
mod test;

/// One call: `(crate) (Info | log | try_log | enabled) what the user wrote`.
#[doc(hidden)]
#[proc_macro]
pub fn record(input: TokenStream) -> TokenStream {
    record::record(input.into()).into()
}

/// A text pattern: `(crate) "{level} {msg}"`.
#[doc(hidden)]
#[proc_macro]
pub fn pattern(input: TokenStream) -> TokenStream {
    pattern::pattern(input.into()).into()
}

/// A function whose records carry a span. Documented where users find it, in `nexlog`.
#[proc_macro_attribute]
pub fn instrument(arguments: TokenStream, item: TokenStream) -> TokenStream {
    instrument::instrument(arguments.into(), &item.into()).into()
}

/// A test whose records its harness captures. Documented where users find it, in `nexlog`.
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    test::test(arguments.into(), &item.into()).into()
}

/// A type that is logged by its parts. Documented where users find it, in `nexlog`.
#[proc_macro_derive(Value, attributes(nexlog))]
pub fn derive_value(input: TokenStream) -> TokenStream {
    derive::value(input.into()).into()
}
