fn main() {
    let reason = "declined";
    nexlog::info!("refused", reason = err(reason));
}
