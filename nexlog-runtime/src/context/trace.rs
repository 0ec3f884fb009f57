//! W3C trace context: which trace a record belongs to, in and out of the process.
//!
//! A trace begins with the first span that has no parent, or comes from outside in a
//! `traceparent`. Ids of what began here are not stored anywhere: they are the frame's number,
//! mixed with a key of this process that nobody outside knows. So they cost nothing until
//! somebody asks, are equal on every thread, and differ between processes.

use core::fmt::Write;
use core::hash::{BuildHasher, Hasher};
use std::hash::RandomState;
use std::sync::OnceLock;

use super::chain::FrameRef;
use super::handle::Context;
use super::make::FrameDraft;
use crate::error::Error;
use crate::lane::memory::try_text;
use crate::record::Record;
use crate::site::callsite::{Site, SiteInfo, SlotKind};
use crate::value::capture::Bytes;
use crate::value::view::ValueRef;

static TRACE: Site = Site::new(
    Site::RUN_TIME_LEVEL,
    line!(),
    concat!("6:nexlogf8:trace_idf7:span_idh0:.", module_path!(), "\n", file!()),
);

static TRACE_ID: Site = Site::new(
    Site::RUN_TIME_LEVEL,
    line!(),
    concat!("6:nexlogf8:trace_id.", module_path!(), "\n", file!()),
);

static SPAN_ID: Site = Site::new(
    Site::RUN_TIME_LEVEL,
    line!(),
    concat!("6:nexlogf7:span_id.", module_path!(), "\n", file!()),
);

/// The key of a trace's id.
const TRACE_ID_KEY: &str = "trace_id";

/// The key under which a span's id is shown.
pub(crate) const SPAN_ID_KEY: &str = "span_id";

/// Whether a frame of this site says which trace of another process this belongs to.
pub(crate) fn is_remote(site: &SiteInfo) -> bool {
    TRACE.try_info().is_some_and(|trace| core::ptr::eq(site, trace))
}

/// The sampled flag, which is what a trace that began here has.
const SAMPLED: u8 = 1;

/// A number of this process's own for a number that is unique in it; never 0.
fn mixed(number: u64, lane: u8) -> u64 {
    static KEY: OnceLock<RandomState> = OnceLock::new();
    let mut hasher = KEY.get_or_init(RandomState::new).build_hasher();
    hasher.write_u64(number);
    hasher.write_u8(lane);
    hasher.finish().max(1)
}

/// The id of the span with this number.
pub(crate) fn span_id_of(frame: u64) -> u64 {
    mixed(frame, 0)
}

/// The parts of a `traceparent`.
struct Parts {
    trace_id: u128,
    span_id: u64,
    flags: u8,
}

fn parse(text: &str) -> Result<Parts, &'static str> {
    let hex = |part: &str, digits: usize| {
        let is_hex = part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        (part.len() == digits && is_hex).then(|| u128::from_str_radix(part, 16).ok()).flatten()
    };
    let mut parts = text.split('-');
    let mut part = |digits| hex(parts.next()?, digits);
    let version = part(2).ok_or("it must begin with a version of two lower-case hex digits")?;
    let trace_id = part(32).ok_or("the trace id must be 32 lower-case hex digits")?;
    let span_id = part(16).ok_or("the parent id must be 16 lower-case hex digits")?;
    let flags = part(2).ok_or("the flags must be two lower-case hex digits")?;
    if version == 0xff {
        return Err("version ff is not allowed");
    }
    // A later version may have more parts; this one has not.
    if version == 0 && parts.next().is_some() {
        return Err("something follows the flags");
    }
    if trace_id == 0 || span_id == 0 {
        return Err("an id of all zeros is not allowed");
    }
    let (span_id, flags) = (u64::try_from(span_id), u8::try_from(flags));
    match (span_id, flags) {
        (Ok(span_id), Ok(flags)) => Ok(Parts { trace_id, span_id, flags }),
        _ => Err("a part is too long"),
    }
}

fn number(frame: &FrameRef<'_>, key: &str) -> Option<u128> {
    let value = match frame.field(key)? {
        ValueRef::Bytes(bytes) => bytes.iter().fold(0, |sum, byte| sum << 8 | u128::from(*byte)),
        // A field of that name that somebody gave as text.
        ValueRef::Str(text) => u128::from_str_radix(text, 16).ok()?,
        _ => return None,
    };
    (value != 0).then_some(value)
}

/// The lower half of a record's trace id: of a field `trace_id` of its own, else of what is around
/// it, else of the trace that began with the outermost span. `None` outside of any trace.
pub(crate) fn trace_of(record: &Record<'_>) -> Option<u64> {
    let is_id = |key: &str| key == TRACE_ID_KEY;
    let stated = record.slots().find(|(slot, _)| slot.kind == SlotKind::Field && is_id(slot.key));
    let given = || record.run_time_fields().find(|(key, _)| is_id(key)).map(|field| field.1);
    let own = stated.map(|field| field.1).or_else(given);
    if let Some(id) = own.as_ref().and_then(lower_half) {
        return Some(id);
    }
    let mut root = None;
    for frame in record.context {
        if let Some(id) = frame.field(TRACE_ID_KEY).as_ref().and_then(lower_half) {
            return Some(id);
        }
        root = frame.name().map(|_| frame.id).or(root);
    }
    root.map(|root| mixed(root, 2))
}

