fn main() {
    nexlog::info!(target(3), "paid");
}
