struct Opaque;

#[derive(nexlog::Value)]
struct Order {
    id: u64,
    opaque: Opaque,
}

fn main() {}
