fn main() {
    let x = 1;
    nexlog::info!(format!("paid {x}"));
}
