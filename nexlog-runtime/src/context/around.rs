//! What filters see of a thread's context, and of a record's.

use super::chain::FrameRef;
use super::handle::frames;
use super::stack;
use crate::record::Record;
use crate::site::spans::{FrameView, Surroundings};
use crate::value::view::ValueRef;

/// What is in force on the thread that asks.
struct Current;

/// What is in force on this thread, whenever it is looked at.
pub(crate) fn surroundings() -> impl Surroundings {
    Current
}

impl Surroundings for Current {
    fn any(&self, visit: &mut dyn FnMut(&dyn FrameView) -> bool) -> bool {
        // The first visit of a frame allocates, and an allocator may log.
        let _held = stack::Hold::innermost();
        // SAFETY: what is innermost is alive, and stays it: a visit enters and leaves nothing.
        unsafe { frames(stack::current()) }.any(|frame| visit(&frame))
    }
}

impl Surroundings for Record<'_> {
    fn any(&self, visit: &mut dyn FnMut(&dyn FrameView) -> bool) -> bool {
        self.context.into_iter().any(|frame| visit(&frame))
    }
}

impl FrameView for FrameRef<'_> {
    fn name(&self) -> Option<&str> {
        FrameRef::name(self)
    }

    fn field(&self, key: &str) -> Option<ValueRef<'_>> {
        FrameRef::field(self, key)
    }
}
