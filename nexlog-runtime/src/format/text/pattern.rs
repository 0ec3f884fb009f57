//! Lines by a pattern: the grammar's items, turned into steps for each call site.

use std::sync::Arc;

use super::grammar::{Item, Placeholder, Room};
use super::parts::{Brush, FieldsDesk, Keys, SPAN};
use super::when::When;
use super::{Custom, Text};
use crate::buffer::Buffer;
use crate::format::escape::{BareText, Escaped, escape};
use crate::format::message::{Fragment, Part, Sites, Template, push_parts};
use crate::format::time::{Stamp, Zone};
use crate::format::{Encoder, number, plain};
use crate::record::Record;
use crate::site::callsite::SiteInfo;
use crate::sys;

/// What a placeholder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Time,
    Level,
    Message,
    Thread,
    ThreadId,
    Pid,
    Hostname,
    File,
    Line,
    Function,
    Target,
    Module,
    Span,
    Fields,
}

impl Known {
    pub(super) fn named(name: &str) -> Option<Known> {
        Some(match name {
            "ts" => Known::Time,
            "level" => Known::Level,
            "msg" => Known::Message,
            "thread" => Known::Thread,
            "thread_id" => Known::ThreadId,
            "pid" => Known::Pid,
            "hostname" => Known::Hostname,
            "file" => Known::File,
            "line" => Known::Line,
            "function" => Known::Function,
            "target" => Known::Target,
            "module" => Known::Module,
            "span" => Known::Span,
            "fields" => Known::Fields,
            _ => return None,
        })
    }

    /// Whether it takes the place of the field of its name.
    fn is_field(self) -> bool {
        matches!(self, Known::Pid | Known::Hostname | Known::Span | Known::Function)
    }
}

/// What a step of the pattern writes.
enum What {
    Known(Known),
    /// A time with a spec of its own, by its number among the desk's.
    When(usize),
    /// A field of the record.
    Field(String),
    /// A placeholder of the user's.
    Custom(Arc<Custom>),
}

/// A piece of the pattern.
enum Step {
    Text { text: String, blanks: usize },
    Write { what: What, room: Room, is_optional: bool },
}

/// The working part of a pattern.
pub(super) struct PatternEncoder {
    layout: Layout,
    desk: Desk,
    sites: Sites<Prepared>,
}

struct Layout {
    steps: Vec<Step>,
    brush: Brush,
    hostname: Option<String>,
}

/// What changes with every record.
struct Desk {
    stamp: Stamp,
    times: Vec<When>,
    fields: FieldsDesk,
    /// What has a width is written here first.
    scratch: Buffer,
}

/// What is the same for all records of a call site.
struct Prepared {
    message_head: Fragment<96>,
    message: Vec<Part>,
    keys: Keys,
}

impl PatternEncoder {
    /// `None` when there is no memory.
    pub(super) fn new(text: &Text, items: &[Item], coloured: bool) -> Option<PatternEncoder> {
        let mut brush = Brush::new(text, coloured);
        let zone = Zone::new(text.local);
        let (mut steps, mut times) = (Vec::new(), Vec::new());
        for item in items {
            let step = match item {
                Item::Text(text) => {
                    let blanks = text.len() - text.trim_end_matches(' ').len();
                    Step::Text { text: text.clone(), blanks }
                }
                Item::Placeholder(placeholder) => {
                    let what = what(text, placeholder, &zone, &mut times);
                    match &what {
                        What::Known(known) if !known.is_field() => {}
                        What::Known(_) | What::Field(_) => {
                            brush.told.push(placeholder.name.clone());
                        }
                        What::When(_) | What::Custom(_) => {}
                    }
                    let is_optional = placeholder.is_optional
                        || matches!(what, What::Known(Known::Message | Known::Fields));
                    Step::Write { what, room: placeholder.room, is_optional }
                }
            };
            steps.push(step);
        }
        Some(PatternEncoder {
            layout: Layout { steps, brush, hostname: sys::hostname() },
            desk: Desk {
                stamp: Stamp::new(text.precision, "", "")?.in_zone(zone),
                times,
                fields: FieldsDesk::default(),
                scratch: Buffer::new(),
            },
            sites: Sites::new(),
        })
    }

