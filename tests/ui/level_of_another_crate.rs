fn main() {
    #[allow(dead_code)]
    enum Level { Info }
    nexlog::log!(Level::Info, "paid");
}
