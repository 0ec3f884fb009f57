fn main() {
    nexlog::info!("paid", order = , total = 2);
}
