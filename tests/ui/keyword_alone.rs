fn main() {
    nexlog::info!("paid", type);
}
