#[derive(nexlog::Value)]
struct Order {
    id: u64,
    #[nexlog(flatten)]
    total: f64,
}

fn main() {}
