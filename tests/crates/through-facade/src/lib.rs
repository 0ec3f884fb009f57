//! Knows nexlog only through another crate.
#![deny(warnings, clippy::pedantic)]

use facade::{audit, caution, info};

/// Every way through.
pub fn all(id: u64, total: f64) {
    facade::nexlog::info!("paid {id}", total);
    info!("paid", id);
    caution!("odd", id, total);
    audit!("paid {total}", order = id);
    audit!("paid {} {total:?}", order = id + 1, id * 2);
    audit!(level facade::nexlog::Level::Error; "gone {id}");
    audit!(id);
}

/// Scopes, spans and functions.
#[facade::nexlog::instrument(crate = facade::nexlog, args, ret)]
#[must_use]
pub fn scopes(id: u64) -> u64 {
    let _scope = facade::nexlog::context!(id);
    facade::nexlog::span!("inner", id).in_scope(|| id + 1)
}
