//! The values of events and spans, with their own types.

use std::error::Error;
use std::fmt;

use tracing_core::Event;
use tracing_core::field::{Field, FieldSet, Visit};

use super::super::sites::Making;
use crate::context::make::FrameDraft;
use crate::lane::rendered::Rendered;
use crate::value::capture::{Bytes, Chain, Debug};
use crate::value::{Fields, FieldsWriter, Value};

/// What takes the values of slots.
pub(super) trait Slots {
    /// The value of the next slot.
    fn push(&mut self, name: &'static str, value: &dyn Value);
}

impl Slots for Rendered {
    fn push(&mut self, name: &'static str, value: &dyn Value) {
        self.push_named(name, value);
    }
}

impl Slots for Making {
    fn push(&mut self, name: &'static str, value: &dyn Value) {
        Making::push(self, name, value);
    }
}

impl Slots for FrameDraft {
    fn push(&mut self, _: &'static str, value: &dyn Value) {
        FrameDraft::push(self, value);
    }
}

/// Values of `tracing` that can be visited as often as one likes.
pub(super) type Values<'a> = &'a dyn Fn(&mut dyn Visit);

/// Calls `0` with each value.
struct Each<F>(F);

macro_rules! visits {
    ($($visit:ident($type:ty);)*) => {$(
        fn $visit(&mut self, field: &Field, value: $type) {
            (self.0)(field, &value);
        }
    )*};
}

impl<F: FnMut(&Field, &dyn Value)> Visit for Each<F> {
    visits! {
        record_f64(f64);
        record_i64(i64);
        record_u64(u64);
        record_i128(i128);
        record_u128(u128);
        record_bool(bool);
        record_str(&str);
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        (self.0)(field, &Bytes(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        (self.0)(field, &Chain(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        (self.0)(field, &Debug(&value));
    }
}

/// Puts the values of a callsite's fields into its site's slots. Runs their code, once.
pub(super) fn fill(fields: &FieldSet, values: Values<'_>, slots: &mut dyn Slots) {
    if !are_in_order(values) {
        for field in fields {
            fill_one(|other| other.index() == field.index(), values, slots);
        }
        return;
    }
    let mut names = fields.iter();
    let mut next = 0;
    values(&mut Each(|field: &Field, value: &dyn Value| {
        while next < field.index() {
            next += 1;
            skip(&mut names, slots);
        }
        next += 1;
        names.next();
        slots.push(field.name(), value);
    }));
    while next < fields.len() {
        next += 1;
        skip(&mut names, slots);
    }
}

fn skip(names: &mut impl Iterator<Item = Field>, slots: &mut dyn Slots) {
    names.next();
    slots.push("", &None::<bool>);
}

/// Puts the first value of such a field into the next slot.
pub(super) fn fill_one(is_it: impl Fn(&Field) -> bool, values: Values<'_>, slots: &mut dyn Slots) {
    let mut is_found = false;
    values(&mut Each(|field: &Field, value: &dyn Value| {
        if !is_found && is_it(field) {
            is_found = true;
            slots.push(field.name(), value);
        }
    }));
    if !is_found {
        slots.push("", &None::<bool>);
    }
}

/// Whether they come in the order of their fields, each once: always, by `tracing`'s macros.
fn are_in_order(values: Values<'_>) -> bool {
    let (mut next, mut are_in_order) = (0, true);
    values(&mut Each(|field: &Field, _: &dyn Value| {
        are_in_order &= field.index() >= next;
        next = field.index() + 1;
    }));
    are_in_order
}

/// Values as fields.
pub(super) struct Keyed<'a>(pub(super) Values<'a>);

impl Fields for Keyed<'_> {
    fn record_fields(&self, out: &mut FieldsWriter<'_>) {
        (self.0)(&mut Each(|field: &Field, value: &dyn Value| out.field(field.name(), value)));
    }
}

/// Where a record of `log` comes from, by the fields that `tracing-log` gives its events.
#[derive(Default)]
pub(super) struct Origin {
    pub(super) target: String,
    pub(super) module: String,
    pub(super) file: String,
    pub(super) line: u32,
}

impl Origin {
    pub(super) fn of(event: &Event<'_>) -> Origin {
        let mut origin = Origin::default();
        event.record(&mut origin);
        origin
    }
}

impl Visit for Origin {
    fn record_str(&mut self, field: &Field, value: &str) {
        let text = match field.name() {
            "log.target" => &mut self.target,
            "log.module_path" => &mut self.module,
            "log.file" => &mut self.file,
            _ => return,
        };
        if text.try_reserve_exact(value.len()).is_ok() {
            text.push_str(value);
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "log.line" {
            self.line = u32::try_from(value).unwrap_or(0);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
