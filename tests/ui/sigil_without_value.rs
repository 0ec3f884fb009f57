fn main() {
    nexlog::info!("paid", order = ?);
}
