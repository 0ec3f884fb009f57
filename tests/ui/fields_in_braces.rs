fn main() {
    nexlog::info!({ order = 1, total = ?2 }, "paid");
    let order = 1;
    nexlog::info!(target: "db", { order }, "paid");
}
