//! `..fields`: things that are several fields at once.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;

use super::capture::AsText;
use super::writer::MapWriter;
use super::{Image, Value, ValueWriter};
use crate::buffer::Buffer;

/// Several fields, spliced into a record with `..fields`.
///
/// ```
/// use nexlog_runtime::{Fields, FieldsWriter};
///
/// struct Request { id: u64, tenant: String }
///
/// impl Fields for Request {
///     fn record_fields(&self, out: &mut FieldsWriter<'_>) {
///         out.field("request_id", &self.id);
///         out.field("tenant", &self.tenant);
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be spliced into a record",
    label = "these are not fields",
    note = "`..x` and `#[nexlog(flatten)]` take a map with text keys, a list of `(key, value)` pairs, or a type that \
            implements `nexlog::Fields`"
)]
pub trait Fields {
    /// Writes each field. A key that the record has already is left out.
    fn record_fields(&self, out: &mut FieldsWriter<'_>);
}

/// Takes the fields of a [`Fields`].
pub struct FieldsWriter<'a> {
    map: MapWriter<'a>,
}

impl FieldsWriter<'_> {
    /// Adds a field; one that is `None` is left out.
    pub fn field(&mut self, key: &str, value: &(impl Value + ?Sized)) {
        self.map.entry_of_some(key, value);
    }
}

/// What the macros wrap `..fields` in.
#[doc(hidden)]
pub struct Splice<'a, F: ?Sized>(pub &'a F);

impl<F: Fields + ?Sized> Value for Splice<'_, F> {
    fn record(&self, out: ValueWriter<'_>) {
        out.fields(|out| self.0.record_fields(out));
    }
}

impl ValueWriter<'_> {
    /// Keys and values, without those that are `None`.
    pub(super) fn fields(self, write: impl FnOnce(&mut FieldsWriter<'_>)) {
        self.map_writer(|map| write(&mut FieldsWriter { map }));
    }
}

/// What a logger's own fields may take; longer ones are cut.
const MAX_LOGGER_BYTES: usize = 4 << 10;

/// Fields as the bytes of a map's entries, before those that there are already.
pub(crate) fn fields_bytes(fields: &dyn Fields, earlier: &[u8]) -> Vec<u8> {
    let mut image = Image::new(Buffer::new(), MAX_LOGGER_BYTES);
    image.push(&Splice(fields));
    // Behind the map's tag and length.
    let mut entries = image.buffer.as_bytes().get(5..).unwrap_or(&[]).to_vec();
    entries.extend_from_slice(earlier);
    if image.cut_bytes() > 0 {
        let mark = Image::mark_of(&entries, image.cut_bytes());
        entries.extend_from_slice(mark.as_bytes());
    }
    entries
}

/// What the macros wrap `(expr) = value` in.
#[doc(hidden)]
pub struct Keyed<'a, K: ?Sized, V: ?Sized>(pub &'a K, pub &'a V);

impl<K: AsText + ?Sized, V: Value + ?Sized> Value for Keyed<'_, K, V> {
    fn record(&self, out: ValueWriter<'_>) {
        out.map(|map| map.entry(&self.0.as_text(), self.1));
    }
}

impl<F: Fields + ?Sized> Fields for &F {
    fn record_fields(&self, out: &mut FieldsWriter<'_>) {
        (**self).record_fields(out);
    }
}

impl<F: Fields> Fields for Option<F> {
    fn record_fields(&self, out: &mut FieldsWriter<'_>) {
        if let Some(fields) = self {
            fields.record_fields(out);
        }
    }
}

impl<K: Display, V: Value> Fields for BTreeMap<K, V> {
    fn record_fields(&self, out: &mut FieldsWriter<'_>) {
        for (key, value) in self {
            out.map.entry(key, value);
        }
    }
}

impl<K: Display, V: Value, S> Fields for HashMap<K, V, S> {
    fn record_fields(&self, out: &mut FieldsWriter<'_>) {
        for (key, value) in self {
            out.map.entry(key, value);
        }
    }
}

impl<K: Display, V: Value> Fields for [(K, V)] {
    fn record_fields(&self, out: &mut FieldsWriter<'_>) {
        for (key, value) in self {
            out.map.entry(key, value);
        }
    }
}

impl<K: Display, V: Value> Fields for Vec<(K, V)> {
    fn record_fields(&self, out: &mut FieldsWriter<'_>) {
        self.as_slice().record_fields(out);
    }
}

impl<K: Display, V: Value, const N: usize> Fields for [(K, V); N] {
    fn record_fields(&self, out: &mut FieldsWriter<'_>) {
        self.as_slice().record_fields(out);
    }
}
