use nexlog::instrument;

#[instrument(future)]
async fn of_async() {}

#[instrument(future)]
fn of_nothing() {}

fn main() {}
