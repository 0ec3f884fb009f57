fn main() {
    nexlog::info!("paid {} items", order = 1);
}
