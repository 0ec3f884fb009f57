//! Hands nexlog on: as a crate, as single macros, and inside a macro of its own.
#![deny(warnings, clippy::pedantic)]

#[doc(hidden)]
pub use nexlog;
pub use nexlog::info;
pub use nexlog::warn as caution;

/// A macro of this crate that logs.
#[macro_export]
macro_rules! audit {
    ($message:literal, $key:ident = $value:expr $(, $more:expr)*) => {
        $crate::nexlog::info!(target("audit"), $message $(, $more)*, $key = $value, attempt = 1)
    };
    (level $level:expr; $message:expr) => {
        $crate::nexlog::log!($level, $message)
    };
    ($variable:ident) => {
        $crate::nexlog::warn!("seen", $variable)
    };
}
