fn main() {
    let (x, y) = (1, 2);
    nexlog::info!("paid", x == y);
}
