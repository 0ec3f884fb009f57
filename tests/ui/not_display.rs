fn main() {
    struct Cart;
    nexlog::info!("paid {}", Cart);
}
