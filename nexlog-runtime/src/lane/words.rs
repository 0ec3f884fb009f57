//! What of a lane others than its owner look at, also after the process has died.

use crate::sync::atomic::AtomicU64;

/// A value with cache lines of its own.
#[repr(align(128))]
pub(super) struct Padded<T>(pub(super) T);

/// What others than the owning thread look at, also after the process has died.
#[repr(C)]
pub(crate) struct Words {
    /// Everything before this position is whole records.
    published: Padded<AtomicU64>,
    /// Everything before this position has been drained.
    consumed: Padded<AtomicU64>,
}

impl Words {
    /// Bytes of one.
    pub(crate) const BYTES: usize = size_of::<Words>();
    /// Where in them the second word lies.
    pub(crate) const CONSUMED_AT: usize = 128;

    pub(super) fn published(&self) -> &AtomicU64 {
        &self.published.0
    }

    pub(super) fn consumed(&self) -> &AtomicU64 {
        &self.consumed.0
    }

    pub(super) fn new() -> Words {
        Words { published: Padded(AtomicU64::new(0)), consumed: Padded(AtomicU64::new(0)) }
    }
}

#[cfg(not(loom))]
const _: () = assert!(core::mem::offset_of!(Words, consumed) == Words::CONSUMED_AT);
