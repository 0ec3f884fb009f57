use nexlog::instrument;

#[instrument(name)]
fn name() {}

#[instrument(level())]
fn level() {}

#[instrument(fields = 1)]
fn fields() {}

#[instrument(skip)]
fn skip() {}

#[instrument(parent)]
fn parent() {}

#[instrument(args(a))]
fn args(a: u8) {
    drop(a);
}

#[instrument(name = "a" level = "info")]
fn comma() {}

#[instrument(, args)]
fn nothing() {}

fn main() {}
