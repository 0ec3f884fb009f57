//! Empty on purpose: the workspace's root package exists so that cargo finds the top-level
//! `tests/`, `benches/` and `examples/`. The library is the crate `nexlog`.
