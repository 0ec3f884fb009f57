fn main() {
    nexlog::info!(colour("red"), "paid");
}
