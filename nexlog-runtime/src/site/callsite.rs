//! A call site: one `static` for each logging statement.
//!
//! [`Site`] is what the macros emit and the caller touches: a state byte and one pointer to a
//! packed description, so that it costs one relocation. [`SiteInfo`] is the description
//! unpacked, made once at first use (`known`), for the drainer. The registry keeps the state bytes equal to the filter's answer.
//!
//! State byte: [`UNSEEN`] until the first call; then, for a site of fixed level, [`OFF`] or [`ON`],
//! with [`FLUSH_BIT`] if it is at or above the flush level. When some directive looks at spans and
//! could change the answer, the bits of [`DEPENDS`] stand besides those of the answer where nothing
//! is around. While a test listens, those of [`TAPPED`] stand there, too. For a site whose level is
//! made at run time always [`OFF`]: such sites ask the filter at each call.

use core::sync::atomic::{AtomicPtr, AtomicU8, Ordering::Acquire, Ordering::Relaxed};

use super::level::Level;
use crate::lane::memory::try_push;

/// Nobody wants it.
pub const OFF: u8 = 0;
/// Somebody wants it.
pub const ON: u8 = 1;
/// Not yet called.
pub const UNSEEN: u8 = ASK;
/// Who wants it depends on the spans around the call: the filter is asked each time.
pub const DEPENDS: u8 = ASK | 0x40;
/// The bit of the states that are no answer: the sign, so that one test of the byte tells them
/// and [`OFF`] from the others.
const ASK: u8 = 0x80;
/// What is recorded is to be written out at once.
pub const FLUSH_BIT: u8 = 2;
/// Somebody listens who may want it though no logger does (`testing/tap`): besides the bits of the
/// answer.
pub const TAPPED: u8 = ASK | 0x20;

/// A logging statement, as its macro states it.
#[repr(C)]
pub struct Site {
    pub(crate) state: AtomicU8,
    /// The level's number, or [`Site::RUN_TIME_LEVEL`].
    level: u8,
    line: u32,
    description: &'static str,
    pub(crate) info: AtomicPtr<SiteInfo>,
    /// The site that was first used before this one.
    pub(crate) next: AtomicPtr<Site>,
}

impl Site {
    /// The level is an argument of each call.
    pub const RUN_TIME_LEVEL: u8 = 255;

    /// What the macros call. The description's grammar is `SiteInfo::parse`'s.
    pub const fn new(level: u8, line: u32, description: &'static str) -> Site {
        Site {
            state: AtomicU8::new(UNSEEN),
            level,
            line,
            description,
            info: AtomicPtr::new(core::ptr::null_mut()),
            next: AtomicPtr::new(core::ptr::null_mut()),
        }
    }

    /// The gate of a call with a fixed level: one relaxed load and a branch when it is off.
    #[inline(always)]
    pub fn enabled(&'static self) -> bool {
        let state = self.state.load(Relaxed);
        state != OFF && (state & ASK == 0 || crate::registry::ask(self))
    }

    /// Whether the gate may open in some surroundings: asked long before the call.
    #[inline(always)]
    pub fn may_be_enabled(&'static self) -> bool {
        let state = self.state.load(Relaxed);
        state != OFF && (state & ASK == 0 || crate::registry::may_be_on(self))
    }

    /// Whether a record of this site is to be written out at once.
    #[inline(always)]
    pub(crate) fn flushes(&self) -> bool {
        self.state.load(Relaxed) & FLUSH_BIT != 0
    }

    /// The level's number, or [`Site::RUN_TIME_LEVEL`].
    pub(crate) fn level_number(&self) -> u8 {
        self.level
    }

    /// The line in its source file.
    pub(crate) fn line(&self) -> u32 {
        self.line
    }

