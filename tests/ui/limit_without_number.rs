fn main() {
    nexlog::info!(every(), "paid");
    nexlog::info!(target("db"), per_second(), "paid");
    nexlog::info!(every(1, 2), "paid");
}
