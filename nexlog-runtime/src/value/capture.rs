//! Captured variables.
