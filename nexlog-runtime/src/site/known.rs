//! The call sites that have a description, and the rings that are told of them.
//!
//! A site is described at its first use, before its first record: its text is unpacked for the
//! drainer, and written to the ring of each logger, as its address says nothing to whoever reads a
//! dead process's records. Nothing is allocated under the lock, as the allocator may log.

use core::ptr;
use core::sync::atomic::Ordering::{Acquire, Release};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::callsite::{Site, SiteInfo};
use crate::crash::Ring;
use crate::lane::memory::try_box;

/// Rings of one process; loggers beyond that have none.
const MAX_RINGS: usize = 32;
/// So often a ring's room may be taken by somebody else meanwhile.
const ATTEMPTS: u32 = 8;

type Rings = [Option<Arc<Ring>>; MAX_RINGS];

/// A description that stays.
struct Described {
    info: SiteInfo,
    site: &'static Site,
    /// The one before it.
    below: Option<&'static Described>,
}

struct Known {
    newest: Option<&'static Described>,
    count: usize,
    rings: Rings,
}

static KNOWN: Mutex<Known> =
    Mutex::new(Known { newest: None, count: 0, rings: [const { None }; MAX_RINGS] });

fn known() -> MutexGuard<'static, Known> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// For a fork.
pub(crate) fn hold(end: Instant) -> Option<Box<dyn core::any::Any>> {
    crate::pipeline::fork::hold(&KNOWN, end)
}

/// Describes a site, once, and stores that in it. `None` when there is no memory.
#[cold]
pub(crate) fn describe(site: &'static Site) -> Option<*const SiteInfo> {
    let info = SiteInfo::parse(0, site)?;
    let mut made = try_box(Described { info, site, below: None }).ok()?;
    for attempt in 0.. {
        let rings = known().rings.clone();
        let room = rings.iter().flatten().map(|ring| ring.make_room_for(site));
        let has_room = room.fold(true, |all, has_room| all & has_room);
        let mut known = known();
        let other = site.info.load(Acquire);
        if !other.is_null() {
            drop(known);
            return Some(other);
        }
        let told = known.rings.iter().flatten().map(|ring| ring.add_site(site));
        let are_told = told.fold(true, |all, is_told| all & is_told);
        if are_told || !has_room || attempt == ATTEMPTS {
            made.below = known.newest;
            made.info.id = known.count; // dense: formats have tables by them
            known.count += 1;
            let made: &'static Described = Box::leak(made);
            known.newest = Some(made);
            // Whoever sees this finds the description in the rings.
            site.info.store(ptr::from_ref(&made.info).cast_mut(), Release);
            return Some(&raw const made.info);
        }
    }
    unreachable!("the last attempt returns")
}

/// Has a ring told of all sites, those that are known already first. `false`: there are too many
/// rings.
pub(crate) fn tell(ring: &Arc<Ring>) -> bool {
    let mut known = known();
    let Some(place) = known.rings.iter_mut().find(|place| place.is_none()) else { return false };
    *place = Some(Arc::clone(ring));
    let newest = known.newest;
    drop(known);
    for described in core::iter::successors(newest, |described| described.below) {
        // As often as somebody else takes the room meanwhile.
        let site = described.site;
        let _ = (0..ATTEMPTS).any(|_| !ring.make_room_for(site) || ring.add_site(site));
    }
    true
}

/// Has it told no more.
pub(crate) fn forget(ring: &Arc<Ring>) {
    let mut known = known();
    let place =
        known.rings.iter_mut().find(|place| place.as_ref().is_some_and(|r| Arc::ptr_eq(r, ring)));
    let forgotten = place.and_then(Option::take);
    drop(known);
    drop(forgotten);
}

/// All sites that are described.
pub(crate) fn all() -> impl Iterator<Item = &'static Site> {
    let newest = known().newest;
    core::iter::successors(newest, |described| described.below).map(|described| described.site)
}
