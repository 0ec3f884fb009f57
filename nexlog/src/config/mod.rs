//! [`Config`]: a logger described in a file (feature `config`).
//!
//! `model` is what the file may say, `format` and `values` how formats and single values are
//! written, `apply` brings the model to a builder, `problem` finds the line and key of what is wrong.

mod apply;
mod format;
mod model;
mod problem;
mod values;

use core::fmt;
use std::path::{Path, PathBuf};

use self::model::Model;
use crate::{Builder, Error, Logger};

/// A logger as a TOML file describes it: the builder's options, by the builder's names.
///
/// ```toml
/// filter = "info,my_app::db=debug"
/// filter_env = "NEXLOG"              # when it is set, it replaces the line above
/// watch = true                       # a change of the filter takes effect at once
/// mode = "background"                # immediate, buffered
/// flush_interval = "100ms"
/// hostname = true
///
/// [field]                            # on every record
/// service = "shop"
///
/// [console]                          # [[console]] for several
/// stream = "stderr"
/// level = "warn"
///
/// [[file]]
/// path = "logs/app.log"
/// format = "json"                    # or [file.format.json] with options
/// rotate = { size = "10 MiB", every = "day" }
/// keep = { files = 5, total = "1 GiB", max_age = "30 days" }
/// ```
///
/// Sizes are bytes or texts (`"10 MiB"`, `"10 MB"`), times are texts (`"100ms"`, `"30 days"`). A
/// key that means nothing is an error, as is a value that does not fit; it says the line and the
/// key. With `watch = true` the file is read again within a second of a change, and its `filter`
/// takes effect; a file with a mistake is told on standard error and changes nothing. All else
/// waits for the next start. What can only be said in code (sinks of one's own, `on_error`, `allocator`) is added to
/// the [`builder`](Config::builder).
///
/// ```
/// use nexlog::Config;
///
/// let config = Config::parse("mode = 'buffered'\n[console]\nlevel = 'error'", "nexlog.toml")?;
/// let logger = config.builder().field("version", "1.2").build()?;
/// assert!(config.to_string().contains(r#"flush_interval = "100ms""#));
///
/// let error = Config::parse("[console]\nlevle = 'error'", "nexlog.toml").unwrap_err();
/// assert!(error.to_string().starts_with("`nexlog.toml`, line 2, key `console.levle`: unknown"));
/// # Ok::<(), nexlog::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    path: PathBuf,
    text: String,
    model: Model,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::File`] when it cannot be read, [`Error::Config`] when it says something that means
    /// nothing.
    pub fn read(path: impl AsRef<Path>) -> Result<Config, Error> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|source| Error::File {
            path: path.to_owned(),
            attempted: "read the configuration",
            source,
            remedy: "state a file of TOML that this user may read",
        })?;
        Config::parse(&text, path)
    }

    /// Takes the text of a file; `path` is what errors call it.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn parse(text: &str, path: impl AsRef<Path>) -> Result<Config, Error> {
        let path = path.as_ref().to_owned();
        match toml::from_str::<Model>(text) {
            Ok(model) if model.watch && model.filter_file.is_some() => {
                let problem =
                    "one file says the filter: leave this or `filter_file` out".to_owned();
                Err(problem::of_option(Error::Option { option: "watch", problem }, text, &path))
            }
            Ok(model) => Ok(Config { path, text: text.to_owned(), model }),
            Err(error) => Err(problem::of(&error, text, path)),
        }
    }

    /// A builder with all that the file says.
    pub fn builder(&self) -> Builder {
        let builder = apply::to(crate::builder(), &self.model);
        if !self.model.watch {
            return builder;
        }
        let path = self.path.clone();
        builder.filter_within(&self.path, move |text| {
            Ok(Config::parse(text, &path)?.model.filter_now())
        })
    }

    /// The same as `self.builder().install()`, with the line and key in errors about options.
    ///
    /// # Errors
    /// Those of [`Builder::install`], and [`Error::Config`] for its [`Error::Option`].
    pub fn install(&self) -> Result<Logger, Error> {
        let located = |error| problem::of_option(error, &self.text, &self.path);
        self.builder().install().map_err(located)
    }

    /// The same as `self.builder().build()`, with the line and key in errors about options.
    ///
    /// # Errors
    /// Those of [`Builder::build`], and [`Error::Config`] for its [`Error::Option`].
    pub fn build(&self) -> Result<Logger, Error> {
        let located = |error| problem::of_option(error, &self.text, &self.path);
        self.builder().build().map_err(located)
    }

    /// Where it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The whole configuration as it is in effect, defaults included, in TOML that can be read again.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&toml::to_string(&self.model).map_err(|_| fmt::Error)?)
    }
}
