//! Contexts against a naive model: which fields and which span a record has, whatever is entered,
//! left, leaked, captured and moved on the way to it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::mem;
use std::thread;

use proptest::prelude::*;

use super::frame::Frame;
use super::handle::frames;
use super::make::{frame0, frame1};
use super::{Context, FutureExt, Scope, Span, stack};
use crate::site::callsite::Site;
use crate::value::view::ValueRef;

static SPAN: Site = Site::new(255, 1, "0:f1:sML1:s.m\nf");
static INNER: Site = Site::new(255, 1, "0:f1:iML1:i.m\nf");
static SCOPE: Site = Site::new(255, 1, "0:f1:x.m\nf");
static OTHER: Site = Site::new(255, 1, "0:f1:y.m\nf");
static EMPTY: Site = Site::new(255, 1, "0:.m\nf");

/// What a record made now would carry, as text: innermost first.
fn shown() -> String {
    // SAFETY: what is innermost is alive while this runs.
    let all = unsafe { frames(stack::current()) };
    let field = |(key, value): (&str, ValueRef<'_>)| match value {
        ValueRef::U64(number) => format!("{key}{number}"),
        _ => format!("{key}?"),
    };
    all.flat_map(|frame| frame.fields().map(field).collect::<Vec<_>>())
        .collect::<Vec<_>>()
        .join(" ")
}

fn scope(number: u64) -> Scope {
    frame1(&SCOPE, number).scope()
}

fn span(number: u64) -> Span {
    frame1(&SPAN, number).span()
}

#[test]
fn scopes_nest_and_are_restored() {
    assert_eq!(shown(), "");
    let outer = scope(1);
    {
        let _inner = scope(2);
        assert_eq!(shown(), "x2 x1");
        span(3).in_scope(|| assert_eq!(shown(), "s3 x2 x1"));
    }
    assert_eq!(shown(), "x1");
    drop(outer);
    assert_eq!(shown(), "");
}

#[test]
fn a_scope_that_is_left_out_of_order_ends_with_what_was_entered_in_it() {
    let (a, b, c) = (scope(1), scope(2), scope(3));
    drop(b);
    drop(a);
    assert_eq!(shown(), "x3 x2 x1", "the chain of the inner one stays as it was made");
    drop(c);
    assert_eq!(shown(), "");
}

#[test]
fn guards_in_a_list_are_dropped_from_the_first_on() {
    let base = scope(9);
    let list: Vec<Scope> = (1..=20).map(scope).collect();
    drop(list);
    assert_eq!(shown(), "x9");
    drop(base);
    assert_eq!(shown(), "");
}

#[test]
fn a_leaked_guard_ends_with_the_function_around_it() {
    {
        let _body = frame1(&SPAN, 1_u64).body();
        mem::forget(scope(2));
        assert_eq!(shown(), "x2 s1");
    }
    assert_eq!(shown(), "");
    Context::empty().in_scope(|| mem::forget(scope(3)));
    assert_eq!(shown(), "");
}

#[test]
fn a_guard_that_is_carried_out_of_its_function_changes_nothing_more() {
    let _base = scope(7);
    let carried = {
        let _body = frame1(&SPAN, 1_u64).body();
        scope(2)
    };
    assert_eq!(shown(), "x7");
    let _later = scope(8);
    drop(carried);
    assert_eq!(shown(), "x8 x7");
}

#[test]
fn a_context_lives_longer_than_the_scopes_it_was_captured_in() {
    let context = {
        let _outer = scope(1);
        let _inner = frame1(&OTHER, 2_u64).scope();
        Context::current().request_id("r")
    };
    assert_eq!(shown(), "");
    let wrapped = context.wrap(shown);
    assert_eq!(thread::spawn(wrapped).join().unwrap(), "request_id? y2 x1");
    let attached = context.attach();
    assert_eq!(shown(), "request_id? y2 x1");
    drop(attached);
    assert_eq!(shown(), "");
}

#[test]
fn an_empty_context_hides_what_is_on() {
    let _outer = scope(1);
    let early = scope(2);
    let inner = scope(3);
    drop(early); // ended, but below
    Context::empty().in_scope(|| {
        assert_eq!(shown(), "");
        drop(scope(4));
        let hiding = Context::empty().attach();
        drop(hiding);
    });
    let hiding = Context::empty().attach();
    assert_eq!(shown(), "");
    drop(hiding);
    assert_eq!(shown(), "x3 x2 x1");
    drop(inner);
    assert_eq!(shown(), "x1");
}

