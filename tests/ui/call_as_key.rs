fn main() {
    let f = |x: u8| x.to_string();
    nexlog::info!("paid", f(1) = 2);
    nexlog::info!("paid"; f(1) => 2);
}
