fn main() {
    nexlog::info!("paid", target: "db");
}
