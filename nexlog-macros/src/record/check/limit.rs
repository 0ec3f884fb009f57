//! The error texts of `once()`, `every(n)` and `per_second(n)`.

use proc_macro2::{Ident, Span};
use syn::Error;

/// `enabled!(Level::Info, every(10))`
pub fn in_enabled(name: &Ident) -> Error {
    Error::new(
        name.span(),
        format!("`{name}` lets some records pass, and `enabled!` makes none: leave it out"),
    )
}

/// `every: 10`
pub fn without_parentheses(name: &Ident) -> Error {
    let inside = if name == "once" { "" } else { "10" };
    Error::new(
        name.span(),
        format!(
            "the option `{name}` has parentheses: write `{name}({inside})`; a field is written `{name} = value`"
        ),
    )
}

/// `once(1)`
pub fn once_with_value(span: Span) -> Error {
    Error::new(
        span,
        "the option `once` takes no value: write `once()`, or `every(…)` for one of so many",
    )
}

/// `once(), every(10)`
pub fn beside_once(name: &Ident, other: &str) -> Error {
    Error::new(
        name.span(),
        format!(
            "`{name}` has no meaning beside `{other}`: `once` lets one record pass; leave one out"
        ),
    )
}

/// `every(0)`
pub fn zero(name: &Ident, span: Span) -> Error {
    Error::new(
        span,
        format!("`{name}(0)` lets no record pass: write at least 1, or leave the call out"),
    )
}

/// `info!(every(10), "paid", suppressed = 3)`
pub fn key_taken(span: Span) -> Error {
    Error::new(span, "the key `suppressed` is that of the option's own field: rename this one")
}
