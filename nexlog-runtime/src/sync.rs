//! The atomics and the lock that lanes are built from: std's, or loom's in the model checker.
//!
//! Only the ring, the pool and the registry of lanes use these. Call sites and counters are
//! statics, which loom's types cannot be; their protocols are one word each.

#[cfg(not(loom))]
pub(crate) use core::sync::atomic;

#[cfg(loom)]
pub(crate) use loom::sync::atomic;

#[cfg(not(loom))]
pub(crate) use std::sync::Mutex;

#[cfg(loom)]
pub(crate) use loom::sync::Mutex;