#[test]
fn a_stated_parent_takes_the_place_of_what_is_around() {
    let parent = span(1);
    let _around = scope(2);
    let child = frame1(&INNER, 3_u64).child_of(&parent).span();
    child.in_scope(|| assert_eq!(shown(), "i3 s1"));
    let root = frame0(&EMPTY).child_of(&None::<Span>).span();
    root.in_scope(|| assert_eq!(shown(), ""));
    {
        let _body = frame1(&INNER, 4_u64).child_of(&Context::empty()).body();
        assert_eq!(shown(), "i4");
    }
    assert_eq!(shown(), "x2");
}

#[test]
fn a_future_is_polled_and_dropped_in_its_context() {
    struct OnDrop<'a>(&'a RefCell<String>);
    impl Drop for OnDrop<'_> {
        fn drop(&mut self) {
            *self.0.borrow_mut() = shown();
        }
    }
    let dropped = RefCell::new(String::new());
    let held = OnDrop(&dropped);
    let mut future = Box::pin(
        async {
            let _held = held;
            mem::forget(scope(5));
            assert_eq!(shown(), "x5 s1");
            std::future::pending::<()>().await;
        }
        .in_span(span(1)),
    );
    let _around = scope(2);
    let mut waker = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(future.as_mut().poll(&mut waker).is_pending());
    assert_eq!(shown(), "x2", "the leaked guard ended with the poll");
    drop(future);
    assert_eq!(*dropped.borrow(), "s1");
}

#[test]
fn a_large_frame_is_cut_and_says_so() {
    let text = "x".repeat(10_000);
    let _scope = frame1(&SCOPE, &text).scope();
    // SAFETY: the scope is on.
    let frame: &Frame = unsafe { &*stack::current() };
    let frame = super::chain::FrameRef::of(frame);
    assert!(matches!(frame.field("x"), Some(ValueRef::Str(text)) if text.len() < 4_200));
    assert_eq!(frame.field("truncated"), Some(ValueRef::U64(10_000)));
}

#[test]
fn ids_are_one_trace_for_all_spans_of_a_root() {
    assert_eq!(Context::current().traceparent(), None);
    let root = span(1);
    let (outer, inner) = root.in_scope(|| {
        let outer = Context::current().traceparent().unwrap();
        let inner = span(2).in_scope(|| Context::current().traceparent().unwrap());
        (outer, inner)
    });
    assert_eq!(outer.len(), 55);
    assert_eq!(outer[..36], inner[..36], "one trace");
    assert_ne!(outer[36..52], inner[36..52], "two spans");
    let other = span(3).in_scope(|| Context::current().traceparent().unwrap());
    assert_ne!(outer[..36], other[..36], "another root");
    let elsewhere = root.in_scope(|| Context::current().wrap(|| Context::current().traceparent()));
    assert_eq!(thread::spawn(elsewhere).join().unwrap().as_deref(), Some(outer.as_str()));
}

