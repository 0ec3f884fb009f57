//! From tokens to a [`Call`]: who says what, in any of the accepted spellings.
//!
//! Nothing is decided here that needs the whole call (which `{}` takes which argument is
//! `resolve`'s question), and no text of an error is written here (`check` has them). A broken
//! argument is noted and skipped to its comma, so that the others are still understood: the
//! editor completes inside them, and two mistakes are two errors.

use proc_macro2::{Delimiter, Ident, TokenStream};
use syn::buffer::Cursor;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, LitStr, Result};

use super::check::{self, Faults};
use super::code::{self, Operator, ends, expression, operator};
use super::message::string;
use super::model::{Bare, Call, Chosen, Code, Form, Item, Level, LevelArg, Shape};
use super::{field, frames, limit, message};

/// Reads `(crate) (form) what the user wrote`.
pub fn parse(input: TokenStream, faults: &mut Faults) -> Option<Call> {
    let parser = |input: ParseStream<'_>| Ok(call(input, faults));
    parser.parse2(input).ok().flatten()
}

fn call(input: ParseStream<'_>, faults: &mut Faults) -> Option<Call> {
    let krate = parenthesized(input)?;
    let form: Ident = syn::parse2(parenthesized(input)?).ok()?;
    let mut call = Call {
        krate,
        form: Form::Record,
        level: LevelArg::Unknown,
        options: Vec::new(),
        level_at: 0,
        name: None,
        items: Vec::new(),
    };
    match form.to_string().as_str() {
        "try_log" => call.form = Form::Try,
        "enabled" => call.form = Form::Enabled,
        "context" => call.form = Form::Scope,
        "fields" => call.form = Form::FieldSet,
        "span" => call.form = Form::Span,
        "log" => {}
        name => call.level = LevelArg::Static(Level::from_variant(name)?, None),
    }
    if !call.form.is_record() {
        frame(input, &mut call, faults);
        return Some(call);
    }
    if matches!(call.level, LevelArg::Unknown) {
        options(input, &mut call, faults, Known::Only);
        call.level_at = call.options.len();
        level(input, &mut call, faults);
    }
    options(input, &mut call, faults, Known::OrNot);
    items(input, &mut call, faults);
    Some(call)
}

/// `context!`, `fields!`, `span!`: options, a name, fields.
fn frame(input: ParseStream<'_>, call: &mut Call, faults: &mut Faults) {
    options(input, call, faults, Known::OrNot);
    if call.form == Form::Span {
        if frames::is_level_ahead(input) {
            level_of_span(input, call, faults);
            separator(input, faults);
            options(input, call, faults, Known::OrNot);
        }
        // A name that was taken for an option, `name: "…"`, is not missed as well.
        let is_broken = !faults.is_empty();
        match frames::name(&input.fork(), call) {
            Err(_) if is_broken => {}
            _ => {
                if let Err(error) = frames::name(input, call) {
                    recover(input, faults, error);
                }
                separator(input, faults);
            }
        }
    }
    items(input, call, faults);
    let level = call.options.iter_mut().find_map(|option| match option {
        Chosen::Level(level, code) => Some(LevelArg::Static(*level, code.take())),
        _ => None,
    });
    call.level = level.unwrap_or(LevelArg::Unknown);
}

fn level_of_span(input: ParseStream<'_>, call: &mut Call, faults: &mut Faults) {
    let at = input.cursor();
    match frames::static_level(input) {
        Ok(_) if call.options.iter().any(|option| option.name() == "level") => {
            faults.add(check::frames::level_twice(&code::between(at, input.cursor()).tokens));
        }
        Ok((level, code)) => call.options.push(Chosen::Level(level, code)),
        Err(error) => recover(input, faults, error),
    }
}

fn parenthesized(input: ParseStream<'_>) -> Option<TokenStream> {
    let group: proc_macro2::Group = input.parse().ok()?;
    (group.delimiter() == Delimiter::Parenthesis).then(|| group.stream())
}

/// Whether a call of an unknown name is taken for an option. Not before the level of `log!`,
/// which may be any expression.
#[derive(Clone, Copy, PartialEq)]
enum Known {
    Only,
    OrNot,
}

fn options(input: ParseStream<'_>, call: &mut Call, faults: &mut Faults, known: Known) {
    while let Some(name) = option_ahead(input, known, call.form) {
        match option(input, &name, call.form) {
            Ok(chosen) => {
                if call.options.iter().any(|other| other.name() == chosen.name()) {
                    faults.add(check::option_twice(&name));
                } else if let Some(other) = limit::contradicted(&chosen, &call.options) {
                    faults.add(check::limit::beside_once(&name, other));
                }
                call.options.push(chosen);
            }
            Err(error) => recover(input, faults, error),
        }
        separator(input, faults);
    }
}

