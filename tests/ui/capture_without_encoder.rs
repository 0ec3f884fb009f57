fn main() {
    struct Cart;
    let cart = Cart;
    nexlog::info!("paid {cart}");
}
