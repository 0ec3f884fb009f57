//! What formats, filters and sinks see of a record's surroundings.
//!
//! A frame looks the same wherever it lies: in its own block while it is on, or in a lane, where
//! `lane/announce` has put it before the records that were made in it. [`FrameRef`] is one
//! frame's fields, [`Chain`] the way from the innermost to the outermost.

use std::collections::HashSet;

use super::frame::Frame;
use super::trace;
use crate::lane::memory::{try_collect, try_push};
use crate::site::callsite::{SiteInfo, Slot, SlotKind};
use crate::value::view::{MapIter, ValueRef};
use crate::value::wire::{FRAME_ID_BYTES, HEADER_BYTES, Header, Kind, Trusted};

/// One scope or span.
#[derive(Clone, Copy)]
pub(crate) struct FrameRef<'a> {
    /// Its number: equal numbers mean equal fields all the way out.
    pub(crate) id: u64,
    /// The span's id, where it lies in a lane.
    pub(crate) span_id: Option<&'a [u8]>,
    pub(crate) site: &'static SiteInfo,
    values: Trusted<'a>,
    has_extra: bool,
}

/// The slot behind a frame's own: what was cut.
static EXTRA: Slot = Slot { kind: SlotKind::Dynamic, key: "" };

impl<'a> FrameRef<'a> {
    /// One that is on. `None` when there is no memory to describe its site.
    pub(crate) fn of(frame: &'a Frame) -> Option<FrameRef<'a>> {
        Some(FrameRef {
            id: frame.id,
            span_id: None,
            site: frame.site.try_info()?,
            // SAFETY: written by the encoders and by `Image` (`context/make`).
            values: unsafe { Trusted::new(frame.values()) },
            has_extra: frame.flags & Header::HAS_EXTRA != 0,
        })
    }

    /// The span's name; `None` for a scope without one.
    pub(crate) fn name(&self) -> Option<&'static str> {
        self.site.name()
    }

    /// Slots with their values, nulls and hidden ones included.
    pub(crate) fn slots(&self) -> impl Iterator<Item = (&'static Slot, ValueRef<'a>)> + use<'a> {
        let mut values = self.values;
        let slots = self.site.slots.iter().chain(self.has_extra.then_some(&EXTRA));
        slots.map_while(move |slot| Some((slot, values.next_value()?)))
    }

    /// Its fields: keys and values, nulls left out, doubles included.
    pub(crate) fn fields(&self) -> FrameFields<'a> {
        FrameFields {
            slots: self.site.slots.iter(),
            values: self.values,
            extra: self.has_extra,
            map: None,
        }
    }

    /// The bytes of its values, the padding behind them left out.
    fn value_bytes(&self) -> &'a [u8] {
        let (whole, mut rest) = (self.values.as_bytes(), self.values);
        let count = self.site.slots.len() + usize::from(self.has_extra);
        for _ in 0..count {
            rest.next_value();
        }
        whole.get(..whole.len() - rest.as_bytes().len()).unwrap_or(whole)
    }

    /// The value of one of its fields.
    pub(crate) fn field(&self, key: &str) -> Option<ValueRef<'a>> {
        self.fields().find(|field| field.0 == key).map(|field| field.1)
    }

    /// Whether all its keys are known from its site.
    pub(crate) fn is_literal(&self) -> bool {
        !self.site.has_dynamic && !self.has_extra
    }
}

/// The fields of one frame.
#[derive(Clone)]
pub(crate) struct FrameFields<'a> {
    slots: core::slice::Iter<'static, Slot>,
    values: Trusted<'a>,
    extra: bool,
    map: Option<MapIter<'a>>,
}

impl<'a> Iterator for FrameFields<'a> {
    type Item = (&'a str, ValueRef<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((key, value)) = self.map.as_mut().and_then(Iterator::next) {
                if value == ValueRef::Null {
                    continue;
                }
                return Some((key, value));
            }
            self.map = None;
            let slot = match self.slots.next() {
                Some(slot) => slot,
                None if core::mem::take(&mut self.extra) => &EXTRA,
                None => return None,
            };
            match (slot.kind, self.values.next_value()?) {
                (SlotKind::Field, ValueRef::Null) | (SlotKind::Hidden, _) => {}
                (SlotKind::Field, value) => return Some((slot.key, value)),
                (SlotKind::Dynamic, ValueRef::Map(map)) => self.map = Some(map.iter()),
                (SlotKind::Dynamic, _) => {}
            }
        }
    }
}

/// The frames around a record, from the innermost outwards.
#[derive(Clone, Copy)]
pub(crate) struct Chain<'a> {
    /// A frame in a lane or image, header and all; null at the end.
    at: *const u8,
    _memory: core::marker::PhantomData<&'a [u8]>,
}

