//! Which value does each field and each placeholder show?
//!
//! Takes the items of a call as they were written and settles the order of the slots: the items in the
//! order of the source (so that arguments are evaluated left to right), then what the message
//! captures. A value that two slots need is evaluated once: slots refer to arguments by number.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::rc::Rc;

use proc_macro2::{Ident, Span, TokenTree};
use syn::LitStr;

use super::check::{self, Faults};
use super::code;
use super::descriptor::{Kind, Part};
use super::model::{Bare, Code, How, Item, Key, Value};
use super::template::{self, Hole, Piece, Reference, SpecPart, Template};

/// Slots, their arguments, and the message that shows them.
#[derive(Default)]
pub struct Plan {
    pub slots: Vec<Slot>,
    /// Evaluated once each, in this order.
    pub arguments: Vec<Code>,
    pub message: Option<Vec<Part>>,
}

pub struct Slot {
    pub kind: Kind,
    pub key: String,
    pub source: Source,
}

/// Where the value of a slot comes from. Numbers are places in `Plan::arguments`.
#[derive(PartialEq)]
pub enum Source {
    Value(How, usize),
    Keyed(usize, How, usize),
    Splice(usize),
    /// A placeholder with a specification: the literal of a `format_args!` and its arguments.
    Format(String, Vec<Argument>, Line),
}

/// An argument of `format_args!`.
#[derive(PartialEq)]
pub enum Argument {
    Number(usize),
    Variable(Variable),
}

/// A variable that the message names. Equal by name.
#[derive(Clone)]
pub struct Variable(pub Ident);

impl PartialEq for Variable {
    fn eq(&self, other: &Variable) -> bool {
        self.0 == other.0
    }
}

/// The span of the message; of no account when slots are compared.
pub struct Line(pub Span);

impl PartialEq for Line {
    fn eq(&self, _: &Line) -> bool {
        true
    }
}

impl Plan {
    /// Where a record has its message, a span has its name.
    pub fn name(&mut self, name: Option<String>) {
        if let Some(name) = name {
            self.message = Some(vec![Part::Text(name)]);
        }
    }
}

/// Settles a call's items.
pub fn resolve(items: Vec<Item>, faults: &mut Faults) -> Plan {
    let message = items.iter().find_map(|item| match item {
        Item::Message(text) => Some(Rc::clone(text)),
        _ => None,
    });
    let mut resolver = Resolver {
        plan: Plan::default(),
        keys: HashMap::new(),
        names: HashMap::new(),
        positions: Vec::new(),
        is_broken: !faults.is_empty(),
        faults,
    };
    let Some(text) = message else {
        resolver.items(items, 0, false);
        return resolver.plan;
    };
    match template::parse(&text.value()) {
        Ok(template) => resolver.with_message(items, &text, &template),
        Err(flaw) => {
            resolver.faults.add(check::flaw(&flaw, &text));
            // How many arguments the message takes is unknown: take them all, say nothing more.
            resolver.items(items, usize::MAX, true);
        }
    }
    resolver.plan
}

struct Resolver<'a> {
    plan: Plan,
    /// The slot of each literal key.
    keys: HashMap<String, usize>,
    /// What the arguments of `{}` are called, where they are variables.
    names: HashMap<usize, String>,
    /// The arguments of `{}`, as numbers of `plan.arguments`.
    positions: Vec<usize>,
    /// An argument was not understood: that one is missing says nothing then.
    is_broken: bool,
    faults: &'a mut Faults,
}

