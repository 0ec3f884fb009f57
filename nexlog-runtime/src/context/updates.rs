//! Spans whose fields change while they are on, as those of `tracing` do (`Span::record`).
//!
//! A frame never changes. What a span was given later lies in a table beside it, by the frame's
//! number, and becomes fields of records by a frame more: a *patch*, which has the later values of
//! all spans around the place where a thread is, and stands in for the innermost frame until that
//! is left. A key that something further in has itself is left out of it, so the innermost wins
//! as always.
//!
//! [`refresh`] makes the patch. The bridge calls it wherever a thread enters, leaves, records or
//! makes a record by `tracing`. Where no span was updated it is one load. What another thread
//! updates is seen at the next of these.
//!
//! | word | written by | order | pairs with |
//! | --- | --- | --- | --- |
//! | `Frame::is_updated` | `update`, behind the table's lock | `Release` | `later_fields`' load |
//! | `CHANGES` | `update`, `forget`, after the table | `Release` | `refresh`'s load |

use core::any::Any;
use core::cell::{Cell, RefCell};
use core::mem;
use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::{Acquire, Release};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::chain::FrameRef;
use super::frame::{Frame, own};
use super::make::{FieldSet, FrameDraft};
use super::span::Span;
use super::{Context, stack};
use crate::site::callsite::Site;
use crate::value::view::ValueRef;
use crate::value::{Fields, FieldsWriter, Splice};

/// The site of patches, and of what lies in the table.
static PATCH: Site = Site::new(
    Site::RUN_TIME_LEVEL,
    line!(),
    concat!("6:nexlogsd0:.", module_path!(), "\n", file!()),
);

/// What spans were given later, by their frames' numbers. Taken for few instructions, by threads
/// that have an updated span around them.
type Table = HashMap<u64, FieldSet>;

static SHARDS: [Mutex<Option<Table>>; 16] = [const { Mutex::new(None) }; 16];

/// How often a table changed; 0 when nothing was ever updated.
static CHANGES: AtomicU64 = AtomicU64::new(0);

/// A frame in place of another.
struct Patch {
    /// What was entered last where it holds.
    number: u64,
    /// What it stands in for.
    base: Context,
    /// Kept alive until the place is left.
    frame: Context,
    /// `CHANGES` when it was made.
    changes: u64,
}

/// A thread's patches, outermost first.
struct Patches(Vec<Patch>);

impl Drop for Patches {
    fn drop(&mut self) {
        // The thread ends inside of spans: their guards, which lie in other thread-locals, may
        // still put back what is here.
        mem::forget(mem::take(&mut self.0));
    }
}

thread_local! {
    static PATCHES: RefCell<Patches> = const { RefCell::new(Patches(Vec::new())) };
    /// How many there are: read without the list.
    static COUNT: Cell<usize> = const { Cell::new(0) };
    /// Where this thread last found nothing to patch: what was entered last, and `CHANGES`.
    static CLEAN: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

fn shard(number: u64) -> MutexGuard<'static, Option<Table>> {
    #[allow(clippy::cast_possible_truncation)] // less than 16
    let shard = &SHARDS[(number % 16) as usize];
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// For a fork.
pub(crate) fn hold(end: Instant) -> impl Iterator<Item = Option<Box<dyn Any>>> {
    SHARDS.iter().map(move |shard| crate::pipeline::fork::hold(shard, end))
}

fn later_values(number: u64) -> Option<FieldSet> {
    shard(number).as_ref()?.get(&number).cloned()
}

/// Old values and new ones; of a key that both have the new one.
struct Merged<'a> {
    old: Option<FieldSet>,
    new: &'a FieldSet,
}

impl Fields for Merged<'_> {
    fn record_fields(&self, out: &mut FieldsWriter<'_>) {
        for (key, value) in self.old.iter().flat_map(FieldSet::fields) {
            if !self.new.fields().any(|(other, _)| other == key) {
                out.field(key, &value);
            }
        }
        self.new.fields().for_each(|(key, value)| out.field(key, &value));
    }
}

fn set_of(fields: &dyn Fields) -> FieldSet {
    let mut draft = FrameDraft::begin(&PATCH);
    draft.push(&Splice(fields));
    draft.finish().fields()
}

/// Gives a span other values for some of its fields, from now on.
pub(crate) fn update(span: &Span, fields: &dyn Fields) {
    // SAFETY: the span's reference keeps it alive.
    let Some(frame) = (unsafe { span.frame().as_ref() }) else { return };
    let new = set_of(fields); // runs user code: without the lock
    loop {
        let old = later_values(frame.id);
        let replaced = old.as_ref().map(FieldSet::number);
        let merged = set_of(&Merged { old, new: &new });
        let mut table = shard(frame.id);
        let table = table.get_or_insert_with(HashMap::new);
        // Somebody else may have updated it meanwhile.
        if table.get(&frame.id).map(FieldSet::number) == replaced {
            table.insert(frame.id, merged);
            frame.is_updated.store(true, Release);
            break;
        }
    }
    CHANGES.fetch_add(1, Release);
    refresh();
}

