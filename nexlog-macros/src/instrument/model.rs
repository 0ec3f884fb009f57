//! What the user asked for, and the function it is asked of.

use proc_macro2::{Group, Ident, TokenStream};
use syn::{Attribute, Signature, Visibility};

use crate::record::model::{Code, How, Item, Level};

/// The arguments of the attribute.
pub struct Options {
    /// The face crate.
    pub krate: TokenStream,
    pub name: Option<String>,
    /// The path is there when the user wrote one.
    pub level: Option<(Level, Option<Code>)>,
    pub target: Option<String>,
    pub fields: Vec<Item>,
    /// `args`
    pub args: Option<Ident>,
    /// `skip(a, b)`: the option, and what it names.
    pub skip: Option<(Ident, Vec<Ident>)>,
    pub skip_all: Option<Ident>,
    pub err: Option<Report>,
    pub ret: Option<Report>,
    pub parent: Option<Code>,
    pub elapsed: Option<Ident>,
    pub future: Option<Ident>,
}

/// `err`, `ret`: a record about the function's result.
pub struct Report {
    /// The option's name.
    pub at: Ident,
    pub level: Option<(Level, Option<Code>)>,
    /// `Debug`, `Display`, or whatever the value has.
    pub how: Option<How>,
}

/// A function with a body.
pub struct Function {
    /// Those in front of it, then those inside its body.
    pub attributes: Vec<Attribute>,
    pub inner: Vec<Attribute>,
    pub visibility: Visibility,
    /// `default`, of a specialised implementation.
    pub defaultness: Option<Ident>,
    pub signature: Signature,
    /// The user's braces, with what is in them.
    pub body: Group,
    /// The items at its beginning.
    pub items: TokenStream,
    /// Without `inner` and `items`.
    pub statements: TokenStream,
    pub bindings: Vec<Binding>,
    pub returns: Returns,
}

/// A variable that the arguments bind.
pub struct Binding {
    pub ident: Ident,
    /// It may be missing, as the argument has a `#[cfg]`: never captured unasked.
    pub is_conditional: bool,
}

/// What a function gives back, by its syntax.
pub enum Returns {
    /// No type, or `()`.
    Nothing,
    /// `!`
    Never,
    /// A type, with `_` for each `impl Trait`.
    Value(TokenStream),
    /// A future, made by the function's body.
    Future(Future),
}

pub struct Future {
    /// Its type, when it has to be boxed again; `None` for `impl Future`.
    pub boxed: Option<TokenStream>,
    /// The type of its output, if the syntax says so.
    pub output: Option<TokenStream>,
}

impl Function {
    pub fn is_async(&self) -> bool {
        self.signature.asyncness.is_some()
    }

    /// Whether what it gives is to be polled.
    pub fn gives_future(&self) -> bool {
        self.is_async() || matches!(self.returns, Returns::Future(_))
    }

    /// Whether a macro has made this of an `async fn`, as `async_trait` does.
    pub fn is_from_async_fn(&self) -> bool {
        let mut lifetimes = self.signature.generics.lifetimes();
        lifetimes.any(|parameter| parameter.lifetime.ident == "async_trait")
    }

    pub fn name(&self) -> String {
        crate::record::code::bare_name(&self.signature.ident)
    }
}
