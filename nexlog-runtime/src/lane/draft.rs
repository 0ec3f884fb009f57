//! The long way of a call: render into scratch, then reserve, copy, commit.
//!
//! Taken by the first record of a thread, by values with user code, by levels and targets made
//! at run time, by local loggers, by `try_log!`, and whenever the segment has no room. All user
//! code runs in [`Draft::push`], before any space is reserved: it may log (each nesting has
//! scratch of its own), panic (the draft's drop leaves a marker) or take its time.

use core::marker::PhantomData;
use core::ptr;
use std::sync::Arc;

use super::announce;
use super::images::Images;
use super::memory::Allocator;
use super::ring::Lane;
use super::thread::{self, DepthMark};
use crate::buffer::Buffer;
use crate::clock;
use crate::context::frame::{own, release};
use crate::context::stack;
use crate::error::{DropReason, Error};
use crate::logger::Logger;
use crate::pipeline::state::{self, Core};
use crate::pipeline::{early, own};
use crate::registry;
use crate::site::callsite::Site;
use crate::site::level::Level;
use crate::testing::tap::{self, Tap};
use crate::value::wire::{HEADER_BYTES, Header, Kind, padded};
use crate::value::{Image, Value};

/// Who is to have a record.
struct Heard {
    /// Whether its logger is, or what waits for one.
    is_wanted: bool,
    /// Who listens besides.
    taps: Vec<Arc<Tap>>,
}

impl Heard {
    /// By its logger alone.
    const WANTED: Heard = Heard { is_wanted: true, taps: Vec::new() };
}

/// A record being made.
pub struct Draft<'a> {
    site: &'static Site,
    level: u8,
    flags: u8,
    kind: Kind,
    /// `None` before `install`.
    core: Option<&'a Arc<Core>>,
    /// Of a child logger: its fields, as a map's bytes.
    fields: &'a [u8],
    lane: Option<&'a Lane>,
    /// `None` when refused or finished.
    image: Option<Image>,
    /// Where in it the values of the slots begin.
    values_at: usize,
    refused: Option<DropReason>,
    heard: Heard,
    /// The type whose code is running, for the marker should it panic.
    rendering: &'static str,
    depth: Option<DepthMark>,
    /// The lane and the depth are this thread's.
    _not_send: PhantomData<*const ()>,
}

impl<'a> Draft<'a> {
    /// A record of the global logger with the site's own level and target. `None` when that
    /// logger came between the gate and here, and does not want it.
    #[cold]
    #[inline(never)]
    pub(crate) fn of_site(site: &'static Site) -> Option<Draft<'static>> {
        // `install` decides about all sites before it makes the logger global; a thread that has
        // a lane asked after that.
        let core = state::global();
        if tap::are_there() {
            return Draft::of_tapped(site, core);
        }
        let is_wanted = core.is_none() || thread::lane().is_some() || site.enabled();
        is_wanted.then(|| Draft::open(site, site.level(), None, core, Kind::Record))
    }

    /// The same while somebody listens, who may be the only one to want it.
    fn of_tapped(site: &'static Site, core: Option<&'static Arc<Core>>) -> Option<Draft<'static>> {
        let is_wanted = registry::is_wanted(site);
        let taps = tap::that_want(site.level()?, registry::target_of(site), is_wanted);
        let heard = Heard { is_wanted, taps };
        (is_wanted || !heard.taps.is_empty())
            .then(|| Draft::heard(site, site.level(), None, core, Kind::Record, heard))
    }