    /// Encodes a record without keeping anything for its call site.
    pub(super) fn encode_once(&mut self, record: &Record<'_>, out: &mut Buffer) {
        self.encode_new(record, out);
    }

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

impl Encoder for PatternEncoder {
    fn encode(&mut self, record: &Record<'_>, out: &mut Buffer) {
        match self.sites.get(record.site.id) {
            Some(prepared) => self.layout.line(&mut self.desk, prepared, record, out),
            None => self.encode_first(record, out),
        }
    }
}

fn what(text: &Text, placeholder: &Placeholder, zone: &Zone, times: &mut Vec<When>) -> What {
    if let Some(items) = &placeholder.time {
        times.push(When::new(items.clone(), zone.clone()));
        return What::When(times.len() - 1);
    }
    if let Some(known) = Known::named(&placeholder.name) {
        return What::Known(known);
    }
    match text.customs.iter().find(|custom| custom.name == placeholder.name) {
        Some(custom) => What::Custom(Arc::clone(custom)),
        None => What::Field(placeholder.name.clone()),
    }
}

impl Layout {
    /// `None` when there is no memory.
    #[cold]
    fn prepare(&self, site: &SiteInfo) -> Option<Prepared> {
        let mut template = Template::default();
        if let Some(pieces) = &site.message {
            template.message::<BareText>(pieces);
        }
        let (head, message) = template.finish()?;
        let message_head = Fragment::new(head.as_bytes())?;
        Some(Prepared { message_head, message, keys: self.brush.keys(site)? })
    }

    /// Spaces before something optional that is not there, and at the line's end, are not written.
    fn line(&self, desk: &mut Desk, prepared: &Prepared, record: &Record<'_>, out: &mut Buffer) {
        let start = out.len();
        // How many blanks of the pattern stand at the end.
        let mut blanks = 0;
        // Whether the next text follows something optional that is not there, at the line's start.
        let mut is_bare = false;
        for step in &self.steps {
            match step {
                Step::Text { text, blanks: at_end } => {
                    let text = if is_bare && out.len() == start {
                        text.strip_prefix(' ').unwrap_or(text)
                    } else {
                        text
                    };
                    out.push_str(text);
                    blanks = if *at_end >= text.len() { blanks + text.len() } else { *at_end };
                }
                Step::Write { what, room, is_optional } => {
                    let before = out.len();
                    self.placed(*room, (what, desk, prepared, record), *is_optional, out);
                    if out.len() > before {
                        blanks = 0;
                    } else if *is_optional && blanks > 0 {
                        out.rewind(before - 1);
                        blanks -= 1;
                    }
                    is_bare = out.len() == start;
                }
            }
        }
        out.rewind(out.len() - blanks);
        out.push(b'\n');
        desk.fields.seen.finish(out);
    }