impl<'a> Chain<'a> {
    /// Nothing around it.
    pub(crate) const fn empty() -> Chain<'a> {
        Chain { at: core::ptr::null(), _memory: core::marker::PhantomData }
    }

    /// What is around the record or frame that has this header at this place.
    ///
    /// # Safety
    /// `lane/announce` wrote what `header.frame` points back to, and all of it stays readable
    /// for `'a`.
    pub(crate) unsafe fn around(header: &Header, at: *const u8) -> Chain<'a> {
        match usize::from(header.frame) {
            0 => Chain::empty(),
            // SAFETY: so far back begins a frame, in the same block of memory.
            back => Chain { at: unsafe { at.sub(8 * back) }, ..Chain::empty() },
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.at.is_null()
    }

    /// The innermost span's name.
    pub(crate) fn span(self) -> Option<&'static str> {
        self.into_iter().find_map(|frame| frame.name())
    }

    /// Calls `each` with the spans' names and their places, from the outermost.
    pub(crate) fn for_each_span(self, mut each: impl FnMut(&'static str, usize)) {
        let names = || self.into_iter().filter_map(|frame| frame.name());
        let count = names().count();
        if count > FEW
            && let Some(names) = try_collect(names())
        {
            return names.into_iter().rev().enumerate().for_each(|(place, name)| each(name, place));
        }
        for number in 0..count {
            if let Some(name) = names().nth(count - 1 - number) {
                each(name, number);
            }
        }
    }

    /// Calls `each` with pieces that are equal for two chains whose sites and fields are.
    pub(crate) fn for_each_part(self, mut each: impl FnMut(&[u8])) {
        for frame in self {
            each(&core::ptr::from_ref(frame.site).addr().to_ne_bytes());
            each(frame.value_bytes());
        }
        each(self.own_span_id().unwrap_or(&[]));
    }

    /// Whether some frame has this field.
    pub(crate) fn has(self, key: &str) -> bool {
        self.into_iter().any(|frame| frame.field(key).is_some())
    }

    /// All fields, each key once: outermost first, and of a key that several frames have the
    /// innermost one. In a trace that came from outside, behind them the id of the innermost
    /// span.
    pub(crate) fn fields(self) -> ChainFields<'a> {
        ChainFields::of(self)
    }

    /// The id of the innermost span, when the span id that the frames tell is a caller's.
    fn own_span_id(self) -> Option<&'a [u8]> {
        let mut innermost = None;
        for frame in self {
            if trace::is_remote(frame.site) {
                return innermost;
            }
            if frame.field(trace::SPAN_ID_KEY).is_some() {
                return None;
            }
            innermost = innermost.or(frame.span_id.filter(|_| frame.name().is_some()));
        }
        None
    }
}

/// Frames up to here are looked through for each key; more are gone through once, with a table.
const FEW: usize = 8;

/// A field to be shown, and the bytes that it lies in.
#[derive(Clone, Copy)]
struct Shown<'a> {
    key: &'a str,
    value: ValueRef<'a>,
    bytes: &'a [u8],
}

/// See [`Chain::fields`].
#[derive(Clone)]
pub(crate) struct ChainFields<'a> {
    order: Order<'a>,
    span_id: Option<&'a [u8]>,
    /// The bytes that the last field lies in.
    bytes: &'a [u8],
}

