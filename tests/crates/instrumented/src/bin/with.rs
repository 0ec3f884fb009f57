//! The program whose functions are instrumented.
#![deny(warnings, clippy::pedantic)]

macro_rules! traced {
    ({$($option:tt)*} $($function:tt)*) => { #[nexlog::instrument($($option)*)] $($function)* };
}

#[path = "../program.rs"]
mod program;

fn main() {
    program::run();
}
