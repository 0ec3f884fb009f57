//! Directives that look at what is around a record: the spans and scopes it is made in.
//!
//! The text is read by [`brackets`](super::brackets), the values are compared by
//! [`wanted`](super::wanted). This file knows neither where frames lie nor who asks: a thread
//! before a call and a record that was made long ago are both [`Surroundings`]. Nothing here
//! runs code of the user: frames hold values that were written when they were made.

use core::fmt;

use super::callsite::SiteInfo;
use super::directive::level_name;
use super::level::Level;
use super::wanted::{Wanted, write_word};
use crate::value::view::ValueRef;

/// The spans and scopes around something, innermost first.
pub(crate) trait Surroundings {
    /// Calls `visit` for each frame, innermost first, until it answers true; whether it did.
    ///
    /// Only the first visit of a frame may allocate: the filter is asked under a lock.
    fn any(&self, visit: &mut dyn FnMut(&dyn FrameView) -> bool) -> bool;
}

/// One span or scope.
pub(crate) trait FrameView {
    /// The span's name; `None` for a scope of `context!`.
    fn name(&self) -> Option<&str>;
    /// The value of a field of this very frame.
    fn field(&self, key: &str) -> Option<ValueRef<'_>>;
}

/// `target[name{key=value,key}]=level`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SpanDirective {
    /// What the record's target starts with.
    pub(super) target: String,
    /// The span's name; `None` when any span and any scope will do.
    pub(super) name: Option<String>,
    /// In the order of their keys, each key once, so that equal directives are equal.
    pub(super) fields: Vec<FieldTest>,
    /// The lowest level that passes; `None` is `off`.
    pub(super) level: Option<Level>,
}

/// What one field of the frame must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FieldTest {
    pub(super) key: String,
    /// `None` when it must only be there.
    pub(super) value: Option<Wanted>,
}

impl SpanDirective {
    /// How much it asks for. Of several directives that match, the one with the most decides.
    pub(super) fn rank(&self) -> (usize, usize, usize, bool) {
        let values = self.fields.iter().filter(|field| field.value.is_some()).count();
        (self.target.len(), self.fields.len(), values, self.name.is_some())
    }

    /// Whether it asks for the same as another: then only one of them can apply.
    pub(super) fn is_about_the_same(&self, other: &SpanDirective) -> bool {
        (&self.target, &self.name, &self.fields) == (&other.target, &other.name, &other.fields)
    }

    /// Whether it could change the answer for this target and level, which is `plain` by the
    /// directives without brackets: it adds what its level lets pass, and `off` takes away.
    pub(super) fn matters(&self, target: &str, level: Level, plain: bool) -> bool {
        target.starts_with(&self.target)
            && match self.level {
                None => plain,
                Some(lowest) => !plain && level >= lowest,
            }
    }

    /// Whether what this site makes may be the frame it looks for.
    pub(super) fn looks_for(&self, site: &SiteInfo) -> bool {
        self.name.as_deref().is_none_or(|name| site.name() == Some(name))
            && self.fields.iter().all(|field| site.may_have(&field.key))
    }

    /// Whether one frame has the name and all the fields.
    pub(super) fn matches(&self, around: &dyn Surroundings) -> bool {
        around.any(&mut |frame| {
            self.name.as_deref().is_none_or(|name| frame.name() == Some(name))
                && self.fields.iter().all(|field| field.holds(frame))
        })
    }
}

impl FieldTest {
    fn holds(&self, frame: &dyn FrameView) -> bool {
        match frame.field(&self.key) {
            None | Some(ValueRef::Null) => false,
            Some(value) => self.value.as_ref().is_none_or(|wanted| wanted.equals(value)),
        }
    }
}

impl fmt::Display for SpanDirective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[", self.target)?;
        if let Some(name) = &self.name {
            write_word(name, f)?;
        }
        for (number, field) in self.fields.iter().enumerate() {
            f.write_str(if number == 0 { "{" } else { "," })?;
            write_word(&field.key, f)?;
            if let Some(value) = &field.value {
                write!(f, "={value}")?;
            }
        }
        let close = if self.fields.is_empty() { "" } else { "}" };
        write!(f, "{close}]={}", level_name(self.level))
    }
}

#[cfg(test)]
#[path = "spans_tests.rs"]
mod tests;
