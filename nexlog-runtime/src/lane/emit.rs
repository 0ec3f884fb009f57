//! The short way of a call: reserve, copy, commit.
//!
//! One function for each number of values, out of line and generic over their types, with the
//! values as separate parameters, so that a call site is a gate, some address arithmetic and
//! one call: 74 bytes, and 1.1 times the floor for three fields (`benches/README.md`). In a
//! prototype, everything inlined made sites of 441 bytes, and an array of `&dyn Value` cost 1.6
//! times the floor. Whatever is not plain, does not fit or comes for the first time takes the long
//! way, a [`Draft`].
//!
//! No signal handler may come in here: one that interrupts a call of its own thread between
//! reserve and commit takes the same place, and the lane is damaged. A flag of the thread that
//! turns such calls away was tried: 0.1 ns without values, 0.3 ns with five, and in vain, as the
//! long way and the locks of a pass would need another one around all code that is not a user's.

use super::announce;
use super::draft::Draft;
use super::thread;
use crate::context::stack;
use crate::pipeline::doze::light_fence;
use crate::site::callsite::Site;
use crate::sys;
use crate::value::wire::{HEADER_BYTES, Header, Kind, padded};
use crate::value::{Seal, Value};

/// A value of the long way, without its type: what takes the long way is slow anyhow, and a
/// call site's combination of types is then a list of addresses rather than code of its own.
trait Slot {
    fn push_to(&self, draft: &mut Draft<'_>);
}

impl<T: Value> Slot for T {
    fn push_to(&self, draft: &mut Draft<'_>) {
        draft.push(self);
    }
}

#[cold]
#[inline(never)]
fn long_way(site: &'static Site, slots: &[&dyn Slot]) {
    let Some(mut draft) = Draft::of_site(site) else { return };
    for slot in slots {
        slot.push_to(&mut draft);
    }
    let _ = draft.finish();
}

macro_rules! emit {
    ($($name:ident($($arg:ident)*);)*) => {$(
        /// Makes a record of this site with these values, in order. Called behind the gate.
        #[inline(never)]
        #[allow(clippy::too_many_arguments)] // separate parameters go in registers
        #[allow(non_camel_case_types)] // each value's type has its name
        pub fn $name<$($arg: Value),*>(site: &'static Site $(, $arg: $arg)*) {
            // All constant but for `Option`s and trait objects.
            let is_plain = true $(& $arg.is_plain(Seal::HERE))*;
            let bytes = padded(HEADER_BYTES $(+ $arg.plain_bytes(Seal::HERE))*);
            // SAFETY: a thread's producer lives until the thread leaves its lane, which resets
            // the pointer; `NOBODY` lives for ever.
            let producer = unsafe { &*thread::producer() };
            let frame = stack::current();
            let distance = if frame.is_null() {
                Some(0)
            } else {
                // SAFETY: what is innermost is alive.
                let known = producer.distance_to(unsafe { (*frame).id });
                match known {
                    // SAFETY: as above, and with it all around it.
                    None if is_plain => unsafe { announce::ahead(producer, frame, bytes) },
                    _ => known,
                }
            };
            if is_plain
                && let Some(at) = producer.reserve(bytes)
                && let Some(frame) = distance
            {
                let ticks = sys::ticks();
                #[allow(clippy::cast_possible_truncation)] // less than a segment
                let header = Header {
                    site,
                    ticks,
                    bytes: bytes as u32,
                    frame,
                    level: Header::SITE_LEVEL,
                    kind: Kind::Record as u8,
                };
                // SAFETY: `reserve` gave `bytes` bytes at `at`, 8-aligned, to this thread alone:
                // the header and the exact sizes of the values, all plain. No user code runs
                // between here and the commit.
                unsafe {
                    header.write(at, producer.place());
                    #[allow(unused_variables)]
                    let at = at.add(HEADER_BYTES);
                    $(
                        #[allow(unused_variables)]
                        let at = $arg.write_plain(at, Seal::HERE);
                    )*
                    producer.commit(bytes);
                    light_fence();
                    if producer.is_due(ticks) || site.flushes() {
                        crate::pipeline::state::global_is_due(site);
                    }
                }
            } else {
                long_way(site, &[$(&$arg),*]);
            }
        }
    )*};
}

emit! {
    emit0();
    emit1(a);
    emit2(a b);
    emit3(a b c);
    emit4(a b c d);
    emit5(a b c d e);
    emit6(a b c d e f);
    emit7(a b c d e f g);
    emit8(a b c d e f g h);
    emit9(a b c d e f g h i);
    emit10(a b c d e f g h i j);
    emit11(a b c d e f g h i j k);
    emit12(a b c d e f g h i j k l);
    emit13(a b c d e f g h i j k l m);
    emit14(a b c d e f g h i j k l m n);
    emit15(a b c d e f g h i j k l m n o);
    emit16(a b c d e f g h i j k l m n o p);
    emit17(a b c d e f g h i j k l m n o p q);
    emit18(a b c d e f g h i j k l m n o p q r);
    emit19(a b c d e f g h i j k l m n o p q r s);
    emit20(a b c d e f g h i j k l m n o p q r s t);
}
