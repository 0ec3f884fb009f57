fn main() {
    let _ = nexlog::pattern!("{level} {msg");
}
