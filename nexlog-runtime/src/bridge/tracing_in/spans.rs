//! Spans of `tracing` as nexlog spans: made, entered, left and closed with them.
//!
//! A span of ours lies in the extensions of theirs. What a thread has entered is a list of its
//! own, as `tracing` leaves spans by their ids, and not always in order.

use core::cell::RefCell;

use tracing_core::{Subscriber, span};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::values::{self, Keyed};
use crate::context::make::{FrameDraft, Made};
use crate::context::{Scope, Span, updates};

/// A span of ours, in the extensions of theirs.
struct Held(Span);

/// What a thread has entered and not left.
struct Inside {
    bridge: u64,
    id: u64,
    /// Leaves the span.
    _scope: Scope,
}

thread_local! {
    static INSIDE: RefCell<Vec<Inside>> = const { RefCell::new(Vec::new()) };
}

/// Ours for one of theirs; `None` when the logger did not want it.
pub(super) fn of<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>) -> Option<Span> {
    span.extensions().get::<Held>().map(|held| held.0.clone())
}

pub(super) fn open<S>(attributes: &span::Attributes<'_>, id: &span::Id, context: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let metadata = attributes.metadata();
    let Some(site) = super::site_of(metadata) else { return };
    let mut draft = FrameDraft::begin(site);
    values::fill(metadata.fields(), &|visit| attributes.record(visit), &mut draft);
    let made = within(draft.finish(), attributes, context).span();
    if let Some(span) = context.span(id) {
        span.extensions_mut().replace(Held(made));
    }
}

/// With the parent that it was given; without one it is what is in force here.
fn within<S>(made: Made, attributes: &span::Attributes<'_>, context: &Context<'_, S>) -> Made
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    if attributes.is_contextual() {
        return made;
    }
    let parent = attributes.parent().and_then(|id| of(&context.span(id)?));
    made.child_of(&parent)
}

pub(super) fn update<S>(id: &span::Id, record: &span::Record<'_>, context: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    if let Some(span) = context.span(id).and_then(|span| of(&span)) {
        updates::update(&span, &Keyed(&|visit| record.record(visit)));
    }
}

pub(super) fn enter<S>(bridge: u64, id: &span::Id, context: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(span) = context.span(id).and_then(|span| of(&span)) else { return };
    let inside = Inside { bridge, id: id.into_u64(), _scope: span.enter() };
    // Not where the thread ends, or inside of an allocator that the list has called.
    let entered = INSIDE.try_with(|all| match all.try_borrow_mut() {
        Ok(mut all) => {
            all.push(inside);
            None
        }
        Err(_) => Some(inside),
    });
    drop(entered);
    updates::refresh();
}

pub(super) fn exit(bridge: u64, id: &span::Id) {
    let left = INSIDE.try_with(|all| {
        let mut all = all.try_borrow_mut().ok()?;
        let is_it = |inside: &Inside| (inside.bridge, inside.id) == (bridge, id.into_u64());
        let place = all.iter().rposition(is_it)?;
        Some(all.remove(place))
    });
    drop(left); // without the list: leaving may make a record
    updates::refresh();
}

pub(super) fn close<S>(id: &span::Id, context: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(span) = context.span(id) else { return };
    let held = span.extensions_mut().remove::<Held>();
    let Some(Held(span)) = held else { return };
    let inside = span.as_context();
    drop(span); // the last handle makes the span's record, if one is asked for
    updates::forget(&inside);
}
