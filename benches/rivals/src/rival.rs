//! What a rival says of itself, and what it can be asked to do.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use crate::record::{Context, Displayed, Integers, Request, Strings};

/// A logger, opened. Each thread that logs has a clone of its own.
///
/// Of the methods with a body those must be written that [`About`] promises; the others are
/// never called.
pub trait Rival: Clone + Send + 'static {
    const ABOUT: About;

    /// Sets the logger up, for everything at info and above, and for a new file.
    fn open(setup: &Setup) -> Self;

    /// One record: "request served" and the five fields, at info.
    fn request(&mut self, record: &Request);

    /// The same at debug, which is switched off while the program runs.
    fn below_level(&mut self, record: &Request);

    /// Waits until nothing is left to do, as far as the library lets one.
    fn flush(&mut self);

    /// Waits until everything is in the file. Clones are gone by then.
    fn finish(mut self) {
        self.flush();
    }

    /// One record of five strings.
    fn strings(&mut self, _record: &Strings) {
        unreachable!("not promised")
    }

    /// One record of twenty integers.
    fn integers(&mut self, _record: &Integers) {
        unreachable!("not promised")
    }

    /// One record of four values that know their text only.
    fn displayed(&mut self, _record: &Displayed) {
        unreachable!("not promised")
    }

    /// Runs `body` so that each of its records carries these fields.
    fn in_context(&mut self, _context: &Context, _body: impl FnOnce(&mut Self)) {
        unreachable!("not promised")
    }

    /// A function with the library's attribute, and one record in it.
    fn span_with_record(&mut self, _order: u64, _record: &Request) {
        unreachable!("not promised")
    }

    /// A function with the library's attribute that takes two integers as fields, and logs
    /// nothing.
    fn empty_span(&mut self, _a: u64, _b: u64) {
        unreachable!("not promised")
    }

    /// What has to be around spans for them to be real, for a burst of them.
    fn in_trace(&mut self, body: impl FnOnce(&mut Self)) {
        body(self);
    }
}

/// How a rival is introduced to the driver.
#[derive(Clone, Copy)]
pub struct About {
    pub name: &'static str,
    pub kind: Kind,
    /// The crates whose versions are told.
    pub crates: &'static [&'static str],
    /// How it was set up, in a sentence without a full stop.
    pub setup: &'static str,
    pub measures: &'static [Measure],
    /// The shapes of `throughput`.
    pub shapes: &'static [Shape],
    /// The formats of `throughput`; the first is used everywhere else.
    pub formats: &'static [Format],
}

/// Where and what to write.
pub struct Setup {
    /// In a folder that is this run's alone.
    pub path: PathBuf,
    pub format: Format,
    /// That will log.
    pub threads: u64,
}

/// Time for a worker that cannot be waited for.
pub fn settle() {
    thread::sleep(Duration::from_millis(1));
}

/// An enum of choices that have a name on command lines and in tables.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$choice_doc:meta])* $choice:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum $name { $($(#[$choice_doc])* $choice,)+ }

        impl $name {
            pub const ALL: &[$name] = &[$($name::$choice),+];

            pub fn name(self) -> &'static str {
                match self { $($name::$choice => $text,)+ }
            }

            pub fn named(name: &str) -> Option<$name> {
                Self::ALL.iter().copied().find(|choice| choice.name() == name)
            }
        }
    };
}

named! {
    /// What a rival is to nexlog.
    Kind {
        Ours = "ours",
        /// Not a logger: the least that the work could cost.
        Floor = "floor",
        /// The caller does all the work.
        Direct = "direct",
        /// Another thread does some of it.
        Async = "async",
    }
}

named! {
    Measure {
        /// Nanoseconds of a call.
        Caller = "caller",
        /// Nanoseconds that a call adds to other work.
        CallerWork = "caller-work",
        /// Records a second, to a file, from the first call to all flushed; memory and CPU.
        Throughput = "throughput",
        /// Nanoseconds of a call below the level.
        Disabled = "disabled",
        /// Nanoseconds of an instrumented function.
        Span = "span",
        /// Memory of threads that logged once and went idle.
        Memory = "memory",
        /// Wakeups while nothing is logged, and how soon the next record is in the file.
        Idle = "idle",
    }
}

named! {
    Shape {
        Request = "request",
        Strings = "strings",
        Integers = "integers",
        Display = "display",
        Context = "context",
    }
}

named! {
    Format {
        Json = "json",
        Text = "text",
    }
}
