//! What is known about a call before it is made: its level, its place, its keys, and whether
//! anybody wants it.

mod brackets;
pub mod callsite;
mod directive;
pub(crate) mod explain;
pub mod filter;
pub(crate) mod known;
pub mod level;
pub mod limit;
pub(crate) mod spans;
pub mod static_filter;
mod wanted;
