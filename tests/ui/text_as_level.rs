fn main() {
    nexlog::log!("info", "paid");
    nexlog::log!("WARN", order = 1);
    nexlog::enabled!("debug");
}
