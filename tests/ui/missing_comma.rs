fn main() {
    let total = 2;
    nexlog::info!("paid", order = 1 total);
}
