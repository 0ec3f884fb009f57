//! Random programs of records make the same bytes, but for their times, whichever way they take:
//! all modes, large and small lanes, the short way of a call (the global logger) and the long one
//! (a local logger), alone and among other threads.

#![allow(clippy::cast_possible_truncation)] // small numbers, and bytes cut on purpose

mod support;

use nexlog::{File, Level, Logger, Memory, Mode, error, info, log, warn};
use std::collections::BTreeMap;
use std::time::Duration;
use support::child::{self, told};
use support::random::Random;
use support::{Folder, MODES, PATIENCE, assert_balanced, lines, mode, scaled};

support::child::harness! {
    tests: [
        every_mode_and_lane_size_makes_the_same_lines,
        the_short_and_the_long_way_make_the_same_lines,
        threads_do_not_change_each_others_lines,
    ],
    scenes: [global_program],
}

/// A call, written once for a logger and once for the global one, so that both have the same
/// target, message and fields.
macro_rules! call {
    ($logger:ident, $level:ident, $($arguments:tt)*) => {
        match $logger {
            Some(logger) => $level!(logger(logger), $($arguments)*),
            None => $level!($($arguments)*),
        }
    };
}

struct Loud<'a>(&'a str);

impl std::fmt::Display for Loud<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.split(' ').try_for_each(|word| write!(f, "{word}!"))
    }
}

/// One record of many fields.
fn wide_step(
    count: u64,
    (number, text, float, maybe): (u64, &String, f64, Option<u64>),
    logger: Option<&Logger>,
) {
    match count {
        14 => call!(
            logger,
            info,
            "13 fields",
            a = number,
            b = text,
            c = float,
            d = maybe,
            e = number as i8,
            f = "x",
            g = true,
            h = number,
            i = text,
            j = float,
            k = maybe,
            l = number as i8,
            m = "x"
        ),
        15 => call!(
            logger,
            info,
            "20 fields",
            a = number,
            b = text,
            c = float,
            d = maybe,
            e = number as i8,
            f = "x",
            g = true,
            h = number,
            i = text,
            j = float,
            k = maybe,
            l = number as i8,
            m = "x",
            n = true,
            o = number,
            p = text,
            q = float,
            r = maybe,
            s = number as i8,
            t = "x"
        ),
        _ => call!(
            logger,
            info,
            "21 fields",
            a = number,
            b = text,
            c = float,
            d = maybe,
            e = number as i8,
            f = "x",
            g = true,
            h = number,
            i = text,
            j = float,
            k = maybe,
            l = number as i8,
            m = "x",
            n = true,
            o = number,
            p = text,
            q = float,
            r = maybe,
            s = number as i8,
            t = "x",
            u = true
        ),
    }
}

/// One record, of random shape and content.
fn step(random: &mut Random, program: u64, logger: Option<&Logger>) {
    let (number, text) = (random.next(), random.text(30));
    let size =
        usize::try_from([0, 10, 300, 5_000, 9_000, 20_000][random.below(6) as usize]).unwrap();
    let long = if random.chance(8) { "ü ".repeat(size / 3) } else { text.clone() };
    let maybe = random.chance(2).then_some(number);
    let float = f64::from_bits(random.next());
    match random.below(17) {
        0 => call!(logger, info, "plain", program),
        1 => call!(logger, info, "numbers", program, number, float, small = number as u8, maybe),
        2 => call!(logger, info, "texts", program, text, long),
        3 => call!(logger, warn, "shown {number} {text}", program),
        4 => call!(logger, info, "placed {} {:?}", number, text, program),
        5 => call!(logger, info, "rendered", program, shown = display(Loud(&text)), ?long),
        6 => call!(logger, error, "dotted", program, a.b = number, "quoted key" = &text),
        count @ 14.. => wide_step(count, (number, &text, float, maybe), logger),
        7 => call!(logger, info, "lists", program, list = [number, 1, 2], pair = (maybe, &text)),
        8 => {
            let map = BTreeMap::from([(random.text(5), number), (String::from("z"), 1)]);
            call!(logger, info, "maps", program, map = &map, ..map);
        }
        9 => call!(logger, info, "times", program, took = Duration::from_nanos(number)),
        10 => call!(logger, info, program = program, message = secret(&text)),
        11 => {
            let level = if number.is_multiple_of(2) { Level::Info } else { Level::Critical };
            let target = format!("t.{}", number % 5);
            match logger {
                Some(l) => {
                    log!(level, logger(l), target(&target), "run time", program, (&text) = 1);
                }
                None => log!(level, target(&target), "run time", program, (&text) = 1),
            }
        }
        12 => call!(
            logger,
            info,
            "many",
            program,
            a = 1,
            b = 2,
            c = 'c',
            d = true,
            e = 1.5,
            f = number,
            g = &text,
            h = maybe,
            i = 9_i8,
            j = u128::MAX,
            k = "k",
            l = i128::MIN,
            m = 13,
            n = 14
        ),
        _ => {
            let error = text.parse::<u64>();
            if let Err(error) = error {
                call!(logger, error, "failed", program, error = err(&error), raw = bytes(&text));
            }
        }
    }
}

