//! How a line of keys and values is put together.
//!
//! What a call site's records have in common is rendered once, at its first record: level,
//! target, the message's literal parts (already escaped), source, and each key with what stands
//! around it. A record is then a copy of the time, whose second is kept too, copies of those
//! fragments, and its values in between.

use super::layout::{Layout, Prepared};
use super::names::{OwnKeys, first_free};
use super::{Name, Outline, Syntax, TargetForm};
use crate::buffer::Buffer;
use crate::format::Encoder;
use crate::format::context::KeptContexts;
use crate::format::distinct::{Region, Seen, run_time_fields};
use crate::format::escape::JsonString;
use crate::format::line::push_fields;
use crate::format::message::{Sites, push_parts};
use crate::format::time::{Stamp, Times, Zone};
use crate::lane::memory::try_push;
use crate::record::Record;
use crate::site::callsite::SlotKind;
use crate::sys;
use crate::value::view::ValueRef;

/// The working part of a format with keys.
pub(in crate::format) struct KeyedEncoder<S> {
    layout: Layout<S>,
    desk: Desk,
    sites: Sites<Prepared>,
}

/// What changes with every record.
struct Desk {
    times: Times,
    seen: Seen,
    contexts: KeptContexts,
}

impl<S: Syntax> KeyedEncoder<S> {
    /// `None` when there is no memory.
    pub(in crate::format) fn new(syntax: S, outline: Outline) -> Option<KeyedEncoder<S>> {
        let keys = OwnKeys::new(&outline)?;
        let mut prefix = Buffer::new();
        prefix.push_str(S::OPEN);
        let before = prefix.len();
        syntax.key(&Name::of(&keys.ts), &mut prefix);
        prefix.cut(before, before + 1); // the separator
        let quote = if outline.unit.is_none() { S::QUOTE } else { "" };
        prefix.push_str(quote);
        let text = core::str::from_utf8(prefix.as_bytes()).ok().filter(|_| !prefix.is_short())?;
        let times = if let Some(unit) = outline.unit {
            Times::numbers(outline.precision, text, unit)?
        } else {
            let stamp = Stamp::new(outline.precision, text, quote)?;
            Times::Stamp(stamp.in_zone(Zone::new(outline.local)))
        };
        Some(KeyedEncoder {
            desk: Desk { times, seen: Seen::default(), contexts: KeptContexts::default() },
            layout: Layout {
                syntax,
                hostname: if outline.process { sys::hostname() } else { None },
                outline,
                keys,
            },
            sites: Sites::new(),
        })
    }

    /// Encodes a record without keeping anything for its call site.
    pub(in crate::format) fn encode_once(&mut self, record: &Record<'_>, out: &mut Buffer) {
        self.encode_new(record, out);
    }

    /// The same; gives what could be kept.
    fn encode_new(&mut self, record: &Record<'_>, out: &mut Buffer) -> Option<Prepared> {
        let prepared = self.layout.prepare(record.site);
        match &prepared {
            Some(prepared) => self.desk.encode(&self.layout, prepared, record, out),
            None => out.fall_short(),
        }
        prepared
    }

    #[cold]
    fn encode_first(&mut self, record: &Record<'_>, out: &mut Buffer) {
        if let Some(prepared) = self.encode_new(record, out) {
            self.sites.keep(record.site.id, prepared);
        }
    }
}

impl<S: Syntax> Encoder for KeyedEncoder<S> {
    fn encode(&mut self, record: &Record<'_>, out: &mut Buffer) {
        match self.sites.get(record.site.id) {
            Some(prepared) => self.desk.encode(&self.layout, prepared, record, out),
            None => self.encode_first(record, out),
        }
    }
}

