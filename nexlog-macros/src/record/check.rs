//! Every text of an error, with its remedy: what is wrong, and what to write instead.
//!
//! One mistake is one error, and its caret is on the token that has to change. Inside a
//! message there is no token to point at, so the caret is on the literal and the text quotes
//! the `{…}`.

pub mod frames;
pub mod limit;

use proc_macro2::{Ident, Literal, Span, TokenStream};
use syn::buffer::Cursor;
use syn::{Error, LitStr, Result};

use super::code::cut_at_assignment;
use super::model::{Bare, Code, Form, How, Level, Shape};
use super::source::source;
use super::template::Flaw;

const FORMS: &str = "a field is `key = value`, `key`, `?key` or `%key`";

/// The errors of one call.
#[derive(Default)]
pub struct Faults(Vec<Error>);

impl Faults {
    pub fn add(&mut self, error: Error) {
        self.0.push(error);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One `compile_error!` for each.
    pub fn into_tokens(self) -> Vec<TokenStream> {
        self.0.into_iter().map(Error::into_compile_error).collect()
    }
}

fn at_code(code: &Code, text: impl std::fmt::Display) -> Error {
    Error::new_spanned(&code.tokens, text)
}

// Options.

pub fn is_option(name: &Ident, form: Form) -> bool {
    if form.is_record() {
        name == "target" || name == "logger" || super::limit::is_limit(name)
    } else {
        frames::is_option(name, form)
    }
}

/// Whether the name of an option can be used.
pub fn option_name(name: &Ident, is_called: bool, form: Form) -> Result<()> {
    if !form.is_record() {
        return frames::option_name(name, is_called, form);
    }
    if form == Form::Enabled && super::limit::is_limit(name) {
        return Err(limit::in_enabled(name));
    }
    if is_option(name, form) {
        return Ok(());
    }
    let text = name.to_string();
    let remedy = match text.as_str() {
        "debug" | "display" | "err" | "secret" | "bytes" | "serde" if is_called => {
            format!("`{text}(…)` needs a key: write `key = {text}(value)`")
        }
        "name" if !is_called => {
            "`name` is not an option: leave it out, a record is known by its target, message and \
             place; a field is written `name = value`"
                .to_owned()
        }
        "parent" if !is_called => {
            "`parent` is not an option: leave it out; a field is written `parent = value`"
                .to_owned()
        }
        _ if !is_called => format!(
            "`{text}` is not an option: the options are `target: \"…\"` and `logger: &…`; a field \
             is written `{text} = value`"
        ),
        _ => format!(
            "`{text}` is not an option: the options are `target(\"…\")`, `logger(&…)`, `once()`, \
             `every(…)` and `per_second(…)`; a field is written `key = {text}(…)`"
        ),
    };
    Err(Error::new(name.span(), remedy))
}

pub fn option_twice(name: &Ident) -> Error {
    Error::new(name.span(), format!("the option `{name}` is given twice: leave one out"))
}

pub fn option_without_value(name: &Ident) -> Error {
    let example = match name.to_string().as_str() {
        "logger" => "logger(&my_logger)",
        "level" => "level(Level::Debug)",
        "parent" => "parent(&span)",
        "every" => "every(100)",
        "per_second" => "per_second(10)",
        _ => "target(\"my_app::db\")",
    };
    Error::new(name.span(), format!("the option `{name}` is empty: write `{example}`"))
}

pub fn option_with_two_values(input: syn::parse::ParseStream<'_>, name: &Ident) -> Error {
    input.error(format!("the option `{name}` takes one value"))
}

pub fn empty_target(span: Span) -> Error {
    Error::new(span, "a target cannot be empty: leave the option out to use the module path")
}

// Level.

pub fn missing_level(span: Span, form: Form) -> Error {
    let (name, remedy) = match form {
        Form::Record => ("log", ", or use `info!` and its like"),
        Form::Try => ("try_log", ""),
        _ => ("enabled", ""),
    };
    Error::new(span, format!("`{name}!` begins with a level: `{name}!(Level::Info, …)`{remedy}"))
}

/// `log!("info", "paid")`
pub fn text_as_level(text: &LitStr) -> Error {
    let level = Level::from_name(&text.value()).map_or("Info", Level::variant);
    let given = text.value();
    Error::new(
        text.span(),
        format!("`{given:?}` is a text, not a level: write a level, e.g. `Level::{level}`"),
    )
}

pub fn items_in_enabled(span: Span) -> Error {
    Error::new(span, "`enabled!` takes a level and options only, no message and no fields")
}

// Items.

pub fn empty_argument(span: Span) -> Error {
    Error::new(span, format!("an argument is missing before this separator: {FORMS}"))
}

pub fn empty_splice(span: Span) -> Error {
    Error::new(span, "`..` needs the fields to splice: `..fields`")
}

pub fn missing_comma(at: Cursor<'_>) -> Error {
    let text = format!("a comma is missing before this: {FORMS}");
    match at.token_tree() {
        Some((tree, _)) => Error::new_spanned(tree, text),
        None => Error::new(at.span(), text),
    }
}

pub fn missing_value(key: &str, span: Span) -> Error {
    Error::new(span, format!("the field `{key}` has no value: write `{key} = value`"))
}

pub fn sigil_without_value(sigil: char, span: Span) -> Error {
    Error::new(span, format!("a value is missing after `{sigil}`"))
}

pub fn sigil_without_key(sigil: char, code: &Code) -> Error {
    at_code(
        code,
        format!("this expression needs a key: write `key = {sigil}{}`", source(&code.tokens)),
    )
}

/// `?key = value`
pub fn sigil_before_key(sigil: char, code: &Code) -> Error {
    let (key, assigned) = cut_at_assignment(code);
    let value: TokenStream = assigned.into_iter().skip(1).collect();
    let (key, value) = (source(&key), source(&value));
    at_code(code, format!("the `{sigil}` belongs to the value: write `{key} = {sigil}{value}`"))
}

/// `user-agent = 1`
pub fn hyphenated_key(text: &str, key: &Code, assigned: &Code) -> Error {
    let mut assigned = source(&assigned.tokens);
    if assigned.starts_with(':') {
        "= value".clone_into(&mut assigned);
    }
    at_code(key, format!("a key with a hyphen is a text: write `\"{text}\" {assigned}`"))
}

/// `f(x) = 1`
pub fn computed_key(key: &TokenStream, assigned: &TokenStream) -> Error {
    let (shown, assigned) = (source(key), source(assigned));
    Error::new_spanned(
        key,
        format!("a key made at run time stands in parentheses: write `({shown}) {assigned}`"),
    )
}

pub fn colon_instead_of_equals(key: &str, span: Span) -> Error {
    if matches!(key, "target" | "logger") {
        return Error::new(span, late_option(key));
    }
    Error::new(
        span,
        format!(
            "`{key}:` is neither an option nor a field: a field is written `{key} = value`, and \
             options come first"
        ),
    )
}

pub fn empty_key(span: Span) -> Error {
    Error::new(span, "a key cannot be empty: name the field")
}

pub fn number_as_key(number: &Literal) -> Error {
    Error::new(
        number.span(),
        format!("`{number}` is not a key: write a name, or `\"{number}\" = value`"),
    )
}

pub fn duplicate_key(key: &str, span: Span) -> Error {
    Error::new(span, format!("the key `{key}` is used twice: rename one of the fields"))
}

pub fn bare_keyword(name: &Ident) -> Error {
    Error::new(
        name.span(),
        format!(
            "`{name}` is a keyword, not a value: write `{name} = value`, or `r#{name}` for a \
             variable of that name"
        ),
    )
}

pub fn not_an_expression(error: &Error) -> Error {
    Error::new(error.span(), format!("{error}; {FORMS}"))
}

/// A bare expression that no `{}` takes and that is no shorthand.
pub fn not_a_field(bare: &Bare, has_message: bool, open: usize) -> Error {
    let source = source(&bare.code.tokens);
    let text = match &bare.shape {
        Shape::Text if has_message => {
            "a record has one message: join the two texts, or give this one a key".to_owned()
        }
        Shape::Comparison => {
            format!("`{source}` compares: {FORMS}; to log the result, write `equal = {source}`")
        }
        Shape::Call(name) if is_option_name(name) => late_option(name),
        Shape::Formatted if !has_message => {
            "a message is a string literal: write the text itself here, with its `{}` and arguments"
                .to_owned()
        }
        Shape::Call(_) | Shape::Text | Shape::Formatted | Shape::Other
            if has_message && open == 0 =>
        {
            format!(
                "this argument is not shown by the message and has no key: add a `{{}}` to the \
                 message, or write `key = {source}`"
            )
        }
        _ => format!("this value needs a key: write `key = {source}`"),
    };
    at_code(&bare.code, text)
}

fn late_option(name: &str) -> String {
    format!("the option `{name}` has to stand before the message and the fields")
}

/// Whether a call of this name is not the call of a function: it would not be found.
pub fn is_word_of_ours(shape: &Shape) -> bool {
    match shape {
        Shape::Call(name) => is_option_name(name) || How::from_marker(name).is_some(),
        _ => false,
    }
}

fn is_option_name(name: &str) -> bool {
    matches!(name, "target" | "logger" | "once" | "every" | "per_second")
}

// Messages.

pub fn flaw(flaw: &Flaw, message: &LitStr) -> Error {
    let text = match flaw {
        Flaw::Unclosed(from) => {
            format!("`{from}` opens a placeholder that nothing closes: write `{{{{` for a brace")
        }
        Flaw::Unopened => "a `}` in the message closes nothing: write `}}` for a brace".to_owned(),
        Flaw::BadName(hole, name) => format!(
            "`{hole}` in the message: `{name}` is not a name; write `{{name}}`, `{{}}` with an \
             argument, or `{{{{` for a brace"
        ),
        Flaw::BadSpec(hole, spec) => format!(
            "`{hole}` in the message: `{spec}` is not a format; write as in `format!`, for example \
             `{{x:?}}`, `{{x:>8}}` or `{{x:.2}}`"
        ),
    };
    Error::new(message.span(), text)
}

pub fn too_few_arguments(message: &LitStr, needed: usize, given: usize, hole: &str) -> Error {
    let needed = if needed == 1 { "1 argument".into() } else { format!("{needed} arguments") };
    let given = if given == 0 { "none".into() } else { format!("{given}") };
    Error::new(
        message.span(),
        format!(
            "`{hole}` in the message has no argument: its placeholders ask for {needed}, {given} \
             given; add a value after the message, or name it in the braces: `{{value}}`"
        ),
    )
}

pub fn argument_never_shown(code: &Code, index: usize) -> Error {
    at_code(
        code,
        format!(
            "this is argument {index}, and no placeholder shows it: add `{{{index}}}` to the message, \
             or give it a key"
        ),
    )
}

pub fn no_such_field(message: &LitStr, hole: &str, name: &str) -> Error {
    Error::new(
        message.span(),
        format!(
            "`{hole}` in the message: this record has no field `{name}`, and only a plain variable \
             can be captured; add `{name}` after the message"
        ),
    )
}

pub fn secret_shown(message: &LitStr, hole: &str, name: &str) -> Error {
    Error::new(
        message.span(),
        format!("`{hole}` in the message would print the secret `{name}`: write `{{{name}}}`"),
    )
}

pub fn not_foldable(span: Span, what: &str) -> Error {
    Error::new(
        span,
        format!(
            "{what} cannot be a part of a message, whose text is read while compiling: use literals, \
             `stringify!` or `env!`, and `{{}}` for values"
        ),
    )
}

pub fn no_such_variable(name: &LitStr) -> Error {
    Error::new(
        name.span(),
        format!("the environment variable `{}` is not set while compiling", name.value()),
    )
}

// The build.

/// Only the face's macros know what comes in front of the user's tokens.
pub fn not_by_hand() -> Error {
    Error::new(Span::call_site(), "use the macros of `nexlog`: `info!`, `log!` and their like")
}

pub fn static_typo(text: &str) -> Error {
    Error::new(Span::call_site(), text)
}
