//! What a layout's bytes depend on besides the record: the zone, the process, code of the user's.
//!
//! It is a part of an encoder's key. A start that looks what a killed process has written compares
//! with what its own format makes of the same records, and must not take one for the same that
//! writes something else.

use core::fmt::Write;
use core::hash::{BuildHasher, Hasher};
use std::hash::RandomState;
use std::sync::OnceLock;

use super::time::Zone;
use crate::sys;

/// What a layout's bytes depend on.
#[derive(Clone, Copy, Default)]
pub(super) struct Origin {
    /// The system's time zone.
    pub(super) zone: bool,
    /// This process and machine.
    pub(super) process: bool,
    /// Code that nothing is known of.
    pub(super) code: bool,
}

impl Origin {
    /// Equal where the bytes are.
    pub(super) fn text(self) -> String {
        static SALT: OnceLock<u64> = OnceLock::new();
        let mut text = String::new();
        // A string takes everything.
        if self.zone {
            let _ = write!(text, " {:?}", Zone::new(true));
        }
        if self.process {
            let program = std::env::current_exe().unwrap_or_default();
            let (pid, machine) = (std::process::id(), sys::hostname());
            let _ = write!(text, " {pid} {machine:?} {}", program.display());
        }
        if self.code {
            // No other process has the same.
            let salt = SALT.get_or_init(|| RandomState::new().build_hasher().finish());
            let _ = write!(text, " {salt:x}");
        }
        text
    }
}
