//! The whole contract between the macros' expansions and the runtime. Not for users: it changes
//! with any release, together with `nexlog-macros`, which is pinned to this version.

pub use core;
pub use std::boxed::Box;

pub use crate::context::future::{BoxedFuture, boxed_again, boxed_future, instrument, type_of};
pub use crate::context::make::{
    FrameDraft, Made, frame0, frame1, frame2, frame3, frame4, frame5, frame6, frame7, frame8,
    frame9, frame10, frame11, frame12,
};
pub use crate::context::span::{Body, LeavesThread, Scope, Span, Stays};
pub use crate::error::Error;
pub use crate::lane::draft::Draft;
pub use crate::lane::emit::{
    emit0, emit1, emit2, emit3, emit4, emit5, emit6, emit7, emit8, emit9, emit10, emit11, emit12,
    emit13, emit14, emit15, emit16, emit17, emit18, emit19, emit20,
};
pub use crate::logger::Logger;
pub use crate::registry::gate;
pub use crate::site::callsite::Site;
pub use crate::site::level::Level;
pub use crate::site::limit::Limit;
pub use crate::site::static_filter::static_rule;
pub use crate::testing::print::{TestRuns, block_on};
pub use crate::value::capture::*;
pub use crate::value::{Keyed, Splice};

/// Whether a level made at run time is one that `NEXLOG_STATIC` leaves in this crate.
pub const fn is_left(level: Level, lowest: u8) -> bool {
    level as u8 >= lowest
}

/// The same, where it depends on the module.
pub const fn is_left_in(level: Level, rules: &str, module: &str) -> bool {
    static_rule(rules, module, level as u8)
}

/// What cargo features leave in the binary, level by level.
pub mod static_on {
    use crate::site::level::static_floor;

    /// Trace records.
    pub const TRACE: bool = static_floor() == 0;
    /// Debug records.
    pub const DEBUG: bool = static_floor() <= 1;
    /// Info records.
    pub const INFO: bool = static_floor() <= 2;
    /// Warn records.
    pub const WARN: bool = static_floor() <= 3;
    /// Error records.
    pub const ERROR: bool = static_floor() <= 4;
    /// Critical records.
    pub const CRITICAL: bool = static_floor() <= 5;
}
