fn main() {
    let cart = [1];
    nexlog::info!("paid", cart = serde(&cart));
}
