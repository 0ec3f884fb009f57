//! Redaction by key: which fields of a logger are secrets, whatever the call says.
//!
//! A [`Pattern`] is compared with the *path* of a value: the key of the field and, behind it, the
//! keys of the maps it lies in, all joined by dots. A match makes the value a secret where it
//! lies ([`wire::hide`]), so that nobody who reads a record later has to know of this.
//!
//! Three places do that. A record that takes the long way is gone over in its scratch: it comes to
//! no lane as it was. One that takes the short way has no maps and no keys of run time: the drainer
//! asks once for each call site, and goes over the records of those that have such a key
//! ([`Redactor`]), and over all frames. What a dead process left is gone over in the copy that is
//! read.

use std::sync::Arc;

use super::wire::{self, Inside};
use crate::error::Error;
use crate::lane::memory::try_push;
use crate::site::callsite::{SiteInfo, Slot, SlotKind};

/// One pattern, by its segments. One segment stands for a key wherever it is, more for a whole
/// path.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    /// `*`
    Any,
    Key(Box<str>),
}

impl Segment {
    fn is(&self, text: &str) -> bool {
        match self {
            Segment::Any => true,
            Segment::Key(key) => **key == *text,
        }
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Pattern, String> {
        let wrong = |problem: &str| Err(format!("the pattern `{}` {problem}", text.escape_debug()));
        if text.is_empty() {
            return wrong("is empty; name the key to be hidden, or leave it out");
        }
        let mut segments = Vec::new();
        for segment in text.split('.') {
            segments.push(match segment {
                "" => return wrong("has nothing at one side of a dot; write `user.token`"),
                "*" => Segment::Any,
                "**" => {
                    return wrong("has `**`; a key alone, as in `token`, is hidden at every depth");
                }
                key if key.contains('*') => {
                    return wrong("has a `*` within a key; it stands for a whole one: `*.token`");
                }
                key => Segment::Key(key.into()),
            });
        }
        Ok(Pattern(segments))
    }

    fn is(&self, path: &Path<'_>) -> bool {
        let mut keys = path.inwards_out();
        match self.0.as_slice() {
            [only] => keys.next().is_some_and(|key| only.is(key)),
            segments => {
                segments.iter().rev().all(|segment| keys.next().is_some_and(|key| segment.is(key)))
                    && keys.next().is_none()
            }
        }
    }
}

/// Where a value lies: its key, and what is around it.
#[derive(Clone, Copy)]
struct Path<'a> {
    around: Option<&'a Path<'a>>,
    key: &'a str,
}

impl<'a> Path<'a> {
    /// The keys between the dots, the last one first.
    fn inwards_out(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        core::iter::successors(Some(*self), |path| path.around.copied())
            .flat_map(|path| path.key.rsplit('.'))
    }

    /// The path up to each dot of its last key, and all of it: `a.b` lies in `a`.
    fn prefixes(self) -> impl Iterator<Item = Path<'a>> {
        let dots = self.key.match_indices('.').map(|(at, _)| at);
        let ends = dots.chain(core::iter::once(self.key.len()));
        ends.filter_map(move |end| Some(Path { key: self.key.get(..end)?, ..self }))
    }
}

/// The patterns of a logger.
#[derive(Clone, Debug, Default)]
pub(crate) struct Redaction(Vec<Pattern>);

/// What stands behind the slots of a record or frame that has more fields.
const EXTRA: Slot = Slot { kind: SlotKind::Dynamic, key: "" };

impl Redaction {
    /// Of these patterns; an error names the first one that means nothing.
    pub(crate) fn parse<T: AsRef<str>>(texts: &[T]) -> Result<Redaction, Error> {
        let patterns = texts.iter().map(|text| Pattern::parse(text.as_ref()));
        let patterns = patterns.collect::<Result<_, _>>();
        patterns.map(Redaction).map_err(|problem| Error::Option { option: "redact", problem })
    }

