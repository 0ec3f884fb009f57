fn main() {
    let items = [1];
    nexlog::info!("paid", items.len());
}
