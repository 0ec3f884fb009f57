fn main() {
    nexlog::info!("paid", "" = 1);
}