    /// As a ring says it: one pattern behind the other.
    pub(crate) fn to_text(&self) -> String {
        let segment = |segment: &Segment| match segment {
            Segment::Any => String::from("*"),
            Segment::Key(key) => key.to_string(),
        };
        let pattern = |Pattern(segments): &Pattern| {
            segments.iter().map(segment).collect::<Vec<_>>().join(".")
        };
        self.0.iter().map(pattern).collect::<Vec<_>>().join("\0")
    }

    /// What `to_text` gave; `None` for what it cannot have given.
    pub(crate) fn from_text(text: &str) -> Option<Redaction> {
        let texts = text.split('\0').filter(|_| !text.is_empty());
        let patterns = texts.map(Pattern::parse);
        Some(Redaction(patterns.collect::<Result<_, _>>().ok()?))
    }

    /// The patterns of `other` as well.
    pub(crate) fn add(&mut self, other: &Redaction) {
        for pattern in &other.0 {
            if !self.0.contains(pattern) {
                self.0.push(pattern.clone());
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the site states a key that is hidden.
    fn has_key(&self, site: &SiteInfo) -> bool {
        site.slots.iter().any(|slot| slot.kind != SlotKind::Dynamic && self.hides_slot(slot))
    }

    fn hides_slot(&self, slot: &Slot) -> bool {
        !slot.key.is_empty() && self.hides(&Path { around: None, key: slot.key })
    }

    fn hides(&self, path: &Path<'_>) -> bool {
        path.prefixes().any(|path| self.0.iter().any(|pattern| pattern.is(&path)))
    }

    /// Hides what is to be hidden among the values of these slots, and in the map behind them, if
    /// there is one.
    pub(crate) fn hide(&self, slots: &[Slot], mut values: &mut [u8], has_extra: bool) {
        for slot in slots.iter().chain(has_extra.then_some(&EXTRA)) {
            let Some((value, rest)) = wire::split_value(values) else { return };
            match slot.kind {
                SlotKind::Dynamic => self.look_into(None, value),
                SlotKind::Field | SlotKind::Hidden if self.hides_slot(slot) => wire::hide(value),
                SlotKind::Field => {
                    self.look_into(Some(&Path { around: None, key: slot.key }), value);
                }
                SlotKind::Hidden => {}
            }
            values = rest;
        }
    }

    /// The same of fields that lie as a map's entries do.
    pub(crate) fn hide_entries(&self, entries: &mut [u8]) {
        self.look_into_entries(None, entries);
    }

    /// Only the values of the slots that are hidden by their keys: of what has no maps.
    fn hide_slots(&self, slots: &[Slot], mut values: &mut [u8]) {
        for slot in slots {
            let Some((value, rest)) = wire::split_value(values) else { return };
            if self.hides_slot(slot) {
                wire::hide(value);
            }
            values = rest;
        }
    }

    fn look_into(&self, path: Option<&Path<'_>>, value: &mut [u8]) {
        match wire::inside(value) {
            // Items have no key: they lie where their list does.
            Inside::List(mut items) => {
                while let Some((item, rest)) = wire::split_value(items) {
                    self.look_into(path, item);
                    items = rest;
                }
            }
            Inside::Map(entries) => self.look_into_entries(path, entries),
            Inside::Nothing => {}
        }
    }

    fn look_into_entries(&self, around: Option<&Path<'_>>, mut entries: &mut [u8]) {
        while let Some((key, rest)) = wire::split_value(entries) {
            let Some((value, rest)) = wire::split_value(rest) else { return };
            let path = Path { around, key: wire::text_of(key) };
            if self.hides(&path) {
                wire::hide(value);
            } else {
                self.look_into(Some(&path), value);
            }
            entries = rest;
        }
    }
}

/// What the drainer has of it: the answer for each call site, once asked.
pub(crate) struct Redactor {
    redaction: Arc<Redaction>,
    /// By the number of the site: whether it states such a key.
    sites: Vec<Option<bool>>,
}

impl Redactor {
    /// `None` where nothing is to be hidden.
    pub(crate) fn new(redaction: &Arc<Redaction>) -> Option<Redactor> {
        let redaction = Arc::clone(redaction);
        (!redaction.is_empty()).then(|| Redactor { redaction, sites: Vec::new() })
    }

    /// Whether values of a record of this site are to be hidden.
    pub(crate) fn hides(&mut self, site: &SiteInfo) -> bool {
        if let Some(Some(known)) = self.sites.get(site.id) {
            return *known;
        }
        let answer = self.redaction.has_key(site);
        while self.sites.len() <= site.id && try_push(&mut self.sites, None) {}
        if let Some(known) = self.sites.get_mut(site.id) {
            *known = Some(answer);
        }
        answer
    }

    /// The values of a record that took the short way, or the long one: of the latter, what is in
    /// maps is hidden already.
    pub(crate) fn hide_in_record(&self, site: &SiteInfo, values: &mut [u8]) {
        self.redaction.hide_slots(&site.slots, values);
    }

    /// The values of a frame.
    pub(crate) fn hide_in_frame(&self, site: &SiteInfo, values: &mut [u8], has_extra: bool) {
        self.redaction.hide(&site.slots, values, has_extra);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redaction(patterns: &[&str]) -> Redaction {
        Redaction::parse(patterns).unwrap()
    }

    /// From the outside in, as a record is gone over.
    fn hides(redaction: &Redaction, around: Option<&Path<'_>>, keys: &[&str]) -> bool {
        let [key, rest @ ..] = keys else { return false };
        let path = Path { around, key };
        redaction.hides(&path) || hides(redaction, Some(&path), rest)
    }

    #[track_caller]
    fn assert_hides(patterns: &[&str], path: &[&str], expected: bool) {
        let hidden = hides(&redaction(patterns), None, path);
        assert_eq!(hidden, expected, "{patterns:?} {path:?}");
    }

    #[test]
    fn a_key_alone_is_hidden_wherever_it_is() {
        assert_hides(&["token"], &["token"], true);
        assert_hides(&["token"], &["user.token"], true);
        assert_hides(&["token"], &["a", "b", "token"], true);
        assert_hides(&["token"], &["a", "b.token"], true);
        assert_hides(&["token"], &["token", "hash"], true);
        assert_hides(&["token"], &["token.hash"], true);
        for other in ["tokens", "Token", "a_token", "", "."] {
            assert_hides(&["token"], &[other], false);
        }
        assert_hides(&["*"], &["a"], true);
    }

    #[test]
    fn a_pattern_with_dots_is_a_whole_path() {
        for path in [&["user.token"][..], &["user", "token"], &["a", "token"], &["a.token.x"]] {
            assert_hides(&["*.token"], path, true);
        }
        for path in [&["token"][..], &["a", "b", "token"], &["a.b", "token"], &["a.b.token"]] {
            assert_hides(&["*.token"], path, false);
        }
        assert_hides(&["user.*"], &["user", "x"], true);
        assert_hides(&["user.*"], &["user"], false);
        assert_hides(&["a.*.c"], &["a.b", "c"], true);
        assert_hides(&["a.*.c"], &["a", "b.c"], true);
        assert_hides(&["a.*.c"], &["a", "c"], false);
        assert_hides(&["x", "a.b"], &["a", "b"], true);
    }

    #[test]
    fn a_pattern_that_means_nothing_is_named() {
        for (text, word) in [
            ("", "is empty"),
            ("a..b", "a..b"),
            (".a", "dot"),
            ("a.", "dot"),
            ("to*", "whole"),
            ("**.a", "every depth"),
            ("a\n*", "a\\n*"),
        ] {
            let error = Redaction::parse(&["fine", text]).unwrap_err().to_string();
            assert!(error.contains("redact") && error.contains(word), "{error}");
        }
    }

    #[test]
    fn patterns_travel_as_text() {
        let all = redaction(&["password", "*.token", "a.*.c"]);
        assert_eq!(Redaction::from_text(&all.to_text()).unwrap().0, all.0);
        assert!(Redaction::from_text(&Redaction::default().to_text()).unwrap().is_empty());
        assert!(Redaction::from_text("a\0\0b").is_none());
    }
}
