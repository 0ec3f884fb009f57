//! The records that a logger makes about itself.
//!
//! They have call sites like any other record, with target `nexlog`, are not filtered, and are
//! counted in `Stats::own` alone.

use core::sync::atomic::Ordering::Relaxed;
use std::sync::Arc;
use std::time::Duration;

use super::state::Core;
use super::stats::{DroppedBy, Stats};
use crate::crash::Recovered;
use crate::lane::draft::{Draft, offered_image, own_image, own_image_like};
use crate::lane::images::Images;
use crate::lane::memory::{Allocator, PROGRAM};
use crate::site::callsite::{Site, SiteInfo};
use crate::site::level::Level;
use crate::value::{Fields, FieldsWriter, Splice, Value};

macro_rules! own_site {
    ($name:ident, $level:ident, $description:literal) => {
        static $name: Site = Site::new(
            Level::$level as u8,
            line!(),
            concat!($description, ".", module_path!(), "\n", file!()),
        );
    };
}

own_site!(DROPPED, Warn, "6:nexlogf7:droppedd0:ML15:records dropped");
own_site!(SINK_LOST, Warn, "6:nexlogf4:sinkf7:droppedML20:records lost by sink");
own_site!(
    RECOVERED,
    Warn,
    "6:nexlogf9:recoveredf7:processf7:startedf7:damagedML41:records of a killed process are recovered"
);
own_site!(
    REPORT,
    Info,
    "6:nexlogf8:acceptedf7:writtenf7:droppedf5:bytesf6:errorsf8:intervalf6:healthML13:logger report"
);
own_site!(
    PANICKED,
    Error,
    "6:nexlogf4:typef6:targetf4:filef4:lineML42:a value panicked while it was being logged"
);

own_site!(SUPPRESSED, Info, "6:nexlogf10:suppressedf11:site_targetf4:siteML18:records suppressed");
own_site!(SAMPLED_OUT, Info, "6:nexlogf4:sinkf11:sampled_outML19:records sampled out");

/// Its level and target are those of the record that came again.
static REPEATED: Site = Site::new(
    Site::RUN_TIME_LEVEL,
    line!(),
    concat!(
        "6:nexlogf8:repeatedML22:last message repeated S0;L6: times.",
        module_path!(),
        "\n",
        file!()
    ),
);

impl Fields for DroppedBy {
    fn record_fields(&self, out: &mut FieldsWriter<'_>) {
        for (reason, records) in self.iter() {
            out.field(reason.as_str(), &records);
        }
    }
}

/// How many records were dropped at the callers, and why.
pub(crate) fn dropped(new: &DroppedBy, allocator: Allocator) -> Option<Images> {
    own_image(&DROPPED, allocator, &[&new.total(), &Splice(new)])
}

/// How many records a sink has lost, for that sink alone.
pub(crate) fn sink_lost(name: &str, lost: u64) -> Option<Images> {
    own_image(&SINK_LOST, &PROGRAM, &[&name, &lost])
}

/// What happened since the last report, which had told `before`. For those sinks that want it.
pub(crate) fn report(
    now: &Stats,
    before: &Stats,
    interval: Duration,
    health: &str,
) -> Option<Images> {
    let values: [&dyn Value; 7] = [
        &now.accepted.saturating_sub(before.accepted),
        &now.written.saturating_sub(before.written),
        &now.dropped.saturating_sub(before.dropped),
        &now.bytes.saturating_sub(before.bytes),
        &now.errors.saturating_sub(before.errors),
        &interval,
        &health,
    ];
    offered_image(&REPORT, &values)
}

/// How many records the options of a call site have suppressed since a record of its own told.
pub(crate) fn suppressed(site: &'static Site, suppressed: u64, to: Allocator) -> Option<Images> {
    let info = SiteInfo::brief(site);
    own_image(
        &SUPPRESSED,
        to,
        &[&suppressed, &info.target, &format_args!("{}:{}", info.file, info.line)],
    )
}

/// How many records a sink was not given, for that sink alone.
pub(crate) fn sampled_out(name: &str, records: u64) -> Option<Images> {
    own_image(&SAMPLED_OUT, &PROGRAM, &[&name, &records])
}

/// How often a record came again, for a sink alone.
pub(crate) fn repeated(times: u64, like: (Level, &str, u64)) -> Option<Images> {
    own_image_like(&REPEATED, like, &PROGRAM, &[&times])
}

/// What a dead process had left.
pub(crate) fn recovered(process: &Recovered, allocator: Allocator) -> Option<Images> {
    let damaged = (process.damaged > 0).then_some(process.damaged);
    let values: [&dyn Value; 4] = [&process.records, &process.process, &process.started, &damaged];
    own_image(&RECOVERED, allocator, &values)
}

/// The user's type out of the name of what the macros wrapped it in: `&Display<'_, T>`.
fn plain_type(name: &str) -> &str {
    let name = name.trim_start_matches('&');
    let wrapped = name.strip_prefix("nexlog_runtime::value::capture::");
    let inner = wrapped.and_then(|rest| rest.strip_suffix('>')?.split_once('<'));
    let inner = inner.map(|(_, arguments)| arguments.strip_prefix("'_, ").unwrap_or(arguments));
    inner.unwrap_or(name).trim_start_matches('&')
}

/// In place of a record whose value panicked.
#[cold]
pub(crate) fn value_panicked(core: &Arc<Core>, site: &'static Site, value_type: &str) {
    let info = SiteInfo::brief(site);
    let mut draft = Draft::own(&PANICKED, core);
    draft.push(plain_type(value_type));
    draft.push(info.target);
    draft.push(info.file);
    draft.push(&info.line);
    if draft.finish().is_err() {
        core.counts.untold_panics.fetch_add(1, Relaxed);
    }
}