/// The name of the option at this position.
fn option_ahead(input: ParseStream<'_>, known: Known, form: Form) -> Option<Ident> {
    let at = input.cursor();
    let (name, rest) = at.ident()?;
    if code::lone_call(at).is_some() {
        let known_name = check::is_option(&name, form);
        return (known_name || known == Known::OrNot).then_some(name);
    }
    match operator(rest) {
        // `target:% = v` is a field of that name, in `log`'s spelling.
        (Operator::Colon, behind) if code::sigil(behind).is_some() => None,
        (Operator::Colon, behind) => {
            (check::is_option(&name, form) || !field::is_form(behind)).then_some(name)
        }
        _ => None,
    }
}

fn option(input: ParseStream<'_>, name: &Ident, form: Form) -> Result<Chosen> {
    let called = code::lone_call(input.cursor()).is_some();
    code::skip_token(input);
    check::option_name(name, called, form)?;
    if limit::is_limit(name) {
        return limit::option(input, name, called);
    }
    if !called {
        // The `:`.
        code::skip_token(input);
        if ends(input.cursor()) {
            return Err(check::option_without_value(name));
        }
        return option_value(input, name, form);
    }
    let group: proc_macro2::Group = input.parse()?;
    if group.stream().is_empty() {
        return Err(check::option_without_value(name));
    }
    let inside = |inside: ParseStream<'_>| {
        let chosen = option_value(inside, name, form)?;
        inside.parse::<Option<syn::Token![,]>>()?;
        if inside.is_empty() {
            Ok(chosen)
        } else {
            Err(check::option_with_two_values(inside, name))
        }
    };
    inside.parse2(group.stream())
}

fn option_value(input: ParseStream<'_>, name: &Ident, form: Form) -> Result<Chosen> {
    match name.to_string().as_str() {
        "logger" => return Ok(Chosen::Logger(expression(input)?.0)),
        "parent" => return Ok(Chosen::Parent(expression(input)?.0)),
        "level" => {
            let (level, code) = frames::static_level(input)?;
            return Ok(Chosen::Level(level, code));
        }
        _ => {}
    }
    match message::message(input) {
        Some(text) => {
            let text = text?;
            if text.value().is_empty() {
                return Err(check::empty_target(text.span()));
            }
            Ok(Chosen::Target(text.value()))
        }
        None if !form.is_record() => {
            Err(check::frames::target_at_run_time(&expression(input)?.0.tokens))
        }
        None => Ok(Chosen::DynamicTarget(expression(input)?.0)),
    }
}

fn level(input: ParseStream<'_>, call: &mut Call, faults: &mut Faults) {
    let at = input.cursor();
    if let Some((text, rest)) = string(at)
        && is_in_place_of_level(input, &text, rest)
    {
        faults.add(check::text_as_level(&text));
        code::skip_token(input);
        return separator(input, faults);
    }
    if is_level_missing(at) {
        faults.add(check::missing_level(at.span(), call.form));
        return;
    }
    let ahead = input.fork();
    match expression(input) {
        Ok((_, Shape::Assignment)) => faults.add(check::missing_level(at.span(), call.form)),
        Ok((code, _)) => call.level = classify(&ahead, code),
        Err(error) => recover(input, faults, error),
    }
    separator(input, faults);
}

/// Whether a field or the message stands where the level should be. An expression may begin
/// like both: `"debug".parse::<Level>()`, `self.level()`.
fn is_level_missing(at: Cursor<'_>) -> bool {
    let is_key = |rest| operator(rest).0 != Operator::Other;
    at.eof()
        || code::fields_in_braces(at, false).is_some()
        || string(at).is_some_and(|(_, rest)| ends(rest))
        || at.literal().is_some_and(|(_, rest)| is_key(rest))
        || code::dotted_key(at).is_some_and(|(.., rest)| is_key(rest))
}

/// Whether a text is meant as a level: its name, or in front of the message.
fn is_in_place_of_level(input: ParseStream<'_>, text: &LitStr, rest: Cursor<'_>) -> bool {
    if !ends(rest) {
        return false;
    }
    if Level::from_name(&text.value()).is_some() {
        return true;
    }
    let ahead = input.fork();
    code::skip_token(&ahead);
    code::skip_token(&ahead);
    message::message(&ahead).is_some()
}

