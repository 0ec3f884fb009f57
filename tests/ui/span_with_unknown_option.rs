fn main() {
    let id = 1;
    let _span = nexlog::span!(logger(&id), "import");
    let _span = nexlog::span!(name: "import", id);
    let _span = nexlog::span!(once(), "import");
}
