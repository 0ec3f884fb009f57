//! For tests of programs that log: records to assert on, and records in the harness's output.
//!
//! Neither needs a logger, and neither changes what one writes. [`capture`] collects this thread's
//! records:
//!
//! ```
//! # macro_rules! info { ($($any:tt)*) => {} }
//! # if false { // the macros are in the crate `nexlog`
//! let records = nexlog_runtime::testing::capture();
//! info!("paid", order_id = 7);
//! assert_eq!(records.find("paid").field::<u64>("order_id"), 7);
//! # }
//! ```
//!
//! `#[nexlog::test]` and [`init`] have a test's records printed where its harness looks, so that
//! they are shown when it fails, and with `--nocapture`.
//!
//! While something listens, every call on its threads takes the long way, some hundred
//! nanoseconds; calls of other threads take 7 ns more (measured: 17 in place of 10). Records that a build
//! leaves out (`max_level_*`, `NEXLOG_STATIC`) cannot be heard. A span with a level of its own is
//! there where the global logger wants it, or where there is no logger. A logger's own records and
//! fields are not heard; those of [`Logger::with`](crate::Logger::with) are.

mod capture;
mod captured;
mod field;
pub(crate) mod print;
pub(crate) mod tap;

pub use capture::{
    Collector, Listening, Records, capture, capture_all, capture_all_with, capture_with,
};
pub use captured::Captured;
pub use field::FromField;
pub use print::init;
