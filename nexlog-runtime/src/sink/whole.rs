//! Whole records only: what a stream needs so that a reader never sees half a record followed by
//! another.
//!
//! [`write_whole`] repeats short and interrupted writes. When it has to stop inside a record,
//! [`Torn`] keeps that record's rest, and the next write starts with it. The torn record counts
//! as lost although its rest may come later: nobody knows yet whether it will, and a count must
//! not promise more than there is.

use std::io::{self, ErrorKind};

use super::Batch;

/// A write that could not be finished.
#[derive(Debug)]
pub(crate) struct Stopped {
    /// How many bytes were written before.
    pub(crate) done: usize,
    pub(crate) source: io::Error,
}

/// Writes all of `bytes` with as many calls of `write` as it takes.
pub(crate) fn write_whole(
    bytes: &[u8],
    mut write: impl FnMut(&[u8]) -> io::Result<usize>,
) -> Result<(), Stopped> {
    let mut done = 0;
    while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
        match write(rest) {
            Ok(0) => return Err(Stopped { done, source: ErrorKind::WriteZero.into() }),
            Ok(count) => done += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(source) => return Err(Stopped { done, source }),
        }
    }
    Ok(())
}

/// Where a batch was cut: `(whole records, bytes of the torn one)`.
pub(crate) fn cut(batch: &Batch<'_>, done: usize) -> (usize, usize) {
    let whole = batch.records_within(done);
    let whole_bytes: usize = batch.lines().take(whole).map(<[u8]>::len).sum();
    (whole, done.saturating_sub(whole_bytes))
}

/// The rest of a record of which the beginning was written; usually empty.
#[derive(Debug, Default)]
pub(crate) struct Torn {
    rest: Vec<u8>,
}

impl Torn {
    /// Keeps the rest of the record in which a write of `batch` stopped, if it stopped in one.
    /// Returns how many whole records came before.
    pub(crate) fn keep(&mut self, batch: &Batch<'_>, done: usize) -> usize {
        let (whole, torn_bytes) = cut(batch, done);
        if torn_bytes > 0 {
            let record = batch.lines().nth(whole).unwrap_or(&[]);
            let rest = record.get(torn_bytes..).unwrap_or(&[]);
            // Without memory for the rest, the half line is at least ended.
            let rest = if self.rest.try_reserve_exact(rest.len()).is_ok() { rest } else { b"\n" };
            self.rest.extend_from_slice(rest);
        }
        whole
    }

    /// Writes what was kept. What still cannot be written stays kept.
    pub(crate) fn mend(&mut self, write: impl FnMut(&[u8]) -> io::Result<usize>) -> io::Result<()> {
        match write_whole(&self.rest, write) {
            Ok(()) => self.rest = Vec::new(),
            Err(stopped) => {
                self.rest.drain(..stopped.done);
                return Err(stopped.source);
            }
        }
        Ok(())
    }
}

/// A stream whose every call goes as a script says; for tests of sinks.
#[cfg(test)]
pub(crate) mod testing {
    use std::collections::VecDeque;
    use std::io;

    use crate::sink::Batch;

    /// What one call does.
    #[derive(Clone, Debug)]
    pub(crate) enum Step {
        /// Takes this many bytes at most.
        Take(usize),
        /// Fails with this.
        Fail(io::ErrorKind),
    }

    /// Steps to come, and what was taken; without steps it takes everything.
    #[derive(Debug, Default)]
    pub(crate) struct Script {
        pub(crate) steps: VecDeque<Step>,
        pub(crate) taken: Vec<u8>,
        pub(crate) calls: usize,
    }

    impl Script {
        pub(crate) fn new(steps: impl IntoIterator<Item = Step>) -> Script {
            Script { steps: steps.into_iter().collect(), ..Script::default() }
        }

        pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.calls += 1;
            let count = match self.steps.pop_front() {
                None => bytes.len(),
                Some(Step::Take(most)) => most.min(bytes.len()),
                Some(Step::Fail(kind)) => return Err(kind.into()),
            };
            self.taken.extend_from_slice(&bytes[..count]);
            Ok(count)
        }
    }

    /// Gives `sink` a batch of these records.
    pub(crate) fn with_batch<T>(records: &[&str], sink: impl FnOnce(&Batch<'_>) -> T) -> T {
        let bytes = records.concat();
        let ends: Vec<usize> = records
            .iter()
            .scan(0, |end, record| {
                *end += record.len();
                Some(*end)
            })
            .collect();
        sink(&Batch::new(bytes.as_bytes(), &ends, &|_| None))
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{Script, Step, with_batch};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn short_and_interrupted_writes_go_on_where_they_stopped() {
        let steps = [Step::Take(1), Step::Fail(ErrorKind::Interrupted), Step::Take(2)];
        let mut script = Script::new(steps);
        write_whole(b"abcdef", |bytes| script.write(bytes)).unwrap();
        assert_eq!(script.taken, b"abcdef");
    }

    #[test]
    fn a_stream_that_takes_nothing_is_an_error_and_no_endless_loop() {
        let mut script = Script::new([Step::Take(2), Step::Take(0)]);
        let stopped = write_whole(b"abc", |bytes| script.write(bytes)).unwrap_err();
        assert_eq!((stopped.done, stopped.source.kind()), (2, ErrorKind::WriteZero));
    }

    #[test]
    fn a_cut_between_two_records_leaves_nothing_torn() {
        let mut torn = Torn::default();
        assert_eq!(with_batch(&["a\n", "b\n"], |batch| torn.keep(batch, 2)), 1);
        assert!(torn.rest.is_empty());
        assert_eq!(with_batch(&["a\n", "b\n"], |batch| torn.keep(batch, 3)), 1);
        assert_eq!(torn.rest, b"\n");
    }

    proptest! {
        /// Whatever a stream does, it shows whole records in order, at most the last one cut.
        #[test]
        fn a_reader_never_sees_half_a_record_followed_by_another(
            script in proptest::collection::vec(prop_oneof![
                (0_usize..9).prop_map(Step::Take),
                Just(Step::Fail(ErrorKind::StorageFull)),
                Just(Step::Fail(ErrorKind::Interrupted)),
            ], 0..24),
        ) {
            let mut script = Script::new(script);
            let mut torn = Torn::default();
            let mut counted = Vec::new();
            for number in 0..12 {
                let records = [format!("<{number}a>\n"), format!("<{number}bb>\n")];
                let records = [records[0].as_str(), records[1].as_str()];
                let whole = with_batch(&records, |batch| {
                    if torn.mend(|bytes| script.write(bytes)).is_err() {
                        return 0;
                    }
                    match write_whole(batch.bytes(), |bytes| script.write(bytes)) {
                        Ok(()) => 2,
                        Err(stopped) => torn.keep(batch, stopped.done),
                    }
                });
                counted.extend(records[..whole].iter().map(|record| (*record).to_owned()));
            }
            let taken = String::from_utf8(script.taken).unwrap();
            let lines: Vec<&str> = taken.split_inclusive('\n').collect();
            let finished = &lines[..lines.len() - usize::from(!taken.ends_with('\n') && !lines.is_empty())];
            let all = (0..12).flat_map(|number| [format!("<{number}a>\n"), format!("<{number}bb>\n")]);
            let all: Vec<String> = all.collect();
            // Every line is a record, each once and in order.
            let mut offered = all.iter();
            for line in finished {
                prop_assert!(offered.any(|record| record == line), "{line:?} in {taken:?}");
            }
            // What was counted as written is there.
            for record in &counted {
                prop_assert!(finished.contains(&record.as_str()), "{record:?} in {taken:?}");
            }
        }
    }
}
