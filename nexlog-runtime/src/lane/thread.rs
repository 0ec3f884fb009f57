//! What a thread remembers: its lanes, its scratch, and how deep it is.
//!
//! The hot path reads one constant-initialised pointer without a destructor, [`PRODUCER`]: the
//! global logger's lane of this thread, or `NOBODY`, whose lack of room sends the call the long
//! way. Everything else is in [`HOME`], which has a destructor: it gives the lanes back when
//! the thread ends. Records made after that (in other thread-local destructors) find no home
//! and are written directly, under the pipeline mutex.

use core::cell::{Cell, RefCell};
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::Arc;

use super::ring::{Lane, Nobody, Producer};
use crate::buffer::Buffer;
use crate::pipeline::state::Core;
use crate::testing::tap;
use crate::value::Image;
use crate::value::wire::{HEADER_BYTES, Header, Kind, padded};

/// How deep calls may nest: a `Display` that logs a value whose `Display` logs, and so on.
pub(crate) const MAX_DEPTH: u32 = 4;
/// A marker at most: longer names of threads are cut.
const MAX_MARKER_BYTES: usize = 256;
/// Scratch kept between calls; what a rare large record took beyond is given back.
pub(super) const KEPT_SCRATCH_BYTES: usize = 64 << 10;

thread_local! {
    /// This thread's lane of the global logger.
    static PRODUCER: Cell<*const Producer> = const { Cell::new(Nobody::get()) };
    /// How many drafts are open.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static PASSES: Cell<Passes> = const { Cell::new(Passes::NONE) };
    static ID: Cell<u64> = const { Cell::new(0) };
    /// Whether this thread is in the middle of a fork, and so has every lock of ours.
    static FORKS: Cell<bool> = const { Cell::new(false) };
    /// What `PRODUCER` is after that.
    static KEPT: Cell<*const Producer> = const { Cell::new(Nobody::get()) };
    static HOME: RefCell<Home> = const { RefCell::new(Home { attachments: Vec::new() }) };
}

/// This thread's place in the global logger.
#[inline(always)]
pub(crate) fn producer() -> *const Producer {
    PRODUCER.get()
}

/// The same as a lane, if there is one.
pub(crate) fn lane() -> Option<&'static Lane> {
    // SAFETY: `NOBODY` or the producer of a lane of the global logger, which is never dropped.
    unsafe { (*producer()).lane() }
}

/// A small number for this thread, from 1 in the order of first records.
pub(crate) fn id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    if ID.get() == 0 {
        ID.set(NEXT.fetch_add(1, Relaxed));
    }
    ID.get()
}

/// The loggers whose pipeline mutexes this thread holds, innermost last: a sink may log to
/// another logger.
#[derive(Clone, Copy)]
struct Passes {
    cores: [*const Core; Passes::MAX],
    count: usize,
}

impl Passes {
    const MAX: usize = 4;
    const NONE: Passes = Passes { cores: [core::ptr::null(); Passes::MAX], count: 0 };
}

/// Where this thread is, seen from one logger.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    /// In no pass.
    Outside,
    /// In a pass of another logger: it must not wait without end, as the other's sink may be
    /// waiting for us.
    Elsewhere,
    /// In a pass of this logger (or too deep in others'): it must not start another one.
    Inside,
}

/// Whether this thread is in the middle of a fork: what it logs must take no lock.
pub(crate) fn is_forking() -> bool {
    FORKS.get()
}

/// It is from now on, or no more. Meanwhile the short way is closed: a lane may be the parent's.
pub(crate) fn set_forking(is_forking: bool) {
    if is_forking != FORKS.replace(is_forking) {
        PRODUCER.set(KEPT.replace(PRODUCER.get()));
    }
}

/// What this thread logs goes the long way, until it sits down where nobody listens.
pub(crate) fn close_short_way() {
    if !is_forking() {
        PRODUCER.set(Nobody::get());
    }
}

/// This thread's number and name.
pub(crate) fn this() -> (u64, String) {
    let current = HOME.try_with(|_| std::thread::current()).ok();
    let name = current.as_ref().and_then(std::thread::Thread::name).unwrap_or("");
    (id(), name.to_owned())
}

