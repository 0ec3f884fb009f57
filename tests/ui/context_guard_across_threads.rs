fn main() {
    let scope = nexlog::context!(id = 1);
    std::thread::spawn(move || drop(scope));
}
