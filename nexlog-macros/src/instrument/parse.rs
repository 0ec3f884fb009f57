//! From the attribute's arguments to [`Options`]. A broken option is noted and skipped to its
//! comma, so that two mistakes are two errors.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{ToTokens as _, quote_spanned};
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser};
use syn::{LitStr, Result, Token};

use super::check;
use super::model::{Options, Report};
use crate::record::check::Faults;
use crate::record::code::{self, Operator, ends, operator};
use crate::record::frames::{checked_name, static_level};
use crate::record::message::{message, string};
use crate::record::model::{Form, How};
use crate::record::parse as items;

pub fn parse(arguments: TokenStream, faults: &mut Faults) -> Options {
    let mut options = Options::new();
    let parser = |input: ParseStream<'_>| {
        all(input, &mut options, faults);
        Ok(())
    };
    // Nothing in it gives up: what is not understood is skipped.
    let _ = parser.parse2(arguments);
    options
}

impl Options {
    fn new() -> Options {
        Options {
            krate: quote_spanned!(Span::mixed_site()=> ::nexlog),
            name: None,
            level: None,
            target: None,
            fields: Vec::new(),
            args: None,
            skip: None,
            skip_all: None,
            err: None,
            ret: None,
            parent: None,
            elapsed: None,
            future: None,
        }
    }
}

fn all(input: ParseStream<'_>, options: &mut Options, faults: &mut Faults) {
    let mut seen = Vec::new();
    while !input.is_empty() {
        if let Err(error) = option(input, options, &mut seen, faults) {
            items::recover(input, faults, error);
        }
        items::separator_or(input, faults, check::missing_comma);
    }
}

fn option(
    input: ParseStream<'_>,
    options: &mut Options,
    seen: &mut Vec<String>,
    faults: &mut Faults,
) -> Result<()> {
    let at = input.cursor();
    if ends(at) {
        return Err(check::empty_argument(at.span()));
    }
    if string(at).is_some() {
        let name: LitStr = input.parse()?;
        once("name", name.span(), seen)?;
        options.name = Some(checked_name(&name)?);
        return Ok(());
    }
    let Ok(name) = Ident::parse_any(input) else {
        return Err(check::not_an_option(at));
    };
    let text = name.to_string();
    check::option_name(&name)?;
    let value = Value { input, name: &name };
    once(&text, name.span(), seen).inspect_err(|_| value.skip())?;
    match text.as_str() {
        "name" => options.name = Some(checked_name(&value.text()?)?),
        "target" => options.target = Some(value.target()?),
        "level" => {
            value.equals("level = \"debug\"")?;
            options.level = Some(static_level(input)?);
        }
        "parent" => {
            value.equals("parent = &span")?;
            options.parent = Some(code::expression(input)?.0);
        }
        "crate" => options.krate = value.krate()?,
        "fields" => {
            let fields = value.group("fields(key = value)")?;
            options.fields = items::fields(fields.stream(), Form::Span, faults);
        }
        "skip" => options.skip = Some((name.clone(), value.names()?)),
        "err" => options.err = Some(value.report()?),
        "ret" => options.ret = Some(value.report()?),
        "args" => options.args = Some(value.flag()?),
        "skip_all" => options.skip_all = Some(value.flag()?),
        "elapsed" => options.elapsed = Some(value.flag()?),
        "future" => options.future = Some(value.flag()?),
        _ => return Err(check::not_an_option(at)),
    }
    Ok(())
}

fn once(name: &str, at: Span, seen: &mut Vec<String>) -> Result<()> {
    if seen.iter().any(|known| known == name) {
        return Err(check::option_twice(name, at));
    }
    seen.push(name.to_owned());
    Ok(())
}

/// What stands behind the name of an option.
struct Value<'a> {
    input: ParseStream<'a>,
    name: &'a Ident,
}

