//! A call site of ours for each of theirs.
//!
//! A statement of `log` or `tracing` gets a [`Site`] at its first record, leaked as statements
//! are static, and found again through a table that is read without a lock: buckets of lists
//! that only grow. What is leaked is bounded by the program's text: a target made at run time is
//! a value of the record once its statement has had [`MAX_TARGETS`] of them, and records that do
//! not say where they come from share one site beyond [`MAX_UNPLACED`].

use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::fmt::Write as _;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::error::DropReason;
use crate::lane::draft::Draft;
use crate::lane::memory::try_box;
use crate::lane::rendered::Rendered;
use crate::lane::thread::DepthMark;
use crate::pipeline::{early, state};
use crate::registry;
use crate::site::callsite::Site;
use crate::site::level::Level;
use crate::value::Value;

const BUCKETS: usize = 1024;

/// Something of theirs and our site for it.
pub(super) struct Known<K: 'static> {
    pub(super) key: K,
    pub(super) site: Site,
    next: OnceLock<&'static Known<K>>,
}

/// All that were seen.
pub(super) struct Table<K: 'static> {
    buckets: [OnceLock<&'static Known<K>>; BUCKETS],
    adding: Mutex<()>,
}

impl<K: 'static> Table<K> {
    pub(super) const fn new() -> Table<K> {
        Table { buckets: [const { OnceLock::new() }; BUCKETS], adding: Mutex::new(()) }
    }

    /// Those that may be the one with this hash.
    pub(super) fn candidates(
        &'static self,
        hash: usize,
    ) -> impl Iterator<Item = &'static Known<K>> {
        let first = self.buckets.get(hash % BUCKETS).and_then(OnceLock::get).copied();
        core::iter::successors(first, |known| known.next.get().copied())
    }

    /// Adds one, unless somebody else has added it meanwhile. `None` when there is no memory.
    #[cold]
    pub(super) fn add(
        &'static self,
        hash: usize,
        key: K,
        is_it: impl Fn(&K) -> bool,
        site: Site,
    ) -> Option<&'static Known<K>> {
        // Before the lock: the allocator may log.
        let made = try_box(Known { key, site, next: OnceLock::new() }).ok()?;
        let adding = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
        let mut last = self.buckets.get(hash % BUCKETS)?;
        while let Some(known) = last.get() {
            if is_it(&known.key) {
                drop(adding); // before what was made is freed
                return Some(known);
            }
            last = &known.next;
        }
        let known: &'static Known<K> = Box::leak(made);
        let _ = last.set(known); // free: all additions are behind this lock
        Some(known)
    }

    /// For a fork.
    pub(super) fn hold(&'static self, end: std::time::Instant) -> Option<Box<dyn core::any::Any>> {
        crate::pipeline::fork::hold(&self.adding, end)
    }
}

/// A description in the grammar of `SiteInfo::parse`.
pub(super) struct Description(String);

impl Description {
    /// With room for so many bytes of names in so many pieces. `None` when there is no memory.
    pub(super) fn new(target: &str, bytes: usize, pieces: usize) -> Option<Description> {
        let mut text = String::new();
        // A piece has a kind, a length of up to 20 digits and a colon, a message an `M` besides.
        text.try_reserve_exact(bytes + target.len() + 23 * (pieces + 2)).ok()?;
        let mut description = Description(text);
        description.netstr(target);
        Some(description)
    }

    fn netstr(&mut self, text: &str) {
        let _ = write!(self.0, "{}:", text.len());
        self.0.push_str(text);
    }

    #[cfg(feature = "tracing")]
    pub(super) fn frame(&mut self) {
        self.0.push('s');
    }

    #[cfg(feature = "tracing")]
    pub(super) fn field(&mut self, key: &str) {
        self.0.push('f');
        self.netstr(key);
    }

    pub(super) fn hidden(&mut self) {
        self.0.push_str("h0:");
    }

    pub(super) fn dynamic(&mut self) {
        self.0.push_str("d0:");
    }

    pub(super) fn message_is_slot(&mut self, slot: usize) {
        let _ = write!(self.0, "MS{slot};");
    }

