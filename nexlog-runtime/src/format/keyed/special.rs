//! Fields that a preset writes in a way of its own: under another key, or in another form.

use core::fmt::Write;

use super::{Name, Syntax};
use crate::buffer::Buffer;
use crate::format::distinct::{Region, Seen};
use crate::format::escape::{Escaped, JsonString};
use crate::format::plain;
use crate::value::view::ValueRef;

/// A field of the user's that is written in a way of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::format) struct Special {
    /// Its key as the user gives it.
    pub(in crate::format) field: &'static str,
    pub(in crate::format) form: SpecialForm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::format) enum SpecialForm {
    /// Under this key.
    Key(&'static str),
    /// Under this key, beside the object that the fields lie in.
    Outer(&'static str),
    /// Under this key, as the name of a trace of the project, if there is one.
    Trace(&'static str),
    /// The text of an error, and with its causes.
    Error { message: &'static str, stack: &'static str },
}

impl Special {
    pub(in crate::format) const fn key(field: &'static str, key: &'static str) -> Special {
        Special { field, form: SpecialForm::Key(key) }
    }

    pub(in crate::format) const fn outer(field: &'static str, key: &'static str) -> Special {
        Special { field, form: SpecialForm::Outer(key) }
    }

    /// Whether it is written beside the object that the fields lie in.
    pub(super) fn is_outer(&self) -> bool {
        matches!(self.form, SpecialForm::Outer(_))
    }

    /// The keys it is written with.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'static str> + use<> {
        let (first, second) = match self.form {
            SpecialForm::Key(key) | SpecialForm::Outer(key) | SpecialForm::Trace(key) => {
                (key, None)
            }
            SpecialForm::Error { message, stack } => (message, Some(stack)),
        };
        [Some(first), second].into_iter().flatten()
    }

    /// Appends the field.
    pub(super) fn push<S: Syntax>(
        &self,
        syntax: &S,
        project: Option<&str>,
        (value, region): (ValueRef<'_>, Region<'_>),
        seen: &mut Seen,
        out: &mut Buffer,
    ) {
        match (self.form, project) {
            (SpecialForm::Key(key) | SpecialForm::Outer(key), _)
            | (SpecialForm::Trace(key), None) => {
                syntax.key(&Name::of(key), out);
                syntax.value(value, region, seen, out);
            }
            (SpecialForm::Trace(key), Some(project)) => {
                syntax.key(&Name::of(key), out);
                out.push(b'"');
                let mut text = Escaped::<JsonString>::new(out);
                // A buffer takes everything, here and below.
                let _ = write!(text, "projects/{project}/traces/");
                let _ = plain::display(value, &mut text);
                out.push(b'"');
            }
            (SpecialForm::Error { message, stack }, _) => {
                syntax.key(&Name::of(message), out);
                quoted(out, |text| _ = plain::display(value, text));
                let ValueRef::Error(error) = value else { return };
                syntax.key(&Name::of(stack), out);
                quoted(out, |text| {
                    let _ = text.write_str(error.message());
                    for cause in error.chain() {
                        let _ = write!(text, "\nCaused by: {cause}");
                    }
                });
            }
        }
    }
}

fn quoted(out: &mut Buffer, write: impl FnOnce(&mut Escaped<'_, JsonString>)) {
    out.push(b'"');
    write(&mut Escaped::new(out));
    out.push(b'"');
}
