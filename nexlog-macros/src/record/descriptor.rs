//! What a call site tells the runtime about itself: one text, written here once.
//!
//! One string instead of several keeps a call site at one pointer (each pointer in a static
//! costs a relocation). The reader is `site/callsite.rs` of the runtime:
//!
//! ```text
//! desc    := target ['s'] slots [message] '.' module_path '\n' file
//! target  := netstr                        empty: the module path · s: a span or scope, no record
//! slots   := ( kind netstr )*              f a field · d fields with run-time keys · h shown only,
//!                                          with the name of the variable, if it is one
//! message := 'M' ( 'L' netstr | 'S' decimal ';' )*
//! netstr  := decimal byte length ':' bytes
//! ```
//!
//! Module path and file are appended by the compiler, because this crate cannot know them.

use std::fmt::Write as _;

/// How a slot takes part in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A field with a key that is known here.
    Field,
    /// Fields whose keys are known at run time only.
    Dynamic,
    /// Shown by the message, and no field.
    Shown,
}

/// A piece of a message: text, or the number of the slot shown in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Text(String),
    Slot(usize),
}

/// The part of the descriptor that is known while expanding, up to and with the `.`.
pub fn descriptor<'a>(
    target: &str,
    is_record: bool,
    slots: impl Iterator<Item = (Kind, &'a str)>,
    message: Option<&[Part]>,
) -> String {
    let mut out = String::with_capacity(64);
    netstr(&mut out, target);
    if !is_record {
        out.push('s');
    }
    for (kind, key) in slots {
        out.push(match kind {
            Kind::Field => 'f',
            Kind::Dynamic => 'd',
            Kind::Shown => 'h',
        });
        netstr(&mut out, key);
    }
    if let Some(parts) = message {
        out.push('M');
        for part in parts {
            write_part(&mut out, part);
        }
    }
    out.push('.');
    out
}

fn write_part(out: &mut String, part: &Part) {
    match part {
        Part::Text(text) => {
            out.push('L');
            netstr(out, text);
        }
        Part::Slot(number) => {
            // Writing into a `String` cannot fail.
            let _ = write!(out, "S{number};");
        }
    }
}

fn netstr(out: &mut String, text: &str) {
    let _ = write!(out, "{}:{text}", text.len());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_names_target_slots_and_message() {
        let message = [Part::Text("paid ".into()), Part::Slot(0), Part::Text(" é".into())];
        let slots = [(Kind::Field, "order_id"), (Kind::Dynamic, ""), (Kind::Shown, "")];
        assert_eq!(
            descriptor("db", true, slots.into_iter(), Some(&message)),
            "2:dbf8:order_idd0:h0:ML5:paid S0;L3: é."
        );
    }

    #[test]
    fn a_record_without_message_differs_from_one_with_an_empty_message() {
        let none = descriptor("", true, std::iter::empty(), None);
        let empty = descriptor("", true, std::iter::empty(), Some(&[]));
        assert_eq!((none.as_str(), empty.as_str()), ("0:.", "0:M."));
    }

    #[test]
    fn a_span_says_that_it_is_none() {
        let slots = [(Kind::Field, "order")].into_iter();
        let text = descriptor("", false, slots, Some(&[Part::Text("pay".into())]));
        assert_eq!(text, "0:sf5:orderML3:pay.");
    }
}