/// A path whose last segment is the name of a level is known while compiling.
pub fn classify(ahead: ParseStream<'_>, code: Code) -> LevelArg {
    let mut expr = ahead.parse::<Expr>().ok();
    while let Some(Expr::Group(group)) = expr {
        expr = Some(*group.expr);
    }
    let level = match &expr {
        Some(Expr::Path(path)) => {
            path.path.segments.last().and_then(|last| Level::from_variant(&last.ident.to_string()))
        }
        _ => None,
    };
    match level {
        Some(level) => LevelArg::Static(level, Some(code)),
        None => LevelArg::Dynamic(code),
    }
}

/// Fields alone, of `#[instrument(fields(…))]`.
pub fn fields(tokens: TokenStream, form: Form, faults: &mut Faults) -> Vec<Item> {
    let mut call = Call {
        krate: TokenStream::new(),
        form,
        level: LevelArg::Unknown,
        options: Vec::new(),
        level_at: 0,
        name: None,
        items: Vec::new(),
    };
    let parser = |input: ParseStream<'_>| {
        items(input, &mut call, faults);
        Ok(())
    };
    // What is not understood is skipped, and said.
    let _ = parser.parse2(tokens);
    call.items
}

fn items(input: ParseStream<'_>, call: &mut Call, faults: &mut Faults) {
    while !input.is_empty() {
        let has_message = call.items.iter().any(|item| matches!(item, Item::Message(_)));
        if let Some(fields) = code::fields_in_braces(input.cursor(), !has_message) {
            // tracing's `{ a = 1, b = ?2 }`: the fields, as if there were no braces.
            code::skip_token(input);
            let inside = |input: ParseStream<'_>| {
                items(input, call, faults);
                Ok(())
            };
            let _ = inside.parse2(fields); // what is not understood is skipped, and said
        } else {
            match item(input, call, has_message) {
                Ok(item) => call.items.push(item),
                Err(error) => recover(input, faults, error),
            }
        }
        separator(input, faults);
    }
}

fn item(input: ParseStream<'_>, call: &Call, has_message: bool) -> Result<Item> {
    let at = input.cursor();
    if ends(at) {
        return Err(check::empty_argument(at.span()));
    }
    if input.peek(syn::Token![..]) {
        input.parse::<syn::Token![..]>()?;
        if ends(input.cursor()) {
            return Err(check::empty_splice(at.span()));
        }
        return Ok(Item::Splice(expression(input)?.0));
    }
    if let Some(field) = field::field(input)? {
        return Ok(field);
    }
    if !has_message && let Some(text) = message::message(input) {
        let text = text?;
        if !call.form.is_record() {
            return Err(check::frames::message(&text, call.form));
        }
        return Ok(Item::Message(text.into()));
    }
    bare(input, call.form)
}

fn bare(input: ParseStream<'_>, form: Form) -> Result<Item> {
    let at = input.cursor();
    let (code, shape) = match message::message(input) {
        // A second literal, or a `concat!`: an argument of `{}`, or one message too many.
        Some(text) => (code::single(text?.token().into()), Shape::Text),
        None => expression(input)?,
    };
    let key = field::shorthand(at, input.cursor());
    if !form.is_record() {
        check::frames::stray_option(form, &shape, &code.tokens)?;
    }
    if shape == Shape::Assignment {
        let (key, value) = code::cut_at_assignment(&code);
        return Err(check::computed_key(&key, &value));
    }
    if operator(input.cursor()).0 == Operator::Assign {
        let value = code::rest_of_argument(input.cursor());
        return Err(check::computed_key(&code.tokens, &value.tokens));
    }
    Ok(Item::Bare(Bare { code, key, shape }))
}

/// Notes an error and goes on at the end of the argument.
pub fn recover(input: ParseStream<'_>, faults: &mut Faults, error: syn::Error) {
    faults.add(error);
    while !ends(input.cursor()) {
        code::skip_token(input);
    }
}

/// Takes the comma or semicolon that ends an argument.
fn separator(input: ParseStream<'_>, faults: &mut Faults) {
    separator_or(input, faults, check::missing_comma);
}

/// The same, with an error of the caller's where there is none.
pub fn separator_or(
    input: ParseStream<'_>,
    faults: &mut Faults,
    missing: impl Fn(Cursor<'_>) -> syn::Error,
) {
    if !ends(input.cursor()) {
        let at = input.cursor();
        recover(input, faults, missing(at));
    }
    if !input.is_empty() {
        code::skip_token(input);
    }
}
