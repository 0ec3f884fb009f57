//! What a killed process leaves, and who finds it.
//!
//! A logger with a file has its lanes in a **ring file** that is mapped into memory: what a call
//! has put there is with the kernel, whatever ends the process. The next logger that writes to the
//! same log looks for rings whose process is dead, and writes what their files do not have yet, once,
//! before its own first record.
//!
//! - [`layout`]: the bytes.
//! - [`home`]: the folder of rings beside a log file; who owns a ring.
//! - [`ring`]: one of a process that lives: making it, growing, and what is noted in it.
//! - [`dead`]: one whose process is gone, read without trusting it.
//! - [`plan`]: what the builder does with all this.
//! - [`settle`]: what was being written when it died.
//! - [`replay`]: the records that no file has, into the files.
//!
//! **Exactly once.** Before a file gets a batch, the ring is told how far each lane will be written
//! with it, and an *intent*: which file, where, how many bytes, the first and the last ones. Afterwards, what
//! was intended becomes what is done. Whoever finds an intent looks at the file: either the
//! batch is there, and then it is done, or its beginning is taken away and it is written again. The same
//! is noted in the dead ring while it is replayed, so that may be killed, too.

mod dead;
mod gaps;
mod home;
mod layout;
mod plan;
mod replay;
mod ring;
mod settle;

pub(crate) use self::plan::Rings;
pub use self::replay::{Recovered, Report, recover};
pub(crate) use self::ring::Ring;
pub(crate) use self::settle::{Found, make_good, settle_all};
