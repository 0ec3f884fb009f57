//! A library whose lines its users want to turn off.
#![deny(warnings, clippy::pedantic)]

/// Says more than anybody asked for.
pub fn talk(times: &mut u64) {
    nexlog::error!("needle_noisy", needle_key_of_noisy = bump(times));
}

fn bump(times: &mut u64) -> u64 {
    *times += 1;
    *times
}
