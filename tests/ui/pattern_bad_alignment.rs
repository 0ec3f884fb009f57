fn main() {
    let _ = nexlog::pattern!("{level:>five} {msg}");
}
