fn main() {
    let (x, y) = (1, 2);
    nexlog::info!("paid {1}", x + 1, y);
}
