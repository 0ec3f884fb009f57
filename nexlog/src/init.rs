//! [`init`]: a global logger in one call, set up by the environment.

use std::ffi::OsString;

use crate::{Builder, Color, Console, Error, File, Json, Level, Logfmt, Logger, Text, builder};

/// Installs a global logger for people: standard error, text, colours on a terminal, level info.
///
/// The environment changes that:
///
/// | variable | means |
/// | --- | --- |
/// | `NEXLOG`, else `RUST_LOG` | the filter: `info,my_app::db=debug` |
/// | `NEXLOG_LEVEL` | the level, when neither of those is set |
/// | `NEXLOG_COLOR` | `auto`, `always` or `never` |
/// | `NEXLOG_FILE` | write to this file instead, as JSON lines |
/// | `NEXLOG_FORMAT` | `text`, `json` or `logfmt` |
/// | `NEXLOG_CONFIG` | all is as this file says (feature `config`), and the others mean nothing |
///
/// `NO_COLOR`, `CLICOLOR_FORCE` and `TERM=dumb` are honoured.
///
/// # Errors
/// [`Error::AlreadyInstalled`]; [`Error::Option`] when a variable has a value that means
/// nothing; [`Error::File`] when a file cannot be opened; [`Error::Config`].
///
/// ```
/// fn main() -> Result<(), nexlog::Error> {
///     nexlog::init()?;
///     nexlog::info!("cache warmed", entries = 4096);
///     Ok(())
/// }
/// ```
pub fn init() -> Result<Logger, Error> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(path) = variable("NEXLOG_CONFIG") {
        #[cfg(feature = "config")]
        return crate::Config::read(path)?.install();
        #[cfg(not(feature = "config"))]
        return Err(without_feature(&path));
    }
    from_environment(variable)?.install()
}

#[cfg(not(feature = "config"))]
fn without_feature(path: &OsString) -> Error {
    let path = path.as_encoded_bytes().escape_ascii();
    let problem = format!("`{path}` cannot be read; build with the feature `config`");
    option("NEXLOG_CONFIG", problem)
}

fn from_environment(variable: impl Fn(&str) -> Option<OsString>) -> Result<Builder, Error> {
    let text = |name: &'static str| {
        let problem = |value: OsString| {
            let value = value.as_encoded_bytes().escape_ascii();
            option(name, format!("`{value}` is not UTF-8"))
        };
        variable(name).map(|value| value.into_string().map_err(problem)).transpose()
    };
    let mut logger = builder();
    if let Some(level) = text("NEXLOG_LEVEL")? {
        let problem = |e: crate::ParseLevelError| option("NEXLOG_LEVEL", format!("{e}, or off"));
        let off = level.eq_ignore_ascii_case("off");
        let level = if off { level } else { level.parse::<Level>().map_err(problem)?.to_string() };
        logger = logger.filter(level);
    }
    logger = logger.filter_env("NEXLOG");
    let word = |name: &'static str| text(name).map(|value| value.map(|it| it.to_ascii_lowercase()));
    let color = match word("NEXLOG_COLOR")?.as_deref() {
        None | Some("auto") => Color::Auto,
        Some("always") => Color::Always,
        Some("never") => Color::Never,
        Some(other) => return Err(unknown("NEXLOG_COLOR", other, "auto, always or never")),
    };
    let format = word("NEXLOG_FORMAT")?;
    let file = variable("NEXLOG_FILE");
    let name = format.as_deref().unwrap_or(if file.is_some() { "json" } else { "text" });
    let console = Console::stderr().color(color);
    Ok(match (name, file) {
        ("json", Some(path)) => logger.file(File::at(path).format(Json::new())),
        ("json", None) => logger.console(console.format(Json::new())),
        ("logfmt", Some(path)) => logger.file(File::at(path).format(Logfmt::new())),
        ("logfmt", None) => logger.console(console.format(Logfmt::new())),
        ("text", Some(path)) => logger.file(File::at(path).format(Text::compact())),
        ("text", None) => logger.console(console),
        (other, _) => return Err(unknown("NEXLOG_FORMAT", other, "text, json or logfmt")),
    })
}

fn unknown(name: &'static str, value: &str, remedy: &str) -> Error {
    option(name, format!("`{}` means nothing here; use {remedy}", value.escape_debug()))
}

fn option(option: &'static str, problem: String) -> Error {
    Error::Option { option, problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(pairs: &[(&str, &str)]) -> Result<(), String> {
        let find = |name: &str| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        };
        from_environment(find).map(|_| ()).map_err(|error| error.to_string())
    }

    #[test]
    fn every_documented_value_is_taken_and_others_name_the_variable() {
        for value in ["auto", "Always", "NEVER"] {
            assert_eq!(outcome(&[("NEXLOG_COLOR", value)]), Ok(()));
        }
        for value in ["text", "JSON", "Logfmt"] {
            assert_eq!(outcome(&[("NEXLOG_FORMAT", value)]), Ok(()));
        }
        for value in ["off", "WARN", "crit"] {
            assert_eq!(outcome(&[("NEXLOG_LEVEL", value)]), Ok(()));
        }
        for name in ["NEXLOG_COLOR", "NEXLOG_FORMAT", "NEXLOG_LEVEL"] {
            let error = outcome(&[(name, "purple")]).unwrap_err();
            assert!(error.contains(name) && error.contains("purple"), "{error}");
        }
    }
}
