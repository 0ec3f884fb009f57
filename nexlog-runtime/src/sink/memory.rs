//! [`Memory`]: records kept in the process, for tests.

use core::fmt;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::output::{Choice, choice_methods};
use super::{Batch, Sink, WriteError};

/// Keeps what is written to it. A handle: clones see the same bytes. JSON by default.
///
/// For tests: nothing is ever thrown away but by [`take`](Memory::take).
///
/// ```
/// use nexlog_runtime::{Memory, builder};
///
/// let memory = Memory::new();
/// let logger = builder().sink(&memory).build()?;
/// assert!(memory.lines().is_empty());
/// # Ok::<(), nexlog_runtime::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Memory {
    kept: Kept,
    choice: Choice,
}

/// The bytes, shared between handles and sink.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        // Bytes have no state that a panic could leave half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    /// Empty.
    pub fn new() -> Memory {
        Memory::default()
    }

    choice_methods!();

    /// A copy of all bytes.
    pub fn bytes(&self) -> Vec<u8> {
        self.kept.lock().clone()
    }

    /// A copy of the content by lines, without their ends. What is not UTF-8 becomes U+FFFD.
    pub fn lines(&self) -> Vec<String> {
        String::from_utf8_lossy(&self.kept.lock()).lines().map(str::to_owned).collect()
    }

    /// The bytes; it is empty afterwards.
    pub fn take(&self) -> Vec<u8> {
        core::mem::take(&mut self.kept.lock())
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.kept.lock().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.kept.lock().is_empty()
    }

    pub(super) fn into_sink(self) -> (impl Sink, Choice) {
        (MemorySink(self.kept), self.choice)
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("len", &self.len()).finish_non_exhaustive()
    }
}

struct MemorySink(Kept);

impl Sink for MemorySink {
    fn write(&mut self, batch: &Batch<'_>) -> Result<(), WriteError> {
        let mut kept = self.0.lock();
        kept.try_reserve(batch.bytes().len())
            .map_err(|_| io::Error::from(ErrorKind::OutOfMemory))?;
        kept.extend_from_slice(batch.bytes());
        Ok(())
    }

    fn name(&self) -> String {
        String::from("memory")
    }
}

#[cfg(test)]
mod tests {
    use super::super::whole::testing::with_batch;
    use super::*;

    #[test]
    fn every_handle_sees_what_the_sink_was_given() {
        let memory = Memory::new();
        let (mut sink, _) = memory.clone().into_sink();
        with_batch(&["a\n", "b\n"], |batch| sink.write(batch)).unwrap();
        assert_eq!(memory.lines(), ["a", "b"]);
        assert_eq!((memory.len(), memory.bytes()), (4, b"a\nb\n".to_vec()));
        assert_eq!(memory.take(), b"a\nb\n");
        assert!(memory.is_empty() && memory.lines().is_empty());
    }
}
