fn main() {
    let _scope = nexlog::context!(cell = std::cell::Cell::new(1));
}
