//! Which call sites there are, and whether they are on.
use crate::site::callsite::{Site, SiteInfo};
use core::sync::atomic::Ordering::Release;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

static NEXT: AtomicUsize = AtomicUsize::new(0);

pub(crate) fn first_use(_site: &'static Site) -> bool {
    true
}

pub(crate) fn describe(site: &'static Site) -> &'static SiteInfo {
    let info = Box::leak(Box::new(SiteInfo::parse(NEXT.fetch_add(1, Relaxed), site)));
    site.info.store(info, Release);
    info
}
