//! The error texts that only `context!`, `fields!`, `span!` and `#[instrument]` have.

use proc_macro2::{Ident, Span, TokenStream};
use syn::{Error, LitStr, Result};

use super::super::model::{Form, Level, Shape};
use super::super::source::source;

fn macro_name(form: Form) -> &'static str {
    match form {
        Form::Scope => "context!",
        Form::FieldSet => "fields!",
        _ => "span!",
    }
}

pub fn is_option(name: &Ident, form: Form) -> bool {
    form == Form::Span && (name == "target" || name == "level" || name == "parent")
}

/// Whether the name of an option can be used.
pub fn option_name(name: &Ident, is_called: bool, form: Form) -> Result<()> {
    if is_option(name, form) {
        return Ok(());
    }
    let field = if is_called { format!("key = {name}(…)") } else { format!("{name} = value") };
    let text = if form == Form::Span {
        format!(
            "`{name}` is not an option of `span!`: the options are `target(\"…\")`, \
             `level(Level::…)` and `parent(&…)`; a field is written `{field}`"
        )
    } else {
        let called = macro_name(form);
        format!("`{name}` is not an option: `{called}` takes fields only, written `{field}`")
    };
    Err(Error::new(name.span(), text))
}

/// An option where a field should be.
pub fn stray_option(form: Form, shape: &Shape, code: &TokenStream) -> Result<()> {
    let Shape::Call(name) = shape else { return Ok(()) };
    if !matches!(name.as_str(), "target" | "level" | "parent" | "logger") {
        return Ok(());
    }
    let text = if form != Form::Span {
        let called = macro_name(form);
        format!("`{name}` is not an option: `{called}` takes fields only, written `key = value`")
    } else if name == "logger" {
        "`logger` is not an option of `span!`: a span is on the records of every logger".to_owned()
    } else {
        format!("the option `{name}` has to stand before the name of the span")
    };
    Err(Error::new_spanned(code, text))
}

pub fn message(text: &LitStr, form: Form) -> Error {
    let remedy = match form {
        Form::Span => "a span has one name, and no message: write `key = \"…\"` for a field",
        Form::Scope => {
            "`context!` has no message: write `key = \"…\"` for a field, or use `span!(\"…\")` for a \
             name"
        }
        _ => "`fields!` has no message: write `key = \"…\"` for a field",
    };
    Error::new(text.span(), remedy)
}

pub fn missing_name(span: Span) -> Error {
    Error::new(
        span,
        "a span begins with its name, a text in quotes: `span!(\"import\", key = value)`",
    )
}

/// `span!(name)`
pub fn name_at_run_time(code: &TokenStream) -> Error {
    Error::new_spanned(
        code,
        format!(
            "the name of a span is a text in quotes, known while compiling: write \
             `span!(\"import\", key = {})`",
            source(code)
        ),
    )
}

pub fn empty_name(span: Span) -> Error {
    Error::new(span, "the name of a span cannot be empty: say what the work is, e.g. \"import\"")
}

pub fn placeholder_in_name(text: &LitStr, hole: &str, value: Option<&str>) -> Error {
    let field = value.unwrap_or("key = value");
    Error::new(
        text.span(),
        format!(
            "`{hole}` in the name of a span: a name is fixed text, so that equal work has equal \
             names; make it a field: `{field}`"
        ),
    )
}

pub fn target_at_run_time(code: &TokenStream) -> Error {
    Error::new_spanned(
        code,
        "the target of a span is a text in quotes, known while compiling: write a value as a field",
    )
}

/// `span!(level(Level::Info), Level::Debug, "import")`
pub fn level_twice(code: &TokenStream) -> Error {
    Error::new_spanned(code, "the option `level` is given twice: leave one out")
}

/// What is given as the level of a span or a function.
pub fn not_a_static_level(code: &TokenStream) -> Error {
    let text = source(code);
    let name = text.rsplit("::").next().unwrap_or(&text).trim_matches('"');
    let remedy = match Level::from_name(name) {
        Some(level) => format!("write `Level::{}`", level.variant()),
        None => "write for example `Level::Debug` or `\"debug\"`".to_owned(),
    };
    Error::new_spanned(
        code,
        format!("`{text}` is not a level that is known while compiling: {remedy}"),
    )
}
