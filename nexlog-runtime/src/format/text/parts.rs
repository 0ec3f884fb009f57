//! The parts of a text line that all its layouts share: the level, and the fields.

use core::cell::Cell;

use super::{Kind, Text};
use crate::buffer::Buffer;
use crate::context::chain::Chain;
use crate::format::context::{KeptContexts, Shape};
use crate::format::distinct::{Seen, run_time_fields};
use crate::format::escape::{QuotedText, quote};
use crate::format::line::{Line, ShortText, push_fields};
use crate::format::message::Fragment;
use crate::format::{number, plain};
use crate::lane::memory::try_push;
use crate::record::Record;
use crate::site::callsite::{SiteInfo, SlotKind};
use crate::site::level::Level;
use crate::value::view::ValueRef;

/// The key of the innermost span.
pub(super) const SPAN: &str = "span";

/// How parts look: what is the same for all records.
pub(super) struct Brush {
    /// What switches a style on; empty without colours.
    levels: [String; 6],
    pub(super) time: String,
    pub(super) target: String,
    pub(super) message: String,
    key: String,
    /// Before each field.
    field_separator: String,
    /// Between key and value.
    key_separator: String,
    span_path: bool,
    /// Whether the causes of an error have lines of their own.
    spreads_errors: bool,
    /// Fields that are told elsewhere in the line.
    pub(super) told: Vec<String>,
}

/// What changes with every record.
#[derive(Default)]
pub(super) struct FieldsDesk {
    pub(super) seen: Seen,
    contexts: KeptContexts,
}

/// What is ready for a call site.
pub(super) struct Keys {
    /// For each slot its ` key=`; `None` when it is no field, or told elsewhere.
    keys: Vec<Option<Fragment>>,
    /// Whether such contexts have no key of these fields.
    suits: Cell<(Shape, bool)>,
}

/// What switches all styles off.
pub(super) const RESET: &str = "\x1b[0m";

impl Brush {
    pub(super) fn new(text: &Text, coloured: bool) -> Brush {
        let code = |style: crate::format::theme::Style| {
            if coloured { style.code() } else { String::new() }
        };
        Brush {
            levels: Level::ALL.map(|level| code(text.theme.of(level))),
            time: code(text.theme.time),
            target: code(text.theme.target),
            message: code(text.theme.message),
            key: code(text.theme.key),
            field_separator: text.field_separator.clone(),
            key_separator: text.key_separator.clone(),
            span_path: text.span_path,
            spreads_errors: text.kind == Kind::Pretty,
            told: Vec::new(),
        }
    }

    /// Writes in a style, if there is one.
    pub(super) fn paint(style: &str, out: &mut Buffer, write: impl FnOnce(&mut Buffer)) {
        out.push_str(style);
        write(out);
        if !style.is_empty() {
            out.push_str(RESET);
        }
    }

    /// The style of a level's name.
    pub(super) fn level(&self, level: Level) -> &str {
        self.levels.get(level as usize).map_or("", String::as_str)
    }

    fn is_told(&self, key: &str) -> bool {
        self.told.iter().any(|told| told == key)
    }

    /// `None` when there is no memory.
    pub(super) fn keys(&self, site: &SiteInfo) -> Option<Keys> {
        let mut keys = Vec::new();
        for slot in &site.slots {
            let key = match slot.kind {
                SlotKind::Field if !self.is_told(slot.key) => {
                    Some(Fragment::written(|out| self.key(slot.key, out))?)
                }
                SlotKind::Field | SlotKind::Dynamic | SlotKind::Hidden => None,
            };
            if !try_push(&mut keys, key) {
                return None;
            }
        }
        Some(Keys { keys, suits: Cell::new((Shape::UNKNOWN, false)) })
    }