impl Resolver<'_> {
    fn with_message(&mut self, items: Vec<Item>, text: &LitStr, template: &Template) {
        let holes: Vec<&Hole> = template
            .pieces
            .iter()
            .filter_map(|piece| match piece {
                Piece::Hole(hole) => Some(hole),
                Piece::Text(_) => None,
            })
            .collect();
        self.items(items, template.positional, true);
        if !self.arguments_match(text, template, &holes) {
            return;
        }
        let shown: Vec<_> = holes.iter().map(|hole| self.hole(text, hole)).collect();
        let mut shown = shown.into_iter();
        let parts = template.pieces.iter().filter_map(|piece| match piece {
            Piece::Text(text) => Some(Part::Text(text.clone())),
            Piece::Hole(_) => shown.next().flatten().map(Part::Slot),
        });
        self.plan.message = Some(parts.collect());
    }

    /// Fields become slots; bare items behind the message fill its `{}` first.
    fn items(&mut self, items: Vec<Item>, mut open: usize, has_message: bool) {
        let mut behind_message = false;
        for item in items {
            match item {
                Item::Message(_) => behind_message = true,
                Item::Field(key, value) => self.field(key, value),
                Item::Splice(code) => {
                    let number = self.argument(code);
                    self.slot(Kind::Dynamic, String::new(), Source::Splice(number));
                }
                Item::Bare(bare) if behind_message && open > 0 => {
                    open -= 1;
                    let number = self.argument(bare.code);
                    if let Some(Key::Literal(name, _)) = bare.key {
                        self.names.insert(number, name);
                    }
                    self.positions.push(number);
                }
                Item::Bare(bare) => self.shorthand(bare, behind_message, has_message, open),
            }
        }
    }

    fn shorthand(&mut self, bare: Bare, behind: bool, has_message: bool, open: usize) {
        if let Some(key) = bare.key {
            self.field(key, Value { how: How::Typed, code: bare.code });
            return;
        }
        self.faults.add(check::not_a_field(&bare, has_message && behind, open));
        if !check::is_word_of_ours(&bare.shape) {
            self.argument(bare.code);
        }
    }

    fn field(&mut self, key: Key, value: Value) {
        match key {
            Key::Literal(key, span) => {
                if self.keys.insert(key.clone(), self.plan.slots.len()).is_some() {
                    self.faults.add(check::duplicate_key(&key, span));
                }
                let number = self.argument(value.code);
                self.slot(Kind::Field, key, Source::Value(value.how, number));
            }
            Key::Computed(code) => {
                let key = self.argument(code);
                let number = self.argument(value.code);
                self.slot(Kind::Dynamic, String::new(), Source::Keyed(key, value.how, number));
            }
        }
    }

    fn argument(&mut self, code: Code) -> usize {
        self.plan.arguments.push(code);
        self.plan.arguments.len() - 1
    }

    fn slot(&mut self, kind: Kind, key: String, source: Source) -> usize {
        self.plan.slots.push(Slot { kind, key, source });
        self.plan.slots.len() - 1
    }

    /// Too few arguments, or one that nothing shows: one error.
    fn arguments_match(&mut self, text: &LitStr, template: &Template, holes: &[&Hole]) -> bool {
        let given = self.positions.len();
        if given < template.positional {
            if self.is_broken {
                return false;
            }
            let refers = |hole: &&&Hole| references(hole).any(|r| is_beyond(r, given));
            let source = holes.iter().find(refers).map_or("{}", |hole| hole.source.as_str());
            let needed = template.positional;
            self.faults.add(check::too_few_arguments(text, needed, given, source));
            return false;
        }
        for (index, number) in self.positions.iter().enumerate() {
            let is_shown = |hole: &&Hole| {
                references(hole).any(|r| matches!(r, Reference::Position(at) if *at == index))
            };
            if !holes.iter().any(is_shown) {
                let code = &self.plan.arguments[*number];
                self.faults.add(check::argument_never_shown(code, index));
            }
        }
        true
    }

    /// The slot that a placeholder shows.
    fn hole(&mut self, text: &LitStr, hole: &Hole) -> Option<usize> {
        match &hole.value {
            Reference::Name(name) if hole.is_plain() => self.named(text, hole, name),
            value => {
                let source = self.format(text, hole, value)?;
                let name = self.name_of(value);
                let known = |slot: &Slot| slot.kind == Kind::Shown && slot.source == source;
                if let Some(at) = self.plan.slots.iter().position(known) {
                    return Some(at);
                }
                Some(self.slot(Kind::Shown, name, source))
            }
        }
    }

    /// By which name the runtime may hide what a placeholder shows; empty when it has none.
    fn name_of(&self, value: &Reference) -> String {
        match value {
            Reference::Name(name) => name.clone(),
            Reference::Position(index) => {
                let number = self.positions.get(*index);
                number.and_then(|number| self.names.get(number)).cloned().unwrap_or_default()
            }
        }
    }

    /// `{name}`: the field of this record, else a variable that becomes one.
    fn named(&mut self, text: &LitStr, hole: &Hole, name: &str) -> Option<usize> {
        if let Some(slot) = self.keys.get(name) {
            return Some(*slot);
        }
        let variable = self.variable(text, hole, name)?;
        let number = self.argument(code::single(TokenTree::Ident(variable.0)));
        let source = Source::Value(How::Captured, number);
        let slot = self.slot(Kind::Field, name.to_owned(), source);
        self.keys.insert(name.to_owned(), slot);
        Some(slot)
    }

    /// A variable with the span of the literal: hygiene then finds what the author of the
    /// literal sees, also from inside a macro.
    fn variable(&mut self, text: &LitStr, hole: &Hole, name: &str) -> Option<Variable> {
        if name.contains('.') {
            self.faults.add(check::no_such_field(text, &hole.source, name));
            return None;
        }
        let plain = Ident::new(name, text.span());
        let is_raw = code::is_keyword(&plain);
        Some(Variable(if is_raw { Ident::new_raw(name, text.span()) } else { plain }))
    }

    /// `{}`, `{:?}`, `{x:>8}`: rendered by the caller, and no field.
    fn format(&mut self, text: &LitStr, hole: &Hole, value: &Reference) -> Option<Source> {
        let value = self.refer(text, hole, value)?;
        if let Argument::Number(number) = value {
            if hole.is_plain() {
                return Some(Source::Value(How::Display, number));
            }
            if hole.is_debug() {
                return Some(Source::Value(How::Debug, number));
            }
        }
        let (mut literal, mut arguments) = (String::from("{0:"), vec![value]);
        for part in &hole.spec {
            match part {
                SpecPart::Text(text) => literal.push_str(text),
                SpecPart::Count(to) => {
                    // Writing into a `String` cannot fail.
                    let _ = write!(literal, "{}$", arguments.len());
                    arguments.push(self.refer(text, hole, to)?);
                }
            }
        }
        literal.push('}');
        Some(Source::Format(literal, arguments, Line(text.span())))
    }

    fn refer(&mut self, text: &LitStr, hole: &Hole, to: &Reference) -> Option<Argument> {
        match to {
            Reference::Position(index) => Some(Argument::Number(self.positions[*index])),
            Reference::Name(name) => match self.keys.get(name).map(|at| &self.plan.slots[*at]) {
                Some(Slot { source: Source::Value(How::Secret, _), .. }) => {
                    self.faults.add(check::secret_shown(text, &hole.source, name));
                    None
                }
                Some(Slot { source: Source::Value(How::Captured, _), .. }) | None => {
                    self.variable(text, hole, name).map(Argument::Variable)
                }
                Some(Slot { source: Source::Value(_, number), .. }) => {
                    Some(Argument::Number(*number))
                }
                Some(_) => None,
            },
        }
    }
}

/// What a placeholder refers to: its value, its width, its precision.
fn references(hole: &Hole) -> impl Iterator<Item = &Reference> {
    let counts = hole.spec.iter().filter_map(|part| match part {
        SpecPart::Count(to) => Some(to),
        SpecPart::Text(_) => None,
    });
    std::iter::once(&hole.value).chain(counts)
}

fn is_beyond(reference: &Reference, given: usize) -> bool {
    matches!(reference, Reference::Position(at) if *at >= given)
}
