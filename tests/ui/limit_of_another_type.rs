fn main() {
    let n = 3_usize;
    nexlog::info!(every("ten"), "paid");
    nexlog::info!(per_second(n), "paid");
    nexlog::info!(per_second(-1), "paid");
}
