fn main() {
    nexlog::log!("paid");
}
