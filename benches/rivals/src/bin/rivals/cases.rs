//! What is to be measured: a case is one kind of process. Those of a group are compared with each
//! other and run one after another.

use rivals::{Format, Measure, Shape};

use crate::options::Options;
use crate::programs::Entry;

/// The order of fields is the order of groups.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Group {
    pub measure: Measure,
    pub shape: Shape,
    pub format: Format,
    pub threads: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Case {
    pub group: Group,
    /// Its place in the list of entries.
    pub entry: usize,
}

pub const THREADS: [u64; 4] = [1, 2, 4, 8];

/// Threads of which each keeps a buffer, in `memory`.
const IDLE_THREADS: u64 = 10_000;

/// Rounds of what takes long and differs little.
const FEW_ROUNDS: usize = 2;

/// Of all entries, sorted by group.
pub fn all(entries: &[Entry], options: &Options) -> Vec<Case> {
    let mut cases = Vec::new();
    for (entry, about) in entries.iter().enumerate() {
        let format = about.formats[0];
        for &measure in about.measures.iter().filter(|&&measure| options.wants(measure)) {
            let mut add = |shape, format, threads| {
                let group = Group { measure, shape, format, threads };
                cases.push(Case { group, entry });
            };
            match measure {
                Measure::Throughput => {
                    for &shape in &about.shapes {
                        let threads = if shape == Shape::Request { &THREADS[..] } else { &[1] };
                        threads.iter().for_each(|&threads| add(shape, format, threads));
                    }
                    about.formats[1..].iter().for_each(|&other| add(Shape::Request, other, 1));
                }
                // What only differs in the format of its lines is compared all the same.
                Measure::Memory => add(Shape::Request, Format::Json, IDLE_THREADS),
                _ => add(Shape::Request, Format::Json, 1),
            }
        }
    }
    cases.sort();
    cases
}

/// The cases of a round; the rivals of a group begin with another one in each.
pub fn in_turn(cases: &[Case], round: usize) -> Vec<Case> {
    let groups = cases.chunk_by(|a, b| a.group == b.group);
    groups
        .filter(|group| is_in_round(group[0].group.measure, round))
        .flat_map(|group| {
            let mut turn = group.to_vec();
            turn.rotate_left(round * 3 % group.len());
            turn
        })
        .collect()
}

/// Round 0 finds out how many records a run of `throughput` takes.
fn is_in_round(measure: Measure, round: usize) -> bool {
    match measure {
        Measure::Throughput => true,
        Measure::Memory | Measure::Idle => (1..=FEW_ROUNDS).contains(&round),
        _ => round > 0,
    }
}
