fn main() {
    let span = nexlog::Span::none();
    let _span = nexlog::span!("import", target("db"));
    let _span = nexlog::span!("import", parent(&span));
    let _span = nexlog::span!("import", parent: &span);
}