    /// A record with a level of its own, for the macros.
    #[cold]
    #[inline(never)]
    pub fn begin(
        site: &'static Site,
        level: Level,
        target: Option<&str>,
        logger: Option<&'a Logger>,
    ) -> Draft<'a> {
        let core = logger.map(Logger::core).or_else(state::global);
        let mut heard = Heard::WANTED;
        if tap::are_there() {
            let is_wanted = registry::is_wanted_by(site, level, target, logger);
            let stated = target.unwrap_or_else(|| registry::target_of(site));
            heard = Heard { is_wanted, taps: tap::that_want(level, stated, is_wanted) };
        }
        let mut draft = Draft::heard(site, Some(level), target, core, Kind::Record, heard);
        draft.fields = logger.map_or(&[], Logger::fields);
        draft
    }

    /// One of the logger's own records: not counted, never refused for a level.
    pub(crate) fn own(site: &'static Site, core: &'a Arc<Core>) -> Draft<'a> {
        Draft::open(site, site.level(), None, Some(core), Kind::Own)
    }

    /// A record about the span that is on: the logger's own, with the span's level and target.
    pub(crate) fn about_span(
        site: &'static Site,
        level: Level,
        target: &str,
        core: &'a Arc<Core>,
    ) -> Draft<'a> {
        Draft::open(site, Some(level), Some(target), Some(core), Kind::Span)
    }

    fn open(
        site: &'static Site,
        level: Option<Level>,
        target: Option<&str>,
        core: Option<&'a Arc<Core>>,
        kind: Kind,
    ) -> Draft<'a> {
        Draft::heard(site, level, target, core, kind, Heard::WANTED)
    }

    fn heard(
        site: &'static Site,
        level: Option<Level>,
        target: Option<&str>,
        core: Option<&'a Arc<Core>>,
        kind: Kind,
        mut heard: Heard,
    ) -> Draft<'a> {
        let depth = DepthMark::set();
        let mut refused = match (&depth, core) {
            (None, _) => Some(DropReason::Recursion),
            _ if thread::is_forking() => Some(DropReason::Busy),
            (_, None) if heard.is_wanted && early::is_full() => Some(DropReason::Early),
            _ => None,
        };
        if refused == Some(DropReason::Early) && !heard.taps.is_empty() {
            early::count_drop();
            (refused, heard.is_wanted) = (None, false);
        }
        let mut draft = Draft {
            site,
            level: level.map_or(Header::SITE_LEVEL, |level| level as u8),
            flags: 0,
            kind,
            core,
            fields: &[],
            lane: None,
            image: None,
            values_at: 0,
            refused,
            heard,
            rendering: "",
            depth,
            _not_send: PhantomData,
        };
        if refused.is_none() {
            site.info(); // what is in a lane has a description, for whoever comes after a kill
            draft.take_scratch();
            if let Some(target) = target {
                draft.flags |= Header::HAS_TARGET;
                if let Some(image) = &mut draft.image {
                    image.push(target);
                }
            }
            draft.values_at = draft.image.as_ref().map_or(0, |image| image.buffer.len());
        }
        draft
    }

    fn take_scratch(&mut self) {
        let (mut scratch, limit) = match self.core {
            Some(core) => {
                let seat = thread::sit(core);
                self.lane = seat.lane;
                (seat.scratch, core.max_record_bytes)
            }
            // What a test looks at is whole.
            None if !self.heard.taps.is_empty() => (Buffer::new(), tap::MAX_RECORD_BYTES),
            None => (Buffer::new(), early::MAX_RECORD_BYTES),
        };
        scratch.extend(&[0; HEADER_BYTES]);
        let of_each = self.core.map_or(usize::MAX, |core| core.max_value_bytes());
        let image = Image::new(scratch, limit.saturating_add(HEADER_BYTES));
        self.image = Some(image.with_limit_of_each(of_each));
    }

    /// Adds the value of the next slot. Runs its code.
    #[inline(never)]
    pub fn push<T: Value + ?Sized>(&mut self, value: &T) {
        if let Some(image) = &mut self.image {
            self.rendering = core::any::type_name::<T>();
            image.push_slot(value);
        }
    }

    /// The same, for a value whose type is not known here: the marker of its panic says this.
    #[cfg(any(feature = "log", feature = "tracing"))]
    pub(crate) fn push_named<T: Value + ?Sized>(&mut self, name: &'static str, value: &T) {
        if let Some(image) = &mut self.image {
            self.rendering = name;
            image.push_slot(value);
        }
    }

    /// Puts the record where it belongs.
    ///
    /// # Errors
    /// [`Error::Refused`] when it was dropped; the drop is counted.
    pub fn finish(mut self) -> Result<(), Error> {
        let outcome = match (self.refused, self.image.take()) {
            (None, Some(image)) => self.place(image),
            (refused, _) => Err(refused.unwrap_or(DropReason::NoMemory)),
        };
        self.depth = None;
        outcome.map_err(|reason| {
            self.count_drop(reason);
            Error::Refused { reason }
        })
    }

    fn place(&mut self, mut image: Image) -> Result<(), DropReason> {
        if image.cut_bytes() > 0 || !self.fields.is_empty() {
            self.flags |= Header::HAS_EXTRA;
            image.push_extra(&self.site.info().slots, self.values_at, self.fields);
        }
        let header = Header {
            site: self.site,
            ticks: clock::now(),
            bytes: 0,
            frame: 0,
            level: self.level,
            kind: self.kind as u8 | self.flags,
        };
        let mut images = seal(header, image.buffer).ok_or(DropReason::NoMemory)?;
        self.redact(&mut images);
        if !self.heard.taps.is_empty()
            && let Some(copy) = with_surroundings(&images)
        {
            tap::hear(&self.heard.taps, copy);
        }
        let outcome = if self.heard.is_wanted { self.deliver(&mut images) } else { Ok(()) };
        if let Some(core) = self.core {
            thread::stand(core, images.into_buffer());
        }
        outcome
    }

    fn deliver(&self, images: &mut Images) -> Result<(), DropReason> {
        let is_own = self.kind != Kind::Record;
        self.forward(images);
        if let (Some(core), Some(lane)) = (self.core, self.lane)
            && append(core, lane, images.as_bytes(), self.kind)?
        {
            core.after_commit(lane, self.flushes(core));
            return Ok(());
        }
        // The logger's own records belong to nobody's work.
        if self.kind != Kind::Own {
            // SAFETY: what is innermost is alive; the reference keeps it so while memory is made
            // room for, and is given back.
            let has_memory = unsafe {
                let frame = own(stack::current());
                let has_memory = images.surround(frame);
                release(frame);
                has_memory
            };
            if !has_memory {
                return Err(DropReason::NoMemory);
            }
            self.redact(images); // its frames
        }
        images.sign();
        match self.core {
            None => early::push(images),
            Some(core) => core.write_directly(images, is_own),
        }
    }

    /// Gives it to whom the logger forwards to, on this thread. Users' code runs here, too.
    fn forward(&self, images: &Images) {
        let Some((core, forwards)) = self.core.and_then(|core| Some((core, core.forwards()?)))
        else {
            return;
        };
        if let Some(mut whole) = with_surroundings(images) {
            whole.redact(core.redaction()); // its frames, too
            forwards.give_all(core, &whole);
        }
    }

    /// Hides what the logger hides by its key. What waits for a logger is gone over by that.
    fn redact(&self, images: &mut Images) {
        if let Some(core) = self.core {
            images.redact(core.redaction());
        }
    }

    fn flushes(&self, core: &Core) -> bool {
        Level::from_number(self.level).is_some_and(|level| core.flushes(level))
    }

    fn count_drop(&self, reason: DropReason) {
        match self.core {
            _ if !self.heard.is_wanted => {}
            Some(_) if self.kind != Kind::Record => {}
            Some(core) => core.count_drop(reason),
            None => early::count_drop(),
        }
    }
}

