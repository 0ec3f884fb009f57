//! Frames into lanes: what a record was made in lies before it, in the same segment.
//!
//! A frame is written at the first record in it on a lane, and again in each further segment
//! that has such records. So a segment is read by itself: the drainer needs no table of frames,
//! the oldest segments can be dropped, and those of a killed process still say everything. A
//! frame names the one around it, as a record names its innermost frame, by how far back it
//! lies.

use core::ptr;

use super::ring::{Lane, Producer};
use crate::buffer::Buffer;
use crate::context::frame::Frame;
use crate::context::trace;
use crate::value::wire::{FRAME_ID_BYTES, HEADER_BYTES, Header, Kind, padded};

/// What the frames of one record may take outside of a lane; outer ones are left out. Within
/// what [`Header::frame`] can say.
const MAX_BYTES: usize = 256 << 10;

/// Bytes that a frame takes.
fn bytes_of(frame: &Frame) -> usize {
    padded(HEADER_BYTES + FRAME_ID_BYTES + frame.bytes as usize)
}

/// The frames from `innermost` outwards.
///
/// # Safety
/// `innermost` is null or alive for `'a`, and with it all around it.
unsafe fn outwards<'a>(innermost: *const Frame) -> impl Iterator<Item = &'a Frame> {
    let mut next = innermost;
    core::iter::from_fn(move || {
        // SAFETY: the caller's promise.
        let frame = unsafe { next.as_ref() }?;
        next = frame.parent();
        Some(frame)
    })
}

/// Whether the drainer can tell what the frame is: a record must not lose what is around it
/// because there was no memory to describe that.
fn is_described(frame: &Frame) -> bool {
    frame.site.try_info().is_some()
}

/// Writes a frame at `at`; `around` is how far back the one around it lies.
///
/// # Safety
/// `at` is 8-aligned and has room for `bytes_of(frame)`.
unsafe fn write(frame: &Frame, around: u16, at: *mut u8, place: u64) {
    let bytes = bytes_of(frame);
    let header = Header {
        site: ptr::from_ref(frame.site),
        ticks: 0,
        #[allow(clippy::cast_possible_truncation)] // values have a limit
        bytes: bytes as u32,
        frame: around,
        level: Header::SITE_LEVEL,
        kind: Kind::Frame as u8 | frame.flags,
    };
    let values = frame.values();
    // SAFETY: header, ids, values and less than 8 bytes of padding are what `bytes_of` counts.
    unsafe {
        header.write(at, place);
        let at = at.add(HEADER_BYTES);
        at.cast::<[u8; 8]>().write(frame.id.to_ne_bytes());
        at.add(8).cast::<[u8; 8]>().write(trace::span_id_of(frame.id).to_be_bytes());
        let at = at.add(FRAME_ID_BYTES);
        ptr::copy_nonoverlapping(values.as_ptr(), at, values.len());
        let end = HEADER_BYTES + FRAME_ID_BYTES + values.len();
        ptr::write_bytes(at.add(values.len()), 0, bytes - end);
    }
}

/// Bytes to reserve at once so that a record of `record` bytes and the frames it needs come to
/// lie in one segment: without those that lie there already, or all of them where a new segment
/// is due. More than any record may have when there is no memory to describe the frames.
///
/// # Safety
/// As for `outwards`.
pub(super) unsafe fn bytes_with(lane: &Lane, innermost: *const Frame, record: usize) -> usize {
    let is_missing = |frame: &&Frame| {
        let is_missing = lane.producer().distance_to(frame.id).is_none();
        if is_missing {
            frame.site.info(); // what is in a lane has a description, for whoever comes later
        }
        is_missing
    };
    // SAFETY: the caller's promise.
    let missing = || unsafe { outwards(innermost) }.take_while(is_missing);
    if !missing().all(is_described) {
        return usize::MAX;
    }
    let missing: usize = missing().map(bytes_of).sum();
    if lane.has_room(missing + record) {
        return missing + record;
    }
    // SAFETY: the caller's promise.
    unsafe { outwards(innermost) }.map(bytes_of).sum::<usize>() + record
}

