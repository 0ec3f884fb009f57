//! What was logged before there was a logger.
//!
//! Records at Info or above wait whole in one bounded buffer, oldest kept, the rest counted;
//! `install` filters and writes them first. When nothing is ever installed they stay there and
//! the calls print nothing: a library must not.

use core::sync::atomic::Ordering::{AcqRel, Relaxed};
use core::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::error::DropReason;
use crate::lane::images::Images;
use crate::site::level::Level;

/// Bytes of records that wait.
const MAX_BYTES: usize = 64 << 10;
/// What a record that waits may hold: longer values are cut, as one alone must not fill it all.
pub(crate) const MAX_RECORD_BYTES: usize = MAX_BYTES / 2;
/// The lowest level that waits.
pub(crate) const LEVEL: Level = Level::Info;

struct Early {
    images: Images,
    /// Whether a logger took them: later records go to it.
    is_taken: bool,
}

static EARLY: Mutex<Option<Early>> = Mutex::new(None);
/// Whether the buffer is there.
static STARTED: AtomicBool = AtomicBool::new(false);
static FULL: AtomicBool = AtomicBool::new(false);
static LOST: AtomicU64 = AtomicU64::new(0);

/// Whether a record need not even be rendered.
pub(crate) fn is_full() -> bool {
    FULL.load(Relaxed)
}

/// Keeps a record for the logger to come.
pub(crate) fn push(record: &Images) -> Result<(), DropReason> {
    // Before the lock: the allocator may log.
    let mut spare = None;
    if !STARTED.load(Relaxed) {
        spare = Some(Images::sized(MAX_BYTES).ok_or(DropReason::NoMemory)?);
        super::fork::watch();
    }
    let mut guard = EARLY.lock().unwrap_or_else(PoisonError::into_inner);
    STARTED.store(true, Relaxed);
    let early = guard
        .get_or_insert_with(|| Early { images: spare.take().unwrap_or_default(), is_taken: false });
    if early.is_taken {
        drop(guard);
        // Installed between the gate and here.
        let core = super::state::global().ok_or(DropReason::Early)?;
        core.adopt_late(record);
        return Ok(());
    }
    if record.bytes() > MAX_BYTES {
        return Err(DropReason::Early); // with all that is around it; others may still fit
    }
    if early.images.bytes() + record.bytes() > MAX_BYTES || !early.images.append(record) {
        FULL.store(true, Relaxed);
        return Err(DropReason::Early);
    }
    Ok(())
}

/// For a fork.
pub(super) fn hold(end: Instant) -> Option<Box<dyn core::any::Any>> {
    super::fork::hold(&EARLY, end)
}

/// In a forked child: what waits is the parent's.
pub(super) fn forget() {
    if let Ok(mut early) = EARLY.try_lock()
        && let Some(early) = early.as_mut()
    {
        early.images = Images::default();
    }
    FULL.store(false, Relaxed);
    LOST.store(0, Relaxed);
}

/// Counts one that did not fit.
pub(crate) fn count_drop() {
    LOST.fetch_add(1, AcqRel);
    // Behind the swap in `take` it is ours to hand over, and the swap shows us the logger.
    if let Some(core) = super::state::global() {
        core.counts.drop_at_call(DropReason::Early, LOST.swap(0, AcqRel));
    }
}

/// Hands over what waited and how many did not fit, for good: what comes later goes to the
/// global logger, which is set.
pub(crate) fn take() -> (Images, u64) {
    let mut early = EARLY.lock().unwrap_or_else(PoisonError::into_inner);
    STARTED.store(true, Relaxed);
    let taken = early.replace(Early { images: Images::default(), is_taken: true });
    FULL.store(false, Relaxed);
    (taken.map_or_else(Images::default, |early| early.images), LOST.swap(0, AcqRel))
}