    /// The packed description.
    pub(crate) fn description(&self) -> &'static str {
        self.description
    }

    /// The fixed level; `None` when each call brings its own.
    pub fn level(&self) -> Option<Level> {
        Level::from_number(self.level)
    }

    /// Whether the description is unpacked already.
    pub(crate) fn is_described(&self) -> bool {
        !self.info.load(Relaxed).is_null()
    }

    /// The description unpacked. Made at first use; allocates then, and is `None` when there is
    /// no memory. The next call tries again.
    pub fn try_info(&'static self) -> Option<&'static SiteInfo> {
        let mut info = self.info.load(Acquire).cast_const(); // pairs with `describe`'s store
        if info.is_null() {
            info = super::known::describe(self)?;
        }
        // SAFETY: `describe` returns and stores pointers to leaked `SiteInfo`s only.
        Some(unsafe { &*info })
    }

    /// The same for what can do without: a site without slots and names when there is no memory.
    pub fn info(&'static self) -> &'static SiteInfo {
        static UNKNOWN: SiteInfo = SiteInfo::unknown();
        self.try_info().unwrap_or(&UNKNOWN)
    }

    /// The target: stated, or the module path. Allocates nothing.
    pub(crate) fn target(&'static self) -> &'static str {
        SiteInfo::brief(self).target
    }
}

/// What a slot of a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotKind {
    /// A field with a fixed key.
    Field,
    /// A map whose entries are fields.
    Dynamic,
    /// A text that the message shows; not a field.
    Hidden,
}

/// One value position of a call site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// What it is.
    pub kind: SlotKind,
    /// The key of a [`SlotKind::Field`]; of a [`SlotKind::Hidden`] the name of what it shows, where
    /// that has one; else empty.
    pub key: &'static str,
}

/// A piece of a message template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text as it is.
    Literal(&'static str),
    /// The value of this slot.
    Slot(usize),
}

/// A call site's description, unpacked.
#[derive(Debug, PartialEq, Eq)]
pub struct SiteInfo {
    /// A number of its own, dense from 0: formats keep what they prepared for it in a table.
    pub id: usize,
    /// The fixed level, if any.
    pub level: Option<Level>,
    /// The target: stated, or the module path.
    pub target: &'static str,
    /// The module path.
    pub module: &'static str,
    /// The source file.
    pub file: &'static str,
    /// The line in it.
    pub line: u32,
    /// Its value positions, in the order of the record's values.
    pub slots: Vec<Slot>,
    /// The message template; `None` when the call has no message.
    pub message: Option<Vec<Piece>>,
    /// Whether some slot is [`SlotKind::Dynamic`].
    pub has_dynamic: bool,
    /// Whether it makes no record but what is around some: a span or scope.
    pub is_frame: bool,
}

impl SiteInfo {
    /// Unpacks a description:
    ///
    /// ```text
    /// desc    := target ['s'] slots [message] '.' module_path '\n' file
    /// target  := netstr                      (empty: the module path; s: a span or scope)
    /// slots   := ( kind netstr )*            kind: f field, d dynamic, h hidden
    /// message := 'M' ( 'L' netstr | 'S' decimal ';' )*
    /// netstr  := decimal ':' bytes
    /// ```
    ///
    /// A text that breaks the grammar ends the parse where it breaks: a wrong description
    /// gives a poorer record, never a panic in the drainer. `None` when there is no memory.
    pub fn parse(id: usize, site: &Site) -> Option<SiteInfo> {
        SiteInfo::read(id, site, true)
    }

    /// The same without slots and message. Allocates nothing. Of keys it says that there may be
    /// any.
    pub(crate) fn brief(site: &Site) -> SiteInfo {
        let brief = SiteInfo::read(0, site, false);
        SiteInfo { has_dynamic: true, ..brief.unwrap_or_else(SiteInfo::unknown) }
    }

    const fn unknown() -> SiteInfo {
        SiteInfo {
            id: 0,
            level: None,
            target: "",
            module: "",
            file: "",
            line: 0,
            slots: Vec::new(),
            message: None,
            has_dynamic: false,
            is_frame: false,
        }
    }

    /// `keeps_lists`: slots and pieces are not only gone over.
    fn read(id: usize, site: &Site, keeps_lists: bool) -> Option<SiteInfo> {
        let mut rest = site.description;
        let stated_target = netstr(&mut rest).unwrap_or("");
        let mut slots = Vec::new();
        let (mut message, mut is_frame) = (None, false);
        while let Some(kind) = take(&mut rest) {
            let kind = match kind {
                'f' => SlotKind::Field,
                'd' => SlotKind::Dynamic,
                'h' => SlotKind::Hidden,
                's' => {
                    is_frame = true;
                    continue;
                }
                'M' => {
                    message = Some(pieces(&mut rest, keeps_lists)?);
                    continue;
                }
                _ => break,
            };
            let Some(key) = netstr(&mut rest) else { break };
            if keeps_lists && !try_push(&mut slots, Slot { kind, key }) {
                return None;
            }
        }
        let (module, file) = rest.split_once('\n').unwrap_or((rest, ""));
        Some(SiteInfo {
            id,
            level: site.level(),
            target: if stated_target.is_empty() { module } else { stated_target },
            module,
            file,
            line: site.line,
            has_dynamic: slots.iter().any(|slot| slot.kind == SlotKind::Dynamic),
            slots,
            message,
            is_frame,
        })
    }

