//! Which fields a record would have, step by step: guards in every order, captures, futures, ids.
//! Random programs are in `model`.

use std::cell::RefCell;
use std::mem;
use std::thread;

use super::frame::Frame;
use super::handle::frames;
use super::make::{frame0, frame1, frame2};
use super::{Context, FutureExt, Scope, Span, stack};
use crate::site::callsite::Site;
use crate::value::view::ValueRef;

#[path = "model.rs"]
mod model;

static SPAN: Site = Site::new(255, 1, "0:f1:sf1:pML1:s.m\nf");
static INNER: Site = Site::new(255, 1, "0:f1:iML1:i.m\nf");
static SCOPE: Site = Site::new(255, 1, "0:f1:xf1:p.m\nf");
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
    all.flat_map(|frame| frame.fields().filter(|f| f.0 != "p").map(field).collect::<Vec<_>>())
        .collect::<Vec<_>>()
        .join(" ")
}

fn scope(number: u64) -> Scope {
    frame2(&SCOPE, number, padding(number)).scope()
}

fn span(number: u64) -> Span {
    frame2(&SPAN, number, padding(number)).span()
}

/// Makes every second frame too large for the blocks that a thread keeps: they are given back to
/// the allocator at once, so that a sanitizer sees who uses them later.
fn padding(number: u64) -> Option<&'static str> {
    const TEXT: &str = match str::from_utf8(&[b'p'; 400]) {
        Ok(text) => text,
        Err(_) => "",
    };
    number.is_multiple_of(2).then_some(TEXT)
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
        let _body = frame2(&SPAN, 1_u64, padding(1)).body();
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
        let _body = frame2(&SPAN, 1_u64, padding(1)).body();
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
    let _scope = frame2(&SCOPE, &text, padding(1)).scope();
    // SAFETY: the scope is on.
    let frame: &Frame = unsafe { &*stack::current() };
    let frame = super::chain::FrameRef::of(frame).unwrap();
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

#[test]
fn a_guard_of_a_context_that_is_on_again_puts_back_nothing_that_is_over() {
    let context = {
        let _scope = scope(5);
        Context::current()
    };
    let carried = {
        let _body = frame2(&SPAN, 0_u64, padding(0)).body();
        context.attach()
    };
    let again = context.attach();
    drop(carried);
    assert_eq!(shown(), "x5");
    drop(again);
    assert_eq!(shown(), "");
}

#[test]
fn a_guard_that_ended_is_not_taken_for_a_later_one_of_the_same_span() {
    let _base = scope(7);
    let entered_twice = span(3);
    let carried = {
        let _body = frame2(&SPAN, 0_u64, padding(0)).body();
        entered_twice.enter()
    };
    drop(carried);
    let _again = entered_twice.enter();
    drop(scope(5));
    assert_eq!(shown(), "s3 x7");
}

#[test]
fn an_empty_context_carried_out_of_its_span_puts_back_nothing_that_is_over() {
    let around = frame2(&SPAN, 0_u64, padding(0)).span();
    let carried = around.in_scope(|| Context::empty().attach());
    drop(around);
    drop(carried);
    assert_eq!(shown(), "");
}

#[test]
fn a_scope_that_is_left_in_its_own_context_stays_for_what_was_entered_in_it() {
    let outer = frame2(&SCOPE, 0_u64, padding(0)).scope();
    let context = Context::current();
    let _inner = scope(2);
    context.in_scope(|| drop(outer));
    drop(context);
    assert_eq!(shown(), "x2 x0");
}

#[test]
fn an_empty_context_that_is_left_out_of_order_ends_with_what_was_entered_in_it() {
    let _around = scope(1);
    let hiding = Context::empty().attach();
    let inner = scope(2);
    drop(hiding);
    assert_eq!(shown(), "x2");
    drop(inner);
    assert_eq!(shown(), "x1");
}

#[test]
fn a_context_lives_longer_than_the_scope_it_was_attached_in() {
    let attached = {
        let _scope = scope(1);
        Context::current().attach()
    };
    assert_eq!(shown(), "x1");
    drop(attached);
    assert_eq!(shown(), "");
    let twice = span(1);
    let (first, second) = (twice.enter(), twice.enter());
    drop(first);
    assert_eq!(shown(), "s1");
    drop(second);
    assert_eq!(shown(), "");
}

#[test]
fn guards_that_were_carried_out_are_not_kept_for_ever() {
    let _base = scope(7);
    let context = Context::current();
    for _ in 0..3 {
        let carried = {
            let _body = frame2(&SPAN, 1_u64, padding(1)).body();
            (scope(2), context.attach(), Context::current(), scope(3), Context::current())
        };
        let later = scope(8);
        drop(carried);
        drop(later);
        assert!(!stack::has_ended());
    }
    assert_eq!(shown(), "x7");
}

#[test]
fn a_span_id_of_a_user_that_is_too_long_makes_no_wrong_header() {
    let long = "4bf92f3577b34da6a3ce929d0e0e4736";
    let header = Context::empty().trace_id(7).field("span_id", long).traceparent().unwrap();
    assert_eq!(header.len(), 55, "{header}");
    assert!(Context::from_traceparent(&header).is_ok());
}

#[test]
fn enterings_are_told_apart_however_many_there_were() {
    for start in [u64::from(u32::MAX) - 3, u64::from(u32::MAX), u64::MAX - 100] {
        stack::count_from(start);
        let (first, second, third) = (scope(1), span(2).entered(), scope(3));
        drop(second);
        assert_eq!(shown(), "x3 s2 x1", "{start}: below one that is on");
        drop(third);
        assert_eq!(shown(), "x1", "{start}");
        let carried = Context::current().in_scope(|| scope(4));
        assert_eq!(shown(), "x1", "{start}");
        drop(first);
        drop(carried);
        assert_eq!(shown(), "", "{start}");
        assert!(!stack::has_ended());
    }
}
