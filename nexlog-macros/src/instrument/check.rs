//! Every text of an error of the attribute, and the questions that need options and function
//! together.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use syn::buffer::Cursor;
use syn::{Error, Result, Signature};

use super::model::{Binding, Function, Options, Returns};
use crate::record::check::Faults;
use crate::record::code::bare_name;
use crate::record::model::{Bare, Code, Item, Key};
use crate::record::source::source;

const OPTIONS: [&str; 13] = [
    "name", "level", "target", "fields", "args", "skip", "skip_all", "err", "ret", "parent",
    "crate", "elapsed", "future",
];

/// What only options and function together tell.
pub fn check(options: &Options, function: &Function, faults: &mut Faults) {
    if let Some(word) = &function.signature.constness {
        faults.add(const_function(word.span));
    }
    if let Some(all) = &options.skip_all
        && let Some(other) = options.args.as_ref().or(options.skip.as_ref().map(|(name, _)| name))
    {
        faults.add(skips_and_captures(all, other));
    }
    if let Some((_, names)) = &options.skip {
        skipped(names, function, faults);
    }
    for item in &options.fields {
        if let Some(name) = shorthand(item)
            && !is_bound(&name, &function.bindings)
        {
            faults.add(field_of_no_argument(&name, function));
        }
    }
    if let Some(option) = &options.future {
        match function.returns {
            _ if function.is_async() => faults.add(future_of_async(option)),
            Returns::Nothing | Returns::Never => faults.add(future_of_nothing(option)),
            Returns::Value(_) | Returns::Future(_) => {}
        }
    }
    if let Some(report) = &options.err
        && matches!(function.returns, Returns::Nothing | Returns::Never)
    {
        faults.add(err_of_nothing(&report.at));
    }
}

fn skipped(names: &[Ident], function: &Function, faults: &mut Faults) {
    for (at, name) in names.iter().enumerate() {
        if names[..at].contains(name) {
            faults
                .add(Error::new(name.span(), format!("`{name}` is skipped twice: leave one out")));
        } else if !is_bound(name, &function.bindings) {
            faults.add(skips_no_argument(name, function));
        }
    }
}

fn is_bound(name: &Ident, bindings: &[Binding]) -> bool {
    bindings.iter().any(|binding| bare_name(&binding.ident) == bare_name(name))
}

/// The variable that a field names as its own shorthand: `x`, `?x`. A constant may be any.
fn shorthand(item: &Item) -> Option<Ident> {
    let code: &Code = match item {
        Item::Bare(Bare { code, key: Some(_), .. }) => code,
        Item::Field(Key::Literal(key, _), value) if value.code.tokens.to_string() == *key => {
            &value.code
        }
        _ => return None,
    };
    code.lone_ident().filter(|ident| !ident.to_string().starts_with(char::is_uppercase))
}

// The item.

pub fn no_function(found: &TokenTree) -> Error {
    let text = match found.to_string().as_str() {
        word @ ("impl" | "trait" | "mod") => format!(
            "`#[instrument]` is for functions, not for a whole `{word}`: put it on each function \
             inside"
        ),
        word @ ("struct" | "enum" | "union" | "static" | "const" | "type" | "use" | "unsafe"
        | "extern") => {
            format!("`#[instrument]` is for functions, not for `{word}` items: leave it out")
        }
        _ => "`#[instrument]` is for functions: use `span!` for a part of one".to_owned(),
    };
    Error::new(found.span(), text)
}

pub fn no_body(signature: &Signature, semicolon: Span) -> Error {
    let name = &signature.ident;
    Error::new(
        semicolon,
        format!(
            "`{name}` has no body here: put `#[instrument]` on its implementations, or give it a \
             body"
        ),
    )
}

fn const_function(word: Span) -> Error {
    Error::new(
        word,
        "a `const fn` cannot be in a span, as it may run in the compiler: leave `const` out, or \
         put `#[instrument]` on its callers",
    )
}

// Options.

/// Whether there is an option of this name.
pub fn option_name(name: &Ident) -> Result<()> {
    let text = name.to_string();
    if OPTIONS.contains(&text.as_str()) {
        return Ok(());
    }
    let remedy = match text.as_str() {
        "follows_from" => ": write `parent = &span`, or a field",
        "message" | "msg" => ": a span logs nothing; its name is `name = \"…\"`",
        "logger" => ": a span is on the records of every logger",
        _ => "",
    };
    let (options, meant) = (list(OPTIONS), did_you_mean(&text, OPTIONS));
    let text = format!("`{text}` is not an option{remedy}; the options are {options}{meant}");
    Err(Error::new(name.span(), text))
}

pub fn not_an_option(at: Cursor<'_>) -> Error {
    let text = format!("this is not an option; the options are {}", list(OPTIONS));
    match at.token_tree() {
        Some((tree, _)) => Error::new(tree.span(), text),
        None => Error::new(at.span(), text),
    }
}

pub fn empty_argument(span: Span) -> Error {
    Error::new(span, "an option is missing before this comma")
}

