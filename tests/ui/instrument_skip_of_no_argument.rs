use nexlog::instrument;

#[instrument(skip(usr_id))]
fn misspelt(user_id: u8) {
    drop(user_id);
}

#[instrument(skip(order, order))]
fn twice(order: u8, user: u8) {
    drop((order, user));
}

#[instrument(skip(x))]
fn none() {}

#[instrument(skip(self.id))]
fn path(id: u8) {
    drop(id);
}

#[instrument(skip_all, args)]
fn all_and_none(id: u8) {
    drop(id);
}

#[instrument(skip(id), skip_all)]
fn one_and_all(id: u8) {
    drop(id);
}

fn main() {}
