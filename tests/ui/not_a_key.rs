fn main() {
    nexlog::info!("paid", (5) = 2);
}
