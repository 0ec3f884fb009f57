fn main() {
    let _span = nexlog::span!(target("a"), target("b"), "import");
    let _span = nexlog::span!(nexlog::Level::Info, level("info"), "import");
    let _span = nexlog::span!(level("info"), nexlog::Level::Info, "import");
    let _span = nexlog::span!(parent(None), target(), "import");
}
