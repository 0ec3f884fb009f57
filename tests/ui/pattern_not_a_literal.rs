fn main() {
    let text = "{msg}";
    let _ = nexlog::pattern!(text);
}
