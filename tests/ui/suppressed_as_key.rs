fn main() {
    let suppressed = 1;
    nexlog::info!(every(10), "paid", suppressed = 2);
    nexlog::info!(once(), "paid", suppressed);
    nexlog::info!(once(), "paid {suppressed}");
    nexlog::info!("paid {suppressed}");
}
