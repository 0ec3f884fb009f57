fn main() {
    nexlog::info!(once(1), "paid");
}