/// Of an id in any form that a user may give it. A text that is no hexadecimal number is hashed in
/// the same way everywhere.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // the lower half
fn lower_half(value: &ValueRef<'_>) -> Option<u64> {
    const FNV: (u64, u64) = (0xcbf2_9ce4_8422_2325, 0x0100_0000_01b3);
    let hash = |text: &str| {
        text.bytes().fold(FNV.0, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(FNV.1))
    };
    Some(match value {
        ValueRef::Bytes(bytes) => bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        ValueRef::Str("") => return None,
        ValueRef::Str(text) => {
            u128::from_str_radix(text, 16).map_or_else(|_| hash(text), |id| id as u64)
        }
        ValueRef::U64(id) => *id,
        ValueRef::I64(id) => *id as u64,
        ValueRef::U128(id) => *id as u64,
        ValueRef::I128(id) => *id as u64,
        _ => return None,
    })
}

impl Context {
    /// A context that belongs to the trace of a W3C `traceparent` header. Its records carry
    /// `trace_id` and `span_id`, spans made in it belong to the same trace.
    ///
    /// # Errors
    /// [`Error::Traceparent`] when the text is not one.
    ///
    /// ```
    /// use nexlog_runtime::Context;
    ///
    /// let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    /// let context = Context::from_traceparent(header)?;
    /// assert_eq!(context.traceparent().as_deref(), Some(header));
    /// assert!(Context::from_traceparent("00-xyz").is_err());
    /// # Ok::<(), nexlog_runtime::Error>(())
    /// ```
    pub fn from_traceparent(header: &str) -> Result<Context, Error> {
        let parts = parse(header.trim()).map_err(|problem| Error::Traceparent {
            header: try_text(header).unwrap_or_default(),
            problem,
        })?;
        let mut draft = FrameDraft::begin(&TRACE);
        draft.push(&Bytes(&parts.trace_id.to_be_bytes()));
        draft.push(&Bytes(&parts.span_id.to_be_bytes()));
        draft.push(&parts.flags);
        Ok(Context::empty().with_made(draft.finish()))
    }

    /// With a trace id of your own, a field `trace_id` of 32 hex digits. 0 is no id, and
    /// changes nothing.
    #[must_use]
    pub fn trace_id(self, id: u128) -> Context {
        if id == 0 {
            return self;
        }
        let mut draft = FrameDraft::begin(&TRACE_ID);
        draft.push(&Bytes(&id.to_be_bytes()));
        self.with_made(draft.finish())
    }

    /// With a span id of your own, a field `span_id` of 16 hex digits. 0 is no id, and changes
    /// nothing.
    #[must_use]
    pub fn span_id(self, id: u64) -> Context {
        if id == 0 {
            return self;
        }
        let mut draft = FrameDraft::begin(&SPAN_ID);
        draft.push(&Bytes(&id.to_be_bytes()));
        self.with_made(draft.finish())
    }

    /// The W3C `traceparent` header for calls to other services: the trace, and the innermost
    /// span as their parent. `None` outside of any span and trace, and when there is no memory.
    ///
    /// The trace is the one that came from outside, or else began with the outermost span.
    pub fn traceparent(&self) -> Option<String> {
        let (mut trace_id, mut span_id, mut flags) = (None, None, None);
        let mut root = None;
        for frame in self.frames() {
            if frame.name().is_some() {
                span_id = span_id.or_else(|| Some(u128::from(span_id_of(frame.id))));
                root = Some(frame.id);
            }
            // One of a user's own may be longer than a traceparent can say.
            let is_sayable = |id: &u128| u64::try_from(*id).is_ok();
            span_id = span_id.or_else(|| number(&frame, "span_id").filter(is_sayable));
            if let Some(id) = number(&frame, "trace_id") {
                trace_id = Some(id);
                flags = frame.slots().find_map(|(slot, value)| match (slot.kind, value) {
                    (SlotKind::Hidden, ValueRef::U64(flags)) => u8::try_from(flags).ok(),
                    _ => None,
                });
                break;
            }
        }
        let of_root = |root| u128::from(mixed(root, 1)) << 64 | u128::from(mixed(root, 2));
        let trace_id = trace_id.or_else(|| root.map(of_root))?;
        // A trace without a span: whoever is called needs a parent all the same.
        #[allow(clippy::cast_possible_truncation)] // any part of it will do
        let of_trace = || u128::from(mixed((trace_id >> 1) as u64, 3));
        let span_id = span_id.unwrap_or_else(of_trace);
        let flags = flags.unwrap_or(SAMPLED);
        let mut header = String::new();
        header.try_reserve_exact(2 + 1 + 32 + 1 + 16 + 1 + 2).ok()?;
        write!(header, "00-{trace_id:032x}-{span_id:016x}-{flags:02x}").ok()?;
        Some(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_and_are_never_0_at_every_edge() {
        let edges = [0, 1 << 16, 1 << 31, 1 << 32, 1 << 63];
        let numbers = edges
            .iter()
            .flat_map(|edge: &u64| (0..200).map(|more| edge.wrapping_sub(100).wrapping_add(more)));
        let mut ids: Vec<u64> =
            numbers.flat_map(|number| (0..4).map(move |lane| mixed(number, lane))).collect();
        assert!(!ids.contains(&0));
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), edges.len() * 200 * 4);
    }
}