impl Drop for Draft<'_> {
    /// Only a panic in a value's code leaves a draft unfinished.
    fn drop(&mut self) {
        let Some(image) = self.image.take() else { return };
        self.depth = None;
        self.count_drop(DropReason::Panic);
        if let Some(core) = self.core {
            thread::stand(core, image.buffer);
            if std::thread::panicking() {
                own::value_panicked(core, self.site, self.rendering);
            }
        }
    }
}

/// Writes the header over the space left for it and pads the end: a finished record. `None`
/// when the buffer ran out of memory on the way.
fn seal(mut header: Header, mut buffer: Buffer) -> Option<Images> {
    let used = buffer.len();
    let bytes = padded(used);
    buffer.extend(&[0; 7][..bytes - used]);
    header.bytes = u32::try_from(bytes).ok()?;
    header.put(buffer.as_bytes_mut());
    // SAFETY: every draft's buffer begins with space for a header, then `Image` wrote the
    // values of its slots; now it is padded to 8.
    (!buffer.is_short()).then(|| unsafe { Images::new(buffer) })
}

/// A copy of a finished record, with its frames and its thread. `None` when there is no memory.
fn with_surroundings(record: &Images) -> Option<Images> {
    let mut copy = Images::sized(record.bytes())?;
    // SAFETY: it holds one record; what is innermost is alive, and no user code runs meanwhile.
    (copy.append(record) && unsafe { copy.surround(stack::current()) } && copy.sign())
        .then_some(copy)
}