/// The span that is innermost in `context` is over: nobody asks for its values any more.
pub(crate) fn forget(context: &Context) {
    // SAFETY: the context's reference keeps it alive.
    let Some(frame) = (unsafe { context.frame().as_ref() }) else { return };
    if frame.is_updated.load(Acquire) {
        let values = shard(frame.id).as_mut().and_then(|table| table.remove(&frame.id));
        drop(values); // without the lock
        CHANGES.fetch_add(1, Release);
    }
}

/// Sees to it that records which this thread makes now have what the spans around were given
/// later. Cheap where no span was ever updated.
pub(crate) fn refresh() {
    let changes = CHANGES.load(Acquire); // pairs with the additions
    if changes == 0 && COUNT.get() == 0 {
        return;
    }
    let number = stack::number();
    if CLEAN.get() == (number, changes) {
        return;
    }
    let current = with_patches(|patches| {
        let left = patches.0.iter().rposition(|patch| patch.number <= number).map_or(0, |i| i + 1);
        let over = patches.0.split_off(left);
        COUNT.set(patches.0.len());
        let here = patches.0.last().filter(|patch| patch.number == number);
        (over, here.map(|patch| (patch.base.clone(), patch.changes)))
    });
    let Some((over, here)) = current else { return };
    drop(over);
    let is_patched = here.is_some();
    let base = match here {
        Some((_, made)) if made == changes => return,
        Some((base, _)) => base,
        None => Context::current(),
    };
    let frame = match later_fields(&base) {
        Some(later) => patched(&base, &later),
        None if is_patched => base.clone(),
        None => return CLEAN.set((number, changes)),
    };
    if stack::number() == number {
        put(Patch { number, base, frame, changes });
    }
}

/// Runs without the thread's list where it is in use, which only an allocator that logs can find.
fn with_patches<R>(run: impl FnOnce(&mut Patches) -> R) -> Option<R> {
    PATCHES.try_with(|patches| patches.try_borrow_mut().ok().map(|mut all| run(&mut all))).ok()?
}

/// Puts a patch in force.
fn put(patch: Patch) {
    let number = patch.number;
    let before = with_patches(|patches| {
        let frame = patch.frame.frame();
        let before = patches.0.pop_if(|last| last.number == number);
        patches.0.push(patch);
        COUNT.set(patches.0.len());
        // SAFETY: the list keeps it alive until the place it is for has been left (`refresh`
        // takes out those whose number is above the innermost, which can never be put back), or
        // it is replaced here. Whoever reads what is innermost while users' code runs holds it.
        unsafe { stack::replace(frame) };
        before
    });
    drop(before);
}

/// The values that the spans around this were given later, but for those whose key something
/// further in has. `None` when there are none.
fn later_fields(base: &Context) -> Option<FieldSet> {
    let mut next = base.frame();
    let mut found: Option<FieldSet> = None;
    // SAFETY: `base` keeps the first alive, and each owns the next.
    while let Some(frame) = unsafe { next.as_ref() } {
        if frame.is_updated.load(Acquire)
            && let Some(later) = later_values(frame.id)
        {
            let visible = Visible { base, frame, later: &later, inner: found.as_ref() };
            found = Some(set_of(&visible));
        }
        next = frame.parent();
    }
    found
}

/// Of a span's later values those that nothing further in hides.
struct Visible<'a> {
    base: &'a Context,
    frame: &'a Frame,
    later: &'a FieldSet,
    /// What was found further in.
    inner: Option<&'a FieldSet>,
}

impl Fields for Visible<'_> {
    fn record_fields(&self, out: &mut FieldsWriter<'_>) {
        let inside = || self.base.frames().take_while(|inner| inner.id != self.frame.id);
        // What an earlier patch says is in the table, or is said anew.
        let is_hidden = |key: &str| {
            let of_frame = |frame: FrameRef<'_>| {
                !core::ptr::eq(frame.site, PATCH.info()) && frame.field(key).is_some()
            };
            inside().any(of_frame)
                || self.inner.iter().flat_map(|set| set.fields()).any(|(other, _)| other == key)
        };
        let visible = self.later.fields().filter(|(key, _)| !is_hidden(key));
        let inner = self.inner.iter().flat_map(|set| set.fields());
        let all: Vec<(&str, ValueRef<'_>)> = visible.chain(inner).collect();
        all.into_iter().for_each(|(key, value)| out.field(key, &value));
    }
}

fn patched(base: &Context, later: &FieldSet) -> Context {
    let mut draft = FrameDraft::begin(&PATCH);
    draft.push(&Splice(later));
    base.clone().with_made(draft.finish())
}

impl Span {
    /// What is in force inside of it.
    pub(crate) fn as_context(&self) -> Context {
        // SAFETY: our reference keeps it alive, and it is owned.
        Context::of_owned(unsafe { own(self.frame()) })
    }
}
