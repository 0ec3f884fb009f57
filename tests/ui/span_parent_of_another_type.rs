fn main() {
    let _span = nexlog::span!(parent(&3), "import");
}
