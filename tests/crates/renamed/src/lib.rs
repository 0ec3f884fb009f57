//! The dependency has another name in Cargo.toml.
#![deny(warnings, clippy::pedantic)]

use journal::{Level, info, log};

/// Every form of the macros.
pub fn all(id: u64, error: &std::num::ParseIntError) {
    info!("paid {id}", cause = err(error));
    log!(Level::Warn, target("db"), "paid {}", id);
    log!(if id > 1 { Level::Warn } else { Level::Info }, "paid {id:?}");
    journal::try_log!(Level::Info, "paid").unwrap_or_default();
    if journal::enabled!(Level::Debug) {
        journal::debug!(id);
    }
}