impl Value<'_> {
    fn skip(&self) {
        while !ends(self.input.cursor()) {
            code::skip_token(self.input);
        }
    }

    /// The `=`, with something behind it.
    fn equals(&self, example: &str) -> Result<()> {
        let (found, behind) = operator(self.input.cursor());
        if found != Operator::Assign || ends(behind) {
            return Err(check::option_without_value(self.name, example));
        }
        code::skip_to(self.input, behind);
        Ok(())
    }

    fn group(&self, example: &str) -> Result<Group> {
        if self.input.cursor().group(Delimiter::Parenthesis).is_none() {
            return Err(check::option_without_value(self.name, example));
        }
        self.input.parse()
    }

    /// Whether nothing more belongs to the option. A word behind it begins the next one, and
    /// what is missing is the comma.
    fn is_over(&self) -> bool {
        let at = self.input.cursor();
        ends(at) || at.ident().is_some()
    }

    fn flag(&self) -> Result<Ident> {
        if self.is_over() {
            Ok(self.name.clone())
        } else {
            Err(check::option_with_value(self.name))
        }
    }

    fn text(&self) -> Result<LitStr> {
        self.equals(&format!("{} = \"…\"", self.name))?;
        match message(self.input) {
            Some(text) => text,
            None => Err(check::not_a_text(self.name, &code::rest_of_argument(self.input.cursor()))),
        }
    }

    fn target(&self) -> Result<String> {
        let text = self.text()?;
        if text.value().is_empty() {
            return Err(crate::record::check::empty_target(text.span()));
        }
        Ok(text.value())
    }

    /// A path, as itself or in quotes.
    fn krate(&self) -> Result<TokenStream> {
        self.equals("crate = my_crate::nexlog")?;
        let at = self.input.cursor();
        let rest = code::rest_of_argument(at);
        let path = match string(at) {
            Some((text, behind)) => {
                code::skip_to(self.input, behind);
                text.parse_with(syn::Path::parse_mod_style)
            }
            None => self.input.call(syn::Path::parse_mod_style),
        };
        match path {
            Ok(path) if self.is_over() => Ok(path.into_token_stream()),
            _ => Err(check::not_a_path(&rest.tokens)),
        }
    }

    fn names(&self) -> Result<Vec<Ident>> {
        let group = self.group("skip(argument)")?;
        let mut names = Vec::new();
        let parser = |inside: ParseStream<'_>| {
            while !inside.is_empty() {
                let at = inside.cursor();
                let name = Ident::parse_any(inside).map_err(|_| check::not_a_name(at))?;
                if !ends(inside.cursor()) {
                    let behind = inside.cursor();
                    return Err(match behind.ident() {
                        Some(_) => check::missing_comma_in(behind, self.name),
                        None => check::not_a_name(at),
                    });
                }
                inside.parse::<Option<Token![,]>>()?;
                names.push(name);
            }
            Ok(())
        };
        parser.parse2(group.stream())?;
        if names.is_empty() {
            return Err(check::option_without_value(self.name, "skip(argument)"));
        }
        Ok(names)
    }

    /// `err`, `err(level = Level::Warn, Display)`
    fn report(&self) -> Result<Report> {
        let mut report = Report { at: self.name.clone(), level: None, how: None };
        if self.is_over() {
            return Ok(report);
        }
        let group = self.group(&format!("{}(level = \"warn\")", self.name))?;
        let parser = |inside: ParseStream<'_>| {
            while !inside.is_empty() {
                part(inside, &mut report)?;
                let behind = inside.cursor();
                if !ends(behind) {
                    return Err(match behind.ident() {
                        Some(_) => check::missing_comma_in(behind, self.name),
                        None => check::not_a_part(behind, self.name),
                    });
                }
                inside.parse::<Option<Token![,]>>()?;
            }
            Ok(())
        };
        parser.parse2(group.stream())?;
        Ok(report)
    }
}

/// One part of `err(…)`.
fn part(inside: ParseStream<'_>, report: &mut Report) -> Result<()> {
    let at = inside.cursor();
    let Ok(name) = Ident::parse_any(inside) else {
        return Err(check::not_a_part(at, &report.at));
    };
    let how = match name.to_string().as_str() {
        "level" if report.level.is_none() => {
            Value { input: inside, name: &name }.equals("level = \"warn\"")?;
            report.level = Some(static_level(inside)?);
            return Ok(());
        }
        "level" => return Err(check::option_twice("level", name.span())),
        "Debug" => How::Debug,
        "Display" => How::Display,
        _ => return Err(check::not_a_part(at, &report.at)),
    };
    if report.how.is_some() {
        return Err(check::option_twice("Debug` or `Display", name.span()));
    }
    report.how = Some(how);
    Ok(())
}
