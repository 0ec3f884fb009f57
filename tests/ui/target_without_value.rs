fn main() {
    nexlog::info!(target(), "paid");
}
