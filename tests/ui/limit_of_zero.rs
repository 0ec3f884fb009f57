fn main() {
    nexlog::info!(every(0), "paid");
    nexlog::info!(per_second(0_u64), "paid");
}
