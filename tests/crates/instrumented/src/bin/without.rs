//! The program whose functions never were.
#![deny(warnings, clippy::pedantic)]

macro_rules! traced {
    ({$($option:tt)*} $($function:tt)*) => { $($function)* };
}

#[path = "../program.rs"]
mod program;

fn main() {
    program::run();
}
