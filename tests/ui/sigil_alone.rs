fn main() {
    nexlog::info!("paid", ?);
}
