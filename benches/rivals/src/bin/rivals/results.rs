//! The numbers of all processes, by case, and their medians.

use std::collections::BTreeMap;

use rivals::{Kind, clock};

use crate::cases::{Case, Group};
use crate::programs::Entry;

pub struct Results {
    pub entries: Vec<Entry>,
    numbers: BTreeMap<Case, BTreeMap<String, Vec<f64>>>,
    /// Records a second, of the first run.
    rates: BTreeMap<Case, f64>,
    /// The first problem of each case.
    failures: BTreeMap<Case, String>,
}

impl Results {
    pub fn new(entries: Vec<Entry>) -> Results {
        let (numbers, rates, failures) = Default::default();
        Results { entries, numbers, rates, failures }
    }

    pub fn add(&mut self, case: Case, numbers: Vec<(String, f64)>) {
        let known = self.numbers.entry(case).or_default();
        for (name, number) in numbers {
            known.entry(name).or_default().push(number);
        }
    }

    pub fn fail(&mut self, case: Case, problem: String) {
        self.failures.entry(case).or_insert(problem);
    }

    pub fn failures(&self) -> impl Iterator<Item = (&Entry, Group, &str)> {
        self.failures.iter().map(|(case, p)| (&self.entries[case.entry], case.group, p.as_str()))
    }

    pub fn rate(&self, case: &Case) -> Option<f64> {
        self.rates.get(case).copied()
    }

    pub fn set_rate(&mut self, case: Case, rate: f64) {
        self.rates.insert(case, rate);
    }

    /// The median of all rounds.
    pub fn of(&self, entry: usize, group: Group, number: &str) -> Option<f64> {
        let numbers = self.numbers.get(&Case { group, entry })?.get(number)?;
        Some(clock::median(&mut numbers.clone()))
    }

    /// Of the round in which it was least.
    pub fn least(&self, entry: usize, group: Group, number: &str) -> Option<f64> {
        let numbers = self.numbers.get(&Case { group, entry })?.get(number)?;
        numbers.iter().copied().reduce(f64::min)
    }

    /// How far the rounds are apart: largest less least, in parts of the median.
    pub fn spread(&self, entry: usize, group: Group, number: &str) -> Option<f64> {
        let mut numbers = self.numbers.get(&Case { group, entry })?.get(number)?.clone();
        let median = clock::median(&mut numbers);
        Some((numbers[numbers.len() - 1] - numbers[0]) / median)
    }

    /// The medians of all entries that have any, with the entries' places.
    pub fn all(&self, group: Group, number: &str) -> Vec<(usize, f64)> {
        let entries = 0..self.entries.len();
        entries.filter_map(|entry| Some((entry, self.of(entry, group, number)?))).collect()
    }

    pub fn floor(&self, group: Group, number: &str) -> Option<f64> {
        self.of_kinds(group, number, &[Kind::Floor]).next()
    }

    /// Of one of nexlog's entries, by the name of its mode.
    pub fn ours(&self, mode: &str, group: Group, number: &str) -> Option<f64> {
        let name = format!("nexlog {mode}");
        let entry = self.entries.iter().position(|entry| entry.name == name)?;
        self.of(entry, group, number)
    }

    /// Of the other entry whose name this is.
    pub fn rival(&self, name: &str, group: Group, number: &str) -> Option<f64> {
        let entry = self.entries.iter().position(|entry| entry.name == name)?;
        self.of(entry, group, number)
    }

    /// The least or the largest of the rivals.
    pub fn best(&self, group: Group, number: &str, least: bool, kinds: &[Kind]) -> Option<f64> {
        let all = self.of_kinds(group, number, kinds);
        if least { all.reduce(f64::min) } else { all.reduce(f64::max) }
    }

    fn of_kinds(&self, group: Group, number: &str, kinds: &[Kind]) -> impl Iterator<Item = f64> {
        let all = self.all(group, number).into_iter();
        all.filter(move |(entry, _)| kinds.contains(&self.entries[*entry].kind)).map(|(_, n)| n)
    }
}

/// What is compared with nexlog.
pub const RIVALS: [Kind; 2] = [Kind::Direct, Kind::Async];
