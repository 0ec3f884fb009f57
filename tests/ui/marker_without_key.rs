fn main() {
    let items = [1];
    nexlog::info!(debug(items), "paid");
}
