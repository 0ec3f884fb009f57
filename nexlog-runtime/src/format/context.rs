//! A record's context as text: rendered once for a frame, copied for each record in it.
//!
//! Most records share nothing with their context but the place, so what the frames add to a line
//! is the same for all records in them. It is kept per innermost frame, in a table of a fixed
//! size. Where a key of the record is also a key around it, or some key is made at run time, the
//! fields are gone through one by one instead ([`Record::context_fields`]).

use crate::buffer::Buffer;
use crate::context::chain::Chain;
use crate::lane::memory::{try_box, try_collect, try_push};
use crate::record::Record;
use crate::site::callsite::SlotKind;

/// Frames that are kept: more than are on at a time in most programs.
const KEPT_FRAMES: usize = 64;
/// Distinct combinations of call sites around a record that are told apart.
const MAX_SHAPES: usize = 256;

/// What is kept of one frame and all around it.
pub(crate) struct Kept {
    /// The innermost frame's number.
    id: u64,
    /// Whether `text` is right for every record that has no such key itself.
    is_simple: bool,
    pub(crate) text: Buffer,
    /// Every key that may be in it.
    keys: Vec<&'static str>,
    shape: Shape,
}

/// Equal for contexts of the same call sites, which have the same keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape(Option<u32>);

impl Shape {
    /// Equal to nothing.
    pub(crate) const UNKNOWN: Shape = Shape(None);
}

/// Frames that were rendered already. Belongs to an encoder.
#[derive(Default)]
pub(crate) struct KeptContexts {
    kept: Vec<Option<Box<Kept>>>,
    shapes: Vec<Vec<usize>>,
}

impl KeptContexts {
    /// What is kept of the frames around a record; rendered now if need be. `is_free` says of a
    /// key whether the format can write it as it is. `None` outside of all frames, and when there
    /// is no memory.
    pub(crate) fn of(
        &mut self,
        chain: Chain<'_>,
        is_free: impl Fn(&str) -> bool,
        render: impl FnOnce(Chain<'_>, &mut Buffer),
    ) -> Option<&Kept> {
        let id = chain.into_iter().next()?.id;
        // Numbers of one thread follow each other, and those of several start far apart.
        let place = usize::try_from(id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58).ok()?;
        if self.kept.is_empty() {
            self.kept.try_reserve_exact(KEPT_FRAMES).ok()?;
            self.kept.resize_with(KEPT_FRAMES, || None);
        }
        let kept = self.kept.get_mut(place)?;
        if kept.is_none() {
            *kept = Some(try_box(Kept::nothing()).ok()?);
        }
        let kept = kept.as_mut()?;
        if kept.id != id {
            let has_memory = kept.take(chain, is_free, render);
            kept.id = if has_memory { id } else { 0 }; // 0: no frame's
            kept.shape = shape_of(&mut self.shapes, chain).unwrap_or(Shape::UNKNOWN);
        }
        Some(kept)
    }
}

impl Kept {
    fn nothing() -> Kept {
        Kept {
            id: 0,
            is_simple: false,
            text: Buffer::new(),
            keys: Vec::new(),
            shape: Shape::UNKNOWN,
        }
    }

    /// `false` when there was no memory; it is not simple then.
    fn take(
        &mut self,
        chain: Chain<'_>,
        is_free: impl Fn(&str) -> bool,
        render: impl FnOnce(Chain<'_>, &mut Buffer),
    ) -> bool {
        self.text.clear();
        self.keys.clear();
        self.is_simple = chain.into_iter().all(|frame| frame.is_literal());
        if !self.is_simple {
            return true;
        }
        let slots = chain.into_iter().flat_map(|frame| &frame.site.slots);
        let mut keys = slots.filter(|slot| slot.kind == SlotKind::Field).map(|slot| slot.key);
        if !keys.all(|key| try_push(&mut self.keys, key)) {
            self.is_simple = false;
            return false;
        }
        self.is_simple = self.keys.iter().all(|key| is_free(key));
        if self.is_simple {
            render(chain, &mut self.text);
            self.is_simple = !self.text.is_short();
        }
        !self.text.is_short()
    }

    /// Whether the text can be copied for this record. `names` are those that its literal fields
    /// are written with, `known` the answer for its call site last time.
    #[inline]
    pub(crate) fn suits(
        &self,
        record: &Record<'_>,
        known: &core::cell::Cell<(Shape, bool)>,
        names: impl Fn(&str) -> bool,
    ) -> bool {
        if !self.is_simple || record.has_dynamic() {
            return false;
        }
        let (shape, answer) = known.get();
        if shape == self.shape && shape != Shape::UNKNOWN {
            return answer;
        }
        let answer = !self.keys.iter().any(|key| names(key));
        known.set((self.shape, answer));
        answer
    }
}

/// `None` when there are too many, or no memory.
fn shape_of(shapes: &mut Vec<Vec<usize>>, chain: Chain<'_>) -> Option<Shape> {
    let sites = || chain.into_iter().map(|frame| frame.site.id);
    let known = shapes.iter().position(|shape| shape.iter().copied().eq(sites()));
    let place = known.unwrap_or(shapes.len());
    if known.is_none() && (place == MAX_SHAPES || !try_push(shapes, try_collect(sites())?)) {
        return None;
    }
    u32::try_from(place).ok().map(|place| Shape(Some(place)))
}
