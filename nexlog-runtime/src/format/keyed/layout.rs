//! What is the same for all records, and for all records of a call site: the ready-made parts of a
//! line, and how each other part is written.

use core::cell::Cell;
use core::fmt::Write;

use super::names::OwnKeys;
use super::{LineForm, Name, Outline, SourceForm, Special, Syntax, TargetForm};
use crate::buffer::Buffer;
use crate::context::chain::Chain;
use crate::format::context::Shape;
use crate::format::distinct::{Region, Seen};
use crate::format::escape::{JsonString, escape};
use crate::format::message::{Fragment, Head, Part, Template};
use crate::format::number;
use crate::lane::memory::{try_collect, try_push};
use crate::record::Record;
use crate::site::callsite::{SiteInfo, SlotKind};
use crate::site::level::Level;
use crate::value::view::ValueRef;

/// What is the same for all records.
pub(super) struct Layout<S> {
    pub(super) syntax: S,
    pub(super) outline: Outline,
    pub(super) keys: OwnKeys,
    /// The machine's name, if it is told.
    pub(super) hostname: Option<String>,
}

/// What is the same for all records of a call site.
pub(super) struct Prepared {
    pub(super) level: Option<Level>,
    pub(super) target: &'static str,
    /// From the level to the first value in the message, or to the fields.
    pub(super) head: Head,
    /// `head` without level and target.
    pub(super) behind_place: Fragment,
    /// The message behind `head`.
    pub(super) message: Vec<Part>,
    /// For each slot its key; `None` when it is not a field, or one that has a way of its own.
    pub(super) keys: Vec<Option<Fragment>>,
    /// The slots that have a way of their own.
    pub(super) specials: Vec<(usize, &'static Special)>,
    /// The names of literal fields that could not keep their key.
    pub(super) renamed: Vec<String>,
    /// Whether such contexts have no key of these fields.
    pub(super) suits: Cell<(Shape, bool)>,
}

impl<S: Syntax> Layout<S> {
    /// `None` when there is no memory.
    #[cold]
    pub(super) fn prepare(&self, site: &SiteInfo) -> Option<Prepared> {
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
    pub(super) fn special(&self, key: &str) -> Option<&'static Special> {
        self.outline.specials.iter().find(|special| special.field == key)
    }

    pub(super) fn own_key(&self, key: &str, out: &mut Buffer) {
        self.syntax.key(&Name::of(key), out);
    }

    /// Level and target.
    pub(super) fn place(&self, level: Level, target: &str, out: &mut Buffer) {
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
    pub(super) fn span(&self, chain: Chain<'_>, out: &mut Buffer) {
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
    pub(super) fn before_fields(&self, record: &Record<'_>, seen: &mut Seen, out: &mut Buffer) {
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
    pub(super) fn is_told(&self, key: &str) -> bool {
        self.outline.process && (key == HOSTNAME || key == PID)
    }

    /// A field, under its own name or in the way that it has.
    pub(super) fn field(
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
    pub(super) fn outer_field(
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

    pub(super) fn special_field(
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
    pub(super) fn inner_parts(&self, record: &Record<'_>, out: &mut Buffer) {
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
