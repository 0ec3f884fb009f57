//! What the user wrote, after parsing and before anything is decided about it.

use std::rc::Rc;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use syn::LitStr;

/// One call of a record macro.
pub struct Call {
    /// The face crate, as the path that its macro passed on.
    pub krate: TokenStream,
    pub form: Form,
    pub level: LevelArg,
    pub options: Vec<Chosen>,
    /// How many options stand before the level.
    pub level_at: usize,
    /// Of a span.
    pub name: Option<String>,
    pub items: Vec<Item>,
}

/// Which family of macros the call belongs to: what it returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Record,
    Try,
    Enabled,
    /// `context!`
    Scope,
    /// `fields!`
    FieldSet,
    /// `span!`, and the attribute
    Span,
}

impl Form {
    /// Whether it is about a record. The others make a frame of fields.
    pub fn is_record(self) -> bool {
        matches!(self, Form::Record | Form::Try | Form::Enabled)
    }
}

pub enum LevelArg {
    /// Known while compiling. The path is there when the user wrote one.
    Static(Level, Option<Code>),
    Dynamic(Code),
    /// Missing or broken, and said so; or none, of a frame.
    Unknown,
}

/// A level by its number, 0 for Trace to 5 for Critical.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(pub u8);

impl Level {
    pub const INFO: Level = Level(2);
    pub const ERROR: Level = Level(4);
    pub const CRITICAL: Level = Level(5);
    const NAMES: [&str; 6] = ["Trace", "Debug", "Info", "Warn", "Error", "Critical"];
    const CONSTANTS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "CRITICAL"];

    /// The level of this name, as a variant or as tracing's constants have it.
    pub fn from_variant(name: &str) -> Option<Level> {
        let mut names = Self::NAMES.iter().zip(Self::CONSTANTS);
        names
            .position(|(variant, constant)| *variant == name || constant == name)
            .and_then(|at| at.try_into().ok())
            .map(Level)
    }

    /// The level that a text like `"info"` or `"warning"` names.
    pub fn from_name(name: &str) -> Option<Level> {
        const SHORT: [(&str, &str); 3] =
            [("warning", "Warn"), ("err", "Error"), ("crit", "Critical")];
        let known = Self::NAMES.map(|variant| (variant, variant));
        known
            .iter()
            .chain(&SHORT)
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .and_then(|(_, variant)| Self::from_variant(variant))
    }

    /// The name of the variant: `Info`.
    pub fn variant(self) -> &'static str {
        Self::NAMES[usize::from(self.0)]
    }

    /// The name of the constant in `static_on`: `INFO`.
    pub fn constant(self) -> &'static str {
        Self::CONSTANTS[usize::from(self.0)]
    }
}

/// An option with its value, in source order.
pub enum Chosen {
    /// A target that is known while compiling.
    Target(String),
    DynamicTarget(Code),
    Logger(Code),
    Level(Level, Option<Code>),
    /// What is around a span.
    Parent(Code),
    /// How many of the site's records pass.
    Limit(Limit),
}

/// An option that lets some of a site's records pass.
pub enum Limit {
    Once,
    Every(Code),
    PerSecond(Code),
}

impl Limit {
    /// The expression in its parentheses.
    pub fn code(&self) -> Option<&Code> {
        match self {
            Limit::Once => None,
            Limit::Every(code) | Limit::PerSecond(code) => Some(code),
        }
    }

    /// As it is written, and as the runtime's method is called.
    pub fn name(&self) -> &'static str {
        match self {
            Limit::Once => "once",
            Limit::Every(_) => "every",
            Limit::PerSecond(_) => "per_second",
        }
    }
}

impl Chosen {
    pub fn name(&self) -> &'static str {
        match self {
            Chosen::Target(_) | Chosen::DynamicTarget(_) => "target",
            Chosen::Logger(_) => "logger",
            Chosen::Level(..) => "level",
            Chosen::Parent(_) => "parent",
            Chosen::Limit(limit) => limit.name(),
        }
    }
}

/// What stands between two commas.
pub enum Item {
    Message(Rc<LitStr>),
    Field(Key, Value),
    /// `..fields`
    Splice(Code),
    /// A bare expression: an argument of a `{}`, or the shorthand of a field.
    Bare(Bare),
}

pub struct Bare {
    pub code: Code,
    /// The key it has as a shorthand: `x`, `user.id`.
    pub key: Option<Key>,
    pub shape: Shape,
}

/// What a bare expression looks like, for the error that it may become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    Text,
    Comparison,
    /// `f(x) = 1`: a key that is not one.
    Assignment,
    /// A call of one plain name.
    Call(String),
    /// `format!(…)`, `format_args!(…)`
    Formatted,
    Other,
}

pub enum Key {
    Literal(String, Span),
    /// `(expr) = value`
    Computed(Code),
}

#[derive(Clone)]
pub struct Value {
    pub how: How,
    pub code: Code,
}

/// The form in which a value is handed to the runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Typed,
    Debug,
    Display,
    Error,
    Secret,
    Bytes,
    /// By serde's `Serialize`.
    Serde,
    /// A variable named in the message: typed if it can be, its text otherwise.
    Captured,
    /// An argument of a function: typed if it can be, its `Debug` text otherwise.
    Given,
    /// What a function returned: the same.
    Returned,
    /// The error a function returned: with its chain if it is one, its text otherwise.
    Failure,
}

impl How {
    /// The markers that can be written as a call, and after a `:`.
    pub fn from_marker(name: &str) -> Option<How> {
        Some(match name {
            "debug" => How::Debug,
            "display" => How::Display,
            "err" => How::Error,
            "secret" => How::Secret,
            "bytes" => How::Bytes,
            "serde" => How::Serde,
            _ => return None,
        })
    }
}

/// An expression of the user, token by token as it was written.
#[derive(Clone)]
pub struct Code {
    pub tokens: TokenStream,
    pub first: Span,
    pub last: Span,
}

impl Code {
    /// The variable that it is as a whole.
    pub fn lone_ident(&self) -> Option<Ident> {
        let mut trees = self.tokens.clone().into_iter();
        match (trees.next(), trees.next()) {
            (Some(TokenTree::Ident(ident)), None) => Some(ident),
            _ => None,
        }
    }
}

impl Item {
    /// Where an error about the item as a whole points.
    pub fn span(&self) -> Span {
        match self {
            Item::Message(text) => text.span(),
            Item::Field(Key::Literal(_, span), _) => *span,
            Item::Field(Key::Computed(code), _) | Item::Splice(code) => code.first,
            Item::Bare(bare) => bare.code.first,
        }
    }
}