    /// What [`fields`](Self::fields) is to be given for this to stand before the first field.
    pub(super) fn lead(&self, lead: &'static str) -> Option<&'static str> {
        (lead != self.field_separator).then_some(lead)
    }

    /// All fields. Before the first stands `lead`, if there is one, instead of a separator.
    #[inline]
    pub(super) fn fields(
        &self,
        lead: Option<&str>,
        desk: &mut FieldsDesk,
        keys: &Keys,
        record: &Record<'_>,
        out: &mut Buffer,
    ) {
        let start = out.len();
        push_fields::<FieldText>(&keys.keys, record.values, out, |value, out| {
            self.value(value, out);
        });
        if record.has_dynamic() {
            run_time_fields(record, &mut desk.seen, |_, key, value| self.field(key, value, out));
        }
        if !record.context.is_empty() {
            self.context(&mut desk.contexts, keys, record, out);
        }
        if record.common.is_some() {
            record.common_fields().for_each(|(key, value)| self.field(key, value, out));
        }
        if let Some(lead) = lead.filter(|_| out.len() > start) {
            // The separator is one byte at least, and the lead at most.
            out.patch(start, lead.as_bytes());
            out.cut(start + lead.len(), start + self.field_separator.len());
        }
    }

    /// The span and the fields around the record.
    fn context(
        &self,
        contexts: &mut KeptContexts,
        keys: &Keys,
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
                self.span_field(chain, out);
                chain.fields().for_each(|(key, value)| self.field(key, value, out));
            },
        );
        let is_common = record.common.is_some_and(|map| map.iter().any(|(key, _)| key == SPAN));
        let clashes = |key: &str| is_field(key) || is_field(SPAN) || is_common;
        if let Some(kept) = kept.filter(|kept| kept.suits(record, &keys.suits, clashes)) {
            return out.extend(kept.text.as_bytes());
        }
        if !record.has_own(SPAN) && !record.context.has(SPAN) && !is_common {
            self.span_field(record.context, out);
        }
        record.context_fields().for_each(|(key, value)| self.field(key, value, out));
    }

    fn span_field(&self, chain: Chain<'_>, out: &mut Buffer) {
        if chain.span().is_some() && !self.is_told(SPAN) {
            self.key(SPAN, out);
            self.span(chain, out, |name, out| self.value(ValueRef::Str(name), out));
        }
    }

    /// The name of the innermost span, or those of all from the outermost.
    pub(super) fn span(
        &self,
        chain: Chain<'_>,
        out: &mut Buffer,
        name: impl Fn(&'static str, &mut Buffer),
    ) {
        if !self.span_path {
            return chain.span().into_iter().for_each(|innermost| name(innermost, out));
        }
        chain.for_each_span(|span, number| {
            if number > 0 {
                out.push(b':');
            }
            name(span, out);
        });
    }

    fn field(&self, key: &str, value: ValueRef<'_>, out: &mut Buffer) {
        if !self.is_told(key) {
            self.key(key, out);
            self.value(value, out);
        }
    }

    /// ` key=`
    fn key(&self, key: &str, out: &mut Buffer) {
        out.push_str(&self.field_separator);
        // A buffer takes everything.
        Brush::paint(&self.key, out, |out| _ = plain::word(key, out));
        out.push_str(&self.key_separator);
    }

    /// A field's value. The types of most fields take a short way to the same text.
    #[inline]
    fn value(&self, value: ValueRef<'_>, out: &mut Buffer) {
        match value {
            ValueRef::Str(text) if plain::is_simple(text.as_bytes()) => out.push_str(text),
            ValueRef::Str(text) => quote::<QuotedText>(text, out),
            ValueRef::U64(v) => number::unsigned(v, out),
            ValueRef::I64(v) => number::signed(v, out),
            ValueRef::F64(v) if number::finite_f64(v, out) => {}
            ValueRef::Error(error) if self.spreads_errors => {
                quote::<QuotedText>(error.message(), out);
                for cause in error.chain() {
                    out.push_str("\n      caused by: ");
                    quote::<QuotedText>(cause, out);
                }
            }
            // A buffer takes everything.
            _ => _ = plain::text(value, out),
        }
    }
}

/// Text as a field's value.
struct FieldText;

impl ShortText for FieldText {
    #[inline]
    fn push(text: &str, line: &mut Line<'_>) -> bool {
        line.word(text) || line.quoted::<QuotedText>(text)
    }
}