pub fn missing_comma(at: Cursor<'_>) -> Error {
    let span = at.token_tree().map_or(at.span(), |(tree, _)| tree.span());
    Error::new(span, "a comma is missing before this: options are separated by commas")
}

pub fn missing_comma_in(at: Cursor<'_>, option: &Ident) -> Error {
    let span = at.token_tree().map_or(at.span(), |(tree, _)| tree.span());
    let text =
        format!("a comma is missing before this: commas separate the parts of `{option}(…)`");
    Error::new(span, text)
}

pub fn option_twice(name: &str, at: Span) -> Error {
    Error::new(at, format!("`{name}` is given twice: leave one out"))
}

pub fn option_without_value(name: &Ident, example: &str) -> Error {
    Error::new(name.span(), format!("the option `{name}` needs a value: write `{example}`"))
}

pub fn option_with_value(name: &Ident) -> Error {
    Error::new(name.span(), format!("the option `{name}` takes no value: write `{name}` alone"))
}

pub fn not_a_text(name: &Ident, code: &Code) -> Error {
    let kind = if name == "name" { "the name" } else { "the target" };
    Error::new_spanned(
        &code.tokens,
        format!(
            "{kind} is a text in quotes, known while compiling: write `{name} = \"…\"`, and a value \
             as a field: `fields(key = {})`",
            source(&code.tokens)
        ),
    )
}

pub fn not_a_path(tokens: &TokenStream) -> Error {
    Error::new_spanned(tokens, "`crate` takes the path of nexlog: `crate = my_crate::nexlog`")
}

pub fn not_a_name(at: Cursor<'_>) -> Error {
    let span = at.token_tree().map_or(at.span(), |(tree, _)| tree.span());
    Error::new(span, "`skip` takes names of arguments, separated by commas: `skip(a, b)`")
}

pub fn not_a_part(at: Cursor<'_>, option: &Ident) -> Error {
    let span = at.token_tree().map_or(at.span(), |(tree, _)| tree.span());
    Error::new(
        span,
        format!("`{option}(…)` takes `level = …`, and `Debug` or `Display` for a value's form"),
    )
}

fn skips_and_captures(all: &Ident, other: &Ident) -> Error {
    let remedy = if other == "args" {
        "`args` captures all arguments"
    } else {
        "`skip(…)` captures all arguments but those it names"
    };
    Error::new(all.span(), format!("`skip_all` captures none, and {remedy}: leave one out"))
}

fn skips_no_argument(name: &Ident, function: &Function) -> Error {
    let (arguments, meant) = arguments(name, function);
    Error::new(name.span(), format!("`{name}` is no argument {arguments}{meant}"))
}

fn field_of_no_argument(name: &Ident, function: &Function) -> Error {
    let (arguments, meant) = arguments(name, function);
    Error::new(
        name.span(),
        format!(
            "`{name}` is no argument {arguments}; for another value write `{name} = value`{meant}"
        ),
    )
}

/// Which arguments there are, and which one was meant.
fn arguments(name: &Ident, function: &Function) -> (String, String) {
    let names: Vec<String> = function.bindings.iter().map(|b| bare_name(&b.ident)).collect();
    let of = function.name();
    if names.is_empty() {
        return (format!("of `{of}`, which has none"), String::new());
    }
    let meant = did_you_mean(&name.to_string(), names.iter().map(String::as_str));
    (format!("of `{of}`, whose arguments are {}", list(&names)), meant)
}

fn future_of_async(option: &Ident) -> Error {
    Error::new(
        option.span(),
        "`future` is for functions that return a future by another name: leave it out of an \
         `async fn`",
    )
}

fn future_of_nothing(option: &Ident) -> Error {
    Error::new(option.span(), "this function returns no future: leave `future` out")
}

fn err_of_nothing(option: &Ident) -> Error {
    Error::new(
        option.span(),
        "`err` records the error of a function that returns a `Result`; this one returns nothing: \
         leave it out",
    )
}

fn list(names: impl IntoIterator<Item: AsRef<str>>) -> String {
    let quoted = names.into_iter().map(|name| format!("`{}`", name.as_ref()));
    quoted.collect::<Vec<_>>().join(", ")
}

pub fn did_you_mean<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    nearest(text, names).map_or(String::new(), |name| format!("; did you mean `{name}`?"))
}

/// The name that a misspelt one was meant to be: at most two slips away, and fewer than half its
/// letters.
fn nearest<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = names.into_iter().map(|name| (distance(text, name), name));
    let (slips, name) = scored.min_by_key(|(slips, _)| *slips)?;
    (slips <= 2 && slips * 2 < name.len()).then_some(name)
}

/// How many letters have to be added, left out, changed, or swapped with the next.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut above = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for at in 0..a.len() {
        let mut next = vec![at + 1];
        for to in 0..b.len() {
            let changed = row[to] + usize::from(a[at] != b[to]);
            let mut slips = changed.min(row[to + 1] + 1).min(next[to] + 1);
            if at > 0 && to > 0 && a[at] == b[to - 1] && a[at - 1] == b[to] {
                let two_back: &Vec<usize> = &above;
                slips = slips.min(two_back[to - 1] + 1);
            }
            next.push(slips);
        }
        above = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}
