//! Lines in which everything has a key: JSON and logfmt.
//!
//! An [`Outline`] is what the options of such a format come to: which parts a line has, under which
//! keys. `keyed/names` settles the keys, `keyed/special` knows the fields that a preset writes in a
//! way of its own, `keyed/layout` has the fragments that are ready for each call site, and
//! `keyed/encoder` makes lines of them.
//! How a key and a value are spelled is the format's [`Syntax`].

mod encoder;
mod layout;
mod names;
mod special;

pub(super) use self::encoder::KeyedEncoder;
pub(super) use self::names::Name;
pub(super) use self::special::{Special, SpecialForm};

use super::distinct::{Region, Seen};
use super::line::ShortText;
use super::time::{Precision, Unit};
use crate::buffer::Buffer;
use crate::site::level::Level;
use crate::value::view::ValueRef;

/// How keys and values are spelled.
pub(super) trait Syntax: Send + 'static {
    /// Text as a field's value, in the short way.
    type Text: ShortText;
    /// What a line begins with.
    const OPEN: &'static str;
    /// What a line ends with.
    const CLOSE: &'static str;
    /// What stands on both sides of a time.
    const QUOTE: &'static str;

    /// The separator of fields, the key, and what stands between key and value.
    fn key(&self, name: &Name<'_>, out: &mut Buffer);

    /// Text as a value.
    fn text(&self, text: &str, out: &mut Buffer);

    /// A value that lies in `region`.
    fn value(&self, value: ValueRef<'_>, region: Region<'_>, seen: &mut Seen, out: &mut Buffer);

    /// Puts the line that begins at `start` into its last form.
    #[inline]
    fn finish(&self, _start: usize, _out: &mut Buffer) {}
}

/// Which parts a line has, in this order: time, level, target, message, source, thread, what is
/// fixed, fields.
#[allow(clippy::struct_excessive_bools)] // each is a part of the line
pub(super) struct Outline {
    pub(super) ts_key: String,
    pub(super) level_key: String,
    pub(super) target_key: String,
    pub(super) msg_key: String,
    /// Further keys that the fixed parts write.
    pub(super) more_keys: &'static [&'static str],
    pub(super) file_key: &'static str,
    pub(super) line_key: &'static str,
    pub(super) function_key: &'static str,
    pub(super) thread_key: &'static str,
    pub(super) thread_id_key: &'static str,
    pub(super) span_key: &'static str,
    pub(super) precision: Precision,
    /// Of a time that is a number, what it counts.
    pub(super) unit: Option<Unit>,
    pub(super) local: bool,
    /// What stands for the levels, ready to be copied.
    pub(super) levels: fn(Level) -> &'static str,
    /// The same for a second part about the level: key and all.
    pub(super) severity: Option<fn(Level) -> &'static str>,
    pub(super) target: TargetForm,
    /// Whether a record without message has an empty one.
    pub(super) needs_message: bool,
    pub(super) source: bool,
    pub(super) source_form: SourceForm,
    pub(super) thread: bool,
    /// Ready to be copied, separators and all.
    pub(super) fixed: String,
    /// Whether machine and process are told.
    pub(super) process: bool,
    pub(super) nested_under: Option<String>,
    /// Whether source, thread and span lie where the fields do.
    pub(super) is_inner: bool,
    pub(super) span_path: bool,
    pub(super) specials: &'static [Special],
    /// The project of traces.
    pub(super) project: Option<String>,
}

/// How the target is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TargetForm {
    /// Behind the level.
    Early,
    /// Behind the message.
    Late,
    /// Behind the message, as `{"Name":…}`.
    Scope,
}

/// How the source is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum SourceForm {
    /// Two fields.
    Fields,
    /// An object of this key, with the line as text or number.
    Object(&'static str, LineForm),
}

/// How the line is written in such an object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LineForm {
    Number,
    Text,
}

impl Outline {
    /// Whether something comes between message and fields that is not known from the call site.
    fn has_parts_before_fields(&self) -> bool {
        self.thread || self.process || !self.fixed.is_empty() || self.target != TargetForm::Early
    }

    /// Time, level, target and message, without the keys of these.
    pub(super) fn new() -> Outline {
        Outline {
            ts_key: String::new(),
            level_key: String::new(),
            target_key: String::new(),
            msg_key: String::new(),
            more_keys: &[],
            file_key: "file",
            line_key: "line",
            function_key: "function",
            thread_key: "thread",
            thread_id_key: "thread_id",
            span_key: "span",
            precision: Precision::default(),
            unit: None,
            local: false,
            levels: Level::as_str,
            severity: None,
            target: TargetForm::Early,
            needs_message: false,
            source: false,
            source_form: SourceForm::Fields,
            thread: false,
            fixed: String::new(),
            process: false,
            nested_under: None,
            is_inner: false,
            span_path: false,
            specials: &[],
            project: None,
        }
    }
}
