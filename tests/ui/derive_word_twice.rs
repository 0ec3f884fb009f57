#[derive(nexlog::Value)]
struct Order {
    #[nexlog(rename = "a")]
    #[nexlog(rename = "b")]
    id: u64,
    #[nexlog(secret, display)]
    token: u8,
    #[nexlog(skip, rename = "x")]
    left_out: u8,
}

fn main() {}