/// A record of the logger itself that goes to no lane: made and written within one pass.
pub(crate) fn own_image(
    site: &'static Site,
    allocator: Allocator,
    values: &[&dyn Value],
) -> Option<Images> {
    let buffer = Buffer::with_allocator(allocator);
    image_at(site, (Kind::Own, Header::SITE_LEVEL, None, clock::now()), buffer, values)
}

/// The same for those sinks that want it: it need not be told.
pub(crate) fn offered_image(site: &'static Site, values: &[&dyn Value]) -> Option<Images> {
    image_at(site, (Kind::Span, Header::SITE_LEVEL, None, clock::now()), Buffer::new(), values)
}

/// The same with another record's level and target, made when that one was.
pub(crate) fn own_image_like(
    site: &'static Site,
    (level, target, ticks): (Level, &str, u64),
    allocator: Allocator,
    values: &[&dyn Value],
) -> Option<Images> {
    let buffer = Buffer::with_allocator(allocator);
    image_at(site, (Kind::Own, level as u8, Some(target), ticks), buffer, values)
}

fn image_at(
    site: &'static Site,
    (kind, level, target, ticks): (Kind, u8, Option<&str>, u64),
    mut buffer: Buffer,
    values: &[&dyn Value],
) -> Option<Images> {
    buffer.extend(&[0; HEADER_BYTES]);
    let mut image = Image::new(buffer, Lane::MAX_RECORD_BYTES);
    if let Some(target) = target {
        image.push(target);
    }
    for value in values {
        image.push(*value);
    }
    let flags = target.map_or(0, |_| Header::HAS_TARGET);
    let header = Header { site, ticks, bytes: 0, frame: 0, level, kind: kind as u8 | flags };
    seal(header, image.buffer)
}

/// Copies a finished record into the lane, behind the frames it was made in, making room as the
/// logger's policy says. `false` when it does not fit in a segment.
fn append(core: &Core, lane: &Lane, bytes: &[u8], kind: Kind) -> Result<bool, DropReason> {
    let (is_framed, is_own) = (kind != Kind::Own, kind != Kind::Record);
    let mut attempts = 0;
    let (mut at, frame, _held) = loop {
        // Each time anew: a sink or an allocator, which may run in here, may leave a scope that
        // was entered before.
        let place = stack::place();
        let frame = if is_framed { place.frame() } else { ptr::null() };
        let held = stack::Hold::innermost();
        // SAFETY: what is innermost is alive, and with it all around it.
        let needed = unsafe { announce::bytes_with(lane, frame, bytes.len()) };
        if needed > Lane::MAX_RECORD_BYTES {
            return Ok(false);
        }
        match lane.reserve(&core.lanes.pool, needed) {
            Ok(at) if stack::is_at(place) => break (at, frame, held),
            Ok(_) => {}
            Err(refusal) => core.make_room(lane, refusal, attempts, is_own)?,
        }
        attempts += 1;
    };
    // SAFETY: `reserve` gave so many writable bytes to this thread, which owns the lane; after
    // the frames, which `bytes_with` counted and which are alive, as the thread is still there,
    // they hold one whole record. Scratch and lanes do not overlap.
    unsafe {
        let distance = announce::announce(lane, frame, &mut at);
        core::ptr::copy_nonoverlapping(bytes.as_ptr(), at, bytes.len());
        let header = Header { frame: distance, ..Header::read(at) };
        header.write(at, lane.producer().place());
        if is_own {
            lane.producer().publish(bytes.len());
        } else {
            lane.producer().commit(bytes.len());
        }
    }
    Ok(true)
}

/// Copies a thread's marker into its lane, if there is room without making any.
pub(super) fn append_marker(core: &Core, lane: &Lane, marker: &[u8]) -> bool {
    let Ok(at) = lane.reserve(&core.lanes.pool, marker.len()) else { return false };
    // SAFETY: as in `append`; a marker is a whole record.
    unsafe {
        core::ptr::copy_nonoverlapping(marker.as_ptr(), at, marker.len());
        Header::read(at).write(at, lane.producer().place());
        lane.producer().publish(marker.len());
    }
    true
}
