//! What is known about a call before it is made: its level, its place, its keys, and whether
//! anybody wants it.

pub mod callsite;
mod directive;
pub mod filter;
pub mod level;
pub mod static_filter;
