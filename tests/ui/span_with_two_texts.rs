fn main() {
    let _span = nexlog::span!("import", "begins");
}
