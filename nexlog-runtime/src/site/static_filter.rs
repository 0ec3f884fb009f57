//! Directives at build time.
