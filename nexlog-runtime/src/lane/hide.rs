//! Redaction in lanes: what a logger hides by key is overwritten where it lies, as the drainer
//! comes to it and before anybody looks at it.
//!
//! The bytes belong to the drainer then: they were committed, so their producer is done with them,
//! and no entry names them yet.

use super::cursor::RawRecord;
use super::images::Images;
use crate::site::callsite::Site;
use crate::value::redact::{Redaction, Redactor};
use crate::value::wire::{self, FRAME_ID_BYTES, HEADER_BYTES, Header, Kind};

/// Hides values of a record that the cursor is about to pass.
///
/// # Safety
/// The record was committed and is not released; nobody else looks at its values during the call.
pub(super) unsafe fn hide_in_record(redactor: &mut Redactor, raw: &RawRecord) {
    if raw.header.kind != Kind::Record as u8 {
        return; // it took the long way, in which all was hidden
    }
    // SAFETY: `Draft` and `emit` write pointers to statics.
    let site = unsafe { raw.header.site.as_ref() }.and_then(Site::try_info);
    match site {
        Some(site) if !redactor.hides(site) => {}
        // SAFETY: the caller's promise.
        Some(site) => redactor.hide_in_record(site, unsafe { body(raw, 0) }),
        // SAFETY: the caller's promise.
        None => hide_all(unsafe { body(raw, 0) }),
    }
}

/// The same of a frame.
///
/// # Safety
/// As for `hide_in_record`.
pub(super) unsafe fn hide_in_frame(redactor: &Redactor, raw: &RawRecord) {
    // SAFETY: the caller's promise.
    let values = unsafe { body(raw, FRAME_ID_BYTES) };
    // SAFETY: `announce` writes pointers to statics.
    match unsafe { raw.header.site.as_ref() }.and_then(Site::try_info) {
        Some(site) => {
            let has_extra = raw.header.kind & Header::HAS_EXTRA != 0;
            redactor.hide_in_frame(site, values, has_extra);
        }
        None => hide_all(values),
    }
}

/// There is no memory to tell what the values are of.
#[cold]
fn hide_all(mut values: &mut [u8]) {
    while let Some((value, rest)) = wire::split_value(values) {
        wire::hide(value);
        values = rest;
    }
}

/// The values, behind so many bytes of something else.
///
/// # Safety
/// As for `hide_in_record`, during `'a`.
unsafe fn body<'a>(raw: &RawRecord, skipped: usize) -> &'a mut [u8] {
    let skipped = HEADER_BYTES + skipped;
    let bytes = (raw.header.bytes as usize).saturating_sub(skipped);
    // SAFETY: `at` is a segment's address, which may be written to; the record has so many bytes
    // there, which are the drainer's by the caller's promise.
    unsafe { core::slice::from_raw_parts_mut(raw.at.cast_mut().add(skipped), bytes) }
}

impl Images {
    /// Hides what is to be hidden by its key, in records and frames.
    pub(crate) fn redact(&mut self, redaction: &Redaction) {
        let mut offset = 0;
        while !redaction.is_empty()
            && let Some((raw, next)) = self.at(offset)
        {
            let bytes = self.0.as_bytes_mut().get_mut(offset..next).unwrap_or(&mut []);
            // SAFETY: `Draft` and `announce` write pointers to statics, or null.
            let site = unsafe { raw.header.site.as_ref() };
            hide_values(redaction, site, &raw.header, bytes);
            offset = next;
        }
    }
}

/// Hides values of a record or frame, which is not shared with anybody.
pub(super) fn hide_values(
    redaction: &Redaction,
    site: Option<&'static Site>,
    header: &Header,
    bytes: &mut [u8],
) {
    let skipped = match header.kind() {
        Some(Kind::Frame) => HEADER_BYTES + FRAME_ID_BYTES,
        Some(Kind::Record | Kind::Own | Kind::Span) => HEADER_BYTES,
        Some(Kind::Pad | Kind::Thread | Kind::Segment) | None => return,
    };
    let mut values = bytes.get_mut(skipped..).unwrap_or(&mut []);
    if header.kind & Header::HAS_TARGET != 0 {
        values = wire::split_value(values).map_or(&mut [][..], |(_, rest)| rest);
    }
    match site.and_then(Site::try_info) {
        Some(site) => redaction.hide(&site.slots, values, header.kind & Header::HAS_EXTRA != 0),
        None => hide_all(values),
    }
}
