//! Tests as users write them: `tests/testing_harness.rs` runs them and reads what cargo shows.
#![deny(warnings)]

#[cfg(test)]
mod attribute;
