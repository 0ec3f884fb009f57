//! The dependency has another name in Cargo.toml.
#![deny(warnings, clippy::pedantic)]

use journal::{Level, info, instrument, log};

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

/// Scopes, spans and functions.
#[instrument(crate = journal, args, ret)]
#[must_use]
pub fn scopes(id: u64) -> u64 {
    let _scope = journal::context!(id, ..journal::fields! { component = "db" });
    journal::span!("inner", id).in_scope(|| id + 1)
}

/// The path in quotes.
#[journal::instrument(crate = "::journal", args, elapsed)]
pub async fn awaited(id: u64) -> u64 {
    std::future::ready(id).await
}

/// Derived under that name.
#[derive(journal::Value)]
#[nexlog(crate = journal, rename_all = "camelCase")]
pub struct Order<'a, T> {
    customer_id: u64,
    items: &'a [T],
    #[nexlog(flatten)]
    place: Option<Place>,
    #[nexlog(secret)]
    token: String,
}

/// The same.
#[derive(journal::Value)]
#[nexlog(crate = "::journal")]
pub struct Place {
    #[nexlog(display)]
    street: String,
}

/// The same.
#[derive(journal::Value)]
#[nexlog(crate = journal, tag = "kind")]
pub enum Event {
    /// Nothing else.
    Opened,
    /// With a field.
    Moved {
        /// Where to.
        to: u8,
    },
    /// With another's.
    Placed(Place),
}

/// What needs a feature.
#[cfg(feature = "needs_serde")]
pub fn needs_serde(id: u64) {
    info!("paid", id = serde(&id));
}
