use nexlog::instrument;

const NAME: &str = "pay";

#[instrument(name = NAME)]
fn name() {}

#[instrument(target = NAME)]
fn target() {}

#[instrument(target = "")]
fn empty_target() {}

#[instrument("")]
fn empty_name() {}

#[instrument("pay {id}", fields(id))]
fn placeholder(id: u8) {
    drop(id);
}

#[instrument(level = NAME)]
fn level() {}

#[instrument(level = "inof")]
fn level_by_name() {}

#[instrument(crate = 3)]
fn path() {}

fn main() {}
