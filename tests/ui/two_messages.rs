fn main() {
    nexlog::info!("paid", "in full");
}
