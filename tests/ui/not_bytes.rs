fn main() {
    nexlog::info!("paid", order = bytes(5));
}