#[test]
fn a_trace_from_outside_goes_on() {
    let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    let context = Context::from_traceparent(header).unwrap();
    assert_eq!(context.traceparent().as_deref(), Some(header));
    let inner = context.in_scope(|| span(1).in_scope(|| Context::current().traceparent().unwrap()));
    assert!(inner.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"), "{inner}");
    assert!(inner.ends_with("-00") && !inner.contains("00f067aa0ba902b7"), "{inner}");
    for bad in [
        "",
        "00",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-ü",
    ] {
        let error = Context::from_traceparent(bad).unwrap_err().to_string();
        assert!(error.contains("is no traceparent") && error.contains("expected"), "{error}");
    }
    assert!(Context::from_traceparent(&format!("01{}-more", &header[2..])).is_ok());
}

/// What a random program does.
#[derive(Clone, Debug)]
enum Step {
    Scope(u8),
    Span(u8),
    Drop(u8),
    Forget(u8),
    InSpan(Vec<Step>),
    Body(Vec<Step>),
    Attach,
    Capture,
    Elsewhere(Vec<Step>),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let leaf = prop_oneof![
        any::<u8>().prop_map(Step::Scope),
        any::<u8>().prop_map(Step::Span),
        any::<u8>().prop_map(Step::Drop),
        any::<u8>().prop_map(Step::Forget),
        Just(Step::Attach),
        Just(Step::Capture),
    ];
    let nested = leaf.prop_recursive(4, 60, 8, |inner| {
        let many = proptest::collection::vec(inner, 0..8);
        prop_oneof![
            many.clone().prop_map(Step::InSpan),
            many.clone().prop_map(Step::Body),
            many.prop_map(Step::Elsewhere),
        ]
    });
    proptest::collection::vec(nested, 0..12)
}

/// Runs steps with guards that may be dropped in any order or leaked.
struct World {
    guards: Vec<Scope>,
    /// How many guards there were when each open closure or function began.
    bases: Vec<usize>,
    /// Whether a guard from outside of one was dropped inside of it.
    has_ended_outer: bool,
    captured: Vec<(Context, String)>,
}

impl World {
    fn new() -> World {
        World {
            guards: Vec::new(),
            bases: Vec::new(),
            has_ended_outer: false,
            captured: Vec::new(),
        }
    }

    /// Runs steps inside a closure or function.
    fn nested(&mut self, steps: &[Step]) {
        self.bases.push(self.guards.len());
        self.run(steps);
        self.bases.pop();
    }

    /// What was before a closure or function is on again, but for what ended in it.
    fn check_restored(&self, before: &str) {
        let now = shown();
        assert!(now == before || self.has_ended_outer && before.ends_with(&now), "{now} {before}");
    }

    fn take(&mut self, place: u8) -> Scope {
        let place = usize::from(place) % self.guards.len();
        self.has_ended_outer |= self.bases.iter().any(|base| place < *base);
        for base in &mut self.bases {
            *base -= usize::from(place < *base);
        }
        self.guards.remove(place)
    }

    fn run(&mut self, steps: &[Step]) {
        for step in steps {
            let before = shown();
            match step {
                Step::Scope(number) => {
                    self.guards.push(scope((*number).into()));
                    let own = format!("x{number}");
                    assert_eq!(shown(), [&*own, &*before].join(" ").trim_end());
                }
                Step::Span(number) => {
                    self.guards.push(span((*number).into()).entered());
                    let own = format!("s{number}");
                    assert_eq!(shown(), [&*own, &*before].join(" ").trim_end());
                }
                Step::Drop(place) if !self.guards.is_empty() => {
                    drop(self.take(*place));
                }
                Step::Forget(place) if !self.guards.is_empty() => {
                    mem::forget(self.take(*place));
                }
                Step::InSpan(inner) => {
                    span(0).in_scope(|| self.nested(inner));
                    self.check_restored(&before);
                }
                Step::Body(inner) => {
                    {
                        let _body = frame1(&INNER, 0_u64).body();
                        self.nested(inner);
                    }
                    self.check_restored(&before);
                }
                Step::Attach => {
                    if let Some((context, expected)) = self.captured.last() {
                        context.in_scope(|| assert_eq!(shown(), *expected));
                        assert_eq!(shown(), before);
                    }
                }
                Step::Capture => self.captured.push((Context::current(), before)),
                Step::Elsewhere(inner) => {
                    let work = Context::current().wrap(|| {
                        assert_eq!(shown(), before);
                        World::new().run(inner);
                    });
                    thread::scope(|threads| threads.spawn(work).join().unwrap());
                    assert_eq!(shown(), before);
                }
                Step::Drop(_) | Step::Forget(_) => {}
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    #[test]
    fn whatever_is_entered_and_left_captured_contexts_stay_and_bounds_restore(steps in steps()) {
        let run = move || {
            let mut world = World::new();
            Context::empty().in_scope(|| world.run(&steps));
            assert_eq!(shown(), "");
            let expected: BTreeMap<usize, String> =
                world.captured.iter().map(|(_, text)| text.clone()).enumerate().collect();
            drop(mem::take(&mut world.guards));
            assert_eq!(shown(), "", "guards that were carried out change nothing");
            for (number, (context, _)) in world.captured.iter().enumerate() {
                context.in_scope(|| assert_eq!(shown(), expected[&number]));
            }
        };
        thread::spawn(run).join().unwrap();
    }
}
