//! Which keys a line has: each once.
//!
//! The format's own keys are settled when the encoder is made, those of literal fields when a
//! call site is seen first, and both never change afterwards, so that a query for a key finds
//! all records of a call. Run-time keys are settled record by record and give way to them.

use super::{Outline, SourceForm};
use crate::lane::memory::try_push;

/// A user's key and the underscores behind it that make it unique.
#[derive(Clone, Copy, Default)]
pub(in crate::format) struct Name<'a> {
    pub(in crate::format) key: &'a str,
    pub(in crate::format) underscores: usize,
}

impl<'a> Name<'a> {
    /// The key as it is.
    pub(in crate::format) fn of(key: &'a str) -> Name<'a> {
        Name { key, underscores: 0 }
    }

    /// Whether it reads like `text`.
    pub(super) fn is(&self, text: &str) -> bool {
        text.strip_prefix(self.key).is_some_and(|rest| {
            rest.len() == self.underscores && rest.bytes().all(|byte| byte == b'_')
        })
    }

    /// Whether it reads like `other`.
    pub(super) fn same(&self, other: &Name<'_>) -> bool {
        let (long, short) =
            if self.key.len() >= other.key.len() { (self, other) } else { (other, self) };
        let missing = short.underscores.checked_sub(long.underscores);
        missing.is_some_and(|missing| Name { underscores: missing, ..*short }.is(long.key))
    }

    /// `None` when there is no memory.
    fn to_text(self) -> Option<String> {
        let mut text = String::new();
        text.try_reserve_exact(self.key.len() + self.underscores).ok()?;
        text.push_str(self.key);
        (0..self.underscores).for_each(|_| text.push('_'));
        Some(text)
    }
}

/// `key` as it is if it is free, else with as many underscores as it takes.
pub(super) fn first_free(key: &str, taken: impl Fn(&Name<'_>) -> bool) -> Name<'_> {
    let mut name = Name { key, underscores: 0 };
    while taken(&name) {
        name.underscores += 1;
    }
    name
}

/// The keys that the format writes beside the fields.
#[derive(Debug)]
pub(super) struct OwnKeys {
    pub(super) ts: String,
    pub(super) level: String,
    pub(super) target: String,
    pub(super) msg: String,
    pub(super) file: String,
    pub(super) line: String,
    pub(super) thread: String,
    pub(super) thread_id: String,
    pub(super) nested: String,
    pub(super) span: String,
    /// Those of them that a field must not have.
    reserved: Vec<String>,
}

/// Keys in the making: each once.
#[derive(Default)]
struct Settled {
    keys: Vec<String>,
}

impl Settled {
    /// The key, with underscores where an earlier one is equal. One that is not written is not kept.
    fn settle(&mut self, key: &str, written: bool) -> Option<String> {
        let name = first_free(key, |name| self.keys.iter().any(|key| name.is(key)));
        let text = name.to_text()?;
        let is_kept = !written || try_push(&mut self.keys, name.to_text()?);
        is_kept.then_some(text)
    }
}

impl OwnKeys {
    /// How many there are at most in a layout without presets.
    pub(super) const COUNT: usize = 11;

    /// The keys that the options ask for. Of two that are equal the later gets underscores. `None`
    /// when there is no memory.
    pub(super) fn new(outline: &Outline) -> Option<OwnKeys> {
        let mut outer = Settled::default();
        let ts = outer.settle(&outline.ts_key, true)?;
        let level = outer.settle(&outline.level_key, true)?;
        let target = outer.settle(&outline.target_key, true)?;
        let msg = outer.settle(&outline.msg_key, true)?;
        for key in outline.more_keys {
            outer.settle(key, true)?;
        }
        let nested = outline.nested_under.as_deref();
        let source = outline.source && outline.source_form == SourceForm::Fields;
        let thread = outline.thread;
        let mut inner = Settled::default();
        // Where the attributes are an object of their own, what else is told of a record lies there.
        let beside = if outline.is_inner { &mut inner } else { &mut outer };
        let file = beside.settle(outline.file_key, source)?;
        let line = beside.settle(outline.line_key, source)?;
        let thread_name = beside.settle(outline.thread_key, thread)?;
        let thread_id = beside.settle(outline.thread_id_key, thread)?;
        for special in outline.specials {
            if !(outline.is_inner && special.is_outer()) {
                for key in special.keys() {
                    beside.settle(key, true)?;
                }
            }
        }
        let nested_key = outer.settle(nested.unwrap_or(""), nested.is_some())?;
        let beside = if outline.is_inner { &mut inner } else { &mut outer };
        // Part of the layout, with and without records that have one.
        beside.settle(outline.function_key, source)?;
        let span = beside.settle(outline.span_key, true)?;
        Some(OwnKeys {
            ts,
            level,
            target,
            msg,
            file,
            line,
            thread: thread_name,
            thread_id,
            nested: nested_key,
            span,
            reserved: match nested {
                Some(_) => inner.keys,
                None => outer.keys,
            },
        })
    }

    /// Whether the format writes this key itself, where fields are.
    pub(super) fn reserve(&self, name: &Name<'_>) -> bool {
        self.reserved.iter().any(|key| name.is(key))
    }

    /// The names that literal fields are written with, in the order of their keys. `None` when
    /// there is no memory.
    pub(super) fn name_literals(&self, keys: &[&str]) -> Option<Vec<String>> {
        let mut names: Vec<String> = Vec::new();
        for key in keys {
            let name = first_free(key, |name| {
                let renamed = name.underscores > 0;
                self.reserve(name)
                    || renamed && keys.iter().any(|key| name.is(key))
                    || names.iter().any(|other| name.is(other))
            });
            if !try_push(&mut names, name.to_text()?) {
                return None;
            }
        }
        Some(names)
    }
}
