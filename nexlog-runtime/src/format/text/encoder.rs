//! How a text line is put together: like JSON's, copies of what is ready for the call site,
//! and the values in between.

use super::parts::{Brush, FieldsDesk, Keys, RESET};
use super::{INDENT, Kind, Text};
use crate::buffer::Buffer;
use crate::format::escape::{BareText, SpreadText, escape};
use crate::format::message::{Fragment, Head, Part, Sites, Template, push_parts};
use crate::format::time::{Stamp, Zone};
use crate::format::{Encoder, number};
use crate::record::Record;
use crate::site::callsite::{Piece, SiteInfo};
use crate::site::level::Level;

/// The working part of [`Text`], but for patterns.
pub(super) struct TextEncoder {
    layout: Layout,
    desk: Desk,
    sites: Sites<Prepared>,
}

/// What is the same for all records.
struct Layout {
    text: Text,
    brush: Brush,
    is_pretty: bool,
    /// Before the first field.
    lead: Option<&'static str>,
}

/// What changes with every record.
struct Desk {
    stamp: Stamp,
    fields: FieldsDesk,
}

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
    keys: Keys,
}

impl TextEncoder {
    /// `None` when there is no memory.
    pub(super) fn new(text: &Text, coloured: bool) -> Option<TextEncoder> {
        let brush = Brush::new(text, coloured);
        let suffix = if brush.time.is_empty() { " " } else { "\x1b[0m " };
        let stamp = Stamp::new(text.precision, &brush.time, suffix)?;
        let is_pretty = text.kind == Kind::Pretty;
        Some(TextEncoder {
            desk: Desk {
                stamp: stamp.in_zone(Zone::new(text.local)),
                fields: FieldsDesk::default(),
            },
            layout: Layout {
                text: text.clone(),
                is_pretty,
                lead: brush.lead(if is_pretty { INDENT } else { " " }),
                brush,
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
            template.text.push_str(&self.brush.message);
            if self.is_pretty {
                template.message::<SpreadText>(pieces);
            } else {
                template.message::<BareText>(pieces);
            }
            if !self.brush.message.is_empty() {
                template.text.push_str(RESET);
            }
        }
        let (head, message) = template.finish()?;
        let level = match site.level {
            Some(level) => Some((level, Fragment::written(|out| self.level(level, out))?)),
            None => None,
        };
        Some(Prepared {
            level,
            target: site.target,
            behind_target: Fragment::new(head.as_bytes().get(target_end..)?)?,
            head: Head::new(head.as_bytes())?,
            message,
            keys: self.brush.keys(site)?,
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
        if self.text.thread && !self.is_pretty {
            push_thread(record, out);
        }
        if core::ptr::eq(prepared.target, record.target) {
            prepared.head.push(out);
        } else {
            self.target(record.target, out);
            prepared.behind_target.push(out);
        }
        if self.is_pretty {
            return self.spread(desk, prepared, record, out);
        }
        if !prepared.message.is_empty() {
            push_parts::<BareText>(&prepared.message, record, out);
        }
        self.brush.fields(self.lead, &mut desk.fields, &prepared.keys, record, out);
        out.push(b'\n');
        desk.fields.seen.finish(out);
    }

    /// What follows the target, on many lines.
    fn spread(&self, desk: &mut Desk, prepared: &Prepared, record: &Record<'_>, out: &mut Buffer) {
        push_parts::<SpreadText>(&prepared.message, record, out);
        self.brush.fields(self.lead, &mut desk.fields, &prepared.keys, record, out);
        if self.text.source {
            out.push_str(INDENT);
            Brush::paint(&self.brush.target, out, |out| {
                out.push_str("at ");
                push_source(record.site, out);
            });
        }
        if self.text.thread {
            out.push_str(INDENT);
            Brush::paint(&self.brush.target, out, |out| {
                out.push_str("on");
                push_thread(record, out);
            });
        }
        out.push(b'\n');
        desk.fields.seen.finish(out);
    }

    /// The level, padded to five.
    fn level(&self, level: Level, out: &mut Buffer) {
        Brush::paint(self.brush.level(level), out, |out| out.push_str(level.as_str()));
        (level.as_str().len()..5).for_each(|_| out.push(b' '));
    }

    /// A space and the target, with the colon that ends the place unless the source follows.
    fn target(&self, target: &str, out: &mut Buffer) {
        if self.text.target {
            out.push(b' ');
            Brush::paint(&self.brush.target, out, |out| escape::<BareText>(target, out));
            out.push_str(if self.text.source && !self.is_pretty { "" } else { ":" });
        }
    }

    /// A space, the place of the call, and a colon.
    fn source(&self, site: &SiteInfo, out: &mut Buffer) {
        if self.text.source && !self.is_pretty {
            out.push(b' ');
            Brush::paint(&self.brush.target, out, |out| push_source(site, out));
            out.push(b':');
        }
    }
}

/// Whether a template has neither text nor values.
fn is_empty(pieces: &[Piece]) -> bool {
    pieces.iter().all(|piece| *piece == Piece::Literal(""))
}

/// `src/pay.rs:7`
fn push_source(site: &SiteInfo, out: &mut Buffer) {
    escape::<BareText>(site.file, out);
    out.push(b':');
    number::integer(site.line, out);
}

/// ` [name#id]`
fn push_thread(record: &Record<'_>, out: &mut Buffer) {
    out.push_str(" [");
    escape::<BareText>(record.thread.name, out);
    out.push(b'#');
    number::unsigned(record.thread.id, out);
    out.push(b']');
}
