fn main() {
    let (order, total) = (1, 2);
    nexlog::info!("paid", order total);
}
