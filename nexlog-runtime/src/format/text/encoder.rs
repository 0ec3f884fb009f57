//! How a text line is put together: like JSON's, copies of what is ready for the call site,
//! and the values in between.

use core::cell::Cell;

use super::Text;
use crate::buffer::Buffer;
use crate::context::chain::Chain;
use crate::format::context::{KeptContexts, Shape};
use crate::format::distinct::{Seen, run_time_fields};
use crate::format::escape::{BareText, QuotedText, escape, quote};
use crate::format::line::{Line, ShortText, push_fields};
use crate::format::message::{Fragment, Head, Part, Sites, Template, push_parts};
use crate::format::time::Stamp;
use crate::format::{Encoder, number, plain};
use crate::lane::memory::try_push;
use crate::record::Record;
use crate::site::callsite::{Piece, SiteInfo, SlotKind};
use crate::site::level::Level;
use crate::value::view::ValueRef;

/// The working part of [`Text`].
pub(super) struct TextEncoder {
    layout: Layout,
    desk: Desk,
    sites: Sites<Prepared>,
}

/// What is the same for all records.
struct Layout {
    text: Text,
    coloured: bool,
}

/// What changes with every record.
struct Desk {
    stamp: Stamp,
    seen: Seen,
    contexts: KeptContexts,
}

/// The key of the innermost span.
const SPAN: &str = "span";

/// What is the same for all records of a call site.
struct Prepared {
    /// The level, padded.
    level: Option<(Level, Fragment)>,
    target: &'static str,
    /// From the target to the first value in the message, or to the fields.
    head: Head,
    /// `head` without the target.
    behind_target: Fragment,
    /// The message behind `head`.
    message: Vec<Part>,
    /// For each slot its ` key=`; `None` when it is not a field.
    keys: Vec<Option<Fragment>>,
    /// Whether such contexts have no key of these fields.
    suits: Cell<(Shape, bool)>,
}

/// The colours of a line's parts, as parameters of `ESC [ … m`.
mod colour {
    use crate::site::level::Level;

    pub(super) const DIM: &str = "2";
    pub(super) const KEY: &str = "36";

    pub(super) fn of(level: Level) -> &'static str {
        match level {
            Level::Trace => "2",
            Level::Debug => "34",
            Level::Info => "32",
            Level::Warn => "33",
            Level::Error => "31",
            Level::Critical => "1;7;31",
        }
    }
}

