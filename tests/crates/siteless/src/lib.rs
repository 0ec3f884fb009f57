//! A crate that uses nexlog and has no call site.
#![deny(warnings, clippy::pedantic)]

/// What this crate has to say of a level.
#[must_use]
pub fn is_grave(level: nexlog::Level) -> bool {
    level >= nexlog::Level::Error
}
