//! The program that never had the lines.
#![deny(warnings, clippy::pedantic)]
#![allow(unused_variables)]

macro_rules! lines {
    ($($line:tt)*) => {};
}

#[path = "../program.rs"]
mod program;

fn main() {
    program::run();
}
