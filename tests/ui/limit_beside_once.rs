fn main() {
    nexlog::info!(once(), every(10), "paid");
    nexlog::info!(per_second(10), target("db"), once(), "paid");
}