/// Announces what a record of `record` bytes is about to be made in, if there is room for both and nothing
/// has to be described (the allocator may log, and this way counts no depth): how far back the innermost
/// frame lies. `None`: the long way is due.
///
/// # Safety
/// As for `outwards`; the producer is this thread's.
#[inline(never)]
pub(super) unsafe fn ahead(
    producer: &Producer,
    innermost: *const Frame,
    record: usize,
) -> Option<u16> {
    // SAFETY: a thread's lane lives as long as its producer is this one.
    let lane = unsafe { producer.lane() }?;
    // SAFETY: the caller's promise.
    if !unsafe { outwards(innermost) }.all(|frame| frame.site.is_described()) {
        return None;
    }
    // SAFETY: as above.
    let needed = unsafe { bytes_with(lane, innermost, record) };
    let mut at = producer.reserve(needed)?;
    // SAFETY: reserved, by this thread, which owns the lane.
    Some(unsafe { announce(lane, innermost, &mut at) })
}

/// Writes the missing frames into space that was reserved for `bytes_with`, outermost first;
/// returns how far back the innermost lies from what comes next.
///
/// # Safety
/// As for `outwards`; the space is reserved, and this thread owns the lane.
pub(super) unsafe fn announce(lane: &Lane, innermost: *const Frame, at: &mut *mut u8) -> u16 {
    // SAFETY: the caller's promise.
    let Some(frame) = (unsafe { innermost.as_ref() }) else { return 0 };
    let producer = lane.producer();
    if let Some(distance) = producer.distance_to(frame.id) {
        return distance;
    }
    // As deep as the frames that fit in a segment: 400 of the smallest.
    // SAFETY: the frame's parent is alive as well; and `bytes_with` counted it.
    let around = unsafe { announce(lane, frame.parent(), at) };
    let bytes = bytes_of(frame);
    // SAFETY: counted by `bytes_with`; `reserve`d space is 8-aligned, as are all sizes.
    unsafe {
        write(frame, around, *at, producer.place());
        producer.remember_frame(frame.id);
        producer.publish(bytes);
        *at = at.add(bytes);
    }
    #[allow(clippy::cast_possible_truncation)] // less than a segment
    let distance = (bytes / 8) as u16;
    distance
}

/// Puts the frames before the record that a buffer holds, for records outside of lanes. `false`
/// when there is no memory; the buffer is short then.
///
/// # Safety
/// As for `outwards`; the buffer holds one record, header and all.
pub(super) unsafe fn prepend(innermost: *const Frame, record: &mut Buffer) -> bool {
    // SAFETY: the caller's promise.
    let all = || unsafe { outwards(innermost) };
    let mut total = 0;
    let fits = |frame: &&Frame| {
        total += bytes_of(frame);
        total <= MAX_BYTES
    };
    let count = all().take_while(fits).count();
    let bytes: usize = all().take(count).map(bytes_of).sum();
    if count == 0 {
        return true;
    }
    let length = record.len();
    if !all().take(count).all(is_described) || record.claim(bytes).is_none() {
        return false;
    }
    let content = record.as_bytes_mut();
    content.copy_within(..length, bytes);
    let start = content.as_mut_ptr();
    let mut at = bytes;
    let mut back = 0_u16;
    // From the innermost, which lies right before the record, back to the outermost.
    for (number, frame) in all().take(count).enumerate() {
        at -= bytes_of(frame);
        // SAFETY: alive with the frame.
        let parent = unsafe { frame.parent().as_ref() }.filter(|_| number + 1 < count);
        let around = parent.map_or(0, bytes_of);
        #[allow(clippy::cast_possible_truncation)] // less than `MAX_BYTES`
        let around = (around / 8) as u16;
        // SAFETY: `at` is within the claimed bytes and 8-aligned, as the buffer's start and all
        // sizes are.
        unsafe { write(frame, around, start.add(at), Header::NOWHERE) };
        if number == 0 {
            #[allow(clippy::cast_possible_truncation)] // as above
            (back = (bytes_of(frame) / 8) as u16);
        }
    }
    // SAFETY: the record's header lies at `bytes` now, 8-aligned.
    unsafe {
        let mut header = Header::read(start.add(bytes));
        header.frame = back;
        header.write(start.add(bytes), Header::NOWHERE);
    }
    true
}
