fn main() {
    nexlog::info!(every: 10, "paid");
    nexlog::info!(once: 1, "paid");
}
