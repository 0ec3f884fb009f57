//! Where in the text a problem is: its line, and the key that the line belongs to.

use core::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::Error;

/// The reader's error as ours.
pub(super) fn of(error: &toml::de::Error, text: &str, path: PathBuf) -> Error {
    let span = error.span().unwrap_or(0..0);
    // An error of the grammar leaves no table to look in.
    let key = DeTable::parse(text).map_or_else(
        |_| String::new(),
        |table| {
            let mut key = String::new();
            find(table.get_ref(), &span, &mut key);
            key
        },
    );
    let problem = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
    Error::Config { path, line: line(text, span.start), key, problem }
}

/// What the builder finds wrong with an option, where the text has a key of its name.
pub(super) fn of_option(error: Error, text: &str, path: &Path) -> Error {
    let Error::Option { option, problem } = &error else { return error };
    let Some((offset, key)) =
        DeTable::parse(text).ok().and_then(|table| named(table.get_ref(), option))
    else {
        return error;
    };
    Error::Config { path: path.to_owned(), line: line(text, offset), key, problem: problem.clone() }
}

/// The line in which the byte at `offset` is, from 1.
fn line(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    before.split(|byte| *byte == b'\n').count()
}

/// The first key of this name, with those around it, and where it is.
fn named(table: &DeTable<'_>, name: &str) -> Option<(usize, String)> {
    let mut deeper = table.iter().filter_map(|(key, value)| {
        let key_text = key.get_ref();
        if key_text == name {
            return Some((key.span().start, key_text.to_string()));
        }
        let within = |path: String| {
            move |(offset, inner): (usize, String)| (offset, format!("{path}.{inner}"))
        };
        match value.get_ref() {
            DeValue::Table(table) => named(table, name).map(within(key_text.to_string())),
            DeValue::Array(items) => items.iter().enumerate().find_map(|(index, item)| {
                let table = item.get_ref().as_table()?;
                named(table, name).map(within(format!("{key_text}[{index}]")))
            }),
            _ => None,
        }
    });
    deeper.next()
}

/// Adds the keys on the way to the place, from the outermost: `file[1].rotate.size`. Whether it is
/// in this table.
fn find(table: &DeTable<'_>, span: &Range<usize>, path: &mut String) -> bool {
    let outside = path.len();
    for (key, value) in table {
        if outside > 0 {
            path.push('.');
        }
        path.push_str(key.get_ref());
        if holds(&key.span(), span) || is_inside(value, span, path) {
            return true;
        }
        path.truncate(outside);
    }
    false
}

/// The innermost that holds it. What is inside is asked first, as a table that is written in
/// several places has the span of one of them.
fn is_inside(value: &Spanned<DeValue<'_>>, span: &Range<usize>, path: &mut String) -> bool {
    let is_deeper = match value.get_ref() {
        DeValue::Table(table) => find(table, span, path),
        DeValue::Array(items) => items.iter().enumerate().any(|(index, item)| {
            let outside = path.len();
            path.extend(["[", &index.to_string(), "]"]);
            let is_here = is_inside(item, span, path);
            if !is_here {
                path.truncate(outside);
            }
            is_here
        }),
        _ => false,
    };
    is_deeper || holds(&value.span(), span)
}

fn holds(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}
