//! Files that say the filter: read at the start, and again when they have changed.
//!
//! A thread reads each of them once a second and compares. That is 5 µs of work, sees every
//! change whatever the file system does with times, and waits for nobody: a logger whose filter
//! lets nothing pass drains nothing, and must be reachable all the same.

use core::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use super::filters::{Layer, Over};
use super::state::Core;
use crate::error::Error;
use crate::report;
use crate::site::explain::FilterSource;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// Gives the directives that a text says; `None` when it says nothing about the filter.
pub(crate) type Read = dyn Fn(&str) -> Result<Option<String>, Error> + Send + Sync;

/// A file to be watched.
pub(crate) struct Watched {
    pub(crate) path: PathBuf,
    /// Whether its directives take the place of all others, or are added to the builder's.
    pub(crate) replaces: bool,
    pub(crate) read: Box<Read>,
    /// As it was read last; `None` when it was not there.
    pub(crate) text: Option<String>,
}

impl Watched {
    /// A file of directives: separated by commas, on any number of lines, with comments from `#` on.
    pub(crate) fn directives(path: PathBuf) -> Watched {
        let read = Box::new(|text: &str| Ok(Some(joined(text))));
        Watched { path, replaces: false, read, text: None }
    }

    /// What it says at the start. What means nothing is told, and the rest applies.
    pub(crate) fn first(&mut self) -> Option<Over> {
        self.text = self.contents()?;
        let directives = match (self.read)(self.text.as_deref()?) {
            Ok(directives) => directives?,
            Err(error) => {
                self.tell(&error);
                return None;
            }
        };
        let (layer, problems) = Layer::parse(self.source(), directives);
        problems.iter().for_each(|problem| self.tell(problem));
        Some(self.over(layer))
    }

    /// What it says now, if that is something else than before. A text with a mistake is told
    /// once and changes nothing, and one that has gone leaves all as it is.
    fn again(&mut self) -> Option<Over> {
        let text = self.contents()??;
        if self.text.as_ref() == Some(&text) {
            return None;
        }
        let directives = (self.read)(&text);
        self.text = Some(text);
        let layer = directives
            .and_then(|text| text.map(|text| Layer::read(self.source(), &text)).transpose());
        match layer {
            Ok(layer) => layer.map(|layer| self.over(layer)),
            Err(error) => {
                self.tell(&error);
                None
            }
        }
    }

    fn source(&self) -> FilterSource {
        FilterSource::File(self.path.clone())
    }

    fn over(&self, layer: Layer) -> Over {
        if self.replaces { Over::Replaces(layer) } else { Over::Adds(layer) }
    }

    /// `Some(None)` when there is no such file, `None` when it cannot be read, which is told.
    #[allow(clippy::option_option)] // "not there" and "not readable" are two things
    fn contents(&self) -> Option<Option<String>> {
        match std::fs::read_to_string(&self.path) {
            Ok(text) => Some(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some(None),
            Err(error) => {
                self.tell(&error);
                None
            }
        }
    }

    fn tell(&self, problem: &dyn core::fmt::Display) {
        let path = self.path.display();
        report::always(format_args!("the filter of `{path}` is left as it was: {problem}"));
    }
}

/// The lines as one text of directives, each at its own column of the whole.
fn joined(text: &str) -> String {
    let mut all = String::with_capacity(text.len());
    for line in text.lines() {
        let said = line.split('#').next().unwrap_or("").trim();
        if !said.is_empty() {
            let comma = if all.is_empty() { "" } else { "," };
            let _ = write!(all, "{comma}{said}");
        }
    }
    all
}

/// Starts the thread that looks. It ends with the logger.
pub(crate) fn start(core: &Arc<Core>, mut watched: Watched) -> Result<(), Error> {
    let core: Weak<Core> = Arc::downgrade(core);
    let look = move || {
        loop {
            thread::sleep(PAUSE);
            let Some(core) = core.upgrade().filter(|core| !core.is_closed()) else { return };
            if let Some(over) = watched.again() {
                core.change_filter(|layers| layers.set(over));
            }
        }
    };
    let started = thread::Builder::new().name("nexlog-filter".to_owned()).spawn(look);
    started.map(drop).map_err(|error| Error::Option {
        option: "filter_file",
        problem: format!(
            "no thread can be started to watch it: {error}; raise the limit on threads"
        ),
    })
}
