use nexlog::instrument;

#[instrument(fields(usr_id))]
fn misspelt(user_id: u8) {
    drop(user_id);
}

#[instrument(fields(?order, limit = 3))]
fn other(user_id: u8) {
    drop(user_id);
}

#[instrument(fields(user_id, user_id = 1))]
fn twice(user_id: u8) {
    drop(user_id);
}

#[instrument(fields("text", f(x)))]
fn no_fields() {}

fn main() {}