impl TextEncoder {
    /// `None` when there is no memory.
    pub(super) fn new(text: &Text, coloured: bool) -> Option<TextEncoder> {
        let (prefix, suffix) = if coloured { ("\x1b[2m", "\x1b[0m ") } else { ("", " ") };
        Some(TextEncoder {
            layout: Layout { text: text.clone(), coloured },
            desk: Desk {
                stamp: Stamp::new(text.precision, prefix, suffix)?,
                seen: Seen::default(),
                contexts: KeptContexts::default(),
            },
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
            Some(prepared) => self.layout.line(&mut self.desk, prepared, record, out),
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

impl Encoder for TextEncoder {
    fn encode(&mut self, record: &Record<'_>, out: &mut Buffer) {
        match self.sites.get(record.site.id) {
            Some(prepared) => self.layout.line(&mut self.desk, prepared, record, out),
            None => self.encode_first(record, out),
        }
    }
}

impl Layout {
    /// `None` when there is no memory.
    #[cold]
    fn prepare(&self, site: &SiteInfo) -> Option<Prepared> {
        let mut template = Template::default();
        self.target(site.target, &mut template.text);
        let target_end = template.text.len();
        self.source(site, &mut template.text);
        if let Some(pieces) = site.message.as_ref().filter(|pieces| !is_empty(pieces)) {
            template.text.push(b' ');
            template.message::<BareText>(pieces);
        }
        let (head, message) = template.finish()?;
        let level = match site.level {
            Some(level) => Some((level, Fragment::written(|out| self.level(level, out))?)),
            None => None,
        };
        let mut keys = Vec::new();
        for slot in &site.slots {
            let key = match slot.kind {
                SlotKind::Field => Some(Fragment::written(|out| self.key(slot.key, out))?),
                SlotKind::Dynamic | SlotKind::Hidden => None,
            };
            if !try_push(&mut keys, key) {
                return None;
            }
        }
        Some(Prepared {
            level,
            target: site.target,
            behind_target: Fragment::new(head.as_bytes().get(target_end..)?)?,
            head: Head::new(head.as_bytes())?,
            message,
            keys,
            suits: Cell::new((Shape::UNKNOWN, false)),
        })
    }

    fn line(&self, desk: &mut Desk, prepared: &Prepared, record: &Record<'_>, out: &mut Buffer) {
        if self.text.time {
            desk.stamp.push(record.timestamp, out);
        }
        match &prepared.level {
            Some((level, text)) if *level == record.level => text.push(out),
            _ => self.level(record.level, out),
        }
        if self.text.thread {
            push_thread(record, out);
        }
        if core::ptr::eq(prepared.target, record.target) {
            prepared.head.push(out);
        } else {
            self.target(record.target, out);
            prepared.behind_target.push(out);
        }
        if !prepared.message.is_empty() {
            push_parts::<BareText>(&prepared.message, record, out);
        }
        self.fields(desk, prepared, record, out);
        out.push(b'\n');
        desk.seen.finish(out);
    }

    #[inline]
    fn fields(&self, desk: &mut Desk, prepared: &Prepared, record: &Record<'_>, out: &mut Buffer) {
        let Desk { seen, contexts, .. } = desk;
        push_fields::<FieldText>(&prepared.keys, record.values, out, push_value);
        if record.has_dynamic() {
            run_time_fields(record, seen, |_, key, value| {
                self.key(key, out);
                push_value(value, out);
            });
        }
        if !record.context.is_empty() {
            self.context(contexts, prepared, record, out);
        }
        for (key, value) in record.common_fields() {
            self.key(key, out);
            push_value(value, out);
        }
    }

    /// The span and the fields around the record.
    fn context(
        &self,
        contexts: &mut KeptContexts,
        prepared: &Prepared,
        record: &Record<'_>,
        out: &mut Buffer,
    ) {
        let is_field = |key: &str| {
            let slots = record.site.slots.iter();
            slots.filter(|slot| slot.kind == SlotKind::Field).any(|slot| slot.key == key)
        };
        // A field of that name comes instead of the span's.
        let kept = contexts.of(
            record.context,
            |key| key != SPAN,
            |chain, out| {
                self.span(chain, out);
                chain.fields().for_each(|(key, value)| self.field(key, value, out));
            },
        );
        let is_common = record.common.is_some_and(|map| map.iter().any(|(key, _)| key == SPAN));
        let clashes = |key: &str| is_field(key) || is_field(SPAN) || is_common;
        if let Some(kept) = kept.filter(|kept| kept.suits(record, &prepared.suits, clashes)) {
            return out.extend(kept.text.as_bytes());
        }
        if !record.has_own(SPAN) && !record.context.has(SPAN) && !is_common {
            self.span(record.context, out);
        }
        record.context_fields().for_each(|(key, value)| self.field(key, value, out));
    }

    /// The span, if there is one: its name, or those of all spans from the outermost.
    fn span(&self, chain: Chain<'_>, out: &mut Buffer) {
        let Some(innermost) = chain.span() else { return };
        self.key(SPAN, out);
        if !self.text.span_path {
            return push_value(ValueRef::Str(innermost), out);
        }
        chain.for_each_span(|name, number| {
            if number > 0 {
                out.push(b':');
            }
            push_value(ValueRef::Str(name), out);
        });
    }

    fn field(&self, key: &str, value: ValueRef<'_>, out: &mut Buffer) {
        self.key(key, out);
        push_value(value, out);
    }

    /// The level, padded to five.
    fn level(&self, level: Level, out: &mut Buffer) {
        self.paint(colour::of(level), out, |out| out.push_str(level.as_str()));
        (level.as_str().len()..5).for_each(|_| out.push(b' '));
    }

    /// A space and the target, with the colon that ends the place unless the source follows.
    fn target(&self, target: &str, out: &mut Buffer) {
        if self.text.target {
            out.push(b' ');
            self.paint(colour::DIM, out, |out| escape::<BareText>(target, out));
            out.push_str(if self.text.source { "" } else { ":" });
        }
    }

    /// A space, the place of the call, and a colon.
    fn source(&self, site: &SiteInfo, out: &mut Buffer) {
        if self.text.source {
            out.push(b' ');
            self.paint(colour::DIM, out, |out| {
                escape::<BareText>(site.file, out);
                out.push(b':');
                number::integer(site.line, out);
            });
            out.push(b':');
        }
    }

    /// ` key=`
    fn key(&self, key: &str, out: &mut Buffer) {
        out.push(b' ');
        // A buffer takes everything.
        self.paint(colour::KEY, out, |out| _ = plain::word(key, out));
        out.push(b'=');
    }

    /// Writes in a colour, when there are colours.
    fn paint(&self, colour: &str, out: &mut Buffer, write: impl FnOnce(&mut Buffer)) {
        if self.coloured {
            out.push_str("\x1b[");
            out.push_str(colour);
            out.push(b'm');
        }
        write(out);
        if self.coloured {
            out.push_str("\x1b[0m");
        }
    }
}

/// Whether a template has neither text nor values.
fn is_empty(pieces: &[Piece]) -> bool {
    pieces.iter().all(|piece| *piece == Piece::Literal(""))
}

/// ` [name#id]`
fn push_thread(record: &Record<'_>, out: &mut Buffer) {
    out.push_str(" [");
    escape::<BareText>(record.thread.name, out);
    out.push(b'#');
    number::unsigned(record.thread.id, out);
    out.push(b']');
}

/// Text as a field's value.
struct FieldText;

impl ShortText for FieldText {
    #[inline]
    fn push(text: &str, line: &mut Line<'_>) -> bool {
        line.word(text) || line.quoted::<QuotedText>(text)
    }
}

/// A field's value. The types of most fields take a short way to the same text.
#[inline]
fn push_value(value: ValueRef<'_>, out: &mut Buffer) {
    match value {
        ValueRef::Str(text) if plain::is_simple(text.as_bytes()) => out.push_str(text),
        ValueRef::Str(text) => quote::<QuotedText>(text, out),
        ValueRef::U64(v) => number::unsigned(v, out),
        ValueRef::I64(v) => number::signed(v, out),
        ValueRef::F64(v) if number::finite_f64(v, out) => {}
        // A buffer takes everything.
        _ => _ = plain::text(value, out),
    }
}
