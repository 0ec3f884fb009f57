#[derive(nexlog::Value)]
#[nexlog(rename = "O")]
struct Order {
    #[nexlog(renam = "order_id")]
    id: u64,
    #[nexlog(skip_serializing_if = "Option::is_none")]
    note: Option<u8>,
}

#[derive(nexlog::Value)]
#[nexlog(untagged)]
enum State {
    #[nexlog(secret)]
    On,
    Off(#[nexlog(rename = "x")] u8),
}

fn main() {
    nexlog::info!("m", order = Order { id: 1, note: None }, state = State::Off(1));
}