impl Desk {
    fn encode<S: Syntax>(
        &mut self,
        layout: &Layout<S>,
        prepared: &Prepared,
        record: &Record<'_>,
        out: &mut Buffer,
    ) {
        let start = out.len();
        self.times.push(record.timestamp, out);
        let has_target = layout.outline.target == TargetForm::Early;
        let is_known = !has_target || core::ptr::eq(prepared.target, record.target);
        if prepared.level == Some(record.level) && is_known {
            prepared.head.push(out);
        } else {
            layout.place(record.level, record.target, out);
            prepared.behind_place.push(out);
        }
        if !prepared.message.is_empty() {
            push_parts::<JsonString>(&prepared.message, record, out);
        }
        if layout.outline.has_parts_before_fields() {
            layout.before_fields(record, &mut self.seen, out);
        }
        if layout.outline.nested_under.is_some() {
            self.nested_fields(layout, prepared, record, out);
        } else {
            self.fields(layout, prepared, record, out);
        }
        out.push_str(S::CLOSE);
        layout.syntax.finish(start, out);
        self.seen.finish(out);
    }

    fn nested_fields<S: Syntax>(
        &mut self,
        layout: &Layout<S>,
        prepared: &Prepared,
        record: &Record<'_>,
        out: &mut Buffer,
    ) {
        let before = out.len();
        layout.own_key(&layout.keys.nested, out);
        // The first field's comma falls on this brace's place, and is replaced by it below.
        let first = out.len();
        if layout.outline.is_inner {
            layout.inner_parts(record, out);
        }
        self.fields(layout, prepared, record, out);
        if out.len() == first {
            out.rewind(before);
        } else {
            out.patch(first, b"{");
            out.push(b'}');
        }
        if !layout.outline.is_inner {
            return layout.span(record.context, out);
        }
        self.outer_fields(layout, prepared, record, out);
    }

    /// Those that lie beside the object of the fields.
    fn outer_fields<S: Syntax>(
        &mut self,
        layout: &Layout<S>,
        prepared: &Prepared,
        record: &Record<'_>,
        out: &mut Buffer,
    ) {
        let seen = &mut self.seen;
        for (number, special) in &prepared.specials {
            let value = record.slots().nth(*number).map(|(_, value)| value);
            if let Some(value) = value.filter(|value| *value != ValueRef::Null) {
                layout.outer_field(special.field, (value, Region::of(record)), seen, out);
            }
        }
        if record.has_dynamic() {
            run_time_fields(record, seen, |seen, key, value| {
                layout.outer_field(key, (value, Region::of(record)), seen, out);
            });
        }
        let mut fields = record.context.fields();
        while let Some((key, value)) = fields.next() {
            if !record.has_own(key) {
                layout.outer_field(key, (value, Region(fields.bytes())), seen, out);
            }
        }
        let common = record.common.map_or(&[][..], |map| map.bytes.as_bytes());
        for (key, value) in record.common_fields() {
            layout.outer_field(key, (value, Region(common)), seen, out);
        }
    }

    #[inline]
    fn fields<S: Syntax>(
        &mut self,
        layout: &Layout<S>,
        prepared: &Prepared,
        record: &Record<'_>,
        out: &mut Buffer,
    ) {
        let region = Region::of(record);
        push_fields::<S::Text>(&prepared.keys, record.values, out, |value, out| {
            layout.syntax.value(value, region, &mut self.seen, out);
        });
        if !prepared.specials.is_empty() {
            self.special_fields(layout, prepared, record, out);
        }
        if record.has_dynamic() || record.common.is_some() || !record.context.is_empty() {
            self.further_fields(layout, prepared, record, out);
        }
    }

    /// Those of the call that have a way of their own.
    #[cold]
    fn special_fields<S: Syntax>(
        &mut self,
        layout: &Layout<S>,
        prepared: &Prepared,
        record: &Record<'_>,
        out: &mut Buffer,
    ) {
        for (number, special) in &prepared.specials {
            let value = record.slots().nth(*number).map(|(_, value)| value);
            if let Some(value) = value.filter(|value| *value != ValueRef::Null)
                && !special.is_outer()
            {
                let value = (value, Region::of(record));
                layout.special_field(special, value, &mut self.seen, out);
            }
        }
    }

