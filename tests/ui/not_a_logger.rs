fn main() {
    nexlog::info!(logger("db"), "paid");
}
