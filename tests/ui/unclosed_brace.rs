fn main() {
    nexlog::info!("paid {items");
}
