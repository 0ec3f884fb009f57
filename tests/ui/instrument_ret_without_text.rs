use nexlog::instrument;

struct Card;

#[instrument(ret)]
fn value() -> Card {
    Card
}

#[instrument(ret, err)]
fn inside_result() -> Result<Card, std::fmt::Error> {
    Ok(Card)
}

#[instrument(ret)]
fn whole_result() -> Result<Card, std::fmt::Error> {
    Ok(Card)
}

#[instrument(ret(Debug))]
async fn of_future() -> Card {
    Card
}

fn main() {}
