fn main() {
    nexlog::info!(concat!("at line ", line!()));
}
