//! One record: `info!("paid", order_id = id, total)`.
//!
//! ```text
//! tokens ─ parse ─► Call ─ resolve ─► Plan ─ expand ─► tokens
//!                    │       │  ▲
//!                    │       │  └─ template (the message's grammar)
//!                    └───────┴──► check (every error text) ─► source (code quoted in one)
//! ```

pub mod check;
pub mod code;
pub mod descriptor;
pub mod expand;
mod field;
pub mod frames;
mod gate;
mod limit;
pub mod message;
pub mod model;
pub mod parse;
pub mod resolve;
pub mod source;
mod template;
pub mod values;

use proc_macro2::TokenStream;

use crate::static_filter;
use check::Faults;
use model::{Form, Item, LevelArg};

/// Expands one call.
pub fn record(input: TokenStream) -> TokenStream {
    let mut faults = Faults::default();
    let Some(mut call) = parse::parse(input, &mut faults) else {
        return check::not_by_hand().into_compile_error();
    };
    let items = std::mem::take(&mut call.items);
    if call.form == Form::Enabled {
        refuse_items(&items, &mut faults);
    }
    limit::check_keys(&call.options, &items, &mut faults);
    let mut plan = resolve::resolve(items, &mut faults);
    limit::check_captured(&call.options, &plan, &mut faults);
    plan.name(call.name.take());
    let level = match &call.level {
        LevelArg::Static(level, _) => level.0,
        LevelArg::Dynamic(_) | LevelArg::Unknown => 5,
    };
    let mut answer = static_filter::ask(level);
    if let Some(text) = answer.typo.take() {
        faults.add(check::static_typo(&text));
    }
    if faults.is_empty() {
        expand::Site::new(call, answer).expand(&plan)
    } else {
        expand::faulty(&plan, &call, faults)
    }
}

fn refuse_items(items: &[Item], faults: &mut Faults) {
    if let Some(item) = items.first() {
        faults.add(check::items_in_enabled(item.span()));
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