    #[cfg(feature = "tracing")]
    pub(super) fn name(&mut self, name: &str) {
        self.0.push_str("ML");
        self.netstr(name);
    }

    /// The finished text, which stays for ever.
    pub(super) fn leak(mut self, module: &str, file: &str) -> &'static str {
        self.0.push('.');
        // The line ends the module.
        self.0.extend(module.chars().filter(|c| *c != '\n'));
        self.0.push('\n');
        self.0.push_str(file);
        self.0.leak()
    }
}

/// Targets that a statement may have before they become values of its records.
const MAX_TARGETS: usize = 8;
/// Sites of records that come from no source file that is known for good.
const MAX_UNPLACED: usize = 4096;

/// What `log` says of the statement that made a record.
#[derive(Clone, Copy)]
pub(super) struct Statement<'a> {
    pub(super) level: u8,
    /// Whether a map of further fields comes with the message.
    pub(super) has_fields: bool,
    pub(super) line: u32,
    pub(super) target: &'a str,
    pub(super) module: &'a str,
    pub(super) file: &'a str,
    /// Whether file and module are texts of the program.
    pub(super) is_static: bool,
}

/// The site of a record.
pub(super) enum Place {
    /// One of the statement's own.
    Own(&'static Site),
    /// One for several targets: the record says which.
    Shared(&'static Site),
    /// The one for all that have none. It takes a map of fields in any case.
    General(&'static Site),
}

impl Place {
    /// A record of it, if somebody wants one.
    pub(super) fn record(&self, level: Level, target: &str) -> Option<Making> {
        match *self {
            Place::Own(site) => {
                site.enabled().then(|| Rendered::begin(site)).flatten().map(Making::Own)
            }
            Place::Shared(site) | Place::General(site) => {
                registry::gate(site, level, Some(target), None)
                    .then(|| Making::Shared(Draft::begin(site, level, Some(target), None)))
            }
        }
    }

    /// Whether a map of fields is due in any case.
    pub(super) fn takes_fields(&self) -> bool {
        matches!(self, Place::General(_))
    }
}

/// A record being made.
pub(super) enum Making {
    /// Of a site of its own.
    Own(Rendered),
    /// With a target of its own.
    Shared(Draft<'static>),
}

impl Making {
    /// Adds the value of the next slot.
    pub(super) fn push(&mut self, name: &'static str, value: &dyn Value) {
        match self {
            Making::Own(record) => record.push_named(name, value),
            Making::Shared(record) => record.push_named(name, value),
        }
    }

    /// Puts the record where it belongs.
    pub(super) fn finish(self) {
        match self {
            Making::Own(record) => record.finish(),
            Making::Shared(record) => drop(record.finish()), // a loss is counted
        }
    }
}

/// A record is lost, as there is no memory for its site.
#[cold]
pub(super) fn count_loss() {
    match state::global() {
        Some(core) => core.count_drop(DropReason::NoMemory),
        None => early::count_drop(),
    }
}

static STATEMENTS: Table<Statement<'static>> = Table::new();
static UNPLACED: AtomicUsize = AtomicUsize::new(0);

/// The site of records beyond [`MAX_UNPLACED`].
static GENERAL: Site = Site::new(Site::RUN_TIME_LEVEL, 0, "0:h0:d0:MS0;.\n");

impl Statement<'_> {
    /// Equal for statements that differ in their targets alone.
    fn hash(&self) -> usize {
        let tail = |text: &str| {
            text.bytes().rev().take(8).fold(0, |sum: u64, byte| (sum << 8) | u64::from(byte))
        };
        let text = if self.is_static { self.file } else { self.target };
        let hash = (tail(text) ^ (text.len() as u64).rotate_left(48))
            .wrapping_add(u64::from(self.line) << 4 | u64::from(self.level))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        #[allow(clippy::cast_possible_truncation)] // 64-bit targets only
        let hash = (hash >> 40) as usize;
        hash
    }

    fn is_at(&self, other: &Statement<'_>) -> bool {
        (self.level, self.has_fields, self.line) == (other.level, other.has_fields, other.line)
            && is_same(self.file, other.file)
            && is_same(self.module, other.module)
    }

    /// The site of its records. `None` when there is no memory.
    pub(super) fn place(&self) -> Option<Place> {
        let hash = self.hash();
        let (mut first, mut targets) = (None, 0);
        for known in STATEMENTS.candidates(hash).filter(|known| known.key.is_at(self)) {
            if is_same(known.key.target, self.target) {
                return Some(Place::Own(&known.site));
            }
            first = first.or(Some(known));
            targets += 1;
        }
        match first {
            // Statements without a place of their own are no statements: they are bounded below.
            Some(known) if self.is_static && targets >= MAX_TARGETS => {
                Some(Place::Shared(&known.site))
            }
            _ if !self.is_static && UNPLACED.fetch_add(1, Relaxed) >= MAX_UNPLACED => {
                UNPLACED.fetch_sub(1, Relaxed);
                Some(Place::General(&GENERAL))
            }
            // The grammar has no place for such a module.
            None if self.module.contains('\n') => Some(Place::General(&GENERAL)),
            _ => self.add(hash).map(Place::Own),
        }
    }

    #[cold]
    fn add(&self, hash: usize) -> Option<&'static Site> {
        let _depth = DepthMark::set()?; // an allocator that logs asks again and again
        let bytes = self.module.len() + self.file.len();
        let mut description = Description::new(self.target, bytes, 3)?;
        description.hidden();
        if self.has_fields {
            description.dynamic();
        }
        description.message_is_slot(0);
        let description = description.leak(self.module, self.file);
        // The texts out of the description, which stays.
        let start = description.find(':').map_or(0, |colon| colon + 1);
        let target = description.get(start..start + self.target.len()).unwrap_or("");
        let file = description.get(description.len() - self.file.len()..).unwrap_or("");
        let module_end = description.len() - self.file.len() - 1;
        let module = description.get(module_end - self.module.len()..module_end).unwrap_or("");
        let key = Statement { target, module, file, ..*self };
        let is_it = |key: &Statement<'static>| key.is_at(self) && key.target == self.target;
        let site = Site::new(self.level, self.line, description);
        STATEMENTS.add(hash, key, is_it, site).map(|known| &known.site)
    }
}

/// Texts of the program are mostly the same ones.
fn is_same(one: &str, other: &str) -> bool {
    ptr::eq(one, other) || one == other
}

/// For a fork.
pub(super) fn hold(end: std::time::Instant) -> Option<Box<dyn core::any::Any>> {
    STATEMENTS.hold(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(target: &str, line: u32, is_static: bool) -> Statement<'_> {
        Statement {
            level: 2,
            has_fields: true,
            line,
            target,
            module: "shop::pay",
            file: "src/pay.rs",
            is_static,
        }
    }

    fn own(statement: &Statement<'_>) -> &'static Site {
        match statement.place() {
            Some(Place::Own(site)) => site,
            _ => panic!("a site of its own"),
        }
    }

    #[test]
    fn a_statement_keeps_its_site_and_its_place() {
        let first = own(&statement("db", 7, true));
        assert!(ptr::eq(first, own(&statement("db", 7, true))));
        assert!(!ptr::eq(first, own(&statement("db", 8, true))));
        let info = first.info();
        assert_eq!((info.target, info.module, info.file), ("db", "shop::pay", "src/pay.rs"));
        assert_eq!((info.line, info.slots.len(), info.has_dynamic), (7, 2, true));
    }

    #[test]
    fn targets_made_at_run_time_leak_a_few_sites_only() {
        let place = |number: usize| statement(&format!("connection {number}"), 9, true).place();
        let shared =
            (0..1000).filter(|number| matches!(place(*number), Some(Place::Shared(_)))).count();
        assert_eq!(shared, 1000 - MAX_TARGETS);
    }

    #[test]
    fn records_from_nowhere_leak_a_bounded_number_of_sites() {
        let place = |number: usize| statement(&format!("nowhere {number}"), 0, false).place();
        let general = (0..MAX_UNPLACED + 500)
            .filter(|number| matches!(place(*number), Some(Place::General(_))))
            .count();
        assert_eq!(general, 500);
        assert!(matches!(place(3), Some(Place::Own(_))), "what is known stays known");
    }
}
