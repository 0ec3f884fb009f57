fn main() {
    nexlog::info!(traget: "db", "paid");
}
