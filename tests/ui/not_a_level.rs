fn main() {
    nexlog::log!(3, "paid");
}
