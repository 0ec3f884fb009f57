//! How a JSON line is put together.
//!
//! What a call site's records have in common is rendered once, at its first record: level,
//! target, the message's literal parts (already escaped), source, and each key with its comma
//! and colon. A record is then a copy of the time, whose second is kept too, copies of those
//! fragments, and its values in between.

use super::names::{Name, OwnKeys, first_free};
use super::value::{JsonText, push, string};
use super::{Json, pretty};
use core::cell::Cell;

use crate::buffer::Buffer;
use crate::context::chain::Chain;
use crate::format::context::{KeptContexts, Shape};
use crate::format::distinct::{Region, Seen, run_time_fields};
use crate::format::escape::{JsonString, escape};
use crate::format::line::push_fields;
use crate::format::message::{Fragment, Head, Part, Sites, Template, push_parts};
use crate::format::time::Stamp;
use crate::format::{Encoder, number};
use crate::lane::memory::{try_collect, try_push};
use crate::record::Record;
use crate::site::callsite::{SiteInfo, SlotKind};
use crate::site::level::Level;

/// The working part of [`Json`].
pub(super) struct JsonEncoder {
    layout: Layout,
    desk: Desk,
    sites: Sites<Prepared>,
}

/// What is the same for all records.
#[allow(clippy::struct_excessive_bools)] // as in `Json`
struct Layout {
    source: bool,
    thread: bool,
    is_nested: bool,
    span_path: bool,
    pretty: bool,
    keys: OwnKeys,
}

/// What changes with every record.
struct Desk {
    stamp: Stamp,
    seen: Seen,
    contexts: KeptContexts,
}

/// What is the same for all records of a call site.
struct Prepared {
    level: Option<Level>,
    target: &'static str,
    /// From `,"level":` to the first value in the message, or to the fields.
    head: Head,
    /// `head` without level and target.
    behind_place: Fragment,
    /// The message behind `head`.
    message: Vec<Part>,
    /// For each slot its `,"key":`; `None` when it is not a field.
    keys: Vec<Option<Fragment>>,
    /// The names of literal fields that could not keep their key.
    renamed: Vec<String>,
    /// Whether such contexts have no key of these fields.
    suits: Cell<(Shape, bool)>,
}

impl JsonEncoder {
    /// `None` when there is no memory.
    pub(super) fn new(json: &Json) -> Option<JsonEncoder> {
        let layout = Layout {
            source: json.source,
            thread: json.thread,
            is_nested: json.nested_under.is_some(),
            span_path: json.span_path,
            pretty: json.pretty,
            keys: OwnKeys::new(json)?,
        };
        let mut prefix = Buffer::new();
        prefix.push(b'{');
        string(&layout.keys.ts, &mut prefix);
        prefix.push_str(":\"");
        let text = core::str::from_utf8(prefix.as_bytes()).ok().filter(|_| !prefix.is_short())?;
        Some(JsonEncoder {
            desk: Desk {
                stamp: Stamp::new(json.precision, text, "\"")?,
                seen: Seen::default(),
                contexts: KeptContexts::default(),
            },
            layout,
            sites: Sites::new(),
        })
    }

    /// Encodes a record without keeping anything for its call site.
    pub(super) fn encode_once(&mut self, record: &Record<'_>, out: &mut Buffer) {
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

impl Encoder for JsonEncoder {
    fn encode(&mut self, record: &Record<'_>, out: &mut Buffer) {
        match self.sites.get(record.site.id) {
            Some(prepared) => self.desk.encode(&self.layout, prepared, record, out),
            None => self.encode_first(record, out),
        }
    }
}

impl Layout {
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
        let mut fragments = Vec::new();
        for slot in &site.slots {
            let name = if is_field(slot.kind) { rest.next() } else { None };
            let fragment = match name {
                Some(name) => Some(Fragment::written(|out| push_key(name, out))?),
                None => None,
            };
            if !try_push(&mut fragments, fragment) {
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
            renamed: names,
            suits: Cell::new((Shape::UNKNOWN, false)),
        })
    }

    /// Level and target.
    fn place(&self, level: Level, target: &str, out: &mut Buffer) {
        push_key(&self.keys.level, out);
        string(level.as_str(), out);
        push_key(&self.keys.target, out);
        string(target, out);
    }

    /// The span, if there is one: its name, or those of all spans from the outermost.
    fn span(&self, chain: Chain<'_>, out: &mut Buffer) {
        let Some(innermost) = chain.span() else { return };
        push_key(&self.keys.span, out);
        if !self.span_path {
            return string(innermost, out);
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
        if let Some(pieces) = &site.message {
            push_key(&self.keys.msg, &mut template.text);
            template.text.push(b'"');
            template.message::<JsonString>(pieces);
            template.text.push(b'"');
        }
        if self.source {
            let out = &mut template.text;
            push_key(&self.keys.file, out);
            string(site.file, out);
            push_key(&self.keys.line, out);
            number::integer(site.line, out);
        }
    }
}

impl Name<'_> {
    /// `,"name":`
    fn push(&self, out: &mut Buffer) {
        out.push_str(",\"");
        escape::<JsonString>(self.key, out);
        (0..self.underscores).for_each(|_| out.push(b'_'));
        out.push_str("\":");
    }
}

/// `,"key":`
fn push_key(key: &str, out: &mut Buffer) {
    out.push(b',');
    string(key, out);
    out.push(b':');
}

impl Desk {
    fn encode(
        &mut self,
        layout: &Layout,
        prepared: &Prepared,
        record: &Record<'_>,
        out: &mut Buffer,
    ) {
        let start = out.len();
        self.stamp.push(record.timestamp, out);
        if prepared.level == Some(record.level) && core::ptr::eq(prepared.target, record.target) {
            prepared.head.push(out);
        } else {
            layout.place(record.level, record.target, out);
            prepared.behind_place.push(out);
        }
        if !prepared.message.is_empty() {
            push_parts::<JsonString>(&prepared.message, record, out);
        }
        if layout.thread {
            push_thread(&layout.keys, record, out);
        }
        if layout.is_nested {
            self.nested_fields(layout, prepared, record, out);
        } else {
            self.fields(layout, prepared, record, out);
        }
        out.extend(b"}\n");
        if layout.pretty {
            pretty::spread(start, out);
        }
        self.seen.finish(out);
    }

