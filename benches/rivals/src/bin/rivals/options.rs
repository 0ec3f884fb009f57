//! The command line.

use std::path::PathBuf;

use rivals::Measure;

pub struct Options {
    /// Empty: all.
    measures: Vec<Measure>,
    /// Empty: all.
    only: Vec<String>,
    pub rounds: usize,
    /// Of a run of `throughput`.
    pub seconds: f64,
    pub folder: PathBuf,
}

impl Options {
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
        let shm = PathBuf::from("/dev/shm");
        let folder = if shm.is_dir() { shm } else { std::env::temp_dir() };
        let mut options =
            Options { measures: Vec::new(), only: Vec::new(), rounds: 5, seconds: 0.4, folder };
        while let Some(argument) = arguments.next() {
            let mut value =
                || arguments.next().ok_or_else(|| format!("{argument} needs a value behind it"));
            match argument.as_str() {
                "--only" => options.only = value()?.split(',').map(str::to_lowercase).collect(),
                "--rounds" => options.rounds = number(&value()?)?,
                "--seconds" => options.seconds = number(&value()?)?,
                "--folder" => options.folder = value()?.into(),
                name => options.measures.push(Measure::named(name).ok_or_else(|| {
                    let names: Vec<_> = Measure::ALL.iter().map(|m| m.name()).collect();
                    format!("there is no measurement {name}; there are: {}", names.join(", "))
                })?),
            }
        }
        if options.rounds == 0 {
            return Err("no round, no medians: use --rounds 1 or more".to_owned());
        }
        Ok(options)
    }

    pub fn wants(&self, measure: Measure) -> bool {
        self.measures.is_empty() || self.measures.contains(&measure)
    }

    /// Of a rival's program or of one of its entries.
    pub fn wants_rival(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| name.to_lowercase().contains(part))
    }

    /// Whether the page is to be written.
    pub fn is_everything(&self) -> bool {
        self.measures.is_empty() && self.only.is_empty()
    }
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("{text} is no number that can be used here"))
}
