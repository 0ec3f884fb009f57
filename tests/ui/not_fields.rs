fn main() {
    nexlog::info!("paid", ..3);
}
