//! One thread's buffer, and the memory under it.

pub(crate) mod memory;
