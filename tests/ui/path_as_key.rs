fn main() {
    const KEY: &str = "order";
    struct Keys;
    impl Keys {
        const ORDER: &str = KEY;
    }
    let keys = [KEY];
    nexlog::info!("paid", keys[0] = 2);
    nexlog::info!("paid", Keys::ORDER = 2);
}
