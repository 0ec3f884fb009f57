use nexlog::instrument;

#[instrument(name = "a", level = "info", name = "b")]
fn named() {}

#[instrument("a", name = "b")]
fn named_by_text() {}

#[instrument(err, err(Debug))]
fn failing() -> Result<(), ()> {
    Ok(())
}

#[instrument(err(Debug, Display))]
fn failing_in_two_forms() -> Result<(), ()> {
    Ok(())
}

fn main() {}