/// The number of this thread's lane of that logger.
pub(crate) fn lane_number(core: &Arc<Core>) -> Option<usize> {
    with_home(|home| {
        let attachment = home.attachments.iter().find(|a| Arc::ptr_eq(&a.core, core))?;
        // SAFETY: `core` is alive, and with it the lane.
        Some(unsafe { &*attachment.lane }.number())
    })
}

/// Where this thread is.
pub(crate) fn pass_of(core: *const Core) -> Pass {
    let passes = PASSES.get();
    let Some(held) = passes.cores.get(..passes.count) else { return Pass::Inside };
    match held.len() {
        _ if is_forking() => Pass::Inside,
        0 => Pass::Outside,
        Passes::MAX => Pass::Inside,
        _ if held.contains(&core) => Pass::Inside,
        _ => Pass::Elsewhere,
    }
}

/// Marks this thread as inside a pass of a logger until dropped. Marks end in reverse order.
pub(crate) struct PassMark(());

impl PassMark {
    /// Only when `pass_of` is not `Inside`.
    pub(crate) fn set(core: *const Core) -> PassMark {
        let mut passes = PASSES.get();
        if let Some(place) = passes.cores.get_mut(passes.count) {
            *place = core;
        }
        passes.count += 1;
        PASSES.set(passes);
        PassMark(())
    }
}

impl Drop for PassMark {
    fn drop(&mut self) {
        let mut passes = PASSES.get();
        passes.count = passes.count.saturating_sub(1);
        PASSES.set(passes);
    }
}

/// Counts an open draft until dropped; `None` when there are too many.
pub(crate) struct DepthMark(());

impl DepthMark {
    pub(crate) fn set() -> Option<DepthMark> {
        let depth = DEPTH.get();
        (depth < MAX_DEPTH).then(|| {
            DEPTH.set(depth + 1);
            DepthMark(())
        })
    }
}

impl Drop for DepthMark {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get().saturating_sub(1));
    }
}

/// This thread's part in one logger.
struct Attachment {
    core: Arc<Core>,
    /// In `core`'s list, so it lives as long as `core`.
    lane: *const Lane,
    /// One for each depth; `None` while somebody renders in it.
    scratch: [Option<Buffer>; MAX_DEPTH as usize],
}

/// All loggers this thread has logged to.
struct Home {
    attachments: Vec<Attachment>,
}

/// A lane to write to and scratch to render in.
pub(crate) struct Seat<'a> {
    /// `None`: no memory, or the thread is ending; the record goes the direct way.
    pub(crate) lane: Option<&'a Lane>,
    pub(crate) scratch: Buffer,
}

/// This thread's seat at `core`. No user code runs in here but a logging allocator, which finds
/// the home taken and gets a seat without a lane.
pub(crate) fn sit(core: &Arc<Core>) -> Seat<'_> {
    let seat = with_home(|home| {
        let attachment = home.attach(core)?;
        // SAFETY: the lane is in `core`'s list and `core` is borrowed for `'_`.
        let lane = unsafe { &*attachment.lane };
        let scratch = attachment.scratch.iter_mut().find_map(Option::take)?;
        Some(Seat { lane: Some(lane), scratch })
    });
    seat.unwrap_or_else(|| Seat { lane: None, scratch: Buffer::with_allocator(core.allocator) })
}

/// Gives scratch back.
pub(crate) fn stand(core: &Arc<Core>, mut scratch: Buffer) {
    scratch.clear();
    scratch.shrink_to(KEPT_SCRATCH_BYTES, core.allocator);
    with_home(|home| {
        let attachment = home.attachments.iter_mut().find(|a| Arc::ptr_eq(&a.core, core))?;
        *attachment.scratch.iter_mut().find(|place| place.is_none())? = Some(scratch);
        Some(())
    });
}

fn with_home<R>(f: impl FnOnce(&mut Home) -> Option<R>) -> Option<R> {
    HOME.try_with(|home| f(&mut *home.try_borrow_mut().ok()?)).ok().flatten()
}

impl Home {
    /// The attachment to `core`, made at the first record.
    fn attach(&mut self, core: &Arc<Core>) -> Option<&mut Attachment> {
        let known = self.attachments.iter().position(|a| Arc::ptr_eq(&a.core, core));
        let index = match known {
            Some(index) => index,
            None => self.join(core)?,
        };
        let attachment = self.attachments.get_mut(index)?;
        if core.is_global() && !tap::are_here() {
            // SAFETY: `core` is alive, and with it the lane.
            PRODUCER.set(unsafe { &*attachment.lane }.producer());
        }
        Some(attachment)
    }

