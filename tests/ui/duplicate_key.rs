fn main() {
    nexlog::info!("paid", order = 1, total = 2, order = 3);
}
