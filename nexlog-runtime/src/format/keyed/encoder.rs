//! How a line of keys and values is put together.
//!
//! What a call site's records have in common is rendered once, at its first record: level,
//! target, the message's literal parts (already escaped), source, and each key with what stands
//! around it. A record is then a copy of the time, whose second is kept too, copies of those
//! fragments, and its values in between.

use core::cell::Cell;
use core::fmt::Write;

use super::names::{OwnKeys, first_free};
use super::{LineForm, Name, Outline, SourceForm, Special, Syntax, TargetForm};
use crate::buffer::Buffer;
use crate::context::chain::Chain;
use crate::format::context::{KeptContexts, Shape};
use crate::format::distinct::{Region, Seen, run_time_fields};
use crate::format::escape::{JsonString, escape};
use crate::format::line::push_fields;
use crate::format::message::{Fragment, Head, Part, Sites, Template, push_parts};
use crate::format::time::{Stamp, Times, Zone};
use crate::format::{Encoder, number};
use crate::lane::memory::{try_collect, try_push};
use crate::record::Record;
use crate::site::callsite::{SiteInfo, SlotKind};
use crate::site::level::Level;
use crate::sys;
use crate::value::view::ValueRef;

/// The working part of a format with keys.
pub(in crate::format) struct KeyedEncoder<S> {
    layout: Layout<S>,
    desk: Desk,
    sites: Sites<Prepared>,
}

/// What is the same for all records.
struct Layout<S> {
    syntax: S,
    outline: Outline,
    keys: OwnKeys,
    /// The machine's name, if it is told.
    hostname: Option<String>,
}

/// What changes with every record.
struct Desk {
    times: Times,
    seen: Seen,
    contexts: KeptContexts,
}

