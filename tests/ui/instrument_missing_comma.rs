use nexlog::instrument;

#[instrument(level = "info" target = "db")]
fn behind_level() {}

#[instrument(args elapsed)]
fn behind_flag(id: u8) {
    let _ = id;
}

#[instrument(ret(level = "warn" Debug))]
fn inside() -> u8 {
    1
}

#[instrument(level = "debug".trim(), target = "db")]
fn no_comma_is_missing() {}

fn main() {}
