fn main() {
    struct Cart;
    let (cart, total) = (Cart, 2);
    nexlog::info!("paid", total, cart = cart);
}
