#[derive(nexlog::Value)]
struct Order {
    id: u64,
    #[nexlog(rename = "id")]
    other: u64,
}

#[derive(nexlog::Value)]
#[nexlog(tag = "kind", rename_all = "lowercase")]
enum Event {
    A { kind: u8 },
    B(u8, u8),
    #[nexlog(rename = "a")]
    C,
}

fn main() {
    nexlog::info!("m", order = Order { id: 1, other: 2 });
}
