fn main() {
    nexlog::info!("paid", every(10));
    nexlog::info!("paid", id = 1, once());
}
