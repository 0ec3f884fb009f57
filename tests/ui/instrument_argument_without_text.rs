use nexlog::instrument;

struct Card;

#[instrument(args)]
fn pay(card: Card, id: u8) {
    drop((card, id));
}

#[instrument(args)]
fn generic<T>(value: T) {
    drop(value);
}

fn main() {}