/// What is the same for all records of a call site.
struct Prepared {
    level: Option<Level>,
    target: &'static str,
    /// From the level to the first value in the message, or to the fields.
    head: Head,
    /// `head` without level and target.
    behind_place: Fragment,
    /// The message behind `head`.
    message: Vec<Part>,
    /// For each slot its key; `None` when it is not a field, or one that has a way of its own.
    keys: Vec<Option<Fragment>>,
    /// The slots that have a way of their own.
    specials: Vec<(usize, &'static Special)>,
    /// The names of literal fields that could not keep their key.
    renamed: Vec<String>,
    /// Whether such contexts have no key of these fields.
    suits: Cell<(Shape, bool)>,
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

impl<S: Syntax> Layout<S> {
    /// `None` when there is no memory.
    #[cold]
    fn prepare(&self, site: &SiteInfo) -> Option<Prepared> {
        let mut template = Template::default();
        if let Some(level) = site.level {
            self.place(level, site.target, &mut template.text);
        }
        let place_end = template.text.len();
        self.message(site, &mut template);
        let (head, message) = template.finish()?;
        let is_field = |kind| kind == SlotKind::Field;
        let fields = site.slots.iter().filter(|slot| is_field(slot.kind));
        let keys: Vec<&'static str> = try_collect(fields.map(|slot| slot.key))?;
        let mut names = self.keys.name_literals(&keys)?;
        let mut rest = names.iter();
        let (mut fragments, mut specials) = (Vec::new(), Vec::new());
        for (number, slot) in site.slots.iter().enumerate() {
            let name = if is_field(slot.kind) { rest.next() } else { None };
            let special = name.and_then(|_| self.special(slot.key));
            let fragment = match name.filter(|_| special.is_none()) {
                Some(name) => Some(Fragment::written(|out| self.syntax.key(&Name::of(name), out))?),
                None => None,
            };
            let has_memory =
                special.is_none_or(|special| try_push(&mut specials, (number, special)));
            if !try_push(&mut fragments, fragment) || !has_memory {
                return None;
            }
        }
        names.retain(|name| !keys.contains(&name.as_str()));
        Some(Prepared {
            level: site.level,
            target: site.target,
            behind_place: Fragment::new(head.as_bytes().get(place_end..)?)?,
            head: Head::new(head.as_bytes())?,
            message,
            keys: fragments,
            specials,
            renamed: names,
            suits: Cell::new((Shape::UNKNOWN, false)),
        })
    }

    /// The way of its own that a field has.
    fn special(&self, key: &str) -> Option<&'static Special> {
        self.outline.specials.iter().find(|special| special.field == key)
    }

    fn own_key(&self, key: &str, out: &mut Buffer) {
        self.syntax.key(&Name::of(key), out);
    }

    /// Level and target.
    fn place(&self, level: Level, target: &str, out: &mut Buffer) {
        self.own_key(&self.keys.level, out);
        out.push_str((self.outline.levels)(level));
        if let Some(severity) = self.outline.severity {
            out.push_str(severity(level));
        }
        if self.outline.target == TargetForm::Early {
            self.own_key(&self.keys.target, out);
            self.syntax.text(target, out);
        }
    }

    /// The span, if there is one: its name, or those of all spans from the outermost.
    fn span(&self, chain: Chain<'_>, out: &mut Buffer) {
        let Some(innermost) = chain.span() else { return };
        self.own_key(&self.keys.span, out);
        if !self.outline.span_path {
            return self.syntax.text(innermost, out);
        }
        out.push(b'"');
        chain.for_each_span(|name, number| {
            if number > 0 {
                out.push(b':');
            }
            escape::<JsonString>(name, out);
        });
        out.push(b'"');
    }

    /// The message and the source.
    fn message(&self, site: &SiteInfo, template: &mut Template) {
        let pieces = match &site.message {
            Some(pieces) => Some(&pieces[..]),
            None => self.outline.needs_message.then_some(&[][..]),
        };
        if let Some(pieces) = pieces {
            self.own_key(&self.keys.msg, &mut template.text);
            template.text.push(b'"');
            template.message::<JsonString>(pieces);
            template.text.push(b'"');
        }
        if self.outline.source && !self.outline.is_inner {
            self.source(site, &mut template.text);
        }
    }

    fn source(&self, site: &SiteInfo, out: &mut Buffer) {
        match self.outline.source_form {
            SourceForm::Fields => {
                self.own_key(&self.keys.file, out);
                self.syntax.text(site.file, out);
                self.own_key(&self.keys.line, out);
                number::integer(site.line, out);
            }
            SourceForm::Object(key, form) => {
                self.own_key(key, out);
                out.push_str("{\"file\":\"");
                escape::<JsonString>(site.file, out);
                let quote = if form == LineForm::Text { "\"" } else { "" };
                // A buffer takes everything.
                let _ = write!(out, "\",\"line\":{quote}{}{quote}}}", site.line);
            }
        }
    }

    fn thread(&self, record: &Record<'_>, out: &mut Buffer) {
        if !record.thread.name.is_empty() {
            self.own_key(&self.keys.thread, out);
            self.syntax.text(record.thread.name, out);
        }
        self.own_key(&self.keys.thread_id, out);
        number::unsigned(record.thread.id, out);
    }

    /// What comes before the fields and is not known from the call site.
    fn before_fields(&self, record: &Record<'_>, seen: &mut Seen, out: &mut Buffer) {
        match self.outline.target {
            TargetForm::Early => {}
            TargetForm::Late => {
                self.own_key(&self.keys.target, out);
                self.syntax.text(record.target, out);
            }
            TargetForm::Scope => {
                self.own_key(&self.keys.target, out);
                out.push_str("{\"Name\":");
                self.syntax.text(record.target, out);
                out.push(b'}');
            }
        }
        if self.outline.thread && !self.outline.is_inner {
            self.thread(record, out);
        }
        out.push_str(&self.outline.fixed);
        if self.outline.process {
            self.process(record, seen, out);
        }
    }

    /// Machine and process: those that the logger states for its records, which may be those of
    /// a process that is dead, else this one's.
    fn process(&self, record: &Record<'_>, seen: &mut Seen, out: &mut Buffer) {
        for key in [HOSTNAME, PID] {
            let mut stated = record.common.into_iter().flat_map(|map| map.iter());
            self.own_key(key, out);
            match stated.find(|field| field.0 == key).map(|field| field.1) {
                Some(value) => {
                    let common = record.common.map_or(&[][..], |map| map.bytes.as_bytes());
                    self.syntax.value(value, Region(common), seen, out);
                }
                None if key == PID => number::integer(std::process::id(), out),
                None => self.syntax.text(self.hostname.as_deref().unwrap_or(""), out),
            }
        }
    }

    /// Whether a field of the logger was told already.
    fn is_told(&self, key: &str) -> bool {
        self.outline.process && (key == HOSTNAME || key == PID)
    }

    /// A field, under its own name or in the way that it has.
    fn field(
        &self,
        name: &Name<'_>,
        value: (ValueRef<'_>, Region<'_>),
        seen: &mut Seen,
        out: &mut Buffer,
    ) {
        match self.special(name.key).filter(|_| name.underscores == 0) {
            None => {
                self.syntax.key(name, out);
                self.syntax.value(value.0, value.1, seen, out);
            }
            Some(special) if special.is_outer() => {}
            Some(special) => self.special_field(special, value, seen, out),
        }
    }

    /// One that lies beside the object of the fields, if it is such.
    fn outer_field(
        &self,
        key: &str,
        value: (ValueRef<'_>, Region<'_>),
        seen: &mut Seen,
        out: &mut Buffer,
    ) {
        if let Some(special) = self.special(key).filter(|special| special.is_outer()) {
            self.special_field(special, value, seen, out);
        }
    }

    fn special_field(
        &self,
        special: &Special,
        value: (ValueRef<'_>, Region<'_>),
        seen: &mut Seen,
        out: &mut Buffer,
    ) {
        special.push(&self.syntax, self.outline.project.as_deref(), value, seen, out);
    }
}

impl<S: Syntax> Layout<S> {
    /// Source and thread, where they lie with the fields.
    fn inner_parts(&self, record: &Record<'_>, out: &mut Buffer) {
        if self.outline.source {
            self.source(record.site, out);
        }
        if self.outline.thread {
            self.thread(record, out);
        }
    }
}

/// The keys of machine and process.
const HOSTNAME: &str = "hostname";
const PID: &str = "pid";

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
