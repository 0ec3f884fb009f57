//! Where records go.
//!
//! A [`Sink`] takes whole batches; the drainer calls it under the pipeline mutex, never at the
//! same time from two threads. What a sink cannot write it reports; counting, telling the user
//! and trying again is the pipeline's business (`pipeline/output`).

pub mod console;
pub mod file;
pub mod memory;
pub mod output;
pub mod sampling;
mod whole;

use core::fmt;
use std::io;

use crate::record::Record;
use crate::sys::folder::Identity;

/// Takes batches of records: a console, a file, or your own.
///
/// ```
/// use nexlog_runtime::{Batch, Sink, WriteError};
/// use std::io::Write;
///
/// struct Pipe(std::net::TcpStream);
///
/// impl Sink for Pipe {
///     fn write(&mut self, batch: &Batch<'_>) -> Result<(), WriteError> {
///         self.0.write_all(batch.bytes())?;
///         Ok(())
///     }
/// }
/// ```
pub trait Sink: Send + 'static {
    /// Writes a batch. An error (or a panic, which is caught) is counted as the loss of the
    /// records behind `WriteError::written`; the next batch is offered all the same, and when
    /// one succeeds, a record tells how many were lost.
    ///
    /// # Errors
    /// Whatever kept the batch from being written whole.
    fn write(&mut self, batch: &Batch<'_>) -> Result<(), WriteError>;

    /// Puts what was written on the device, if there is one.
    ///
    /// # Errors
    /// Whatever leaves it unknown whether the device has everything.
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Begins anew, with what was written so far kept elsewhere: what
    /// [`Logger::rotate`](crate::Logger::rotate) asks for. By default there is nothing to do.
    ///
    /// # Errors
    /// Whatever kept it from that; then it goes on as it was.
    fn rotate(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Opens again what it writes to: what [`Logger::reopen`](crate::Logger::reopen) asks for. By
    /// default there is nothing to do.
    ///
    /// # Errors
    /// Whatever kept it from that; then it goes on as it was.
    fn reopen(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// What error messages and `stats` call it.
    fn name(&self) -> String {
        String::from(core::any::type_name::<Self>())
    }
}

/// Told by a file what it is about to write, so that a kill in the middle of it can be made good.
pub(crate) trait Journal {
    /// The records of these numbers are about to be written.
    fn begin(&self, records: core::ops::Range<usize>, writing: &Writing<'_>);
    /// Those of these numbers are written; what else was announced is not, and will not be.
    fn end(&self, records: core::ops::Range<usize>);
}

/// What is about to be appended to a file.
pub(crate) struct Writing<'a> {
    pub(crate) identity: Identity,
    /// The file's length, as far as is known.
    pub(crate) offset: u64,
    pub(crate) bytes: &'a [u8],
}

/// A batch could not be written whole.
#[derive(Debug)]
pub struct WriteError {
    /// How many records at the batch's start were written whole all the same.
    pub written: usize,
    /// Why the rest was not.
    pub source: io::Error,
}

impl From<io::Error> for WriteError {
    fn from(source: io::Error) -> Self {
        WriteError { written: 0, source }
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl std::error::Error for WriteError {}

/// Records on their way to one sink: their bytes in the sink's format, and the typed records.
pub struct Batch<'a> {
    bytes: &'a [u8],
    /// Where each record's bytes end.
    ends: &'a [usize],
    records: &'a dyn Fn(usize) -> Option<Record<'a>>,
    journal: Option<&'a dyn Journal>,
}

impl<'a> Batch<'a> {
    /// `ends` are where each record's bytes end; `records` gives a record by its number.
    pub(crate) fn new(
        bytes: &'a [u8],
        ends: &'a [usize],
        records: &'a dyn Fn(usize) -> Option<Record<'a>>,
    ) -> Batch<'a> {
        Batch { bytes, ends, records, journal: None }
    }

    /// The same, with somebody to be told.
    pub(crate) fn noted(self, journal: Option<&'a dyn Journal>) -> Batch<'a> {
        Batch { journal, ..self }
    }

    /// Who is to be told what becomes of it.
    pub(crate) fn journal(&self) -> Option<&'a dyn Journal> {
        self.journal
    }

    /// All records' bytes, one after the other.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// How many records there are; never 0 in a call of [`Sink::write`].
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Each record's bytes.
    pub fn lines(&self) -> impl Iterator<Item = &'a [u8]> + '_ {
        let starts = core::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(self.ends).map(|(start, &end)| self.bytes.get(start..end).unwrap_or(&[]))
    }

    /// The typed records.
    pub fn records(&self) -> impl Iterator<Item = Record<'a>> + '_ {
        (0..self.len()).filter_map(|number| (self.records)(number))
    }

    /// Where the record of this number begins; behind the last one, where they end.
    pub(crate) fn start_of(&self, number: usize) -> usize {
        number.checked_sub(1).map_or(0, |before| self.ends.get(before).copied().unwrap_or(0))
    }

    /// How many whole records lie within the first `bytes` bytes: for a short write.
    pub fn records_within(&self, bytes: usize) -> usize {
        self.ends.partition_point(|&end| end <= bytes)
    }
}
