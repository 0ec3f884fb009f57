fn main() {
    nexlog::info!("paid", ?order = 1);
}
