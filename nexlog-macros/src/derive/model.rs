//! A type and what its attributes say, as the expansion needs it.

use proc_macro2::{Ident, Span, TokenStream};
use syn::{Generics, Member, Type};

pub struct Input {
    pub name: Ident,
    pub generics: Generics,
    /// The face crate.
    pub krate: TokenStream,
    pub body: Body,
}

pub enum Body {
    /// Shown as one thing, whatever it holds: the form, and where that is said.
    Whole(Form, Span),
    Struct(Shape),
    Enum {
        /// The key of the variant's name among its fields; without one the name is the key of all.
        tag: Option<String>,
        variants: Vec<Variant>,
    },
}

pub struct Variant {
    pub ident: Ident,
    /// What it is called in records.
    pub name: String,
    pub shape: Shape,
    pub is_skipped: bool,
}

pub enum Shape {
    /// Keys and values.
    Named(Vec<Field>),
    /// Its only field.
    Newtype(Box<Field>),
    /// A list.
    Tuple(Vec<Field>),
    /// Its name.
    Unit,
}

pub struct Field {
    pub member: Member,
    /// Empty where it has none.
    pub key: String,
    pub form: Form,
    pub ty: Type,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Typed,
    Debug,
    Display,
    Secret,
    /// Its fields in place of itself.
    Flatten,
    /// Not at all.
    Skip,
}

impl Body {
    /// All fields that are shown.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        let shapes: Vec<&Shape> = match self {
            Body::Whole(..) => Vec::new(),
            Body::Struct(shape) => vec![shape],
            Body::Enum { variants, .. } => {
                let shown = variants.iter().filter(|variant| !variant.is_skipped);
                shown.map(|variant| &variant.shape).collect()
            }
        };
        shapes.into_iter().flat_map(Shape::fields)
    }
}

impl Shape {
    /// All fields that are shown.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        let fields = match self {
            Shape::Named(fields) | Shape::Tuple(fields) => fields.as_slice(),
            Shape::Newtype(field) => std::slice::from_ref(&**field),
            Shape::Unit => &[],
        };
        fields.iter().filter(|field| field.form != Form::Skip)
    }
}
