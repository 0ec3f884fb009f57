fn main() {
    let span = 1;
    nexlog::info!(name: "payment", "paid");
    nexlog::info!(parent: &span, "paid");
    nexlog::log!(name: "payment", nexlog::Level::Info, "paid");
}