    fn nested_fields(
        &mut self,
        layout: &Layout,
        prepared: &Prepared,
        record: &Record<'_>,
        out: &mut Buffer,
    ) {
        let before = out.len();
        push_key(&layout.keys.nested, out);
        // The first field's comma falls on this brace's place, and is replaced by it below.
        let first = out.len();
        self.fields(layout, prepared, record, out);
        if out.len() == first {
            out.rewind(before);
        } else {
            out.patch(first, b"{");
            out.push(b'}');
        }
        layout.span(record.context, out);
    }

    #[inline]
    fn fields(
        &mut self,
        layout: &Layout,
        prepared: &Prepared,
        record: &Record<'_>,
        out: &mut Buffer,
    ) {
        let region = Region::of(record);
        push_fields::<JsonText>(&prepared.keys, record.values, out, |value, out| {
            push(value, region, 0, &mut self.seen, out);
        });
        if record.has_dynamic() || record.common.is_some() || !record.context.is_empty() {
            self.further_fields(layout, prepared, record, out);
        }
    }

    /// Those of run-time keys, those around the record, and those of its logger.
    fn further_fields(
        &mut self,
        layout: &Layout,
        prepared: &Prepared,
        record: &Record<'_>,
        out: &mut Buffer,
    ) {
        let mut renamed = Renamed::default();
        if record.has_dynamic() {
            run_time_fields(record, &mut self.seen, |seen, key, value| {
                renamed.name(key, layout, prepared, record).push(out);
                push(value, Region::of(record), 0, seen, out);
            });
        }
        if !record.context.is_empty() {
            self.context(layout, prepared, record, &mut renamed, out);
        }
        for (key, value) in record.common_fields() {
            renamed.name(key, layout, prepared, record).push(out);
            let common = record.common.map_or(&[][..], |map| map.bytes.as_bytes());
            push(value, Region(common), 0, &mut self.seen, out);
        }
    }

    /// The span and the fields around the record.
    fn context<'a>(
        &mut self,
        layout: &Layout,
        prepared: &Prepared,
        record: &Record<'a>,
        renamed: &mut Renamed<'a>,
        out: &mut Buffer,
    ) {
        let is_nested = layout.is_nested;
        let (contexts, seen) = (&mut self.contexts, &mut self.seen);
        let is_free = |key: &str| !layout.keys.reserve(&Name { key, underscores: 0 });
        let kept = contexts.of(record.context, is_free, |chain, out| {
            if !is_nested {
                layout.span(chain, out);
            }
            let mut fields = chain.fields();
            while let Some((key, value)) = fields.next() {
                Name { key, underscores: 0 }.push(out);
                push(value, Region(fields.bytes()), 0, seen, out);
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
        if !is_nested {
            layout.span(record.context, out);
        }
        let mut fields = record.context.fields();
        while let Some((key, value)) = fields.next() {
            if !record.has_own(key) {
                renamed.name(key, layout, prepared, record).push(out);
                push(value, Region(fields.bytes()), 0, &mut self.seen, out);
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
}

impl<'a> Renamed<'a> {
    fn name(
        &mut self,
        key: &'a str,
        layout: &Layout,
        prepared: &Prepared,
        record: &Record<'_>,
    ) -> Name<'a> {
        let name = first_free(key, |name| {
            layout.keys.reserve(name)
                || prepared.renamed.iter().any(|literal| name.is(literal))
                || name.underscores > 0
                    && (record.site.slots.iter().any(|slot| name.is(slot.key))
                        || record.further_keys(|key| name.is(key))
                        || self.names[..self.count].iter().any(|other| name.same(other)))
        });
        if let (true, Some(place)) = (name.underscores > 0, self.names.get_mut(self.count)) {
            *place = name;
            self.count += 1;
        }
        name
    }
}

fn push_thread(keys: &OwnKeys, record: &Record<'_>, out: &mut Buffer) {
    if !record.thread.name.is_empty() {
        push_key(&keys.thread, out);
        string(record.thread.name, out);
    }
    push_key(&keys.thread_id, out);
    number::unsigned(record.thread.id, out);
}
