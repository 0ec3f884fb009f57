fn main() {
    let _ = nexlog::enabled!(nexlog::Level::Info, "paid");
}
