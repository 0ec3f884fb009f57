//! What expansions name. Not for users.

pub use nexlog_macros::*;
pub use nexlog_runtime::private::*;
