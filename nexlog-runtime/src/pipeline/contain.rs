//! A panic of user code under the pipeline mutex ends here.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs user code; `None` when it panicked. The payload is leaked: dropping it is user code too,
/// and may panic again, behind our back.
pub(crate) fn contain<T>(run: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(value) => Some(value),
        Err(payload) => {
            mem::forget(payload);
            None
        }
    }
}
