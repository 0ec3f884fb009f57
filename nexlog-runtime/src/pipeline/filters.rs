//! Where a logger's filter comes from: layers that are put together, and taken away again.
//!
//! What the builder stated is the base. A watched file adds to it, `set_filter` takes its place;
//! whichever came last counts. What is pushed for a while lies on top. All of it changes under
//! `state`'s lock, and what callers see is the sum.

use core::fmt;
use std::sync::{Arc, PoisonError};

use super::state::{self, Core};
use crate::context;
use crate::error::Error;
use crate::site::explain::{Decided, Explanation, FilterSource};
use crate::site::filter::{Filter, FilterProblem};
use crate::site::level::{Level, static_floor};

/// Directives of one origin.
pub(crate) struct Layer {
    pub(crate) source: FilterSource,
    pub(crate) text: String,
    filter: Filter,
}

impl Layer {
    /// What means something in the text, and what is wrong with the rest.
    pub(crate) fn parse(source: FilterSource, text: String) -> (Layer, Vec<FilterProblem>) {
        let (filter, problems) = Filter::parse(&text);
        (Layer { source, text, filter }, problems)
    }

    /// Only when all of it means something.
    pub(crate) fn read(source: FilterSource, text: &str) -> Result<Layer, Error> {
        let (layer, problems) = Layer::parse(source, text.to_owned());
        if problems.is_empty() { Ok(layer) } else { Err(Error::Filter { problems }) }
    }
}

/// What came after the builder.
pub(crate) enum Over {
    Adds(Layer),
    Replaces(Layer),
}

/// All layers of a logger.
#[derive(Default)]
pub(crate) struct Layers {
    base: Vec<Layer>,
    over: Option<Over>,
    pushed: Vec<(u64, Layer)>,
    count: u64,
}

impl Layers {
    pub(crate) fn new(base: Vec<Layer>) -> Layers {
        Layers { base, ..Layers::default() }
    }

    /// A watched file has changed, or somebody sets a filter.
    pub(crate) fn set(&mut self, over: Over) {
        self.over = Some(over);
    }

    fn push(&mut self, layer: Layer) -> u64 {
        self.count += 1;
        self.pushed.push((self.count, layer));
        self.count
    }

    fn pop(&mut self, number: u64) {
        self.pushed.retain(|(other, _)| *other != number);
    }

    /// From the first that counts to the last, which wins.
    fn stated(&self) -> impl DoubleEndedIterator<Item = &Layer> {
        let (base, over) = match &self.over {
            None => (&*self.base, None),
            Some(Over::Adds(layer)) => (&*self.base, Some(layer)),
            Some(Over::Replaces(layer)) => (&[][..], Some(layer)),
        };
        base.iter().chain(over)
    }

    fn all(&self) -> impl DoubleEndedIterator<Item = &Layer> {
        self.stated().chain(self.pushed.iter().map(|(_, layer)| layer))
    }

    /// The filter that they come to. What is pushed must not silence what passes without it.
    pub(crate) fn sum(&self) -> Filter {
        let mut filter = Filter::default();
        self.stated().for_each(|layer| filter.extend(layer.filter.clone()));
        if !self.pushed.is_empty() {
            filter.state_default();
        }
        self.pushed.iter().for_each(|(_, layer)| filter.extend(layer.filter.clone()));
        filter
    }
}

impl Core {
    /// Changes the layers, and the filter with them.
    pub(crate) fn change_filter<R>(&self, change: impl FnOnce(&mut Layers) -> R) -> R {
        let setting = state::setting();
        let mut layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = change(&mut layers);
        let filter = layers.sum();
        drop(layers);
        self.apply_filter(filter, setting);
        outcome
    }

    /// What decides about a record of this target and level, made here and now.
    pub(crate) fn explain(&self, target: &str, level: Level) -> Explanation {
        let explanation = |is_enabled, decided| {
            let sinks = self.sinks_filters();
            let refuses = |(_, filter): &&(String, Filter)| {
                !filter.enabled_within(target, level, &context::surroundings())
            };
            let refusing = sinks.iter().filter(refuses).cloned().collect();
            Explanation::new(target, level, is_enabled, decided, refusing)
        };
        if (level as u8) < static_floor() {
            return explanation(false, Decided::Ceiling);
        }
        let _setting = state::setting();
        let layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        let filter = layers.sum();
        let around = context::surroundings();
        let is_enabled = filter.enabled_within(target, level, &around);
        let decided =
            filter.deciding(target, level, &around).map_or(Decided::Nothing, |deciding| {
                let found = layers.all().rev().find_map(|layer| {
                    let column = deciding.column_in(&layer.text)?;
                    Some(Decided::Directive(deciding.to_string(), layer.source.clone(), column))
                });
                found.unwrap_or(Decided::Default)
            });
        explanation(is_enabled, decided)
    }
}

/// Directives that apply until this is dropped. Made by [`push_filter`](crate::push_filter).
#[must_use = "the directives apply until it is dropped"]
pub struct PushedFilter(Option<(Arc<Core>, u64)>);

impl PushedFilter {
    pub(crate) fn on(core: Option<&Arc<Core>>, directives: &str) -> Result<PushedFilter, Error> {
        let layer = Layer::read(FilterSource::Pushed, directives)?;
        let push = |core: &Arc<Core>| {
            let number = core.change_filter(|layers| layers.push(layer));
            (Arc::clone(core), number)
        };
        Ok(PushedFilter(core.map(push)))
    }
}

impl fmt::Debug for PushedFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushedFilter").finish_non_exhaustive()
    }
}

impl Drop for PushedFilter {
    fn drop(&mut self) {
        if let Some((core, number)) = self.0.take() {
            core.change_filter(|layers| layers.pop(number));
        }
    }
}
