//! A record's context as text: rendered once for a frame, copied for each record in it.
//!
//! Most records share nothing with their context but the place, so what the frames add to a line
//! is the same for all records in them. It is kept per innermost frame, in a table of a fixed
//! size. Where a key of the record is also a key around it, or some key is made at run time, the
//! fields are gone through one by one instead ([`Record::context_fields`]).

use crate::buffer::Buffer;
use crate::context::chain::Chain;
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
    /// key whether the format can write it as it is.
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
            self.kept.resize_with(KEPT_FRAMES, || None);
        }
        let kept = self.kept.get_mut(place)?.get_or_insert_with(|| Box::new(Kept::nothing()));
        if kept.id != id {
            kept.take(chain, is_free, render);
            kept.id = id;
            kept.shape = shape_of(&mut self.shapes, chain);
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

    fn take(
        &mut self,
        chain: Chain<'_>,
        is_free: impl Fn(&str) -> bool,
        render: impl FnOnce(Chain<'_>, &mut Buffer),
    ) {
        self.text.clear();
        self.keys.clear();
        self.is_simple = chain.into_iter().all(|frame| frame.is_literal());
        if !self.is_simple {
            return;
        }
        let slots = chain.into_iter().flat_map(|frame| &frame.site.slots);
        self.keys.extend(slots.filter(|slot| slot.kind == SlotKind::Field).map(|slot| slot.key));
        self.is_simple = self.keys.iter().all(|key| is_free(key));
        if self.is_simple {
            render(chain, &mut self.text);
            self.is_simple = !self.text.is_short();
        }
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

fn shape_of(shapes: &mut Vec<Vec<usize>>, chain: Chain<'_>) -> Shape {
    let sites = || chain.into_iter().map(|frame| frame.site.id);
    let known = shapes.iter().position(|shape| shape.iter().copied().eq(sites()));
    let place = known.or_else(|| {
        (shapes.len() < MAX_SHAPES).then(|| {
            shapes.push(sites().collect());
            shapes.len() - 1
        })
    });
    Shape(place.and_then(|place| u32::try_from(place).ok()))
}
