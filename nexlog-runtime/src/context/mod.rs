//! What surrounds a record: the fields of scopes and spans, given once and carried along.
//!
//! A scope or span is a [`frame`]: typed values, made once, never changed, with a pointer to
//! the frame around it. Each thread knows its innermost frame ([`stack`]). A record says which
//! frame it was made in; `lane/announce` writes a frame's bytes into a lane before the first
//! record that names it there, and [`chain`] is the drainer's view of them. So a scope in which
//! nothing is logged costs its own few stores, and no list of spans exists anywhere.
//!
//! | file | what |
//! | --- | --- |
//! | [`frame`] | the block of memory, its reference count, its number |
//! | [`stack`] | a thread's innermost frame; entering, leaving, out of order too |
//! | [`make`] | the functions that the macros call: values into a frame |
//! | [`span`] | [`Span`] and [`Scope`], records about spans |
//! | [`handle`] | [`Context`]: the surroundings as a value |
//! | [`future`] | the same for futures, entered at each poll |
//! | [`trace`] | W3C trace ids |
//! | [`chain`] | what formats see |
//! | [`around`] | what filters see |
//! | `updates` | spans of `tracing`, whose fields change while they are on |

pub(crate) mod around;
pub(crate) mod chain;
pub(crate) mod frame;
pub(crate) mod future;
pub(crate) mod handle;
pub(crate) mod make;
pub(crate) mod span;
pub(crate) mod stack;
pub(crate) mod timing;
pub(crate) mod trace;
#[cfg(feature = "tracing")]
pub(crate) mod updates;

pub(crate) use around::surroundings;
pub use future::{FutureExt, InContext, Instrumented};
pub use handle::{Context, Wrap};
pub use make::FieldSet;
pub use span::{Scope, Span};
pub use timing::SpanRecords;

#[cfg(test)]
mod tests;
