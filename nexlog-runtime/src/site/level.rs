//! The six levels and the static ceiling that cargo features set.

use core::fmt;
use core::str::FromStr;

/// How grave a record is. Ordered: `Trace < Debug < Info < Warn < Error < Critical`.
///
/// `Display` prints the name in capitals (`INFO`); `FromStr` takes any case and also `err`,
/// `warning` and `crit`.
///
/// ```
/// use nexlog_runtime::Level;
/// assert!(Level::Warn < Level::Critical);
/// assert_eq!("warning".parse::<Level>().unwrap().to_string(), "WARN");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Level {
    /// Everything, step by step.
    Trace = 0,
    /// What a developer wants to see while looking for a fault.
    Debug = 1,
    /// What an operator wants to see when all is well.
    Info = 2,
    /// Something is odd, the work goes on.
    Warn = 3,
    /// Something failed.
    Error = 4,
    /// The service cannot go on. `error` in `log` and `tracing`, `crit` in syslog.
    Critical = 5,
}

/// The names that tracing's levels have, for lines that are brought over.
impl Level {
    /// [`Level::Trace`].
    pub const TRACE: Level = Level::Trace;
    /// [`Level::Debug`].
    pub const DEBUG: Level = Level::Debug;
    /// [`Level::Info`].
    pub const INFO: Level = Level::Info;
    /// [`Level::Warn`].
    pub const WARN: Level = Level::Warn;
    /// [`Level::Error`].
    pub const ERROR: Level = Level::Error;
}

impl Level {
    /// All levels, lowest first.
    pub const ALL: [Level; 6] =
        [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Critical];

    /// The name in capitals, as `Display` prints it.
    #[inline]
    pub const fn as_str(self) -> &'static str {
        match self {
            Level::Trace => "TRACE",
            Level::Debug => "DEBUG",
            Level::Info => "INFO",
            Level::Warn => "WARN",
            Level::Error => "ERROR",
            Level::Critical => "CRITICAL",
        }
    }

    /// The level with this number, if there is one.
    #[inline]
    pub const fn from_number(number: u8) -> Option<Level> {
        Some(match number {
            0 => Level::Trace,
            1 => Level::Debug,
            2 => Level::Info,
            3 => Level::Warn,
            4 => Level::Error,
            5 => Level::Critical,
            _ => return None,
        })
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text is not the name of a level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a level: write one of trace, debug, info, warn (warning), error (err), \
     critical (crit)"
)]
pub struct ParseLevelError {
    text: String,
}

impl FromStr for Level {
    type Err = ParseLevelError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const NAMES: [(&str, Level); 9] = [
            ("trace", Level::Trace),
            ("debug", Level::Debug),
            ("info", Level::Info),
            ("warn", Level::Warn),
            ("warning", Level::Warn),
            ("error", Level::Error),
            ("err", Level::Error),
            ("critical", Level::Critical),
            ("crit", Level::Critical),
        ];
        NAMES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(text))
            .map(|&(_, level)| level)
            .ok_or_else(|| ParseLevelError { text: text.escape_debug().take(80).collect() })
    }
}

/// The lowest level that cargo features leave in the binary; 6 is none at all.
pub const fn static_floor() -> u8 {
    let debug = cfg!(debug_assertions);
    if cfg!(feature = "max_level_off") || (!debug && cfg!(feature = "release_max_level_off")) {
        6
    } else if cfg!(feature = "max_level_critical")
        || (!debug && cfg!(feature = "release_max_level_critical"))
    {
        5
    } else if cfg!(feature = "max_level_error")
        || (!debug && cfg!(feature = "release_max_level_error"))
    {
        4
    } else if cfg!(feature = "max_level_warn")
        || (!debug && cfg!(feature = "release_max_level_warn"))
    {
        3
    } else if cfg!(feature = "max_level_info")
        || (!debug && cfg!(feature = "release_max_level_info"))
    {
        2
    } else if cfg!(feature = "max_level_debug")
        || (!debug && cfg!(feature = "release_max_level_debug"))
    {
        1
    } else {
        0
    }
}
