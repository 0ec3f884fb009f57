fn main() {
    let _ = nexlog::pattern!("{level} {ts:%H:%Q} {msg}");
}
