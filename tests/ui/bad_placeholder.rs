fn main() {
    nexlog::info!("got { \"a\": 1 }");
}
