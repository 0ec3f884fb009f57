//! What `#[derive(Value)]` wraps the parts of a type in.

use crate::value::{FieldsWriter, ListWriter, Value, ValueWriter};

/// Keys and values that a closure writes.
pub struct Entries<F>(pub F);

impl<F: Fn(&mut FieldsWriter<'_>)> Value for Entries<F> {
    fn record(&self, out: ValueWriter<'_>) {
        out.fields(&self.0);
    }
}

/// A list that a closure writes.
pub struct Items<F>(pub F);

impl<F: Fn(&mut ListWriter<'_>)> Value for Items<F> {
    fn record(&self, out: ValueWriter<'_>) {
        out.list(&self.0);
    }
}
