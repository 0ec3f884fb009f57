fn main() {
    let file = "a.csv";
    let _span = nexlog::span!("import {file}");
    let _span = nexlog::span!("import {}", file);
    let _span = nexlog::span!("import {file:?}", file);
}
