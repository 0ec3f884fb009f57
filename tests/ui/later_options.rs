fn main() {
    nexlog::info!(once(), "paid");
    nexlog::info!(every(100), "paid");
    nexlog::info!(per_second(10), "paid");
}
