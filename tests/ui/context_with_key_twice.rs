fn main() {
    let id = 1;
    let _scope = nexlog::context!(id, id = 2);
    let _span = nexlog::span!("import", id, id = 2);
}
