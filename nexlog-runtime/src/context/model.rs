//! Contexts against a naive model, a list: random programs that enter, leave in any order, leak,
//! carry out, capture, and go to other threads.

use std::mem;
use std::thread;

use proptest::prelude::*;

use super::{INNER, OTHER, scope, shown, span};
use crate::context::make::frame1;
use crate::context::{Context, Scope, Span, stack};

/// What a random program does.
#[derive(Clone, Debug)]
enum Step {
    Scope(u8),
    Span(u8),
    /// Enters a captured context, the empty one, or a span that is there for all.
    Attach(u8),
    Hide,
    Again,
    Drop(u8),
    Forget(u8),
    InSpan(Vec<Step>),
    InContext(u8, Vec<Step>),
    Body(Vec<Step>),
    Capture,
    Elsewhere(Vec<Step>),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let leaf = prop_oneof![
        any::<u8>().prop_map(Step::Scope),
        any::<u8>().prop_map(Step::Span),
        any::<u8>().prop_map(Step::Attach),
        Just(Step::Hide),
        Just(Step::Again),
        any::<u8>().prop_map(Step::Drop),
        any::<u8>().prop_map(Step::Drop),
        any::<u8>().prop_map(Step::Forget),
        Just(Step::Capture),
    ];
    let nested = leaf.prop_recursive(4, 60, 8, |inner| {
        let many = proptest::collection::vec(inner, 0..8);
        prop_oneof![
            many.clone().prop_map(Step::InSpan),
            (any::<u8>(), many.clone()).prop_map(|(which, inner)| Step::InContext(which, inner)),
            many.clone().prop_map(Step::Body),
            many.prop_map(Step::Elsewhere),
        ]
    });
    proptest::collection::vec(nested, 0..12)
}

/// What is on, in a list: what no program has in it.
struct Entry {
    number: usize,
    shown: String,
    is_over: bool,
}

/// Runs steps with guards that may be dropped in any order, carried out or leaked.
struct World<'a> {
    again: &'a (Span, String),
    guards: Vec<(usize, Scope)>,
    on: Vec<Entry>,
    entered: usize,
    captured: Vec<(Context, String)>,
}

impl<'a> World<'a> {
    fn new(again: &'a (Span, String)) -> World<'a> {
        World { again, guards: Vec::new(), on: Vec::new(), entered: 0, captured: Vec::new() }
    }

    fn expected(&self) -> &str {
        self.on.last().map_or("", |entry| &entry.shown)
    }

    fn inside(&self, own: &str) -> String {
        format!("{own} {}", self.expected()).trim_end().to_owned()
    }

    fn enter(&mut self, shown: String) -> usize {
        self.entered += 1;
        self.on.push(Entry { number: self.entered, shown, is_over: false });
        self.entered
    }

    fn hold(&mut self, guard: Scope, shown: String) {
        let number = self.enter(shown);
        self.guards.push((number, guard));
    }

    fn skip(&mut self) {
        while self.on.pop_if(|entry| entry.is_over).is_some() {}
    }

    /// Runs steps inside a closure or function.
    fn nested(&mut self, shown: String, steps: &[Step]) {
        self.enter(shown);
        self.run(steps);
    }

    fn take(&mut self, place: u8) -> (usize, Scope) {
        self.guards.remove(usize::from(place) % self.guards.len())
    }

    fn context(&self, which: u8) -> (Context, String) {
        let place = usize::from(which) % (self.captured.len() + 1);
        self.captured.get(place).cloned().unwrap_or_default()
    }

    fn step(&mut self, step: &Step) {
        let depth = self.on.len();
        match step {
            Step::Scope(number) => {
                let shown = self.inside(&format!("x{number}"));
                self.hold(scope((*number).into()), shown);
            }
            Step::Span(number) => {
                let shown = self.inside(&format!("s{number}"));
                self.hold(span((*number).into()).entered(), shown);
            }
            Step::Attach(which) => {
                let (context, shown) = self.context(*which);
                self.hold(context.attach(), shown);
            }
            Step::Hide => self.hold(Context::empty().attach(), String::new()),
            Step::Again => self.hold(self.again.0.enter(), self.again.1.clone()),
            Step::Drop(place) if !self.guards.is_empty() => {
                let (number, guard) = self.take(*place);
                if let Some(entry) = self.on.iter_mut().find(|entry| entry.number == number) {
                    entry.is_over = true;
                }
                self.skip();
                drop(guard);
            }
            Step::Forget(place) if !self.guards.is_empty() => mem::forget(self.take(*place)),
            Step::Drop(_) | Step::Forget(_) => {}
            Step::InSpan(inner) => {
                let shown = self.inside("s0");
                span(0).in_scope(|| self.nested(shown, inner));
            }
            Step::InContext(which, inner) => {
                let (context, shown) = self.context(*which);
                context.in_scope(|| self.nested(shown, inner));
            }
            Step::Body(inner) => {
                let shown = self.inside("i0");
                let _body = frame1(&INNER, 0_u64).body();
                self.nested(shown, inner);
            }
            Step::Capture => {
                let shown = self.expected().to_owned();
                self.captured.push((Context::current(), shown));
            }
            Step::Elsewhere(inner) => {
                let (around, again) = (self.expected().to_owned(), self.again);
                let work = Context::current().wrap(move || {
                    let mut world = World::new(again);
                    world.nested(around, inner);
                });
                thread::scope(|threads| threads.spawn(work).join().unwrap());
            }
        }
        if let Step::InSpan(_) | Step::InContext(..) | Step::Body(_) = step {
            self.on.truncate(depth);
            self.skip();
        }
    }

    fn run(&mut self, steps: &[Step]) {
        assert_eq!(shown(), self.expected());
        for step in steps {
            self.step(step);
            assert_eq!(shown(), self.expected(), "{step:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn what_is_on_is_what_a_list_says_whatever_is_entered_left_carried_and_leaked(steps in steps()) {
        let run = move || {
            let around = frame1(&OTHER, 1_u64).span();
            let again = around.in_scope(|| (span(9), "s9 y1".to_owned()));
            drop(around);
            let mut world = World::new(&again);
            Context::empty().in_scope(|| world.nested(String::new(), &steps));
            assert_eq!(shown(), "");
            world.guards.clear();
            assert_eq!(shown(), "", "guards that were carried out change nothing");
            assert!(!stack::has_ended());
            for (context, expected) in &world.captured {
                context.in_scope(|| assert_eq!(shown(), *expected));
            }
        };
        thread::spawn(run).join().unwrap();
    }
}
