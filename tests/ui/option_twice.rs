fn main() {
    nexlog::info!(target("db"), target: "web", "paid");
}
