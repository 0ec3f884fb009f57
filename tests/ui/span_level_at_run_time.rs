use nexlog::Level;

fn main() {
    let level = Level::Info;
    let _span = nexlog::span!(level, "import");
    let _span = nexlog::span!(level(if true { Level::Info } else { Level::Warn }), "import");
    let _span = nexlog::span!(level("inof"), "import");
    let target = "db";
    let _span = nexlog::span!(target(target), "import");
}
