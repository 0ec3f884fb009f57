fn main() {
    let id = 1;
    let _scope = nexlog::context!("paid", id);
    let _set = nexlog::fields! { id, "paid" };
}
