use nexlog::instrument;

#[instrument(nmae = "pay")]
fn misspelt() {}

#[instrument(colour = "red")]
fn unknown() {}

#[instrument(follows_from = 1)]
fn of_tracing() {}

#[instrument(logger = 1)]
fn of_records() {}

#[instrument(3)]
fn number() {}

fn main() {}
