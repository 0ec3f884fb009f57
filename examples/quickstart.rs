//! The main job: walk a folder and log one typed record for each file, with warnings for what
//! cannot be read, to the console and to a file of JSON lines; then read the file back and count.
//!
//! ```text
//! cargo run --release --example quickstart -- /usr/share
//! ```

use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, error::Error, fs};

use nexlog::{Console, File, Mode, info, warn};

fn main() -> ExitCode {
    let folder = env::args_os().nth(1).map_or_else(|| PathBuf::from("."), PathBuf::from);
    match run(&folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            let _ = writeln!(io::stderr(), "quickstart: {error}{cause}");
            ExitCode::FAILURE
        }
    }
}

fn run(folder: &Path) -> Result<(), Box<dyn Error>> {
    if !folder.is_dir() {
        let folder = folder.display();
        return Err(format!("`{folder}` is not a folder; name one, or none for this one").into());
    }
    // A name of its own, so that what is counted below is this run's.
    let log = env::temp_dir().join(format!("nexlog-quickstart-{}.jsonl", std::process::id()));
    let logger = nexlog::builder()
        .console(Console::stderr())
        .file(File::at(&log))
        .mode(Mode::Background)
        .install()?;

    let began = Instant::now();
    walk(folder);
    logger.flush(Duration::from_secs(60))?;
    let took = began.elapsed();

    let (records, bytes) = read_back(&log)?;
    #[allow(clippy::cast_precision_loss)] // it is rounded anyway
    let rate = records as f64 / took.as_secs_f64();
    let mut out = io::stdout().lock();
    writeln!(out, "{records} records, {bytes} bytes in {took:.3?}: {rate:.0} records a second")?;
    writeln!(out, "{}", log.display())?;
    Ok(())
}

/// One record for each file. Links are not followed, so a loop of them is no loop here.
fn walk(folder: &Path) {
    let mut progress = Progress::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                warn!("cannot read the folder", path = folder, error = err(&error));
                continue;
            }
        };
        for entry in entries {
            match entry.and_then(|entry| visit(&entry)) {
                Ok(Some(subfolder)) => folders.push(subfolder),
                Ok(None) => progress.step(),
                Err(error) => warn!("cannot read an entry", path = folder, error = err(&error)),
            }
        }
    }
    progress.clear();
}

/// Logs a file; gives a folder back.
fn visit(entry: &fs::DirEntry) -> io::Result<Option<PathBuf>> {
    let path = entry.path();
    let began = Instant::now();
    let metadata = entry.metadata()?;
    let took = began.elapsed();
    if metadata.is_dir() {
        return Ok(Some(path));
    }
    let modified = metadata.modified().ok();
    info!("file", path, bytes = metadata.len(), modified, took);
    Ok(None)
}

/// A line on a terminal that shows how far a long walk is.
struct Progress {
    files: u64,
    /// When to show it next; `None` when there is no terminal.
    next: Option<Instant>,
}

impl Progress {
    const EVERY: Duration = Duration::from_millis(200);

    fn new() -> Progress {
        let next = io::stderr().is_terminal().then(|| Instant::now() + Progress::EVERY);
        Progress { files: 0, next }
    }

    fn step(&mut self) {
        self.files += 1;
        let now = Instant::now();
        if self.next.is_some_and(|next| now >= next) {
            self.next = Some(now + Progress::EVERY);
            // Ends with a return and no newline: the next record, always longer, is written over it.
            let _ = write!(io::stderr(), "{} files\r", self.files);
        }
    }

    fn clear(&self) {
        if self.next.is_some() {
            let _ = write!(io::stderr(), "{:30}\r", "");
        }
    }
}

/// How many lines and bytes the log has.
fn read_back(log: &Path) -> io::Result<(u64, u64)> {
    let (mut records, mut bytes) = (0, 0);
    for line in BufReader::new(fs::File::open(log)?).split(b'\n') {
        records += 1;
        bytes += line?.len() as u64 + 1;
    }
    Ok((records, bytes))
}
