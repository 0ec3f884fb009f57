//! Which keys a line has: each once.
//!
//! The format's own keys are settled when the encoder is made, those of literal fields when a
//! call site is seen first, and both never change afterwards, so that a query for a key finds
//! all records of a call. Run-time keys are settled record by record and give way to them.

use super::Json;
use crate::lane::memory::try_push;

/// A user's key and the underscores behind it that make it unique.
#[derive(Clone, Copy, Default)]
pub(super) struct Name<'a> {
    pub(super) key: &'a str,
    pub(super) underscores: usize,
}

impl Name<'_> {
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
    /// Those of them that a field at top level must not have.
    reserved: Vec<String>,
}

impl OwnKeys {
    /// How many there are at most.
    pub(super) const COUNT: usize = 11;

    /// The keys that the options ask for. Of two that are equal the later gets underscores. `None`
    /// when there is no memory.
    pub(super) fn new(json: &Json) -> Option<OwnKeys> {
        let mut keys = Vec::new();
        let mut settle = |key: &str, written: bool| {
            let name = first_free(key, |name| keys.iter().any(|key: &String| name.is(key)));
            let text = name.to_text()?;
            let is_kept = !written || try_push(&mut keys, name.to_text()?);
            is_kept.then_some(text)
        };
        let (source, thread) = (json.source, json.thread);
        let mut own = OwnKeys {
            ts: settle(&json.ts_key, true)?,
            level: settle(&json.level_key, true)?,
            target: settle(&json.target_key, true)?,
            msg: settle(&json.msg_key, true)?,
            file: settle("file", source)?,
            line: settle("line", source)?,
            thread: settle("thread", thread)?,
            thread_id: settle("thread_id", thread)?,
            nested: settle(
                json.nested_under.as_deref().unwrap_or(""),
                json.nested_under.is_some(),
            )?,
            span: String::new(),
            reserved: Vec::new(),
        };
        // Part of the layout, with and without records that have one.
        settle("function", source)?;
        own.span = settle("span", true)?;
        if json.nested_under.is_none() {
            own.reserved = keys;
        }
        Some(own)
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
