//! The program whose lines are removed.
#![deny(warnings, clippy::pedantic)]

macro_rules! lines {
    ($($line:tt)*) => { $($line)* };
}

#[path = "../program.rs"]
mod program;

fn main() {
    program::run();
}
