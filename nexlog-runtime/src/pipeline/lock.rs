//! The pipeline mutex: one per logger, taken once per thread at a time.
//!
//! A thread inside a pass never starts another one of the same logger, and waits for another
//! logger's only for so long: two loggers whose sinks log to each other would else wait for each
//! other. Errors are reported when the mutex is free again.

use core::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::{MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use super::contain::contain;
use super::drain::{Pass, Pipeline};
use super::state::{Core, Mode};
use crate::clock;
use crate::lane::thread::{self, Pass as Place, PassMark};
use crate::report;

/// The pipeline mutex, held by this thread.
pub(super) struct Locked<'a> {
    pub(super) pipeline: MutexGuard<'a, Pipeline>,
    mark: PassMark,
}

impl core::ops::Deref for Locked<'_> {
    type Target = Pipeline;

    fn deref(&self) -> &Pipeline {
        &self.pipeline
    }
}

impl core::ops::DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Pipeline {
        &mut self.pipeline
    }
}

impl Core {
    /// The pipeline, for this thread; `None` when it has it already, or has another logger's
    /// and does not get this one within `patience`: two loggers whose sinks log to each other
    /// would else wait for each other.
    pub(super) fn lock(&self, patience: Duration) -> Option<Locked<'_>> {
        match thread::pass_of(self) {
            Place::Inside => None,
            _ if self.is_cut_off.load(Relaxed) => None,
            Place::Elsewhere => self.lock_until(Instant::now() + patience),
            Place::Outside => {
                super::fork::give_way();
                let pipeline = self.try_pipeline().or_else(|| self.help_for_pipeline());
                let pipeline = pipeline.unwrap_or_else(|| {
                    self.pipeline.lock().unwrap_or_else(PoisonError::into_inner)
                });
                Some(Locked { pipeline, mark: PassMark::set(self) })
            }
        }
    }

    pub(super) fn try_lock(&self) -> Option<Locked<'_>> {
        if self.is_inside() { None } else { self.try_lock_anywhere() }
    }

    /// Also inside a report of this logger's: the mutex is free then. For the end of the process.
    pub(super) fn try_lock_anywhere(&self) -> Option<Locked<'_>> {
        Some(Locked { pipeline: self.try_pipeline()?, mark: PassMark::set(self) })
    }

    fn try_pipeline(&self) -> Option<MutexGuard<'_, Pipeline>> {
        match self.pipeline.try_lock() {
            Ok(pipeline) => Some(pipeline),
            Err(TryLockError::Poisoned(error)) => Some(error.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Helps whoever has the pipeline, until it is free. `None` when there is nothing to help with: then
    /// it is time to sleep.
    fn help_for_pipeline(&self) -> Option<MutexGuard<'_, Pipeline>> {
        let _mark = PassMark::set(self);
        self.board.help(|| self.try_pipeline())
    }

    pub(super) fn lock_until(&self, end: Instant) -> Option<Locked<'_>> {
        let mut pause = Duration::from_micros(20);
        if thread::pass_of(self) == Place::Outside {
            super::fork::give_way();
        }
        loop {
            if let Some(locked) = self.try_lock() {
                return Some(locked);
            }
            if self.is_inside() || self.is_cut_off.load(Relaxed) || Instant::now() >= end {
                return None;
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(1));
        }
    }

    /// Whether this thread is inside a pass of this logger: it must not start another one.
    pub(super) fn is_inside(&self) -> bool {
        thread::pass_of(self) == Place::Inside
    }

    /// Frees the pipeline, then reports. The mark stays until the reports are done: what
    /// `on_error` logs waits for the next pass.
    pub(super) fn unlock(&self, locked: Locked<'_>, pass: Option<Pass>) {
        let Locked { pipeline, mark } = locked;
        if self.settings.mode == Mode::Buffered {
            self.doze.set_deadline(clock::now().saturating_add(self.flush_interval_ticks));
        }
        drop(pipeline);
        for error in pass.into_iter().flat_map(|pass| pass.errors) {
            match &self.settings.on_error {
                Some(on_error) => {
                    contain(|| on_error(&error));
                }
                None => {
                    report::limited(report::Kind::Sink, format_args!("{}", error.with_causes()));
                }
            }
        }
        drop(mark);
        if self.must_close.load(SeqCst) && self.must_close.swap(false, SeqCst) {
            self.close();
        }
    }
}