    #[cold]
    fn join(&mut self, core: &Arc<Core>) -> Option<usize> {
        self.attachments.retain(|attachment| {
            let open = !attachment.core.is_closed();
            if !open {
                attachment.leave();
            }
            open
        });
        self.attachments.try_reserve(1).ok()?;
        let lane = core.lanes.reuse().filter(|lane| {
            let named = announce(core, lane);
            if !named {
                lane.leave(); // full to the brim: left for the drainer
            }
            named
        });
        let lane = if let Some(lane) = lane {
            lane
        } else {
            let lane = core.lanes.add(core.doze.deadline())?;
            if !announce(core, lane) {
                lane.leave(); // no memory: its records would be nobody's
                return None;
            }
            lane
        };
        let scratch = core::array::from_fn(|_| Some(Buffer::with_allocator(core.allocator)));
        self.attachments.push(Attachment { core: Arc::clone(core), lane, scratch });
        Some(self.attachments.len() - 1)
    }
}

impl Attachment {
    fn leave(&self) {
        if self.core.is_global() {
            PRODUCER.set(Nobody::get());
        }
        // SAFETY: `core` is alive, and with it the lane.
        unsafe { &*self.lane }.leave();
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.attachments.iter().for_each(Attachment::leave);
    }
}

/// Says in the lane which thread writes from here on. `false` when there is no room.
fn announce(core: &Core, lane: &Lane) -> bool {
    let mut marker = Buffer::with_allocator(core.allocator);
    write_marker(&mut marker);
    !marker.is_short() && super::draft::append_marker(core, lane, marker.as_bytes())
}

/// Appends the record that names this thread.
pub(super) fn write_marker(out: &mut Buffer) {
    with_this(|id, name| write_marker_of(id, name, out));
}

/// Calls `f` with this thread's number and name.
pub(super) fn with_this<R>(f: impl FnOnce(u64, &str) -> R) -> R {
    // Behind the thread's locals std has no name for it any more, and need not be asked.
    let current = HOME.try_with(|_| std::thread::current()).ok();
    f(id(), current.as_ref().and_then(std::thread::Thread::name).unwrap_or(""))
}

/// Appends the record that names a thread.
pub(super) fn write_marker_of(id: u64, name: &str, out: &mut Buffer) {
    let start = out.len();
    out.extend(&[0; HEADER_BYTES]);
    let mut image = Image::new(core::mem::take(out), start + MAX_MARKER_BYTES);
    image.push(&id);
    image.push(name);
    *out = image.buffer;
    let bytes = padded(out.len() - start);
    out.extend(&[0; 7][..start + bytes - out.len()]);
    let header = Header {
        site: core::ptr::null(),
        ticks: 0,
        bytes: u32::try_from(bytes).unwrap_or(0),
        frame: 0,
        level: 0,
        kind: Kind::Thread as u8,
    };
    header.put(out.as_bytes_mut().get_mut(start..).unwrap_or(&mut []));
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::lane::draft::Draft;
    use crate::site::callsite::Site;
    use crate::site::level::Level;
    use crate::{Json, Memory, builder};

    static SITE: Site = Site::new(Level::Info as u8, 1, "0:ML1:m.m\nf");

    #[test]
    fn numbers_of_threads_are_whole_at_every_edge() {
        let memory = Memory::new();
        let format = Json::new().thread();
        let logger = builder().sink(memory.clone().format(format)).build().unwrap();
        let edges = [1, u64::from(u32::MAX), u64::from(u32::MAX) + 1, u64::MAX];
        for number in edges {
            let log = || {
                ID.set(number);
                Draft::begin(&SITE, Level::Info, None, Some(&logger)).finish().unwrap();
                assert_eq!(id(), number);
            };
            std::thread::scope(|scope| scope.spawn(log).join().unwrap());
        }
        for (line, number) in memory.lines().iter().zip(edges) {
            assert!(line.contains(&format!("\"thread_id\":{number}")), "{line}");
        }
        assert_eq!(memory.lines().len(), edges.len());
    }
}
