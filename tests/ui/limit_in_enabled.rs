fn main() {
    nexlog::enabled!(nexlog::Level::Info, every(10));
    nexlog::enabled!(once(), nexlog::Level::Info);
}
