//! Random trees of scopes, spans, awaits, joins, tasks, threads and panics: each record carries
//! what a naive model says, which hands the expected fields down as an argument.

mod support;

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;

use nexlog::{Context, FutureExt, Logger, Memory, context, info, span};
use serde_json::Value;
use support::random::Random;
use support::{MODES, PATIENCE, assert_balanced};

/// What a record made here has to carry.
#[derive(Clone, Default)]
struct Model(BTreeMap<String, Value>);

impl Model {
    fn with(&self, key: &str, value: impl Into<Value>) -> Model {
        let mut fields = self.0.clone();
        fields.insert(key.to_owned(), value.into());
        Model(fields)
    }
}

fn log(logger: &Logger, model: &Model) {
    let expected = serde_json::to_string(&model.0).unwrap();
    info!(logger(logger), "m", expected);
}

type Node = Pin<Box<dyn Future<Output = ()> + Send>>;

#[nexlog::instrument(name = "call", fields(level_of_tree = depth))]
async fn instrumented(logger: Arc<Logger>, mut random: Random, depth: u64, model: Model) {
    let model = model.with("span", "call").with("level_of_tree", depth);
    log(&logger, &model);
    tokio::task::yield_now().await;
    node(logger, random.split(), depth + 1, model).await;
}

#[nexlog::instrument(fields(number))]
fn sync_call(logger: &Logger, number: u64, model: &Model, is_panicking: bool) {
    let model = model.with("span", "sync_call").with("number", number);
    log(logger, &model);
    let _scope = context!(inner = number);
    let model = model.with("inner", number);
    span!("deepest").in_scope(|| {
        log(logger, &model.with("span", "deepest"));
        assert!(!is_panicking, "on purpose");
    });
    log(logger, &model);
}

/// A part of the tree. The future is made by the caller, in whatever context that is.
fn node(logger: Arc<Logger>, mut random: Random, depth: u64, model: Model) -> Node {
    Box::pin(async move {
        log(&logger, &model);
        if depth >= 7 {
            return;
        }
        for _ in 0..=random.below(2) {
            let number = random.below(10);
            let (inner, seed) = (Arc::clone(&logger), random.split());
            match random.below(9) {
                0 => {
                    let span = span!("awaited", number);
                    let model = model.with("span", "awaited").with("number", number);
                    node(inner, seed, depth + 1, model).in_span(span).await;
                }
                1 => {
                    let context = {
                        let _scope = context!(scoped = number);
                        Context::current()
                    };
                    let model = model.with("scoped", number);
                    node(inner, seed, depth + 1, model).in_context(context).await;
                }
                2 => {
                    let task = node(inner, seed, depth + 1, model.clone());
                    tokio::spawn(Context::current().wrap(task)).await.unwrap();
                }
                3 => {
                    // Not carried: a task of its own.
                    tokio::spawn(node(inner, seed, depth + 1, Model::default())).await.unwrap();
                }
                4 => {
                    let model = model.clone();
                    let work = Context::current().wrap(move || log(&inner, &model));
                    tokio::task::spawn_blocking(work).await.unwrap();
                }
                5 => instrumented(inner, seed, depth + 1, model.clone()).await,
                6 => {
                    let is_panicking = number < 5;
                    let call = AssertUnwindSafe(|| {
                        sync_call(&logger, number, &model, is_panicking);
                    });
                    assert_eq!(catch_unwind(call).is_err(), is_panicking);
                }
                7 => {
                    // Two at once, interleaved on one task.
                    let left = node(inner, seed, depth + 1, model.with("span", "left"));
                    let right = node(
                        Arc::clone(&logger),
                        random.split(),
                        depth + 1,
                        model.with("span", "right").with("side", 2),
                    );
                    tokio::join!(
                        left.in_span(span!("left")),
                        right.in_span(span!("right", side = 2))
                    );
                }
                _ => {
                    let lost = model.with("span", "lost");
                    let task = async move {
                        let _held = span!("doomed"); // never entered
                        node(inner, seed, 7, lost).await;
                        panic!("on purpose");
                    };
                    assert!(tokio::spawn(task.in_span(span!("lost"))).await.is_err());
                }
            }
            log(&logger, &model);
            if number < 3 {
                tokio::task::yield_now().await;
                log(&logger, &model);
            }
        }
    })
}

#[test]
fn every_record_of_a_random_tree_carries_what_the_model_says() {
    std::panic::set_hook(Box::new(|info| {
        if !info.to_string().contains("on purpose") {
            eprintln!("{info}");
        }
    }));
    for (_, mode) in MODES {
        let memory = Memory::new();
        let logger = Arc::new(nexlog::builder().sink(memory.clone()).mode(mode).build().unwrap());
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
        runtime.block_on(async {
            let trees = (0..support::scaled(40, 1_000)).map(|seed| {
                let logger = Arc::clone(&logger);
                tokio::spawn(node(logger, Random::new(seed), 0, Model::default()))
            });
            for tree in trees.collect::<Vec<_>>() {
                tree.await.unwrap();
            }
        });
        drop(runtime);
        logger.flush(PATIENCE).unwrap();
        assert_balanced(&logger.stats());
        let lines = memory.lines();
        assert!(lines.len() > 1_000, "{} records", lines.len());
        let mut wrong = Vec::new();
        for line in &lines {
            let mut record: BTreeMap<String, Value> = serde_json::from_str(line).unwrap();
            let expected = record.remove("expected").unwrap();
            let expected: BTreeMap<String, Value> =
                serde_json::from_str(expected.as_str().unwrap()).unwrap();
            let own = ["ts", "level", "target", "msg"];
            record.retain(|key, _| !own.contains(&key.as_str()));
            if record != expected {
                wrong.push((record, expected));
            }
        }
        assert!(wrong.is_empty(), "{} of {}: {:#?}", wrong.len(), lines.len(), wrong.first());
    }
}