    /// Those of run-time keys, those around the record, and those of its logger.
    fn further_fields<S: Syntax>(
        &mut self,
        layout: &Layout<S>,
        prepared: &Prepared,
        record: &Record<'_>,
        out: &mut Buffer,
    ) {
        let mut renamed = Renamed::default();
        if record.has_dynamic() {
            run_time_fields(record, &mut self.seen, |seen, key, value| {
                let name = renamed.name(key, layout, prepared, record);
                layout.field(&name, (value, Region::of(record)), seen, out);
            });
        }
        if !record.context.is_empty() {
            self.context(layout, prepared, record, &mut renamed, out);
        }
        for (key, value) in record.common_fields() {
            if !layout.is_told(key) {
                let name = renamed.name(key, layout, prepared, record);
                let common = record.common.map_or(&[][..], |map| map.bytes.as_bytes());
                layout.field(&name, (value, Region(common)), &mut self.seen, out);
            }
        }
    }

    /// The span and the fields around the record.
    fn context<'a, S: Syntax>(
        &mut self,
        layout: &Layout<S>,
        prepared: &Prepared,
        record: &Record<'a>,
        renamed: &mut Renamed<'a>,
        out: &mut Buffer,
    ) {
        // Beside the object of the fields.
        let has_span = layout.outline.nested_under.is_none() || layout.outline.is_inner;
        let (contexts, seen) = (&mut self.contexts, &mut self.seen);
        let is_free = |key: &str| !layout.keys.reserve(&Name::of(key));
        let kept = contexts.of(record.context, is_free, |chain, out| {
            if has_span {
                layout.span(chain, out);
            }
            let mut fields = chain.fields();
            while let Some((key, value)) = fields.next() {
                layout.field(&Name::of(key), (value, Region(fields.bytes())), seen, out);
            }
        });
        let has_name = |key: &str| {
            let slots = record.site.slots.iter();
            slots.filter(|slot| slot.kind == SlotKind::Field).any(|slot| slot.key == key)
                || prepared.renamed.iter().any(|name| name == key)
        };
        if let Some(kept) = kept.filter(|kept| kept.suits(record, &prepared.suits, has_name)) {
            return out.extend(kept.text.as_bytes());
        }
        if has_span {
            layout.span(record.context, out);
        }
        let mut fields = record.context.fields();
        while let Some((key, value)) = fields.next() {
            if !record.has_own(key) {
                let name = renamed.name(key, layout, prepared, record);
                layout.field(&name, (value, Region(fields.bytes())), &mut self.seen, out);
            }
        }
    }
}

/// The run-time keys of a record that could not stay as they are. They are few, because each
/// is one of the format's own or what a literal field with such a key was renamed to.
#[derive(Default)]
struct Renamed<'a> {
    names: [Name<'a>; 2 * OwnKeys::COUNT],
    count: usize,
    /// What presets with more keys have no room for there.
    more: Vec<Name<'a>>,
}

impl<'a> Renamed<'a> {
    fn name<S: Syntax>(
        &mut self,
        key: &'a str,
        layout: &Layout<S>,
        prepared: &Prepared,
        record: &Record<'_>,
    ) -> Name<'a> {
        let name = first_free(key, |name| {
            layout.keys.reserve(name)
                || prepared.renamed.iter().any(|literal| name.is(literal))
                || name.underscores > 0
                    && (record.site.slots.iter().any(|slot| name.is(slot.key))
                        || record.further_keys(|key| name.is(key))
                        || self.names[..self.count]
                            .iter()
                            .chain(&self.more)
                            .any(|other| name.same(other)))
        });
        if name.underscores > 0 {
            match self.names.get_mut(self.count) {
                Some(place) => {
                    *place = name;
                    self.count += 1;
                }
                None => _ = try_push(&mut self.more, name),
            }
        }
        name
    }
}
