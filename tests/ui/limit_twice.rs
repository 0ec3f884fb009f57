fn main() {
    nexlog::info!(once(), once(), "paid");
    nexlog::info!(every(10), target("db"), every(20), "paid");
    nexlog::log!(per_second(1), nexlog::Level::Info, per_second(1), "paid");
}