/// How the fields are put in order.
#[derive(Clone)]
enum Order<'a> {
    /// Frame by frame, each key looked for in those further in. Allocates nothing.
    Few {
        frames: [Chain<'a>; FEW],
        /// Frames that are still to come, from the outermost inwards.
        left: usize,
        /// The fields still to come of the one at hand, and how many have.
        fields: Option<(FrameFields<'a>, usize)>,
    },
    /// Of a deep chain: in reverse.
    Many(Vec<Shown<'a>>),
    /// Of a deep chain for which there is no memory: as `Few`, with every frame looked for from
    /// the innermost one on.
    Slow { chain: Chain<'a>, left: usize, fields: Option<(FrameFields<'a>, usize)> },
}

impl<'a> ChainFields<'a> {
    fn of(chain: Chain<'a>) -> ChainFields<'a> {
        let span_id = chain.own_span_id();
        let mut frames = [Chain::empty(); FEW];
        let (mut left, mut rest) = (0, Frames(chain));
        for frame in &mut frames {
            *frame = rest.0;
            left += usize::from(rest.next().is_some());
        }
        let is_deep = !rest.0.is_empty();
        let order = if is_deep {
            match all_shown(chain, span_id.is_some()) {
                Some(all) => Order::Many(all),
                None => Order::Slow { chain, left: chain.into_iter().count(), fields: None },
            }
        } else {
            Order::Few { frames, left, fields: None }
        };
        ChainFields { order, span_id, bytes: &[] }
    }

    /// The bytes in which the last field's keys and values lie.
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

/// Whether it is the span id of a caller, where that of our own span is shown.
fn is_callers(key: &str, frame: &FrameRef<'_>, has_span_id: bool) -> bool {
    has_span_id && key == trace::SPAN_ID_KEY && trace::is_remote(frame.site)
}

/// The fields of a deep chain, innermost first and each frame's in reverse. `None` when there is no
/// memory.
fn all_shown(chain: Chain<'_>, has_span_id: bool) -> Option<Vec<Shown<'_>>> {
    let mut seen = HashSet::new();
    let mut all = Vec::new();
    for frame in chain {
        let start = all.len();
        let bytes = frame.values.as_bytes();
        for (key, value) in frame.fields() {
            seen.try_reserve(1).ok()?;
            if !is_callers(key, &frame, has_span_id)
                && seen.insert(key)
                && !try_push(&mut all, Shown { key, value, bytes })
            {
                return None;
            }
        }
        if let Some(new) = all.get_mut(start..) {
            new.reverse();
        }
    }
    Some(all)
}

/// The next field to be shown, where `frame_at` gives the frames from the innermost outwards.
fn next_shown<'a>(
    frame_at: impl Fn(usize) -> Option<FrameRef<'a>>,
    left: &mut usize,
    fields: &mut Option<(FrameFields<'a>, usize)>,
    has_span_id: bool,
) -> Option<Shown<'a>> {
    loop {
        if let (Some((rest, taken)), Some(frame)) = (fields.as_mut(), frame_at(*left)) {
            for (key, value) in rest.by_ref() {
                *taken += 1;
                let mut inner = (0..*left).filter_map(&frame_at);
                let is_shown = !is_callers(key, &frame, has_span_id)
                    && !inner.any(|inner| inner.field(key).is_some())
                    && (frame.is_literal()
                        || !frame.fields().take(*taken - 1).any(|(other, _)| other == key));
                if is_shown {
                    return Some(Shown { key, value, bytes: frame.values.as_bytes() });
                }
            }
        }
        *left = left.checked_sub(1)?;
        *fields = frame_at(*left).map(|frame| (frame.fields(), 0));
    }
}

impl<'a> Iterator for ChainFields<'a> {
    type Item = (&'a str, ValueRef<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let shown = match &mut self.order {
            Order::Few { frames, left, fields } => {
                let frame_at = |place: usize| frames.get(place)?.into_iter().next();
                next_shown(frame_at, left, fields, self.span_id.is_some())
            }
            Order::Slow { chain, left, fields } => {
                let frame_at = |place| chain.into_iter().nth(place);
                next_shown(frame_at, left, fields, self.span_id.is_some())
            }
            Order::Many(all) => all.pop(),
        };
        if let Some(shown) = shown {
            self.bytes = shown.bytes;
            return Some((shown.key, shown.value));
        }
        // Behind all others, and for good.
        self.order = Order::Many(Vec::new());
        self.span_id.take().map(|id| (trace::SPAN_ID_KEY, ValueRef::Bytes(id)))
    }
}

impl<'a> IntoIterator for Chain<'a> {
    type Item = FrameRef<'a>;
    type IntoIter = Frames<'a>;

    fn into_iter(self) -> Frames<'a> {
        Frames(self)
    }
}

/// The frames of a [`Chain`].
pub(crate) struct Frames<'a>(Chain<'a>);

impl<'a> Iterator for Frames<'a> {
    type Item = FrameRef<'a>;

    fn next(&mut self) -> Option<FrameRef<'a>> {
        let at = core::mem::replace(&mut self.0, Chain::empty()).at;
        if at.is_null() {
            return None;
        }
        // SAFETY: `around`'s caller promised a frame here, as `announce` writes it: a header, a
        // ids, values.
        let (header, body) = unsafe {
            let header = Header::read(at);
            let bytes = (header.bytes as usize).saturating_sub(HEADER_BYTES);
            (header, core::slice::from_raw_parts(at.add(HEADER_BYTES), bytes))
        };
        let (ids, values) = body.split_at_checked(FRAME_ID_BYTES)?;
        let (id, span_id) = ids.split_first_chunk::<8>()?;
        if header.kind() != Some(Kind::Frame) {
            return None;
        }
        // SAFETY: a frame's parent lies further back in the same memory; its site is a static;
        // its values are those of a `Frame`.
        unsafe {
            self.0 = Chain::around(&header, at);
            Some(FrameRef {
                id: u64::from_ne_bytes(*id),
                span_id: Some(span_id),
                site: header.site.as_ref()?.try_info()?, // `announce` has seen to it
                values: Trusted::new(values),
                has_extra: header.kind & Header::HAS_EXTRA != 0,
            })
        }
    }
}