    /// Of a span its name; `None` for a scope without one.
    pub(crate) fn name(&self) -> Option<&'static str> {
        match self.message.as_deref()? {
            [] => Some(""),
            [Piece::Literal(name), ..] => Some(name),
            [Piece::Slot(_), ..] => None,
        }
    }

    /// Whether what it makes may have a field with this key.
    pub(crate) fn may_have(&self, key: &str) -> bool {
        let has_key = |slot: &Slot| slot.kind == SlotKind::Field && slot.key == key;
        self.has_dynamic || self.slots.iter().any(has_key)
    }
}

/// The pieces behind an `M`; stops before the `.` that ends the message. `None` when there is no
/// memory to keep them.
fn pieces(rest: &mut &'static str, are_kept: bool) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    loop {
        let before = *rest;
        let piece = match take(rest) {
            Some('L') => netstr(rest).map(Piece::Literal),
            Some('S') => number(rest, ';').map(Piece::Slot),
            _ => None,
        };
        let Some(piece) = piece else {
            *rest = before;
            return Some(pieces);
        };
        if are_kept && !try_push(&mut pieces, piece) {
            return None;
        }
    }
}

fn take(rest: &mut &'static str) -> Option<char> {
    let first = rest.chars().next()?;
    *rest = &rest[first.len_utf8()..];
    Some(first)
}

fn number(rest: &mut &'static str, end: char) -> Option<usize> {
    let (digits, behind) = rest.split_once(end)?;
    *rest = behind;
    digits.parse().ok()
}

fn netstr(rest: &mut &'static str) -> Option<&'static str> {
    let length = number(rest, ':')?;
    let text = rest.get(..length)?;
    *rest = &rest[length..];
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_unpacks_to_what_the_macro_stated() {
        let site = Site::new(2, 7, "2:dbf5:orderd0:h0:ML5:paid S0;L6: items.shop::pay\nsrc/pay.rs");
        let info = SiteInfo::parse(3, &site).unwrap();
        assert_eq!((info.target, info.module, info.file), ("db", "shop::pay", "src/pay.rs"));
        assert_eq!((info.level, info.line, info.id), (Some(Level::Info), 7, 3));
        assert_eq!(info.slots[0], Slot { kind: SlotKind::Field, key: "order" });
        assert_eq!(info.slots.len(), 3);
        assert!(info.has_dynamic);
        let message = [Piece::Literal("paid "), Piece::Slot(0), Piece::Literal(" items")];
        assert_eq!(info.message.as_deref(), Some(&message[..]));
    }

    #[test]
    fn the_target_defaults_to_the_module_and_a_message_may_be_absent() {
        let info = SiteInfo::parse(0, &Site::new(255, 1, "0:f1:a.m\nf")).unwrap();
        assert_eq!((info.target, info.level, info.message), ("m", None, None));
    }

    #[test]
    fn a_span_is_told_from_a_record() {
        let parse = |text| SiteInfo::parse(0, &Site::new(1, 1, text)).unwrap();
        let span = parse("0:sf5:orderML3:pay.m\nf");
        assert_eq!((span.is_frame, span.name()), (true, Some("pay")));
        assert!(span.may_have("order") && !span.may_have("id"));
        assert!(!parse("0:f5:orderML3:pay.m\nf").is_frame);
        assert_eq!(parse("0:sd0:.m\nf").name(), None);
    }

    #[test]
    fn a_description_says_where_a_site_is_without_memory() {
        for text in ["2:dbf5:orderML5:paid S0;.shop::pay\npay.rs", "0:sd0:ML1:x.shop\nf"] {
            let site = Site::new(2, 7, text.to_owned().leak());
            let (brief, whole) = (SiteInfo::brief(&site), SiteInfo::parse(0, &site).unwrap());
            assert_eq!((brief.target, brief.level), (whole.target, whole.level));
            assert_eq!((brief.is_frame, brief.slots.capacity()), (whole.is_frame, 0));
        }
    }

    #[test]
    fn a_broken_description_does_not_panic() {
        for text in ["", "9:", "x", "0:f", "0:f9:a", "0:MS", "0:ML1:ä.m\nf", "0:z"] {
            SiteInfo::parse(0, &Site::new(0, 0, text)).unwrap();
        }
    }
}
