fn main() {
    let x = 1;
    nexlog::info!("paid {} of {}", x);
}
