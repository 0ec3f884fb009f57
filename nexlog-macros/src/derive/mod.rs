//! `#[derive(Value)]`: a type that is logged by its parts.
//!
//! ```text
//! item ─ read ───► Input ─ expand ─► the impls
//!        words │     └─ bounds
//!              └──► check (every error text)
//! ```

mod bounds;
mod check;
mod expand;
mod model;
mod names;
mod read;
mod words;

use proc_macro2::TokenStream;

use crate::record::check::Faults;

/// Expands one derive.
pub fn value(item: TokenStream) -> TokenStream {
    let mut faults = Faults::default();
    let input = match read::read(item, &mut faults) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    if faults.is_empty() {
        return expand::expand(&input);
    }
    // With an impl all the same: nothing else is to be wrong for it.
    let errors = faults.into_tokens().into_iter();
    errors.chain([expand::placeholder(&input)]).collect()
}
