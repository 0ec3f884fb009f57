//! Random records against a naive model: the same bytes, and the same tree to a JSON parser.

use std::cell::RefCell;

use proptest::prelude::*;
use serde_json::{Map, Value as Tree};

use super::Json;
use crate::buffer::Buffer;
use crate::format::testing::{
    Choices, Model, Sample, cases, choices, is_special, json_escaped, stamped,
};
use crate::format::time::{Precision, Stamp};
use crate::format::{Encoder, Format};
use crate::value::Seal;

/// A line as ordered pairs of key and value, by the documented rules.
struct Expected {
    pairs: Vec<(String, String, Tree)>,
}

impl Expected {
    fn of(sample: &Sample, json: &Json) -> Expected {
        let mut own: Vec<String> = Vec::new();
        let mut settle = |key: &str| {
            let mut name = key.to_owned();
            while own.contains(&name) {
                name.push('_');
            }
            own.push(name.clone());
            name
        };
        let mut stamp = Stamp::new(json.precision, "", "").unwrap();
        let time = stamped(&mut stamp, sample.time);
        let text = |text: &str| Some(Model::Str(text.to_owned()));
        let mut pairs = vec![
            (settle(&json.ts_key), text(&time)),
            (settle(&json.level_key), text(sample.level.as_str())),
            (settle(&json.target_key), text(&sample.target)),
            (settle(&json.msg_key), sample.message().map(Model::Str)),
        ];
        if json.source {
            pairs.push((settle("file"), text("src/m.rs")));
            pairs.push((settle("line"), Some(Model::U64(7))));
        }
        if json.thread {
            let name = Some(&sample.thread.1).filter(|name| !name.is_empty());
            pairs.push((settle("thread"), name.cloned().map(Model::Str)));
            pairs.push((settle("thread_id"), Some(Model::U64(sample.thread.0))));
        }
        let fields = sample.fields();
        if let Some(key) = &json.nested_under {
            let entry = |field: &(&str, &Model, bool)| (field.0.to_owned(), field.1.clone());
            let map = Model::Map(fields.iter().map(entry).collect());
            pairs.push((settle(key), Some(map).filter(|_| !fields.is_empty())));
        }
        if json.source {
            settle("function");
        }
        settle("span");
        let mut expected = Expected { pairs: Vec::new() };
        for (name, value) in pairs {
            if let Some(value) = value {
                expected.push(name, &value);
            }
        }
        if json.nested_under.is_none() {
            expected.fields(sample, &own);
        }
        expected
    }

    fn push(&mut self, name: String, value: &Model) {
        self.pairs.push((name, value.json(), value.tree()));
    }

    /// The fields, renamed where the format writes their key.
    fn fields(&mut self, sample: &Sample, reserved: &[String]) {
        let literal_keys = sample.literal_keys();
        let mut literal_names: Vec<String> = Vec::new();
        for key in &literal_keys {
            let mut name = (*key).to_owned();
            while reserved.contains(&name)
                || literal_names.contains(&name)
                || name != *key && literal_keys.contains(&name.as_str())
            {
                name.push('_');
            }
            literal_names.push(name);
        }
        let mut run_time_names: Vec<String> = Vec::new();
        for (key, value, run_time) in sample.fields() {
            if !run_time {
                let place = literal_keys.iter().position(|other| *other == key).unwrap();
                self.push(literal_names[place].clone(), value);
                continue;
            }
            let mut name = key.to_owned();
            let renamed = |name: &String| {
                literal_names.contains(name) && !literal_keys.contains(&name.as_str())
            };
            while reserved.contains(&name)
                || renamed(&name)
                || name != key
                    && (literal_keys.contains(&name.as_str())
                        || sample.run_time_keys().contains(&name.as_str())
                        || run_time_names.contains(&name))
            {
                name.push('_');
            }
            run_time_names.push(name.clone());
            self.push(name, value);
        }
    }

    fn line(&self) -> String {
        let pair =
            |(key, json, _): &(String, String, Tree)| format!("\"{}\":{json}", json_escaped(key));
        let pairs: Vec<String> = self.pairs.iter().map(pair).collect();
        format!("{{{}}}\n", pairs.join(","))
    }

    fn tree(&self) -> Tree {
        let tree: Map<String, Tree> =
            self.pairs.iter().map(|(key, _, tree)| (key.clone(), tree.clone())).collect();
        assert_eq!(tree.len(), self.pairs.len(), "the model wrote a key twice");
        Tree::Object(tree)
    }
}

// Two tests, so that two cores share the work: 100,000 records in all.

#[test]
fn every_line_is_what_the_model_says_and_parses_to_it() {
    compare(vec![
        Json::new(),
        Json::new().source().thread().precision(Precision::Nanos),
        Json::new().nested_under("ts").thread(),
    ]);
}

/// Layouts whose own keys meet each other's and the samples'.
#[test]
fn every_line_with_chosen_keys_is_what_the_model_says_and_parses_to_it() {
    let named = || Json::new().ts_key("a").level_key("b").target_key("a_").msg_key("a__");
    let odd = Json::new().ts_key("x\n\u{1b}\"").level_key("").target_key("level");
    compare(vec![
        named().precision(Precision::Seconds),
        named().nested_under("fields").precision(Precision::Millis),
        odd.msg_key("span").source(),
    ]);
}

fn compare(layouts: Vec<Json>) {
    let layouts: Vec<(Json, Box<dyn Encoder>)> = layouts
        .into_iter()
        .map(|json| (json.clone(), json.encoder(false, Seal::HERE).unwrap().encoder))
        .collect();
    let state = RefCell::new((0, layouts, Buffer::new()));
    let mut runner = proptest::test_runner::TestRunner::new(cases(50_000));
    let result = runner.run(&choices(), |bytes| {
        let (turn, layouts, out) = &mut *state.borrow_mut();
        *turn = (*turn + 1) % layouts.len();
        let (json, encoder) = &mut layouts[*turn];
        let sample = Sample::new(&mut Choices(&bytes));
        let expected = Expected::of(&sample, json);
        let mut failure = None;
        sample.with_record(|record| {
            out.clear();
            // Once when the call site is new, once when it is known.
            encoder.encode(&record, out);
            let length = out.len();
            encoder.encode(&record, out);
            let (line, again) = std::str::from_utf8(out.as_bytes()).unwrap().split_at(length);
            let one = line.trim_end_matches('\n');
            if line != expected.line() || one.contains(is_special) {
                failure = Some(format!("line  {line}model {}", expected.line()));
            } else if line != again {
                failure = Some(format!("line  {line}again {again}"));
            } else if serde_json::from_str::<Tree>(one).ok() != Some(expected.tree()) {
                failure = Some(format!("line  {line}tree  {}", expected.tree()));
            }
        });
        prop_assert!(failure.is_none(), "{}\nof {sample:#?}", failure.unwrap_or_default());
        Ok(())
    });
    if let Err(problem) = result {
        panic!("{problem}");
    }
}
