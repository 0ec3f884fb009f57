use nexlog::instrument;

#[instrument(err)]
fn nothing() {}

#[instrument(err)]
fn number() -> u8 {
    1
}

#[instrument(err)]
async fn option() -> Option<u8> {
    None
}

struct Opaque;

#[instrument(err)]
fn no_text() -> Result<(), Opaque> {
    Err(Opaque)
}

#[instrument(err(Display))]
fn no_display() -> Result<(), Opaque> {
    Err(Opaque)
}

#[instrument(err(colour))]
fn no_form() -> Result<(), u8> {
    Ok(())
}

fn main() {}
