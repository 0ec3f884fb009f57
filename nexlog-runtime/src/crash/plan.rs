//! The builder's part: before files are opened, after that, and a ring of its own.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::home::Home;
use super::replay::{Finds, Report, Target, format_key, settled_folder, settled_path};
use super::ring::{FilePlan, Ring, crash_error};
use crate::clock::ClockState;
use crate::error::Error;
use crate::lane::view::Common;
use crate::sink::output::{OpenOutput, Output};
use crate::site::known;
use crate::value::redact::Redaction;

/// How often others may be faster while a ring is made.
const ATTEMPTS: u32 = 8;

/// What a file of the logger is, once it is open.
struct Known {
    /// Which output it is.
    output: usize,
    path: PathBuf,
    mode: u32,
    is_mapped: bool,
}

/// The rings beside the files of a logger: those of dead processes, and its own.
pub(crate) struct Rings {
    files: Vec<Known>,
    finds: Vec<Finds>,
    /// Where the logger's own ring goes.
    home: Option<PathBuf>,
}

impl Rings {
    /// Looks for it beside each file, or in `dir`. The files are not open yet.
    pub(crate) fn of_files(outputs: &mut [Output], dir: Option<&Path>) -> Rings {
        outputs.iter_mut().for_each(|output| _ = output.settle_format());
        let files = outputs.iter_mut().enumerate();
        let files: Vec<(usize, &mut Output)> =
            files.filter(|(_, output)| output.file().is_some()).collect();
        let mut homes: Vec<PathBuf> = Vec::new();
        let (mut known, mut targets) = (Vec::new(), Vec::new());
        for (number, output) in files {
            let output = &*output;
            let (Some(file), Some(format)) = (output.file(), output.settled_format()) else {
                continue;
            };
            let home = Home::path_for(file.path(), dir);
            if !homes.contains(&home) {
                homes.push(home);
            }
            let path = settled_path(file.path());
            targets.push(Target { path: path.clone(), format });
            known.push(Known {
                output: number,
                path,
                mode: file.permissions(),
                is_mapped: file.is_mapped(),
            });
        }
        let finds = homes.iter().map(|home| Finds::look(home, &targets)).collect();
        for output in outputs {
            if let (Some(file), Some(home)) = (output.file_mut(), homes.first()) {
                file.set_rings(home.clone());
            }
        }
        Rings { files: known, finds, home: homes.into_iter().next() }
    }

    /// Has the files, which are open now, write what they lack. What this logger hides is hidden in
    /// that as well.
    pub(crate) fn replay(&mut self, opened: &mut [OpenOutput], redaction: &Redaction) -> Report {
        let mut report = Report::default();
        let finds = core::mem::take(&mut self.finds);
        for found in finds.into_iter().filter(|found| !found.is_empty()) {
            let places = |number: usize| {
                self.files.iter().find(|file| file.output == number).map(|file| file.path.clone())
            };
            let outputs = opened.iter_mut().enumerate();
            let mut outputs: Vec<(PathBuf, &mut OpenOutput)> =
                outputs.filter_map(|(number, output)| Some((places(number)?, output))).collect();
            found.replay(&mut outputs, redaction, &mut report);
        }
        report
    }

    /// The logger's own ring; `None` for a logger without files, and where there are none.
    pub(crate) fn ring(
        &self,
        opened: &mut [OpenOutput],
        (common, redaction): (&Common, &Redaction),
        clock: ClockState,
    ) -> Result<Option<Arc<Ring>>, Error> {
        let Some(home) = self.home.as_deref().filter(|_| cfg!(target_os = "linux")) else {
            return Ok(None);
        };
        let mut plans = Vec::with_capacity(self.files.len());
        for (number, file) in self.files.iter().enumerate() {
            let Some(output) = opened.get_mut(file.output) else { continue };
            output.file = Some(number);
            let path = settled_path(&file.path); // now that its folder is there
            let is_beside = path.parent() == Some(&*settled_folder(home.parent().unwrap_or(home)));
            plans.push(FilePlan {
                // So that the two may be moved together, and a copy is recovered into the copy.
                path: path.file_name().filter(|_| is_beside).map_or(path.clone(), PathBuf::from),
                mode: file.mode,
                is_mapped: file.is_mapped,
                leaves_out: output.volume.is_limited(),
                format: format_key(&*output.format),
                filter: output.filter.as_ref().map_or_else(String::new, ToString::to_string),
            });
        }
        let mut made = Err(io::Error::other("it was not tried"));
        for _ in 0..ATTEMPTS {
            made = Home::make(home)
                .and_then(|home| Ring::create(home, &plans, (common.as_bytes(), redaction), clock));
            // Others take away what seems to be left over: the empty folder, the unfinished file.
            let is_taken = |error: &io::Error| {
                matches!(error.kind(), ErrorKind::NotFound | ErrorKind::WouldBlock)
            };
            if !made.as_ref().is_err_and(is_taken) {
                break;
            }
        }
        let ring = Arc::new(made.map_err(|error| crash_error(home, "make", error))?);
        if !known::tell(&ring) {
            ring.finish();
            let why = io::Error::other("32 loggers of this process have one already");
            return Err(crash_error(home, "use", why));
        }
        Ok(Some(ring))
    }
}
