//! The marker `serde(v)` in a build without the feature of that name.

use crate::value::{Value, ValueWriter};

/// `serde(v)`. No type gets past its bound, which says the missing feature.
pub struct Serialized<'a, T: ?Sized>(pub &'a T);

/// Never implemented: it carries the text of an error.
#[diagnostic::on_unimplemented(
    message = "`serde(…)` needs the feature `serde` of nexlog",
    label = "the feature `serde` of `nexlog` is off",
    note = "in Cargo.toml: `nexlog = {{ version = \"…\", features = [\"serde\"] }}`; or write \
            `debug(value)`, or derive `nexlog::Value`"
)]
pub trait Serializable {}

impl<T: Serializable + ?Sized> Value for Serialized<'_, T> {
    fn record(&self, out: ValueWriter<'_>) {
        out.secret();
    }
}