    /// A step in its room and style.
    fn placed(
        &self,
        room: Room,
        (what, desk, prepared, record): (&What, &mut Desk, &Prepared, &Record<'_>),
        is_optional: bool,
        out: &mut Buffer,
    ) {
        let style = match what {
            What::Known(Known::Level) => self.brush.level(record.level),
            What::Known(Known::Time) | What::When(_) => &self.brush.time,
            What::Known(Known::Message) => &self.brush.message,
            What::Known(Known::Target | Known::Module | Known::File | Known::Line) => {
                &self.brush.target
            }
            _ => "",
        };
        if room == Room::ANY {
            let start = out.len();
            out.push_str(style);
            let before = out.len();
            self.write(what, desk, prepared, record, out);
            if out.len() == before {
                out.rewind(start);
                return out.push_str(if is_optional { "" } else { "-" });
            }
            return out.push_str(if style.is_empty() { "" } else { super::parts::RESET });
        }
        let mut scratch = core::mem::take(&mut desk.scratch);
        scratch.clear();
        self.write(what, desk, prepared, record, &mut scratch);
        if scratch.is_short() {
            out.fall_short();
        }
        let text = core::str::from_utf8(scratch.as_bytes()).unwrap_or("");
        let text = if text.is_empty() && !is_optional { "-" } else { text };
        fit(text, room, style, out);
        desk.scratch = scratch;
    }

    /// Appends nothing where the record has none.
    fn write(
        &self,
        what: &What,
        desk: &mut Desk,
        prepared: &Prepared,
        record: &Record<'_>,
        out: &mut Buffer,
    ) {
        match what {
            What::Known(known) => self.known(*known, desk, prepared, record, out),
            What::When(number) => {
                if let Some(when) = desk.times.get_mut(*number) {
                    when.push(record.timestamp, out);
                }
            }
            What::Field(key) => push_field(key, record, out),
            What::Custom(custom) => {
                // What it fails to write is missing.
                let _ = (custom.write)(record, &mut Escaped::<BareText>::new(out));
            }
        }
    }

    fn known(
        &self,
        known: Known,
        desk: &mut Desk,
        prepared: &Prepared,
        record: &Record<'_>,
        out: &mut Buffer,
    ) {
        match known {
            Known::Time => desk.stamp.push(record.timestamp, out),
            Known::Level => out.push_str(record.level.as_str()),
            Known::Message => {
                prepared.message_head.push(out);
                push_parts::<BareText>(&prepared.message, record, out);
            }
            Known::Thread if record.thread.name.is_empty() => {
                out.push(b'#');
                number::unsigned(record.thread.id, out);
            }
            Known::Thread => escape::<BareText>(record.thread.name, out),
            Known::ThreadId => number::unsigned(record.thread.id, out),
            // Those that the logger states: a record may come from a process that is dead.
            Known::Pid => match record.field("pid") {
                Some(_) => push_field("pid", record, out),
                None => number::integer(std::process::id(), out),
            },
            Known::Hostname => match record.field("hostname") {
                Some(_) => push_field("hostname", record, out),
                None => escape::<BareText>(self.hostname.as_deref().unwrap_or(""), out),
            },
            Known::File => escape::<BareText>(record.site.file, out),
            Known::Line => number::integer(record.site.line, out),
            Known::Function => push_field("function", record, out),
            Known::Target => escape::<BareText>(record.target, out),
            Known::Module => escape::<BareText>(record.site.module, out),
            Known::Span => match record.field(SPAN) {
                Some(_) => push_field(SPAN, record, out),
                None => self.brush.span(record.context, out, |name, out| {
                    escape::<BareText>(name, out);
                }),
            },
            Known::Fields => {
                self.brush.fields(Some(""), &mut desk.fields, &prepared.keys, record, out);
            }
        }
    }
}

/// The value of a field as in a message.
fn push_field(key: &str, record: &Record<'_>, out: &mut Buffer) {
    if let Some(value) = record.field(key) {
        // A buffer takes everything.
        let _ = plain::display(value, &mut Escaped::<BareText>::new(out));
    }
}

/// Text in its room: cut, with fill around it, in a style.
fn fit(text: &str, room: Room, style: &str, out: &mut Buffer) {
    let cut = room.precision.and_then(|most| text.char_indices().nth(most));
    let text = cut.map_or(text, |(end, _)| &text[..end]);
    let free = room.width.saturating_sub(text.chars().count());
    let before = match room.align {
        '>' => free,
        '^' => free / 2,
        _ => 0,
    };
    let fill = |count: usize, out: &mut Buffer| {
        (0..count).for_each(|_| out.push_str(room.fill.encode_utf8(&mut [0; 4])));
    };
    fill(before, out);
    let style = if text.is_empty() { "" } else { style };
    Brush::paint(style, out, |out| out.push_str(text));
    fill(free - before, out);
}