fn run(seed: u64, program: u64, steps: u64, logger: Option<&Logger>) {
    let mut random = Random::new(seed * 31 + program);
    for number in 0..steps {
        step(&mut random, program, logger);
        if number % 97 == 50 {
            let _ = logger.map_or_else(|| nexlog::flush(PATIENCE), |logger| logger.flush(PATIENCE));
        }
    }
}

fn steps() -> u64 {
    scaled(600, 20_000)
}

/// The lines without their times, which must be well-formed and first.
fn timeless(lines: &[String]) -> Vec<String> {
    lines::parse(lines);
    lines
        .iter()
        .map(|line| {
            let (head, rest) = line.split_at("{\"ts\":\"2026-11-22T13:50:00.123456Z\"".len());
            assert!(head.starts_with("{\"ts\":\"") && head.ends_with("Z\""), "{line}");
            rest.to_owned()
        })
        .collect()
}

fn local(seed: u64, mode: Mode, lane_bytes: usize) -> Vec<String> {
    let memory = Memory::new();
    let builder = nexlog::builder().sink(memory.clone()).mode(mode).lane_bytes(lane_bytes);
    let logger = builder.flush_interval(Duration::from_millis(2)).build().unwrap();
    run(seed, 0, steps(), Some(&logger));
    logger.flush(PATIENCE).unwrap();
    assert_balanced(&logger.stats());
    assert_eq!(logger.stats().dropped, 0);
    timeless(&memory.lines())
}

#[track_caller]
fn assert_same(one: &[String], other: &[String], what: &str) {
    let differs = one.iter().zip(other).find(|(one, other)| one != other);
    assert!(differs.is_none(), "{what}: {differs:#?}");
    assert_eq!(one.len(), other.len(), "{what}");
}

fn every_mode_and_lane_size_makes_the_same_lines() {
    for seed in 0..scaled(4, 50) {
        let reference = local(seed, Mode::Immediate, 1 << 20);
        assert!(reference.len() as u64 > steps() / 2);
        for (name, mode) in MODES {
            for lane_bytes in [32 << 10, 1 << 20] {
                let other = local(seed, mode, lane_bytes);
                assert_same(&reference, &other, &format!("seed {seed}, {name}, {lane_bytes}"));
            }
        }
    }
}

fn global_program() {
    let builder = nexlog::builder().file(File::at(told("FILE"))).mode(mode(&told("MODE")));
    builder.lane_bytes(told("LANE").parse::<u64>().unwrap()).install().unwrap();
    let seed = told("SEED").parse().unwrap();
    // A second time, when every site is known and the thread has its lane.
    run(seed, 0, steps(), None);
    run(seed, 0, steps(), None);
}

fn the_short_and_the_long_way_make_the_same_lines() {
    for seed in 0..scaled(3, 50) {
        let reference = local(seed, Mode::Immediate, 1 << 20);
        let reference = [reference.clone(), reference].concat();
        for (name, _) in MODES {
            for lane in ["32768", "1048576"] {
                let folder = Folder::new();
                let (file, seed_text) = (folder.file("app.log"), seed.to_string());
                let file_text = file.to_str().unwrap();
                let told =
                    [("FILE", file_text), ("MODE", name), ("SEED", &seed_text), ("LANE", lane)];
                child::run("global_program", &told).expect_success();
                let other = timeless(&lines::of_file(&file));
                assert_same(&reference, &other, &format!("seed {seed}, {name}, {lane}"));
            }
        }
    }
}

fn threads_do_not_change_each_others_lines() {
    const THREADS: u64 = 4;
    for (name, mode) in MODES {
        let run_all = |is_alone: bool| {
            let memory = Memory::new();
            let builder = nexlog::builder().sink(memory.clone()).mode(mode).lane_bytes(32 << 10);
            let logger = builder.build().unwrap();
            if is_alone {
                (0..THREADS).for_each(|program| run(1, program, steps(), Some(&logger)));
            } else {
                std::thread::scope(|scope| {
                    for program in 0..THREADS {
                        let logger = &logger;
                        scope.spawn(move || run(1, program, steps(), Some(logger)));
                    }
                });
            }
            logger.flush(PATIENCE).unwrap();
            assert_balanced(&logger.stats());
            timeless(&memory.lines())
        };
        let (alone, together) = (run_all(true), run_all(false));
        for program in 0..THREADS {
            let key = format!("\"program\":{program}");
            let of = |lines: &[String]| -> Vec<String> {
                lines.iter().filter(|line| line.contains(&key)).cloned().collect()
            };
            assert_same(&of(&alone), &of(&together), &format!("{name}, program {program}"));
        }
    }
}
