fn main() {
    nexlog::info!("paid", order = , 1 = 2, "" = 3);
}
