use nexlog::instrument;

#[instrument]
struct Order;

#[instrument]
impl Order {
    fn pay(&self) {}
}

#[instrument]
const LIMIT: u8 = 1;

#[instrument]
static NAME: &str = "a";

#[instrument]
mod db {}

trait Pay {
    #[instrument]
    fn pay(&self);
}

fn main() {}
