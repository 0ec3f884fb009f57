fn main() {
    nexlog::info!("paid {totall}");
}
